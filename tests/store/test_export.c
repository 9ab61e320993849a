#include "store/export.h"

#include <math.h>

#include <jansson.h>

#include "base/memory.h"
#include "support.h"

static const struct va_history_entry full = {.id = 7,
                                             .unix_s = 1769903999.123,
                                             .kind = "command",
                                             .source = "mqtt",
                                             .request_id = "a,b",
                                             .text = "say \"hi\"\nnow",
                                             .language = "en",
                                             .command = "=1+1",
                                             .slots_json = "{\"n\":\"1\"}",
                                             .response = "b\xff!",
                                             .confidence = 0.5,
                                             .duration_s = NAN,
                                             .success = 1};

static void an_entry_as_csv(void **state)
{
    struct va_buffer out;
    const struct va_history_entry bare = {.id = 8, .kind = "command", .source = "api", .text = "-5", .confidence = NAN, .duration_s = 2};

    va_buffer_init(&out, 1000);
    assert_int_equal(va_history_entry_csv(&out, &full), 0);
    assert_string_equal(out.data,
                        "7,2026-01-31T23:59:59.123Z,command,mqtt,\"a,b\",\"say \"\"hi\"\"\nnow\",en,'=1+1,\"{\"\"n\"\":\"\"1\"\"}\","
                        "b\xef\xbf\xbd!,0.5000,,true\r\n");
    va_buffer_clear(&out);
    assert_int_equal(va_history_entry_csv(&out, &bare), 0);
    assert_string_equal(out.data, "8,1970-01-01T00:00:00.000Z,command,api,,'-5,,,,,,2.000,false\r\n");
    va_buffer_free(&out);
    /* A line is whole or not there. */
    va_buffer_init(&out, 100);
    assert_int_equal(va_buffer_append_string(&out, "before"), 0);
    assert_int_equal(va_history_entry_csv(&out, &full), VA_ELIMIT);
    assert_string_equal(out.data, "before");
    va_buffer_free(&out);
}

static void an_entry_as_json(void **state)
{
    static const char *const bad_slots[] = {"", "[]", "{", "1", NULL};
    struct va_buffer out;
    struct va_json json = {.out = &out};
    struct va_history_entry bare = {.id = 8, .kind = "command", .source = "api", .confidence = NAN, .duration_s = NAN};

    va_buffer_init(&out, 2000);
    va_history_entry_json(&json, &full);
    assert_int_equal(json.error, 0);
    assert_string_equal(out.data,
                        "{\"id\":7,\"time\":\"2026-01-31T23:59:59.123Z\",\"kind\":\"command\",\"source\":\"mqtt\",\"request_id\":\"a,b\","
                        "\"text\":\"say \\\"hi\\\"\\u000anow\",\"language\":\"en\",\"command\":\"=1+1\",\"slots\":{\"n\":\"1\"},"
                        "\"response\":\"b\\ufffd!\",\"confidence\":0.5000,\"duration\":null,\"success\":true}");
    for (size_t i = 0; i < sizeof bad_slots / sizeof bad_slots[0]; i++) {
        va_buffer_clear(&out);
        json = (struct va_json){.out = &out};
        bare.slots_json = bad_slots[i];
        va_history_entry_json(&json, &bare);
        assert_non_null(strstr(out.data, "\"slots\":null,"));
    }
    va_buffer_free(&out);
}

struct written {
    struct va_buffer all;
    size_t largest;
    int pieces, stop_after;
};

static int write_piece(void *user, const char *data, size_t n)
{
    struct written *written = user;

    written->largest = n > written->largest ? n : written->largest;
    if (++written->pieces == written->stop_after)
        return VA_ECANCELLED;
    return va_buffer_append(&written->all, data, n);
}

static void all_of_it_in_pieces(void **state)
{
    va_history *history = open_history();
    const struct va_history_query all = {0}, some = {.search = "2"};
    static char text[20000];
    struct written written = {0};

    va_buffer_init(&written.all, 1 << 24);
    for (int i = 1; i <= 330; i++) {
        memset(text, 'x', sizeof text - 1);
        text[snprintf(text, sizeof text, "%d", i)] = i > 200 ? 'x' : '\0';
        add(history, text);
    }
    assert_int_equal(va_history_export(history, &all, VA_HISTORY_JSONL, write_piece, &written, NULL), 0);
    assert_true(written.largest < 400000 && written.pieces > 5);
    int expected = 330;
    for (char *line = strtok(written.all.data, "\n"); line != NULL; line = strtok(NULL, "\n"), expected--) {
        json_t *entry = json_loads(line, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(entry, "id")), expected);
        json_decref(entry);
    }
    assert_int_equal(expected, 0);

    va_buffer_clear(&written.all);
    assert_int_equal(va_history_export(history, &some, VA_HISTORY_CSV, write_piece, &written, NULL), 0);
    assert_int_equal(strncmp(written.all.data, VA_HISTORY_CSV_HEADER, strlen(VA_HISTORY_CSV_HEADER)), 0);
    int lines = 0;
    for (const char *at = written.all.data; (at = strstr(at, "\r\n")) != NULL; at += 2)
        lines++;
    int with_two = 0;
    for (int i = 1; i <= 330; i++) {
        char number[12];
        snprintf(number, sizeof number, "%d", i);
        with_two += strchr(number, '2') != NULL;
    }
    assert_int_equal(lines, with_two + 1);

    for (int stop = 1; stop < 4; stop++) {
        written.pieces = 0;
        written.stop_after = stop;
        assert_int_equal(va_history_export(history, &all, VA_HISTORY_CSV, write_piece, &written, NULL), VA_ECANCELLED);
        assert_int_equal(written.pieces, stop);
    }
    va_buffer_free(&written.all);
    va_history_close(history);
}

static void none_of_it(void **state)
{
    va_history *history = open_history();
    const struct va_history_query all = {0};
    struct written written = {0};

    va_buffer_init(&written.all, 1000);
    assert_int_equal(va_history_export(history, &all, VA_HISTORY_JSONL, write_piece, &written, NULL), 0);
    assert_int_equal(written.pieces, 0);
    assert_int_equal(va_history_export(history, &all, VA_HISTORY_CSV, write_piece, &written, NULL), 0);
    assert_string_equal(written.all.data, VA_HISTORY_CSV_HEADER);
    va_buffer_free(&written.all);
    va_history_close(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_as_csv),
        cmocka_unit_test(an_entry_as_json),
        cmocka_unit_test_setup_teardown(all_of_it_in_pieces, start, stop),
        cmocka_unit_test_setup_teardown(none_of_it, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
