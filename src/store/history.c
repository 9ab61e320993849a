#include "store/state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/paths.h"

#define ADDS_PER_TRIM 1000

/* ---- opening ---- */

int va_history_open(const char *folder, const struct va_history_options *options, va_history **ret_history, va_error *error)
{
    int r;
    va_history *history = va_calloc(1, sizeof *history);
    if (history == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&history->write_lock, NULL);
    pthread_mutex_init(&history->read_lock, NULL);
    pthread_mutex_init(&history->lock, NULL);
    history->end = &history->waiting;
    history->notice = options->notice;
    history->user = options->user;
    history->upkeep = options->upkeep;
    history->path = va_paths_join(folder, VA_HISTORY_FILE);
    history->aside = va_paths_join(folder, VA_HISTORY_ASIDE);
    va_history_configure(history, options);
    r = history->path == NULL || history->aside == NULL ? va_fail_memory(error) : va_upkeep_start(history, error);
    if (r < 0) {
        va_history_close(history);
        return r;
    }
    *ret_history = history;
    return 0;
}

void va_history_close(va_history *history)
{
    if (history == NULL)
        return;
    va_upkeep_stop(history);
    va_history_drop_writer(history);
    va_database_close(history->reader);
    va_free(history->path);
    va_free(history->aside);
    pthread_mutex_destroy(&history->lock);
    pthread_mutex_destroy(&history->read_lock);
    pthread_mutex_destroy(&history->write_lock);
    va_free(history);
}

void va_history_configure(va_history *history, const struct va_history_options *options)
{
    atomic_store(&history->enabled, options->enabled);
    atomic_store(&history->max_age_s, options->max_age_s);
    atomic_store(&history->max_bytes, options->max_bytes);
    va_upkeep_want(history, VA_UPKEEP_TRIM);
}

int va_history_is_enabled(const va_history *history)
{
    return atomic_load(&history->enabled);
}

void va_history_drop_writer(va_history *history)
{
    sqlite3_finalize(history->insert);
    history->insert = NULL;
    va_database_close(history->writer);
    history->writer = NULL;
}

/* The file may have been removed or replaced: what is written to the one that was opened would be lost. */
int va_history_hold_writer(va_history *history, int make, va_error *error)
{
    if (history->writer != NULL && !va_database_is_current(history->writer, history->path))
        va_history_drop_writer(history);
    if (history->writer != NULL)
        return 0;
    int r = va_database_open(history->path, make, &history->writer, error);
    if (r != VA_EFORMAT || !history->upkeep || (r = va_history_set_aside(history, error)) < 0)
        return r;
    return va_database_open(history->path, 1, &history->writer, error);
}

/* ---- a damaged file ---- */

/* The file and its log; the index of the log is made anew. The file goes first: a log beside an empty file is ignored. */
int va_history_set_aside(va_history *history, va_error *error)
{
    char *log = va_asprintf("%s-wal", history->path), *log_aside = va_asprintf("%s-wal", history->aside);
    char *index = va_asprintf("%s-shm", history->path);
    int r = 0;

    if (log == NULL || log_aside == NULL || index == NULL) {
        r = va_fail_memory(error);
        goto end;
    }
    va_history_drop_writer(history);
    pthread_mutex_lock(&history->read_lock);
    va_database_close(history->reader);
    history->reader = NULL;
    unlink(log_aside);
    if (rename(history->path, history->aside) < 0)
        r = va_fail_errno(error, "the damaged history cannot be set aside as %s", history->aside);
    if (r == 0) {
        (void)rename(log, log_aside);
        unlink(index);
    }
    pthread_mutex_unlock(&history->read_lock);
    if (r == 0 && history->notice != NULL) {
        char text[512];
        snprintf(text, sizeof text, "the history was damaged: it is %s now, and a new one is begun", history->aside);
        history->notice(history->user, text);
    }

end:
    va_free(index);
    va_free(log_aside);
    va_free(log);
    return r;
}

/* ---- adding ---- */

static int bind_text(sqlite3_stmt *statement, int column, const char *text)
{
    return text == NULL ? sqlite3_bind_null(statement, column) : sqlite3_bind_text(statement, column, text, -1, SQLITE_STATIC);
}

static int bind_number(sqlite3_stmt *statement, int column, double value)
{
    return isfinite(value) ? sqlite3_bind_double(statement, column, value) : sqlite3_bind_null(statement, column);
}

static int insert(va_history *history, struct va_waiting_entry *waiting, va_error *error)
{
    static const char sql[] =
        "INSERT INTO entries (unix_ms, kind, source, request_id, text, language, command, slots, response, confidence,"
        " duration_s, success) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    const struct va_history_entry *entry = waiting->entry;
    int r = history->insert != NULL ? 0 : va_database_prepare(history->writer, sql, &history->insert, error);

    if (r < 0)
        return r;
    sqlite3_stmt *s = history->insert;
    const char *const texts[] = {entry->kind,     entry->source,  entry->request_id, entry->text,
                                 entry->language, entry->command, entry->slots_json, entry->response};
    int code = sqlite3_bind_int64(s, 1, (int64_t)(waiting->unix_s * 1000.0));
    for (int i = 0; i < 8 && code == SQLITE_OK; i++)
        code = bind_text(s, i + 2, texts[i]);
    if (code == SQLITE_OK)
        code = bind_number(s, 10, entry->confidence);
    if (code == SQLITE_OK)
        code = bind_number(s, 11, entry->duration_s);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(s, 12, entry->success != 0);
    if (code == SQLITE_OK)
        code = sqlite3_step(s);
    if (code == SQLITE_DONE)
        waiting->id = sqlite3_last_insert_rowid(history->writer->db);
    else
        r = va_database_fail(history->writer, error);
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return r;
}

/* One transaction: one wait for the disk. */
static int write_all(va_history *history, struct va_waiting_entry *first, va_error *error)
{
    int r = va_history_hold_writer(history, 1, error);

    if (r < 0 || (r = va_database_run(history->writer, "BEGIN IMMEDIATE", error)) < 0)
        goto fail;
    for (struct va_waiting_entry *waiting = first; waiting != NULL; waiting = waiting->next)
        if ((r = insert(history, waiting, error)) < 0)
            goto fail;
    if ((r = va_database_run(history->writer, "COMMIT", error)) < 0)
        goto fail;
    return 0;

fail:
    va_history_drop_writer(history); /* rolls back */
    return r;
}

/* With write_lock held: all that wait by now. */
static void write_waiting(va_history *history)
{
    va_error error = {0};
    uint64_t n = 0;

    pthread_mutex_lock(&history->lock);
    struct va_waiting_entry *first = history->waiting;
    history->waiting = NULL;
    history->end = &history->waiting;
    pthread_mutex_unlock(&history->lock);
    int r = write_all(history, first, &error);
    if (r == VA_EFORMAT && history->upkeep && va_history_set_aside(history, &error) == 0)
        r = write_all(history, first, &error);
    for (struct va_waiting_entry *waiting = first; waiting != NULL; waiting = waiting->next, n++) {
        waiting->is_done = 1;
        waiting->status = r;
        waiting->error = error;
    }
    pthread_mutex_lock(&history->lock);
    uint64_t before = history->added;
    history->failing = r < 0;
    memcpy(history->failure, error.text, sizeof history->failure);
    *(r < 0 ? &history->lost : &history->added) += n;
    uint64_t after = history->added;
    pthread_mutex_unlock(&history->lock);
    if (after / ADDS_PER_TRIM != before / ADDS_PER_TRIM)
        va_upkeep_want(history, VA_UPKEEP_TRIM);
}

static size_t length(const char *text)
{
    return text == NULL ? 0 : strlen(text);
}

/* Who gets the lock first writes for all that wait for it. */
int va_history_add(va_history *history, const struct va_history_entry *entry, int64_t *ret_id, va_error *error)
{
    struct va_waiting_entry waiting = {.entry = entry, .unix_s = va_clock_unix_s()};

    if (!va_history_is_enabled(history))
        return va_fail(error, VA_ESTATE, "the history is off");
    if (length(entry->text) + length(entry->response) + length(entry->slots_json) + length(entry->command) + length(entry->request_id) >
        VA_HISTORY_MAX_ENTRY_BYTES)
        return va_fail(error, VA_ELIMIT, "this is too long for the history");
    pthread_mutex_lock(&history->lock);
    *history->end = &waiting;
    history->end = &waiting.next; /* cppcheck-suppress autoVariables ; it is written, or another has written it, before this returns */
    pthread_mutex_unlock(&history->lock);
    pthread_mutex_lock(&history->write_lock);
    if (!waiting.is_done)
        write_waiting(history);
    pthread_mutex_unlock(&history->write_lock);
    if (waiting.status < 0)
        return va_fail(error, waiting.status, "%s", waiting.error.text);
    *ret_id = waiting.id;
    return 0;
}

/* ---- how it is ---- */

void va_history_get_status(va_history *history, struct va_history_status *ret_status)
{
    struct stat info;

    *ret_status = (struct va_history_status){.enabled = va_history_is_enabled(history)};
    if (stat(history->path, &info) == 0)
        ret_status->bytes = (uint64_t)info.st_size;
    pthread_mutex_lock(&history->lock);
    ret_status->failing = history->failing && ret_status->enabled;
    memcpy(ret_status->error, history->failure, sizeof ret_status->error);
    ret_status->added = history->added;
    ret_status->lost = history->lost;
    pthread_mutex_unlock(&history->lock);
}
