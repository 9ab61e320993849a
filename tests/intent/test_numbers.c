#include "intent/numbers.h"
#include "intent/support.h"

#include <math.h>
#include <string.h>

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

#define check_in(language, text, value) assert_float_equal(whole(va_number_words_find(language), text), value, 1e-9)
#define check(text, value) check_in("en", text, value)

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
    check("2.5 million", 2.5e6);
    check("1,5", 1.5);
    check("minus 5", -5);
    check_in("de", "1.234,5", 1234.5);
    check_in("de", "22.5", 22.5);
    check_in("de-CH", "22.5", 22.5);
    check_in("es-MX", "1,234.5", 1234.5);
    assert_int_equal(va_numbers_decimal(va_number_words_find("de")), ',');
    assert_int_equal(va_numbers_decimal(va_number_words_find("en")), '.');
    assert_int_equal(va_numbers_decimal(NULL), '.');
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

static void test_ways_of_writing(void **state)
{
    check("twentytwo", 22);
    check("twenty two", 22);
    check("TWO HUNDRED AND ONE", 201);
    check("a hundred thousand", 100000);
    check_in("de", "einundzwanzig", 21);
    check_in("de", "Ein und zwanzig", 21);
    check_in("de", "hundertfünf", 105);
    check_in("de", "zweieinhalb", 2.5);
    check_in("de", "zwei Komma fünf", 2.5);
    check_in("de", "eine Million", 1e6);
    check_in("fr", "vingt et un", 21);
    check_in("fr", "vingt-et-un", 21);
    check_in("fr", "quatre-vingt-dix-neuf", 99);
    check_in("fr", "deux et demi", 2.5);
    check_in("fr-BE", "nonante-neuf", 99);
    check_in("es", "veintidós", 22);
    check_in("es", "veintidos", 22);
    check_in("es", "dos y media", 2.5);
    check_in("it", "ventitré", 23);
    check_in("it", "due e mezzo", 2.5);
    check_in("nl", "tweeëntwintig", 22);
    check_in("nl", "tweeënhalf", 2.5);
    check_in("pt-BR", "vinte e dois", 22);
    check_in("ru", "двадцать одна", 21);
    check_in("ru", "двадцать один", 21);
    check_in("pl", "dwadzieścia dwa", 22);
    check_in("tr", "yirmi iki", 22);
    check_in("sv", "tjugotvå", 22);
    check_in("uk", "п\u2019ять", 5);
    check_in("ja", "二十二", 22);
    check_in("ko", "이십이", 22);
    check_in("zh-Hans", "二百零五", 205);
    check_in("zh-Hant", "一萬", 10000);
    check_in("zh-TW", "一萬", 10000);
    check_in("ar", "خمسة وعشرون", 25);
    check_in("hi", "बाईस", 22);
}

static double ordinal(const char *language, const char *original)
{
    struct va_text text;
    struct va_number numbers[VA_NUMBERS_MAX];

    assert_int_equal(va_text_normalize(original, &text, NULL), 0);
    size_t n = va_numbers_parse_ordinals(va_number_words_find(language), &text, 0, numbers);
    double value = n > 0 && numbers[n - 1].end == text.n ? numbers[n - 1].value : -9999;
    va_text_free(&text);
    return value;
}

static void test_ordinals(void **state)
{
    assert_float_equal(ordinal("en", "twenty-second"), 22, 0);
    assert_float_equal(ordinal("en", "one hundred and first"), 101, 0);
    assert_float_equal(ordinal("en", "22nd"), 22, 0);
    assert_float_equal(ordinal("en", "3RD"), 3, 0);
    assert_float_equal(ordinal("de", "zweite"), 2, 0);
    assert_float_equal(ordinal("de", "2."), 2, 0);
    assert_float_equal(ordinal("fr", "1er"), 1, 0);
    assert_float_equal(ordinal("fr", "premier"), 1, 0);
    assert_float_equal(ordinal("ja", "第三"), 3, 0);
    assert_float_equal(ordinal("en", "twenty two"), -9999, 0);
    assert_float_equal(ordinal("en", ""), -9999, 0);
    assert_float_equal(ordinal("en", "999999999999999th"), -9999, 0);
    assert_float_equal(ordinal("xx", "second"), -9999, 0);
    check("second", -9999);
}

static int is_prefix(const char *language, const char *original)
{
    struct va_text text;

    assert_int_equal(va_text_normalize(original, &text, NULL), 0);
    int r = va_numbers_prefix(va_number_words_find(language), &text, 0);
    va_text_free(&text);
    return r;
}

static void test_prefixes(void **state)
{
    static const char *const yes[] = {"",      "twen", "twenty",  "twenty fo", "twentyfo",  "12", "12 m", "one hundred a",
                                      "minus", "min",  "minus t", "two an",    "two and a", "tw"};
    static const char *const no[] = {"x", "12 f", "five x", "22nd", "twelfth", "half", "twenty second", "fivex"};

    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_int_equal(is_prefix("en", yes[i]), 1);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_int_equal(is_prefix("en", no[i]), 0);
    assert_int_equal(is_prefix("de", "einundzw"), 1);
    assert_int_equal(is_prefix("ja", "二十"), 1);
    assert_int_equal(is_prefix("xx", "12"), 1);
    assert_int_equal(is_prefix("xx", "t"), 0);
}

static void check_spelled(const char *language, double value, const char *expected)
{
    const struct va_number_words *words = va_number_words_find(language);
    char text[200];

    int n = va_numbers_spell(words, value, text, sizeof text);
    assert_int_equal(n, strlen(expected));
    assert_string_equal(text, expected);
    for (size_t size = 0; size <= (size_t)n; size++)
        assert_int_equal(va_numbers_spell(words, value, text, size), VA_ELIMIT);
    assert_int_equal(va_numbers_spell(words, value, text, (size_t)n + 1), n);
}

static void test_spelled(void **state)
{
    char text[200];

    check_spelled("en", 22, "twenty-two");
    check_spelled("en", 0, "zero");
    check_spelled("en", -0.0001, "zero");
    check_spelled("en", -2.25, "minus two point two five");
    check_spelled("en", 1.05, "one point zero five");
    check_spelled("de", 21, "einundzwanzig");
    check_spelled("fr", 80, "quatre-vingts");
    check_spelled("fr", 81, "quatre-vingt-un");
    check_spelled("ru", 2000, "две тысячи");
    check_spelled("ru", 5000, "пять тысяч");
    check_spelled("ja", -2.25, "マイナス二点二五");
    assert_int_equal(va_numbers_spell(NULL, 1, text, sizeof text), VA_ENOTFOUND);
    assert_int_equal(va_numbers_spell(va_number_words_find("en"), 1e12, text, sizeof text), VA_ENOTFOUND);
    assert_int_equal(va_numbers_spell(va_number_words_find("en"), (double)NAN, text, sizeof text), VA_ENOTFOUND);
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
    assert_int_equal(va_numbers_parse(va_number_words_find("en"), &text, 4, numbers), 2);
    assert_float_equal(numbers[0].value, 20, 0);
    assert_int_equal(numbers[0].end, 10);
    assert_float_equal(numbers[1].value, 22, 0);
    assert_int_equal(numbers[1].end, 14);
    assert_int_equal(va_numbers_parse(va_number_words_find("en"), &text, text.n, numbers), 0);
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
    assert_in_range(va_numbers_parse(va_number_words_find("en"), &text, 0, numbers), 1, VA_NUMBERS_MAX);
    va_text_free(&text);
}

static void test_languages(void **state)
{
    assert_ptr_equal(va_number_words_find("en-US"), va_number_words_find("en"));
    assert_ptr_equal(va_number_words_find("EN_us"), va_number_words_find("en"));
    assert_non_null(va_number_words_find("en-GB"));
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
        cmocka_unit_test(test_ways_of_writing),
        cmocka_unit_test(test_ordinals),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_spelled),
        cmocka_unit_test(test_no_numbers),
        cmocka_unit_test(test_every_end_is_told),
        cmocka_unit_test(test_long_runs_are_bounded),
        cmocka_unit_test(test_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
