/* words.h - when each word was said, from the cross-attention of the model's alignment heads.
 *
 * The window's text is run through the decoder once more; the alignment heads' attention over time is normalised and smoothed, and
 * dynamic time warping finds the path of tokens through the frames. Source of the algorithm: openai/whisper, whisper/timing.py. */
#ifndef VA_WHISPER_WORDS_H
#define VA_WHISPER_WORDS_H

#include "whisper/search.h"

/* The room that va_words_align works in, for the longest window; what is not used costs no memory. One thread; no allocation after _new. */
typedef struct va_aligner va_aligner;

VA_MUST_CHECK int va_aligner_new(const va_model *model, va_aligner **ret_aligner, va_error *error);
void va_aligner_free(va_aligner *aligner);

/* ret_frames [n + 1]: encoder frame at which each text token starts, and where the last one ends; never falling.
 * start [n_start]: the start sequence without <|notimestamps|>. frames: those that hold audio. VA_EINVAL. */
VA_MUST_CHECK int va_words_align(va_aligner *aligner, va_search *search, const va_encoder *encoder, const int32_t *start, int n_start,
                                 const int32_t *tokens, int n, int frames, int *ret_frames, va_error *error);

#define VA_WORD_GROUP 64 /* bytes of a token, and of the tokens that make up a character, and a NUL */

struct va_word_list {
    struct va_word words[VA_SEARCH_MAX_TOKENS]; /* [n] */
    size_t n;
    char text[VA_SEARCH_MAX_TOKENS * VA_WORD_GROUP]; /* the words', each with a NUL */
};

/* tokens [n], n <= VA_SEARCH_MAX_TOKENS, with probabilities from logprobs [n] and times from frames [n + 1] (20 ms each, from offset_s),
 * joined to words; punctuation belongs to its neighbour. Pure. */
void va_words_join(const va_tokenizer *tokenizer, const char *language, const int32_t *tokens, const float *logprobs, int n,
                   const int *frames, double offset_s, struct va_word_list *ret_list);

#endif
