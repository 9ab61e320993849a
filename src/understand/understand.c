/* understand.c - steering for the engine, and what its transcripts mean. */
#include <voice_assistant.h>

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "intent/commands.h"
#include "understand/outlook.h"
#include "understand/token_filter.h"
#include "whisper/steering.h"

#define PROMPT_BYTES 1024
#define PROMPT_TOKENS 96 /* more costs more time than it brings */
#define BEAMS 5
#define MAX_LOSS 12.0f     /* beyond, no confidence is left */
#define USUAL_MEAN (-0.4f) /* of a command, and how many tokens it counts as */
#define USUAL_WEIGHT 2.0f
#define LONGER_TIMES 1.5f   /* as long, and ... */
#define LONGER_TOKENS 3.0f  /* ... longer than this, a text may be than the command in its place */
#define LEAST_FIXED 6.0f    /* letters beside wildcards that make it even */
#define CLEAR_MEAN (-0.25f) /* log-probability of a text that is a command and needs no second look; or its sum is above ... */
#define CLEAR_SUM (-2.5f)   /* ... this: of a few words, each may be less sure */

struct steering {
    struct va_steering base;
    const va_tokenizer *tokenizer;
    const va_commands *commands;
    char *language; /* or NULL */
    va_token_filter *filter;
    pthread_mutex_t lock; /* of the prompt, which is made when it is first asked for: it would be an eighth of the program's start */
    int has_prompt;
    char prompt[PROMPT_BYTES];
};

static const struct steering *steering_of(const struct va_steering *steering)
{
    return (const struct steering *)(const void *)steering;
}

static int matches(const struct steering *steering, const char *text, va_intent **ret_intent)
{
    return va_commands_match_language(steering->commands, steering->language, text, ret_intent, NULL);
}

static int wants(const struct va_steering *base, const char *text, float sum_logprob, float mean_logprob)
{
    va_intent *intent = NULL;
    int found = matches(steering_of(base), text, &intent) == 0;

    va_intent_free(intent);
    return !found || (mean_logprob < CLEAR_MEAN && sum_logprob < CLEAR_SUM);
}

static int allowed(const struct va_steering *base, const int32_t *tokens, int n, struct va_token_set *ret_allowed)
{
    return va_token_filter_allow(steering_of(base)->filter, tokens, n, ret_allowed);
}

int va_steering_new(const va_model *model, const va_commands *commands, const char *language, va_steering **ret_steering, va_error *error)
{
    struct steering *steering = va_calloc(1, sizeof *steering);
    int r = 0;

    if (steering == NULL)
        return va_fail_memory(error);
    steering->base = (struct va_steering){.wants = wants, .allowed = allowed, .max_loss = MAX_LOSS, .beams = BEAMS};
    steering->tokenizer = model->tokenizer;
    steering->commands = commands;
    pthread_mutex_init(&steering->lock, NULL);
    if (language != NULL && (steering->language = va_strdup(language)) == NULL)
        r = va_fail_memory(error);
    if (r == 0)
        r = va_token_filter_new(model->tokenizer, commands, steering->language, &steering->filter, error);
    if (r < 0) {
        va_steering_free(&steering->base);
        return r;
    }
    *ret_steering = &steering->base;
    return 0;
}

void va_steering_free(va_steering *base)
{
    struct steering *steering = (struct steering *)(void *)base;

    if (steering == NULL)
        return;
    va_token_filter_free(steering->filter);
    pthread_mutex_destroy(&steering->lock);
    va_free(steering->language);
    va_free(steering);
}

const char *va_steering_prompt(const va_steering *base)
{
    struct steering *steering = (struct steering *)(void *)base;

    pthread_mutex_lock(&steering->lock);
    if (!steering->has_prompt)
        steering->has_prompt = va_commands_prompt(steering->commands, steering->language, steering->tokenizer, PROMPT_TOKENS,
                                                  steering->prompt, sizeof steering->prompt) == 0;
    pthread_mutex_unlock(&steering->lock);
    return steering->prompt;
}

enum va_outlook va_steering_outlook(const va_steering *steering, const char *text)
{
    return va_token_filter_outlook(steering_of(steering)->filter, text);
}

/* How sure it is that the command was said whose sentence has n_tokens, with this mean log-probability, and falls short of the text, which
 * has n_text_tokens, by `loss`: a logistic curve. A command that is much shorter than what was heard was not said. The mean of a few tokens
 * says little, so it is drawn to the usual one. docs/understanding.md has the reasons, and the figures that bench/understanding.py found.
 */
static float confidence(const va_intent *intent, size_t n_tokens, float mean, float loss, size_t n_text_tokens)
{
    float n = (float)n_tokens + 1.0f; /* with the end */
    float drawn = (mean * n + USUAL_MEAN * USUAL_WEIGHT) / (n + USUAL_WEIGHT);
    float beyond = (float)n_text_tokens - LONGER_TIMES * (float)n_tokens - LONGER_TOKENS;
    float z = 6.6f + 6.0f * drawn - 0.35f * fmaxf(loss, 0.0f) - 0.25f * fmaxf(beyond, 0.0f);

    /* Any words do for a wildcard: that it was a command, only the others tell, each letter a little. */
    if (intent->n_open > 0)
        z = fminf(z, (float)intent->n_fixed - LEAST_FIXED);
    return 1.0f / (1.0f + expf(-z));
}

static size_t count_tokens(const va_transcript *transcript)
{
    size_t n = 0;

    for (size_t i = 0; i < transcript->n_segments; i++)
        n += transcript->segments[i].n_tokens;
    return n;
}

int va_understand(const va_steering *base, const va_transcript *transcript, va_understanding **ret_understanding, va_error *error)
{
    const struct steering *steering = steering_of(base);
    va_understanding *understanding = va_calloc(1, sizeof *understanding);
    va_intent *intent = NULL;
    int r;

    if (understanding == NULL)
        return va_fail_memory(error);
    understanding->text = transcript->text;
    if ((r = matches(steering, transcript->text, &understanding->intent)) == 0)
        understanding->confidence = confidence(understanding->intent, count_tokens(transcript), transcript->text_logprob, 0.0f, 0);
    /* The text stands when it is a command itself, unless another is likelier. */
    if (transcript->command_text != NULL && (r < 0 || transcript->command_loss < 0.0f) && r != VA_ENOMEM &&
        (r = matches(steering, transcript->command_text, &intent)) == 0) {
        va_intent_free(understanding->intent);
        understanding->intent = intent;
        understanding->text = transcript->command_text;
        understanding->confidence = confidence(intent, (size_t)transcript->command_n_tokens, transcript->command_logprob,
                                               transcript->command_loss, count_tokens(transcript));
    }
    if (r == VA_ENOMEM) {
        va_understanding_free(understanding);
        return va_fail_memory(error);
    }
    *ret_understanding = understanding;
    return 0;
}

void va_understanding_free(va_understanding *understanding)
{
    if (understanding == NULL)
        return;
    va_intent_free(understanding->intent);
    va_free(understanding);
}
