/* utf8.h - reading UTF-8 that may be damaged. Any thread. Nothing here allocates. */
#ifndef VA_BASE_UTF8_H
#define VA_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define VA_UTF8_REPLACEMENT 0xfffdu

/* The code point that starts at text [n]: returns its length of 1 to 4 bytes, or 0 when n is 0 or the bytes are not valid UTF-8
 * (overlong forms, surrogates and values above U+10FFFF included); then ret_code is left alone. */
int va_utf8_next(const char *text, size_t n, uint32_t *ret_code);

/* 1 when all of text [n] is valid. */
int va_utf8_valid(const char *text, size_t n);

/* Puts '?' for every byte of text [n] that is not valid, and for NUL. */
void va_utf8_mend(char *text, size_t n);

#endif
