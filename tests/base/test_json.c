#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void values_and_escapes(void **state)
{
    struct va_buffer out;
    va_buffer_init(&out, 200);
    struct va_json json = {.out = &out};
    va_json_open(&json, NULL, '[');
    va_json_text(&json, NULL, "a\"\\\n\x01\xc3\xa4\xff\xed\xa0\x80");
    va_json_text(&json, NULL, NULL);
    va_json_number(&json, NULL, 1.25, 1);
    va_json_number(&json, NULL, 0.0 / 0.0, 1);
    va_json_integer(&json, NULL, -5);
    va_json_open(&json, NULL, '{');
    va_json_bool(&json, "b", 0);
    va_json_bool(&json, "c", 1);
    va_json_close(&json, '}');
    va_json_close(&json, ']');
    assert_int_equal(json.error, 0);
    assert_string_equal(out.data,
                        "[\"a\\\"\\\\\\u000a\\u0001\xc3\xa4\\ufffd\\ufffd\\ufffd\\ufffd\",null,1.2,null,-5,{\"b\":false,\"c\":true}]");
    for (int i = 0; i < 20; i++)
        va_json_text(&json, NULL, "too long for it");
    assert_int_equal(json.error, VA_ELIMIT);
    va_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_and_escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
