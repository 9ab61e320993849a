#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

static void grows_to_its_limit(void **state)
{
    struct va_buffer b;
    va_buffer_init(&b, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(va_buffer_append(&b, "x", 1), 0);
        assert_int_equal(b.data[b.size], '\0');
    }
    assert_int_equal(va_buffer_append(&b, "y", 1), VA_ELIMIT);
    assert_int_equal(va_buffer_printf(&b, "%d", 1), VA_ELIMIT);
    assert_int_equal(va_buffer_append_string(&b, "z"), VA_ELIMIT);
    assert_int_equal(va_buffer_append_json(&b, ""), VA_ELIMIT);
    assert_int_equal(va_buffer_append(&b, "y", SIZE_MAX), VA_ELIMIT);
    assert_int_equal(b.size, 1000);
    assert_int_equal(strlen(b.data), 1000);
    assert_int_equal(va_buffer_append(&b, NULL, 0), 0);
    va_buffer_clear(&b);
    assert_int_equal(b.size, 0);
    assert_string_equal(b.data, "");
    va_buffer_free(&b);
    assert_null(b.data);
    assert_int_equal(va_buffer_append_string(&b, "again"), 0);
    va_buffer_free(&b);
}

static void takes_any_limit(void **state)
{
    struct va_buffer b;
    va_buffer_init(&b, 0);
    assert_int_equal(va_buffer_append(&b, "", 0), 0);
    assert_int_equal(va_buffer_append(&b, "x", 1), VA_ELIMIT);
    va_buffer_free(&b);
    va_buffer_init(&b, SIZE_MAX);
    assert_int_equal(va_buffer_append(&b, "x", 1), 0);
    assert_true(va_buffer_append(&b, "x", SIZE_MAX) < 0);
    assert_string_equal(b.data, "x");
    va_buffer_free(&b);
}

static void prints(void **state)
{
    struct va_buffer b;
    char *text;
    va_buffer_init(&b, 100);
    assert_int_equal(va_buffer_printf(&b, "%s=%d", "a", 1), 0);
    assert_int_equal(va_buffer_printf(&b, ";%98s", "x"), VA_ELIMIT);
    assert_string_equal(b.data, "a=1");
    text = va_buffer_take(&b);
    assert_string_equal(text, "a=1");
    va_free(text);
    assert_null(b.data);
    text = va_buffer_take(&b);
    assert_string_equal(text, "");
    va_free(text);
    va_buffer_clear(&b);
}

static void quotes_json(void **state)
{
    struct va_buffer b;
    va_buffer_init(&b, 100);
    assert_int_equal(va_buffer_append_string(&b, "a:"), 0);
    assert_int_equal(va_buffer_append_json(&b, "\"q\\ \n\x01\x7f \xc3\xa9 \xc3( \xc2\x85"), 0);
    assert_string_equal(b.data, "a:\"\\\"q\\\\ \\u000a\\u0001\\u007f \xc3\xa9 \\ufffd( \\u0085\"");
    va_buffer_clear(&b);
    assert_int_equal(va_buffer_append_json(&b, "\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\xef\xbf\xbf\xef\xbf\xbd"), 0);
    assert_string_equal(b.data, "\"\\u2028\\u2029\\ufeff\\uffff\xef\xbf\xbd\"");
    va_buffer_free(&b);
    va_buffer_init(&b, 6);
    assert_int_equal(va_buffer_append_string(&b, "ab"), 0);
    assert_int_equal(va_buffer_append_json(&b, "abc"), VA_ELIMIT);
    assert_string_equal(b.data, "ab");
    assert_int_equal(va_buffer_append_json(&b, "cd"), 0);
    assert_string_equal(b.data, "ab\"cd\"");
    va_buffer_free(&b);
}

static void survives_no_memory(void **state)
{
    struct va_buffer b;
    va_buffer_init(&b, 10000);
    va_memory_fail_after(1);
    assert_int_equal(va_buffer_append(&b, "x", 1), VA_ENOMEM);
    assert_int_equal(va_buffer_append_json(&b, "x"), VA_ENOMEM);
    assert_null(va_buffer_take(&b));
    va_memory_fail_after(0);
    assert_int_equal(va_buffer_append_string(&b, "abc"), 0);
    va_memory_fail_after(1);
    assert_int_equal(va_buffer_printf(&b, "%500s", "x"), VA_ENOMEM);
    va_memory_fail_after(0);
    assert_string_equal(b.data, "abc");
    va_buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_to_its_limit), cmocka_unit_test(takes_any_limit),    cmocka_unit_test(prints),
        cmocka_unit_test(quotes_json),        cmocka_unit_test(survives_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
