#include "intent/numbers.h"

#include <string.h>

/* Tables by language; a new language is a row. */
static const struct va_number_words *const tables[] = {&va_number_words_en};

const struct va_number_words *va_number_words_find(const char *language)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        size_t n = strlen(tables[i]->language);
        if (strncmp(language, tables[i]->language, n) == 0 && (language[n] == '\0' || language[n] == '-' || language[n] == '_'))
            return tables[i];
    }
    return NULL;
}

/* A number while its words are read. */
struct reading {
    double sign, total, below_scale, decimal_place;
    double last_scale;
    int started;              /* a word or digit with a value was seen */
    enum va_number_role last; /* valid when any */
    int any;
    int after_and; /* "and" was read behind a value */
    int done;      /* nothing may follow */
};

static double reading_value(const struct reading *reading)
{
    return reading->sign * (reading->total + reading->below_scale);
}

/* The parts a unit or a ten may follow: nothing, hundred, scale. */
static int at_start_or_multiple(const struct reading *reading)
{
    return !reading->started || reading->last == VA_NUMBER_HUNDRED || reading->last == VA_NUMBER_SCALE;
}

static int take_unit(struct reading *reading, double value)
{
    if (reading->decimal_place > 0) {
        if (value > 9)
            return 0;
        reading->total += value * reading->decimal_place;
        reading->decimal_place /= 10;
        return reading->decimal_place > 1e-10;
    }
    if (!at_start_or_multiple(reading) && !(reading->last == VA_NUMBER_TENS && value >= 1 && value <= 9))
        return 0;
    reading->below_scale += value;
    return 1;
}

static int take_scale(struct reading *reading, double value)
{
    if (reading->started && (reading->last == VA_NUMBER_SCALE || value >= reading->last_scale))
        return 0;
    reading->total += (reading->below_scale == 0 ? 1 : reading->below_scale) * value;
    reading->below_scale = 0;
    reading->last_scale = value;
    return 1;
}

static int take_fraction(struct reading *reading, const struct va_number_word *word, int after_and)
{
    if (word->role == VA_NUMBER_FRACTION && reading->started && !after_and)
        return 0;
    reading->total += word->value;
    reading->done = 1;
    return 1;
}

/* Adds a word with a value. 0 when it does not continue the number. */
static int take_value(struct reading *reading, const struct va_number_word *word, int after_and)
{
    if (word->role == VA_NUMBER_UNIT)
        return take_unit(reading, word->value);
    if (reading->decimal_place > 0)
        return 0;
    switch (word->role) {
    case VA_NUMBER_TENS:
        reading->below_scale += word->value;
        return at_start_or_multiple(reading);
    case VA_NUMBER_HUNDRED:
        if (after_and || (reading->started && (reading->last != VA_NUMBER_UNIT || reading->below_scale == 0)))
            return 0;
        reading->below_scale = (reading->started ? reading->below_scale : 1) * word->value;
        return 1;
    case VA_NUMBER_SCALE:
        return !after_and && take_scale(reading, word->value);
    default:
        return take_fraction(reading, word, after_and);
    }
}

/* Adds a word that only joins others. 0 when it cannot stand here. */
static int take_joint(struct reading *reading, enum va_number_role role, int after_and)
{
    if (role == VA_NUMBER_MINUS) {
        reading->sign = -1;
        return !reading->any;
    }
    if (role == VA_NUMBER_ARTICLE) {
        reading->after_and = after_and;
        return !reading->started || after_and;
    }
    if (!reading->started || after_and || reading->decimal_place > 0)
        return 0;
    if (role == VA_NUMBER_AND) {
        reading->after_and = 1;
    } else {
        reading->total += reading->below_scale;
        reading->below_scale = 0;
        reading->decimal_place = 0.1;
    }
    return 1;
}

/* Adds one word. Returns 0 when it does not continue the number; *ret_complete: a number may end here. */
static int take(struct reading *reading, const struct va_number_word *word, int *ret_complete)
{
    enum va_number_role role = word->role;
    int is_joint = role == VA_NUMBER_ARTICLE || role == VA_NUMBER_AND || role == VA_NUMBER_POINT || role == VA_NUMBER_MINUS;
    int pending_article = reading->any && reading->last == VA_NUMBER_ARTICLE, after_and = reading->after_and;

    if (reading->done || (pending_article && role != VA_NUMBER_HUNDRED && role != VA_NUMBER_SCALE && role != VA_NUMBER_FRACTION))
        return 0;
    reading->after_and = 0;
    if (!(is_joint ? take_joint(reading, role, after_and) : take_value(reading, word, after_and)))
        return 0;
    *ret_complete = !is_joint;
    if (role == VA_NUMBER_AND)
        return 1; /* what may follow is still told by the word before */
    reading->any = 1;
    reading->last = role;
    if (!is_joint)
        reading->started = 1;
    return 1;
}

static const struct va_number_word *find_word(const struct va_number_words *words, const char *bytes, size_t n)
{
    for (size_t i = 0; i < words->n; i++)
        if (strlen(words->words[i].word) == n && memcmp(words->words[i].word, bytes, n) == 0)
            return &words->words[i];
    return NULL;
}

/* Digits at pos: 22, 22.5, 1,234.5. Returns the end, pos when there are none or too many. */
static size_t read_digits(const struct va_number_words *words, const struct va_text *text, size_t pos, double *ret_value)
{
    char decimal = words != NULL ? words->decimal : '.', group = words != NULL ? words->group : ',';
    double value = 0, place = 0;
    size_t at = pos, digits = 0;

    for (; at < text->n && text->kinds[at] == VA_CHAR_DIGIT; at++) {
        char c = text->bytes[at];
        if (c == group && place == 0)
            continue;
        if (c == decimal && place == 0) {
            place = 1;
            continue;
        }
        if (c < '0' || c > '9' || ++digits > 15)
            return pos;
        value = value * 10 + (c - '0');
        place *= 10;
    }
    if (digits > 0)
        *ret_value = place > 0 ? value / place : value;
    return digits > 0 ? at : pos;
}

size_t va_numbers_parse(const struct va_number_words *words, const struct va_text *text, size_t pos,
                        struct va_number ret_numbers[VA_NUMBERS_MAX])
{
    struct reading reading = {.sign = 1, .last_scale = 1e300};
    size_t n = 0;
    double value;

    if (pos < text->n && text->bytes[pos] == '-') {
        reading.sign = -1;
        reading.any = 1;
        reading.last = VA_NUMBER_MINUS;
        pos++;
    }
    while (pos < text->n && n < VA_NUMBERS_MAX) {
        int complete = 1;
        size_t start = n > 0 || reading.any ? pos + (text->bytes[pos] == ' ') : pos, end = start;
        if (start >= text->n || !va_text_is_boundary(text, start))
            break;
        if (text->kinds[start] == VA_CHAR_DIGIT) {
            if (reading.started || (reading.any && reading.last != VA_NUMBER_MINUS) ||
                (end = read_digits(words, text, start, &value)) == start)
                break;
            reading.below_scale = value;
            reading.started = reading.any = 1;
            reading.last = VA_NUMBER_UNIT;
        } else {
            while (end < text->n && text->kinds[end] == VA_CHAR_LETTER)
                end++;
            const struct va_number_word *word = words == NULL ? NULL : find_word(words, text->bytes + start, end - start);
            if (word == NULL || !take(&reading, word, &complete))
                break;
        }
        pos = end;
        if (complete)
            ret_numbers[n++] = (struct va_number){.end = end, .value = reading_value(&reading)};
    }
    return n;
}
