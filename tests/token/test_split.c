#include "token/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "token/unicode.h"

/* The pieces with '|' between them. */
static void check(const char *text, const char *expected)
{
    char joined[256] = "";
    size_t n = strlen(text), used = 0;

    for (size_t at = 0; at < n;) {
        size_t length = va_split_next((const uint8_t *)text + at, n - at);
        assert_in_range(length, 1, n - at);
        used += (size_t)snprintf(joined + used, sizeof joined - used, "%s%.*s", at > 0 ? "|" : "", (int)length, text + at);
        at += length;
    }
    assert_string_equal(joined, expected);
}

static void test_words(void **state)
{
    check("turn on the light", "turn| on| the| light");
    check("22 degrees, 3.5", "22| degrees|,| 3|.|5");
    check("abc123", "abc|123");
    check("I'm you'LL we've it's he'd", "I|'m| you|'|LL| we|'ve| it|'s| he|'d");
    check("'s't 'tis 'x", "'s|'t| '|tis| '|x");
    check("!? ...\"", "!?| ...\"");
    check("_a_", "_|a|_");
}

static void test_space(void **state)
{
    check(" ", " ");
    check("   ", "   ");
    check("a  b", "a| | b");
    check("a \n b", "a| \n| b");
    check("a\nb", "a|\n|b");
    check("a\n\nb", "a|\n|\n|b");
    check("x  ", "x|  ");
    check("a\xc2\xa0\xc2\xa0"
          "b",
          "a|\xc2\xa0|\xc2\xa0|b");
    check("a \xe3\x80\x80"
          "b",
          "a| |\xe3\x80\x80|b");
}

static void test_other_scripts(void **state)
{
    check("na\xc3\xafve caf\xc3\xa9", "na\xc3\xafve| caf\xc3\xa9");
    check("\xd0\x9f\xd1\x80\xd0\xb8 \xe6\x97\xa5\xe6\x9c\xac", "\xd0\x9f\xd1\x80\xd0\xb8| \xe6\x97\xa5\xe6\x9c\xac");
    check("x\xc2\xb2", "x|\xc2\xb2"); /* superscript two is a digit */
    check("a\xf0\x9f\x99\x82"
          "b",
          "a|\xf0\x9f\x99\x82|b");
}

static void test_broken(void **state)
{
    check("a\xff\xfe"
          "b",
          "a|\xff\xfe|b");
    check("\xc3", "\xc3");
    check("a\xe2\x82", "a|\xe2\x82");
    check("\xc0\xaf", "\xc0\xaf");
}

static void test_classes(void **state)
{
    assert_int_equal(va_unicode_class('a'), VA_CHAR_LETTER);
    assert_int_equal(va_unicode_class('@'), VA_CHAR_OTHER);
    assert_int_equal(va_unicode_class('['), VA_CHAR_OTHER);
    assert_int_equal(va_unicode_class('0'), VA_CHAR_DIGIT);
    assert_int_equal(va_unicode_class(0x3134a), VA_CHAR_LETTER); /* the last of the table */
    assert_int_equal(va_unicode_class(0x10ffff), VA_CHAR_OTHER);
    assert_int_equal(va_unicode_class(0x2028), VA_CHAR_SPACE);
    assert_int_equal(va_unicode_class(0x200b), VA_CHAR_OTHER);
    assert_int_equal(va_unicode_class(0x1c), VA_CHAR_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_space), cmocka_unit_test(test_other_scripts),
                                       cmocka_unit_test(test_broken), cmocka_unit_test(test_classes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
