/* context.h - the room one transcription works in: threads, encoder, search and the window's audio, made once and used again.
 *
 * va_context_new and va_context_free of the public header are in context.c. One thread at a time. */
#ifndef VA_WHISPER_CONTEXT_H
#define VA_WHISPER_CONTEXT_H

#include "dsp/log_mel.h"
#include "whisper/search.h"

#define VA_WINDOW_SAMPLES 480000
#define VA_WINDOW_FRAMES 1500

struct va_context {
    const va_model *model;
    va_pool *pool;
    va_encoder *encoder;
    va_search *search; /* made anew when more beams are asked for */
    va_log_mel *log_mel;
    float *pcm; /* [VA_WINDOW_SAMPLES] */
    float *mel; /* [2 * VA_WINDOW_FRAMES][VA_MEL_BANDS] */
};

/* Makes room for at least `beams`. VA_ENOMEM: the context is as it was. */
VA_MUST_CHECK int va_context_need_beams(va_context *context, int beams, va_error *error);

#endif
