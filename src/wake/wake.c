#include "wake/wake.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "wake/tempo.h"

enum {
    TEMPOS = 3,
    SMOOTH_FRAMES = 30,
    POOL_FRAMES = 20, /* the tempos need not agree on when */
    RISE_FRAMES = 5,  /* that an event waits for a higher score */
    PAUSE_FRAMES = 100,
    ODDS_ONE = 256, /* log-odds are kept times this */
    SUM_ONE = TEMPOS * SMOOTH_FRAMES * ODDS_ONE,
    END_LAG_SAMPLES = 4800, /* the score is highest so long after the word */
    LENGTH_SAMPLES = 12800, /* a word is taken to be so long */
};

static const uint32_t tempos[TEMPOS] = {VA_WAKE_TEMPO_SAME, VA_WAKE_TEMPO_SAME * 5 / 4, VA_WAKE_TEMPO_SAME * 4 / 5};

/* One network at one tempo. */
struct track {
    int8_t *state;
    int8_t frames[VA_WAKE_MAX_STEP][VA_WAKE_CHANNELS];
    int n_frames;
    uint8_t output;
    int32_t odds[SMOOTH_FRAMES]; /* a ring: of the output at each frame */
    int32_t sum;                 /* of odds */
    int32_t sums[POOL_FRAMES];   /* a ring: the last of them */
};

struct word {
    const struct va_wake_network *network;
    const va_wake_model *model;
    struct track track[TEMPOS];
    int32_t score, threshold; /* log-odds times SUM_ONE */
    int32_t best;             /* score, while an event waits */
    uint64_t best_at;         /* samples */
    int waited, paused;       /* frames: since the threshold was reached, 0: it is not; since the last event, at most PAUSE_FRAMES */
    int is_told;              /* since the score was below the threshold */
};

struct va_wake {
    va_wake_features *features;
    struct va_wake_tempo tempo[TEMPOS];
    uint64_t heard;                    /* samples */
    int16_t pcm[VA_WAKE_STEP_SAMPLES]; /* the next step */
    size_t filled;
    uint64_t frame;    /* the number of the next */
    int32_t odds[256]; /* of a network's output */
    size_t n_words;
    struct word *words; /* [n_words] */
};

static float score_of(int32_t odds)
{
    return 1.0f / (1.0f + expf(-(float)odds / SUM_ONE));
}

static int32_t threshold_of(const va_wake_model *model, float sensitivity)
{
    double cutoff = va_wake_model_cutoff(model), designed = fmax(log(cutoff / (1.0 - cutoff)) - 1.5, 0.7);
    double odds = designed + 8.0 * (0.5 - (double)sensitivity);

    return (int32_t)lrint(odds * SUM_ONE);
}

static int make_word(const struct va_wake_word *from, struct word *word, va_error *error)
{
    word->model = from->model;
    word->network = va_wake_model_network(from->model);
    for (int i = 0; i < TEMPOS; i++)
        if ((word->track[i].state = va_alloc(word->network->state_bytes, 1)) == NULL)
            return va_fail_memory(error);
    return 0;
}

int va_wake_new(const struct va_wake_word *words, size_t n, va_wake **ret_wake, va_error *error)
{
    va_wake *wake;
    int r = 0;

    if (n < 1 || n > VA_WAKE_MAX_WORDS)
        return va_fail(error, VA_EINVAL, "%zu wake words: 1 to %d are possible", n, VA_WAKE_MAX_WORDS);
    if ((wake = va_calloc(1, sizeof *wake)) == NULL)
        return va_fail_memory(error);
    if ((wake->words = va_calloc(n, sizeof *wake->words)) == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    wake->n_words = n;
    if ((r = va_wake_features_new(&wake->features, error)) < 0)
        goto fail;
    for (size_t i = 0; i < n; i++)
        if ((r = make_word(&words[i], &wake->words[i], error)) < 0 ||
            (r = va_wake_set_sensitivity(wake, i, words[i].sensitivity, error)) < 0)
            goto fail;
    for (int i = 0; i < 256; i++) {
        double p = fmin(fmax(i, 0.5), 255.5) / 256.0;
        wake->odds[i] = (int32_t)lrint(log(p / (1.0 - p)) * ODDS_ONE);
    }
    va_wake_reset(wake);
    *ret_wake = wake;
    return 0;

fail:
    va_wake_free(wake);
    return r;
}

void va_wake_free(va_wake *wake)
{
    if (wake == NULL)
        return;
    for (size_t i = 0; i < wake->n_words; i++)
        for (int j = 0; j < TEMPOS; j++)
            va_free(wake->words[i].track[j].state);
    va_free(wake->words);
    va_wake_features_free(wake->features);
    va_free(wake);
}

static void reset_track(const va_wake *wake, const struct va_wake_network *network, struct track *track)
{
    va_wake_network_reset(network, track->state);
    track->n_frames = 0;
    track->output = 0;
    track->sum = SMOOTH_FRAMES * wake->odds[0];
    for (int i = 0; i < SMOOTH_FRAMES; i++)
        track->odds[i] = wake->odds[0];
    for (int i = 0; i < POOL_FRAMES; i++)
        track->sums[i] = track->sum;
}

static void reset_word(const va_wake *wake, struct word *word)
{
    for (int i = 0; i < TEMPOS; i++)
        reset_track(wake, word->network, &word->track[i]);
    word->score = wake->odds[0] * SMOOTH_FRAMES * TEMPOS;
    word->waited = word->is_told = 0;
    word->paused = PAUSE_FRAMES;
}

void va_wake_reset(va_wake *wake)
{
    va_wake_features_reset(wake->features);
    for (int i = 0; i < TEMPOS; i++)
        va_wake_tempo_init(&wake->tempo[i], tempos[i]);
    wake->heard = 0;
    wake->filled = 0;
    wake->frame = 0;
    for (size_t i = 0; i < wake->n_words; i++)
        reset_word(wake, &wake->words[i]);
}

int va_wake_set_sensitivity(va_wake *wake, size_t word, float sensitivity, va_error *error)
{
    if (word >= wake->n_words || !(sensitivity >= 0.0f && sensitivity <= 1.0f))
        return va_fail(error, VA_EINVAL, "the sensitivity of a wake word is a number between 0 and 1");
    wake->words[word].threshold = threshold_of(wake->words[word].model, sensitivity);
    return 0;
}

float va_wake_threshold(const va_wake_model *model, float sensitivity)
{
    return score_of(threshold_of(model, sensitivity));
}

float va_wake_score(const va_wake *wake, size_t word)
{
    return score_of(wake->words[word].score);
}

static void hear(const struct va_wake_network *network, struct track *track, const uint16_t frame[VA_WAKE_CHANNELS])
{
    va_wake_network_quantize(network, frame, track->frames[track->n_frames++]);
    if (track->n_frames < network->step)
        return;
    track->output = va_wake_network_run(network, track->state, track->frames[0]);
    track->n_frames = 0;
}

static void tell(const va_wake *wake, struct word *word, va_wake_event_fn on_event, void *user)
{
    uint64_t end = word->best_at > END_LAG_SAMPLES ? word->best_at - END_LAG_SAMPLES : 0;
    const struct va_wake_event event = {.word = (size_t)(word - wake->words),
                                        .score = score_of(word->best),
                                        .start = end > LENGTH_SAMPLES ? end - LENGTH_SAMPLES : 0,
                                        .end = end};

    word->waited = word->paused = 0;
    word->is_told = 1;
    on_event(user, &event);
}

/* The score of the frame that ends where the stream is now. */
static void decide(const va_wake *wake, struct word *word, va_wake_event_fn on_event, void *user)
{
    if (word->paused < PAUSE_FRAMES)
        word->paused++;
    if (word->score < word->threshold)
        word->is_told = 0;
    if (word->waited == 0) {
        if (word->score < word->threshold || word->is_told || word->paused < PAUSE_FRAMES)
            return;
        word->best = word->score;
        word->best_at = wake->heard;
        word->waited = 1;
    } else if (word->score > word->best && word->waited < RISE_FRAMES) {
        word->best = word->score;
        word->best_at = wake->heard;
        word->waited++;
    } else {
        tell(wake, word, on_event, user);
    }
}

/* The mean of the log-odds, the highest of late. */
static int32_t smooth(const va_wake *wake, struct track *track)
{
    int32_t *odds = &track->odds[wake->frame % SMOOTH_FRAMES], most;

    track->sum += wake->odds[track->output] - *odds;
    *odds = wake->odds[track->output];
    track->sums[wake->frame % POOL_FRAMES] = most = track->sum;
    for (int i = 0; i < POOL_FRAMES; i++)
        most = track->sums[i] > most ? track->sums[i] : most;
    return most;
}

static void take_frame(va_wake *wake, const uint16_t frame[VA_WAKE_CHANNELS], va_wake_event_fn on_event, void *user)
{
    uint16_t frames[VA_WAKE_TEMPO_MOST][VA_WAKE_CHANNELS];

    for (int i = 0; i < TEMPOS; i++) {
        int n = va_wake_tempo_push(&wake->tempo[i], frame, frames);
        for (size_t w = 0; w < wake->n_words; w++)
            for (int j = 0; j < n; j++)
                hear(wake->words[w].network, &wake->words[w].track[i], frames[j]);
    }
    for (size_t w = 0; w < wake->n_words; w++) {
        struct word *word = &wake->words[w];
        word->score = 0;
        for (int i = 0; i < TEMPOS; i++)
            word->score += smooth(wake, &word->track[i]);
        decide(wake, word, on_event, user);
    }
    wake->frame++;
}

static int16_t to_s16(float x)
{
    float y = x * 32768.0f;

    return (int16_t)(y >= 32767.0f ? 32767 : y > -32768.0f ? lrintf(y) : y <= -32768.0f ? -32768 : 0);
}

void va_wake_push(va_wake *wake, const float *pcm, size_t n, va_wake_event_fn on_event, void *user)
{
    uint16_t frame[VA_WAKE_CHANNELS];

    for (size_t i = 0; i < n; i++) {
        wake->pcm[wake->filled++] = to_s16(pcm[i]);
        wake->heard++;
        if (wake->filled < VA_WAKE_STEP_SAMPLES)
            continue;
        wake->filled = 0;
        if (va_wake_features_push(wake->features, wake->pcm, frame))
            take_frame(wake, frame, on_event, user);
    }
}

void va_wake_skip(va_wake *wake, uint64_t n)
{
    wake->heard += n;
}
