/* template_number.c - a number word in a template means the number in digits as well, and the other way round: recognizers write either. */
#include "intent/grammar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define MAX_NUMBER 1e9

/* Sequence of the words of a normalized text. */
static int64_t add_words(struct va_grammar *grammar, const struct va_text *text)
{
    uint32_t nodes[16];
    size_t n = 0;

    for (size_t at = 0; at < text->n;) {
        size_t end = at;
        while (end < text->n && text->bytes[end] != ' ')
            end++;
        if (n + 2 > sizeof nodes / sizeof nodes[0])
            return VA_NODE_INDEX_EMPTY;
        int64_t node = va_grammar_add_text(grammar, text->bytes + at, end - at, text->bytes + at, end - at);
        if (node < 0)
            return node;
        if (n > 0)
            nodes[n++] = VA_NODE_INDEX_BOUNDARY;
        nodes[n++] = (uint32_t)node;
        at = end + 1;
    }
    return va_grammar_add_parent(grammar, VA_NODE_SEQUENCE, nodes, n);
}

/* The number that the whole of a word is, in digits or in the usual words; else NAN. */
static double whole_number(const struct va_number_words *words, const char *word, int *ret_in_words)
{
    struct va_number numbers[VA_NUMBERS_MAX];
    struct va_text text, usual;
    double value = NAN;
    char spelled[200];

    if (va_text_normalize(word, &text, NULL) < 0)
        return NAN;
    size_t n = va_numbers_parse(words, &text, 0, numbers);
    if (n > 0 && numbers[n - 1].end == text.n && fabs(numbers[n - 1].value) <= MAX_NUMBER)
        value = numbers[n - 1].value;
    *ret_in_words = !isnan(value) && text.kinds[text.n - 1] == VA_CHAR_LETTER;
    /* Words that are a number among other things (an article, say) are left alone. */
    if (*ret_in_words && (va_numbers_spell(words, value, spelled, sizeof spelled) < 0 || va_text_normalize(spelled, &usual, NULL) < 0)) {
        value = NAN;
    } else if (*ret_in_words) {
        if (strcmp(usual.bytes, text.bytes) != 0)
            value = NAN;
        va_text_free(&usual);
    }
    va_text_free(&text);
    return value;
}

/* Where the language remembers the word as no number, or NULL: it is too long. The same few words stand in most sentences. */
static char *plain_place(struct va_language *language, const char *word)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    if (strlen(word) >= VA_PLAIN_WORD_SIZE)
        return NULL;
    for (const char *c = word; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    return language->plain_words[hash % VA_PLAIN_WORDS];
}

int64_t va_template_other_number(va_commands *commands, struct va_language *language, const char *word)
{
    char other[200], *plain = plain_place(language, word);
    struct va_text text;
    int in_words;

    int has_lead_zero = word[0] == '0' && word[1] >= '0' && word[1] <= '9'; /* the 05 of 7:05 is not said as five */
    if (language->numbers == NULL || has_lead_zero || (plain != NULL && strcmp(plain, word) == 0))
        return VA_NODE_INDEX_EMPTY;
    double value = whole_number(language->numbers, word, &in_words);
    if (isnan(value)) {
        if (plain != NULL)
            memcpy(plain, word, strlen(word) + 1);
        return VA_NODE_INDEX_EMPTY;
    }
    if (in_words)
        snprintf(other, sizeof other, "%.10g", value);
    else if (va_numbers_spell(language->numbers, value, other, sizeof other) < 0)
        return VA_NODE_INDEX_EMPTY;
    if (va_text_normalize(other, &text, NULL) < 0)
        return VA_ENOMEM;
    int64_t node = add_words(&commands->grammar, &text);
    va_text_free(&text);
    return node;
}
