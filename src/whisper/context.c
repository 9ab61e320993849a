/* context.c - the room one transcription works in. */
#include "whisper/context.h"

#include <math.h>

#include "base/memory.h"
#include "whisper/segments.h"
#include "whisper/silence.h"

/* A prompt of as many tokens as are encoded has less. */
#define MAX_SCRATCH_TEXT (1u << 20)
#define FIRST_SCRATCH_TEXT 16384 /* more than a window's text takes while it is decoded */

void va_transcribe_options_init(va_transcribe_options *options)
{
    *options = (va_transcribe_options){
        .beam_size = 1,
        .timestamps = VA_TIMESTAMPS_SEGMENT,
        .temperature_fallback = 1,
        .compression_ratio_threshold = 2.4f,
        .avg_logprob_threshold = -1.0f,
        .no_speech_threshold = 0.6f,
    };
}

int va_context_new(const va_model *model, int threads, va_context **ret_context, va_error *error)
{
    va_context *context = va_calloc(1, sizeof *context);
    if (context == NULL)
        return va_fail_memory(error);
    context->model = model;
    va_buffer_init(&context->text, MAX_SCRATCH_TEXT);
    int r = va_pool_new(threads, &context->pool, error);
    if (r == 0)
        r = va_encoder_new(model, context->pool, &context->encoder, error);
    if (r == 0)
        r = va_search_new(model, context->pool, 1, &context->search, error);
    if (r == 0)
        r = va_log_mel_new(&context->log_mel, error);
    if (r == 0)
        r = va_compression_new(&context->compression, error);
    if (r < 0)
        goto fail;
    context->pcm = va_alloc_aligned(VA_WINDOW_SAMPLES, sizeof(float));
    context->mel = va_alloc_aligned((size_t)2 * VA_WINDOW_FRAMES * VA_MEL_BANDS, sizeof(float));
    if (context->pcm == NULL || context->mel == NULL || va_buffer_reserve(&context->text, FIRST_SCRATCH_TEXT) < 0 ||
        va_transcript_init(&context->transcript) < 0) {
        r = va_fail_memory(error);
        goto fail;
    }
    *ret_context = context;
    return 0;

fail:
    va_context_free(context);
    return r;
}

void va_context_free(va_context *context)
{
    if (context == NULL)
        return;
    va_transcript_discard(&context->transcript);
    va_buffer_free(&context->text);
    va_aligner_free(context->aligner);
    va_scorer_free(context->scorer);
    va_compression_free(context->compression);
    va_log_mel_free(context->log_mel);
    va_search_free(context->search);
    va_encoder_free(context->encoder);
    va_pool_free(context->pool);
    va_free(context->pcm);
    va_free(context->mel);
    va_free(context);
}

int va_context_need_beams(va_context *context, int beams, va_error *error)
{
    if (va_search_beams(context->search) >= beams)
        return 0;
    va_search *more;
    int r = va_search_new(context->model, context->pool, beams, &more, error);
    if (r < 0)
        return r;
    va_search_free(context->search);
    context->search = more;
    return 0;
}

int va_context_need_aligner(va_context *context, va_error *error)
{
    return context->aligner != NULL ? 0 : va_aligner_new(context->model, &context->aligner, error);
}

int va_context_need_scorer(va_context *context, va_error *error)
{
    return context->scorer != NULL ? 0 : va_scorer_new(context->model, &context->scorer, error);
}

/* Returns 0 when the audio is too quiet for virtual silence to fit it. */
static int encode(va_context *context, size_t n, int frames)
{
    int is_clip = frames < VA_WINDOW_FRAMES;
    float top;

    va_log_mel_compute(context->log_mel, context->pcm, n, (size_t)2 * (size_t)frames, context->mel, &top);
    if (is_clip && top < VA_QUIETEST_TOP)
        return 0;
    va_log_mel_scale(context->mel, (size_t)2 * (size_t)frames, top, is_clip ? VA_SILENCE_TOP - top : 0.0f);
    enum va_encoder_tail tail = is_clip ? VA_TAIL_SILENCE : VA_TAIL_NOTHING;
    return va_encoder_run(context->encoder, context->mel, frames, tail, NULL, NULL) == 0; /* always: nobody cancels it */
}

void va_context_encode(va_context *context, const float *pcm, size_t n)
{
    int frames = (int)((n + VA_FRAME_SAMPLES - 1) / VA_FRAME_SAMPLES) + VA_MARGIN_FRAMES;

    for (size_t i = 0; i < n; i++)
        context->pcm[i] = isfinite(pcm[i]) ? pcm[i] : 0.0f;
    if (context->model->silence.rows == 0 || frames > VA_LONGEST_CLIP_FRAMES || !encode(context, n, frames))
        encode(context, n, VA_WINDOW_FRAMES);
}
