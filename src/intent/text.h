/* text.h - how a text looks to the matcher: words in one case, single spaces, no punctuation.
 *
 * Sentences and templates go through the same character rules, so nothing here knows a language. Any thread. */
#ifndef VA_INTENT_TEXT_H
#define VA_INTENT_TEXT_H

#include "base/error.h"

enum va_char_class {
    VA_CHAR_SPACE,  /* separates words: blanks and punctuation */
    VA_CHAR_DROP,   /* vanishes: the apostrophe */
    VA_CHAR_LETTER, /* letters of every script, and marks */
    VA_CHAR_DIGIT,  /* 0-9, and a point or comma between two of them */
    VA_CHAR_SYMBOL  /* a word of its own wherever it stands: % and the like, and a minus before a digit */
};

/* Reads one character at text[*pos] of [size] and moves *pos behind it. ret_bytes [4] and ret_n: it in lower case.
 * VA_EFORMAT when it is not UTF-8 or a NUL. */
int va_text_next(const char *text, size_t size, size_t *pos, enum va_char_class *ret_class, char ret_bytes[4], size_t *ret_n);

/* A sentence; arrays of [n], indexed by byte of the normalized text. */
struct va_text {
    char *bytes;    /* words separated by single spaces, none at the ends; NUL-terminated */
    uint8_t *kinds; /* enum va_char_class */
    uint32_t *from; /* where the character of this byte starts in the original, ... */
    uint32_t *to;   /* ... and where it ends */
    size_t n;
};

#define VA_TEXT_MAX_BYTES 1000

/* VA_EFORMAT: not UTF-8. VA_ELIMIT: longer than VA_TEXT_MAX_BYTES. VA_ENOMEM. */
VA_MUST_CHECK int va_text_normalize(const char *original, struct va_text *ret_text, va_error *error);
void va_text_free(struct va_text *text);

/* Scripts that are written without spaces: a word may end behind any character. */
int va_text_is_unspaced(uint32_t code);

/* 1 when a word may start or end at pos (0..n): at a space, at the ends, between letters, digits and symbols, and between any two
 * characters of a script without spaces. */
int va_text_is_boundary(const struct va_text *text, size_t pos);

#endif
