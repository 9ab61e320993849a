#include "intent/support.h"
#include "intent/text.h"

static void check(const char *original, const char *expected)
{
    struct va_text text;

    assert_int_equal(va_text_normalize(original, &text, NULL), 0);
    assert_string_equal(text.bytes, expected);
    va_text_free(&text);
}

static void test_words(void **state)
{
    check("Turn ON the light.", "turn on the light");
    check("  What's   the time?! ", "whats the time");
    check("It\xE2\x80\x99s late", "its late");
    check("twenty-two", "twenty two");
    check("", "");
    check("...", "");
    check("a.m.", "a m");
}

static void test_numbers_and_symbols(void **state)
{
    check("22.5 degrees.", "22.5 degrees");
    check("1,000", "1,000");
    check("50%", "50%");
    check("-5", "-5");
    check("10-5", "10 5");
    check("10:30", "10 30");
    check("22\xC2\xB0"
          "C",
          "22\xC2\xB0"
          "c");
}

static void test_other_scripts(void **state)
{
    check("\xC3\x84RGER", "\xC3\xA4rger");
    check("\xD0\x9F\xD1\x80\xD0\x98\xD0\xB2\xD0\xB5\xD1\x82", "\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82");
    check("\xCE\x91\xCE\xA9", "\xCE\xB1\xCF\x89");
    check("\xC4\x8C\xC5\xA0", "\xC4\x8D\xC5\xA1");
    check("\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82", "\xE4\xBD\xA0\xE5\xA5\xBD");
}

static void test_original_positions(void **state)
{
    struct va_text text;

    assert_int_equal(va_text_normalize("Say, \"X Y\"!", &text, NULL), 0);
    assert_string_equal(text.bytes, "say x y");
    assert_int_equal(text.from[4], 6);
    assert_int_equal(text.to[6], 9);
    assert_true(va_text_is_boundary(&text, 0));
    assert_false(va_text_is_boundary(&text, 1));
    assert_true(va_text_is_boundary(&text, 3));
    assert_true(va_text_is_boundary(&text, text.n));
    va_text_free(&text);
}

static void test_bad_input(void **state)
{
    struct va_text text;
    va_error error;
    char *large = va_alloc(1000002, 1);

    assert_int_equal(va_text_normalize("\xFF", &text, &error), VA_EFORMAT);
    assert_int_equal(va_text_normalize("a\xC3", &text, &error), VA_EFORMAT);
    assert_int_equal(va_text_normalize("\xED\xA0\x80", &text, &error), VA_EFORMAT);
    assert_non_null(large);
    memset(large, 'a', 1000001);
    large[1000001] = '\0';
    assert_int_equal(va_text_normalize(large, &text, &error), VA_ELIMIT);
    large[VA_TEXT_MAX_BYTES] = '\0';
    assert_int_equal(va_text_normalize(large, &text, &error), 0);
    assert_int_equal(text.n, VA_TEXT_MAX_BYTES);
    va_text_free(&text);
    va_free(large);
    va_memory_fail_after(1);
    int r = va_text_normalize("a", &text, &error);
    va_memory_fail_after(0);
    assert_int_equal(r, VA_ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),         cmocka_unit_test(test_numbers_and_symbols),
        cmocka_unit_test(test_other_scripts), cmocka_unit_test(test_original_positions),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
