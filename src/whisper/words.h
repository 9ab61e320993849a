/* words.h - when each word was said, from the cross-attention of the model's alignment heads.
 *
 * The window's text is run through the decoder once more; the alignment heads' attention over time is normalised and smoothed, and
 * dynamic time warping finds the path of tokens through the frames. Source of the algorithm: openai/whisper, whisper/timing.py. */
#ifndef VA_WHISPER_WORDS_H
#define VA_WHISPER_WORDS_H

#include "whisper/search.h"

/* ret_frames [n + 1]: encoder frame at which each text token starts, and where the last one ends; never falling.
 * start [n_start]: the start sequence without <|notimestamps|>. frames: those that hold audio. One thread (the context's). */
VA_MUST_CHECK int va_words_align(const va_model *model, va_search *search, const va_encoder *encoder, const int32_t *start, int n_start,
                                 const int32_t *tokens, int n, int frames, int *ret_frames, va_error *error);

/* tokens [n], with probabilities from logprobs [n] and times from frames [n + 1] (20 ms each, from offset_s), joined to words; punctuation
 * belongs to its neighbour. Words belong to the caller (and their texts): va_words_free. */
VA_MUST_CHECK int va_words_join(const va_tokenizer *tokenizer, const char *language, const int32_t *tokens, const float *logprobs, int n,
                                const int *frames, double offset_s, struct va_word **ret_words, size_t *ret_n, va_error *error);
void va_words_free(struct va_word *words, size_t n);

#endif
