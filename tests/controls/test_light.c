/* The light on a tree that looks like /sys, and on a stand-in for libgpiod. */
#include "controls/light.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "doubles/gpiod.h"
#include "temporary.h"

#define LED "/sys/class/leds/act"

static char root[256];
static _Atomic int there, missing;

static void on_device(void *user, const va_error *error)
{
    (error == NULL ? &there : &missing)[0]++;
}

static void expect(_Atomic int *value, int n)
{
    for (int i = 0; i < 10000 && *value < n; i++)
        usleep(1000);
    assert_int_equal(*value, n);
}

static va_light *make(const char *name)
{
    const struct va_light_options options = {.light = name, .root = root, .on_device = on_device};
    va_light *light = NULL;
    va_error error;

    if (va_light_new(&options, &light, &error) < 0)
        fail_msg("%s", error.text);
    return light;
}

static const char *content(const char *file)
{
    static char text[64];
    char path[64];
    size_t size = 0;
    char *data = NULL;

    snprintf(path, sizeof path, LED "/%s", file);
    assert_int_equal(va_file_read(temporary_path(root, path), sizeof text - 1, &data, &size, NULL), 0);
    snprintf(text, sizeof text, "%s", data);
    va_free(data);
    return text;
}

static void put(const char *file, const char *text)
{
    char path[64];

    snprintf(path, sizeof path, LED "/%s", file);
    assert_int_equal(temporary_write(temporary_path(root, path), text), 0);
}

static void wait_for_led(char first)
{
    for (int i = 0; i < 10000 && content("brightness")[0] != first; i++)
        usleep(1000);
    assert_int_equal(content("brightness")[0], first);
}

static int start(void **state)
{
    there = missing = 0;
    gpiod_reset();
    assert_int_equal(temporary_make(root), 0);
    assert_int_equal(va_file_make_folder(temporary_path(root, LED), 0700, NULL), 0);
    put("trigger", "none rc-feedback [mmc0] timer\n");
    put("max_brightness", "7\n");
    put("brightness", "1");
    return 0;
}

static int stop(void **state)
{
    assert_int_equal(gpiod.open_chips, 0);
    return temporary_remove(root);
}

static void an_led_is_lit_and_given_back(void **state)
{
    va_light *light = make("led:act");

    expect(&there, 1);
    wait_for_led('0');
    assert_memory_equal(content("trigger"), "none", 4);
    va_light_set(light, VA_LIGHT_LISTENING);
    wait_for_led('7');
    va_light_set(light, VA_LIGHT_LISTENING);
    va_light_set(light, VA_LIGHT_IDLE);
    wait_for_led('0');
    va_light_set(light, VA_LIGHT_LISTENING);
    wait_for_led('7');
    va_light_free(light);
    wait_for_led('0');
    assert_memory_equal(content("trigger"), "mmc0", 4);
    assert_int_equal(missing, 0);
}

static void an_led_that_comes_later(void **state)
{
    assert_int_equal(va_file_remove_tree(temporary_path(root, LED), NULL), 0);
    va_light *light = make("led:act");

    expect(&missing, 1);
    va_light_set(light, VA_LIGHT_LISTENING);
    assert_int_equal(va_file_make_folder(temporary_path(root, LED), 0700, NULL), 0);
    put("brightness", "1");
    put("max_brightness", "7\n");
    put("trigger", "no brackets");
    va_light_set(light, VA_LIGHT_FAULT); /* blinking, it tries again and again */
    expect(&there, 1);
    wait_for_led('7');
    wait_for_led('0');
    assert_int_equal(va_file_remove_tree(temporary_path(root, LED), NULL), 0);
    expect(&missing, 2);
    va_light_free(light);
}

/* Changes when it blinks, and one at most when it is steady. */
static void every_state_has_its_pattern(void **state)
{
    va_light *light = make("gpio:gpiochip0:2:low");

    expect(&there, 1);
    assert_int_equal(gpiod.requested, 2);
    assert_int_equal(gpiod.is_low, 1);
    assert_int_equal(gpiod.is_output, 1);
    assert_int_equal(gpiod.value, 0);
    for (int i = 0; i < VA_LIGHT_N_STATES; i++) {
        int before = gpiod.sets, blinks = i >= VA_LIGHT_THINKING;
        va_light_set(light, (enum va_light_state)i);
        for (int wait = 0; wait < 20000 && gpiod.sets < before + (i > 0) + 2 * blinks; wait++)
            usleep(1000);
        assert_true(gpiod.sets >= before + (i > 0) + 2 * blinks);
        if (!blinks) {
            assert_int_equal(gpiod.sets, before + (i > 0));
            assert_int_equal(gpiod.value, i == VA_LIGHT_LISTENING);
        }
    }
    va_light_free(light);
    assert_int_equal(gpiod.value, 0);
}

static void a_line_that_is_lost(void **state)
{
    gpiod.is_busy = 1;
    va_light *light = make("gpio:gpiochip0:2");

    expect(&missing, 1);
    gpiod.is_busy = 0;
    va_light_set(light, VA_LIGHT_LISTENING);
    expect(&there, 1);
    assert_int_equal(gpiod.value, 1);
    gpiod.is_lost = 1;
    va_light_set(light, VA_LIGHT_IDLE);
    expect(&missing, 2);
    va_light_set(light, VA_LIGHT_LISTENING); /* requested anew */
    expect(&there, 2);
    gpiod.is_missing = 1;
    va_light_set(light, VA_LIGHT_IDLE);
    expect(&missing, 3);
    va_light_free(light);
}

static void wrong_options(void **state)
{
    struct va_light_options options = {.light = "key:F1", .root = root};
    va_light *light = NULL;
    va_error error;

    assert_int_equal(va_light_new(&options, &light, &error), VA_EINVAL);
    options.light = "nothing";
    assert_int_equal(va_light_new(&options, &light, &error), VA_EINVAL);
    options.light = "led:act";
    for (size_t n = 1; n <= 2; n++) {
        va_memory_fail_after(n);
        int r = va_light_new(&options, &light, &error);
        va_memory_fail_after(0);
        assert_int_equal(r, VA_ENOMEM);
    }
    assert_int_equal(va_light_new(&options, &light, &error), 0);
    va_light_free(light);
    va_light_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_led_is_lit_and_given_back), TEST(an_led_that_comes_later), TEST(every_state_has_its_pattern),
        TEST(a_line_that_is_lost),          TEST(wrong_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
