/* The pieces, tried in this order:
 *   's 't 'd 're 've 'm 'll   (lower case only)
 *   an optional space and letters, or digits, or other symbols that are not white space
 *   white space: a run that ends the text whole; else a run without its last character, which belongs to the next piece */
#include "token/split.h"

#include <string.h>

#include "base/utf8.h"
#include "token/unicode.h"

static size_t contraction(const uint8_t *text, size_t n)
{
    static const char endings[][3] = {"s", "t", "re", "ve", "m", "ll", "d"};

    if (text[0] != '\'')
        return 0;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t length = strlen(endings[i]);
        if (n > length && memcmp(text + 1, endings[i], length) == 0)
            return length + 1;
    }
    return 0;
}

/* The class of the character at text [n], n > 0. A broken byte is a symbol by itself. */
static enum va_char_class class_at(const uint8_t *text, size_t n, size_t *ret_length)
{
    uint32_t code;
    int length = va_utf8_next((const char *)text, n, &code);

    *ret_length = length > 0 ? (size_t)length : 1;
    return length > 0 ? va_unicode_class(code) : VA_CHAR_OTHER;
}

/* How far characters of one class go on from `at`; ret_last: where the last of them begins. */
static size_t run_end(const uint8_t *text, size_t n, size_t at, enum va_char_class class, size_t *ret_last)
{
    size_t length;

    while (at < n && class_at(text + at, n - at, &length) == class) {
        *ret_last = at;
        at += length;
    }
    return at;
}

size_t va_split_next(const uint8_t *text, size_t n)
{
    size_t length, last = 0, at = contraction(text, n);

    if (at > 0)
        return at;
    if (text[0] == ' ' && n > 1)
        at = 1;
    enum va_char_class class = class_at(text + at, n - at, &length);
    if (class != VA_CHAR_SPACE)
        return run_end(text, n, at, class, &last);
    size_t end = run_end(text, n, 0, VA_CHAR_SPACE, &last);
    return end == n || last == 0 ? end : last;
}
