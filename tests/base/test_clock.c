#include "base/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_text(double unix_s, const char *expected)
{
    char text[VA_CLOCK_TEXT_SIZE];
    va_clock_text(unix_s, text);
    assert_string_equal(text, expected);
}

static void writes_time(void **state)
{
    check_text(0, "1970-01-01T00:00:00.000Z");
    check_text(1769903999.123, "2026-01-31T23:59:59.123Z");
    check_text(1234567890.123, "2009-02-13T23:31:30.123Z");
    check_text(951782400, "2000-02-29T00:00:00.000Z");
    check_text(59.9996, "1970-01-01T00:01:00.000Z");
}

static void bounds_time(void **state)
{
    check_text(-1, "1970-01-01T00:00:00.000Z");
    check_text(-INFINITY, "1970-01-01T00:00:00.000Z");
    check_text(NAN, "1970-01-01T00:00:00.000Z");
    check_text(INFINITY, "9999-12-31T23:59:59.000Z");
    check_text(1e300, "9999-12-31T23:59:59.000Z");
}

static void runs_forward(void **state)
{
    uint64_t last = va_clock_ns();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = va_clock_ns();
        assert_true(now >= last);
        last = now;
    }
    double ms = va_clock_ms();
    assert_true(ms >= (double)last * 1e-6 - 1);
    assert_true(va_clock_unix_s() > 1.6e9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(writes_time), cmocka_unit_test(bounds_time), cmocka_unit_test(runs_forward)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
