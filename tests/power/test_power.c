#include "power/power.h"

#include <math.h>
#include <sys/stat.h>

#include "tree.h"

#define CPU "/sys/devices/system/cpu/cpufreq"
#define PANEL "/sys/class/backlight/10-0045"

static void put_cpus(const char *governor, const char *governors)
{
    put(CPU "/policy0/scaling_governor", governor);
    put(CPU "/policy0/scaling_available_governors", governors);
    put(CPU "/policy10/scaling_governor", governor);
    put(CPU "/boost", "1\n"); /* no policy */
}

static void put_panel(const char *brightness, const char *max)
{
    put(PANEL "/brightness", brightness);
    put(PANEL "/max_brightness", max);
}

static void a_machine_without_anything(void **state)
{
    struct va_power_state now;
    va_error error;

    va_power_read(root, &now);
    assert_null(now.mode);
    assert_string_equal(now.governor, "");
    assert_int_equal(now.backlight, -1);
    assert_true(isnan(now.cpu_celsius));
    assert_int_equal(now.throttled, -1);
    assert_int_equal(now.n_throttled, -1);
    assert_false(now.can_sleep);
    assert_int_equal(va_power_set_mode(root, "performance", &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "not present"));
    assert_int_equal(va_power_sleep(root, 60, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "not present"));
}

static void what_there_is(void **state)
{
    struct va_power_state now;

    put_cpus("ondemand\n", "conservative ondemand userspace powersave performance \n");
    put_panel("128\n", "255\n");
    put("/sys/class/thermal/thermal_zone0/type", "iwlwifi_1\n");
    put("/sys/class/thermal/thermal_zone0/temp", "77000\n");
    put("/sys/class/thermal/thermal_zone1/type", "cpu-thermal\n");
    put("/sys/class/thermal/thermal_zone1/temp", "48312\n");
    put("/sys/class/thermal/thermal_zone2/type", "cpu-thermal\n");
    put("/sys/class/thermal/thermal_zone2/temp", "41000\n");
    put("/sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n");
    put("/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "7\n");
    va_power_read(root, &now);
    assert_string_equal(now.mode, "balanced");
    assert_string_equal(now.governor, "ondemand");
    assert_string_equal(now.governors, "conservative ondemand userspace powersave performance");
    assert_int_equal(now.backlight, 128);
    assert_int_equal(now.max_backlight, 255);
    assert_true(fabs(now.cpu_celsius - 48.312) < 1e-9);
    assert_int_equal(now.throttled, 1);
    assert_int_equal(now.n_throttled, 7);
    put("/sys/devices/platform/soc/soc:firmware/get_throttled", "50000\n"); /* it was, and is not */
    put_cpus("userspace\n", "userspace\n");
    va_power_read(root, &now);
    assert_int_equal(now.throttled, 0);
    assert_null(now.mode);
}

static void what_is_damaged_is_not_there(void **state)
{
    struct va_power_state now;

    put_panel("bright\n", "255\n");
    put("/sys/class/thermal/thermal_zone0/type", "cpu-thermal\n");
    put("/sys/class/thermal/thermal_zone0/temp", "48 or so\n");
    put("/sys/devices/platform/soc/soc:firmware/get_throttled", "no\n");
    va_power_read(root, &now);
    assert_int_equal(now.backlight, -1);
    assert_true(isnan(now.cpu_celsius));
    assert_int_equal(now.throttled, -1);
    put_panel("0\n", "0\n");
    va_power_read(root, &now);
    assert_int_equal(now.backlight, -1);
}

static void modes_set_all_processors_and_the_panel(void **state)
{
    static const struct {
        const char *mode, *governors, *governor, *max, *light;
    } cases[] = {
        {"low-power", "powersave performance", "powersave", "255\n", "50"},
        {"low-power", "powersave performance", "powersave", "31\n", "6"}, /* of another panel */
        {"performance", "powersave performance", "performance", "4095\n", "4095"},
        {"balanced", "ondemand performance", "ondemand", "255\n", "150"},
        {"balanced", "ondemand schedutil performance", "schedutil", "255\n", "150"},
    };
    struct va_power_state now;
    va_error error;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_cpus("x\n", cases[i].governors);
        put_panel("1\n", cases[i].max);
        if (va_power_set_mode(root, cases[i].mode, &error) < 0)
            fail_msg("%s", error.text);
        expect_begins(CPU "/policy0/scaling_governor", cases[i].governor);
        expect_begins(CPU "/policy10/scaling_governor", cases[i].governor);
        expect_begins(PANEL "/brightness", cases[i].light);
        va_power_read(root, &now);
        assert_string_equal(now.mode, cases[i].mode);
    }
}

static void what_is_present_is_enough(void **state)
{
    va_error error;

    put_panel("200\n", "255\n");
    assert_int_equal(va_power_set_mode(root, "low-power", &error), 0);
    expect_begins(PANEL "/brightness", "50");
}

static void modes_that_cannot_be(void **state)
{
    va_error error;

    put_cpus("performance\n", "powersave performance\n");
    assert_int_equal(va_power_set_mode(root, "turbo", &error), VA_EINVAL);
    assert_non_null(strstr(error.text, "low-power, balanced or performance"));
    assert_int_equal(va_power_set_mode(root, "balanced", &error), VA_EUNSUPPORTED);
    assert_non_null(strstr(error.text, "powersave performance"));
    expect_begins(CPU "/policy0/scaling_governor", "performance");
}

/* Nothing is half done: the last file that may not be written keeps the first from being written. */
static void without_permission_nothing_changes(void **state)
{
    char path[512];
    va_error error;

    put_cpus("performance\n", "powersave performance\n");
    put_panel("200\n", "255\n");
    snprintf(path, sizeof path, "%s" PANEL "/brightness", root);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(root, 0755), 0);
    uid_t before = geteuid();
    if (before == 0) {
        snprintf(path, sizeof path, "%s" CPU "/policy0/scaling_governor", root);
        assert_int_equal(chmod(path, 0666), 0);
        assert_int_equal(seteuid(65534), 0); /* root may write everything */
    }
    int r = va_power_set_mode(root, "low-power", &error);
    if (before == 0)
        assert_int_equal(seteuid(before), 0);
    assert_int_equal(r, VA_EDENIED);
    assert_non_null(strstr(error.text, "needs permission to write"));
    expect_begins(CPU "/policy0/scaling_governor", "performance");
    expect_begins(PANEL "/brightness", "200");
}

static void sleeping(void **state)
{
    struct va_power_state now;
    va_error error;

    put("/sys/class/rtc/rtc0/wakealarm", "\n");
    put("/sys/power/state", "freeze mem disk\n");
    va_power_read(root, &now);
    assert_true(now.can_sleep);
    assert_int_equal(va_power_check_sleep(root, 1, &error), VA_EINVAL);
    assert_int_equal(va_power_check_sleep(root, 604801, &error), VA_EINVAL);
    assert_int_equal(va_power_check_sleep(root, 60, &error), 0);
    expect_begins("/sys/power/state", "freeze mem disk");
    assert_int_equal(va_power_sleep(root, 60, &error), 0);
    expect_begins("/sys/class/rtc/rtc0/wakealarm", "+60");
    expect_begins("/sys/power/state", "mem");
    put("/sys/power/state", "freeze\n");
    assert_int_equal(va_power_sleep(root, 3600, &error), 0);
    expect_begins("/sys/class/rtc/rtc0/wakealarm", "+3600");
    put("/sys/power/state", "disk\n"); /* hibernation is none */
    assert_int_equal(va_power_sleep(root, 60, &error), VA_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_machine_without_anything, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(what_there_is, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_not_there, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(modes_set_all_processors_and_the_panel, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(what_is_present_is_enough, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(modes_that_cannot_be, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(without_permission_nothing_changes, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(sleeping, make_tree, remove_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
