/* judge.c - whether words are said in a span. */
#include <math.h>

#include "base/memory.h"
#include "whisper/rules.h"
#include "whisper/segments.h"
#include "word/acoustic.h"

/* Log-odds, the same for all words, found with bench/own_word.py: a distance at which it may be the word or not, and what each less of it
 * is worth; how much likelier than in noise the writing must be. Neither alone can say yes against the other's strong no. */
#define EVEN_DISTANCE 0.58f
#define DISTANCE_WEIGHT 20.0f
#define EVEN_LIKELIER 6.5f
#define MOST_AGAINST (-6.0f)
#define MOST_FOR 5.0f
#define HOPELESS 0.80f /* a distance at which the writing is not looked at */
enum { MIN_SPAN = VA_SAMPLE_RATE_HZ / 10, HOP = VA_SAMPLE_RATE_HZ, MAX_HEARD = 12, BEHIND = 30 /* frames */ };

static float bounded(float odds)
{
    return fminf(fmaxf(odds, MOST_AGAINST), MOST_FOR);
}

static float score_of(float odds)
{
    return 1.0f / (1.0f + expf(-odds));
}

static float writing_odds(const va_word_model *word, float logprob)
{
    return bounded(logprob - word->noise_logprob - EVEN_LIKELIER);
}

/* Of an enrolled word, found at a place of the span: what the decoder writes down of that place. */
static float judge_place(va_context *context, const va_word_model *word, const struct va_word_place *place, const float *pcm, size_t n)
{
    size_t start = (size_t)(place->start > VA_WORD_PAD ? place->start - VA_WORD_PAD : 0) * VA_FRAME_SAMPLES;
    size_t end = (size_t)(place->end + BEHIND) * VA_FRAME_SAMPLES;
    float sound = DISTANCE_WEIGHT * (EVEN_DISTANCE - place->distance);

    if (place->distance > HOPELESS)
        return score_of(sound + MOST_AGAINST);
    end = end < n ? end : n;
    va_context_encode(context, pcm + start, end - start);
    return score_of(sound + writing_odds(word, va_word_writing_logprob(context, word, NULL, 0)));
}

/* What is heard in the encoder's rows: tokens [MAX_HEARD]. */
static int hear(va_context *context, int language, int32_t *ret_tokens)
{
    int32_t prompt[VA_START_TOKENS];
    struct va_rules rules = {.model = context->model};
    const struct va_search_options options = {.prompt = prompt,
                                              .n_prompt = va_start_tokens(context->model, language, prompt),
                                              .beams = 1,
                                              .max_tokens = MAX_HEARD,
                                              .filter = va_rules_apply,
                                              .filter_user = &rules};
    struct va_search_result result;

    if (va_search_run(context->search, context->encoder, &options, &result) < 0)
        return 0;
    for (int i = 0; i < result.best->n; i++)
        ret_tokens[i] = result.best->tokens[i];
    return result.best->n;
}

/* Of a word that only has a text: the likeliest place in what is heard, wherever a word begins there. */
static float judge_text(va_context *context, const va_word_model *word, const int32_t *heard, int n_heard)
{
    float best = va_word_writing_logprob(context, word, NULL, 0);

    for (int i = 1; i < n_heard && writing_odds(word, best) < MOST_FOR; i++)
        if (va_word_any_end(word) || !va_scorer_continues(context->scorer, heard[i]))
            best = fmaxf(best, va_word_writing_logprob(context, word, heard, i));
    return score_of(writing_odds(word, best));
}

/* Places of all words that were enrolled, and scores of all others: while the encoder holds the whole span. */
static int judge_span(va_context *context, const va_word_model *const *words, size_t n_words, size_t n, struct va_word_place *places,
                      struct va_word_score *scores, va_error *error)
{
    struct va_word_place each[VA_WORD_MAX_SAMPLES];
    int32_t heard[MAX_HEARD];
    int frames = (int)((n + VA_FRAME_SAMPLES - 1) / VA_FRAME_SAMPLES), language = -1, n_heard = 0, r = 0;

    for (size_t i = 0; i < n_words && r == 0; i++) {
        const va_word_model *word = words[i];
        if (word->n_templates > 0) {
            if ((r = va_word_find(word, va_encoder_rows(context->encoder), frames, each, error)) < 0)
                break;
            places[i] = va_word_agree(each, word->n_templates);
            continue;
        }
        if (language != word->language)
            n_heard = hear(context, language = word->language, heard);
        scores[i] = (struct va_word_score){judge_text(context, word, heard, n_heard), n};
    }
    return r;
}

int va_word_judge(va_context *context, const va_word_model *const *words, size_t n_words, const float *pcm, size_t n,
                  struct va_word_score *ret_scores, va_error *error)
{
    if (n > VA_WORD_MAX_SPAN)
        return va_fail(error, VA_EINVAL, "a span of %zu samples is too long to look for a word", n);
    for (size_t i = 0; i < n_words; i++)
        if (words[i]->model != context->model)
            return va_fail(error, VA_EINVAL, "'%s' was enrolled with another model", words[i]->text);
    struct va_word_place *places = va_calloc(n_words, sizeof *places);
    struct va_word_score *scores = va_calloc(n_words, sizeof *scores);
    int r = places == NULL || scores == NULL ? va_fail_memory(error) : va_context_need_scorer(context, error);
    if (r == 0 && n >= MIN_SPAN) {
        va_context_encode(context, pcm, n);
        r = judge_span(context, words, n_words, n, places, scores, error);
    }
    for (size_t i = 0; r == 0 && i < n_words; i++) {
        if (n >= MIN_SPAN && words[i]->n_templates > 0) {
            size_t end = (size_t)places[i].end * VA_FRAME_SAMPLES;
            scores[i] = (struct va_word_score){judge_place(context, words[i], &places[i], pcm, n), end < n ? end : n};
        }
        ret_scores[i] = scores[i];
    }
    va_free(places);
    va_free(scores);
    return r;
}

int va_word_judge_utterance(va_context *context, const va_word_model *const *words, size_t n_words, const float *pcm, size_t n,
                            struct va_word_score *ret_scores, va_error *error)
{
    struct va_word_score *scores = va_calloc(2 * n_words, sizeof *scores), *best;
    size_t span = 0;

    if (scores == NULL)
        return va_fail_memory(error);
    best = scores + n_words;
    for (size_t i = 0; i < n_words; i++)
        span = words[i]->span_samples > span ? words[i]->span_samples : span;
    int r = va_word_judge(context, words, n_words, pcm, n < span ? n : span, best, error);
    for (size_t end = span; r == 0 && end < n;) {
        end = end + HOP < n ? end + HOP : n;
        size_t start = end > span + HOP ? end - span - HOP : 0;
        r = va_word_judge(context, words, n_words, pcm + start, end - start, scores, error);
        for (size_t i = 0; r == 0 && i < n_words; i++)
            if (scores[i].score > best[i].score)
                best[i] = (struct va_word_score){scores[i].score, start + scores[i].end_samples};
    }
    for (size_t i = 0; r == 0 && i < n_words; i++)
        ret_scores[i] = best[i];
    va_free(scores);
    return r;
}
