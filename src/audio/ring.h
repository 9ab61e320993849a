/* ring.h - the last seconds of the microphone: one thread writes, several read, nobody locks.
 *
 * Every reader has a position of its own. The writer never waits for them: one that falls further behind than the capacity loses the oldest
 * samples, and is told how many. A writer that may wait (a file's) asks for room first, and then nobody loses any.
 * Samples are atomics that the writer releases and readers acquire, so a reader that copied what was being written over sees that the
 * writer has moved on (H.-J. Boehm, "Can seqlocks get along with programming language memory models?", 2012). */
#ifndef VA_AUDIO_RING_H
#define VA_AUDIO_RING_H

#include "base/error.h"

#define VA_RING_MAX_READERS 16
#define VA_RING_MIN_SAMPLES 320

typedef struct va_ring va_ring;
typedef struct va_ring_reader va_ring_reader;

struct va_capture_stamp {
    uint64_t position; /* of the first sample, counted from the start of the capture; samples that were lost do not count */
    uint64_t ns;       /* when it was captured, by va_clock_ns */
    uint64_t lost;     /* samples that are missing before it: not read in time by this reader, or not captured */
};

/* capacity: samples, at least VA_RING_MIN_SAMPLES, else VA_EINVAL. All memory is touched. */
VA_MUST_CHECK int va_ring_new(size_t capacity, va_ring **ret_ring, va_error *error);
void va_ring_free(va_ring *ring); /* after its readers */

/* ---- the writer; neither function allocates or waits ---- */

/* pcm [n], n at most the capacity, the first sample captured at ns. missing: samples that were not captured before it; what a reader gets
 * at once does not reach over such a gap. */
void va_ring_write(va_ring *ring, const float *pcm, size_t n, uint64_t ns, uint64_t missing);
/* Nothing more comes: readers get what is left, and then status, 0 or negative. */
void va_ring_end(va_ring *ring, int status);

/* For a writer that may wait: how many samples can be written so that no reader loses any, at once or after at most timeout_ms; 0 without
 * a reader. */
size_t va_ring_wait_for_room(va_ring *ring, int timeout_ms);

/* ---- readers; each belongs to one thread at a time ---- */

/* Begins with what is written next. VA_ELIMIT: VA_RING_MAX_READERS are there. */
VA_MUST_CHECK int va_ring_reader_new(va_ring *ring, va_ring_reader **ret_reader, va_error *error);
void va_ring_reader_free(va_ring_reader *reader);

/* pcm [capacity] <- what comes next, as soon as there are 10 ms or capacity samples; fewer before a gap, before the end and after
 * timeout_ms. Returns samples, VA_ETIMEOUT when there are none, or the status of the end. ret_stamp may be NULL. */
VA_MUST_CHECK int64_t va_ring_read(va_ring_reader *reader, float *pcm, size_t capacity, int timeout_ms, struct va_capture_stamp *ret_stamp);

#endif
