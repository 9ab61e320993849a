#include "whisper/score.h"

#include <ctype.h>
#include <math.h>

#include "base/memory.h"
#include "whisper/rules.h"

#define LOGITS_ROWS 32 /* of one pass */

struct va_scorer {
    const va_model *model;
    struct va_rules rules;
    uint8_t *continues;                                                    /* [n_vocab] */
    float *first;                                                          /* [logits size] behind the prompt */
    float *logits;                                                         /* [LOGITS_ROWS][logits size] */
    int32_t slots[LOGITS_ROWS][VA_SCORE_MAX_PROMPT + VA_SCORE_MAX_TOKENS]; /* of each sequence of a pass */
};

static size_t logits_size(const va_model *model)
{
    return ((size_t)model->n_vocab + VA_PANEL - 1) / VA_PANEL * VA_PANEL;
}

static int token_continues(const va_model *model, int32_t token)
{
    size_t n;
    const uint8_t *bytes = va_tokenizer_bytes(model->tokenizer, token, &n);
    return n > 0 && (bytes[0] >= 0x80 || isalnum(bytes[0]));
}

int va_scorer_new(const va_model *model, va_scorer **ret_scorer, va_error *error)
{
    va_scorer *scorer = va_calloc(1, sizeof *scorer);
    if (scorer == NULL)
        return va_fail_memory(error);
    scorer->model = model;
    scorer->rules = (struct va_rules){.model = model};
    scorer->continues = va_alloc((size_t)model->n_vocab, 1);
    scorer->first = va_alloc_aligned(logits_size(model), sizeof(float));
    scorer->logits = va_alloc_aligned(LOGITS_ROWS * logits_size(model), sizeof(float));
    if (scorer->continues == NULL || scorer->first == NULL || scorer->logits == NULL) {
        va_scorer_free(scorer);
        return va_fail_memory(error);
    }
    for (int32_t i = 0; i < model->n_vocab; i++)
        scorer->continues[i] = (uint8_t)token_continues(model, i);
    *ret_scorer = scorer;
    return 0;
}

void va_scorer_free(va_scorer *scorer)
{
    if (scorer == NULL)
        return;
    va_free(scorer->continues);
    va_free(scorer->first);
    va_free(scorer->logits);
    va_free(scorer);
}

int va_start_tokens(const va_model *model, int language, int32_t ret_tokens[VA_START_TOKENS])
{
    const struct va_special_tokens *special = model->special;
    int n = 0;

    ret_tokens[n++] = special->start;
    if (special->multilingual) {
        ret_tokens[n++] = special->first_language + language;
        ret_tokens[n++] = special->transcribe;
    }
    ret_tokens[n++] = special->no_timestamps;
    return n;
}

int va_scorer_continues(const va_scorer *scorer, int32_t token)
{
    return scorer->continues[token];
}

/* log of the sum of exp over the vocabulary. */
static float log_sum(const va_model *model, const float *logits)
{
    float top = model->kernels->max(logits, model->n_vocab);
    return top + logf(model->kernels->sum_exp(logits, model->n_vocab, top));
}

/* Log-probability that no token follows that goes on with the word; norm is that of the logits, which are spoilt. */
static float end_of_word(const va_scorer *scorer, float *logits, float norm)
{
    for (int i = 0; i < scorer->model->n_vocab; i++)
        logits[i] = scorer->continues[i] ? VA_FORBIDDEN : logits[i];
    return log_sum(scorer->model, logits) - norm;
}

/* Runs the prompt, and leaves in `first` the log-probabilities of what follows it. */
static void run_prompt(va_scorer *scorer, va_decoder *decoder, const va_encoder *encoder, const int32_t *prompt, int n_prompt, int n_before)
{
    struct va_decoder_row rows[VA_SCORE_MAX_PROMPT];

    for (int i = 0; i < n_prompt; i++) {
        for (int s = 0; s < LOGITS_ROWS; s++)
            scorer->slots[s][i] = i;
        rows[i] = (struct va_decoder_row){.token = prompt[i], .position = i, .logits = i == n_prompt - 1, .slots = scorer->slots[0]};
    }
    va_decoder_run(decoder, encoder, rows, n_prompt, NULL, scorer->first);
    va_rules_apply(&scorer->rules, prompt + n_prompt - n_before, n_before, scorer->first);
}

/* Scores one sequence, whose rows' logits begin at `logits`. */
static float score(va_scorer *scorer, const struct va_token_sequence *sequence, int n_before, float first_norm, float *logits, int any_end)
{
    float sum = scorer->first[sequence->tokens[0]] - first_norm;

    for (int i = 0; i < sequence->n; i++) {
        float *row = logits + (size_t)i * logits_size(scorer->model);
        va_rules_apply(&scorer->rules, sequence->tokens, n_before + i + 1, row);
        float norm = log_sum(scorer->model, row);
        if (i + 1 < sequence->n)
            sum += row[sequence->tokens[i + 1]] - norm;
        else if (!any_end)
            sum += end_of_word(scorer, row, norm);
    }
    return fmaxf(sum, VA_FORBIDDEN);
}

void va_scorer_run(va_scorer *scorer, va_search *search, const va_encoder *encoder, const int32_t *prompt, int n_prompt, int n_before,
                   const struct va_token_sequence *sequences, int n, int any_end, float *ret_logprobs)
{
    va_decoder *decoder = va_search_decoder(search);
    struct va_decoder_row rows[LOGITS_ROWS];

    run_prompt(scorer, decoder, encoder, prompt, n_prompt, n_before);
    float norm = log_sum(scorer->model, scorer->first);
    for (int from = 0, to; from < n; from = to) {
        int m = 0;
        for (to = from; to < n && m + sequences[to].n <= LOGITS_ROWS; to++)
            for (int i = 0; i < sequences[to].n; i++, m++) {
                int32_t *slots = scorer->slots[to - from];
                slots[n_prompt + i] = n_prompt + m; /* a slot that no other row has */
                rows[m] = (struct va_decoder_row){.token = sequences[to].tokens[i], .position = n_prompt + i, .logits = 1, .slots = slots};
            }
        va_decoder_run(decoder, encoder, rows, m, NULL, scorer->logits);
        float *logits = scorer->logits;
        for (int s = from; s < to; s++) {
            ret_logprobs[s] = score(scorer, &sequences[s], n_before, norm, logits, any_end);
            logits += (size_t)sequences[s].n * logits_size(scorer->model);
        }
    }
}
