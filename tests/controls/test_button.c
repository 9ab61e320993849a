/* The button on named pipes that carry the events of input devices, and on a stand-in for libgpiod. */
#include "controls/button.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <fcntl.h>
#include <linux/input.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "doubles/gpiod.h"
#include "temporary.h"

static char root[256];
static char device_path[300];

/* ---- what an input device answers ---- */

static _Atomic int has_keys, is_down; /* pipes have the key F13 */
static _Atomic int asked;             /* how the keys are: each device when it is opened */

int __wrap_ioctl(int fd, unsigned long request, void *data);
int __wrap_ioctl(int fd, unsigned long request, void *data)
{
    (void)fd;
    asked += _IOC_NR(request) == _IOC_NR(EVIOCGKEY(0));
    if (!has_keys || _IOC_TYPE(request) != 'E')
        return -1;
    if (_IOC_NR(request) == _IOC_NR(EVIOCGKEY(0)) ? is_down : 1)
        ((unsigned char *)data)[KEY_F13 / 8] |= 1 << (KEY_F13 % 8);
    return 0;
}

/* ---- the clock, which a test may stop ---- */

static _Atomic double stopped_ms; /* 0: it goes */

double __real_va_clock_ms(void);
double __wrap_va_clock_ms(void);
double __wrap_va_clock_ms(void)
{
    return stopped_ms > 0 ? stopped_ms : __real_va_clock_ms();
}

/* ---- what the button tells ---- */

static _Atomic int presses, releases, there, missing;
static char reason[256];

static void on_button(void *user, int pressed)
{
    assert_ptr_equal(user, root);
    (pressed ? &presses : &releases)[0]++;
}

static void on_device(void *user, const va_error *error)
{
    if (error != NULL)
        snprintf(reason, sizeof reason, "%s", error->text);
    (error == NULL ? &there : &missing)[0]++;
}

static void expect(_Atomic int *value, int n)
{
    for (int i = 0; i < 10000 && *value < n; i++)
        usleep(1000);
    assert_int_equal(*value, n);
}

static va_button *make(const char *name, int hold)
{
    const struct va_button_options options = {
        .button = name, .root = root, .hold = hold, .on_button = on_button, .on_device = on_device, .user = root};
    va_button *button = NULL;
    va_error error;

    if (va_button_new(&options, &button, &error) < 0)
        fail_msg("%s", error.text);
    return button;
}

static int start(void **state)
{
    presses = releases = there = missing = has_keys = is_down = asked = 0;
    stopped_ms = 0;
    gpiod_reset();
    assert_int_equal(temporary_make(root), 0);
    snprintf(device_path, sizeof device_path, "%s/dev/input", root);
    assert_int_equal(va_file_make_folder(device_path, 0700, NULL), 0);
    snprintf(device_path, sizeof device_path, "%s/dev/input/event0", root);
    return 0;
}

static int stop(void **state)
{
    assert_int_equal(gpiod.open_chips, 0);
    return temporary_remove(root);
}

/* ---- a device ---- */

static int plug_in(const char *path)
{
    assert_int_equal(mkfifo(path, 0600), 0);
    return open(path, O_RDWR | O_CLOEXEC); /* so that it does not wait for the button */
}

static void send_event(int device, int type, int code, int value)
{
    const struct input_event event = {.type = (uint16_t)type, .code = (uint16_t)code, .value = value};
    assert_int_equal(write(device, &event, sizeof event), sizeof event);
}

static void send_key(int device, int value)
{
    send_event(device, EV_KEY, KEY_F13, value);
    send_event(device, EV_SYN, SYN_REPORT, 0);
}

/* Long enough for contacts to be still. */
static void be_still(void)
{
    usleep(25000);
}

/* ---- tests ---- */

static void a_key_is_held(void **state)
{
    va_button *button = make("key:F13@/dev/input/event0", 1);

    expect(&missing, 1);
    assert_non_null(strstr(reason, "event0"));
    int device = plug_in(device_path);
    expect(&there, 1);
    for (int i = 1; i <= 3; i++) {
        send_event(device, EV_KEY, KEY_F14, 1); /* another key */
        send_key(device, 1);
        send_key(device, 2); /* it repeats */
        expect(&presses, i);
        be_still();
        send_key(device, 2);
        send_key(device, 0);
        expect(&releases, i);
        be_still();
    }
    va_button_free(button);
    close(device);
    assert_int_equal(presses + releases, 6);
    assert_int_equal(missing, 1);
    assert_int_equal(there, 1);
}

static void a_press_toggles(void **state)
{
    int device = plug_in(device_path);
    va_button *button = make("key:F13@/dev/input/event0", 0);

    for (int i = 1; i <= 2; i++) {
        send_key(device, 1);
        expect(&presses, i);
        be_still();
        send_key(device, 0);
        be_still();
    }
    va_button_free(button);
    close(device);
    assert_int_equal(presses, 2);
    assert_int_equal(releases, 0);
}

static void contacts_bounce(void **state)
{
    int device = plug_in(device_path);
    va_button *button = make("key:F13@/dev/input/event0", 1);

    stopped_ms = 1000;
    for (int i = 0; i < 9; i++)
        send_key(device, (i + 1) % 2);
    expect(&presses, 1);
    be_still(); /* time for what should not come */
    assert_int_equal(presses, 1);
    assert_int_equal(releases, 0);
    stopped_ms = 1021;
    be_still();
    assert_int_equal(presses, 1);
    assert_int_equal(releases, 0);
    for (int i = 0; i < 9; i++)
        send_key(device, i % 2);
    expect(&releases, 1);
    be_still();
    assert_int_equal(presses, 1);
    /* A tap that is shorter than the bounce is told whole. */
    stopped_ms = 1042;
    send_key(device, 1);
    send_key(device, 0);
    expect(&presses, 2);
    be_still();
    assert_int_equal(releases, 1);
    stopped_ms = 1063;
    expect(&releases, 2);
    va_button_free(button);
    close(device);
}

static void a_device_goes_and_comes_back(void **state)
{
    va_button *button = make("key:F13@/dev/input/event0", 1);

    expect(&missing, 1);
    assert_int_equal(mkfifo(device_path, 0600), 0);
    expect(&there, 1);
    int device = open(device_path, O_WRONLY | O_CLOEXEC);
    send_key(device, 1);
    expect(&presses, 1);
    const struct input_event event = {0};
    assert_int_equal(write(device, &event, sizeof event / 2), sizeof event / 2); /* it goes in the middle of one */
    assert_int_equal(unlink(device_path), 0);
    close(device);
    expect(&missing, 2);
    expect(&releases, 1);

    device = plug_in(device_path);
    expect(&there, 2);
    be_still();
    send_key(device, 1);
    expect(&presses, 2);
    va_button_free(button);
    close(device);
}

static void any_device_that_has_the_key(void **state)
{
    has_keys = 1;
    int first = plug_in(device_path);
    va_button *button = make("key:183", 1);

    expect(&there, 1);
    send_key(first, 1);
    expect(&presses, 1);
    be_still();
    /* A second one, while the first is held. */
    snprintf(device_path, sizeof device_path, "%s/dev/input/event17", root);
    int second = plug_in(device_path);
    expect(&asked, 2);
    send_key(second, 1);
    send_key(first, 0);
    be_still();
    be_still();
    assert_int_equal(releases, 0);
    send_key(second, 0);
    expect(&releases, 1);
    be_still();
    /* Events have been lost: the device is asked how the key is. */
    is_down = 1;
    send_event(second, EV_SYN, SYN_DROPPED, 0);
    expect(&presses, 2);
    va_button_free(button);
    close(first);
    close(second);
}

static void no_device_has_the_key(void **state)
{
    int device = plug_in(device_path);
    temporary_write(temporary_path(root, "/dev/input/mouse0"), "");
    temporary_write(temporary_path(root, "/dev/input/eventual"), "");
    va_button *button = make("key:F13", 1);

    expect(&missing, 1);
    assert_non_null(strstr(reason, "no input device has the key 183"));
    has_keys = 1;
    expect(&there, 1); /* it tries again */
    va_button_free(button);
    close(device);
    assert_int_equal(va_file_remove_tree(temporary_path(root, "/dev/input"), NULL), 0);
    button = make("key:F13", 1);
    expect(&missing, 2);
    va_button_free(button);
}

static void a_line_of_a_chip(void **state)
{
    gpiod.is_missing = 1;
    va_button *button = make("gpio:gpiochip0:talk:low", 1);

    expect(&missing, 1);
    assert_non_null(strstr(reason, "gpiochip0"));
    gpiod.is_missing = 0;
    gpiod.has_no_bias = 1;
    expect(&there, 1);
    assert_int_equal(gpiod.requested, 3);
    assert_int_equal(gpiod.is_low, 1);
    for (int i = 1; i <= 2; i++) {
        gpiod_change(1, 3); /* it bounces */
        expect(&presses, i);
        be_still();
        gpiod_change(0, 5);
        expect(&releases, i);
        be_still();
    }
    gpiod.is_lost = 1;
    gpiod_change(1, 1);
    expect(&missing, 2);
    gpiod.is_lost = 0;
    expect(&there, 2);
    expect(&presses, 3); /* it is pressed when it comes back */
    va_button_free(button);
}

static void lines_that_are_not_there(void **state)
{
    static const char *const names[] = {"gpio:gpiochip1:1", "gpio:gpiochip0:8", "gpio:gpiochip0:nothing"};
    int n = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        va_button *button = make(names[i], 1);
        expect(&missing, ++n);
        va_button_free(button);
    }
    gpiod.is_busy = 1;
    va_button *button = make("gpio:gpiochip0:1", 1);
    expect(&missing, ++n);
    va_button_free(button);
    assert_int_equal(there + presses, 0);
}

static void wrong_options(void **state)
{
    struct va_button_options options = {.button = "led:x", .root = root, .on_button = on_button};
    va_button *button = NULL;
    va_error error;

    assert_int_equal(va_button_new(&options, &button, &error), VA_EINVAL);
    options.button = "";
    assert_int_equal(va_button_new(&options, &button, &error), VA_EINVAL);
    options.button = "key:F1";
    for (size_t n = 1; n <= 2; n++) {
        va_memory_fail_after(n);
        int r = va_button_new(&options, &button, &error);
        va_memory_fail_after(0);
        assert_int_equal(r, VA_ENOMEM);
    }
    assert_int_equal(va_button_new(&options, &button, &error), 0); /* and nobody is told about the device */
    va_button_free(button);
    va_button_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_held),
        TEST(a_press_toggles),
        TEST(contacts_bounce),
        TEST(a_device_goes_and_comes_back),
        TEST(any_device_that_has_the_key),
        TEST(no_device_has_the_key),
        TEST(a_line_of_a_chip),
        TEST(lines_that_are_not_there),
        TEST(wrong_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
