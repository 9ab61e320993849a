#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream/agreement.h"

static void test_words(void **state)
{
    static const struct {
        const char *before, *text;
        size_t stable;
    } cases[] = {
        {"", "", 0},
        {"", "turn on", 0},
        {"turn", "", 0},
        {"turn", "turn", 0}, /* the last word may still change */
        {"turn", "turn on", 4},
        {"turn on", "turn on", 4},
        {"turn on the li", "turn on the lights now", 11}, /* not within a word */
        {"turn on the lights", "turn on the li", 7 + 4},
        {"turn on the light", "turn off the light", 4},
        {"Turn on the light", "turn on the light", 0},
        {"turn on.", "turn on the", 4},
        {"turn on the light in the", "turn on the light in the hall", 24},
        {"\xc3\xa4pfel und", "\xc3\xa4pfel und birnen", 10},
        {"\xc3\xa4pfel und", "\xc3\xb6l und birnen", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (va_agreement_stable(cases[i].before, cases[i].text) != cases[i].stable)
            fail_msg("'%s' after '%s': %zu", cases[i].text, cases[i].before, va_agreement_stable(cases[i].before, cases[i].text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
