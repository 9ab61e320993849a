/* The verbs on a machine of files. */
#include "helper/verbs.h"

#include <sys/stat.h>

#include "tree.h"

#define CPU "/sys/devices/system/cpu/cpufreq"
#define DEVICE "/sys/bus/usb/devices/1-1.3:1.0"
#define DRIVER "/sys/bus/usb/drivers/uvcvideo"

static int run(const char *text, va_error *error)
{
    const struct va_helper_place place = {root, root};
    struct va_helper_request request;

    assert_int_equal(va_helper_parse_request(text, strlen(text), &request), 0);
    return va_helper_run(&place, &request, 0, error);
}

static void all_processors(void **state)
{
    va_error error;

    assert_int_equal(run("governor powersave", &error), VA_ENOTFOUND);
    put(CPU "/boost", "1");
    assert_int_equal(run("governor powersave", &error), VA_ENOTFOUND);
    put(CPU "/policy0/scaling_governor", "performance");
    put(CPU "/policy4/scaling_governor", "performance");
    assert_int_equal(run("governor powersave", &error), 0);
    expect_begins(CPU "/policy0/scaling_governor", "powersave");
    expect_begins(CPU "/policy4/scaling_governor", "powersave");
    expect_begins(CPU "/boost", "1");
}

static void the_panel(void **state)
{
    va_error error;

    assert_int_equal(run("brightness 50", &error), VA_ENOTFOUND);
    put("/sys/class/backlight/panel/brightness", "255");
    assert_int_equal(run("brightness 50", &error), 0);
    expect_begins("/sys/class/backlight/panel/brightness", "50");
}

static void wifi_is_not_bluetooth(void **state)
{
    va_error error;

    put("/dev/rfkill", "");
    put("/sys/class/rfkill/rfkill0/type", "bluetooth\n");
    assert_int_equal(run("wifi off", &error), VA_ENOTFOUND);
    put("/sys/class/rfkill/rfkill1/type", "wlan\n");
    assert_int_equal(run("wifi off", &error), 0);
}

static void sleep_needs_both(void **state)
{
    va_error error;

    assert_int_equal(run("sleep 60", &error), VA_ENOTFOUND);
    put("/sys/class/rtc/rtc0/wakealarm", "\n");
    put("/sys/class/rtc/rtc0/since_epoch", "0\n");
    put("/sys/power/state", "disk\n");
    assert_int_equal(run("sleep 60", &error), VA_ENOTFOUND);
    put("/sys/power/state", "freeze standby\n");
    assert_int_equal(run("sleep 60", &error), 0);
    expect_begins("/sys/power/state", "standby");
}

static void link_driver(const char *to)
{
    char path[512];

    snprintf(path, sizeof path, "%s" DEVICE "/driver", root);
    (void)unlink(path);
    if (to != NULL)
        assert_int_equal(symlink(to, path), 0);
}

static void a_camera_goes_and_comes_back(void **state)
{
    va_error error;

    put(DEVICE "/video4linux/video0/name", "Camera\n");
    put(DRIVER "/bind", "");
    put(DRIVER "/unbind", "");
    assert_int_equal(run("bind usb 1-1.3:1.0", &error), VA_EDENIED); /* nobody has released it */
    assert_int_equal(run("release usb 1-1.3:1.0", &error), VA_ENOTFOUND);
    link_driver("../../drivers/uvcvideo");
    assert_int_equal(run("release usb 1-1.3:1.0", &error), 0);
    expect_begins(DRIVER "/unbind", "1-1.3:1.0");
    link_driver(NULL);
    assert_int_equal(run("bind usb 1-1.3:1.0", &error), 0);
    expect_begins(DRIVER "/bind", "1-1.3:1.0");
    assert_int_equal(run("bind usb 1-1.3:1.0", &error), VA_EDENIED); /* once */
}

/* Whoever takes over the program cannot take the disk or the network from the machine. */
static void nothing_but_cameras(void **state)
{
    va_error error;
    const struct va_helper_place nowhere = {root, NULL};
    struct va_helper_request request;

    put(DEVICE "/net/wlan0/address", "x\n");
    put(DRIVER "/unbind", "");
    link_driver("../../drivers/uvcvideo");
    assert_int_equal(run("release usb 1-1.3:1.0", &error), VA_EDENIED);
    assert_non_null(strstr(error.text, "no camera"));
    assert_int_equal(run("release usb 9-9", &error), VA_EDENIED);
    put(DEVICE "/video4linux/video0/name", "Camera\n");
    assert_int_equal(va_helper_parse_request("release usb 1-1.3:1.0", 21, &request), 0);
    assert_int_equal(va_helper_run(&nowhere, &request, 0, &error), VA_EDENIED);
    /* A driver that does not let go leaves no record behind. */
    char path[512];
    snprintf(path, sizeof path, "%s" DRIVER "/unbind", root);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(run("release usb 1-1.3:1.0", &error), VA_ENOTFOUND);
    assert_int_equal(run("bind usb 1-1.3:1.0", &error), VA_EDENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_processors, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(the_panel, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(wifi_is_not_bluetooth, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(sleep_needs_both, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(a_camera_goes_and_comes_back, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(nothing_but_cameras, make_tree, remove_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
