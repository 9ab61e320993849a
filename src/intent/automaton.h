/* automaton.h - what may follow the beginning of a sentence: all sentences of one language at once, nothing expanded.
 *
 * The grammar's nodes are walked with all ways at once, character by character, by the character rules of text.h; the set of places where a
 * beginning may stand is a state. States and what leads from one to the next are made when they are first needed and remembered, so that a
 * second walk costs a few look-ups. It is not quite the matcher: skip words stand only at the ends of a sentence, and a number in
 * digits or in one way of saying it ("one point five", not "one and a half"; in a very large range in digits only), which may be
 * continued. A text that it accepts is for the matcher to judge.
 *
 * One thread at a time. */
#ifndef VA_INTENT_AUTOMATON_H
#define VA_INTENT_AUTOMATON_H

#include "intent/commands.h"

typedef struct va_automaton va_automaton;

/* Of the sentences in this language ("en"), or of those in all languages when it is NULL. The commands and the
 * language must outlive it. VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_automaton_new(const va_commands *commands, const char *language, va_automaton **ret_automaton, va_error *error);
void va_automaton_free(va_automaton *automaton);

/* Where a text stands. Of the caller; valid until va_automaton_trim. */
struct va_automaton_place {
    uint32_t state;
    uint8_t n_pending; /* bytes of a character that is not complete yet */
    char pending[3];
};

#define VA_AUTOMATON_DEAD 0  /* no sentence goes on like that */
#define VA_AUTOMATON_STAYS 1 /* the byte changes nothing: a second space or comma, an apostrophe, a part of a character */
#define VA_AUTOMATON_GOES 2

/* The beginning of a text. VA_ENOMEM, VA_ELIMIT: the templates are too much for it. */
VA_MUST_CHECK int va_automaton_start(va_automaton *automaton, struct va_automaton_place *ret_place);

/* The text goes on by one byte: one of the above; or VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_automaton_step(va_automaton *automaton, struct va_automaton_place *place, char byte);

/* 1 when the text may end here; or VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_automaton_accepts(va_automaton *automaton, const struct va_automaton_place *place);

/* 1 when any word may follow, because the place is in a wildcard or in front of one; or VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_automaton_is_free(va_automaton *automaton, const struct va_automaton_place *place);

/* 1 when, behind a space, more of a sentence may follow than skip words; or VA_ENOMEM, VA_ELIMIT. For a place in front of any space. */
VA_MUST_CHECK int va_automaton_continues(va_automaton *automaton, const struct va_automaton_place *place);

/* Forgets all states when there are many; places are invalid then. Returns 1 when it did. */
int va_automaton_trim(va_automaton *automaton);

/* How many states are remembered, for tests. */
size_t va_automaton_states(const va_automaton *automaton);

#endif
