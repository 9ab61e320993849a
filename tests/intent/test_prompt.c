#include "intent/support.h"

static void test_samples_then_values(void **state)
{
    va_commands *commands = parse_sentences("'[please] turn (on|off) {thing}', 'other'", "lists: {thing: {values: [lamp, Fan, TV]}}\n");
    char prompt[100];

    va_commands_prompt(commands, prompt, sizeof prompt);
    assert_string_equal(prompt, "turn on lamp. Fan, TV.");
    va_commands_free(commands);
}

/* Whole pieces only, whatever the size. */
static void test_capacity(void **state)
{
    va_commands *commands = parse_sentences("'set {n} percent'", "lists: {n: {range: {from: 0, to: 100}}, x: {values: [one, two]}}\n");
    char prompt[64];

    for (size_t capacity = 1; capacity < sizeof prompt; capacity++) {
        memset(prompt, 'x', sizeof prompt);
        va_commands_prompt(commands, prompt, capacity);
        assert_true(strlen(prompt) < capacity);
        if (capacity >= 16)
            assert_memory_equal(prompt, "set 50 percent.", 15);
        else
            assert_string_equal(prompt, "");
    }
    va_commands_prompt(commands, prompt, 0);
    va_commands_free(commands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples_then_values), cmocka_unit_test(test_capacity)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
