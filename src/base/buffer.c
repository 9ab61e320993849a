#include "base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

void va_buffer_init(struct va_buffer *buffer, size_t max)
{
    *buffer = (struct va_buffer){.max = max < PTRDIFF_MAX ? max : PTRDIFF_MAX - 1};
}

void va_buffer_free(struct va_buffer *buffer)
{
    va_free(buffer->data);
    va_buffer_init(buffer, buffer->max);
}

void va_buffer_clear(struct va_buffer *buffer)
{
    buffer->size = 0;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

int va_buffer_reserve(struct va_buffer *buffer, size_t n)
{
    if (n > buffer->max - buffer->size)
        return VA_ELIMIT;
    size_t need = buffer->size + n + 1;
    if (need <= buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
    while (capacity < need)
        capacity *= 2;
    if (capacity > buffer->max + 1)
        capacity = buffer->max + 1;
    char *data = va_realloc(buffer->data, capacity, 1);
    if (data == NULL)
        return VA_ENOMEM;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int va_buffer_append(struct va_buffer *buffer, const void *data, size_t n)
{
    int r = va_buffer_reserve(buffer, n);
    if (r < 0)
        return r;
    if (n > 0)
        memcpy(buffer->data + buffer->size, data, n);
    buffer->size += n;
    buffer->data[buffer->size] = '\0';
    return 0;
}

int va_buffer_append_string(struct va_buffer *buffer, const char *text)
{
    return va_buffer_append(buffer, text, strlen(text));
}

int va_buffer_printf(struct va_buffer *buffer, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    int r = n < 0 ? VA_EINVAL : va_buffer_reserve(buffer, (size_t)n);
    if (r == 0) {
        vsnprintf(buffer->data + buffer->size, (size_t)n + 1, format, again);
        buffer->size += (size_t)n;
    }
    va_end(again);
    va_end(args);
    return r;
}

int va_buffer_append_json(struct va_buffer *buffer, const char *text)
{
    size_t n = strlen(text), before = buffer->size;
    int r = va_buffer_append(buffer, "\"", 1);

    for (size_t i = 0; r == 0 && i < n;) {
        uint32_t code = VA_UTF8_REPLACEMENT;
        int length = va_utf8_next(text + i, n - i, &code);
        if (length == 0)
            r = va_buffer_append_string(buffer, "\\ufffd");
        else if (code == '"' || code == '\\')
            r = va_buffer_printf(buffer, "\\%c", (char)code);
        else if (code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029 || code == 0xfeff || code >> 1 == 0x7fff)
            r = va_buffer_printf(buffer, "\\u%04x", (unsigned)code);
        else
            r = va_buffer_append(buffer, text + i, (size_t)length);
        i += length > 0 ? (size_t)length : 1;
    }
    if (r == 0)
        r = va_buffer_append(buffer, "\"", 1);
    if (r < 0 && buffer->data != NULL) {
        buffer->size = before;
        buffer->data[before] = '\0';
    }
    return r;
}

int va_buffer_print(const struct va_buffer *buffer)
{
    if (buffer->size > 0 && fwrite(buffer->data, 1, buffer->size, stdout) != buffer->size)
        return VA_EIO;
    return fflush(stdout) == 0 ? 0 : VA_EIO;
}

char *va_buffer_take(struct va_buffer *buffer)
{
    if (buffer->data == NULL && va_buffer_reserve(buffer, 0) < 0)
        return NULL;
    buffer->data[buffer->size] = '\0';
    char *data = buffer->data;
    va_buffer_init(buffer, buffer->max);
    return data;
}
