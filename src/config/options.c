#include "config/options.h"

#include <string.h>

enum { R = VA_OPTION_RELOAD, S = VA_OPTION_SECRET, L = VA_OPTION_LOCKED };

#define ROW(section_, key_, type_, flags_, doc_)                                                       \
    .section = #section_, .key = #key_, .name = #section_ "." #key_, .type = type_, .flags = (flags_), \
    .offset = offsetof(va_config, section_##_##key_), .doc = doc_

const struct va_option va_options[VA_N_OPTIONS] = {
#define VA_OPTION_STRING(section, key, value, flags, doc) {ROW(section, key, VA_OPTION_TYPE_STRING, flags, doc), .string = value},
#define VA_OPTION_CHOICE(section, key, value, choices_, flags, doc) \
    {ROW(section, key, VA_OPTION_TYPE_CHOICE, flags, doc), .string = value, .choices = choices_},
#define VA_OPTION_INT(section, key, value, min_, max_, flags, doc) \
    {ROW(section, key, VA_OPTION_TYPE_INT, flags, doc), .integer = value, .min = min_, .max = max_},
#define VA_OPTION_NUMBER(section, key, value, min_, max_, flags, doc) \
    {ROW(section, key, VA_OPTION_TYPE_NUMBER, flags, doc), .number = value, .min = min_, .max = max_},
#define VA_OPTION_BOOL(section, key, value, flags, doc) {ROW(section, key, VA_OPTION_TYPE_BOOL, flags, doc), .integer = value},
#include "config/options.def"
};

const struct va_section va_sections[VA_N_SECTIONS] = {
#define VA_SECTION(section, doc) {#section, doc},
#include "config/options.def"
};

static int equals(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

const struct va_option *va_option_find(const char *section, size_t section_length, const char *key, size_t key_length)
{
    for (size_t i = 0; i < VA_N_OPTIONS; i++)
        if (equals(va_options[i].section, section, section_length) && equals(va_options[i].key, key, key_length))
            return &va_options[i];
    return NULL;
}

const struct va_section *va_section_find(const char *name)
{
    for (size_t i = 0; i < VA_N_SECTIONS; i++)
        if (strcmp(va_sections[i].name, name) == 0)
            return &va_sections[i];
    return NULL;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* How many characters must be added, removed, replaced or swapped with their neighbour. Both at most VA_OPTION_NAME_BYTES long. */
static int edit_distance(const char *a, const char *b)
{
    int rows[3][VA_OPTION_NAME_BYTES + 1];
    int n = (int)strlen(a), m = (int)strlen(b);
    int *before = rows[0], *last = rows[1], *now = rows[2];

    for (int j = 0; j <= m; j++)
        last[j] = j;
    for (int i = 1; i <= n; i++) {
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            now[j] = smaller(last[j - 1] + (a[i - 1] != b[j - 1]), smaller(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
        int *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[m];
}

/* A third of the name may be wrong. */
static int is_near(const char *name, const char *candidate, int *best)
{
    int distance = edit_distance(name, candidate);
    if (distance >= *best || distance > 1 + (int)strlen(name) / 3)
        return 0;
    *best = distance;
    return 1;
}

const char *va_option_nearest(const char *name)
{
    const char *key = strrchr(name, '.'), *nearest = NULL;
    int best = VA_OPTION_NAME_BYTES;

    if (strlen(name) > VA_OPTION_NAME_BYTES)
        return NULL;
    for (size_t i = 0; i < VA_N_OPTIONS; i++)
        if (is_near(name, va_options[i].name, &best))
            nearest = va_options[i].name;
    if (best <= 2 || key == NULL)
        return nearest;
    for (size_t i = 0; i < VA_N_OPTIONS; i++) /* the right key in the wrong section */
        if (strcmp(key + 1, va_options[i].key) == 0)
            return va_options[i].name;
    return nearest;
}

const char *va_section_nearest(const char *name)
{
    const char *nearest = NULL;
    int best = VA_OPTION_NAME_BYTES;

    if (strlen(name) > VA_OPTION_NAME_BYTES)
        return NULL;
    for (size_t i = 0; i < VA_N_SECTIONS; i++)
        if (is_near(name, va_sections[i].name, &best))
            nearest = va_sections[i].name;
    return nearest;
}

const char **va_option_string(const struct va_option *option, va_config *config)
{
    return (const char **)(void *)((char *)config + option->offset);
}

int64_t *va_option_integer(const struct va_option *option, va_config *config)
{
    return (int64_t *)(void *)((char *)config + option->offset);
}

double *va_option_number(const struct va_option *option, va_config *config)
{
    return (double *)(void *)((char *)config + option->offset);
}
