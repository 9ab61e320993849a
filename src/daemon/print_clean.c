#include "daemon/print_clean.h"

#include <stdio.h>

void va_print_clean(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text, next = (unsigned char)text[1];
        int is_c1 = c == 0xc2 && next >= 0x80 && next <= 0x9f; /* a control character of two bytes */
        putchar(c < 0x20 || c == 0x7f || is_c1 ? '?' : c);
        text += is_c1;
    }
}
