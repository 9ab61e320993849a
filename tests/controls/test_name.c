#include "controls/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/input-event-codes.h>

#include <cmocka.h>

static struct va_control_name parse(const char *text)
{
    struct va_control_name name;
    va_error error;

    if (va_control_parse(text, &name, &error) < 0)
        fail_msg("%s", error.text);
    return name;
}

static void keys(void **state)
{
    struct va_control_name name = parse("key:KEY_F13");

    assert_int_equal(name.kind, VA_CONTROL_KEY);
    assert_int_equal(name.code, KEY_F13);
    assert_string_equal(name.path, "");
    assert_int_equal(parse("key:f13").code, KEY_F13);
    assert_int_equal(parse("key:key_space").code, KEY_SPACE);
    assert_int_equal(parse("key:BTN_0").code, BTN_0);
    assert_int_equal(parse("key:trigger").code, BTN_TRIGGER);
    assert_int_equal(parse("key:183").code, 183);
    assert_int_equal(parse("key:767").code, 767);
    name = parse("key:enter@/dev/input/by-id/usb-Some_Keyboard-event-kbd");
    assert_int_equal(name.code, KEY_ENTER);
    assert_string_equal(name.path, "/dev/input/by-id/usb-Some_Keyboard-event-kbd");
}

static void lines(void **state)
{
    struct va_control_name name = parse("gpio:gpiochip0:17:low");

    assert_int_equal(name.kind, VA_CONTROL_GPIO);
    assert_string_equal(name.gpio.chip, "gpiochip0");
    assert_string_equal(name.gpio.line, "17");
    assert_int_equal(name.gpio.is_low, 1);
    name = parse("gpio:/dev/gpiochip4:GPIO5");
    assert_string_equal(name.gpio.chip, "/dev/gpiochip4");
    assert_string_equal(name.gpio.line, "GPIO5");
    assert_int_equal(name.gpio.is_low, 0);
}

static void leds(void **state)
{
    struct va_control_name name = parse("led:input3::capslock");

    assert_int_equal(name.kind, VA_CONTROL_LED);
    assert_string_equal(name.led, "input3::capslock");
}

static void nonsense(void **state)
{
    static const char *const texts[] = {"",
                                        "key",
                                        "key:",
                                        "key:0",
                                        "key:768",
                                        "key:-1",
                                        "key:18x",
                                        "key:nokey",
                                        "key:KEY_",
                                        "key:@/x",
                                        "key:F1@",
                                        "key:F1@event0",
                                        "gpio:",
                                        "gpio:a",
                                        "gpio:a:",
                                        "gpio::1",
                                        "gpio:a:1:",
                                        "gpio:a:1:x",
                                        "gpio:a:1:low:",
                                        "led:",
                                        "led:../x",
                                        "led:a/b",
                                        "led:.",
                                        "button:1",
                                        "KEY:F1",
                                        "key:99999999999999999999"};
    char text[600];
    va_error error;
    struct va_control_name name = {.code = 7};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        error.text[0] = '\0';
        if (va_control_parse(texts[i], &name, &error) != VA_EINVAL || error.text[0] == '\0')
            fail_msg("'%s' is taken", texts[i]);
    }
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    static const char *const heads[] = {"key:", "key:F1@/", "gpio:", "gpio:a:", "led:"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        memset(text, 'x', 10);
        memcpy(text, heads[i], strlen(heads[i]));
        assert_int_equal(va_control_parse(text, &name, &error), VA_EINVAL);
    }
    assert_int_equal(name.code, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys), cmocka_unit_test(lines), cmocka_unit_test(leds), cmocka_unit_test(nonsense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
