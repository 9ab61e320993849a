#include "vad/ear.h"

#include <string.h>

#include "base/memory.h"
#include "vad/energy_gate.h"

/* In steady noise the detector's state drifts until it no longer hears speech that it hears at once when it is new. So it forgets: after so
 * many chunks without an utterance, the last of which were hardly speech. */
#define FORGET_CHUNKS 125 /* 4 s */
#define QUIET_CHUNKS 8
#define QUIET_PROBABILITY 0.1f

struct va_ear {
    struct va_energy_gate gate;
    va_silero *silero;
    struct va_endpointer endpointer;
    int judge_all;
    int n_judged, n_quiet; /* chunks: since the detector was new; of them, the last, hardly speech */
    uint64_t heard;        /* samples */
    float chunk[VA_VAD_CHUNK_SAMPLES];
    size_t filled;                                             /* of chunk */
    float waiting[VA_EAR_REPLAY_CHUNKS][VA_VAD_CHUNK_SAMPLES]; /* a ring of chunks not judged */
    int n_waiting, oldest;
};

struct listener {
    va_ear_event_fn on_event;
    void *user;
};

int va_ear_new(const va_vad_model *model, const struct va_kernels *kernels, const struct va_ear_options *options, va_ear **ret_ear,
               va_error *error)
{
    va_ear *ear = va_calloc(1, sizeof *ear);
    int r;

    if (ear == NULL)
        return va_fail_memory(error);
    ear->judge_all = options->judge_all;
    if ((r = va_endpointer_init(&ear->endpointer, &options->endpointer, error)) < 0 ||
        (r = va_silero_new(model, kernels, &ear->silero, error)) < 0) {
        va_ear_free(ear);
        return r;
    }
    va_ear_reset(ear);
    *ret_ear = ear;
    return 0;
}

void va_ear_free(va_ear *ear)
{
    if (ear == NULL)
        return;
    va_silero_free(ear->silero);
    va_free(ear);
}

void va_ear_reset(va_ear *ear)
{
    va_energy_gate_reset(&ear->gate);
    va_silero_reset(ear->silero);
    va_endpointer_reset(&ear->endpointer);
    ear->heard = 0;
    ear->filled = 0;
    ear->n_waiting = ear->oldest = 0;
    ear->n_judged = ear->n_quiet = 0;
}

static void tell(const va_ear *ear, struct va_speech_event event, const struct listener *listener)
{
    if (event.kind == VA_SPEECH_NONE)
        return;
    if (event.end > ear->heard) /* the last chunk of a stream is filled up with zeros */
        event.end = ear->heard;
    if (event.speech_end > event.end)
        event.speech_end = event.end;
    listener->on_event(listener->user, &event);
}

static void judge(va_ear *ear, const float *chunk, const struct listener *listener)
{
    float probability = va_silero_process(ear->silero, chunk);

    ear->n_judged++;
    ear->n_quiet = probability < QUIET_PROBABILITY ? ear->n_quiet + 1 : 0;
    tell(ear, va_endpointer_push(&ear->endpointer, probability), listener);
    if (ear->n_judged >= FORGET_CHUNKS && ear->n_quiet >= QUIET_CHUNKS && va_endpointer_is_quiet(&ear->endpointer)) {
        va_silero_reset(ear->silero);
        ear->n_judged = 0;
    }
}

/* Puts the chunk behind those that wait; the oldest passes as silence when there are too many. */
static void wait_with(va_ear *ear, const float *chunk)
{
    if (ear->n_waiting == VA_EAR_REPLAY_CHUNKS) {
        va_silero_skip(ear->silero, ear->waiting[ear->oldest]);
        va_endpointer_push(&ear->endpointer, 0.0f);
        ear->oldest = (ear->oldest + 1) % VA_EAR_REPLAY_CHUNKS;
        ear->n_waiting--;
    }
    memcpy(ear->waiting[(ear->oldest + ear->n_waiting) % VA_EAR_REPLAY_CHUNKS], chunk, sizeof ear->waiting[0]);
    ear->n_waiting++;
}

static void take_chunk(va_ear *ear, const float *chunk, const struct listener *listener)
{
    int is_open = ear->judge_all || va_energy_gate_process(&ear->gate, chunk);

    if (!is_open && va_endpointer_is_quiet(&ear->endpointer)) {
        wait_with(ear, chunk);
        return;
    }
    for (; ear->n_waiting > 0; ear->n_waiting--) {
        judge(ear, ear->waiting[ear->oldest], listener);
        ear->oldest = (ear->oldest + 1) % VA_EAR_REPLAY_CHUNKS;
    }
    judge(ear, chunk, listener);
}

void va_ear_push(va_ear *ear, const float *pcm, size_t n, va_ear_event_fn on_event, void *user)
{
    const struct listener listener = {on_event, user};

    while (n > 0) {
        size_t part = VA_VAD_CHUNK_SAMPLES - ear->filled;
        part = n < part ? n : part;
        memcpy(ear->chunk + ear->filled, pcm, part * sizeof *pcm);
        ear->filled += part;
        ear->heard += part;
        pcm += part;
        n -= part;
        if (ear->filled == VA_VAD_CHUNK_SAMPLES) {
            ear->filled = 0;
            take_chunk(ear, ear->chunk, &listener);
        }
    }
}

void va_ear_finish(va_ear *ear, va_ear_event_fn on_event, void *user)
{
    const struct listener listener = {on_event, user};

    if (ear->filled > 0) {
        memset(ear->chunk + ear->filled, 0, (VA_VAD_CHUNK_SAMPLES - ear->filled) * sizeof ear->chunk[0]);
        take_chunk(ear, ear->chunk, &listener);
    }
    struct va_speech_event event;
    while ((event = va_endpointer_finish(&ear->endpointer)).kind != VA_SPEECH_NONE)
        tell(ear, event, &listener);
    va_ear_reset(ear);
}

void va_ear_end_after(va_ear *ear, int ms)
{
    va_endpointer_end_after(&ear->endpointer, ms);
}

void va_ear_end_at(va_ear *ear, uint64_t position, va_ear_event_fn on_event, void *user)
{
    const struct listener listener = {on_event, user};

    tell(ear, va_endpointer_end_at(&ear->endpointer, position), &listener);
}

int va_ear_is_pausing(const va_ear *ear)
{
    return va_endpointer_is_pausing(&ear->endpointer);
}

/* A candidate lasts less than min_speech_ms and a pause of possible_end_ms, and may all have waited behind the gate; or it is what was said
 * since an utterance was cut. */
size_t va_ear_lookback(const struct va_ear_options *options)
{
    const struct va_endpointer_options *o = &options->endpointer;
    size_t ms = (size_t)(o->pad_before_ms + o->min_speech_ms + o->possible_end_ms + o->max_ms / 2);
    return ms * VA_VAD_RATE_HZ / 1000 + (VA_EAR_REPLAY_CHUNKS + 3) * VA_VAD_CHUNK_SAMPLES;
}
