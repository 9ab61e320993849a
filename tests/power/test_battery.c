#include "power/power.h"

#include <math.h>

#include "doubles/gpiod.h"
#include "tree.h"

#define BATTERY "/sys/class/power_supply/BAT0"

static const char *charge_line = "";

static int read_battery(struct va_battery *battery, va_error *error)
{
    const struct va_power_options options = {root, charge_line, 0};

    return va_battery_read(&options, battery, error);
}

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

    assert_int_equal(read_battery(&battery, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "not present"));
    put("/dev/i2c-1", ""); /* no bus */
    assert_int_equal(read_battery(&battery, &error), VA_ENOTFOUND);
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
    assert_int_equal(read_battery(&battery, &error), VA_ENOTFOUND);
    put(BATTERY "/type", "Battery\n");
    put(BATTERY "/present", "0\n"); /* a bay without a battery */
    put(BATTERY "/capacity", "64\n");
    assert_int_equal(read_battery(&battery, &error), VA_ENOTFOUND);
    put(BATTERY "/present", "1\n");
    put(BATTERY "/status", "Charging\n");
    put(BATTERY "/voltage_now", "3912000\n");
    assert_int_equal(read_battery(&battery, &error), 0);
    assert_string_equal(battery.source, "power_supply");
    assert_true(battery.percent == 64 && fabs(battery.volts - 3.912) < 1e-9 && battery.charging == 1);
    put(BATTERY "/status", "Discharging\n");
    assert_int_equal(read_battery(&battery, &error), 0);
    assert_int_equal(battery.charging, 0);
}

static void a_voltage_is_enough(void **state)
{
    struct va_battery battery;
    va_error error;

    put(BATTERY "/type", "Battery\n");
    put(BATTERY "/status", "Unknown\n");
    put(BATTERY "/voltage_now", "3600000\n");
    assert_int_equal(read_battery(&battery, &error), 0);
    assert_true(fabs(battery.percent - 50) < 1e-6 && battery.charging == -1);
    put(BATTERY "/capacity", "400\n"); /* a gauge that lies is not believed */
    assert_int_equal(read_battery(&battery, &error), 0);
    assert_true(fabs(battery.percent - 50) < 1e-6);
    put(BATTERY "/voltage_now", "-1\n");
    assert_int_equal(read_battery(&battery, &error), VA_ENOTFOUND);
    put(BATTERY "/capacity", "40\n");
    assert_int_equal(read_battery(&battery, &error), 0);
    assert_true(battery.percent == 40 && isnan(battery.volts));
}

#define CHIP "/sys/bus/i2c/devices/1-0048"

static void put_chip(const char *name, const char *raw, const char *scale)
{
    put(CHIP "/name", name);
    put(CHIP "/iio:device3/in_voltage0_raw", raw);
    put(CHIP "/iio:device3/in_voltage0_scale", scale);
}

static void through_the_kernels_driver(void **state)
{
    struct va_battery battery;
    va_error error;

    put_chip("ads1115\n", "20000\n", "0.187500000\n");
    assert_int_equal(read_battery(&battery, &error), 0);
    assert_string_equal(battery.source, "ads1115");
    assert_true(fabs(battery.volts - 3.75) < 1e-9 && fabs(battery.percent - 62.5) < 1e-6 && battery.charging == -1);
    put_chip("ads1115\n", "32767\n", "0.062500000\n"); /* a full battery is beyond what it measures */
    assert_int_equal(read_battery(&battery, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "0.1875"));
    put_chip("ads1115\n", "-7\n", "0.187500000\n");
    assert_int_equal(read_battery(&battery, &error), VA_ENOTFOUND);
    put_chip("ads1115\n", "30000\n", "0.187500000\n"); /* 5.6 V are no cell */
    assert_int_equal(read_battery(&battery, &error), VA_ENOTFOUND);
    put_chip("ads1115\n", "20000\n", "none\n");
    assert_int_equal(read_battery(&battery, &error), VA_EFORMAT);
    put_chip("tmp102\n", "20000\n", "0.187500000\n"); /* another chip at that address */
    assert_int_equal(read_battery(&battery, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "not present"));
}

static void the_charge_line(void **state)
{
    struct va_battery battery;
    va_error error;

    put_chip("ads1115\n", "20000\n", "0.187500000\n");
    gpiod_reset();
    charge_line = "gpiochip0:5:low";
    gpiod.value = 1;
    assert_int_equal(read_battery(&battery, &error), 0);
    assert_int_equal(battery.charging, 1);
    assert_true(gpiod.is_low && !gpiod.is_output && gpiod.open_chips == 0);
    gpiod.value = 0;
    assert_int_equal(read_battery(&battery, &error), 0);
    assert_int_equal(battery.charging, 0);
    gpiod.is_lost = 1;
    assert_int_equal(read_battery(&battery, &error), 0);
    assert_int_equal(battery.charging, -1);
    gpiod_reset();
    gpiod.is_busy = 1;
    assert_int_equal(read_battery(&battery, &error), 0);
    assert_int_equal(battery.charging, -1);
    gpiod_reset();
    gpiod.is_missing = 1;
    assert_int_equal(read_battery(&battery, &error), 0);
    assert_int_equal(battery.charging, -1);
    gpiod_reset();
    gpiod.value = 1;
    put(BATTERY "/type", "Battery\n");
    put(BATTERY "/capacity", "64\n");
    put(BATTERY "/status", "Discharging\n"); /* the kernel knows better */
    assert_int_equal(read_battery(&battery, &error), 0);
    assert_int_equal(battery.charging, 0);
    charge_line = "";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_is_linear_and_clamped),
        cmocka_unit_test_setup_teardown(none_is_not_present, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(what_the_kernel_reports, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(a_voltage_is_enough, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(through_the_kernels_driver, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(the_charge_line, make_tree, remove_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
