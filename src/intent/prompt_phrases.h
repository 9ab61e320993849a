/* prompt_phrases.h - the phrases of the commands, of which prompt.c chooses. */
#ifndef VA_INTENT_PROMPT_PHRASES_H
#define VA_INTENT_PROMPT_PHRASES_H

#include "intent/grammar.h"
#include "token/tokenizer.h"

#define VA_PHRASE_MAX_BYTES 80
#define VA_PHRASES_MAX 20000

struct va_phrase {
    uint32_t text;   /* in va_phrases.text, NUL-terminated, as written in the commands; words parted by single blanks */
    uint32_t group;  /* of alternatives it belongs to; 0: words around slots, each on its own */
    uint16_t tokens; /* with the comma behind it */
    uint8_t chosen;
};

struct va_phrases {
    struct va_phrase *items; /* [n] in the order of the commands */
    size_t n, capacity;
    char *text; /* [n_text] */
    size_t n_text, text_capacity;
    uint32_t n_groups; /* groups are 1 .. n_groups */
};

/* Adds the phrases of one language. VA_ENOMEM. */
VA_MUST_CHECK int va_phrases_collect(const struct va_grammar *grammar, const struct va_language *language, const va_tokenizer *tokenizer,
                                     struct va_phrases *phrases);
void va_phrases_clear(struct va_phrases *phrases);

#endif
