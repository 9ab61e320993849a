/* score.h - how likely given words are to come next in what was said: their tokens, scored side by side, without a search.
 *
 * One object per context; no allocation after _new. */
#ifndef VA_WHISPER_SCORE_H
#define VA_WHISPER_SCORE_H

#include "whisper/search.h"

#define VA_SCORE_MAX_TOKENS 8     /* of a sequence */
#define VA_SCORE_MAX_SEQUENCES 80 /* of one run */
#define VA_SCORE_MAX_PROMPT 32
#define VA_START_TOKENS 4

struct va_token_sequence {
    int32_t tokens[VA_SCORE_MAX_TOKENS];
    int n; /* 1 .. VA_SCORE_MAX_TOKENS */
};

typedef struct va_scorer va_scorer;

VA_MUST_CHECK int va_scorer_new(const va_model *model, va_scorer **ret_scorer, va_error *error);
void va_scorer_free(va_scorer *scorer);

/* The tokens that a text without timestamps begins after. language: index (va_language_index); of no account with an .en model. */
int va_start_tokens(const va_model *model, int language, int32_t ret_tokens[VA_START_TOKENS]);

/* Whether the token can only go on with the word before it: it begins with a letter, a digit, or a part of a character that is none of
 * ASCII. */
int va_scorer_continues(const va_scorer *scorer, int32_t token);

/* ret_logprobs [n]: log-probability that the text behind prompt [n_prompt], of which the last n_before are text, is sequence i and that a
 * word ends there, whatever follows; with any_end also where the word goes on, which is right for languages without spaces.
 * 1 <= n <= VA_SCORE_MAX_SEQUENCES, n_prompt <= VA_SCORE_MAX_PROMPT. Over the encoder's last run; the search lends its decoder, and a later
 * run of it must not count on `same_prompt`. */
void va_scorer_run(va_scorer *scorer, va_search *search, const va_encoder *encoder, const int32_t *prompt, int n_prompt, int n_before,
                   const struct va_token_sequence *sequences, int n, int any_end, float *ret_logprobs);

#endif
