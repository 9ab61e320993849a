/* The first line is a text, the rest a command file of any kind: the text walks through the automaton beside the matcher. */
#include "fuzz.h"

#include <string.h>

#include "base/memory.h"
#include "intent/automaton.h"
#include "intent/grammar.h"

/* 1: the text may end here, 0: it may go on, -1: it is no beginning of a sentence; or VA_ENOMEM, VA_ELIMIT. */
static int walk(va_automaton *automaton, const char *text, size_t n, int *ret_alive)
{
    struct va_automaton_place place;
    int r = va_automaton_start(automaton, &place);

    *ret_alive = 1;
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = va_automaton_step(automaton, &place, text[i]);
        if (r == VA_AUTOMATON_DEAD) {
            *ret_alive = 0;
            return 0;
        }
    }
    if (r >= 0)
        r = va_automaton_is_free(automaton, &place);
    if (r >= 0)
        r = va_automaton_accepts(automaton, &place);
    return r;
}

/* Between the words of a sentence the matcher lets skip words stand, and it knows more ways to say a number: the automaton does not. */
static int takes_more(const va_commands *commands)
{
    for (size_t i = 0; i < commands->grammar.n_languages; i++) {
        const struct va_language *language = &commands->grammar.languages[i];
        if (language->n_skips > 0)
            return 1;
        for (size_t j = 0; j < language->n_lists; j++)
            if (language->lists[j].kind == VA_LIST_RANGE)
                return 1;
    }
    return 0;
}

static void check_text(const va_commands *commands, const char *text, size_t n)
{
    va_automaton *automaton = NULL;
    va_intent *intent = NULL;
    va_error error = {.code = 1};
    int alive, again;

    int r = va_automaton_new(commands, NULL, &automaton, &error);
    FUZZ_CHECK((r == 0) == (automaton != NULL));
    if (r < 0) {
        FUZZ_CHECK(r == VA_ELIMIT && error.code == r);
        return;
    }
    int accepts = walk(automaton, text, n, &alive);
    FUZZ_CHECK(accepts == 0 || accepts == 1 || accepts == VA_ELIMIT);
    int second = walk(automaton, text, n, &again); /* what is remembered says the same */
    FUZZ_CHECK(second == accepts && again == alive);
    if (accepts >= 0 && !takes_more(commands) && va_commands_match(commands, text, &intent, NULL) == 0)
        FUZZ_CHECK(accepts == 1);
    va_intent_free(intent);
    va_automaton_free(automaton);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t n = end != NULL ? (size_t)(end - data) : size;
    va_commands *commands = NULL;

    char *text = va_alloc(n + 1, 1);
    FUZZ_CHECK(text != NULL);
    if (n > 0)
        memcpy(text, data, n);
    text[n] = '\0';
    if (va_commands_parse("f/Intent/combination.yaml", end != NULL ? (const char *)end + 1 : "", end != NULL ? size - n - 1 : 0, &commands,
                          NULL) == 0)
        check_text(commands, text, strlen(text));
    va_commands_free(commands);
    va_free(text);
    return 0;
}
