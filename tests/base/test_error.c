#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void fills_code_and_text(void **state)
{
    va_error error;
    assert_int_equal(va_fail(&error, VA_EFORMAT, "%s:%d: bad", "file", 7), VA_EFORMAT);
    assert_int_equal(error.code, VA_EFORMAT);
    assert_string_equal(error.text, "file:7: bad");
    assert_int_equal(va_fail(NULL, VA_EBUSY, "nobody asks"), VA_EBUSY);
    assert_int_equal(va_fail_memory(&error), VA_ENOMEM);
    assert_string_equal(error.text, "out of memory");
    assert_int_equal(va_fail_memory(NULL), VA_ENOMEM);
}

static void cuts_long_texts(void **state)
{
    va_error error;
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    va_fail(&error, VA_EIO, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    errno = ENOENT;
    assert_int_equal(va_fail_errno(&error, "%s", text), VA_ENOTFOUND);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void may_quote_itself(void **state)
{
    va_error error;
    va_fail(&error, VA_EFORMAT, "inner");
    va_fail(&error, VA_EIO, "outer: %s", error.text);
    assert_string_equal(error.text, "outer: inner");
    errno = EACCES;
    va_fail_errno(&error, "<%s>", error.text);
    assert_string_equal(error.text, "<outer: inner>: Permission denied");
}

static void is_one_harmless_line(void **state)
{
    va_error error;
    va_fail(&error, VA_EFORMAT,
            "a\nb\x1b[31m\x7f\xc2\x9b"
            "c\xc3\xa9");
    assert_string_equal(error.text, "a?b?[31m???c\xc3\xa9");
}

static void knows_system_errors(void **state)
{
    static const struct {
        int number, code;
    } rows[] = {{ENOENT, VA_ENOTFOUND}, {ENODEV, VA_ENOTFOUND}, {EACCES, VA_EDENIED}, {EROFS, VA_EDENIED}, {ENOMEM, VA_ENOMEM},
                {EBUSY, VA_EBUSY},      {EMFILE, VA_ELIMIT},    {EINVAL, VA_EINVAL},  {ENOSPC, VA_EIO},    {EIO, VA_EIO}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        va_error error;
        errno = rows[i].number;
        assert_int_equal(va_fail_errno(&error, "x"), rows[i].code);
        assert_int_equal(error.code, rows[i].code);
        assert_non_null(strstr(error.text, strerror(rows[i].number)));
        errno = rows[i].number;
        assert_int_equal(va_fail_errno(NULL, "x"), rows[i].code);
    }
}

static void has_a_text_for_every_status(void **state)
{
    for (int status = VA_OK; status >= VA_EFAILED; status--)
        assert_string_not_equal(va_status_text(status), "unknown error");
    assert_string_equal(va_status_text(VA_OK), "ok");
    assert_string_equal(va_status_text(VA_ENOMEM), "out of memory");
    assert_string_equal(va_status_text(VA_EFAILED), "failed");
    assert_string_equal(va_status_text(VA_EFAILED - 1), "unknown error");
    assert_string_equal(va_status_text(1), "unknown error");
    assert_string_equal(va_status_text(INT_MIN), "unknown error");
    assert_string_equal(va_status_text(INT_MAX), "unknown error");
    assert_true(strlen(va_version()) >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_code_and_text),  cmocka_unit_test(cuts_long_texts),     cmocka_unit_test(may_quote_itself),
        cmocka_unit_test(is_one_harmless_line), cmocka_unit_test(knows_system_errors), cmocka_unit_test(has_a_text_for_every_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
