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

size_t va_utf8_put(uint32_t code, char ret_bytes[4])
{
    if (code < 0x80) {
        ret_bytes[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        ret_bytes[0] = (char)(0xC0 | code >> 6);
        ret_bytes[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        ret_bytes[0] = (char)(0xE0 | code >> 12);
        ret_bytes[1] = (char)(0x80 | (code >> 6 & 0x3F));
        ret_bytes[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    ret_bytes[0] = (char)(0xF0 | code >> 18);
    ret_bytes[1] = (char)(0x80 | (code >> 12 & 0x3F));
    ret_bytes[2] = (char)(0x80 | (code >> 6 & 0x3F));
    ret_bytes[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* Capitals of the scripts that have them, in order: first..last map to +add, or every second one to +1. */
static const struct {
    uint16_t first, last;
    int16_t add; /* 0: pairs, capital at even distance from first */
} capitals[] = {
    {'A', 'Z', 32},          {0xC0, 0xD6, 32},     {0xD8, 0xDE, 32},     {0x100, 0x12F, 0},   {0x132, 0x137, 0},  {0x139, 0x148, 0},
    {0x14A, 0x177, 0},       {0x178, 0x178, -121}, {0x179, 0x17E, 0},    {0x18F, 0x18F, 202}, {0x1A0, 0x1A5, 0},  {0x1AF, 0x1B0, 0},
    {0x1CD, 0x1DC, 0},       {0x1DE, 0x1EF, 0},    {0x1F8, 0x21F, 0},    {0x222, 0x233, 0},   {0x386, 0x386, 38}, {0x388, 0x38A, 37},
    {0x38C, 0x38C, 64},      {0x38E, 0x38F, 63},   {0x391, 0x3A1, 32},   {0x3A3, 0x3AB, 32},  {0x400, 0x40F, 80}, {0x410, 0x42F, 32},
    {0x460, 0x481, 0},       {0x48A, 0x4BF, 0},    {0x4C1, 0x4CE, 0},    {0x4D0, 0x52F, 0},   {0x531, 0x556, 48}, {0x1E00, 0x1E95, 0},
    {0x1E9E, 0x1E9E, -7615}, {0x1EA0, 0x1EFF, 0},  {0xFF21, 0xFF3A, 32},
};

uint32_t va_utf8_lower(uint32_t code)
{
    size_t low = 0, n = sizeof capitals / sizeof capitals[0], high = n;

    if (code < 0x80) /* most of most texts needs no search */
        return code >= 'A' && code <= 'Z' ? code + 32 : code;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code > capitals[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == n || code < capitals[low].first)
        return code;
    if (capitals[low].add != 0)
        return code + (uint32_t)capitals[low].add;
    return code + ((code - capitals[low].first) % 2 == 0);
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

int va_utf8_is_line(const char *text, size_t n)
{
    uint32_t code;
    for (size_t i = 0; i < n;) {
        int length = va_utf8_next(text + i, n - i, &code);
        if (length == 0 || code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029)
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
