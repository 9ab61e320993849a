#include "action/support.h"

static void check(const char *template, const char *expected)
{
    const va_slot slots[] = {{"a", "one"}, {"value", "22"}, {"b", "{a}"}}, fields[] = {{"value", "23"}, {"time", "12:00"}};
    char *text = NULL;

    assert_int_equal(va_response_fill(template, slots, COUNT(slots), fields, COUNT(fields), &text), 0);
    assert_string_equal(text, expected);
    va_free(text);
}

static void test_fill(void **state)
{
    check("", "");
    check("plain", "plain");
    check("{a}", "one");
    check("It is {time}, {a}.", "It is 12:00, one.");
    check("{value}", "23");
    check("{unknown}!", "!");
    check("{b}", "{a}");
    check("{", "{");
    check("{}", "{}");
    check("{a b} {a", "{a b} {a");
    check("{{a}}", "{one}");
}

static void test_bound_and_memory(void **state)
{
    size_t n = 70000;
    char *large = va_alloc(n + 1, 1), *text = NULL;

    assert_non_null(large);
    memset(large, 'x', n);
    large[n] = '\0';
    const va_slot slot = {"a", large};
    assert_int_equal(va_response_fill("{a}{a}{a}{a}", &slot, 1, NULL, 0, &text), VA_ELIMIT);
    assert_null(text);
    va_memory_fail_after(1);
    int r = va_response_fill("x", NULL, 0, NULL, 0, &text);
    va_memory_fail_after(0);
    assert_int_equal(r, VA_ENOMEM);
    va_free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fill), cmocka_unit_test(test_bound_and_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
