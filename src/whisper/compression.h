/* compression.h - how much a text repeats itself, by how well zlib compresses it. One object per context; no allocation after _new. */
#ifndef VA_WHISPER_COMPRESSION_H
#define VA_WHISPER_COMPRESSION_H

#include "base/error.h"

typedef struct va_compression va_compression;

VA_MUST_CHECK int va_compression_new(va_compression **ret_compression, va_error *error);
void va_compression_free(va_compression *compression);

/* Bytes of text [n] over those that zlib makes of it at level 6; 1 for no text. Of a text beyond 8 kB the start counts. */
float va_compression_ratio(va_compression *compression, const char *text, size_t n);

#endif
