#include "audit/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fields_and_words(void **state)
{
    static const char text[] = "Name:\tvoice\nUid:\t 990 1\r\nLast=x  ";
    char value[8];

    assert_int_equal(va_parse_field(text, "Name", ':', value, sizeof value), 0);
    assert_string_equal(value, "voice");
    assert_int_equal(va_parse_field(text, "Uid", ':', value, sizeof value), 0);
    assert_string_equal(value, "990 1");
    assert_int_equal(va_parse_field(text, "Last", '=', value, sizeof value), 0);
    assert_string_equal(value, "x");
    assert_int_equal(va_parse_field("Name:0123456789\n", "Name", ':', value, sizeof value), 0);
    assert_string_equal(value, "0123456");
    assert_int_equal(va_parse_field(text, "ame", ':', value, sizeof value), VA_ENOTFOUND);
    assert_int_equal(va_parse_field(text, "Name", '=', value, sizeof value), VA_ENOTFOUND);
    assert_int_equal(va_parse_field("", "Name", ':', value, sizeof value), VA_ENOTFOUND);
    assert_true(va_parse_has_word("a quiet b", "quiet") && va_parse_has_word("quiet", "quiet") &&
                va_parse_has_word("quiets quiet\n", "quiet"));
    assert_false(va_parse_has_word("quietly", "quiet") || va_parse_has_word("unquiet", "quiet") || va_parse_has_word("", "quiet"));
    assert_false(va_parse_has_word("a", ""));
}

static void numbers(void **state)
{
    uint64_t value = 7;

    assert_int_equal(va_parse_number("12 kB", 10, &value), 0);
    assert_int_equal(value, 12);
    assert_int_equal(va_parse_number("00000000a80425fb", 16, &value), 0);
    assert_int_equal(value, 0xa80425fb);
    value = 7;
    assert_int_equal(va_parse_number("-1", 10, &value), VA_EFORMAT);
    assert_int_equal(va_parse_number("", 10, &value), VA_EFORMAT);
    assert_int_equal(va_parse_number("12x", 10, &value), VA_EFORMAT);
    assert_int_equal(va_parse_number("99999999999999999999999", 10, &value), VA_EFORMAT);
    assert_int_equal(value, 7);
}

static void listeners(void **state)
{
    static const char text[] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
                               "   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000   990        0 500 1 0000\n"
                               "   1: 0100007F:1F40 0100007F:9999 01 00000000:00000000 00:00000000 00000000   990        0 501 1 0000\n"
                               "   2: 0100007F:1FFFFF 00000000:0000 0A 00000000:00000000 00:00000000 00000000   990      0 502 1 0000\n"
                               "   3: 01zz007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000   990        0 503 1 0000\n"
                               "   4: 01 00000000:0000 0A\n"
                               "   5: 05000A0A:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 504 1 0000";
    static const char six[] = "0: 0000000000000000FFFF00000100007F:0050 0:0 0A 0:0 00:0 0 0 0 7 1\n1: "
                              "00000000000000000000000000000000:0051 0:0 0A 0:0 00:0 0 0 0 8 1\n";
    struct va_listener *found = calloc(VA_SOCKETS_MAX, sizeof *found);
    char line[VA_LISTENER_TEXT_BYTES];
    size_t n = 0;

    va_parse_listeners(text, 0, found, &n);
    assert_int_equal(n, 2);
    assert_int_equal(found[0].port, 8000);
    assert_int_equal(found[0].inode, 500);
    assert_true(va_listener_is_loopback(&found[0]));
    va_listener_text(&found[1], line);
    assert_string_equal(line, "10.10.0.5:22");
    assert_false(va_listener_is_loopback(&found[1]));
    va_parse_listeners(six, 1, found, &n);
    assert_int_equal(n, 4);
    assert_true(va_listener_is_loopback(&found[2]));
    assert_false(va_listener_is_loopback(&found[3]));
    va_listener_text(&found[3], line);
    assert_string_equal(line, "[::]:81");
    n = VA_SOCKETS_MAX;
    va_parse_listeners(text, 0, found, &n);
    assert_int_equal(n, VA_SOCKETS_MAX);
    free(found);
}

static void times_of_mail(void **state)
{
    static const char *const wrong[] = {"",
                                        "Sat, 05 Dec",
                                        "Sat, 05 Dez 2026 09:07:41 UTC",
                                        "Sat, 32 Dec 2026 09:07:41 UTC",
                                        "Sat, 05 Dec 1926 09:07:41 UTC",
                                        "Sat, 05 Dec 2026 24:07:41 UTC",
                                        "Sat, 05 anF 2026 09:07:41 UTC",
                                        "Sat, 05 D",
                                        "99999 Dec 2026 09:07:41"};
    double time = 7;

    assert_int_equal(va_parse_mail_time("Sat, 05 Dec 2026 09:07:41 UTC", &time), 0);
    assert_true(time == 1796461661);
    assert_int_equal(va_parse_mail_time("5 Dec 2026 9:07:41", &time), 0);
    assert_true(time == 1796461661);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(va_parse_mail_time(wrong[i], &time), VA_EFORMAT);
    assert_true(time == 1796461661);
}

static void updates(void **state)
{
    struct va_updates found;

    assert_int_equal(va_parse_updates("Inst a [1] (2 X:1/x-security [all]) []\nInst b (3 Y [all])\nConf a (2 X)\n", &found), 0);
    assert_int_equal(found.n, 2);
    assert_int_equal(found.n_security, 1);
    assert_string_equal(found.first, "a 1 -> 2");
    assert_int_equal(va_parse_updates("Inst b\n", &found), 0);
    assert_string_equal(found.first, "b -> ");
    assert_int_equal(va_parse_updates("Inst b-2 (3 Y-Security [amd64])\n", &found), 0); /* of no version that would be there */
    assert_string_equal(found.first, "b-2 -> 3");
    assert_int_equal(va_parse_updates("0 upgraded, 0 newly installed\n", &found), 0);
    assert_int_equal(found.n, 0);
    assert_int_equal(va_parse_updates("Reading package lists...\n", &found), VA_EFORMAT);
}

static void debsecan(void **state)
{
    char first[96] = "";
    size_t n;
    va_error error;

    assert_int_equal(va_parse_debsecan("CVE-2023-1 (fixed)\n  installed: a 1\n\nTEMP-0-1 b\n", &n, first, &error), 0);
    assert_int_equal(n, 2);
    assert_string_equal(first, "CVE-2023-1 (fixed)");
    assert_int_equal(va_parse_debsecan("", &n, first, &error), 0);
    assert_int_equal(n, 0);
    assert_int_equal(va_parse_debsecan("CVE-1\nTraceback\n", &n, first, &error), VA_EFORMAT);
}

static void metrics(void **state)
{
    static const char text[] = "# HELP a_total x\na_total 3\na_total_more 4\nb{x=\"y\"} 1.5e3 1700\nc nonsense\n";
    double value = 0;

    assert_int_equal(va_parse_metric(text, "a_total", &value), 0);
    assert_true(value == 3);
    assert_int_equal(va_parse_metric(text, "b{x=\"y\"}", &value), 0);
    assert_true(value == 1500);
    assert_int_equal(va_parse_metric(text, "b", &value), VA_ENOTFOUND);
    assert_int_equal(va_parse_metric(text, "c", &value), VA_EFORMAT);
    assert_true(value == 1500);
}

static void blame(void **state)
{
    double seconds = -1;

    assert_int_equal(va_parse_blame("  1h 2min 3.5s a.service\n500ms b.service\n", "a.service", &seconds), 0);
    assert_true(seconds > 3723.4 && seconds < 3723.6);
    assert_int_equal(va_parse_blame("  1h 2min 3.5s a.service\n500ms b.service\n", "b.service", &seconds), 0);
    assert_true(seconds > 0.49 && seconds < 0.51);
    assert_int_equal(va_parse_blame("9s not-a.service\n1s a.service.d\n2s a.service", "a.service", &seconds), 0);
    assert_true(seconds == 2.0);
    assert_int_equal(va_parse_blame("9s not-a.service\n", "a.service", &seconds), VA_ENOTFOUND);
    assert_int_equal(va_parse_blame("what b.service", "b.service", &seconds), 0);
    assert_true(seconds == 0);
    assert_int_equal(va_parse_blame("", "b.service", &seconds), VA_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_and_words), cmocka_unit_test(numbers),  cmocka_unit_test(listeners), cmocka_unit_test(times_of_mail),
        cmocka_unit_test(updates),          cmocka_unit_test(debsecan), cmocka_unit_test(metrics),   cmocka_unit_test(blame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
