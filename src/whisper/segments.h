/* segments.h - one window's tokens, cut at their timestamps.
 *
 * Source of the rules: openai/whisper, whisper/transcribe.py. Pure; any thread. */
#ifndef VA_WHISPER_SEGMENTS_H
#define VA_WHISPER_SEGMENTS_H

#include "token/tokenizer.h"

/* Timestamps and encoder frames count in 20 ms. */
#define VA_FRAME_S 0.02
#define VA_FRAME_SAMPLES 320

struct va_token_span {
    int first, n;               /* tokens first .. first + n - 1, timestamps included */
    int start_frame, end_frame; /* from the window's start */
};

#define VA_SEGMENTS_MAX 225

/* tokens [n] of a window whose audio has `frames` frames. Returns the number of spans in ret_spans [VA_SEGMENTS_MAX], and by how many
 * frames the window moves on (1 .. frames). */
int va_segments_cut(const struct va_special_tokens *special, const int32_t *tokens, int n, int frames, struct va_token_span *ret_spans,
                    int *ret_advance);

#endif
