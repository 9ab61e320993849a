#include "whisper/compression.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/memory.h"

#define MAX_TEXT 8192
#define LEVEL 6

struct va_compression {
    z_stream stream;
    unsigned char packed[2 * MAX_TEXT]; /* more than text can become */
};

static void *zlib_alloc(void *user, unsigned n, unsigned size)
{
    (void)user;
    return va_alloc(n, size);
}

static void zlib_free(void *user, void *p)
{
    (void)user;
    va_free(p);
}

int va_compression_new(va_compression **ret_compression, va_error *error)
{
    va_compression *compression = va_calloc(1, sizeof *compression);
    if (compression == NULL)
        return va_fail_memory(error);
    compression->stream.zalloc = zlib_alloc;
    compression->stream.zfree = zlib_free;
    if (deflateInit(&compression->stream, LEVEL) != Z_OK) {
        va_free(compression);
        return va_fail_memory(error);
    }
    *ret_compression = compression;
    return 0;
}

void va_compression_free(va_compression *compression)
{
    if (compression == NULL)
        return;
    (void)deflateEnd(&compression->stream);
    va_free(compression);
}

float va_compression_ratio(va_compression *compression, const char *text, size_t n)
{
    z_stream *stream = &compression->stream;

    n = n < MAX_TEXT ? n : MAX_TEXT;
    if (n == 0 || deflateReset(stream) != Z_OK)
        return 1.0f;
    stream->next_in = (const unsigned char *)text;
    stream->avail_in = (unsigned)n;
    stream->next_out = compression->packed;
    stream->avail_out = sizeof compression->packed;
    return deflate(stream, Z_FINISH) == Z_STREAM_END ? (float)n / (float)stream->total_out : 1.0f;
}
