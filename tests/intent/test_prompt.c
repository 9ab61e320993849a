#include "intent/support.h"
#include "intent/vocabulary.h"

static struct vocabulary vocabulary;

static int set_up(void **state)
{
    vocabulary_open(&vocabulary);
    return 0;
}

static int tear_down(void **state)
{
    va_tokenizer_free(vocabulary.tokenizer);
    return 0;
}

static const char *prompt_of(const va_commands *commands, int max_tokens, char ret_prompt[512])
{
    assert_int_equal(va_commands_prompt(commands, NULL, vocabulary.tokenizer, max_tokens, ret_prompt, 512), 0);
    return ret_prompt;
}

/* In the test's vocabulary every letter is a token, so every word is a rare one. */
static void test_values_and_words(void **state)
{
    va_commands *commands = parse_sentences("'switch {thing}'", "lists: {thing: {values: [lamp, Fan, '(big|small) tv']}}\n");
    char prompt[512];

    assert_string_equal(prompt_of(commands, 200, prompt), "switch, lamp, Fan, big tv, small tv.");
    assert_int_equal(va_commands_prompt(commands, "en", vocabulary.tokenizer, 200, prompt, sizeof prompt), 0);
    assert_string_equal(prompt, "switch, lamp, Fan, big tv, small tv.");
    assert_int_equal(va_commands_prompt(commands, "de", vocabulary.tokenizer, 200, prompt, sizeof prompt), 0);
    assert_string_equal(prompt, "");
    va_commands_free(commands);
}

/* A list whose values fit goes in whole, though another has rarer words; of a larger one as many as there is room for. */
static void test_groups(void **state)
{
    va_commands *commands =
        parse_sentences("'go {a} {b}'", "lists: {a: {values: [kitchen, bathroom]}, b: {values: [elephant, crocodile, rhinoceros]}}\n");
    char prompt[512];
    int32_t ids[512];

    for (int tokens = 1; tokens < 80; tokens++)
        assert_true(va_tokenizer_encode(vocabulary.tokenizer, prompt_of(commands, tokens, prompt), ids, 512) <= tokens);
    assert_string_equal(prompt, "go, kitchen, bathroom, elephant, crocodile, rhinoceros.");
    va_commands_free(commands);
}

static void test_what_is_left_out(void **state)
{
    va_commands *commands =
        parse_sentences("'set {n} lamp[s]'", "lists: {n: {values: ['16 ounce', sixteen]}, r: {range: {from: 0, to: 9}}}\n");
    char prompt[512];

    prompt_of(commands, 200, prompt);
    assert_null(strstr(prompt, "16"));
    assert_non_null(strstr(prompt, "sixteen"));
    assert_non_null(strstr(prompt, "lamp"));
    assert_null(strstr(prompt, ", s,"));
    assert_null(strstr(prompt, ", s."));
    va_commands_free(commands);
}

/* Whole phrases only, whatever the size. */
static void test_capacity(void **state)
{
    va_commands *commands = parse_sentences("'paint {thing}'", "lists: {thing: {values: [door, window, gate]}}\n");
    char prompt[64], whole[512];

    prompt_of(commands, 200, whole);
    for (size_t capacity = 1; capacity < sizeof prompt; capacity++) {
        memset(prompt, 'x', sizeof prompt);
        assert_int_equal(va_commands_prompt(commands, NULL, vocabulary.tokenizer, 200, prompt, capacity), 0);
        assert_true(strlen(prompt) < capacity);
        assert_true(prompt[0] == '\0' || prompt[strlen(prompt) - 1] == '.');
    }
    assert_string_equal(prompt, whole);
    va_commands_free(commands);
}

static void test_memory(void **state)
{
    va_commands *commands = parse_sentences("'paint [the] {thing} (now|later)'", "lists: {thing: {values: [door, window, gate]}}\n");
    char prompt[512];
    int r = VA_ENOMEM;

    for (size_t n = 1; r != 0 && n < 10000; n++) {
        va_memory_fail_after(n);
        r = va_commands_prompt(commands, NULL, vocabulary.tokenizer, 200, prompt, sizeof prompt);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
    }
    assert_int_equal(r, 0);
    va_commands_free(commands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_words), cmocka_unit_test(test_groups), cmocka_unit_test(test_what_is_left_out),
        cmocka_unit_test(test_capacity),         cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
