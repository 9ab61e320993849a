#include "base/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

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

static void the_future_is_bounded(void **state)
{
    static const double nonsense[] = {-1, -INFINITY, NAN};
    uint64_t now = va_clock_ns();

    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        uint64_t after = va_clock_after(nonsense[i]);
        assert_true(after >= now && after <= va_clock_ns());
    }
    assert_true(va_clock_after(2.5) >= now + 2500000000u);
    assert_true(va_clock_after(INFINITY) >= now + (uint64_t)100 * 365 * 86400 * 1000000000u);
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

static void reads_time(void **state)
{
    static const struct {
        const char *text;
        double unix_s;
    } good[] = {
        {"1970-01-01", 0},
        {"2026-01-31T23:59:59.123Z", 1769903999.123},
        {"2000-02-29", 951782400},
        {"2000-02-29T00:00", 951782400},
        {"2000-02-29 00:00:00", 951782400},
        {"2000-02-29T01:30:00+01:30", 951782400},
        {"2000-02-28T22:30:00-0130", 951782400},
        {"2000-02-28T23:59:60Z", 951782400},
        {"1970-01-01T00:00:00.000000001234Z", 1e-9},
    };
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-1-31",
                                      "2026-13-01",
                                      "2026-02-30",
                                      "1900-02-29",
                                      "2100-02-29",
                                      "1969-12-31",
                                      "2026-01-31T",
                                      "2026-01-31T24:00",
                                      "2026-01-31T12",
                                      "2026-01-31T12:60",
                                      "2026-01-31x",
                                      "2026-01-31Z",
                                      "2026-01-31T12:00:61",
                                      "2026-01-31T12:00:00.",
                                      "2026-01-31T12:00+1",
                                      "2026-01-31T12:00+24:00",
                                      "-026-01-31",
                                      "yesterday",
                                      "2026-01-31T12:00Z "};
    double unix_s;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(va_clock_parse(good[i].text, &unix_s), 0);
        assert_true(fabs(unix_s - good[i].unix_s) < 1e-6);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(va_clock_parse(bad[i], &unix_s), VA_EFORMAT);
}

static void a_clock_that_was_set_is_noticed(void **state)
{
    double offset_s = 0.0;

    assert_false(va_clock_was_set(&offset_s));
    assert_false(va_clock_was_set(&offset_s));
    offset_s -= 61.0;
    assert_true(va_clock_was_set(&offset_s));
    assert_false(va_clock_was_set(&offset_s));
    offset_s += 3.0 * 365 * 86400;
    assert_true(va_clock_was_set(&offset_s));
    offset_s += 59.0;
    assert_false(va_clock_was_set(&offset_s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(writes_time),  cmocka_unit_test(bounds_time),
                                       cmocka_unit_test(reads_time),   cmocka_unit_test(the_future_is_bounded),
                                       cmocka_unit_test(runs_forward), cmocka_unit_test(a_clock_that_was_set_is_noticed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
