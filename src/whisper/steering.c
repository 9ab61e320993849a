#include "whisper/steering.h"

static int ask(void *user, const int32_t *tokens, int n, struct va_token_set *ret_allowed)
{
    const struct va_steering *steering = user;
    return steering->allowed(steering, tokens, n, ret_allowed);
}

int va_steering_search(va_context *context, const struct va_steering *steering, const struct va_search_options *free,
                       const struct va_search_result *found, const char *text, va_error *error)
{
    struct va_transcript_builder *builder = &context->transcript;
    struct va_search_options options = *free;
    struct va_search_result result;
    float free_sum = found->best->sum_logprob, free_mean = found->avg_logprob;

    builder->head.text_logprob = free_mean;
    if (!steering->wants(steering, text, free_sum, free_mean))
        return 0;
    options.beams = steering->beams;
    options.temperature = 0.0f;
    options.n_guess = 0;
    options.same_prompt = 1;
    options.allowed = ask;
    options.allowed_user = (void *)steering; /* which `ask` does not change */
    options.absolute = 1;
    options.least_logprob = free_sum - steering->max_loss;
    int r = va_context_need_beams(context, options.beams, error);
    if (r < 0)
        return r;
    if ((r = va_search_run(context->search, context->encoder, &options, &result)) < 0)
        return va_fail(error, r, r == VA_ECANCELLED ? "cancelled" : "decoding failed");
    if (!result.best->ended || result.best->n == 0)
        return 0;
    builder->head.command_logprob = result.avg_logprob;
    builder->head.command_n_tokens = result.best->n;
    builder->head.command_loss = free_sum - result.best->sum_logprob;
    r = va_transcript_set_command(builder, context->model->tokenizer, result.best->tokens, result.best->n);
    return r < 0 ? va_fail(error, r, "the text of a command is too long") : 0;
}
