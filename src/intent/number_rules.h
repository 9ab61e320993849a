/* number_rules.h - the rules by which a language writes numbers, as scripts/make-number-words packs them. Any thread.
 *
 * A language has sets of rules. A set is a byte of its kind, rules in ascending order of their base, and a 0. A rule is its length; its
 * base without the zeros at its end, seven bits a byte; its divisor without zeros; both numbers of zeros, four bits each; and the body.
 * A rule is for the values from its base up to the next higher base of the set. The body is UTF-8 as va_text_normalize leaves it, but
 * with hyphens and apostrophes, and with the operations below; what follows an operation is 32 or more. In a set of words the base is
 * the value in thousandths. */
#ifndef VA_INTENT_NUMBER_RULES_H
#define VA_INTENT_NUMBER_RULES_H

#include "intent/numbers.h"

enum va_number_set {
    VA_NUMBER_CARDINAL = 1,
    VA_NUMBER_ORDINAL,
    VA_NUMBER_PRIVATE, /* used by other sets only */
    VA_NUMBER_MINUS,   /* words: before a number, */
    VA_NUMBER_POINT,   /* before its decimal places (1: they are written without spaces), */
    VA_NUMBER_AND,     /* before a fraction, */
    VA_NUMBER_ARTICLE, /* before a fraction that stands alone, */
    VA_NUMBER_FRACTION,
    VA_NUMBER_SUFFIX /* a fraction right behind a number */
};

enum va_number_operation {
    VA_NUMBER_QUOTIENT = 1, /* 32 + set: value / divisor by the rules of the set */
    VA_NUMBER_REMAINDER,    /* 32 + set */
    VA_NUMBER_SAME,         /* 32 + set: the value itself */
    VA_NUMBER_OPEN,         /* what follows up to CLOSE is left out when the remainder is 0 */
    VA_NUMBER_CLOSE,
    VA_NUMBER_PLURAL,  /* mask: literal for these plural categories (bits) of the quotient, + 64; + 128: as an ordinal */
    VA_NUMBER_OR,      /* mask: another */
    VA_NUMBER_END,     /* behind the last of them */
    VA_NUMBER_DIGITS,  /* the value in digits */
    VA_NUMBER_NOTHING, /* there are no words for the values of this rule */
    VA_NUMBER_LITERAL = 31
};

#define VA_NUMBER_MAYBE_SPACE 31 /* in a literal: parts of a word meet */
#define VA_NUMBER_LIMIT 1000000000000
#define VA_NUMBER_DEPTH 16 /* of sets within sets */

struct va_number_words {
    const char *language;
    const uint8_t *rules;
    const uint32_t *sets; /* [n_sets] where in rules; the first is how a plain number is spelled */
    uint32_t n_sets;
    char decimal, group;       /* in 1,234.5; a space when it is another character */
    const uint8_t *plurals[2]; /* [200] cardinal and ordinal: the category of 0..99, and of all others by their last two digits */
    const uint8_t *starts;     /* [32] bits: the bytes with which a number in words may start */
};

extern const struct va_number_words va_number_words[]; /* [va_number_words_n] by language */
extern const size_t va_number_words_n;

struct va_number_rule {
    int64_t base, divisor;
    const uint8_t *body; /* [n] */
    size_t n;
};

/* The rules of a set, one after another: *at starts as va_number_set_rules() and moves on. 0 behind the last. */
const uint8_t *va_number_set_rules(const struct va_number_words *words, uint32_t set, enum va_number_set *ret_kind);
int va_number_rule_next(const uint8_t **at, struct va_number_rule *ret_rule);

/* ICU's rule: one that writes a remainder, and does not start at a multiple of its divisor, leaves multiples to the rule before. */
int va_number_yields(const struct va_number_rule *rule);

/* The first value above base, of the rules from at on, that a rule of the given base cannot write. */
int64_t va_number_rule_end(const uint8_t *at, int64_t base);

struct va_number_found {
    size_t end;
    int64_t value;
};

#define VA_NUMBER_FOUND_MAX 32

struct va_number_founds {
    struct va_number_found items[VA_NUMBER_FOUND_MAX];
    size_t n;
};

/* What a set was found to say at a place: the sets of a language ask each other the same again and again. */
struct va_number_memo {
    size_t pos;
    int64_t from, to;
    struct va_number_found items[4];
    uint8_t n, set, is_set;
};

#define VA_NUMBER_MEMOS 128
#define VA_NUMBER_STEPS 20000

/* A reading of a text. */
struct va_number_reader {
    const struct va_number_words *words;
    const struct va_text *text;
    int steps;  /* still allowed: rules tried */
    int at_end; /* set when more text could have continued a number */
    int depth;
    struct va_number_memo memos[VA_NUMBER_MEMOS];
};

/* Adds the values from..to that the rules of the set write at pos. */
void va_number_read(struct va_number_reader *reader, uint32_t set, size_t pos, int64_t from, int64_t to, struct va_number_founds *founds);

/* Behind literal [n] at pos, or VA_NUMBER_MISS. Spaces and hyphens may be there or not. */
size_t va_number_literal(struct va_number_reader *reader, const uint8_t *literal, size_t n, size_t pos);

/* Where the literal that starts at `at` of the body ends. */
size_t va_number_literal_end(const struct va_number_rule *rule, size_t at);

/* Behind the words of a rule that follow its quotient and come before its remainder, in any plural; or VA_NUMBER_MISS. */
size_t va_number_scale(struct va_number_reader *reader, const struct va_number_rule *rule, size_t pos);

/* Digits without a point: behind them, or VA_NUMBER_MISS. */
size_t va_number_digits(const struct va_text *text, size_t pos, int64_t *ret_value);

#define VA_NUMBER_MISS SIZE_MAX

#endif
