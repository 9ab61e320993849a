/* test_token_filter.c - the walk over the sorted vocabulary says of each beginning what trying every token alone says. */
#include "../intent/support.h"

#include <stdlib.h>

#include "intent/automaton.h"
#include "understand/token_filter.h"

/* The 256 bytes, then these; the last is a second token of the same bytes, as damaged vocabularies have. */
static const char *const words[] = {" turn", "Turn",        " on",      " off",     " o",   "ff",    " the",  " lamp",   " la",  "mp",
                                    "lam",   " fan",        " kitchen", " kit",     "chen", " play", " blue", " jazz",   ".",    ", ",
                                    "caf",   "caf\xc3\xa9", " caf",     "\xc3\xa9", " 2",   "21",    "1",     " twenty", " lamp"};
#define N_BYTES 256
#define N_TEXT (N_BYTES + (int)(sizeof words / sizeof words[0]))
#define N_VOCABULARY 51865

static const char house[] = "language: en\n"
                            "commands:\n"
                            "  lamp: {sentences: ['turn (on|off) [the] {thing}']}\n"
                            "  open: {sentences: ['go to the café[ in {town}]']}\n"
                            "  warm: {sentences: ['make it {degrees} degrees']}\n"
                            "  play: {sentences: ['play {anything}']}\n"
                            "lists:\n"
                            "  thing: {values: [lamp, fan, kitchen fan]}\n"
                            "  town: {values: [rome]}\n"
                            "  degrees: {range: {from: 1, to: 30}}\n"
                            "  anything: {wildcard: true}\n";

struct fixture {
    uint8_t bytes[1024];
    uint32_t ends[N_TEXT]; /* [N_TEXT] */
    va_tokenizer *tokenizer;
    va_commands *commands;
    va_token_filter *filter;
    va_automaton *automaton; /* another one of the same commands */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    uint32_t used = 0;

    assert_non_null(f);
    for (int id = 0; id < N_TEXT; id++) {
        const char byte[2] = {(char)id, '\0'};
        const char *text = id < N_BYTES ? byte : words[id - N_BYTES];
        size_t n = id < N_BYTES ? 1 : strlen(text);
        memcpy(f->bytes + used, text, n);
        used += (uint32_t)n;
        f->ends[id] = used;
    }
    assert_int_equal(va_tokenizer_new(f->bytes, used, f->ends, N_TEXT, N_VOCABULARY, &f->tokenizer, NULL), 0);
    f->commands = parse(house);
    assert_int_equal(va_token_filter_new(f->tokenizer, f->commands, "en", &f->filter, NULL), 0);
    assert_int_equal(va_automaton_new(f->commands, "en", &f->automaton, NULL), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    va_automaton_free(f->automaton);
    va_token_filter_free(f->filter);
    va_commands_free(f->commands);
    va_tokenizer_free(f->tokenizer);
    free(f);
    return 0;
}

static int is_in(const struct va_token_set *set, int32_t token)
{
    return (int)(set->bits[token / 64] >> (token % 64) & 1);
}

/* What the bytes do to the place: one of VA_AUTOMATON_*. */
static int step(va_automaton *automaton, struct va_automaton_place *place, const uint8_t *bytes, size_t n)
{
    int goes = 0;

    for (size_t i = 0; i < n; i++) {
        int r = va_automaton_step(automaton, place, (char)bytes[i]);
        assert_true(r >= 0);
        if (r == VA_AUTOMATON_DEAD)
            return VA_AUTOMATON_DEAD;
        goes |= r == VA_AUTOMATON_GOES;
    }
    return goes ? VA_AUTOMATON_GOES : VA_AUTOMATON_STAYS;
}

/* Asserts that the filter allows behind the text what it should; returns how many tokens. */
static int assert_follows(const struct fixture *f, const char *text)
{
    static struct va_token_set allowed;
    int32_t tokens[64], end = va_tokenizer_special(f->tokenizer)->end;
    struct va_automaton_place place;
    int n = va_tokenizer_encode(f->tokenizer, text, tokens, 64), count = 0;

    assert_true(n >= 0);
    va_token_set_clear(&allowed);
    assert_int_equal(va_token_filter_allow(f->filter, tokens, n, &allowed), 1);
    assert_int_equal(va_automaton_start(f->automaton, &place), 0);
    assert_true(step(f->automaton, &place, (const uint8_t *)text, strlen(text)) != VA_AUTOMATON_DEAD);
    int is_free = va_automaton_is_free(f->automaton, &place);
    for (int32_t token = 0; token < N_TEXT; token++) {
        struct va_automaton_place behind = place;
        size_t length;
        const uint8_t *bytes = va_tokenizer_bytes(f->tokenizer, token, &length);
        int r = step(f->automaton, &behind, bytes, length);
        int expected = is_free || r == VA_AUTOMATON_GOES || (r == VA_AUTOMATON_STAYS && behind.n_pending > 0);
        if (is_in(&allowed, token) != expected)
            fail_msg("\"%s\" and then token %d \"%.*s\": allowed %d, not %d", text, (int)token, (int)length, (const char *)bytes, !expected,
                     expected);
        count += expected;
    }
    assert_int_equal(is_in(&allowed, end), n > 0 && va_automaton_accepts(f->automaton, &place));
    return count;
}

static void test_what_follows(void **state)
{
    static const char *const beginnings[] = {"",
                                             " turn",
                                             "Turn",
                                             "Turn o",
                                             " turn on",
                                             "turn on the",
                                             "turn on the la",
                                             "turn on the lamp",
                                             "turn on the lamp.",
                                             "turn off kit",
                                             "go to the",
                                             "go to the caf",
                                             "go to the café",
                                             "make it",
                                             "make it 2",
                                             "make it 21",
                                             "make it twenty",
                                             "make it twenty one degrees",
                                             "pl"};

    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        assert_true(assert_follows(*state, beginnings[i]) > 0 || i > 0);
    assert_true(assert_follows(*state, "turn on") < N_TEXT / 2); /* bytes that begin a longer character are most of them */
}

/* The same again comes from what was kept. */
static void test_a_second_time(void **state)
{
    int first = assert_follows(*state, "turn on the");

    assert_int_equal(assert_follows(*state, "turn on the"), first);
}

static void test_behind_a_wildcard_anything_follows(void **state)
{
    assert_int_equal(assert_follows(*state, "play blue"), N_TEXT);
    assert_int_equal(assert_follows(*state, "play blue jazz"), N_TEXT);
}

static void test_behind_no_beginning_nothing_follows(void **state)
{
    const struct fixture *f = *state;
    static struct va_token_set allowed;
    int32_t tokens[16];
    int n = va_tokenizer_encode(f->tokenizer, "turn around", tokens, 16);

    va_token_set_clear(&allowed);
    assert_int_equal(va_token_filter_allow(f->filter, tokens, n, &allowed), 1);
    assert_true(va_token_set_is_empty(&allowed));
}

static void test_outlook(void **state)
{
    const struct fixture *f = *state;
    static const struct {
        const char *text;
        enum va_outlook outlook;
    } texts[] = {
        {"", VA_OUTLOOK_OPEN},
        {"turn on the", VA_OUTLOOK_OPEN},
        {"Turn on the lamp.", VA_OUTLOOK_CLOSED},
        {"turn on the lamp, ...", VA_OUTLOOK_CLOSED},
        {"turn around", VA_OUTLOOK_CLOSED},
        {"go to the caf\xc3\xa9", VA_OUTLOOK_OPEN},
        {"go to the caf\xc3\xa9\xe3\x80\x82", VA_OUTLOOK_OPEN}, /* the full stop of Chinese is no word either */
        {"go to the caf\xc3\xa9 in rome", VA_OUTLOOK_CLOSED},
        {"play blue", VA_OUTLOOK_OPEN},
        {"turn on \xff", VA_OUTLOOK_CLOSED},
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (va_token_filter_outlook(f->filter, texts[i].text) != texts[i].outlook)
            fail_msg("\"%s\"", texts[i].text);
}

/* Without memory any token may follow, and the sentence may go on. */
static void test_memory(void **state)
{
    const struct fixture *f = *state;
    static struct va_token_set allowed;
    int32_t tokens[16];
    int n = va_tokenizer_encode(f->tokenizer, "turn on", tokens, 16), failures = 0;
    va_token_filter *filter = NULL;

    for (size_t i = 1; filter == NULL; i++) {
        va_memory_fail_after(i);
        int r = va_token_filter_new(f->tokenizer, f->commands, "en", &filter, NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || (r == VA_ENOMEM && filter == NULL));
    }
    va_memory_fail_after(1);
    assert_int_equal(va_token_filter_allow(filter, tokens, n, &allowed), 0);
    assert_int_equal(va_token_filter_outlook(filter, "turn on the lamp"), VA_OUTLOOK_OPEN);
    va_memory_fail_after(0);
    for (int r = 0; r == 0; failures++) {
        va_memory_fail_after((size_t)failures + 1);
        va_token_set_clear(&allowed);
        r = va_token_filter_allow(filter, tokens, n, &allowed);
        va_memory_fail_after(0);
    }
    assert_true(failures > 1 && is_in(&allowed, N_BYTES + 6)); /* " the" */
    va_token_filter_free(filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_follows),
        cmocka_unit_test(test_a_second_time),
        cmocka_unit_test(test_behind_a_wildcard_anything_follows),
        cmocka_unit_test(test_behind_no_beginning_nothing_follows),
        cmocka_unit_test(test_outlook),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
