#include "power/automatic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct va_automatic automatic;

static int make(void **state)
{
    automatic = (struct va_automatic){.usual = "balanced", .low_percent = 20};
    return 0;
}

static void expect(const char *mode, double now_s, struct va_automatic_facts facts)
{
    assert_string_equal(va_automatic_mode(&automatic, &facts, now_s), mode);
}

static void work_is_done_fast(void **state)
{
    expect("balanced", 0, (struct va_automatic_facts){0});
    expect("performance", 1, (struct va_automatic_facts){.is_busy = 1});
    expect("performance", 10.9, (struct va_automatic_facts){0}); /* there may be more at once */
    expect("balanced", 11, (struct va_automatic_facts){0});
    expect("performance", 12, (struct va_automatic_facts){.is_busy = 1});
}

static void a_low_battery_counts_more(void **state)
{
    struct va_automatic_facts facts = {.has_battery = 1, .percent = 20, .charging = 0};

    expect("balanced", 0, facts);
    facts.percent = 19.9;
    expect("low-power", 1, facts);
    facts.is_busy = 1;
    expect("low-power", 2, facts);
    facts.is_busy = 0;
    facts.percent = 24.9; /* the load has gone */
    expect("low-power", 20, facts);
    facts.percent = 25;
    expect("balanced", 30, facts);
    facts.percent = 24;
    expect("balanced", 31, facts);
}

static void charging_ends_it(void **state)
{
    struct va_automatic_facts facts = {.has_battery = 1, .percent = 5, .charging = -1};

    expect("low-power", 0, facts);
    facts.charging = 1;
    expect("balanced", 1, facts);
    facts.charging = 0;
    expect("low-power", 2, facts);
    facts.has_battery = 0; /* taken out, on a cable */
    expect("balanced", 3, facts);
}

static void none_is_ever_low(void **state)
{
    automatic.low_percent = 0;
    expect("balanced", 0, (struct va_automatic_facts){.has_battery = 1, .percent = 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(work_is_done_fast, make),
        cmocka_unit_test_setup(a_low_battery_counts_more, make),
        cmocka_unit_test_setup(charging_ends_it, make),
        cmocka_unit_test_setup(none_is_ever_low, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
