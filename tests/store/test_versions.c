#include "support.h"

#include <unistd.h>

#include "store/database.h"

/* A file as the program made it when its version was n, with an entry. */
static void make_version(int n)
{
    char sql[64];

    for (int i = 0; i < n; i++)
        run_sql(va_database_steps[i]);
    run_sql("INSERT INTO entries (unix_ms, kind, source, text, success) VALUES (1000, 'command', 'api', 'old', 1)");
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", n);
    run_sql(sql);
}

static void every_older_version_is_taken_over(void **state)
{
    const struct va_history_query all = {0};

    for (int n = 1; n <= va_database_n_steps; n++) {
        make_version(n);
        va_history *history = open_history();
        assert_string_equal(texts_of(history, &all, NULL), "old");
        add(history, "new");
        assert_string_equal(texts_of(history, &all, NULL), "new old");
        va_history_close(history);
        assert_int_equal(sql_number("PRAGMA user_version"), va_database_n_steps);
        assert_int_equal(sql_number("SELECT count(*) FROM sqlite_schema WHERE name = 'entries_by_time'"), 1);
        assert_int_equal(remove(history_path()), 0);
    }
}

/* A step that cannot be done leaves the version before. */
static void a_step_is_done_whole_or_not_at_all(void **state)
{
    struct va_history_entry entry = entry_of("new");
    int64_t id;

    make_version(1);
    run_sql("CREATE TABLE entries_by_time (x)");
    va_history *history = open_history();
    assert_int_equal(va_history_add(history, &entry, &id, NULL), VA_EFORMAT);
    va_history_close(history);
    assert_int_equal(sql_number("PRAGMA user_version"), 1);
    run_sql("DROP TABLE entries_by_time");
    history = open_history();
    add(history, "new");
    va_history_close(history);
    assert_int_equal(sql_number("PRAGMA user_version"), va_database_n_steps);
}

static void check_refused(const char *why)
{
    struct va_history_entry entry = entry_of("new");
    struct va_history_query query = {.limit = 1};
    struct va_history_status status;
    va_error error;
    char *before, *after;
    size_t n_before, n_after;
    int64_t id;

    assert_int_equal(va_file_read(history_path(), 1 << 20, &before, &n_before, NULL), 0);
    va_history *history = open_kept_history();
    assert_int_equal(va_history_add(history, &entry, &id, &error), VA_EUNSUPPORTED);
    assert_non_null(strstr(error.text, why));
    assert_int_equal(va_history_list(history, &query, NULL, NULL, &query.before_id, &error), VA_EUNSUPPORTED);
    assert_int_equal(va_history_delete(history, 1, &error), VA_EUNSUPPORTED);
    va_history_get_status(history, &status);
    assert_true(status.failing && status.lost == 1);
    assert_non_null(strstr(status.error, why));
    for (int i = 0; i < 10000 && n_notices == 0; i++)
        usleep(1000);
    va_history_close(history);
    assert_non_null(strstr(last_notice, why));
    assert_int_equal(va_file_read(history_path(), 1 << 20, &after, &n_after, NULL), 0);
    assert_true(n_before == n_after && memcmp(before, after, n_before) == 0);
    free(before);
    free(after);
}

static void a_newer_version_is_left_alone(void **state)
{
    make_version(va_database_n_steps);
    run_sql("PRAGMA user_version = 99");
    check_refused("made by a newer program: it has version 99");
}

static void another_database_is_left_alone(void **state)
{
    run_sql("CREATE TABLE cookies (x)");
    check_refused("no history");
}

static void what_is_no_file_is_left_alone(void **state)
{
    struct va_history_entry entry = entry_of("new");
    va_error error;
    int64_t id;

    assert_int_equal(temporary_write(temporary_path(folder, "elsewhere"), ""), 0);
    assert_int_equal(symlink("elsewhere", history_path()), 0);
    va_history *history = open_kept_history();
    assert_int_equal(va_history_add(history, &entry, &id, &error), VA_EDENIED);
    assert_non_null(strstr(error.text, "not a regular file"));
    va_history_close(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_older_version_is_taken_over, start, stop),
        cmocka_unit_test_setup_teardown(a_step_is_done_whole_or_not_at_all, start, stop),
        cmocka_unit_test_setup_teardown(a_newer_version_is_left_alone, start, stop),
        cmocka_unit_test_setup_teardown(another_database_is_left_alone, start, stop),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_left_alone, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
