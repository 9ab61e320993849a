#include "intent/numbers.h"
#include "intent/support.h"

/* The longest number at the start of the text; NAN-like -9999 when there is none or it does not take all. */
static double whole(const struct va_number_words *words, const char *original)
{
    struct va_text text;
    struct va_number numbers[VA_NUMBERS_MAX];

    assert_int_equal(va_text_normalize(original, &text, NULL), 0);
    size_t n = va_numbers_parse(words, &text, 0, numbers);
    double value = n > 0 && numbers[n - 1].end == text.n ? numbers[n - 1].value : -9999;
    va_text_free(&text);
    return value;
}

#define check(text, value) assert_float_equal(whole(&va_number_words_en, text), value, 1e-9)

static void test_digits(void **state)
{
    check("22", 22);
    check("22.5", 22.5);
    check("-5", -5);
    check("0", 0);
    check("007", 7);
    check("1,234.5", 1234.5);
    check("2\xC2\xBD", 2.5);
    check("2 and a half", 2.5);
    check("1234567890123456", -9999);
    check("5 million", 5e6);
}

static void test_words(void **state)
{
    check("zero", 0);
    check("Twenty-two", 22);
    check("minus five", -5);
    check("half", 0.5);
    check("a half", 0.5);
    check("two and a half", 2.5);
    check("three and a quarter", 3.25);
    check("a hundred", 100);
    check("one hundred and five", 105);
    check("nineteen hundred", 1900);
    check("two thousand three hundred and forty-five", 2345);
    check("one million two hundred thousand", 1200000);
    check("twenty one point seven five", 21.75);
    check("three point oh five", 3.05);
    check("negative ninety nine", -99);
}

static void test_no_numbers(void **state)
{
    check("", -9999);
    check("a", -9999);
    check("and five", -9999);
    check("one nine", -9999);
    check("twenty thirty", -9999);
    check("two half", -9999);
    check("twofold", -9999);
    check("point five five hundred", -9999);
    check("minus", -9999);
    check("minus minus five", -9999);
    check("two hundred thousand million million", -9999);
}

static void test_every_end_is_told(void **state)
{
    struct va_text text;
    struct va_number numbers[VA_NUMBERS_MAX];

    assert_int_equal(va_text_normalize("set twenty two degrees", &text, NULL), 0);
    assert_int_equal(va_numbers_parse(&va_number_words_en, &text, 4, numbers), 2);
    assert_float_equal(numbers[0].value, 20, 0);
    assert_int_equal(numbers[0].end, 10);
    assert_float_equal(numbers[1].value, 22, 0);
    assert_int_equal(numbers[1].end, 14);
    assert_int_equal(va_numbers_parse(&va_number_words_en, &text, text.n, numbers), 0);
    va_text_free(&text);
}

static void test_long_runs_are_bounded(void **state)
{
    struct va_text text;
    struct va_number numbers[VA_NUMBERS_MAX];
    char digits[VA_TEXT_MAX_BYTES];

    size_t n = (size_t)snprintf(digits, sizeof digits, "one point");
    while (n + 10 < sizeof digits)
        n += (size_t)snprintf(digits + n, sizeof digits - n, " nine");
    assert_int_equal(va_text_normalize(digits, &text, NULL), 0);
    assert_in_range(va_numbers_parse(&va_number_words_en, &text, 0, numbers), 1, VA_NUMBERS_MAX);
    va_text_free(&text);
}

static void test_languages(void **state)
{
    assert_ptr_equal(va_number_words_find("en"), &va_number_words_en);
    assert_ptr_equal(va_number_words_find("en-GB"), &va_number_words_en);
    assert_null(va_number_words_find("eng"));
    assert_null(va_number_words_find("xx"));
    assert_float_equal(whole(NULL, "22.5"), 22.5, 0);
    assert_float_equal(whole(NULL, "five"), -9999, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_no_numbers),
        cmocka_unit_test(test_every_end_is_told),
        cmocka_unit_test(test_long_runs_are_bounded),
        cmocka_unit_test(test_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
