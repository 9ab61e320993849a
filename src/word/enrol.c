/* enrol.c - a word from a few spoken samples: what they sound like, and how they may be written. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "vad/ear.h"
#include "whisper/rules.h"
#include "whisper/segments.h"
#include "word/acoustic.h"

#define UNLIKE_DISTANCE 0.64f  /* of a sample from half of the others: beyond, it is not their word */
#define LEAST_LOGPROB (-14.0f) /* of a writing: a worse one counts no less */
#define LEAST_GAIN 0.5f        /* in log-probability of all samples together, that a further writing must bring */
enum { BEAMS = 8, MAX_HEARD = 12, MAX_CANDIDATES = VA_SCORE_MAX_SEQUENCES };

/* What is used of a sample. */
struct part {
    size_t sample;
    const float *pcm; /* [n] its speech, with padding */
    size_t n;
    float *rows; /* [frames][d] */
    struct va_word_rows view;
};

struct enrolment {
    va_context *context;
    va_word_model *word;
    enum va_word_sample_state *states;
    struct part parts[VA_WORD_MAX_SAMPLES]; /* [n_parts] */
    int n_parts;
    struct va_token_sequence candidates[MAX_CANDIDATES];
    int n_candidates;
    float logprobs[VA_WORD_MAX_SAMPLES][MAX_CANDIDATES]; /* of each writing in each part */
};

/* ---- the speech ---- */

struct speech {
    struct va_speech_event longest;
};

static void take_longest(void *user, const struct va_speech_event *event)
{
    struct speech *speech = user;
    int is_end = event->kind == VA_SPEECH_END || event->kind == VA_SPEECH_TOO_LONG;

    if (is_end &&
        (speech->longest.kind == VA_SPEECH_NONE || event->speech_end - event->start > speech->longest.speech_end - speech->longest.start))
        speech->longest = *event;
}

/* Finds the speech in a sample and adds it to the parts, unless it is of no use. */
static int find_speech(struct enrolment *enrolment, const va_vad_model *vad, const struct va_word_sample *samples, size_t i,
                       va_error *error)
{
    struct va_ear_options options = VA_EAR_DEFAULTS;
    struct speech speech = {{0}};
    va_ear *ear;

    options.judge_all = 1;
    options.endpointer.pad_before_ms = VA_WORD_PAD * 20;
    int r = va_ear_new(vad, enrolment->context->model->kernels, &options, &ear, error);
    if (r < 0)
        return r;
    va_ear_push(ear, samples[i].pcm, samples[i].n, take_longest, &speech);
    va_ear_finish(ear, take_longest, &speech);
    va_ear_free(ear);
    const struct va_speech_event *found = &speech.longest;
    if (found->kind == VA_SPEECH_NONE) {
        enrolment->states[i] = VA_WORD_SAMPLE_SILENT;
        return 0;
    }
    size_t end = found->end < samples[i].n ? (size_t)found->end : samples[i].n, start = (size_t)found->start;
    int first = start > 0 ? VA_WORD_PAD : 0, last = (int)((found->speech_end - found->start) / VA_FRAME_SAMPLES);
    size_t spoken = last > first ? (size_t)(last - first) * VA_FRAME_SAMPLES : 0;
    if (spoken < VA_WORD_SHORTEST || spoken > VA_WORD_LONGEST) {
        enrolment->states[i] = spoken < VA_WORD_SHORTEST ? VA_WORD_SAMPLE_SHORT : VA_WORD_SAMPLE_LONG;
        return 0;
    }
    struct part *part = &enrolment->parts[enrolment->n_parts++];
    *part = (struct part){.sample = i, .pcm = samples[i].pcm + start, .n = end - start};
    int frames = (int)((part->n + VA_FRAME_SAMPLES - 1) / VA_FRAME_SAMPLES);
    part->view = (struct va_word_rows){.frames = frames, .first = first, .end = last < frames ? last : frames};
    enrolment->states[i] = VA_WORD_SAMPLE_USED;
    return 0;
}

/* ---- writings ---- */

static int is_word(const va_tokenizer *tokenizer, int32_t token)
{
    size_t n;
    const uint8_t *bytes = va_tokenizer_bytes(tokenizer, token, &n);

    for (size_t i = 0; i < n; i++)
        if (bytes[i] >= 0x80 || isalnum(bytes[i]))
            return 1;
    return 0;
}

/* A hypothesis without the marks at its end. */
static void add_candidate(struct enrolment *enrolment, const struct va_hypothesis *hypothesis)
{
    struct va_token_sequence *new = &enrolment->candidates[enrolment->n_candidates];
    int n = hypothesis->n;

    while (n > 0 && !is_word(enrolment->word->model->tokenizer, hypothesis->tokens[n - 1]))
        n--;
    if (n == 0 || n > VA_SCORE_MAX_TOKENS || enrolment->n_candidates == MAX_CANDIDATES)
        return;
    for (int i = 0; i < enrolment->n_candidates; i++)
        if (enrolment->candidates[i].n == n &&
            memcmp(enrolment->candidates[i].tokens, hypothesis->tokens, (size_t)n * sizeof(int32_t)) == 0)
            return;
    memcpy(new->tokens, hypothesis->tokens, (size_t)n * sizeof(int32_t));
    new->n = n;
    enrolment->n_candidates++;
}

/* Encodes a part, keeps its rows, and collects how it may be written. */
static int listen(struct enrolment *enrolment, struct part *part, va_error *error)
{
    va_context *context = enrolment->context;
    size_t size = (size_t)part->view.frames * (size_t)context->model->width;
    int32_t prompt[VA_START_TOKENS];
    struct va_rules rules = {.model = context->model};
    const struct va_search_options options = {.prompt = prompt,
                                              .n_prompt = va_start_tokens(context->model, enrolment->word->language, prompt),
                                              .beams = BEAMS,
                                              .max_tokens = MAX_HEARD,
                                              .filter = va_rules_apply,
                                              .filter_user = &rules};
    struct va_search_result result;

    va_context_encode(context, part->pcm, part->n);
    if ((part->rows = va_alloc(size, sizeof(float))) == NULL)
        return va_fail_memory(error);
    memcpy(part->rows, va_encoder_rows(context->encoder), size * sizeof(float));
    part->view.rows = part->rows;
    int r = va_search_run(context->search, context->encoder, &options, &result);
    if (r < 0)
        return va_fail(error, r, "decoding failed");
    for (int i = 0; i < result.n_found; i++)
        if (result.found[i].ended)
            add_candidate(enrolment, &result.found[i]);
    return 0;
}

/* How much likelier the parts become, all together, when a writing is added to those that give them `sums`. */
static float gain(const struct enrolment *enrolment, const float *sums, int candidate)
{
    float sum = 0.0f;

    for (int p = 0; p < enrolment->n_parts; p++)
        sum += va_word_add_logs(sums[p], enrolment->logprobs[p][candidate]) - sums[p];
    return sum;
}

/* Keeps the few writings that make all parts likely: the one that brings most, then the one that adds most to it, and so on. What only one
 * part could be taken for brings little, and is left out. */
static void choose_writings(struct enrolment *enrolment)
{
    va_word_model *word = enrolment->word;
    float sums[VA_WORD_MAX_SAMPLES];
    int is_taken[MAX_CANDIDATES] = {0};

    for (int p = 0; p < enrolment->n_parts; p++)
        sums[p] = LEAST_LOGPROB;
    for (word->n_writings = 0; word->n_writings < VA_WORD_MAX_WRITINGS; word->n_writings++) {
        int best = -1;
        float best_gain = word->n_writings == 0 ? -1.0f : LEAST_GAIN;
        for (int c = 0; c < enrolment->n_candidates; c++) {
            float brings = is_taken[c] ? -1.0f : gain(enrolment, sums, c);
            if (brings > best_gain) {
                best = c;
                best_gain = brings;
            }
        }
        if (best < 0)
            break;
        is_taken[best] = 1;
        word->writings[word->n_writings] = enrolment->candidates[best];
        for (int p = 0; p < enrolment->n_parts; p++)
            sums[p] = va_word_add_logs(sums[p], enrolment->logprobs[p][best]);
    }
}

static int find_writings(struct enrolment *enrolment, va_error *error)
{
    va_context *context = enrolment->context;
    int32_t prompt[VA_START_TOKENS];
    int n = va_start_tokens(context->model, enrolment->word->language, prompt);

    if (enrolment->n_candidates == 0)
        return va_fail(error, VA_EINVAL, "no word was heard in the samples");
    for (int p = 0; p < enrolment->n_parts; p++) {
        va_context_encode(context, enrolment->parts[p].pcm, enrolment->parts[p].n);
        va_scorer_run(context->scorer, context->search, context->encoder, prompt, n, 0, enrolment->candidates, enrolment->n_candidates,
                      va_word_any_end(enrolment->word), enrolment->logprobs[p]);
    }
    choose_writings(enrolment);
    return va_word_finish_writings(context, enrolment->word, error);
}

/* ---- the sound ---- */

static int make_templates(struct enrolment *enrolment, va_error *error)
{
    struct va_word_rows views[VA_WORD_MAX_SAMPLES];

    for (int p = 0; p < enrolment->n_parts; p++)
        views[p] = enrolment->parts[p].view;
    return va_word_make_templates(enrolment->word, views, enrolment->n_parts, error);
}

/* The median of a part's distances from the templates of the others. */
static float median_distance(const struct va_word_place *places, int n, int own)
{
    float sorted[VA_WORD_MAX_SAMPLES] = {0};
    int m = 0;

    for (int i = 0; i < n; i++) {
        int at = m;
        if (i == own)
            continue;
        for (; at > 0 && sorted[at - 1] > places[i].distance; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = places[i].distance;
        m++;
    }
    return (sorted[(m - 1) / 2] + sorted[m / 2]) / 2.0f;
}

/* The part that is least like the others, and its distance from them. */
static int find_outsider(const struct enrolment *enrolment, int *ret_part, float *ret_distance, va_error *error)
{
    struct va_word_place places[VA_WORD_MAX_SAMPLES];

    *ret_distance = -1.0f;
    for (int p = 0; p < enrolment->n_parts; p++) {
        const struct va_word_rows *view = &enrolment->parts[p].view;
        int r = va_word_find(enrolment->word, view->rows, view->frames, places, error);
        if (r < 0)
            return r;
        float distance = median_distance(places, enrolment->n_parts, p);
        if (distance > *ret_distance) {
            *ret_distance = distance;
            *ret_part = p;
        }
    }
    return 0;
}

/* Templates of the parts that are alike; the others leave, the worst first. */
static int keep_alike(struct enrolment *enrolment, va_error *error)
{
    while (enrolment->n_parts >= VA_WORD_MIN_SAMPLES) {
        int worst = 0, r = make_templates(enrolment, error);
        float distance = 0.0f;
        if (r == 0)
            r = find_outsider(enrolment, &worst, &distance, error);
        if (r < 0 || distance <= UNLIKE_DISTANCE)
            return r;
        enrolment->states[enrolment->parts[worst].sample] = VA_WORD_SAMPLE_UNLIKE;
        va_free(enrolment->parts[worst].rows);
        enrolment->n_parts--;
        memmove(&enrolment->parts[worst], &enrolment->parts[worst + 1], (size_t)(enrolment->n_parts - worst) * sizeof enrolment->parts[0]);
    }
    return 0;
}

/* ---- the whole ---- */

/* Says what was wrong with the samples that cannot be used. */
static int fail_samples(const struct enrolment *enrolment, size_t n, va_error *error)
{
    static const char *const names[] = {[VA_WORD_SAMPLE_SILENT] = "without speech",
                                        [VA_WORD_SAMPLE_SHORT] = "too short",
                                        [VA_WORD_SAMPLE_LONG] = "too long",
                                        [VA_WORD_SAMPLE_UNLIKE] = "unlike the others"};
    size_t counts[VA_WORD_SAMPLE_UNLIKE + 1] = {0};
    char text[160] = "";
    int at = 0;

    for (size_t i = 0; i < n; i++)
        counts[enrolment->states[i]]++;
    for (int s = VA_WORD_SAMPLE_SILENT; s <= VA_WORD_SAMPLE_UNLIKE; s++)
        if (counts[s] > 0)
            at += snprintf(text + at, sizeof text - (size_t)at, "%s%zu %s", at > 0 ? ", " : "", counts[s], names[s]);
    return va_fail(error, VA_EINVAL, "of %zu samples %d can be used, and %d are needed: %s", n, enrolment->n_parts, VA_WORD_MIN_SAMPLES,
                   text);
}

static int enrol(struct enrolment *enrolment, const va_vad_model *vad, const struct va_word_sample *samples, size_t n, va_error *error)
{
    va_word_model *word = enrolment->word;
    int longest = 0, r = va_context_need_scorer(enrolment->context, error);

    if (r == 0)
        r = va_context_need_beams(enrolment->context, BEAMS, error);
    for (size_t i = 0; i < n && r == 0; i++)
        r = find_speech(enrolment, vad, samples, i, error);
    for (int p = 0; p < enrolment->n_parts && r == 0; p++)
        r = listen(enrolment, &enrolment->parts[p], error);
    if (r == 0)
        r = keep_alike(enrolment, error);
    if (r == 0 && enrolment->n_parts < VA_WORD_MIN_SAMPLES)
        r = fail_samples(enrolment, n, error);
    if (r == 0)
        r = find_writings(enrolment, error);
    for (int p = 0; p < word->n_templates; p++)
        longest = word->frames[p] > longest ? word->frames[p] : longest;
    word->span_samples = (size_t)(longest + 3 * VA_WORD_PAD) * VA_FRAME_SAMPLES;
    return r;
}

int va_word_enrol(va_context *context, const va_vad_model *vad, const struct va_word_sample *samples, size_t n, const char *language,
                  enum va_word_sample_state *ret_states, va_word_model **ret_word, va_error *error)
{
    int r = va_word_language(context->model, language, error);

    for (size_t i = 0; i < n; i++)
        ret_states[i] = VA_WORD_SAMPLE_SILENT;
    if (r < 0)
        return r;
    if (n < VA_WORD_MIN_SAMPLES || n > VA_WORD_MAX_SAMPLES)
        return va_fail(error, VA_EINVAL, "a word needs %d to %d samples, not %zu", VA_WORD_MIN_SAMPLES, VA_WORD_MAX_SAMPLES, n);
    for (size_t i = 0; i < n; i++)
        if (samples[i].n > VA_WINDOW_SAMPLES)
            return va_fail(error, VA_EINVAL, "sample %zu is longer than 30 s", i + 1);
    struct enrolment *enrolment = va_calloc(1, sizeof *enrolment);
    va_word_model *word = va_calloc(1, sizeof *word);
    if (enrolment != NULL && word != NULL) {
        word->model = context->model;
        word->language = r;
        *enrolment = (struct enrolment){.context = context, .word = word, .states = ret_states};
        r = enrol(enrolment, vad, samples, n, error);
        for (int p = 0; p < enrolment->n_parts; p++)
            va_free(enrolment->parts[p].rows);
    } else {
        r = va_fail_memory(error);
    }
    va_free(enrolment);
    if (r < 0) {
        va_word_free(word);
        return r;
    }
    *ret_word = word;
    return 0;
}
