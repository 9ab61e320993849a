/* Reads numbers by the rules that write them: a rule whose words stand in the text gives the value its parts add up to. */
#include <string.h>

#include "intent/number_rules.h"

/* A rule being matched. */
struct rule_match {
    struct va_number_rule rule;
    int64_t next;                      /* base of the next rule */
    int64_t from, to;                  /* values that are wanted */
    int has_rest;                      /* what is in brackets is there */
    int64_t quotient, remainder, same; /* -1: not read */
};

size_t va_number_literal(struct va_number_reader *reader, const uint8_t *literal, size_t n, size_t pos)
{
    const struct va_text *text = reader->text;
    int may_skip = 1; /* a space */

    for (size_t i = 0; i < n; i++) {
        uint8_t c = literal[i];
        if (c == ' ' || c == '-' || c == VA_NUMBER_MAYBE_SPACE) {
            may_skip = 1;
            continue;
        }
        if (c == '\'')
            continue;
        if (may_skip && pos > 0 && pos < text->n && text->bytes[pos] == ' ')
            pos++;
        may_skip = 0;
        if (pos >= text->n) {
            reader->at_end = 1;
            return VA_NUMBER_MISS;
        }
        if ((uint8_t)text->bytes[pos] != c)
            return VA_NUMBER_MISS;
        pos++;
    }
    return pos;
}

size_t va_number_digits(const struct va_text *text, size_t pos, int64_t *ret_value)
{
    int64_t value = 0;
    size_t at = pos;

    for (; at < text->n && text->bytes[at] >= '0' && text->bytes[at] <= '9'; at++) {
        value = value * 10 + (text->bytes[at] - '0');
        if (value >= VA_NUMBER_LIMIT)
            return VA_NUMBER_MISS;
    }
    *ret_value = value;
    return at > pos ? at : VA_NUMBER_MISS;
}

static void add(struct va_number_founds *founds, size_t end, int64_t value)
{
    for (size_t i = 0; i < founds->n; i++)
        if (founds->items[i].end == end && founds->items[i].value == value)
            return;
    if (founds->n < VA_NUMBER_FOUND_MAX)
        founds->items[founds->n++] = (struct va_number_found){.end = end, .value = value};
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The whole rule stands in the text: its value, when it is one of the rule's and wanted. */
static void add_match(const struct rule_match *match, size_t end, struct va_number_founds *founds)
{
    int64_t base = match->rule.base, divisor = match->rule.divisor;
    int64_t value = max64(base, match->from); /* words alone stand for any value of the rule */

    if (match->same >= 0)
        value = match->same;
    else if (match->quotient >= 0)
        value = match->quotient * divisor + (match->remainder > 0 ? match->remainder : 0);
    else if (match->remainder >= 0)
        value = base - base % divisor + match->remainder;
    if (value >= base && value < match->next && value >= match->from && value <= match->to)
        add(founds, end, value);
}

static void match_body(struct va_number_reader *reader, struct rule_match *match, size_t at, size_t pos, struct va_number_founds *founds);

/* A part of the value by the rules of a set; what follows is matched behind each reading of it. */
static void match_part(struct va_number_reader *reader, struct rule_match *match, size_t at, size_t pos, struct va_number_founds *founds)
{
    uint8_t operation = match->rule.body[at], set = match->rule.body[at + 1] - 32;
    int64_t divisor = match->rule.divisor, from = max64(match->from, match->rule.base), to = min64(match->to, match->next - 1);
    int64_t *part = operation == VA_NUMBER_QUOTIENT    ? &match->quotient
                    : operation == VA_NUMBER_REMAINDER ? &match->remainder
                                                       : &match->same;
    struct va_number_founds parts = {.n = 0};
    int64_t before = *part;

    if (operation == VA_NUMBER_QUOTIENT) {
        from /= divisor;
        to /= divisor;
    } else if (operation == VA_NUMBER_REMAINDER) {
        from = match->has_rest;
        to = divisor - 1;
    }
    if (before >= 0)
        from = to = before;
    va_number_read(reader, set, pos, from, to, &parts);
    for (size_t i = 0; i < parts.n; i++) {
        *part = parts.items[i].value;
        match_body(reader, match, at + 2, parts.items[i].end, founds);
    }
    *part = before;
}

size_t va_number_literal_end(const struct va_number_rule *rule, size_t at)
{
    while (at < rule->n && rule->body[at] >= VA_NUMBER_LITERAL)
        at++;
    return at;
}

/* Plural forms are all accepted. */
static void match_plural(struct va_number_reader *reader, struct rule_match *match, size_t at, size_t pos, struct va_number_founds *founds)
{
    size_t past = at;

    while (match->rule.body[past] != VA_NUMBER_END)
        past = va_number_literal_end(&match->rule, past + 2);
    while (match->rule.body[at] != VA_NUMBER_END) {
        size_t end = va_number_literal_end(&match->rule, at + 2);
        size_t behind = va_number_literal(reader, match->rule.body + at + 2, end - at - 2, pos);
        if (behind != VA_NUMBER_MISS)
            match_body(reader, match, past + 1, behind, founds);
        at = end;
    }
}

static void match_digits(struct va_number_reader *reader, struct rule_match *match, size_t at, size_t pos, struct va_number_founds *founds)
{
    int64_t value;
    size_t end = va_number_digits(reader->text, pos, &value);

    if (end == VA_NUMBER_MISS)
        return;
    match->same = value;
    match_body(reader, match, at + 1, end, founds);
    match->same = -1;
}

/* The body from at on stands at pos. */
static void match_body(struct va_number_reader *reader, struct rule_match *match, size_t at, size_t pos, struct va_number_founds *founds)
{
    const struct va_number_rule *rule = &match->rule;

    while (at < rule->n) {
        size_t end = va_number_literal_end(rule, at);
        if (end > at) {
            pos = va_number_literal(reader, rule->body + at, end - at, pos);
            if (pos == VA_NUMBER_MISS)
                return;
            at = end;
            continue;
        }
        switch (rule->body[at]) {
        case VA_NUMBER_OPEN:
            while (!match->has_rest && rule->body[at] != VA_NUMBER_CLOSE)
                at++;
            at++;
            continue;
        case VA_NUMBER_CLOSE:
            at++;
            continue;
        case VA_NUMBER_PLURAL:
            match_plural(reader, match, at, pos, founds);
            return;
        case VA_NUMBER_DIGITS:
            match_digits(reader, match, at, pos, founds);
            return;
        case VA_NUMBER_NOTHING:
            return;
        default:
            match_part(reader, match, at, pos, founds);
            return;
        }
    }
    add_match(match, pos, founds);
}

size_t va_number_scale(struct va_number_reader *reader, const struct va_number_rule *rule, size_t pos)
{
    size_t at = 2, end = va_number_literal_end(rule, at);

    if (end > at)
        pos = va_number_literal(reader, rule->body + at, end - at, pos);
    if (pos == VA_NUMBER_MISS || end >= rule->n || rule->body[end] != VA_NUMBER_PLURAL)
        return end > at ? pos : VA_NUMBER_MISS;
    for (at = end; rule->body[at] != VA_NUMBER_END; at = end) {
        end = va_number_literal_end(rule, at + 2);
        size_t behind = va_number_literal(reader, rule->body + at + 2, end - at - 2, pos);
        if (behind != VA_NUMBER_MISS)
            return behind;
    }
    return VA_NUMBER_MISS;
}

/* 0 when the first letter already tells that the rule is not at pos. */
static int may_match(const struct va_number_reader *reader, const struct va_number_rule *rule, size_t pos)
{
    const struct va_text *text = reader->text;

    if (rule->n == 0 || rule->body[0] <= VA_NUMBER_MAYBE_SPACE || strchr(" -'", rule->body[0]) != NULL || pos >= text->n)
        return 1;
    return (uint8_t)text->bytes[pos + (text->bytes[pos] == ' ')] == rule->body[0];
}

static void read_set(struct va_number_reader *reader, uint32_t set, size_t pos, int64_t from, int64_t to, struct va_number_founds *founds)
{
    enum va_number_set kind;
    const uint8_t *at = va_number_set_rules(reader->words, set, &kind);
    struct rule_match match = {.from = from, .to = to, .quotient = -1, .remainder = -1, .same = -1};

    if (reader->depth >= VA_NUMBER_DEPTH)
        return;
    reader->depth++;
    while (va_number_rule_next(&at, &match.rule) && match.rule.base <= to && reader->steps-- > 0) {
        if (!may_match(reader, &match.rule, pos))
            continue;
        match.next = va_number_rule_end(at, match.rule.base);
        if (match.next <= from)
            continue;
        match.has_rest = 0;
        match_body(reader, &match, 0, pos, founds);
        if (memchr(match.rule.body, VA_NUMBER_OPEN, match.rule.n) == NULL)
            continue;
        match.has_rest = 1;
        match_body(reader, &match, 0, pos, founds);
    }
    reader->depth--;
}

void va_number_read(struct va_number_reader *reader, uint32_t set, size_t pos, int64_t from, int64_t to, struct va_number_founds *founds)
{
    struct va_number_memo *memo = &reader->memos[(set * 7 + pos * 31 + (uint64_t)to % 61 + (uint64_t)from) % VA_NUMBER_MEMOS];
    struct va_number_founds here = {.n = 0};

    if (memo->is_set && memo->set == set && memo->pos == pos && memo->from == from && memo->to == to) {
        for (size_t i = 0; i < memo->n; i++)
            add(founds, memo->items[i].end, memo->items[i].value);
        return;
    }
    read_set(reader, set, pos, from, to, &here);
    for (size_t i = 0; i < here.n; i++)
        add(founds, here.items[i].end, here.items[i].value);
    if (here.n > sizeof memo->items / sizeof memo->items[0])
        return;
    *memo = (struct va_number_memo){.pos = pos, .from = from, .to = to, .n = (uint8_t)here.n, .set = (uint8_t)set, .is_set = 1};
    memcpy(memo->items, here.items, here.n * sizeof here.items[0]);
}
