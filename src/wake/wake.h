/* wake.h - hears wake words in a stream: samples in pieces of any size go in, an event comes out for each time that a word was said.
 *
 * One front end for all words. The network of each word hears the stream three times: as it is, and as if spoken 1.25 times faster and
 * slower. Of each, the log-odds are averaged over 0.3 s and the highest average of the last 0.2 s counts; the score is the mean of the
 * three, so that what is no word, but looks like it at one tempo, falls back. When the score reaches the word's threshold, and then rises
 * no more or for at most 0.05 s, an event is told; the next one of the same word 1 s later at the soonest, when the score has fallen below
 * the threshold in between. Chosen on recordings (bench/wake.py): fewer misses at as many false accepts than the mean of 5 outputs
 * of kahrendt/microWakeWord, whose networks these are.
 *
 * sensitivity -> threshold, in log-odds: that of the model's cutoff - 1.5, but at least 0.7; + 8 * (0.5 - sensitivity). An average over
 * more is lower, hence the 1.5: at 0.5 there are about as many false accepts as at the published cutoff, or fewer (docs/wake.md).
 * All arithmetic is in integers: events do not depend on the processor, nor on the pieces in which samples come.
 *
 * Silence can be left out (va_wake_skip), but hardly needs to be: the front end keeps an estimate of the noise, which should have heard
 * 1 s of the room before a word. One thread at a time. */
#ifndef VA_WAKE_H
#define VA_WAKE_H

#include "wake/model.h"

enum { VA_WAKE_RATE_HZ = 16000, VA_WAKE_MAX_WORDS = 16 };

struct va_wake_word {
    const va_wake_model *model;
    float sensitivity; /* 0 .. 1; 0.5: as designed */
};

struct va_wake_event {
    size_t word;         /* index among the words */
    float score;         /* 0 .. 1: the highest so far */
    uint64_t start, end; /* samples of the stream: about where the word lies */
};
typedef void (*va_wake_event_fn)(void *user, const struct va_wake_event *event);

typedef struct va_wake va_wake;

/* words [n], 1 .. VA_WAKE_MAX_WORDS; the models must outlive it. VA_EINVAL (n, a sensitivity), VA_ENOMEM. */
VA_MUST_CHECK int va_wake_new(const struct va_wake_word *words, size_t n, va_wake **ret_wake, va_error *error);
void va_wake_free(va_wake *wake);

/* Another stream begins: positions start at 0 again. */
void va_wake_reset(va_wake *wake);

/* pcm [n] f32 16 kHz, -1..1; what is beyond is clipped, NaN is silence. Calls on_event within. No allocation. */
void va_wake_push(va_wake *wake, const float *pcm, size_t n, va_wake_event_fn on_event, void *user);

/* n samples of the stream that will not be pushed, because nothing can be heard in them. The networks keep what they heard before. */
void va_wake_skip(va_wake *wake, uint64_t n);

/* Another sensitivity from now on. VA_EINVAL. */
VA_MUST_CHECK int va_wake_set_sensitivity(va_wake *wake, size_t word, float sensitivity, va_error *error);

/* The threshold of a word, as a score. */
float va_wake_threshold(const va_wake_model *model, float sensitivity);

/* The score of a word now, 0 .. 1; it changes every 160 samples. For tests and benches. */
float va_wake_score(const va_wake *wake, size_t word);

#endif
