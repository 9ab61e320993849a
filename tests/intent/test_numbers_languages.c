#include "intent/number_rules.h"
#include "intent/support.h"

#include <math.h>
#include <string.h>

/* What is spelled is read as the same number, and could go on at every place before its end. */
static void check_value(const struct va_number_words *words, double value, int with_prefixes)
{
    struct va_text text;
    struct va_number numbers[VA_NUMBERS_MAX];
    char spelled[VA_TEXT_MAX_BYTES];
    int is_read = 0;

    assert_true(va_numbers_spell(words, value, spelled, sizeof spelled) > 0);
    assert_int_equal(va_text_normalize(spelled, &text, NULL), 0);
    size_t n = va_numbers_parse(words, &text, 0, numbers);
    for (size_t i = 0; i < n; i++) {
        assert_true(numbers[i].end <= text.n && (i == 0 || numbers[i].end >= numbers[i - 1].end));
        is_read |= numbers[i].end == text.n && fabs(numbers[i].value - value) < 1e-9;
    }
    if (!is_read)
        fail_msg("%s: %.10g is spelled %s and not read", words->language, value, spelled);
    for (text.n--; with_prefixes && text.n > 0; text.n--)
        if (!va_numbers_prefix(words, &text, 0))
            fail_msg("%s: %.*s is no prefix of %s", words->language, (int)text.n, text.bytes, spelled);
    va_text_free(&text);
}

/* 1 when the language shares its rules with one before. */
static int is_checked(size_t language)
{
    for (size_t i = 0; i < language; i++)
        if (va_number_words[i].sets == va_number_words[language].sets)
            return 1;
    return 0;
}

/* Irish numbers of so many thousands go around the word for thousand. */
static int is_beyond_rules(const struct va_number_words *words, double value)
{
    return strcmp(words->language, "ga") == 0 && value > 10000;
}

/* Ewe's rules do not say how a number below zero is said. */
static int has_minus(const struct va_number_words *words)
{
    return strcmp(words->language, "ee") != 0;
}

static void test_round_trips(void **state)
{
    static const double large[] = {1001,  1010,   1100,   1111,   1999,   2000,   2001,    2024,    3456,    9999,     10000,    12345,
                                   21000, 100000, 100001, 123456, 200000, 999999, 1000000, 1234567, 2000000, 21000000, 123456789};

    for (size_t i = 0; i < va_number_words_n; i++) {
        if (is_checked(i))
            continue;
        for (int value = 0; value <= 1000; value += value < 130 ? 1 : 7)
            check_value(&va_number_words[i], value, value < 130 && value % 3 == 0);
        for (size_t j = 0; j < sizeof large / sizeof large[0]; j++)
            if (!is_beyond_rules(&va_number_words[i], large[j]))
                check_value(&va_number_words[i], large[j], j % 4 == 0);
        check_value(&va_number_words[i], 7.25, 0);
        check_value(&va_number_words[i], 100.5, 0);
        if (has_minus(&va_number_words[i]))
            check_value(&va_number_words[i], -12.5, 1);
    }
}

static void test_codes(void **state)
{
    assert_true(va_number_words_n > 80);
    for (size_t i = 0; i < va_number_words_n; i++)
        assert_ptr_equal(va_number_words_find(va_number_words[i].language), &va_number_words[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
