#include "power/power.h"

#include <math.h>
#include <sys/stat.h>

#include "tree.h"

#define CPU "/sys/devices/system/cpu/cpufreq"
#define PANEL "/sys/class/backlight/10-0045"

static int set_mode(const char *mode, va_error *error)
{
    const struct va_power_options options = {root, "", 0};

    return va_power_set_mode(&options, mode, VA_POWER_ALL, error);
}

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
    double slept_s;
    va_error error;

    va_power_read(root, &now);
    assert_null(now.mode);
    assert_int_equal(now.wifi, -1);
    assert_string_equal(now.governor, "");
    assert_int_equal(now.backlight, -1);
    assert_true(isnan(now.cpu_celsius));
    assert_int_equal(now.throttled, -1);
    assert_int_equal(now.n_throttled, -1);
    assert_false(now.can_sleep);
    assert_int_equal(set_mode("performance", &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "not present"));
    assert_int_equal(va_power_sleep(root, 60, &slept_s, &error), VA_ENOTFOUND);
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
    put_panel("300\n", "255\n");
    put("/sys/class/thermal/thermal_zone0/temp", "-274000\n");
    put("/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "-1\n");
    va_power_read(root, &now);
    assert_int_equal(now.backlight, -1);
    assert_true(isnan(now.cpu_celsius));
    assert_int_equal(now.n_throttled, -1);
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
        if (set_mode(cases[i].mode, &error) < 0)
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
    assert_int_equal(set_mode("low-power", &error), 0);
    expect_begins(PANEL "/brightness", "50");
}

static void modes_that_cannot_be(void **state)
{
    va_error error;

    put_cpus("performance\n", "powersave performance\n");
    assert_int_equal(set_mode("turbo", &error), VA_EINVAL);
    assert_non_null(strstr(error.text, "low-power, balanced or performance"));
    assert_int_equal(set_mode("balanced", &error), VA_EUNSUPPORTED);
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
    int r = set_mode("low-power", &error);
    if (before == 0)
        assert_int_equal(seteuid(before), 0);
    assert_int_equal(r, VA_EDENIED);
    assert_non_null(strstr(error.text, "needs permission to write"));
    expect_begins(CPU "/policy0/scaling_governor", "performance");
    expect_begins(PANEL "/brightness", "200");
}

static void put_clock(const char *state, const char *now)
{
    put("/sys/class/rtc/rtc0/wakealarm", "\n");
    put("/sys/class/rtc/rtc0/since_epoch", now);
    put("/sys/power/state", state);
}

/* The alarm is an ordinary file here: what was written relative to the clock's time is read back as it is, so the clock is at 0. */
static void sleeping(void **state)
{
    struct va_power_state now;
    double slept_s = -1;
    va_error error;

    put_clock("freeze mem disk\n", "0\n");
    va_power_read(root, &now);
    assert_true(now.can_sleep);
    assert_int_equal(va_power_check_sleep(root, 1, &error), VA_EINVAL);
    assert_int_equal(va_power_check_sleep(root, 604801, &error), VA_EINVAL);
    assert_int_equal(va_power_check_sleep(root, 60, &error), 0);
    expect_begins("/sys/power/state", "freeze mem disk");
    assert_int_equal(va_power_sleep(root, 60, &slept_s, &error), 0);
    assert_true(slept_s >= 0);
    expect_begins("/sys/class/rtc/rtc0/wakealarm", "+60");
    expect_begins("/sys/power/state", "mem");
    put_clock("freeze\n", "0\n");
    assert_int_equal(va_power_sleep(root, 3600, &slept_s, &error), 0);
    expect_begins("/sys/class/rtc/rtc0/wakealarm", "+3600");
    put("/sys/power/state", "disk memory\n"); /* hibernation is none, and neither is a longer word */
    assert_int_equal(va_power_sleep(root, 60, &slept_s, &error), VA_ENOTFOUND);
    va_power_read(root, &now);
    assert_false(now.can_sleep);
}

/* Who would not wake does not sleep. */
static void an_alarm_that_is_not_taken(void **state)
{
    double slept_s = -1;
    va_error error;

    put_clock("mem disk\n", "1790000000\n");
    assert_int_equal(va_power_sleep(root, 60, &slept_s, &error), VA_EIO);
    assert_non_null(strstr(error.text, "alarm"));
    expect_begins("/sys/power/state", "mem disk");
    put_clock("mem disk\n", "soon\n");
    assert_int_equal(va_power_sleep(root, 60, &slept_s, &error), VA_EFORMAT);
    expect_begins("/sys/power/state", "mem disk");
    assert_true(slept_s == -1);
}

static void put_radios(const char *soft)
{
    put("/sys/class/rfkill/rfkill0/type", "bluetooth\n");
    put("/sys/class/rfkill/rfkill0/soft", "1\n");
    put("/sys/class/rfkill/rfkill1/type", "wlan\n");
    put("/sys/class/rfkill/rfkill1/soft", soft);
    put("/dev/rfkill", "");
}

/* What the kernel's struct rfkill_event says: index, type 1 (Wi-Fi), change all, blocked or not, 0. */
static void expect_event(int is_off)
{
    const unsigned char wanted[8] = {0, 0, 0, 0, 1, 3, (unsigned char)is_off, 0};
    char path[512], *data;
    size_t n;

    snprintf(path, sizeof path, "%s/dev/rfkill", root);
    assert_int_equal(va_file_read(path, 64, &data, &n, NULL), 0);
    assert_true(n >= 8);
    assert_memory_equal(data, wanted, 8);
    va_free(data);
}

static void wifi_by_option(void **state)
{
    struct va_power_options options = {root, "", 0};
    struct va_power_state now;
    char path[512];
    struct stat found;
    va_error error;

    put_cpus("performance\n", "powersave performance\n");
    put_radios("0\n");
    va_power_read(root, &now);
    assert_int_equal(now.wifi, 1);
    assert_int_equal(va_power_set_mode(&options, "low-power", VA_POWER_ALL, &error), 0);
    snprintf(path, sizeof path, "%s/dev/rfkill", root);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_size, 0); /* without the option it is left alone */
    options.wifi_off = 1;
    assert_int_equal(va_power_set_mode(&options, "low-power", VA_POWER_GOVERNOR, &error), 0);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_size, 0);
    assert_int_equal(va_power_set_mode(&options, "low-power", VA_POWER_ALL, &error), 0);
    expect_event(1);
    put_radios("1\n");
    va_power_read(root, &now);
    assert_int_equal(now.wifi, 0);
    assert_int_equal(va_power_set_mode(&options, "performance", VA_POWER_ALL, &error), 0);
    expect_event(0);
}

static void only_the_parts_that_are_meant(void **state)
{
    const struct va_power_options options = {root, "", 0};
    va_error error;

    put_cpus("powersave\n", "powersave performance\n");
    put_panel("50\n", "255\n");
    assert_int_equal(va_power_set_mode(&options, "performance", VA_POWER_GOVERNOR, &error), 0);
    expect_begins(CPU "/policy0/scaling_governor", "performance");
    expect_begins(PANEL "/brightness", "50");
}

static void options_that_cannot_be_understood(void **state)
{
    const struct va_power_options good = {root, "gpiochip0:17:low", 0}, bad = {root, "17", 0};
    va_error error;

    assert_int_equal(va_power_check_options(&good, &error), 0);
    assert_int_equal(va_power_check_options(&bad, &error), VA_EINVAL);
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
        cmocka_unit_test_setup_teardown(an_alarm_that_is_not_taken, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(wifi_by_option, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(only_the_parts_that_are_meant, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(options_that_cannot_be_understood, make_tree, remove_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
