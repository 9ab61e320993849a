/* context.h - the room one transcription works in: threads, encoder, search and the window's audio, made once and used again.
 *
 * A context that has done a transcription of its kind allocates nothing for the next one but the transcript, one block that is the
 * caller's (tests/whisper/test_steady.c): not for a window, a step or a token. Made later than the context itself, and kept: room for more
 * beams, for word times, and lists as long as the longest transcript.
 *
 * va_context_new and va_context_free of the public header are in context.c. One thread at a time. */
#ifndef VA_WHISPER_CONTEXT_H
#define VA_WHISPER_CONTEXT_H

#include "dsp/log_mel.h"
#include "whisper/compression.h"
#include "whisper/score.h"
#include "whisper/transcript.h"
#include "whisper/words.h"

#define VA_WINDOW_SAMPLES 480000
#define VA_WINDOW_FRAMES 1500
#define VA_MARGIN_FRAMES 16         /* of silence encoded behind a clip, before the virtual silence */
#define VA_LONGEST_CLIP_FRAMES 1400 /* beyond, virtual silence saves next to nothing */
#define VA_QUIETEST_TOP (-2.0f)     /* log10 mel; below, silence is not 8 below the maximum, as the cache has it */

struct va_context {
    const va_model *model;
    va_pool *pool;
    va_encoder *encoder;
    va_search *search; /* made anew when more beams are asked for */
    va_log_mel *log_mel;
    va_compression *compression;
    va_aligner *aligner;       /* NULL until word times are asked for */
    va_scorer *scorer;         /* NULL until words are scored */
    struct va_word_list words; /* scratch: a segment's */
    struct va_buffer text;     /* scratch: a prompt, what a window decoded to */
    struct va_transcript_builder transcript;
    float *pcm; /* [VA_WINDOW_SAMPLES] */
    float *mel; /* [2 * VA_WINDOW_FRAMES][VA_MEL_BANDS] */
};

/* Makes room for at least `beams`, for word times, and for scoring words. VA_ENOMEM: the context is as it was. */
VA_MUST_CHECK int va_context_need_beams(va_context *context, int beams, va_error *error);
VA_MUST_CHECK int va_context_need_aligner(va_context *context, va_error *error);
VA_MUST_CHECK int va_context_need_scorer(va_context *context, va_error *error);

/* Encodes pcm [n] alone, n <= VA_WINDOW_SAMPLES; what is not finite counts as 0. Behind it stands virtual silence, where the model has it.
 * The encoder's rows of the first ceil(n / 320) frames are then those of the audio. */
void va_context_encode(va_context *context, const float *pcm, size_t n);

#endif
