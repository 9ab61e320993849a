#include "gpio/gpio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "doubles/gpiod.h"

static void names(void **state)
{
    static const char *const wrong[] = {"", ":", "17", "chip:", ":17", "chip:17:", "chip:17:high", "chip:17:low:low", "chip:17:lower"};
    struct va_gpio_name name = {.is_low = 7};
    va_error error;
    char text[600];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (va_gpio_parse(wrong[i], &name, &error) != VA_EINVAL)
            fail_msg("'%s' was read", wrong[i]);
    memset(text, 'a', sizeof text);
    memcpy(text + VA_GPIO_CHIP_BYTES, ":1", 3);
    assert_int_equal(va_gpio_parse(text, &name, &error), VA_EINVAL); /* one byte too long */
    assert_int_equal(name.is_low, 7);
    assert_int_equal(va_gpio_parse(text + 1, &name, &error), 0);
    snprintf(text, sizeof text, "chip:%0*d", VA_GPIO_LINE_BYTES, 1);
    assert_int_equal(va_gpio_parse(text, &name, &error), VA_EINVAL);
    assert_int_equal(va_gpio_parse("gpiochip0:talk:low", &name, &error), 0);
    assert_string_equal(name.chip, "gpiochip0");
    assert_string_equal(name.line, "talk");
    assert_int_equal(name.is_low, 1);
}

static int read_line(const char *text, va_error *error)
{
    struct va_gpio_name name;

    assert_int_equal(va_gpio_parse(text, &name, error), 0);
    int r = va_gpio_read(&name, error);
    assert_int_equal(gpiod.open_chips, 0);
    return r;
}

static void a_line_is_read_and_given_back(void **state)
{
    va_error error;

    gpiod_reset();
    gpiod.value = 1;
    assert_int_equal(read_line("gpiochip0:5", &error), 1);
    assert_int_equal(read_line("gpiochip0:talk:low", &error), 1);
    assert_true(gpiod.is_low && !gpiod.is_output);
    gpiod.value = 0;
    assert_int_equal(read_line("gpiochip0:5", &error), 0);
}

static void what_is_not_there(void **state)
{
    va_error error;

    gpiod_reset();
    assert_int_equal(read_line("gpiochip9:5", &error), VA_ENOTFOUND);
    assert_int_equal(read_line("gpiochip0:99", &error), VA_ENOTFOUND);
    assert_int_equal(read_line("gpiochip0:silence", &error), VA_ENOTFOUND);
    gpiod.is_busy = 1;
    assert_int_equal(read_line("gpiochip0:5", &error), VA_EBUSY);
    gpiod_reset();
    gpiod.is_lost = 1;
    assert_int_equal(read_line("gpiochip0:5", &error), VA_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(a_line_is_read_and_given_back),
        cmocka_unit_test(what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
