/* What a command says besides its response, its inner settings, and examples of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "intent/commands.h"

static va_commands *parse(const char *text)
{
    va_commands *commands = NULL;
    va_error error;

    if (va_commands_parse("test.yaml", text, strlen(text), &commands, &error) < 0)
        fail_msg("%s", error.text);
    return commands;
}

static void expect_mistake(const char *text, const char *part)
{
    va_commands *commands = NULL;
    va_error error;

    assert_int_equal(va_commands_parse("test.yaml", text, strlen(text), &commands, &error), VA_EFORMAT);
    if (strstr(error.text, part) == NULL)
        fail_msg("%s", error.text);
}

static void test_answers(void **state)
{
    va_commands *commands = parse("language: en\n"
                                  "commands:\n"
                                  "  a: {sentences: [a], failure: 'A: {error}', question: 'A?', confirm: true}\n"
                                  "  b: {sentences: [b], confirm: false}\n"
                                  "failure: 'All: {error}'\n"
                                  "question: 'All?'\n");
    const struct va_command *a = va_commands_find(commands, "a"), *b = va_commands_find(commands, "b");

    assert_string_equal(a->failure, "A: {error}");
    assert_string_equal(a->question, "A?");
    assert_true(a->confirm && !b->confirm);
    assert_string_equal(b->failure, "All: {error}");
    assert_string_equal(b->question, "All?");
    va_commands_free(commands);
    commands = parse("language: en\ncommands: {a: {sentences: [a]}}\n");
    a = va_commands_find(commands, "a");
    assert_true(a->failure == NULL && a->question == NULL && !a->confirm);
    va_commands_free(commands);
    expect_mistake("language: en\ncommands: {a: {sentences: [a], confirm: perhaps}}\n", "test.yaml:2: 'confirm' must be true or false");
    expect_mistake("language: en\ncommands: {a: {sentences: [a], failure: [x]}}\n", "'failure' must be one text");
    expect_mistake("language: en\nquestion: {x: y}\ncommands: {a: {sentences: [a]}}\n", "test.yaml:2: 'question' must be one text");
}

static void test_inner_settings(void **state)
{
    va_commands *commands = parse("language: en\n"
                                  "commands:\n"
                                  "  a:\n"
                                  "    sentences: [a]\n"
                                  "    action: {type: http, url: u, headers: {A: x, B: y}, data: {}, timeout: 5}\n");
    const struct va_command_action *action = &va_commands_find(commands, "a")->action;
    static const char *const expected[] = {"url=u", "headers.A=x", "headers.B=y", "timeout=5"};
    char text[64];

    assert_int_equal(action->n_settings, 4);
    for (size_t i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "%s=%s", action->settings[i].name, action->settings[i].value);
        assert_string_equal(text, expected[i]);
    }
    va_commands_free(commands);
    expect_mistake("language: en\ncommands: {a: {sentences: [a], action: {type: http, headers: {A: {B: x}}}}}\n",
                   "the setting 'A' of an action must be a text or a number");
    expect_mistake("language: en\ncommands: {a: {sentences: [a], action: {type: http, url: [x]}}}\n",
                   "the setting 'url' of an action must be a text or a number");
}

static void test_examples(void **state)
{
    static const char *const expected[] = {"turn on the big lamps", "set it to 50 percent", "say",       "a b", "cancel all the alarms",
                                           "set the sound to 50",   "set a timer for lamp", "wake me up"};
    va_commands *commands = parse("language: en\n"
                                  "commands:\n"
                                  "  a: {sentences: ['[please] turn (on|off) the <big> {thing}[s]']}\n"
                                  "  b: {sentences: ['set it to {n}[ ]percent']}\n"
                                  "  c: {sentences: ['say {text}']}\n"
                                  "  d: {sentences: ['(a;b)']}\n"
                                  "  e: {sentences: ['cancel all [(the|my)] alarm[s] [(now|today)]']}\n"
                                  "  f: {sentences: ['set [the] sound to {n}[ ]<unit>']}\n"
                                  "  g: {sentences: ['[can you] set [(a|the)] timer [(called|named) {text}] [for] {thing}']}\n"
                                  "  h: {sentences: ['[please] wake me <up> [[at] noon]']}\n"
                                  "rules: {big: '(big|small)', unit: '[(percent|%)]', up: 'up [now]'}\n"
                                  "lists:\n"
                                  "  thing: {values: [lamp, door]}\n"
                                  "  n: {range: {from: 0, to: 100}}\n"
                                  "  text: {wildcard: true}\n");
    char text[64];

    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        if (va_commands_example(commands, i, text, sizeof text) < 0)
            fail_msg("no example of %s", expected[i]);
        assert_string_equal(text, expected[i]);
    }
    assert_int_equal(va_commands_example(commands, sizeof expected / sizeof *expected, text, sizeof text), VA_ENOTFOUND);
    assert_int_equal(va_commands_example(commands, 0, text, strlen(expected[0])), VA_ENOTFOUND);
    assert_int_equal(va_commands_example(commands, 0, text, strlen(expected[0]) + 1), 0);
    assert_int_equal(va_commands_example(commands, 0, text, 0), VA_ENOTFOUND);
    va_commands_free(commands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_inner_settings),
        cmocka_unit_test(test_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
