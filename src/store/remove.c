/* remove.c - what is deleted by hand or goes by itself. */
#include "store/state.h"

#include <errno.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define BATCH "500" /* entries that go at once; between them others may write */

/* Stands in the file: whoever has it next, another program or the next start, does what could not be done. 1: deleted texts may still be
 * in it. */
#define SCRUB_DUE "PRAGMA application_id"

/* ---- out of the file ---- */

/* SQLite zeroes a deleted row where it is, but copies of it may be left in places where rows were moved about: all is written anew, into
 * the log and from there, and the log is cut off. */
int va_history_scrub(va_history *history, va_error *error)
{
    int64_t is_busy;
    int r;

    if ((r = va_database_run(history->writer, "VACUUM", error)) < 0 ||
        (r = va_database_number(history->writer, "PRAGMA wal_checkpoint(TRUNCATE)", &is_busy, error)) < 0)
        return r;
    if (is_busy)
        return va_fail(error, VA_EBUSY, "another program reads the history, so that what was deleted is still in its log");
    return va_database_run(history->writer, SCRUB_DUE " = 0", error);
}

/* Deletes by a statement that has one number or none. */
static int run_delete(va_history *history, const char *sql, double number, int64_t *ret_n, va_error *error)
{
    sqlite3_stmt *statement = NULL;
    int r = va_database_prepare(history->writer, sql, &statement, error);

    if (r < 0)
        return r;
    if ((sqlite3_bind_parameter_count(statement) > 0 && sqlite3_bind_double(statement, 1, number) != SQLITE_OK) ||
        sqlite3_step(statement) != SQLITE_DONE)
        r = va_database_fail(history->writer, error);
    else
        *ret_n = sqlite3_changes64(history->writer->db);
    sqlite3_finalize(statement);
    return r;
}

/* What goes is marked as to be scrubbed with it. */
static int delete_marked(va_history *history, const char *sql, double number, int64_t *ret_n, va_error *error)
{
    int r = va_database_run(history->writer, "BEGIN IMMEDIATE", error);

    if (r == 0)
        r = run_delete(history, sql, number, ret_n, error);
    if (r == 0 && *ret_n > 0)
        r = va_database_run(history->writer, SCRUB_DUE " = 1", error);
    return r < 0 ? r : va_database_run(history->writer, "COMMIT", error);
}

/* With write_lock held. */
static int delete_and_scrub(va_history *history, const char *sql, double number, int64_t *ret_n, va_error *error)
{
    va_error reason;
    int64_t n = 0, is_due = 0;
    int r = va_history_hold_writer(history, 0, error);

    if (r == 0)
        r = delete_marked(history, sql, number, &n, error);
    if (r == 0)
        r = va_database_number(history->writer, SCRUB_DUE, &is_due, error);
    if (r == 0)
        *ret_n = n;
    if (r == 0 && is_due && (r = va_history_scrub(history, &reason)) < 0) {
        r = va_fail(error, r, "deleted, but it may be found in the file: %s", reason.text);
        va_upkeep_want(history, VA_UPKEEP_TRIM); /* which tries again each minute */
    }
    if (r < 0)
        va_history_drop_writer(history); /* rolls back what is not done */
    return r;
}

int va_history_delete(va_history *history, int64_t id, va_error *error)
{
    int64_t n = 0;

    pthread_mutex_lock(&history->write_lock);
    int r = delete_and_scrub(history, "DELETE FROM entries WHERE id = CAST(?1 AS INTEGER)", (double)id, &n, error);
    pthread_mutex_unlock(&history->write_lock);
    return r == VA_ENOTFOUND || (r == 0 && n == 0) ? va_fail(error, VA_ENOTFOUND, "there is no such entry in the history") : r;
}

static void remove_aside(va_history *history)
{
    char *log = va_asprintf("%s-wal", history->aside);

    unlink(history->aside);
    if (log != NULL)
        unlink(log);
    va_free(log);
}

/* With write_lock held. Without SQLite, where that cannot: the file is damaged, or the disk is too full even to delete. */
static int remove_file(va_history *history, va_error *error)
{
    char *log = va_asprintf("%s-wal", history->path), *index = va_asprintf("%s-shm", history->path);
    int r = log == NULL || index == NULL ? va_fail_memory(error) : 0;

    va_history_drop_writer(history);
    pthread_mutex_lock(&history->read_lock);
    va_database_close(history->reader);
    history->reader = NULL;
    if (r == 0 && unlink(history->path) < 0)
        r = va_fail_errno(error, "cannot remove %s", history->path);
    if (r == 0) {
        unlink(log);
        unlink(index);
    }
    pthread_mutex_unlock(&history->read_lock);
    va_free(index);
    va_free(log);
    return r;
}

int va_history_delete_before(va_history *history, double unix_s, int64_t *ret_n, va_error *error)
{
    int64_t n = 0;
    int is_all = unix_s == (double)INFINITY;

    pthread_mutex_lock(&history->write_lock);
    int r = delete_and_scrub(history, "DELETE FROM entries WHERE unix_ms < ?1", unix_s * 1000.0, &n, error);
    if (is_all && (r == VA_EFORMAT || r == VA_EIO))
        r = remove_file(history, error);
    pthread_mutex_unlock(&history->write_lock);
    if (is_all)
        remove_aside(history);
    if (r < 0 && r != VA_ENOTFOUND)
        return r;
    *ret_n = n;
    return 0;
}

/* ---- by itself ---- */

static int trim_age(va_history *history, double before_s, int64_t *ret_n, va_error *error)
{
    static const char sql[] = "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE unix_ms < ?1 LIMIT " BATCH ")";

    return run_delete(history, sql, before_s * 1000.0, ret_n, error);
}

/* As many as take what is too much, where all are of the same length: few that are long do not all go at once. */
static int trim_size(va_history *history, double max_bytes, int64_t *ret_n, va_error *error)
{
    static const char size[] = "SELECT (page_count - freelist_count) * page_size"
                               " FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    static const char sql[] =
        "DELETE FROM entries WHERE id IN (SELECT id FROM entries ORDER BY id LIMIT min(" BATCH ", CAST(?1 AS INTEGER)))";
    int64_t bytes, n_entries;
    int r = va_database_number(history->writer, size, &bytes, error);

    if (r < 0 || (double)bytes <= max_bytes ||
        (r = va_database_number(history->writer, "SELECT count(*) FROM entries", &n_entries, error)) < 0)
        return r;
    return run_delete(history, sql, ceil((double)n_entries * (1.0 - max_bytes / (double)bytes)), ret_n, error);
}

/* One batch. *ret_n: how many went. */
static int trim_some(va_history *history, int by_size, double limit, int64_t *ret_n, va_error *error)
{
    pthread_mutex_lock(&history->write_lock);
    int r = va_history_hold_writer(history, 0, error);
    if (r == 0)
        r = by_size ? trim_size(history, limit, ret_n, error) : trim_age(history, limit, ret_n, error);
    if (r < 0)
        va_history_drop_writer(history);
    pthread_mutex_unlock(&history->write_lock);
    return r;
}

static int trim(va_history *history, int by_size, double limit, int64_t *total, va_error *error)
{
    for (int64_t n = 1; n > 0; *total += n) {
        n = 0;
        int r = trim_some(history, by_size, limit, &n, error);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What is to be scrubbed is; else, where entries have gone, free pages are given back, and the log is cut off. */
static int shrink(va_history *history, int has_trimmed, va_error *error)
{
    int64_t is_busy, is_due = 0;

    pthread_mutex_lock(&history->write_lock);
    int r = va_history_hold_writer(history, 0, error);
    if (r == 0)
        r = va_database_number(history->writer, SCRUB_DUE, &is_due, error);
    if (r == 0 && is_due)
        r = va_history_scrub(history, error);
    else if (r == 0 && has_trimmed && (r = va_database_run(history->writer, "PRAGMA incremental_vacuum", error)) == 0)
        r = va_database_number(history->writer, "PRAGMA wal_checkpoint(TRUNCATE)", &is_busy, error);
    pthread_mutex_unlock(&history->write_lock);
    return r;
}

int va_history_trim(va_history *history, va_error *error)
{
    double max_age_s = atomic_load(&history->max_age_s), now_s = va_clock_unix_s();
    uint64_t max_bytes = atomic_load(&history->max_bytes);
    struct stat info;
    int64_t n = 0;
    int r = 0;

    if (max_age_s > 0 && stat(history->aside, &info) == 0 && (double)info.st_mtime < now_s - max_age_s)
        remove_aside(history);
    if (max_age_s > 0)
        r = trim(history, 0, now_s - max_age_s, &n, error);
    if (r == 0 && max_bytes > 0)
        r = trim(history, 1, (double)max_bytes, &n, error);
    if (r == 0)
        r = shrink(history, n > 0, error);
    return r == VA_ENOTFOUND ? 0 : r;
}
