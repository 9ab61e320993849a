/* numbers.h - numbers in a sentence, in digits and in words. What the words are is data, made at build from CLDR's rules and from
 * deploy/numbers (scripts/make-number-words). A language costs nothing until it is used, and no memory then. Any thread. */
#ifndef VA_INTENT_NUMBERS_H
#define VA_INTENT_NUMBERS_H

#include "intent/text.h"

struct va_number_words; /* the words of one language; never freed */

/* The table of a language ("en", "pt-BR", "zh_Hant_TW"), else of the longest part of the code that has one, else NULL: its numbers
 * are read in digits only. */
const struct va_number_words *va_number_words_find(const char *language);

/* Between the whole and the decimal places of digits: '.' or ','. words may be NULL. */
char va_numbers_decimal(const struct va_number_words *words);

struct va_number {
    size_t end; /* in the text, behind the number */
    double value;
};

#define VA_NUMBERS_MAX 16

/* Every cardinal number that starts at pos, shorter ones first ("twenty", "twenty two"). Returns how many. words may be NULL. */
size_t va_numbers_parse(const struct va_number_words *words, const struct va_text *text, size_t pos,
                        struct va_number ret_numbers[VA_NUMBERS_MAX]);

/* The same for ordinals: "twenty second", "22nd". */
size_t va_numbers_parse_ordinals(const struct va_number_words *words, const struct va_text *text, size_t pos,
                                 struct va_number ret_numbers[VA_NUMBERS_MAX]);

/* 1 when text[pos..n) is a proper prefix of the written form of some cardinal number, else 0: it may end inside a word ("twen"), behind
 * a space, or be a number that can go on ("twenty", "12"). An empty rest is a prefix too. Whether it is itself a number,
 * va_numbers_parse tells: its end is text->n then. */
int va_numbers_prefix(const struct va_number_words *words, const struct va_text *text, size_t pos);

/* Writes the usual spoken form of a number, such as "twenty-two" or "minus two point five" (at most 3 decimal places), in lower case and
 * NUL-terminated. Returns its length; VA_ENOTFOUND when the language has no words for it (or words is NULL), VA_ELIMIT when it does not
 * fit into size. */
int va_numbers_spell(const struct va_number_words *words, double value, char *ret_text, size_t size);

#endif
