#include "power/power.h"

#include <math.h>

#include "tree.h"

#define BATTERY "/sys/class/power_supply/BAT0"

static void percent_is_linear_and_clamped(void **state)
{
    assert_true(va_battery_percent(3.0) == 0);
    assert_true(va_battery_percent(2.1) == 0);
    assert_true(fabs(va_battery_percent(3.6) - 50) < 1e-9);
    assert_true(fabs(va_battery_percent(4.2) - 100) < 1e-9);
    assert_true(va_battery_percent(5.0) == 100);
}

static void none_is_not_present(void **state)
{
    struct va_battery battery = {.percent = -7};
    va_error error;

    assert_int_equal(va_battery_read(root, &battery, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "not present"));
    put("/dev/i2c-1", ""); /* no bus */
    assert_int_equal(va_battery_read(root, &battery, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "not present"));
    assert_true(battery.percent == -7);
}

static void what_the_kernel_reports(void **state)
{
    struct va_battery battery;
    va_error error;

    put("/sys/class/power_supply/AC/type", "Mains\n");
    put("/sys/class/power_supply/hidpp_battery_0/type", "Battery\n"); /* a mouse's */
    put("/sys/class/power_supply/hidpp_battery_0/scope", "Device\n");
    put("/sys/class/power_supply/hidpp_battery_0/capacity", "5\n");
    assert_int_equal(va_battery_read(root, &battery, &error), VA_ENOTFOUND);
    put(BATTERY "/type", "Battery\n");
    put(BATTERY "/present", "0\n"); /* a bay without a battery */
    put(BATTERY "/capacity", "64\n");
    assert_int_equal(va_battery_read(root, &battery, &error), VA_ENOTFOUND);
    put(BATTERY "/present", "1\n");
    put(BATTERY "/status", "Charging\n");
    put(BATTERY "/voltage_now", "3912000\n");
    assert_int_equal(va_battery_read(root, &battery, &error), 0);
    assert_string_equal(battery.source, "power_supply");
    assert_true(battery.percent == 64 && fabs(battery.volts - 3.912) < 1e-9 && battery.charging == 1);
    put(BATTERY "/status", "Discharging\n");
    assert_int_equal(va_battery_read(root, &battery, &error), 0);
    assert_int_equal(battery.charging, 0);
}

static void a_voltage_is_enough(void **state)
{
    struct va_battery battery;
    va_error error;

    put(BATTERY "/type", "Battery\n");
    put(BATTERY "/status", "Unknown\n");
    put(BATTERY "/voltage_now", "3600000\n");
    assert_int_equal(va_battery_read(root, &battery, &error), 0);
    assert_true(fabs(battery.percent - 50) < 1e-6 && battery.charging == -1);
    put(BATTERY "/capacity", "400\n"); /* a gauge that lies */
    assert_int_equal(va_battery_read(root, &battery, &error), 0);
    assert_true(battery.percent == 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_is_linear_and_clamped),
        cmocka_unit_test_setup_teardown(none_is_not_present, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(what_the_kernel_reports, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(a_voltage_is_enough, make_tree, remove_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
