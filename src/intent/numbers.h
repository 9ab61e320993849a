/* numbers.h - numbers in a sentence, in digits and in words. What the words are is data: one table a language. Any thread. */
#ifndef VA_INTENT_NUMBERS_H
#define VA_INTENT_NUMBERS_H

#include "intent/text.h"

enum va_number_role {
    VA_NUMBER_UNIT,     /* 0..19 */
    VA_NUMBER_TENS,     /* 20, 30, .. 90 */
    VA_NUMBER_HUNDRED,  /* multiplies what came before */
    VA_NUMBER_SCALE,    /* thousand, million */
    VA_NUMBER_FRACTION, /* half, quarter: alone, or behind "and" */
    VA_NUMBER_VULGAR,   /* the same as one character, which may stand right behind a number */
    VA_NUMBER_ARTICLE,  /* "a" hundred, and "a" half: one, but never alone */
    VA_NUMBER_AND,
    VA_NUMBER_POINT,
    VA_NUMBER_MINUS
};

struct va_number_word {
    const char *word; /* normalized */
    enum va_number_role role;
    double value;
};

struct va_number_words {
    const char *language;
    char decimal, group;                /* '.' and ',' in 1,234.5 */
    const struct va_number_word *words; /* [n] */
    size_t n;
};

extern const struct va_number_words va_number_words_en;

/* NULL when there is no table for the language ("en", "en-US"): its numbers are read in digits only. */
const struct va_number_words *va_number_words_find(const char *language);

struct va_number {
    size_t end; /* in the text, behind the number */
    double value;
};

#define VA_NUMBERS_MAX 16

/* Every number that starts at pos, shorter ones first ("twenty", "twenty two"). Returns how many. words may be NULL. */
size_t va_numbers_parse(const struct va_number_words *words, const struct va_text *text, size_t pos,
                        struct va_number ret_numbers[VA_NUMBERS_MAX]);

#endif
