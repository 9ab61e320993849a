#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "token/tokenizer.h"

static void test_known(void **state)
{
    assert_int_equal(va_language_index("en"), 0);
    assert_int_equal(va_language_index("zh"), 1);
    assert_int_equal(va_language_index("su"), 98);
    assert_int_equal(va_language_index("yue"), 99);
    assert_int_equal(va_language_index("english"), 0);
    assert_int_equal(va_language_index("en-US"), 0);
    assert_int_equal(va_language_index("pt_BR"), va_language_index("pt"));
    assert_int_equal(va_language_index("zh-Hant-TW"), 1);
    assert_int_equal(va_language_index("-US"), -1);
    assert_int_equal(va_language_index("e-US"), -1);
    assert_int_equal(va_language_index("German"), va_language_index("de"));
    assert_int_equal(va_language_index("haitian creole"), va_language_index("ht"));
    assert_string_equal(va_language_code(0), "en");
    assert_string_equal(va_language_code(99), "yue");
    assert_string_equal(va_language_name(2), "german");
}

static void test_unknown(void **state)
{
    assert_int_equal(va_language_index(""), -1);
    assert_int_equal(va_language_index("e"), -1);
    assert_int_equal(va_language_index("eng"), -1);
    assert_int_equal(va_language_index("klingon"), -1);
    assert_null(va_language_code(-1));
    assert_null(va_language_code(100));
    assert_null(va_language_name(-1));
    assert_null(va_language_name(100));
}

static void test_round_trip(void **state)
{
    for (int i = 0; i < 100; i++) {
        assert_int_equal(va_language_index(va_language_code(i)), i);
        assert_int_equal(va_language_index(va_language_name(i)), i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known), cmocka_unit_test(test_unknown), cmocka_unit_test(test_round_trip)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
