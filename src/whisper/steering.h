/* steering.h - recognition led to what may be said: after the free search, a second one among the sentences that are allowed.
 *
 * The free text stands when it is one of them. Otherwise, or when it is doubtful, the likeliest allowed sentence is looked for, with a beam
 * and absolute probabilities, so that both can be compared: how much less likely it is than the free text tells a misheard command from
 * other speech. Who makes a va_steering: src/understand. */
#ifndef VA_WHISPER_STEERING_H
#define VA_WHISPER_STEERING_H

#include "whisper/context.h"
#include "whisper/search.h"

/* Called from the thread that transcribes; several at once. */
struct va_steering {
    /* Whether the second search is worth its time, when the free one found the text, with this sum and mean of log-probabilities. */
    int (*wants)(const struct va_steering *steering, const char *text, float sum_logprob, float mean_logprob);
    int (*allowed)(const struct va_steering *steering, const int32_t *tokens, int n, struct va_token_set *ret_allowed);
    float max_loss; /* log-probability that the allowed sentence may fall short of the text; beyond, it is not found */
    int beams;
};

/* Looks for the likeliest allowed sentence in what the encoder holds, unless that is not worth its time. `free` is the search that found
 * the text, without timestamps, and `found` its result, which is gone after that. What was found goes into the transcript that grows in the
 * context. VA_ECANCELLED, VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_steering_search(va_context *context, const struct va_steering *steering, const struct va_search_options *free,
                                     const struct va_search_result *found, const char *text, va_error *error);

#endif
