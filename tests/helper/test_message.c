#include "helper/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *text, struct va_helper_request *ret_request)
{
    return va_helper_parse_request(text, strlen(text), ret_request);
}

static void requests_are_read_and_written(void **state)
{
    static const char *const texts[] = {"governor powersave", "brightness 0", "brightness 999999", "wifi on",
                                        "wifi off",           "sleep 2",      "sleep 604800",      "release usb 1-1.3:1.0",
                                        "bind usb 1-1.3:1.0"};
    struct va_helper_request request;
    char written[VA_HELPER_REQUEST_BYTES];

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(parse(texts[i], &request), 0);
        assert_int_equal(va_helper_write_request(&request, written), strlen(texts[i]));
        assert_string_equal(written, texts[i]);
    }
    assert_int_equal(request.verb, VA_HELPER_BIND);
    assert_string_equal(request.words[0], "usb");
    assert_string_equal(request.words[1], "1-1.3:1.0");
    assert_int_equal(parse("sleep 600", &request), 0);
    assert_int_equal(request.number, 600);
}

static void nothing_else_is(void **state)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "governor",
                                        "governor ",
                                        "governor  powersave",
                                        "governor powersave ",
                                        " governor powersave",
                                        "governor powersave x",
                                        "Governor powersave",
                                        "governors powersave",
                                        "governor ../boost",
                                        "governor .",
                                        "governor a/b",
                                        "governor a\tb",
                                        "governor a\n",
                                        "governor \xc3\xa9",
                                        "brightness",
                                        "brightness -1",
                                        "brightness +1",
                                        "brightness 01",
                                        "brightness 1000000",
                                        "brightness 5x",
                                        "brightness 99999999999999999999",
                                        "wifi",
                                        "wifi maybe",
                                        "wifi On",
                                        "sleep 1",
                                        "sleep 604801",
                                        "sleep 0x10",
                                        "release usb",
                                        "release usb 1-1 x",
                                        "release ../../x 1-1",
                                        "release usb ..",
                                        "bind usb",
                                        "reboot",
                                        "bind"};
    struct va_helper_request request = {.number = 7};
    char long_one[VA_HELPER_REQUEST_BYTES + 16];

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (parse(texts[i], &request) != VA_EFORMAT)
            fail_msg("'%s' was read", texts[i]);
    assert_int_equal(va_helper_parse_request("wifi on\0", 8, &request), VA_EFORMAT);
    assert_int_equal(va_helper_parse_request("governor a\0b", 12, &request), VA_EFORMAT);
    memset(long_one, 'a', sizeof long_one);
    memcpy(long_one, "governor ", 9);
    assert_int_equal(va_helper_parse_request(long_one, sizeof long_one, &request), VA_EFORMAT);
    assert_int_equal(va_helper_parse_request(long_one, 9 + VA_HELPER_WORD_BYTES, &request), VA_EFORMAT);
    assert_int_equal(request.number, 7); /* untouched */
    assert_int_equal(va_helper_parse_request(long_one, 9 + VA_HELPER_WORD_BYTES - 1, &request), 0);
}

static void answers(void **state)
{
    static const char *const damaged[] = {"", "00", "1", "-", "-0 x", "-14 x", "-11", "-11 ", "x", "- 1", "+1 x"};
    va_error error = {.code = VA_EDENIED, .text = "needs permission"}, read = {0};
    char text[VA_HELPER_ANSWER_BYTES];

    size_t n = va_helper_write_answer(VA_EDENIED, &error, text);
    assert_int_equal(va_helper_parse_answer(text, n, &read), VA_EDENIED);
    assert_string_equal(read.text, "needs permission");
    n = va_helper_write_answer(0, &error, text);
    assert_int_equal(va_helper_parse_answer(text, n, &read), 0);
    memset(error.text, 'y', sizeof error.text - 1); /* cut, but whole */
    n = va_helper_write_answer(VA_EIO, &error, text);
    assert_true(n < VA_HELPER_ANSWER_BYTES);
    assert_int_equal(va_helper_parse_answer(text, n, &read), VA_EIO);
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++)
        if (va_helper_parse_answer(damaged[i], strlen(damaged[i]), &read) != VA_EFORMAT)
            fail_msg("'%s' was read", damaged[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read_and_written),
        cmocka_unit_test(nothing_else_is),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
