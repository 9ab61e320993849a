#include "stream/audio_ring.h"

#include <string.h>

#include "base/memory.h"

int va_audio_ring_init(struct va_audio_ring *ring, size_t capacity, va_error *error)
{
    float *pcm = va_alloc(capacity, sizeof *pcm);

    if (pcm == NULL)
        return va_fail_memory(error);
    *ring = (struct va_audio_ring){pcm, capacity};
    return 0;
}

void va_audio_ring_clear(struct va_audio_ring *ring)
{
    if (ring->pcm != NULL)
        explicit_bzero(ring->pcm, ring->capacity * sizeof *ring->pcm); /* it was said in somebody's home */
    va_free(ring->pcm);
    *ring = (struct va_audio_ring){0};
}

void va_audio_ring_write(struct va_audio_ring *ring, uint64_t position, const float *pcm, size_t n)
{
    size_t at = (size_t)(position % ring->capacity), first = n < ring->capacity - at ? n : ring->capacity - at;

    memcpy(ring->pcm + at, pcm, first * sizeof *pcm);
    memcpy(ring->pcm, pcm + first, (n - first) * sizeof *pcm);
}

void va_audio_ring_read(const struct va_audio_ring *ring, uint64_t position, float *pcm, size_t n)
{
    size_t at = (size_t)(position % ring->capacity), first = n < ring->capacity - at ? n : ring->capacity - at;

    memcpy(pcm, ring->pcm + at, first * sizeof *pcm);
    memcpy(pcm + first, ring->pcm, (n - first) * sizeof *pcm);
}
