#include "audio/buffer_pool.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"

struct va_buffer_pool {
    size_t buffer_samples, n_buffers;
    float *block; /* [n_buffers][buffer_samples] */
    pthread_mutex_t lock;
    /* under lock */
    float **available; /* [n_buffers], the first n_available of them */
    size_t n_available;
    uint64_t fallbacks;
};

int va_buffer_pool_new(size_t buffer_samples, size_t n_buffers, va_buffer_pool **ret_pool, va_error *error)
{
    size_t total;

    if (buffer_samples == 0 || n_buffers == 0 || __builtin_mul_overflow(buffer_samples, n_buffers, &total))
        return va_fail(error, VA_EINVAL, "a buffer pool of %zu buffers of %zu samples", n_buffers, buffer_samples);
    va_buffer_pool *pool = va_calloc(1, sizeof *pool);
    if (pool == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&pool->lock, NULL);
    pool->buffer_samples = buffer_samples;
    pool->n_buffers = n_buffers;
    pool->block = va_calloc(total, sizeof *pool->block);
    pool->available = va_alloc(n_buffers, sizeof *pool->available);
    if (pool->block == NULL || pool->available == NULL) {
        va_buffer_pool_free(pool);
        return va_fail_memory(error);
    }
    for (size_t i = n_buffers; i > 0; i--)
        pool->available[pool->n_available++] = pool->block + (i - 1) * buffer_samples;
    *ret_pool = pool;
    return 0;
}

void va_buffer_pool_free(va_buffer_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_destroy(&pool->lock);
    va_free(pool->available);
    va_free(pool->block);
    va_free(pool);
}

float *va_buffer_pool_acquire(va_buffer_pool *pool)
{
    float *buffer = NULL;

    pthread_mutex_lock(&pool->lock);
    if (pool->n_available > 0)
        buffer = pool->available[--pool->n_available];
    else
        pool->fallbacks++;
    pthread_mutex_unlock(&pool->lock);
    return buffer != NULL ? buffer : va_calloc(pool->buffer_samples, sizeof *buffer);
}

void va_buffer_pool_release(va_buffer_pool *pool, float *buffer)
{
    if (buffer == NULL)
        return;
    explicit_bzero(buffer, pool->buffer_samples * sizeof *buffer);
    if (buffer < pool->block || buffer >= pool->block + pool->n_buffers * pool->buffer_samples) {
        va_free(buffer);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->available[pool->n_available++] = buffer;
    pthread_mutex_unlock(&pool->lock);
}

size_t va_buffer_pool_samples(const va_buffer_pool *pool)
{
    return pool->buffer_samples;
}

size_t va_buffer_pool_size(const va_buffer_pool *pool)
{
    return pool->n_buffers;
}

size_t va_buffer_pool_available(const va_buffer_pool *pool)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&pool->lock;

    pthread_mutex_lock(lock);
    size_t n = pool->n_available;
    pthread_mutex_unlock(lock);
    return n;
}

uint64_t va_buffer_pool_fallbacks(const va_buffer_pool *pool)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&pool->lock;

    pthread_mutex_lock(lock);
    uint64_t n = pool->fallbacks;
    pthread_mutex_unlock(lock);
    return n;
}
