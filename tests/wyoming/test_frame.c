#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "wyoming/frame.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char three[] = "{\"type\": \"one\", \"data\": {\"a\": 1, \"b\": 2}, \"data_length\": 8}\n{\"b\": 3}"
                            "{\"type\": \"two\", \"payload_length\": 4}\n\n{}\n"
                            "{\"type\":\"three\",\"data_length\":null,\"payload_length\":0}\n";

/* Three events, whatever the pieces. */
static void test_pieces_of_any_size(void **state)
{
    for (size_t size = 1; size < sizeof three; size++) {
        va_wyoming_reader *reader = va_wyoming_reader_new();
        struct va_wyoming_event event;
        int n = 0, r = 0;
        assert_non_null(reader);
        for (size_t at = 0; at < sizeof three - 1; at += size) {
            size_t count = sizeof three - 1 - at < size ? sizeof three - 1 - at : size;
            assert_int_equal(va_wyoming_reader_push(reader, three + at, count), 0);
            while ((r = va_wyoming_reader_next(reader, &event, NULL)) == 1) {
                static const char *const types[] = {"one", "two", "three"};
                assert_string_equal(event.type, types[n]);
                if (n == 0) {
                    assert_int_equal(json_integer_value(json_object_get(event.data, "a")), 1);
                    assert_int_equal(json_integer_value(json_object_get(event.data, "b")), 3);
                }
                assert_int_equal(event.n_payload, n == 1 ? 4 : 0);
                if (n == 1)
                    assert_memory_equal(event.payload, "\n{}\n", 4);
                n++;
            }
            assert_int_equal(r, 0);
        }
        assert_int_equal(n, 3);
        va_wyoming_reader_free(reader);
    }
}

static int read_one(const char *text, size_t n, va_error *error)
{
    va_wyoming_reader *reader = va_wyoming_reader_new();
    struct va_wyoming_event event;

    assert_non_null(reader);
    assert_int_equal(va_wyoming_reader_push(reader, text, n), 0);
    int r = va_wyoming_reader_next(reader, &event, error);
    va_wyoming_reader_free(reader);
    return r;
}

static void test_what_is_no_event(void **state)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {{"x", VA_EFORMAT},
                {"\n", VA_EFORMAT},
                {"[]\n", VA_EFORMAT},
                {"{}\n", VA_EFORMAT},
                {"{\"type\": 1}\n", VA_EFORMAT},
                {"{\"type\": \"a\", \"type\": \"b\"}\n", VA_EFORMAT},
                {"{\"type\": \"a\", \"data\": 1}\n", VA_EFORMAT},
                {"{\"type\": \"a\", \"data_length\": 1.5}\n", VA_EFORMAT},
                {"{\"type\": \"a\", \"data_length\": -1}\n", VA_EFORMAT},
                {"{\"type\": \"a\", \"payload_length\": true}\n", VA_EFORMAT},
                {"{\"type\": \"a\", \"data_length\": 262145}\n", VA_ELIMIT},
                {"{\"type\": \"a\", \"payload_length\": 1048577}\n", VA_ELIMIT},
                {"{\"type\": \"a\", \"payload_length\": 9223372036854775807}\n", VA_ELIMIT},
                {"{\"type\": \"a\", \"payload_length\": 9223372036854775808}\n", VA_EFORMAT},
                {"{\"type\": \"a\", \"data_length\": 2}\n[]", VA_EFORMAT},
                {"{\"type\": \"a\", \"data_length\": 2}\nxx", VA_EFORMAT},
                {"{\"type\": \"\xff\"}\n", VA_EFORMAT},
                {"{\"type\": \"a\"", 0},
                {"{\"type\": \"a\", \"data_length\": 3}\n{}", 0},
                {"", 0}};
    va_error error;

    for (size_t i = 0; i < COUNT(rows); i++)
        if (read_one(rows[i].text, strlen(rows[i].text), &error) != rows[i].code)
            fail_msg("%s", rows[i].text);
}

static void test_a_line_has_its_limit(void **state)
{
    static char line[VA_WYOMING_MAX_LINE_BYTES + 2];
    va_error error;

    memset(line, ' ', sizeof line);
    line[0] = '{';
    assert_int_equal(read_one(line, VA_WYOMING_MAX_LINE_BYTES, &error), 0);
    assert_int_equal(read_one(line, VA_WYOMING_MAX_LINE_BYTES + 1, &error), VA_ELIMIT);
    line[VA_WYOMING_MAX_LINE_BYTES + 1] = '\n';
    assert_int_equal(read_one(line, VA_WYOMING_MAX_LINE_BYTES + 2, &error), VA_ELIMIT);
}

static void test_what_is_written_is_read(void **state)
{
    va_wyoming_reader *reader = va_wyoming_reader_new();
    struct va_wyoming_event event;
    struct va_buffer out;

    va_buffer_init(&out, 4096);
    assert_int_equal(va_wyoming_write(&out, "a", "{\"x\": \"y\"}", 10, "payload", 7), 0);
    assert_int_equal(va_wyoming_write(&out, "b", NULL, 0, NULL, 0), 0);
    size_t size = out.size;
    assert_int_equal(va_wyoming_write(&out, "c", NULL, 0, three, 4096), VA_ELIMIT);
    assert_int_equal(out.size, size); /* no half of an event */
    assert_int_equal(va_wyoming_reader_push(reader, out.data, out.size), 0);
    assert_int_equal(va_wyoming_reader_next(reader, &event, NULL), 1);
    assert_string_equal(json_string_value(json_object_get(event.data, "x")), "y");
    assert_int_equal(event.n_payload, 7);
    assert_int_equal(va_wyoming_reader_next(reader, &event, NULL), 1);
    assert_string_equal(event.type, "b");
    assert_int_equal(json_object_size(event.data), 0);
    assert_int_equal(va_wyoming_reader_next(reader, &event, NULL), 0);
    va_wyoming_reader_free(reader);
    va_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_of_any_size),
        cmocka_unit_test(test_what_is_no_event),
        cmocka_unit_test(test_a_line_has_its_limit),
        cmocka_unit_test(test_what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
