#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "wyoming/allow.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int allows(const char *list, const char *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct va_wyoming_allow allow;
    va_error error;

    if (va_wyoming_allow_parse("x", list, &allow, &error) < 0)
        fail_msg("%s", error.text);
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return va_wyoming_allows(&allow, (const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return va_wyoming_allows(&allow, (const struct sockaddr *)&v6);
}

static void test_who_is_allowed(void **state)
{
    static const struct {
        const char *list, *address;
        int allowed;
    } rows[] = {
        {"", "127.0.0.1", 1},
        {"", "127.9.9.9", 1},
        {"", "::1", 1},
        {"", "::ffff:127.0.0.1", 1},
        {"", "::2", 0},
        {"", "128.0.0.1", 0},
        {"", "192.168.1.5", 0},
        {"192.168.1.5", "192.168.1.5", 1},
        {"192.168.1.5", "::ffff:192.168.1.5", 1},
        {"192.168.1.5", "192.168.1.4", 0},
        {" 10.0.0.0/8,\t192.168.0.0/22 ", "10.255.1.1", 1},
        {"10.0.0.0/8, 192.168.0.0/22", "192.168.3.255", 1},
        {"10.0.0.0/8, 192.168.0.0/22", "192.168.4.0", 0},
        {"10.0.0.0/8", "11.0.0.0", 0},
        {"0.0.0.0/0", "8.8.8.8", 1},
        {"0.0.0.0/0", "2001:db8::1", 0},
        {"::/0", "2001:db8::1", 1},
        {"fd00::/8", "fd12::1", 1},
        {"fd00::/9", "fd80::1", 0},
        {"::ffff:10.0.0.1", "10.0.0.1", 1},
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (allows(rows[i].list, rows[i].address) != rows[i].allowed)
            fail_msg("'%s' %s", rows[i].list, rows[i].address);
}

static void test_other_families_are_not(void **state)
{
    const struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct va_wyoming_allow allow;

    assert_int_equal(va_wyoming_allow_parse("x", "0.0.0.0/0 ::/0", &allow, NULL), 0);
    assert_false(va_wyoming_allows(&allow, (const struct sockaddr *)&local));
}

static void test_what_is_no_address(void **state)
{
    static const char *const texts[] = {"host",
                                        "1.2.3",
                                        "1.2.3.4/33",
                                        "1.2.3.4/",
                                        "1.2.3.4/x",
                                        "1.2.3.4/-1",
                                        "1.2.3.4/8/8",
                                        "::/129",
                                        "1.2.3.4;5.6.7.8",
                                        "1.2.3.4/99999999999999999999",
                                        "111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"};
    struct va_wyoming_allow allow;
    char many[VA_WYOMING_ALLOW_MAX * 8 + 16] = "";
    va_error error;

    for (size_t i = 0; i < COUNT(texts); i++)
        if (va_wyoming_allow_parse("wyoming.allow", texts[i], &allow, &error) != VA_EINVAL ||
            strncmp(error.text, "wyoming.allow: ", 15) != 0)
            fail_msg("%s: %s", texts[i], error.text);
    for (int i = 0; i <= VA_WYOMING_ALLOW_MAX; i++)
        strcat(many, "1.1.1.1 ");
    assert_int_equal(va_wyoming_allow_parse("x", many, &allow, &error), VA_ELIMIT);
    many[VA_WYOMING_ALLOW_MAX * 8] = '\0';
    assert_int_equal(va_wyoming_allow_parse("x", many, &allow, &error), 0);
    assert_int_equal(allow.n, VA_WYOMING_ALLOW_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_allowed),
        cmocka_unit_test(test_other_families_are_not),
        cmocka_unit_test(test_what_is_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
