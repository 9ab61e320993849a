/* buffer_pool.h - audio buffers allocated once, so that capture does not allocate. Any thread. */
#ifndef VA_AUDIO_BUFFER_POOL_H
#define VA_AUDIO_BUFFER_POOL_H

#include "base/error.h"

typedef struct va_buffer_pool va_buffer_pool;

/* n_buffers buffers (default 10) of buffer_samples floats (default 16000). */
VA_MUST_CHECK int va_buffer_pool_new(size_t buffer_samples, size_t n_buffers, va_buffer_pool **ret_pool, va_error *error);
void va_buffer_pool_free(va_buffer_pool *pool);

/* A zeroed buffer. When all are taken, a fresh allocation (which release frees); NULL only when out of memory. */
float *va_buffer_pool_acquire(va_buffer_pool *pool);
/* Zeroes the contents: no audio stays behind. NULL is fine. */
void va_buffer_pool_release(va_buffer_pool *pool, float *buffer);

size_t va_buffer_pool_samples(const va_buffer_pool *pool);
size_t va_buffer_pool_size(const va_buffer_pool *pool); /* n_buffers */
size_t va_buffer_pool_available(const va_buffer_pool *pool);
uint64_t va_buffer_pool_fallbacks(const va_buffer_pool *pool); /* fresh allocations made so far */

#endif
