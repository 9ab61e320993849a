#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

static int keep(void *user, const struct va_history_entry *entry)
{
    double *seen = user;

    assert_string_equal(entry->kind, "transcription");
    assert_string_equal(entry->source, "upload");
    assert_string_equal(entry->request_id, "1234-5");
    assert_string_equal(entry->text, "Grüße, \"Welt\"\n");
    assert_string_equal(entry->language, "de");
    assert_string_equal(entry->command, "greet");
    assert_string_equal(entry->slots_json, "{\"who\":\"Welt\"}");
    assert_null(entry->response);
    assert_true(fabs(entry->confidence - 0.75) < 1e-9);
    assert_true(isnan(entry->duration_s));
    assert_int_equal(entry->success, 0);
    *seen = entry->unix_s;
    return 0;
}

static void what_is_added_is_listed(void **state)
{
    va_history *history = open_history();
    const struct va_history_entry entry = {.kind = "transcription",
                                           .source = "upload",
                                           .request_id = "1234-5",
                                           .text = "Grüße, \"Welt\"\n",
                                           .language = "de",
                                           .command = "greet",
                                           .slots_json = "{\"who\":\"Welt\"}",
                                           .confidence = 0.75,
                                           .duration_s = NAN};
    const struct va_history_query query = {.limit = 1};
    int64_t id = 0, next = -1;
    double seen = 0;

    assert_int_equal(va_history_add(history, &entry, &id, NULL), 0);
    assert_int_equal(id, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(va_history_list(history, &query, keep, &seen, &next, NULL), 0);
        assert_int_equal(next, 0);
        assert_true(fabs(seen - va_clock_unix_s()) < 60);
        va_history_close(history); /* and after a restart */
        history = open_history();
    }
    va_history_close(history);
}

static void it_is_for_its_user_alone(void **state)
{
    va_history *history = open_history();
    struct stat info;

    add(history, "a");
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {VA_HISTORY_FILE, VA_HISTORY_FILE "-wal", VA_HISTORY_FILE "-shm"};
        assert_int_equal(stat(temporary_path(folder, names[i]), &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
    }
    va_history_close(history);
    assert_int_equal(chmod(history_path(), 0644), 0);
    history = open_history();
    add(history, "b");
    assert_int_equal(stat(history_path(), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    va_history_close(history);
}

static void pages_are_newest_first(void **state)
{
    va_history *history = open_history();
    struct va_history_query query = {.limit = 2};
    va_error error;

    for (int i = 0; i < 5; i++)
        assert_int_equal(add(history, (const char *[]){"a", "b", "c", "d", "e"}[i]), i + 1);
    assert_string_equal(texts_of(history, &query, &query.before_id), "e d");
    assert_int_equal(query.before_id, 4);
    add(history, "f"); /* the pages after it stay */
    assert_string_equal(texts_of(history, &query, &query.before_id), "c b");
    assert_string_equal(texts_of(history, &query, &query.before_id), "a");
    assert_int_equal(query.before_id, 0);
    query.limit = 201;
    assert_int_equal(va_history_list(history, &query, NULL, NULL, &query.before_id, &error), VA_EINVAL);
    query.limit = 0;
    assert_int_equal(va_history_list(history, &query, NULL, NULL, &query.before_id, &error), VA_EINVAL);
    va_history_close(history);
}

static void it_is_searched(void **state)
{
    va_history *history = open_history();
    struct va_history_entry entry = entry_of("x");
    char longest[VA_HISTORY_MAX_SEARCH_BYTES + 2];
    int64_t id;

    add(history, "50%");
    add(history, "500");
    add(history, "a_b");
    add(history, "axb");
    add(history, "c\\d");
    add(history, "Übung");
    add(history, "it's;--");
    entry.response = "Hello there";
    assert_int_equal(va_history_add(history, &entry, &id, NULL), 0);
    entry = entry_of("y");
    entry.kind = "transcription";
    entry.command = "greeting";
    assert_int_equal(va_history_add(history, &entry, &id, NULL), 0);
    static const char *const wanted[][2] = {{"0%", "50%"},     {"50", "500 50%"},    {"A_B", "a_b"}, {"\\", "c\\d"},
                                            {"bung", "Übung"}, {"hello THERE", "x"}, {"GREET", "y"}, {"'s;-", "it's;--"},
                                            {"nothing", ""},   {"_", "a_b"}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const struct va_history_query query = {.search = wanted[i][0]};
        assert_string_equal(texts_of(history, &query, NULL), wanted[i][1]);
    }
    const struct va_history_query kind = {.kind = "transcription"}, no_kind = {.kind = "x' OR 1=1"};
    assert_string_equal(texts_of(history, &kind, NULL), "y");
    assert_string_equal(texts_of(history, &no_kind, NULL), "");
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    struct va_history_query query = {.search = longest, .limit = 1};
    assert_int_equal(va_history_list(history, &query, NULL, NULL, &query.before_id, NULL), VA_EINVAL);
    va_history_close(history);
}

/* What is searched for and the number of the text that has it. */
static void capitals_of_other_scripts_are_the_same(void **state)
{
    static const char *const texts[] = {"Mach das Licht über dem Tisch an",
                                        "Règle la lumière à GARÇON",
                                        "Άναψε το φως στην οδό Ερμής",
                                        "Включи свет на Ёлке",
                                        "100%_Größe\\STRAẞE",
                                        "damaged \xc3\x9c \xff \xc3"};
    static const struct {
        const char *search, *found;
    } rows[] = {{"ÜBER", "1"}, {"über DEM", "1"}, {"uber", ""},      {"LUMIÈRE À", "2"}, {"garçon", "2"},     {"GARCON", ""},  {"ΦΩΣ", "3"},
                {"φωσ", "3"},  {"ΕΡΜΉΣ", "3"},    {"άΝΑΨΕ", "3"},    {"СВЕТ", "4"},      {"ёлке", "4"},       {"0%_GRÖ", "5"}, {"%ö", ""},
                {"_grö", "5"}, {"SSE\\", ""},     {"\\straße", "5"}, {"größe", "5"},     {"ü \xff \xc3", "6"}};
    va_history *history = open_history();
    int64_t id;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct va_history_entry entry = entry_of((const char *[]){"1", "2", "3", "4", "5", "6"}[i]);
        entry.response = texts[i];
        assert_int_equal(va_history_add(history, &entry, &id, NULL), 0);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct va_history_query query = {.search = rows[i].search};
        assert_string_equal(texts_of(history, &query, NULL), rows[i].found);
    }
    va_history_close(history);
}

static void it_is_bounded_by_time(void **state)
{
    va_history *history = open_history();

    add(history, "a");
    add(history, "b");
    add(history, "c");
    run_sql("UPDATE entries SET unix_ms = id * 1000");
    const double zero = 0.0, early = 1.5, two = 2.0, late = 2.5;
    const struct va_history_query since = {.since_s = &two}, until = {.until_s = &two}, both = {.since_s = &early, .until_s = &late},
                                  none = {.until_s = &zero};
    assert_string_equal(texts_of(history, &since, NULL), "c b");
    assert_string_equal(texts_of(history, &until, NULL), "a");
    assert_string_equal(texts_of(history, &both, NULL), "b");
    assert_string_equal(texts_of(history, &none, NULL), "");
    va_history_close(history);
}

static void off_adds_nothing_and_can_be_looked_at(void **state)
{
    va_history *history = open_history();
    struct va_history_options options = {0};
    const struct va_history_query all = {0};
    struct va_history_entry entry = entry_of("b");
    int64_t id = 0, n = 0;

    va_history_configure(history, &options);
    assert_int_equal(va_history_add(history, &entry, &id, NULL), VA_ESTATE);
    assert_string_equal(texts_of(history, &all, NULL), "");
    assert_int_equal(va_history_delete(history, 1, NULL), VA_ENOTFOUND);
    assert_int_equal(va_history_delete_before(history, INFINITY, &n, NULL), 0);
    assert_int_equal(access(history_path(), F_OK), -1); /* not even a file */
    options.enabled = 1;
    va_history_configure(history, &options);
    add(history, "a");
    options.enabled = 0;
    va_history_configure(history, &options);
    assert_string_equal(texts_of(history, &all, NULL), "a");
    assert_int_equal(va_history_delete(history, 1, NULL), 0);
    assert_string_equal(texts_of(history, &all, NULL), "");
    va_history_close(history);
}

static void a_file_that_was_taken_away_is_made_anew(void **state)
{
    va_history *history = open_history();
    const struct va_history_query all = {0};

    add(history, "a");
    assert_string_equal(texts_of(history, &all, NULL), "a");
    assert_int_equal(rename(history_path(), temporary_path(folder, "elsewhere")), 0);
    assert_string_equal(texts_of(history, &all, NULL), "");
    add(history, "b");
    assert_string_equal(texts_of(history, &all, NULL), "b");
    va_history_close(history);
}

static void an_entry_has_a_greatest_length(void **state)
{
    va_history *history = open_history();
    static char text[VA_HISTORY_MAX_ENTRY_BYTES + 2];
    struct va_history_entry entry = entry_of(text);
    int64_t id;
    va_error error;

    memset(text, 'x', sizeof text - 1);
    assert_int_equal(va_history_add(history, &entry, &id, &error), VA_ELIMIT);
    text[sizeof text - 2] = '\0';
    assert_int_equal(va_history_add(history, &entry, &id, &error), 0);
    va_history_close(history);
}

static _Atomic int ended;

static void *add_many(void *user)
{
    for (int i = 0; i < 100; i++)
        add(user, "together");
    ended++;
    return NULL;
}

/* With a second connection to the same file, as of another program. */
static void many_add_and_read_at_once(void **state)
{
    va_history *history = open_kept_history(), *other = open_history();
    struct va_history_status status;
    pthread_t threads[8];

    add(history, "first");
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, i < 7 ? history : other), 0);
    while (ended < 8)
        assert_true(count(history) <= 801 && count(other) <= 801);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(count(history), 801);
    assert_int_equal(sql_number("SELECT count(DISTINCT id) FROM entries"), 801);
    va_history_get_status(history, &status);
    assert_int_equal(status.added, 701);
    assert_int_equal(status.lost, 0);
    assert_false(status.failing);
    assert_true(status.bytes > 0);
    va_history_close(other);
    va_history_close(history);
    assert_int_equal(n_notices, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_added_is_listed, start, stop),
        cmocka_unit_test_setup_teardown(it_is_for_its_user_alone, start, stop),
        cmocka_unit_test_setup_teardown(pages_are_newest_first, start, stop),
        cmocka_unit_test_setup_teardown(it_is_searched, start, stop),
        cmocka_unit_test_setup_teardown(capitals_of_other_scripts_are_the_same, start, stop),
        cmocka_unit_test_setup_teardown(it_is_bounded_by_time, start, stop),
        cmocka_unit_test_setup_teardown(off_adds_nothing_and_can_be_looked_at, start, stop),
        cmocka_unit_test_setup_teardown(a_file_that_was_taken_away_is_made_anew, start, stop),
        cmocka_unit_test_setup_teardown(an_entry_has_a_greatest_length, start, stop),
        cmocka_unit_test_setup_teardown(many_add_and_read_at_once, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
