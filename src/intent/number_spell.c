/* Writes numbers by the rules. */
#include <math.h>
#include <string.h>

#include "intent/number_rules.h"

struct writer {
    const struct va_number_words *words;
    char *text; /* [size] */
    size_t size, n;
    int depth;
};

static int put(struct writer *writer, char c)
{
    if (writer->n == 0 && c == ' ')
        return 0;
    if (writer->n + 1 >= writer->size)
        return VA_ELIMIT;
    writer->text[writer->n++] = c;
    return 0;
}

/* Up to the first operation; *ret_end is there. */
static int put_literal(struct writer *writer, const uint8_t *literal, size_t n, size_t *ret_end)
{
    size_t i = 0;
    int r = 0;

    for (; i < n && literal[i] >= VA_NUMBER_LITERAL && r == 0; i++)
        if (literal[i] != VA_NUMBER_MAYBE_SPACE)
            r = put(writer, (char)literal[i]);
    *ret_end = i;
    return r;
}

static int spell(struct writer *writer, uint32_t set, int64_t value);

/* The literal for the plural category of n; *ret_end is behind all of them. */
static int put_plural(struct writer *writer, const struct va_number_rule *rule, size_t at, int64_t n, size_t *ret_end)
{
    int ordinal = rule->body[at + 1] >> 7;
    int category = 1 << writer->words->plurals[ordinal][n < 100 ? n : 100 + n % 100];
    size_t chosen = 0, end;
    int r = 0;

    while (rule->body[at] != VA_NUMBER_END) {
        if (chosen == 0 && rule->body[at + 1] & category)
            chosen = at + 2;
        at += 2;
        while (rule->body[at] >= VA_NUMBER_LITERAL)
            at++;
    }
    if (chosen > 0)
        r = put_literal(writer, rule->body + chosen, rule->n - chosen, &end);
    *ret_end = at + 1;
    return r;
}

/* The last rule up to the value, or the one before when it yields. */
static int find_rule(const struct va_number_words *words, uint32_t set, int64_t value, struct va_number_rule *ret_rule)
{
    enum va_number_set kind;
    const uint8_t *at = va_number_set_rules(words, set, &kind);
    struct va_number_rule rule, before = {0}, found = {0};

    while (va_number_rule_next(&at, &rule) && rule.base <= value) {
        before = found;
        found = rule;
    }
    if (before.body != NULL && value % found.divisor == 0 && va_number_yields(&found))
        found = before;
    *ret_rule = found;
    return found.body != NULL;
}

static int put_rule(struct writer *writer, const struct va_number_rule *rule, int64_t value)
{
    int64_t quotient = value / rule->divisor, remainder = value % rule->divisor;
    int r = 0;

    for (size_t at = 0; at < rule->n && r == 0;) {
        size_t end;
        switch (rule->body[at]) {
        case VA_NUMBER_QUOTIENT:
        case VA_NUMBER_REMAINDER:
        case VA_NUMBER_SAME:
            r = spell(writer, rule->body[at + 1] - 32u,
                      rule->body[at] == VA_NUMBER_SAME       ? value
                      : rule->body[at] == VA_NUMBER_QUOTIENT ? quotient
                                                             : remainder);
            at += 2;
            break;
        case VA_NUMBER_OPEN:
            while (remainder == 0 && rule->body[at] != VA_NUMBER_CLOSE)
                at++;
            at++;
            break;
        case VA_NUMBER_CLOSE:
            at++;
            break;
        case VA_NUMBER_PLURAL:
            r = put_plural(writer, rule, at, quotient, &at);
            break;
        case VA_NUMBER_DIGITS:
        case VA_NUMBER_NOTHING:
            return VA_ENOTFOUND;
        default:
            r = put_literal(writer, rule->body + at, rule->n - at, &end);
            at += end;
        }
    }
    return r;
}

static int spell(struct writer *writer, uint32_t set, int64_t value)
{
    struct va_number_rule rule;

    if (writer->depth >= VA_NUMBER_DEPTH || !find_rule(writer->words, set, value, &rule))
        return VA_ENOTFOUND;
    writer->depth++;
    int r = put_rule(writer, &rule, value);
    writer->depth--;
    return r;
}

/* The first word of a kind. */
static int put_word(struct writer *writer, enum va_number_set wanted, int64_t *ret_value)
{
    struct va_number_rule rule;
    enum va_number_set kind;
    size_t end;

    for (uint32_t i = 0; i < writer->words->n_sets; i++) {
        const uint8_t *at = va_number_set_rules(writer->words, i, &kind);
        if (kind == wanted && va_number_rule_next(&at, &rule)) {
            *ret_value = rule.base;
            return put_literal(writer, rule.body, rule.n, &end);
        }
    }
    return VA_ENOTFOUND;
}

static int put_decimals(struct writer *writer, int64_t thousandths)
{
    int64_t joined;
    int r = put_word(writer, VA_NUMBER_POINT, &joined);

    for (int64_t place = 100; r == 0 && thousandths > 0; place /= 10) {
        r = spell(writer, 0, thousandths / place);
        thousandths %= place;
        if (r == 0 && thousandths > 0 && !joined)
            r = put(writer, ' ');
    }
    return r;
}

int va_numbers_spell(const struct va_number_words *words, double value, char *ret_text, size_t size)
{
    struct writer writer = {.words = words, .text = ret_text, .size = size};
    int64_t unused;
    int r = 0;

    if (words == NULL || !(fabs(value) < VA_NUMBER_LIMIT))
        return VA_ENOTFOUND;
    int64_t thousandths = (int64_t)llround(fabs(value) * 1000);
    if (value < 0 && thousandths > 0)
        r = put_word(&writer, VA_NUMBER_MINUS, &unused);
    if (r == 0)
        r = spell(&writer, 0, thousandths / 1000);
    if (r == 0 && thousandths % 1000 > 0)
        r = put_decimals(&writer, thousandths % 1000);
    if (r < 0)
        return r;
    if (size == 0)
        return VA_ELIMIT;
    ret_text[writer.n] = '\0';
    return (int)writer.n;
}
