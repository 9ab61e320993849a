/* The text of an option's value -> its field, with every check that one option can have. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/options.h"

void va_option_kind(const struct va_option *option, char ret_text[VA_OPTION_KIND_BYTES])
{
    size_t n = 0;

    switch (option->type) {
    case VA_OPTION_TYPE_STRING:
        snprintf(ret_text, VA_OPTION_KIND_BYTES, "a text");
        break;
    case VA_OPTION_TYPE_BOOL:
        snprintf(ret_text, VA_OPTION_KIND_BYTES, "true or false");
        break;
    case VA_OPTION_TYPE_INT:
        snprintf(ret_text, VA_OPTION_KIND_BYTES, "a whole number from %.0f to %.0f", option->min, option->max);
        break;
    case VA_OPTION_TYPE_NUMBER:
        snprintf(ret_text, VA_OPTION_KIND_BYTES, "a number from %.15g to %.15g", option->min, option->max);
        break;
    case VA_OPTION_TYPE_CHOICE: /* "this|that|these" -> "this, that or these" */
        for (const char *choice = option->choices; *choice != '\0' && n < VA_OPTION_KIND_BYTES;) {
            size_t length = strcspn(choice, "|");
            const char *joint = choice == option->choices ? "" : choice[length] == '\0' ? " or " : ", ";
            int m = snprintf(ret_text + n, VA_OPTION_KIND_BYTES - n, "%s%.*s", joint, (int)length, choice);
            n += m > 0 ? (size_t)m : 0;
            choice += length + (choice[length] == '|');
        }
        break;
    }
}

static int fail_kind(const struct va_option *option, int code, const char *text, va_error *error)
{
    char kind[VA_OPTION_KIND_BYTES];

    va_option_kind(option, kind);
    if (option->flags & VA_OPTION_SECRET)
        return va_fail(error, code, "'%s' must be %s", option->name, kind);
    if (text[0] == '\0')
        return va_fail(error, code, "'%s' must be %s, but has no value", option->name, kind);
    return va_fail(error, code, "'%s' must be %s, not '%.40s'", option->name, kind, text);
}

static int parse_bool(const char *text, int64_t *ret_value)
{
    static const char *const words[][3] = {{"false", "no", "off"}, {"true", "yes", "on"}};
    for (int value = 0; value < 2; value++)
        for (int i = 0; i < 3; i++)
            if (strcasecmp(text, words[value][i]) == 0) {
                *ret_value = value;
                return 0;
            }
    return -1;
}

/* Decimal digits, without leading zeros, which YAML would take as octal. */
static int is_decimal(const char *text)
{
    text += *text == '-';
    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
        return 0;
    return text[strspn(text, "0123456789")] == '\0';
}

static int parse_int(const struct va_option *option, const char *text, int64_t *field, va_error *error)
{
    if (!is_decimal(text))
        return fail_kind(option, VA_EFORMAT, text, error);
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno != 0 || (double)value < option->min || (double)value > option->max)
        return fail_kind(option, VA_ELIMIT, text, error);
    *field = value;
    return 0;
}

static int parse_number(const struct va_option *option, const char *text, double *field, va_error *error)
{
    char *end;

    /* strtod alone would also take hexadecimal, infinity and nan */
    if (text[0] == '\0' || text[strspn(text, "0123456789.eE+-")] != '\0')
        return fail_kind(option, VA_EFORMAT, text, error);
    double value = strtod(text, &end);
    if (*end != '\0')
        return fail_kind(option, VA_EFORMAT, text, error);
    if (!isfinite(value) || value < option->min || value > option->max)
        return fail_kind(option, VA_ELIMIT, text, error);
    *field = value;
    return 0;
}

static int check_string(const struct va_option *option, const char *text, va_error *error)
{
    size_t n = strlen(text);

    if (n >= VA_OPTION_STRING_BYTES)
        return va_fail(error, VA_ELIMIT, "'%s' is longer than %d bytes", option->name, VA_OPTION_STRING_BYTES - 1);
    if (!va_utf8_valid(text, n))
        return va_fail(error, VA_EFORMAT, "'%s' is not UTF-8 text", option->name);
    if (!va_utf8_is_line(text, n))
        return va_fail(error, VA_EFORMAT, "'%s' may not contain control characters or line breaks", option->name);
    return 0;
}

static int check_choice(const struct va_option *option, const char *text, va_error *error)
{
    size_t n = strlen(text);

    for (const char *choice = option->choices; *choice != '\0';) {
        size_t length = strcspn(choice, "|");
        if (length == n && memcmp(choice, text, n) == 0)
            return 0;
        choice += length + (choice[length] == '|');
    }
    return fail_kind(option, VA_EFORMAT, text, error);
}

int va_option_parse(const struct va_option *option, const char *text, int quoted, va_config *config, va_error *error)
{
    if (option->type == VA_OPTION_TYPE_STRING)
        return check_string(option, text, error);
    if (option->type == VA_OPTION_TYPE_CHOICE)
        return check_choice(option, text, error);
    if (quoted) {
        char kind[VA_OPTION_KIND_BYTES];
        va_option_kind(option, kind);
        return va_fail(error, VA_EFORMAT, "'%s' must be %s, written without quotes", option->name, kind);
    }
    if (option->type == VA_OPTION_TYPE_INT)
        return parse_int(option, text, va_option_integer(option, config), error);
    if (option->type == VA_OPTION_TYPE_NUMBER)
        return parse_number(option, text, va_option_number(option, config), error);
    return parse_bool(text, va_option_integer(option, config)) < 0 ? fail_kind(option, VA_EFORMAT, text, error) : 0;
}
