/* utf8.h - reading UTF-8 that may be damaged, and writing it. Any thread. Nothing here allocates. */
#ifndef VA_BASE_UTF8_H
#define VA_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define VA_UTF8_REPLACEMENT 0xfffdu

/* The code point that starts at text [n]: returns its length of 1 to 4 bytes, or 0 when n is 0 or the bytes are not valid UTF-8
 * (overlong forms, surrogates and values above U+10FFFF included); then ret_code is left alone. */
int va_utf8_next(const char *text, size_t n, uint32_t *ret_code);

/* The code point as UTF-8, without a NUL: returns its length. */
size_t va_utf8_put(uint32_t code, char ret_bytes[4]);

/* The small letter of a capital in Latin, Greek, Cyrillic and Armenian script, never longer in UTF-8; other code points as they are. */
uint32_t va_utf8_lower(uint32_t code);

/* 1 when all of text [n] is valid. */
int va_utf8_valid(const char *text, size_t n);

/* 1 when text [n] is valid and stands on one line of a terminal without telling it anything: no controls (C0, DEL, C1), no breaks. */
int va_utf8_is_line(const char *text, size_t n);

/* Puts '?' for every byte of text [n] that is not valid, and for NUL. */
void va_utf8_mend(char *text, size_t n);

#endif
