/* buffer.h - the one growing byte buffer. It is born with a maximum size, so that no input can grow memory without bound.
 *
 *     struct va_buffer b;
 *     va_buffer_init(&b, 1 << 20);
 *     if ((r = va_buffer_append(&b, data, n)) < 0) ...
 *     va_buffer_free(&b);
 *
 * One thread at a time. data is always followed by a NUL, so it can be read as a string. */
#ifndef VA_BASE_BUFFER_H
#define VA_BASE_BUFFER_H

#include "base/error.h"

struct va_buffer {
    char *data; /* [size + 1], NULL until the first append */
    size_t size, capacity, max;
};

void va_buffer_init(struct va_buffer *buffer, size_t max);
void va_buffer_free(struct va_buffer *buffer); /* leaves it empty and usable */
void va_buffer_clear(struct va_buffer *buffer);

/* Makes room for n bytes more and the NUL: appending them does not allocate. VA_ELIMIT, VA_ENOMEM. */
VA_MUST_CHECK int va_buffer_reserve(struct va_buffer *buffer, size_t n);

/* 0, VA_ELIMIT (over max) or VA_ENOMEM; the content is as before on failure. */
VA_MUST_CHECK int va_buffer_append(struct va_buffer *buffer, const void *data, size_t n);
VA_MUST_CHECK int va_buffer_append_string(struct va_buffer *buffer, const char *text);
VA_MUST_CHECK int va_buffer_printf(struct va_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends text in quotes as a JSON string, which YAML reads the same: controls, line and paragraph separators, the byte order mark
 * and what is no character are escaped. Damaged UTF-8 becomes U+FFFD. */
VA_MUST_CHECK int va_buffer_append_json(struct va_buffer *buffer, const char *text);

/* All of it to standard output, at once. VA_EIO, and errno says why. */
VA_MUST_CHECK int va_buffer_print(const struct va_buffer *buffer);

/* Hands the content over (never NULL on success); free it with va_free. The buffer is left empty. NULL when out of memory. */
char *va_buffer_take(struct va_buffer *buffer);

#endif
