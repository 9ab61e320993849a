/* split.h - GPT-2's splitting of text into the pieces that BPE works on. Pure; any thread. */
#ifndef VA_TOKEN_SPLIT_H
#define VA_TOKEN_SPLIT_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the first piece of text [n], n > 0; at least 1. Broken UTF-8 counts as symbols. */
size_t va_split_next(const uint8_t *text, size_t n);

#endif
