#include "intent/support.h"

#include <pthread.h>

static void test_syntax(void **state)
{
    va_commands *commands = parse_sentences(
        "'turn(s|ed|ing) [the] light[s] on', 'one( |-)hour', 'wait[ (long|short)]', 'a (b;c;d) e', '(x|y) z', 'say \\(it\\)'", "");

    assert_meaning(commands, "Turns the lights on!", "c");
    assert_meaning(commands, "turning light on", "c");
    assert_meaning(commands, "turn light on", "-");
    assert_meaning(commands, "turns thelight on", "-");
    assert_meaning(commands, "turns the light", "-");
    assert_meaning(commands, "turns the light only", "-");
    assert_meaning(commands, "a d b c e", "c");
    assert_meaning(commands, "a b c d e", "c");
    assert_meaning(commands, "a b c e", "-");
    assert_meaning(commands, "a b b c d e", "-");
    assert_meaning(commands, "y z", "c");
    assert_meaning(commands, "yz", "-");
    assert_meaning(commands, "say it", "c");
    assert_meaning(commands, "one hour", "c");
    assert_meaning(commands, "one-hour", "c");
    assert_meaning(commands, "onehour", "-");
    assert_meaning(commands, "wait short", "c");
    assert_meaning(commands, "waitshort", "-");
    assert_meaning(commands, "", "-");
    va_commands_free(commands);
}

static void test_slots(void **state)
{
    va_commands *commands = parse_sentences(
        "'paint {color}', 'mix {color:first} and {color:second}', 'write {text} to {place}', 'go {n}[ ]m'",
        "lists:\n"
        "  color:\n    values:\n      - Red\n      - in: '(light|pale) blue'\n        out: '#aaf'\n      - 'dark[er] green'\n"
        "  text: {wildcard: true}\n  place: {wildcard: true}\n"
        "  n: {range: {from: -5, to: 50, fractions: halves, multiplier: -2}}\n");

    assert_meaning(commands, "paint RED", "c color=Red");
    assert_meaning(commands, "Paint pale blue.", "c color=#aaf");
    assert_meaning(commands, "paint Darker Green!", "c color=Darker Green");
    assert_meaning(commands, "paint yellow", "-");
    assert_meaning(commands, "mix red and light blue", "c first=Red second=#aaf");
    assert_meaning(commands, "Write Don't Panic, to the Wall.", "c text=Don't Panic place=the Wall");
    assert_meaning(commands, "write to wall", "-");
    assert_meaning(commands, "write a to b to c", "c text=a place=b to c");
    assert_meaning(commands, "go 2.5m", "c n=-5");
    assert_meaning(commands, "go two and a half m", "c n=-5");
    assert_meaning(commands, "go 2.3 m", "-");
    assert_meaning(commands, "go 51 m", "-");
    assert_meaning(commands, "go minus five m", "c n=10");
    va_commands_free(commands);
}

/* A point that is escaped is one of digits, an escaped digit only that, and 05 is not said as five. */
static void test_points_and_leading_zeros(void **state)
{
    va_commands *commands = parse_sentences("'at {hour}\\.{minute}', 'pay {hour}\\,{minute}'",
                                            "lists:\n  hour: {values: ['7', '12']}\n  minute: {values: ['05', '(3|4)0']}\n");

    assert_meaning(commands, "at 7.05", "c hour=7 minute=05");
    assert_meaning(commands, "at 12.30.", "c hour=12 minute=30");
    assert_meaning(commands, "pay 7,40", "c hour=7 minute=40");
    assert_meaning(commands, "at 7. 30", "-");
    assert_meaning(commands, "at 7,30", "-");
    assert_meaning(commands, "at 7 30", "-");
    assert_meaning(commands, "at 7.five", "-");
    va_commands_free(commands);
    commands = parse_sentences("'room {n}'", "lists:\n  n: {values: ['05', '6', {in: '\\7', out: 'seventh'}, {in: '1\\8', out: '18'}]}\n");
    assert_meaning(commands, "room 05", "c n=05");
    assert_meaning(commands, "room five", "-");
    assert_meaning(commands, "room six", "c n=6");
    assert_meaning(commands, "room 7", "c n=seventh");
    assert_meaning(commands, "room seven", "-");
    assert_meaning(commands, "room 18", "c n=18");
    assert_meaning(commands, "room eighteen", "-");
    va_commands_free(commands);
}

static void test_rules_and_skip_words(void **state)
{
    va_commands *commands =
        parse_sentences("'<go> home <now>'", "rules:\n  go: '(go|walk|<fast>)'\n  fast: 'run [very] fast'\n  now: '[now]'\n"
                                             "skip_words: [please, 'thank you', a, 'a a']\n");
    va_intent *intent;

    assert_meaning(commands, "run very fast home", "c");
    assert_meaning(commands, "walk home now", "c");
    assert_meaning(commands, "please please walk a a a home thank you", "c");
    assert_meaning(commands, "walk pleased home", "-");
    assert_meaning(commands, "please", "-");
    assert_int_equal(va_commands_match(commands, "Walk home.", &intent, NULL), 0);
    assert_float_equal(intent->score, 1, 0);
    va_intent_free(intent);
    assert_int_equal(va_commands_match(commands, "walk home please", &intent, NULL), 0);
    assert_true(intent->score < 1 && intent->score > 0.5f);
    va_intent_free(intent);
    va_commands_free(commands);
}

static void test_the_most_literal_wins(void **state)
{
    va_commands *commands = parse("language: en\ncommands:\n"
                                  "  any: {sentences: ['turn on {what}']}\n"
                                  "  item: {sentences: ['turn on [the] {thing}']}\n"
                                  "  exact: {sentences: ['turn on [the] heater']}\n"
                                  "  again: {sentences: ['turn on [the] heater']}\n"
                                  "lists:\n  what: {wildcard: true}\n  thing: {values: [lamp, fan]}\n");

    assert_meaning(commands, "turn on the heater", "exact");
    assert_meaning(commands, "turn on the fan", "item thing=fan");
    assert_meaning(commands, "turn on the big fan", "any what=the big fan");
    va_commands_free(commands);
}

static void test_percent_and_units(void **state)
{
    va_commands *commands = parse_sentences("'set {n}(%| percent|\xC2\xB0"
                                            "c)'",
                                            "lists: {n: {range: {from: 0, to: 100}}}\n");

    assert_meaning(commands, "set 50%", "c n=50");
    assert_meaning(commands, "set 50 %", "c n=50");
    assert_meaning(commands, "set fifty percent", "c n=50");
    assert_meaning(commands,
                   "set 21\xC2\xB0"
                   "C",
                   "c n=21");
    assert_meaning(commands,
                   "set 21 \xC2\xB0"
                   "C.",
                   "c n=21");
    va_commands_free(commands);
}

static void test_languages_are_apart(void **state)
{
    va_commands *commands = parse_sentences("'stop now'", "");
    va_intent *intent;

    assert_int_equal(va_commands_match_language(commands, "en", "stop now", &intent, NULL), 0);
    va_intent_free(intent);
    assert_int_equal(va_commands_match_language(commands, "de", "stop now", &intent, NULL), VA_ENOTFOUND);
    va_commands_free(commands);
}

/* 2^40 and more sentences, by groups and by rules of rules: nothing is expanded. */
static void test_explosion(void **state)
{
    struct va_buffer_text {
        char text[16384];
        size_t n;
    } yaml = {.n = 0};

    yaml.n += (size_t)snprintf(yaml.text, sizeof yaml.text, "language: en\ncommands:\n  c:\n    sentences:\n      - '");
    for (int i = 0; i < 60; i++)
        yaml.n += (size_t)snprintf(yaml.text + yaml.n, sizeof yaml.text - yaml.n, "(a|b|c) [d] ");
    yaml.n += (size_t)snprintf(yaml.text + yaml.n, sizeof yaml.text - yaml.n,
                               "e'\n      - <r0>\n  p:\n    sentences: ['(a;b;c;d;e;f;g;h) z']\nrules:\n");
    for (int i = 0; i < 30; i++)
        yaml.n += (size_t)snprintf(yaml.text + yaml.n, sizeof yaml.text - yaml.n, "  r%d: '[<r%d>] <r%d>'\n", i, i + 1, i + 1);
    snprintf(yaml.text + yaml.n, sizeof yaml.text - yaml.n, "  r30: 'x'\n");
    va_commands *commands = parse(yaml.text);
    char text[400] = "";
    for (int i = 0; i < 60; i++)
        strncat(text, i % 2 ? "b d " : "c ", sizeof text - strlen(text) - 1);
    strncat(text, "e", sizeof text - strlen(text) - 1);
    assert_meaning(commands, text, "c");
    text[strlen(text) - 1] = 'f';
    assert_meaning(commands, text, "-");
    assert_meaning(commands, "x", "c");
    assert_meaning(commands, "h g f e d c b a z", "p");
    va_commands_free(commands);
}

/* Templates and texts made to take long end at a bound. */
static void test_hard_texts_end(void **state)
{
    va_commands *commands =
        parse_sentences("'{a} {b} {c} {d} {e} {f} end'", "lists: {a: {wildcard: true}, b: {wildcard: true}, c: {wildcard: true}, "
                                                         "d: {wildcard: true}, e: {wildcard: true}, f: {wildcard: true}}\n");
    char text[1000];
    va_intent *intent = NULL;
    va_error error;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? ' ' : 'a';
    text[sizeof text - 1] = '\0';
    int r = va_commands_match(commands, text, &intent, &error);
    assert_true(r == VA_ENOTFOUND || r == VA_ELIMIT);
    va_commands_free(commands);
}

static void test_bad_text(void **state)
{
    va_commands *commands = parse_sentences("'stop'", "");
    va_intent *intent;
    va_error error;

    assert_int_equal(va_commands_match(commands, "sto\xFFp", &intent, &error), VA_EFORMAT);
    char *large = va_alloc(1 << 20, 1);
    assert_non_null(large);
    memset(large, 'x', (1 << 20) - 1);
    large[(1 << 20) - 1] = '\0';
    assert_int_equal(va_commands_match(commands, large, &intent, &error), VA_ELIMIT);
    va_free(large);
    va_commands_free(commands);
}

static void test_out_of_memory(void **state)
{
    va_commands *commands =
        parse_sentences("'a (b;c) {n} [d] {w} e'", "lists: {n: {range: {from: 0, to: 9}}, w: {wildcard: true}}\nskip_words: [um]\n");
    va_intent *intent = NULL;
    int r = VA_ENOMEM;

    for (size_t i = 1; r == VA_ENOMEM && i < 100; i++) {
        va_memory_fail_after(i);
        r = va_commands_match(commands, "a c um b five d x y e", &intent, NULL);
        va_memory_fail_after(0);
    }
    assert_int_equal(r, 0);
    va_intent_free(intent);
    va_commands_free(commands);
}

static void *match_often(void *arg)
{
    char text[512];

    for (int i = 0; i < 300; i++)
        if (strcmp(meaning(arg, "please go forward ten meters", text), "c direction=forward n=10") != 0)
            return (void *)1;
    return NULL;
}

static void test_threads(void **state)
{
    va_commands *commands =
        parse_sentences("'go {direction} {n} meters'", "lists: {direction: {values: [forward, back]}, n: {range: {from: 0, to: 99}}}\n"
                                                       "skip_words: [please]\n");
    pthread_t threads[4];
    void *failed;

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_often, commands), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    va_commands_free(commands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_points_and_leading_zeros),
        cmocka_unit_test(test_rules_and_skip_words),
        cmocka_unit_test(test_the_most_literal_wins),
        cmocka_unit_test(test_percent_and_units),
        cmocka_unit_test(test_languages_are_apart),
        cmocka_unit_test(test_explosion),
        cmocka_unit_test(test_hard_texts_end),
        cmocka_unit_test(test_bad_text),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
