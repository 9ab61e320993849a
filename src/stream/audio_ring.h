/* audio_ring.h - the last seconds of a stream, by their position in it.
 *
 * No lock: who writes must know that nobody still reads what stood there `capacity` samples earlier. */
#ifndef VA_STREAM_AUDIO_RING_H
#define VA_STREAM_AUDIO_RING_H

#include "base/error.h"

struct va_audio_ring {
    float *pcm; /* [capacity] */
    size_t capacity;
};

VA_MUST_CHECK int va_audio_ring_init(struct va_audio_ring *ring, size_t capacity, va_error *error);
void va_audio_ring_clear(struct va_audio_ring *ring);

/* pcm [n], n at most the capacity, stands at `position` of the stream and later. */
void va_audio_ring_write(struct va_audio_ring *ring, uint64_t position, const float *pcm, size_t n);
void va_audio_ring_read(const struct va_audio_ring *ring, uint64_t position, float *pcm, size_t n);

#endif
