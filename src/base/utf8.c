#include "base/utf8.h"

int va_utf8_next(const char *text, size_t n, uint32_t *ret_code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t code;
    int length;

    if (n == 0)
        return 0;
    if (bytes[0] < 0x80) {
        *ret_code = bytes[0];
        return 1;
    }
    if ((bytes[0] & 0xe0) == 0xc0) {
        length = 2;
        code = bytes[0] & 0x1fu;
    } else if ((bytes[0] & 0xf0) == 0xe0) {
        length = 3;
        code = bytes[0] & 0x0fu;
    } else if ((bytes[0] & 0xf8) == 0xf0) {
        length = 4;
        code = bytes[0] & 0x07u;
    } else {
        return 0;
    }
    if ((size_t)length > n)
        return 0;
    for (int i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (bytes[i] & 0x3fu);
    }
    if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return length;
}

int va_utf8_valid(const char *text, size_t n)
{
    uint32_t code;
    for (size_t i = 0; i < n;) {
        int length = va_utf8_next(text + i, n - i, &code);
        if (length == 0)
            return 0;
        i += (size_t)length;
    }
    return 1;
}

void va_utf8_mend(char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t code;
        int length = va_utf8_next(text + i, n - i, &code);
        if (length == 0 || code == 0)
            text[i] = '?';
        i += length > 0 ? (size_t)length : 1;
    }
}
