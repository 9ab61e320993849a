/* ear.h - listens to a stream: samples in pieces of any size go in, events of speech come out.
 *
 * Energy gate -> Silero -> endpointer. While the gate is closed and nobody speaks, chunks wait for up to VA_EAR_REPLAY_CHUNKS; when it
 * opens they are judged first, so that a soft beginning is not lost. During an utterance every chunk is judged.
 * One thread at a time; no allocation after _new. The ear keeps no audio for the caller: see va_ear_lookback. */
#ifndef VA_VAD_EAR_H
#define VA_VAD_EAR_H

#include "vad/endpointer.h"
#include "vad/silero.h"

enum { VA_EAR_REPLAY_CHUNKS = 16 };

struct va_ear_options {
    struct va_endpointer_options endpointer;
    int judge_all; /* without the energy gate */
};

#define VA_EAR_DEFAULTS           \
    {                             \
        VA_ENDPOINTER_DEFAULTS, 0 \
    }

typedef struct va_ear va_ear;
typedef void (*va_ear_event_fn)(void *user, const struct va_speech_event *event);

/* The model must outlive it. VA_EINVAL (options), VA_ENOMEM. */
VA_MUST_CHECK int va_ear_new(const va_vad_model *model, const struct va_kernels *kernels, const struct va_ear_options *options,
                             va_ear **ret_ear, va_error *error);
void va_ear_free(va_ear *ear);

/* Another stream begins: positions start at 0 again. */
void va_ear_reset(va_ear *ear);

/* pcm [n] f32 16 kHz, -1..1. Calls on_event within, in the order of the stream. */
void va_ear_push(va_ear *ear, const float *pcm, size_t n, va_ear_event_fn on_event, void *user);

/* The stream ends: judges what is left and ends an utterance that is under way. The ear is then as new. */
void va_ear_finish(va_ear *ear, va_ear_event_fn on_event, void *user);

/* As va_endpointer_end_after and va_endpointer_end_at. */
void va_ear_end_after(va_ear *ear, int ms);
void va_ear_end_at(va_ear *ear, uint64_t position, va_ear_event_fn on_event, void *user);

/* The speaker pauses, or does not speak: something will be told about it soon, unless speech goes on. */
int va_ear_is_pausing(const va_ear *ear);

/* When VA_SPEECH_START comes, its start lies at most so many samples behind the end of the chunk then being taken: what the caller must
 * keep to have all of the utterance. */
size_t va_ear_lookback(const struct va_ear_options *options);

#endif
