/* search.h - from encoder rows to a sequence of tokens: greedy, sampling, or beam search.
 *
 * Source of the beam search: openai/whisper, whisper/decoding.py (BeamSearchDecoder, MaximumLikelihoodRanker).
 * One object per context; no allocation after _new. */
#ifndef VA_WHISPER_SEARCH_H
#define VA_WHISPER_SEARCH_H

#include "whisper/decoder.h"

#define VA_SEARCH_MAX_BEAMS 8
#define VA_SEARCH_MAX_TOKENS 448 /* text_ctx */
#define VA_SEARCH_MAX_GUESS 28   /* with a short prompt that is one pass of the decoder */

typedef struct va_search va_search;

/* Sets logits of tokens that may not follow tokens [n] to VA_FORBIDDEN. */
typedef void (*va_token_filter_fn)(void *user, const int32_t *tokens, int n, float *logits);

/* Which tokens may follow tokens [n], where that is known beforehand: fills ret_allowed, which comes empty, and returns 1; or returns 0:
 * any may. A set that stays empty allows the end, or nothing with `absolute`. */
typedef int (*va_token_allow_fn)(void *user, const int32_t *tokens, int n, struct va_token_set *ret_allowed);

struct va_search_options {
    const int32_t *prompt; /* [n_prompt] fed before the first sampled token; ends with the start sequence */
    int n_prompt;
    int same_prompt; /* 1: the encoder has not run since the last search. If that had the same prompt, it is not fed again */
    int start;       /* index of <|startoftranscript|> in prompt: its logits tell whether there is speech */
    int beams;       /* 1: greedy; at a temperature above 0: samples drawn side by side, of which the likeliest wins */
    float temperature;
    uint64_t seed;
    int max_tokens;
    /* What will probably be said: checked in the prompt's pass, as far as it is right, instead of a pass for each token. Never changes the
     * result; of use to the greedy search only. */
    const int32_t *guess; /* [n_guess]; what is beyond VA_SEARCH_MAX_GUESS is not looked at */
    int n_guess;
    va_token_filter_fn filter;
    void *filter_user;
    /* Or NULL. Logits of tokens that may not follow are not computed; they count as forbidden, before the filter is asked. Probabilities
     * are then relative, among the tokens allowed: what the search is led to becomes likely. That of the first token alone stays absolute,
     * among all tokens that the filter lets pass, though the token is one of those allowed; so does no_speech_prob. */
    va_token_allow_fn allowed;
    void *allowed_user;
    /* With allowed, 1: probabilities stay absolute behind the first token, too, and the sum of them decides between hypotheses that came to
     * an end, so that it can be compared with a free search's. All logits are computed. */
    int absolute;
    float least_logprob;          /* with absolute: nothing is found when the sum of every hypothesis is below it */
    int (*cancelled)(void *user); /* asked before each step; or NULL */
    void *cancelled_user;
};

struct va_hypothesis {
    int32_t tokens[VA_SEARCH_MAX_TOKENS]; /* sampled, without the end */
    float logprobs[VA_SEARCH_MAX_TOKENS]; /* of each, under the filtered (and, behind the first, restricted) distribution */
    int32_t slots[VA_SEARCH_MAX_TOKENS];  /* of the self-attention cache */
    int n;
    float sum_logprob; /* with the end token's */
    int looping;       /* 1: it was stopped because it repeats itself */
    int ended;         /* 1: it came to its end */
};

struct va_search_result {
    const struct va_hypothesis *best;  /* valid until the next run */
    const struct va_hypothesis *found; /* [n_found] all that came to their end, or wins without that; so is this */
    int n_found;
    float avg_logprob; /* sum_logprob / (n + 1) */
    float no_speech_prob;
};

VA_MUST_CHECK int va_search_new(const va_model *model, va_pool *pool, int beams, va_search **ret_search, va_error *error);
void va_search_free(va_search *search);
int va_search_beams(const va_search *search); /* the most it can do */

/* VA_ECANCELLED, VA_EINVAL (prompt too long, beams beyond the object's). */
VA_MUST_CHECK int va_search_run(va_search *search, const va_encoder *encoder, const struct va_search_options *options,
                                struct va_search_result *ret_result);

/* Runs tokens [n] (positions 0 ..) in one hypothesis and gives the last one's logits [n_vocab] (valid until the next call): of the tokens
 * wanted, or all when that is NULL. */
const float *va_search_feed(va_search *search, const va_encoder *encoder, const int32_t *tokens, int n, const struct va_token_set *wanted);

/* The decoder beneath, for va_decoder_capture. */
va_decoder *va_search_decoder(va_search *search);

#endif
