#include "ear_double.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"

struct va_ear {
    struct va_endpointer endpointer;
    uint64_t heard;
    float peak;
};

int va_ear_new(const va_vad_model *model, const struct va_kernels *kernels, const struct va_ear_options *options, va_ear **ret_ear,
               va_error *error)
{
    (void)model;
    (void)kernels;
    va_ear *ear = va_calloc(1, sizeof *ear);
    if (ear == NULL)
        return va_fail_memory(error);
    int r = va_endpointer_init(&ear->endpointer, &options->endpointer, error);
    if (r < 0) {
        va_free(ear);
        return r;
    }
    *ret_ear = ear;
    return 0;
}

void va_ear_free(va_ear *ear)
{
    va_free(ear);
}

void va_ear_reset(va_ear *ear)
{
    va_endpointer_reset(&ear->endpointer);
    ear->heard = 0;
    ear->peak = 0.0f;
}

void va_ear_push(va_ear *ear, const float *pcm, size_t n, va_ear_event_fn on_event, void *user)
{
    for (size_t i = 0; i < n; i++) {
        ear->peak = fmaxf(ear->peak, fabsf(pcm[i]));
        if (++ear->heard % CHUNK != 0)
            continue;
        struct va_speech_event event = va_endpointer_push(&ear->endpointer, ear->peak);
        ear->peak = 0.0f;
        if (event.kind != VA_SPEECH_NONE)
            on_event(user, &event);
    }
}

void va_ear_finish(va_ear *ear, va_ear_event_fn on_event, void *user)
{
    struct va_speech_event event;
    while ((event = va_endpointer_finish(&ear->endpointer)).kind != VA_SPEECH_NONE)
        on_event(user, &event);
    va_endpointer_reset(&ear->endpointer);
    ear->heard = 0;
}

void va_ear_end_after(va_ear *ear, int ms)
{
    va_endpointer_end_after(&ear->endpointer, ms);
}

void va_ear_end_at(va_ear *ear, uint64_t position, va_ear_event_fn on_event, void *user)
{
    struct va_speech_event event = va_endpointer_end_at(&ear->endpointer, position);
    if (event.kind != VA_SPEECH_NONE)
        on_event(user, &event);
}

int va_ear_is_pausing(const va_ear *ear)
{
    return va_endpointer_is_pausing(&ear->endpointer);
}

size_t va_ear_lookback(const struct va_ear_options *options)
{
    const struct va_endpointer_options *o = &options->endpointer;
    return (size_t)(o->pad_before_ms + o->min_speech_ms + o->possible_end_ms + o->max_ms / 2) * VA_VAD_RATE_HZ / 1000 + 2 * CHUNK;
}

float *play_script(const char *script, size_t *ret_n)
{
    float *pcm = NULL;
    size_t n = 0;
    uint32_t random = 1;
    int chunks, used;
    char kind;

    for (; sscanf(script, "%d%c%n", &chunks, &kind, &used) == 2; script += used) {
        float peak = kind == '#' ? 0.9f : kind == '~' ? 0.4f : 0.01f;
        float *more = va_realloc(pcm, n + (size_t)chunks * CHUNK, sizeof *pcm);
        if (more == NULL)
            break;
        pcm = more;
        for (size_t end = n + (size_t)chunks * CHUNK; n < end; n++) {
            random = random * 1664525u + 1013904223u;
            pcm[n] = n % CHUNK == 0 ? peak : peak * ((float)(random >> 8) / 8388608.0f - 1.0f);
        }
    }
    *ret_n = n;
    return pcm;
}
