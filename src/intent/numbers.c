#include "intent/numbers.h"

#include <string.h>

#include "intent/number_rules.h"

/* The numbers found at one place, shorter ones first. */
struct numbers {
    struct va_number_reader reader;
    struct va_number *items; /* [VA_NUMBERS_MAX] or NULL */
    size_t n;
    double sign;
};

/* Memos are only marked as empty: clearing them took a fifth of the time of a reading. */
static void begin(struct numbers *numbers, const struct va_number_words *words, const struct va_text *text, struct va_number *items)
{
    struct va_number_reader *reader = &numbers->reader;

    reader->words = words;
    reader->text = text;
    reader->steps = VA_NUMBER_STEPS;
    reader->at_end = reader->depth = 0;
    for (size_t i = 0; i < VA_NUMBER_MEMOS; i++)
        reader->memos[i].is_set = 0;
    numbers->items = items;
    numbers->n = 0;
    numbers->sign = 1;
}

/* A text that ends here is a number, unless a word goes on. */
static void add(struct numbers *numbers, size_t end, double value)
{
    size_t at;

    value *= numbers->sign;
    if (numbers->items == NULL || !va_text_is_boundary(numbers->reader.text, end))
        return;
    for (size_t i = 0; i < numbers->n; i++)
        if (numbers->items[i].end == end && numbers->items[i].value == value)
            return;
    if (numbers->n == VA_NUMBERS_MAX) /* a long number begins with many others: the shortest is the least likely */
        memmove(numbers->items, numbers->items + 1, --numbers->n * sizeof *numbers->items);
    at = numbers->n;
    while (at > 0 && numbers->items[at - 1].end > end)
        at--;
    memmove(numbers->items + at + 1, numbers->items + at, (numbers->n - at) * sizeof *numbers->items);
    numbers->items[at] = (struct va_number){.end = end, .value = value};
    numbers->n++;
}

static void read_kind(struct va_number_reader *reader, enum va_number_set wanted, size_t pos, int64_t to, struct va_number_founds *founds)
{
    enum va_number_set kind;

    for (uint32_t i = 0; reader->words != NULL && i < reader->words->n_sets; i++) {
        va_number_set_rules(reader->words, i, &kind);
        if (kind == wanted)
            va_number_read(reader, i, pos, 0, to, founds);
    }
}

/* The words of a kind that stand at pos: their ends, and their values in thousandths. */
static void read_words(struct va_number_reader *reader, enum va_number_set wanted, size_t pos, struct va_number_founds *founds)
{
    enum va_number_set kind;
    struct va_number_rule rule;

    for (uint32_t i = 0; reader->words != NULL && i < reader->words->n_sets; i++) {
        const uint8_t *at = va_number_set_rules(reader->words, i, &kind);
        while (kind == wanted && founds->n < VA_NUMBER_FOUND_MAX && va_number_rule_next(&at, &rule)) {
            size_t end = va_number_literal(reader, rule.body, rule.n, pos);
            if (end != VA_NUMBER_MISS)
                founds->items[founds->n++] = (struct va_number_found){.end = end, .value = rule.base};
        }
    }
}

/* Fractions that are one character belong to no language. */
static const struct {
    const char *bytes;
    double value;
} vulgar[] = {{"\xC2\xBC", 0.25}, {"\xC2\xBD", 0.5}, {"\xC2\xBE", 0.75}};

static void read_vulgar(struct numbers *numbers, size_t pos, double value)
{
    const struct va_text *text = numbers->reader.text;

    pos += pos > 0 && pos < text->n && text->bytes[pos] == ' ';
    for (size_t i = 0; i < sizeof vulgar / sizeof vulgar[0]; i++)
        if (pos + 2 <= text->n && memcmp(text->bytes + pos, vulgar[i].bytes, 2) == 0)
            add(numbers, pos + 2, value + vulgar[i].value);
}

/* Fractions at pos, with an article or without. */
static void read_fractions(struct numbers *numbers, size_t pos, double value)
{
    struct va_number_founds starts = {.n = 0};

    read_words(&numbers->reader, VA_NUMBER_ARTICLE, pos, &starts);
    if (starts.n < VA_NUMBER_FOUND_MAX)
        starts.items[starts.n++].end = pos;
    for (size_t i = 0; i < starts.n; i++) {
        struct va_number_founds founds = {.n = 0};
        read_words(&numbers->reader, VA_NUMBER_FRACTION, starts.items[i].end, &founds);
        for (size_t j = 0; j < founds.n; j++)
            add(numbers, founds.items[j].end, value + (double)founds.items[j].value / 1000);
    }
}

#define MAX_DECIMALS 9

/* Digits in words, one after another. */
static void read_decimals(struct numbers *numbers, size_t pos, double value)
{
    double place = 1;

    for (int i = 0; i < MAX_DECIMALS; i++) {
        struct va_number_founds founds = {.n = 0};
        struct va_number_found longest = {0};
        read_kind(&numbers->reader, VA_NUMBER_CARDINAL, pos, 9, &founds);
        for (size_t j = 0; j < founds.n; j++)
            if (founds.items[j].end > longest.end)
                longest = founds.items[j];
        if (longest.end <= pos)
            return;
        pos = longest.end;
        place /= 10;
        value += (double)longest.value * place;
        add(numbers, pos, value);
    }
}

/* A whole number ends here, and what may follow it. */
static void add_whole(struct numbers *numbers, size_t end, double value)
{
    struct va_number_founds suffixes = {.n = 0}, ands = {.n = 0}, points = {.n = 0};

    add(numbers, end, value);
    read_vulgar(numbers, end, value);
    read_words(&numbers->reader, VA_NUMBER_SUFFIX, end, &suffixes);
    for (size_t i = 0; i < suffixes.n; i++)
        add(numbers, suffixes.items[i].end, value + (double)suffixes.items[i].value / 1000);
    read_words(&numbers->reader, VA_NUMBER_AND, end, &ands);
    for (size_t i = 0; i < ands.n; i++)
        read_fractions(numbers, ands.items[i].end, value);
    read_words(&numbers->reader, VA_NUMBER_POINT, end, &points);
    for (size_t i = 0; i < points.n; i++)
        read_decimals(numbers, points.items[i].end, value);
}

/* Three digits behind a group mark; 0 when it is none. */
static int is_group(const struct va_text *text, size_t at)
{
    size_t n = 0;

    while (at + 1 + n < text->n && text->bytes[at + 1 + n] >= '0' && text->bytes[at + 1 + n] <= '9')
        n++;
    return n == 3;
}

/* Digits at pos: 22, 22.5, 1,234.5. Returns the end, pos when there are none or too many. */
static size_t read_digits(const struct va_number_words *words, const struct va_text *text, size_t pos, double *ret_value, int *ret_whole)
{
    char decimal = words != NULL ? words->decimal : '.', group = words != NULL ? words->group : ',';
    double value = 0, place = 0;
    size_t at = pos, digits = 0;

    for (; at < text->n && text->kinds[at] == VA_CHAR_DIGIT; at++) {
        char c = text->bytes[at];
        if (c == group && place == 0 && is_group(text, at))
            continue;
        if ((c == decimal || c == '.' || c == ',') && place == 0) {
            place = 1;
            continue;
        }
        if (c < '0' || c > '9' || ++digits > 15)
            return pos;
        value = value * 10 + (c - '0');
        place *= 10;
    }
    if (digits == 0)
        return pos;
    *ret_value = place > 0 ? value / place : value;
    *ret_whole = place == 0;
    return at;
}

/* "5 million": the word of a rule for multiples of its divisor. */
static void read_scales(struct numbers *numbers, size_t pos, double value)
{
    const struct va_number_words *words = numbers->reader.words;
    enum va_number_set kind;
    struct va_number_rule rule;

    for (uint32_t i = 0; words != NULL && i < words->n_sets; i++) {
        const uint8_t *at = va_number_set_rules(words, i, &kind);
        while (kind == VA_NUMBER_CARDINAL && va_number_rule_next(&at, &rule)) {
            if (rule.divisor < 100 || rule.n < 3 || rule.body[0] != VA_NUMBER_QUOTIENT)
                continue;
            size_t end = va_number_scale(&numbers->reader, &rule, pos);
            if (end != VA_NUMBER_MISS)
                add(numbers, end, value * (double)rule.divisor);
        }
    }
}

static void read_number(struct numbers *numbers, size_t pos)
{
    const struct va_text *text = numbers->reader.text;
    double value;
    int is_whole;

    if (pos < text->n && text->kinds[pos] == VA_CHAR_DIGIT) {
        size_t end = read_digits(numbers->reader.words, text, pos, &value, &is_whole);
        if (end == pos)
            return;
        numbers->reader.at_end |= end == text->n;
        if (is_whole)
            add_whole(numbers, end, value);
        else
            add(numbers, end, value);
        read_scales(numbers, end, value);
        return;
    }
    struct va_number_founds founds = {.n = 0};
    read_kind(&numbers->reader, VA_NUMBER_CARDINAL, pos, VA_NUMBER_LIMIT - 1, &founds);
    for (size_t i = 0; i < founds.n; i++)
        if (founds.items[i].end > pos) /* a rule may write nothing */
            add_whole(numbers, founds.items[i].end, (double)founds.items[i].value);
    read_fractions(numbers, pos, 0);
    read_vulgar(numbers, pos, 0);
}

/* Whether the words that a rule starts with stand at pos, or more text could make them. Parts of the value before them may write nothing.
 */
static int rule_starts(struct va_number_reader *reader, const struct va_number_rule *rule, size_t pos)
{
    for (size_t at = 0; at < rule->n; at++) {
        uint8_t c = rule->body[at];
        if (c >= VA_NUMBER_QUOTIENT && c <= VA_NUMBER_SAME) {
            at++; /* its set */
        } else if (c < VA_NUMBER_LITERAL) {
            return c != VA_NUMBER_DIGITS && c != VA_NUMBER_NOTHING;
        } else if (c != VA_NUMBER_MAYBE_SPACE && c != ' ' && c != '-' && c != '\'') {
            if ((uint8_t)reader->text->bytes[pos] != c)
                return 0;
            size_t n = va_number_literal_end(rule, at) - at;
            return va_number_literal(reader, rule->body + at, n, pos) != VA_NUMBER_MISS || reader->at_end;
        }
    }
    return 0; /* other rules write all of it */
}

/* 0 when no rule starts with words that stand at pos: a look at each rule, where reading goes through rules in rules. */
static int may_be_words(const struct va_number_words *words, const struct va_text *text, size_t pos)
{
    struct va_number_reader reader;
    struct va_number_rule rule;
    enum va_number_set kind;

    reader.text = text;
    reader.at_end = 0;
    for (uint32_t i = 0; i < words->n_sets; i++) {
        const uint8_t *at = va_number_set_rules(words, i, &kind);
        while (kind != VA_NUMBER_POINT && kind != VA_NUMBER_AND && kind != VA_NUMBER_SUFFIX && va_number_rule_next(&at, &rule))
            if (rule_starts(&reader, &rule, pos))
                return 1;
    }
    return 0;
}

/* 0 when the first characters already tell that no number starts at pos. */
static int may_start(const struct va_number_words *words, const struct va_text *text, size_t pos)
{
    uint8_t first = pos < text->n ? (uint8_t)text->bytes[pos] : 0;

    if (pos >= text->n)
        return 1;
    if (first == ' ' || !va_text_is_boundary(text, pos))
        return 0;
    return text->kinds[pos] == VA_CHAR_DIGIT || first == '-' || first == (uint8_t)vulgar[0].bytes[0] ||
           (words != NULL && words->starts[first / 8] >> first % 8 & 1 && may_be_words(words, text, pos));
}

static void read_signed(struct numbers *numbers, size_t pos)
{
    const struct va_text *text = numbers->reader.text;
    struct va_number_founds signs = {.n = 0};

    if (pos >= text->n) {
        numbers->reader.at_end = 1;
        return;
    }
    numbers->sign = 1;
    read_number(numbers, pos);
    numbers->sign = -1;
    if (text->bytes[pos] == '-')
        read_number(numbers, pos + 1);
    read_words(&numbers->reader, VA_NUMBER_MINUS, pos, &signs);
    for (size_t i = 0; i < signs.n; i++) {
        size_t end = signs.items[i].end;
        numbers->reader.at_end |= end >= text->n;
        read_number(numbers, end < text->n && text->bytes[end] == ' ' ? end + 1 : end);
    }
}

size_t va_numbers_parse(const struct va_number_words *words, const struct va_text *text, size_t pos,
                        struct va_number ret_numbers[VA_NUMBERS_MAX])
{
    struct numbers numbers;

    if (!may_start(words, text, pos))
        return 0;
    begin(&numbers, words, text, ret_numbers);
    read_signed(&numbers, pos);
    return numbers.n;
}

size_t va_numbers_parse_ordinals(const struct va_number_words *words, const struct va_text *text, size_t pos,
                                 struct va_number ret_numbers[VA_NUMBERS_MAX])
{
    struct va_number_founds founds = {.n = 0};
    struct numbers numbers;

    if (pos >= text->n || !may_start(words, text, pos))
        return 0;
    begin(&numbers, words, text, ret_numbers);
    read_kind(&numbers.reader, VA_NUMBER_ORDINAL, pos, VA_NUMBER_LIMIT - 1, &founds);
    for (size_t i = 0; i < founds.n; i++)
        if (founds.items[i].end > pos)
            add(&numbers, founds.items[i].end, (double)founds.items[i].value);
    return numbers.n;
}

int va_numbers_prefix(const struct va_number_words *words, const struct va_text *text, size_t pos)
{
    struct numbers numbers;

    if (!may_start(words, text, pos))
        return 0;
    begin(&numbers, words, text, NULL);
    read_signed(&numbers, pos);
    return numbers.reader.at_end;
}
