#include "whisper/search.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "whisper/repetition.h"
#include "whisper/rules.h"

struct va_search {
    const va_model *model;
    va_decoder *decoder;
    float *logits;                                 /* [max(beams, LOGITS_ROWS)][va_decoder_logits_size] */
    struct va_hypothesis *beams, *next, *finished; /* [beams] each */
    int max_beams;

    const struct va_search_options *options; /* of the run under way */
    const va_encoder *encoder;
    int n_beams, n_finished;
    float norms[VA_SEARCH_MAX_BEAMS]; /* of each beam's logits: log-probability of a token is its logit minus this */
    struct va_token_set *allowed;     /* [beams] what may follow each */
    struct va_token_set wanted;       /* by any of them */
    int is_restricted[VA_SEARCH_MAX_BEAMS], is_any_free;
    int n_guess;   /* tokens of the guess whose logits are there */
    int guess_row; /* logits after the first of them; the others follow */
    uint64_t random;
    int32_t fed[VA_SEARCH_MAX_TOKENS]; /* [n_fed] the prompt of the last run, whose keys and values are in beam 0 */
    int n_fed;
    float no_speech;
};

/* The start token's, the last prompt token's and those of a guess. */
#define LOGITS_ROWS (2 + VA_SEARCH_MAX_GUESS)

struct candidate {
    float score; /* sum of log-probabilities */
    float logprob;
    int beam;
    int32_t token;
};

int va_search_new(const va_model *model, va_pool *pool, int beams, va_search **ret_search, va_error *error)
{
    va_search *search = va_calloc(1, sizeof *search);
    if (search == NULL)
        return va_fail_memory(error);
    search->model = model;
    search->max_beams = beams;
    int r = va_decoder_new(model, pool, beams, &search->decoder, error);
    if (r < 0)
        goto fail;
    search->logits = va_alloc_aligned((size_t)(beams < LOGITS_ROWS ? LOGITS_ROWS : beams) * (size_t)va_decoder_logits_size(search->decoder),
                                      sizeof(float));
    search->allowed = va_alloc((size_t)beams, sizeof *search->allowed);
    search->beams = va_alloc((size_t)beams, sizeof *search->beams);
    search->next = va_alloc((size_t)beams, sizeof *search->next);
    search->finished = va_alloc((size_t)beams, sizeof *search->finished);
    if (search->logits == NULL || search->allowed == NULL || search->beams == NULL || search->next == NULL || search->finished == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    *ret_search = search;
    return 0;

fail:
    va_search_free(search);
    return r;
}

void va_search_free(va_search *search)
{
    if (search == NULL)
        return;
    va_decoder_free(search->decoder);
    va_free(search->logits);
    va_free(search->allowed);
    va_free(search->beams);
    va_free(search->next);
    va_free(search->finished);
    va_free(search);
}

int va_search_beams(const va_search *search)
{
    return search->max_beams;
}

va_decoder *va_search_decoder(va_search *search)
{
    return search->decoder;
}

static float *logits_row(const va_search *search, int row)
{
    return search->logits + (size_t)row * (size_t)va_decoder_logits_size(search->decoder);
}

/* Feeds tokens [n] as one hypothesis in beam 0; the first n_before are the text before. Logits (of the tokens wanted) of token `start` go
 * to row 0; those of token `first` and all behind it follow (beginning with row 0, when that is the same token). Returns the row of token
 * `first`. */
static int feed(va_search *search, const va_encoder *encoder, const int32_t *tokens, int n, int n_before, int start, int first,
                const struct va_token_set *wanted_tokens)
{
    int32_t *slots = search->beams[0].slots;
    struct va_decoder_row rows[VA_DECODER_MAX_ROWS];
    int wanted = 0;

    for (int i = 0; i < n; i++)
        slots[i] = i; /* beam 0 */
    /* The text before goes alone, in passes that want no logits: the decoder makes less of them. */
    for (int at = 0, m; at < n; at += m) {
        int end = at < n_before ? n_before : n, before = wanted;
        m = end - at < VA_DECODER_MAX_ROWS ? end - at : VA_DECODER_MAX_ROWS;
        for (int i = 0; i < m; i++) {
            int position = at + i, wants = position == start || position >= first;
            rows[i] = (struct va_decoder_row){.token = tokens[position], .position = position, .logits = wants, .slots = slots};
            wanted += wants;
        }
        va_decoder_run(search->decoder, encoder, rows, m, wanted_tokens, logits_row(search, before));
    }
    return start == first ? 0 : 1;
}

const float *va_search_feed(va_search *search, const va_encoder *encoder, const int32_t *tokens, int n, const struct va_token_set *wanted)
{
    search->n_fed = 0;
    return logits_row(search, feed(search, encoder, tokens, n, 0, n - 1, n - 1, wanted));
}

/* ---- scores ---- */

/* log of the sum of exp over the vocabulary: log-probability of a token is its logit minus this. */
static float log_sum(const va_search *search, const float *logits)
{
    int n = search->model->n_vocab;
    float top = search->model->kernels->max(logits, n);
    return top + logf(search->model->kernels->sum_exp(logits, n, top));
}

static float probability(const va_search *search, const float *logits, int32_t token)
{
    return expf(logits[token] - log_sum(search, logits));
}

static int32_t argmax(const va_search *search, const float *logits)
{
    float top = search->model->kernels->max(logits, search->model->n_vocab);
    for (int32_t i = 0; i < search->model->n_vocab; i++)
        if (logits[i] == top)
            return i;
    return search->model->special->end; /* only when the logits are not numbers */
}

/* xorshift64*: enough for drawing tokens, and the same on every machine. */
static double draw(va_search *search)
{
    search->random ^= search->random >> 12;
    search->random ^= search->random << 25;
    search->random ^= search->random >> 27;
    return (double)((search->random * 2685821657736338717u) >> 11) * 0x1p-53;
}

static int32_t sample(va_search *search, const float *logits, float temperature)
{
    int n = search->model->n_vocab;
    double top = search->model->kernels->max(logits, n), sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += exp((logits[i] - top) / temperature);
    double left = draw(search) * sum;
    for (int32_t i = 0; i < n; i++) {
        left -= exp((logits[i] - top) / temperature);
        if (left <= 0.0)
            return i;
    }
    return argmax(search, logits);
}

static float rank(const va_search *search, const struct va_hypothesis *hypothesis)
{
    if (search->options->absolute)
        return hypothesis->ended ? hypothesis->sum_logprob : VA_FORBIDDEN;
    return hypothesis->sum_logprob / (float)(hypothesis->n > 0 ? hypothesis->n : 1);
}

/* ---- steps ---- */

/* The hypothesis grows by a token, which will stand in `beam`. */
static void extend(const va_search *search, struct va_hypothesis *hypothesis, int32_t token, float logprob, int beam)
{
    int position = search->options->n_prompt + hypothesis->n;
    hypothesis->tokens[hypothesis->n] = token;
    hypothesis->logprobs[hypothesis->n] = logprob;
    hypothesis->slots[position] = beam * search->model->text_ctx + position;
    hypothesis->sum_logprob += logprob;
    hypothesis->n++;
    hypothesis->looping = va_is_looping(hypothesis->tokens, hypothesis->n);
}

/* ended: it came to its end, whose log-probability that is. */
static void finish(va_search *search, const struct va_hypothesis *hypothesis, int ended, float end_logprob)
{
    int hopeless = search->options->absolute && hypothesis->sum_logprob + end_logprob < search->options->least_logprob;
    if (search->n_finished == search->max_beams || hopeless)
        return;
    struct va_hypothesis *finished = &search->finished[search->n_finished++];
    *finished = *hypothesis;
    finished->sum_logprob += end_logprob;
    finished->ended = ended;
}

/* Greedy and sampling: every beam goes its own way and leaves when it ends. */
static void step_alone(va_search *search)
{
    int32_t end = search->model->special->end;
    int kept = 0;
    for (int b = 0; b < search->n_beams; b++) {
        struct va_hypothesis *hypothesis = &search->beams[b];
        float *logits = logits_row(search, b);
        int32_t token = search->options->temperature > 0.0f ? sample(search, logits, search->options->temperature) : argmax(search, logits);
        float logprob = logits[token] - search->norms[b];
        if (token == end) {
            finish(search, hypothesis, 1, logprob);
            continue;
        }
        extend(search, hypothesis, token, logprob, kept);
        if (hypothesis->looping) {
            finish(search, hypothesis, 0, 0.0f);
            continue;
        }
        if (kept != b)
            search->beams[kept] = *hypothesis;
        kept++;
    }
    search->n_beams = kept;
}

/* Inserts into candidates [*n], kept in falling order of score, at most `capacity`. */
static void insert_candidate(struct candidate *candidates, int *n, int capacity, struct candidate new)
{
    int i = *n;
    if (i == capacity && candidates[i - 1].score >= new.score)
        return;
    if (i < capacity)
        (*n)++;
    else
        i--;
    for (; i > 0 && candidates[i - 1].score < new.score; i--)
        candidates[i] = candidates[i - 1];
    candidates[i] = new;
}

/* The best `capacity` tokens of one beam. */
static int best_tokens(const va_search *search, int beam, int capacity, struct candidate *candidates)
{
    const float *logits = logits_row(search, beam);
    float sum = search->beams[beam].sum_logprob, norm = search->norms[beam], worst = VA_FORBIDDEN / 2;
    int n = 0;
    for (int32_t i = 0; i < search->model->n_vocab; i++) {
        if (logits[i] <= worst)
            continue;
        insert_candidate(candidates, &n, capacity, (struct candidate){sum + logits[i] - norm, logits[i] - norm, beam, i});
        if (n == capacity)
            worst = candidates[n - 1].logprob + norm;
    }
    return n;
}

/* Every beam offers its best tokens; those that end leave, the best others go on. */
static void step_beams(va_search *search)
{
    struct candidate all[VA_SEARCH_MAX_BEAMS * (VA_SEARCH_MAX_BEAMS + 1)], own[VA_SEARCH_MAX_BEAMS + 1];
    int wanted = search->options->beams, n_all = 0, kept = 0;

    for (int b = 0; b < search->n_beams; b++) {
        int n = best_tokens(search, b, wanted + 1, own);
        for (int i = 0; i < n; i++)
            insert_candidate(all, &n_all, wanted * (wanted + 1), own[i]);
    }
    if (n_all == 0) { /* only when the logits are not numbers */
        finish(search, &search->beams[0], 0, 0.0f);
        search->n_beams = 0;
        return;
    }
    for (int i = 0; i < n_all && kept < wanted; i++) {
        const struct va_hypothesis *parent = &search->beams[all[i].beam];
        if (all[i].token == search->model->special->end) {
            finish(search, parent, 1, all[i].logprob);
            continue;
        }
        search->next[kept] = *parent;
        extend(search, &search->next[kept], all[i].token, all[i].logprob, kept);
        if (search->next[kept].looping && kept == 0) {
            finish(search, &search->next[kept], 0, 0.0f);
            search->n_beams = 0;
            return;
        }
        kept++;
    }
    struct va_hypothesis *swap = search->beams;
    search->beams = search->next;
    search->next = swap;
    search->n_beams = search->n_finished >= wanted ? 0 : kept;
}

/* With absolute sums, which only fall: hypotheses that cannot win any more leave, the likeliest being first. */
static void drop_hopeless(va_search *search)
{
    float least = search->options->least_logprob;

    for (int i = 0; i < search->n_finished; i++)
        if (search->finished[i].sum_logprob > least)
            least = search->finished[i].sum_logprob;
    while (search->n_beams > 0 && search->beams[search->n_beams - 1].sum_logprob < least)
        search->n_beams--;
}

/* Runs the decoder over the last token of every beam. */
static void decode_beams(va_search *search)
{
    struct va_decoder_row rows[VA_SEARCH_MAX_BEAMS];
    for (int b = 0; b < search->n_beams; b++) {
        const struct va_hypothesis *hypothesis = &search->beams[b];
        rows[b] = (struct va_decoder_row){.token = hypothesis->tokens[hypothesis->n - 1],
                                          .position = search->options->n_prompt + hypothesis->n - 1,
                                          .logits = 1,
                                          .slots = hypothesis->slots};
    }
    va_decoder_run(search->decoder, search->encoder, rows, search->n_beams, search->is_any_free ? NULL : &search->wanted, search->logits);
}

static void filter_beams(va_search *search)
{
    for (int b = 0; b < search->n_beams; b++) {
        float *logits = logits_row(search, b);
        search->options->filter(search->options->filter_user, search->beams[b].tokens, search->beams[b].n, logits);
        search->norms[b] = log_sum(search, logits);
    }
}

/* Asks what may follow each beam. */
static void ask_allowed(va_search *search)
{
    const struct va_search_options *options = search->options;

    search->is_any_free = 0;
    va_token_set_clear(&search->wanted);
    for (int b = 0; b < search->n_beams; b++) {
        const struct va_hypothesis *hypothesis = &search->beams[b];
        struct va_token_set *set = &search->allowed[b];
        va_token_set_clear(set);
        search->is_restricted[b] =
            options->allowed != NULL && options->allowed(options->allowed_user, hypothesis->tokens, hypothesis->n, set);
        if (search->is_restricted[b] && !options->absolute && va_token_set_is_empty(set))
            va_token_set_add(set, search->model->special->end);
        search->is_any_free |= !search->is_restricted[b] || options->absolute;
        va_token_set_add_all(&search->wanted, set);
    }
}

static void forbid_others(va_search *search)
{
    int panels = va_decoder_logits_size(search->decoder) / VA_PANEL;

    for (int b = 0; b < search->n_beams; b++)
        for (int p = 0; search->is_restricted[b] && p < panels; p++) {
            unsigned allowed = va_token_set_panel(&search->allowed[b], p);
            float *logits = logits_row(search, b) + (size_t)p * VA_PANEL;
            for (int j = 0; allowed != 0xffff && j < VA_PANEL; j++)
                if (!(allowed >> j & 1))
                    logits[j] = VA_FORBIDDEN;
        }
}

static size_t logits_bytes(const va_search *search)
{
    return (size_t)va_decoder_logits_size(search->decoder) * sizeof(float);
}

/* 1 when the prompt is what was fed last: then only its last token is run, for its logits. */
static int take_prompt(va_search *search)
{
    const struct va_search_options *options = search->options;
    int last = options->n_prompt - 1;

    if (!options->same_prompt || search->n_fed != options->n_prompt ||
        memcmp(search->fed, options->prompt, (size_t)search->n_fed * sizeof *search->fed) != 0)
        return 0;
    int32_t *slots = search->beams[0].slots;
    for (int i = 0; i <= last; i++)
        slots[i] = i; /* beam 0 */
    const struct va_decoder_row row = {.token = search->fed[last], .position = last, .logits = 1, .slots = slots};
    va_decoder_run(search->decoder, search->encoder, &row, 1, NULL, search->logits);
    return 1;
}

/* The prompt's own pass, and the first token of each beam from its last logits. A guess goes with it. */
static void start(va_search *search)
{
    const struct va_search_options *options = search->options;
    struct va_hypothesis *first = &search->beams[0];
    int32_t tokens[VA_SEARCH_MAX_TOKENS];
    int room = search->model->text_ctx - options->n_prompt;

    *first = (struct va_hypothesis){.n = 0};
    search->n_guess = options->n_guess < VA_SEARCH_MAX_GUESS ? options->n_guess : VA_SEARCH_MAX_GUESS;
    search->n_guess = search->n_guess < room ? search->n_guess : room;
    if (options->beams > 1 || options->temperature > 0.0f)
        search->n_guess = 0;
    if (!take_prompt(search)) {
        memcpy(tokens, options->prompt, (size_t)options->n_prompt * sizeof *tokens);
        if (search->n_guess > 0)
            memcpy(tokens + options->n_prompt, options->guess, (size_t)search->n_guess * sizeof *tokens);
        int last = feed(search, search->encoder, tokens, options->n_prompt + search->n_guess, options->start, options->start,
                        options->n_prompt - 1, NULL);
        search->guess_row = last + 1;
        search->no_speech = probability(search, logits_row(search, 0), search->model->special->no_speech);
        if (last != 0)
            memcpy(logits_row(search, 0), logits_row(search, last), logits_bytes(search));
        memcpy(search->fed, options->prompt, (size_t)options->n_prompt * sizeof *tokens);
        search->n_fed = options->n_prompt;
    } else {
        search->n_guess = 0;
    }
    search->n_beams = 1;
    filter_beams(search);
    ask_allowed(search);
    forbid_others(search);
    if (options->temperature > 0.0f)
        for (int b = 1; b < options->beams; b++) {
            search->beams[b] = *first;
            memcpy(logits_row(search, b), logits_row(search, 0), logits_bytes(search));
            search->norms[b] = search->norms[0];
            search->n_beams++;
        }
}

/* 1 when the n tokens so far are those of the guess: the next one's logits are there already, and become row 0. */
static int take_guessed(va_search *search, int n)
{
    if (n > search->n_guess || memcmp(search->beams[0].tokens, search->options->guess, (size_t)n * sizeof(int32_t)) != 0)
        return 0;
    memcpy(logits_row(search, 0), logits_row(search, search->guess_row + n - 1), logits_bytes(search));
    return 1;
}

static const struct va_hypothesis *best_hypothesis(va_search *search)
{
    /* Those that did not come to an end count too, when fewer than wanted did. */
    for (int b = 0; b < search->n_beams && search->n_finished < search->options->beams; b++)
        finish(search, &search->beams[b], 0, 0.0f);
    if (search->n_finished == 0)
        search->finished[0] = (struct va_hypothesis){.n = 0};
    const struct va_hypothesis *best = &search->finished[0];
    for (int i = 1; i < search->n_finished; i++)
        if (rank(search, &search->finished[i]) > rank(search, best))
            best = &search->finished[i];
    return best;
}

int va_search_run(va_search *search, const va_encoder *encoder, const struct va_search_options *options,
                  struct va_search_result *ret_result)
{
    int room = search->model->text_ctx - options->n_prompt;
    int max_tokens = options->max_tokens < room ? options->max_tokens : room;
    if (options->beams < 1 || options->beams > search->max_beams || options->n_prompt < 1 || max_tokens < 1)
        return VA_EINVAL;

    search->options = options;
    search->encoder = encoder;
    search->n_finished = 0;
    search->random = options->seed * 2654435769u + 88172645463325252u;
    start(search);
    for (int n = 0; search->n_beams > 0; n++) {
        if (n > 0) {
            ask_allowed(search);
            if (!take_guessed(search, n))
                decode_beams(search);
            if (!options->absolute)
                forbid_others(search);
            filter_beams(search);
            if (options->absolute)
                forbid_others(search);
        }
        if (options->beams > 1 && options->temperature <= 0.0f)
            step_beams(search);
        else
            step_alone(search);
        if (options->absolute)
            drop_hopeless(search);
        if (n + 1 >= max_tokens)
            break;
        if (options->cancelled != NULL && options->cancelled(options->cancelled_user))
            return VA_ECANCELLED;
    }
    const struct va_hypothesis *best = best_hypothesis(search);
    float mean = best->sum_logprob / (float)(best->n + 1);
    *ret_result = (struct va_search_result){best, search->finished, search->n_finished, mean, search->no_speech};
    return 0;
}
