#include "intent/number_rules.h"

#include <string.h>

static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000};

const uint8_t *va_number_set_rules(const struct va_number_words *words, uint32_t set, enum va_number_set *ret_kind)
{
    const uint8_t *at = words->rules + words->sets[set];

    *ret_kind = *at;
    return at + 1;
}

int va_number_rule_next(const uint8_t **at, struct va_number_rule *ret_rule)
{
    const uint8_t *p = *at, *end = p + *p;
    int64_t base = 0;
    int shift = 0;

    if (*p++ == 0)
        return 0;
    do {
        base |= (int64_t)(*p & 127) << shift;
        shift += 7;
    } while (*p++ & 128);
    ret_rule->base = base * powers[p[1] >> 4];
    ret_rule->divisor = p[0] * powers[p[1] & 15];
    ret_rule->body = p + 2;
    ret_rule->n = (size_t)(end - p - 2);
    *at = end;
    return 1;
}

int va_number_yields(const struct va_number_rule *rule)
{
    return rule->base % rule->divisor != 0 && memchr(rule->body, VA_NUMBER_REMAINDER, rule->n) != NULL;
}

int64_t va_number_rule_end(const uint8_t *at, int64_t base)
{
    struct va_number_rule rule;

    while (va_number_rule_next(&at, &rule))
        if (rule.base > base && !va_number_yields(&rule))
            return rule.base;
    return VA_NUMBER_LIMIT;
}

/* Codes are compared without regard to case, and '_' is '-'. */
static char code_char(char c)
{
    if (c == '_')
        return '-';
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int is_code(const char *code, const char *language, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (code_char(code[i]) != code_char(language[i]))
            return 0;
    return code[n] == '\0';
}

const struct va_number_words *va_number_words_find(const char *language)
{
    for (size_t n = strlen(language); n > 0; n--) {
        if (language[n] != '\0' && code_char(language[n]) != '-')
            continue;
        for (size_t i = 0; i < va_number_words_n; i++)
            if (is_code(va_number_words[i].language, language, n))
                return &va_number_words[i];
    }
    return NULL;
}

char va_numbers_decimal(const struct va_number_words *words)
{
    return words != NULL && words->decimal == ',' ? ',' : '.';
}
