/* rules.h - which tokens may come next: Whisper's suppression and timestamp rules as a token filter.
 *
 * Source of the rules: openai/whisper, whisper/decoding.py (SuppressBlank, SuppressTokens, ApplyTimestampRules). Pure; any thread. */
#ifndef VA_WHISPER_RULES_H
#define VA_WHISPER_RULES_H

#include "whisper/model.h"

#define VA_FORBIDDEN (-1e30f) /* a logit that no softmax notices */

struct va_rules {
    const va_model *model;
    int timestamps; /* 1: text in timestamp pairs; 0: no timestamps at all */
};

/* tokens [n]: what has been sampled so far. Sets the logits [n_vocab] of forbidden tokens to VA_FORBIDDEN. Fits va_token_filter_fn
 * of search.h, with a struct va_rules as user. */
void va_rules_apply(void *rules, const int32_t *tokens, int n, float *logits);

#endif
