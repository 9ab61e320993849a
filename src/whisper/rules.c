#include "whisper/rules.h"

#include <math.h>

/* The first timestamp is at most 1.0 s. */
#define MAX_FIRST_TIMESTAMP 50

static void forbid_range(float *logits, int first, int end)
{
    for (int i = first; i < end; i++)
        logits[i] = VA_FORBIDDEN;
}

/* Timestamps come in pairs, never go back, and no segment has zero length. */
static void apply_timestamp_pairs(const struct va_special_tokens *special, int n_vocab, const int32_t *tokens, int n, float *logits)
{
    int t0 = special->first_timestamp;
    int last_is_timestamp = n >= 1 && tokens[n - 1] >= t0;
    int before_is_timestamp = n < 2 || tokens[n - 2] >= t0;

    if (last_is_timestamp && before_is_timestamp)
        forbid_range(logits, t0, n_vocab);
    else if (last_is_timestamp)
        forbid_range(logits, 0, special->end);

    for (int i = n - 1; i >= 0; i--) {
        if (tokens[i] < t0)
            continue;
        int unpaired = last_is_timestamp && !before_is_timestamp;
        forbid_range(logits, t0, unpaired ? tokens[i] : tokens[i] + 1);
        break;
    }
    if (n == 0) {
        forbid_range(logits, 0, t0);
        forbid_range(logits, t0 + MAX_FIRST_TIMESTAMP + 1, n_vocab);
    }
}

/* When all timestamps together are likelier than any one text token, text is forbidden. */
static void prefer_timestamps(const struct va_rules *rules, float *logits)
{
    const va_model *model = rules->model;
    int t0 = model->special->first_timestamp, n_timestamps = model->n_vocab - t0;
    float best_text = model->kernels->max(logits, t0);
    float best_timestamp = model->kernels->max(logits + t0, n_timestamps);
    if (best_timestamp <= VA_FORBIDDEN)
        return;
    float timestamps = best_timestamp + logf(model->kernels->sum_exp(logits + t0, n_timestamps, best_timestamp));
    if (timestamps > best_text)
        forbid_range(logits, 0, t0);
}

void va_rules_apply(void *user, const int32_t *tokens, int n, float *logits)
{
    const struct va_rules *rules = user;
    const va_model *model = rules->model;
    const struct va_special_tokens *special = model->special;

    if (n == 0)
        for (int i = 0; i < model->n_suppress_begin; i++)
            logits[model->suppress_begin[i]] = VA_FORBIDDEN;
    for (int i = 0; i < model->n_suppress; i++)
        logits[model->suppress[i]] = VA_FORBIDDEN;
    /* Languages, tasks and other marks are never part of a text. */
    forbid_range(logits, special->end + 1, rules->timestamps ? special->first_timestamp : model->n_vocab);
    if (!rules->timestamps)
        return;
    apply_timestamp_pairs(special, model->n_vocab, tokens, n, logits);
    prefer_timestamps(rules, logits);
}
