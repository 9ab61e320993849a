#include "token/unicode.h"

#include <stddef.h>

#include "token/unicode_table.inc"

static int is_in(const struct range *ranges, size_t n, uint32_t code)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && code >= ranges[low].first;
}

static int is_space(uint32_t code)
{
    return (code >= 9 && code <= 13) || code == ' ' || code == 0x85 || code == 0xa0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

enum va_char_class va_unicode_class(uint32_t code)
{
    if ((code | 0x20) >= 'a' && (code | 0x20) <= 'z') /* most of most texts needs no search */
        return VA_CHAR_LETTER;
    if (is_space(code))
        return VA_CHAR_SPACE;
    if (is_in(letters, sizeof letters / sizeof letters[0], code))
        return VA_CHAR_LETTER;
    if (is_in(digits, sizeof digits / sizeof digits[0], code))
        return VA_CHAR_DIGIT;
    return VA_CHAR_OTHER;
}
