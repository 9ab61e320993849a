/* The automaton beside the matcher: what may follow, and what may stand. */
#include "intent/automaton.h"
#include "intent/support.h"

#include <stdlib.h>

/* 1: the text is a sentence, 0: it may become one, -1: no sentence begins so; -2: the templates are too much. */
static int walk(va_automaton *automaton, const char *text)
{
    struct va_automaton_place place;
    int r = va_automaton_start(automaton, &place);

    for (; r >= 0 && *text != '\0'; text++)
        if ((r = va_automaton_step(automaton, &place, *text)) == VA_AUTOMATON_DEAD)
            return -1;
    if (r >= 0)
        r = va_automaton_accepts(automaton, &place);
    assert_true(r >= 0 || r == VA_ELIMIT);
    return r < 0 ? -2 : r;
}

static va_automaton *automaton_of(const va_commands *commands)
{
    va_automaton *automaton = NULL;
    assert_int_equal(va_automaton_new(commands, NULL, &automaton, NULL), 0);
    return automaton;
}

/* What the matcher says of a text, and the automaton, which may let more through, of it and all that begins it. */
static void check_agreement(const va_commands *commands, const char *text)
{
    va_automaton *automaton = automaton_of(commands);
    va_intent *intent = NULL;

    if (va_commands_match(commands, text, &intent, NULL) == 0 && walk(automaton, text) != 1)
        fail_msg("the automaton does not take \"%s\"", text);
    va_intent_free(intent);
    va_automaton_free(automaton);
}

static const char *const sections = "rules: {often: '(always|now and then)'}\n"
                                    "lists:\n"
                                    "  place: {values: [kitchen, living room, {in: '(caf\xc3\xa9|bar)', out: bar}]}\n"
                                    "  n: {range: {from: 0, to: 100, fractions: halves}}\n"
                                    "  hour: {values: ['7', '17']}\n"
                                    "  what: {wildcard: true}\n"
                                    "skip_words: [please, could you]\n";

static void test_texts(void **state)
{
    static const struct {
        const char *text;
        int expected;
    } texts[] = {
        {"turn on the light", 1},
        {"Turn ON, the light!", 1},
        {"turn on light", 1},
        {"turn on the lights in the kitchen", 1},
        {"turn on the lights in the living-room", 1},
        {"turn on the lights in the CAF\xc3\x89", 1},
        {"turn on the lights in the garden", -1},
        {"turn", 0},
        {"tur", 0},
        {"turns", -1},
        {"turning", -1},
        {"", 0},
        {" ", 0},
        {"...", 0},
        {"turn on the lights now and then", 1},
        {"turn on the lights now", 0},
        {"please turn on the light", 1},
        {"could you please turn on the light, please.", 1},
        {"set it to 22.5%", 1},
        {"set it to 22.5 %", 1},
        {"set it to twenty-two percent", 1},
        {"set it to 22.7%", -1},
        {"set it to 101%", -1},
        {"set it to 100%", 1},
        {"set it to 10", 0},
        {"at 17.30", 1},
        {"at 17.", 0},
        {"at 17 30", -1},
        {"red green blue", 1},
        {"blue red green", 1},
        {"blue, green, red", 1},
        {"blue green", 0},
        {"blue blue", -1},
        {"I'd sing", 1},
        {"Id sing", 1},
        {"I\xe2\x80\x99"
         "d sing",
         1},
        {"note buy milk and 3 eggs!", 1},
        {"note", 0},
        {"\xff", -1},
        {"turn on\xc3", -1},
        {"turn on the light in the caf\xc3", 0},
        {"turn on\xc3(", -1},
    };
    va_commands *commands = parse_sentences("'turn on [the] light[s] [in the {place}] [<often>]', 'set it to {n}(%| percent)', "
                                            "'(red;green;blue)', \"I'd sing\", 'note {what}', 'at {hour}\\.30'",
                                            sections);
    va_automaton *automaton = automaton_of(commands);

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int found = walk(automaton, texts[i].text);
        if (found != texts[i].expected)
            fail_msg("\"%s\": %d, not %d", texts[i].text, found, texts[i].expected);
        if (found >= 0)
            check_agreement(commands, texts[i].text);
    }
    va_automaton_free(automaton);
    va_commands_free(commands);
}

static void test_places(void **state)
{
    va_commands *commands = parse_sentences("'note {what} now', 'go'", sections);
    va_automaton *automaton = automaton_of(commands);
    struct va_automaton_place place;

    assert_int_equal(va_automaton_start(automaton, &place), 0);
    assert_int_equal(va_automaton_is_free(automaton, &place), 0);
    assert_int_equal(va_automaton_step(automaton, &place, ' '), VA_AUTOMATON_STAYS);
    assert_int_equal(va_automaton_step(automaton, &place, '\''), VA_AUTOMATON_STAYS);
    for (const char *text = "note "; *text != '\0'; text++)
        assert_int_equal(va_automaton_step(automaton, &place, *text), VA_AUTOMATON_GOES);
    assert_int_equal(va_automaton_step(automaton, &place, ','), VA_AUTOMATON_STAYS);
    assert_int_equal(va_automaton_is_free(automaton, &place), 1);
    assert_int_equal(va_automaton_accepts(automaton, &place), 0);
    size_t states = va_automaton_states(automaton);
    assert_true(states > 5 && states < 20);
    assert_int_equal(walk(automaton, "note "), 0); /* remembered */
    assert_int_equal(va_automaton_states(automaton), states);
    assert_int_equal(va_automaton_trim(automaton), 0);
    va_automaton_free(automaton);
    assert_int_equal(va_automaton_new(commands, "de", &automaton, NULL), 0);
    assert_int_equal(walk(automaton, "go"), -1);
    va_automaton_free(automaton);
    va_commands_free(commands);
}

/* Templates of 10^12 sentences, a long row of what is optional, a very long one, deep groups: quick, or refused. */
static void test_much(void **state)
{
    char *row = va_alloc(200000, 1), *at = row;
    assert_non_null(row);
    at += snprintf(at, 64, "'");
    for (int i = 0; i < 12; i++)
        at += snprintf(at, 64, "(a|b|c|d|e|f|g|h|i|j) ");
    at += snprintf(at, 64, "', 'x ");
    for (int i = 0; i < 300; i++)
        at += snprintf(at, 64, "[y%d] ", i);
    snprintf(at, 64, "'");
    va_commands *commands = parse_sentences(row, "");
    va_automaton *automaton = automaton_of(commands);
    assert_int_equal(walk(automaton, "a b c d e f g h i j a b"), 1);
    assert_int_equal(walk(automaton, "a b c d e f g h i j a"), 0);
    assert_int_equal(walk(automaton, "x y7 y200 y299"), 1);
    assert_int_equal(walk(automaton, "x y200 y7"), -1);
    va_automaton_free(automaton);
    va_commands_free(commands);

    at = row + snprintf(row, 64, "'x ");
    for (int i = 0; i < 5000; i++)
        at += snprintf(at, 64, "[a]");
    snprintf(at, 64, "'");
    commands = parse_sentences(row, "");
    automaton = automaton_of(commands);
    int r = walk(automaton, "x aaa");
    assert_true(r == 1 || r == -2);
    va_automaton_free(automaton);
    va_commands_free(commands);
    va_free(row);
}

static void test_memory(void **state)
{
    va_commands *commands = parse_sentences("'turn on [the] light[s] [in the {place}] [<often>]', 'set it to {n}(%| percent)'", sections);
    int r = VA_ENOMEM;

    for (size_t n = 1; r != 0 && n < 100000; n += n < 500 ? 1 : 97) {
        va_automaton *automaton = NULL;
        struct va_automaton_place place;
        va_memory_fail_after(n);
        r = va_automaton_new(commands, "en", &automaton, NULL);
        if (r == 0)
            r = va_automaton_start(automaton, &place);
        for (const char *text = "turn on the lights in the bar"; r >= 0 && *text != '\0'; text++)
            r = va_automaton_step(automaton, &place, *text);
        va_memory_fail_after(0);
        r = r < 0 ? r : 0;
        assert_true(r == 0 || r == VA_ENOMEM);
        va_automaton_free(automaton);
    }
    assert_int_equal(r, 0);
    va_commands_free(commands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_much),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
