#include "support.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include "base/clock.h"

#define N 3000

/* Texts of different lengths, each with a mark of its own. */
static void fill(va_history *history)
{
    char text[1600], mark[32];

    add(history, "first");
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(history_path(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; DELETE FROM entries", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "INSERT INTO entries (id, unix_ms, kind, source, text, success) VALUES (?1, ?1, 'command', 'api', ?2, 1)",
                           -1, &statement, NULL),
        SQLITE_OK);
    for (int i = 1; i <= N; i++) {
        memset(text, 'x', sizeof text);
        int n = snprintf(mark, sizeof mark, "mark%06d", i);
        memcpy(text, mark, (size_t)n);
        text[n + i * 7919 % (i % 5 == 0 ? 1500 : 150)] = '\0';
        sqlite3_bind_int(statement, 1, i);
        sqlite3_bind_text(statement, 2, text, -1, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int is_marked(int i)
{
    char mark[32];

    snprintf(mark, sizeof mark, "mark%06d", i);
    return is_in_files(mark);
}

static void one_that_is_deleted_is_nowhere(void **state)
{
    va_history *history = open_history();
    const struct va_history_query all = {.limit = 1};

    fill(history);
    /* Some deleted all about, so that rows move. */
    for (int i = 7; i <= N; i += 50) {
        assert_true(is_marked(i));
        assert_int_equal(va_history_delete(history, i, NULL), 0);
        assert_false(is_marked(i));
    }
    /* Those that went when rows had moved, too. */
    run_sql("DELETE FROM entries WHERE id % 3 <> 0");
    assert_int_equal(va_history_delete(history, 300, NULL), 0);
    for (int i = 1; i <= N; i += 10)
        assert_int_equal(is_marked(i), i % 3 == 0 && i % 50 != 7 && i != 300);
    assert_int_equal(va_history_delete(history, 300, NULL), VA_ENOTFOUND);
    assert_int_equal(va_history_delete(history, 0, NULL), VA_ENOTFOUND);
    assert_int_equal(va_history_delete(history, -1, NULL), VA_ENOTFOUND);
    assert_int_equal(add(history, "next"), N + 1); /* no number is used twice */
    assert_string_equal(texts_of(history, &all, NULL), "next");
    va_history_close(history);
}

static void what_is_old_is_nowhere(void **state)
{
    va_history *history = open_history();
    int64_t n = 0;
    struct stat info;

    fill(history);
    assert_int_equal(va_history_delete_before(history, 1.0, &n, NULL), 0);
    assert_int_equal(n, 999);
    assert_int_equal(count(history), N - 999);
    for (int i = 1; i <= N; i += 20)
        assert_int_equal(is_marked(i), i > 999);
    assert_int_equal(temporary_write(temporary_path(folder, VA_HISTORY_ASIDE), "x"), 0);
    assert_int_equal(temporary_write(temporary_path(folder, VA_HISTORY_ASIDE "-wal"), "x"), 0);
    assert_int_equal(va_history_delete_before(history, INFINITY, &n, NULL), 0);
    assert_int_equal(n, N - 999);
    assert_int_equal(count(history), 0);
    assert_false(is_in_files("mark"));
    assert_int_equal(access(temporary_path(folder, VA_HISTORY_ASIDE), F_OK), -1);
    assert_int_equal(access(temporary_path(folder, VA_HISTORY_ASIDE "-wal"), F_OK), -1);
    assert_int_equal(stat(history_path(), &info), 0);
    assert_true(info.st_size < 40000);
    assert_int_equal(va_history_delete_before(history, INFINITY, &n, NULL), 0);
    assert_int_equal(n, 0);
    va_history_close(history);
}

/* As long as another program has the file open as it was, the log cannot be cut off; it is when that is done. */
static void another_reader_delays_it(void **state)
{
    va_history *history = open_history();
    va_error error;
    sqlite3 *db;
    int64_t n = 0;

    add(history, "mark000001");
    assert_int_equal(sqlite3_open(history_path(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM entries", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(va_history_delete(history, 1, &error), VA_EBUSY);
    assert_non_null(strstr(error.text, "deleted, but it may be found in the file"));
    assert_int_equal(count(history), 0);
    assert_true(is_marked(1));
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(va_history_trim(history, &error), 0);
    assert_false(is_marked(1));
    assert_int_equal(va_history_delete_before(history, INFINITY, &n, NULL), 0);
    va_history_close(history);
}

/* It stands in the file: the next start does it, or the service what another program could not. */
static void what_was_delayed_outlives_a_restart(void **state)
{
    va_history *history = open_history(), *other;
    sqlite3 *db;

    add(history, "mark000001");
    assert_int_equal(sqlite3_open(history_path(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM entries", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(va_history_delete(history, 1, NULL), VA_EBUSY);
    va_history_close(history);
    other = open_history();
    assert_int_equal(va_history_trim(other, NULL), VA_EBUSY);
    assert_true(is_marked(1));
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(va_history_trim(other, NULL), 0);
    assert_false(is_marked(1));
    sqlite3_close(db);
    va_history_close(other);
}

/* Not at the upkeep's next hour: it is asked at once, waits for the reader, and tries again each minute. */
static void what_was_delayed_is_soon_done(void **state)
{
    va_history *history = open_kept_history();
    sqlite3 *db;

    add(history, "mark000001");
    usleep(500000); /* its first round is over */
    assert_int_equal(sqlite3_open(history_path(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM entries", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(va_history_delete(history, 1, NULL), VA_EBUSY);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    for (int i = 0; is_marked(1) && i < 900; i++)
        usleep(100000);
    assert_false(is_marked(1));
    va_history_close(history);
}

static void old_entries_go(void **state)
{
    va_history *history = open_history();
    struct va_history_options options = {.enabled = 1, .max_age_s = 86400};
    char sql[128];
    const struct utimbuf old = {0};

    fill(history); /* of 1970 */
    add(history, "today");
    snprintf(sql, sizeof sql, "UPDATE entries SET unix_ms = %.0f WHERE id = %d", (va_clock_unix_s() - 86000) * 1000, N);
    run_sql(sql);
    assert_int_equal(temporary_write(temporary_path(folder, VA_HISTORY_ASIDE), "x"), 0);
    assert_int_equal(va_history_trim(history, NULL), 0);
    assert_int_equal(count(history), N + 1);
    va_history_configure(history, &options);
    assert_int_equal(va_history_trim(history, NULL), 0);
    assert_int_equal(count(history), 2);
    assert_int_equal(access(temporary_path(folder, VA_HISTORY_ASIDE), F_OK), 0);
    assert_int_equal(utime(temporary_path(folder, VA_HISTORY_ASIDE), &old), 0);
    assert_int_equal(va_history_trim(history, NULL), 0);
    assert_int_equal(access(temporary_path(folder, VA_HISTORY_ASIDE), F_OK), -1);
    va_history_close(history);
}

static void the_oldest_go_when_it_is_large(void **state)
{
    va_history *history = open_history();
    struct va_history_options options = {.enabled = 1, .max_bytes = 300000};
    struct stat info;

    fill(history);
    add(history, "newest");
    va_history_configure(history, &options);
    assert_int_equal(va_history_trim(history, NULL), 0);
    int n = count(history);
    assert_true(n >= 500 && n < N);
    assert_int_equal(sql_number("SELECT max(id) - min(id) + 1 FROM entries"), n);
    assert_int_equal(stat(history_path(), &info), 0);
    assert_true(info.st_size <= 300000);
    assert_int_equal(va_history_trim(history, NULL), 0);
    assert_int_equal(count(history), n);
    va_history_close(history);
}

static void of_few_that_are_long_the_newest_stay(void **state)
{
    static char text[60000];
    va_history *history = open_history();
    struct va_history_options options = {.enabled = 1, .max_bytes = 1000000};

    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 20; i++)
        add(history, text);
    va_history_configure(history, &options);
    assert_int_equal(va_history_trim(history, NULL), 0);
    assert_true(count(history) >= 14 && count(history) < 20);
    assert_int_equal(sql_number("SELECT max(id) FROM entries"), 20);
    va_history_close(history);
}

/* Without being told: at the start, and when the bounds change. */
static void upkeep_does_it(void **state)
{
    va_history *history = open_history();
    struct va_history_options options = {.enabled = 1, .max_age_s = 86400, .upkeep = 1};

    fill(history);
    va_history_close(history);
    assert_int_equal(va_history_open(folder, &options, &history, NULL), 0);
    for (int i = 0; i < 10000 && count(history) > 0; i++)
        usleep(1000);
    assert_int_equal(count(history), 0);
    options.max_age_s = 0;
    va_history_configure(history, &options);
    add(history, "old");
    run_sql("UPDATE entries SET unix_ms = 5");
    options.max_age_s = 86400;
    va_history_configure(history, &options);
    for (int i = 0; i < 10000 && count(history) > 0; i++)
        usleep(1000);
    assert_int_equal(count(history), 0);
    va_history_close(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_that_is_deleted_is_nowhere, start, stop),
        cmocka_unit_test_setup_teardown(what_is_old_is_nowhere, start, stop),
        cmocka_unit_test_setup_teardown(another_reader_delays_it, start, stop),
        cmocka_unit_test_setup_teardown(what_was_delayed_outlives_a_restart, start, stop),
        cmocka_unit_test_setup_teardown(what_was_delayed_is_soon_done, start, stop),
        cmocka_unit_test_setup_teardown(old_entries_go, start, stop),
        cmocka_unit_test_setup_teardown(the_oldest_go_when_it_is_large, start, stop),
        cmocka_unit_test_setup_teardown(of_few_that_are_long_the_newest_stay, start, stop),
        cmocka_unit_test_setup_teardown(upkeep_does_it, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
