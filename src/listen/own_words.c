#include "listen/own_words.h"

#include "base/memory.h"
#include "kernels/kernels.h"
#include "vad/ear.h"

#define AGAIN_SAMPLES VA_SAMPLE_RATE_HZ                 /* between judgements while speech goes on */
#define OVERLAP_SAMPLES VA_SAMPLE_RATE_HZ               /* a word may lie across two of them */
#define KEEP_SAMPLES (15 * (uint64_t)VA_SAMPLE_RATE_HZ) /* the context's memory goes back to the system after so long without speech */
#define BEHIND_SAMPLES (VA_SAMPLE_RATE_HZ / 5)          /* of what was found: a judge wants to hear how a word ends */
#define NEVER UINT64_MAX

struct va_own_words {
    const struct va_listener_options *options;
    va_ear *ear;
    va_context *context;                                       /* NULL while nobody has spoken for long */
    size_t span;                                               /* samples: the longest of the words' spans */
    const struct va_listen_word *entries[VA_LISTEN_MAX_WORDS]; /* [n] */
    const va_word_model *words[VA_LISTEN_MAX_WORDS];
    struct va_word_score scores[VA_LISTEN_MAX_WORDS];
    size_t n;

    uint64_t heard;     /* up to here without a gap */
    uint64_t base;      /* where the ear began */
    uint64_t start;     /* of the utterance under way; NEVER: none */
    uint64_t judge_at;  /* when so much has been heard; NEVER: not */
    uint64_t last_used; /* the context */
    int is_cut;         /* the utterance was too long: it is judged once more, and over */
};

static void on_speech(void *user, const struct va_speech_event *event)
{
    va_own_words *own = user;

    switch (event->kind) {
    case VA_SPEECH_START:
        own->start = own->base + event->start;
        own->judge_at = own->start + own->span;
        own->is_cut = 0;
        break;
    case VA_SPEECH_POSSIBLE_END:
        if (own->start != NEVER)
            own->judge_at = 0;
        break;
    case VA_SPEECH_END:
        own->start = own->judge_at = NEVER;
        break;
    case VA_SPEECH_TOO_LONG:
        own->is_cut = own->start != NEVER;
        if (own->is_cut)
            own->judge_at = 0;
        break;
    case VA_SPEECH_RESUMED:
    case VA_SPEECH_NONE:
        break;
    }
}

int va_own_words_new(const struct va_listener_options *options, va_own_words **ret_own, va_error *error)
{
    struct va_ear_options ear = VA_EAR_DEFAULTS;
    va_own_words *own = va_calloc(1, sizeof *own);

    if (own == NULL)
        return va_fail_memory(error);
    own->options = options;
    own->start = own->judge_at = NEVER;
    for (size_t i = 0; i < options->n_words; i++) {
        const struct va_listen_word *word = &options->words[i];
        if (word->own == NULL || word->model != NULL)
            continue;
        size_t span = va_word_span_samples(word->own);
        own->span = span > own->span ? span : own->span;
        own->words[own->n] = word->own;
        own->entries[own->n++] = word;
    }
    int r = va_ear_new(options->vad_model, va_kernels_select(va_model_kernels(options->model)), &ear, &own->ear, error);
    if (r < 0) {
        va_own_words_free(own);
        return r;
    }
    *ret_own = own;
    return 0;
}

void va_own_words_free(va_own_words *own)
{
    if (own == NULL)
        return;
    va_context_free(own->context);
    va_ear_free(own->ear);
    va_free(own);
}

/* Judges words [n] in the samples from .. to. */
static int judge_span(va_own_words *own, const va_word_model *const *words, size_t n, const struct va_audio_ring *history, uint64_t from,
                      uint64_t to, struct va_word_score *ret_scores, va_error *error)
{
    size_t n_samples = (size_t)(to - from);
    int r = own->context != NULL ? 0 : va_context_new(own->options->model, 1, &own->context, error);
    float *pcm = r < 0 ? NULL : va_alloc(n_samples, sizeof *pcm);

    if (r < 0)
        return r;
    if (pcm == NULL)
        return va_fail_memory(error);
    va_audio_ring_read(history, from, pcm, n_samples);
    r = va_word_judge(own->context, words, n, pcm, n_samples, ret_scores, error);
    va_free(pcm);
    own->last_used = to;
    return r;
}

/* Judges what was said since the utterance began, or the last of it. */
static int judge(va_own_words *own, const struct va_audio_ring *history, uint64_t heard, struct va_listener_woken *ret_event,
                 va_error *error)
{
    uint64_t longest = own->span + OVERLAP_SAMPLES < VA_WORD_MAX_SPAN ? own->span + OVERLAP_SAMPLES : VA_WORD_MAX_SPAN;
    uint64_t from = own->start + longest < heard ? heard - longest : own->start;
    int r = judge_span(own, own->words, own->n, history, from, heard, own->scores, error);

    for (size_t i = 0; r == 0 && i < own->n; i++)
        if (va_word_is_said(&own->scores[i], own->entries[i]->sensitivity)) {
            *ret_event = (struct va_listener_woken){own->entries[i], own->scores[i].score, from, from + own->scores[i].end_samples};
            return 1;
        }
    return r;
}

int va_own_words_verify(va_own_words *own, const struct va_listener_woken *found, const struct va_audio_ring *history, uint64_t heard,
                        va_error *error)
{
    uint64_t to = found->end + BEHIND_SAMPLES < heard ? found->end + BEHIND_SAMPLES : heard, span = va_word_span_samples(found->word->own);
    struct va_word_score score;
    int r = judge_span(own, &found->word->own, 1, history, to > span ? to - span : 0, to, &score, error);

    return r < 0 ? r : va_word_is_said(&score, 0.5f);
}

int va_own_words_push(va_own_words *own, const float *pcm, size_t n, const struct va_audio_ring *history, uint64_t heard,
                      struct va_listener_woken *ret_event, va_error *error)
{
    if (heard - n != own->heard) { /* something was not for it to hear */
        va_ear_reset(own->ear);
        own->base = heard - n;
        own->start = own->judge_at = NEVER;
    }
    own->heard = heard;
    if (own->n > 0)
        va_ear_push(own->ear, pcm, n, on_speech, own);
    if (own->context != NULL && own->start == NEVER && heard - own->last_used > KEEP_SAMPLES) {
        va_context_free(own->context);
        own->context = NULL;
    }
    if (heard < own->judge_at)
        return 0;
    own->judge_at = heard + AGAIN_SAMPLES;
    int r = judge(own, history, heard, ret_event, error);
    if (r > 0 || own->is_cut)
        own->start = own->judge_at = NEVER; /* once in an utterance */
    own->is_cut = 0;
    return r;
}
