#include "dsp/echo.h"

#include <math.h>
#include <speex/speex_echo.h>
#include <speex/speex_preprocess.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dsp/echo_delay.h"
#include "dsp/echo_track.h"

#define FRAME VA_ECHO_FRAME_SAMPLES
#define SAMPLES_PER_MS (VA_ECHO_RATE_HZ / 1000)
#define GAP_NS 40000000
#define CLOCK_CALLS 64   /* over which the stamps of the microphone are smoothed */
#define LEAD_SAMPLES 480 /* so much before its time a sound may be heard: the stamps of both sides shake */
#define EARLY_SAMPLES 80 /* the strongest path lies so far behind the filter's begin; reflections from nearer are weaker */
#define HISTORY_SAMPLES ((int64_t)32768)
#define MOST_CATCH_UP_SAMPLES VA_ECHO_RATE_HZ
#define MOST_SEEK_SAMPLES (VA_ECHO_RATE_HZ * 6 / 10) /* then the filter works with the delay of the sound before */
#define MOST_DRIFT_SAMPLES 4
#define MOST_SHIFT_SAMPLES 480 /* a delay that differs by more is another device's */
#define RESIDUE_DB (-40)
#define RESIDUE_WITH_SPEECH_DB (-15)
#define LEARNED_REST 0.4f     /* of the sound is left at most when the filter has learned its way */
#define LEARN_FRAMES 50       /* ... and for so long it has tried at least */
#define READY_OUT 0.1f        /* so much, damping included, when it does well */
#define READY_FRAMES 100      /* ... and for so long */
#define JUDGE_FRAMES 100      /* a shorter sound tells nothing */
#define POOR_UNREADY 2        /* sounds in a row */
#define POOR_DOUBTFUL 3       /* the same: the delay may be wrong */
#define MISSES_FORGOTTEN 2    /* the same: the path is another */
#define UNHEARD_FRAMES 500    /* after so much sound that the microphone may not hear ... */
#define UNHEARD_POWER 1.72e6f /* ... of a frame: -50 dBFS; it does not, if that is all there is */
#define LIFE_PART 0.005f      /* of a frame in the smoothed powers */
#define NOW_PART 0.02f
#define NOW_FRAMES 50 /* until the latter mean something */
#define LOUD 0.25f    /* of the long-time power: the loud parts of a sound */

/* Smoothed powers. */
struct levels {
    float heard, rest, out; /* from the microphone, behind the filter, behind the damping */
};

struct va_echo {
    struct va_echo_options options;
    va_echo_track *track;
    va_echo_delay *delay_finder;
    SpeexEchoState *filter;
    SpeexPreprocessState *residue;

    int64_t position; /* of the next sample from the microphone, since the first */
    double clock_ns;  /* the smoothed time of position */
    int clock_calls;

    int is_active;               /* own sound is near */
    int is_aligned;              /* ... and the filter at work */
    int64_t begin;               /* by the stamps, of the sound under way */
    int64_t active_from;         /* when it began to be near */
    int64_t window_from;         /* of the next window in which the delay is looked for */
    int delay, has_delay;        /* samples */
    int is_learned;              /* the filter knows the way of the sound */
    int is_ready;                /* ... and takes it out well */
    int by_response;             /* ... and knew it when the sound under way began */
    int is_found;                /* the delay was found in the sound under way */
    int sound_frames;            /* of it, aligned */
    float least_rest, least_out; /* of the powers then, parts of what was heard */
    int poor;                    /* sounds in a row that were not taken out well */
    int misses;                  /* sounds in a row of which a learned path did not find the delay */

    int16_t *history;   /* [HISTORY_SAMPLES]: the microphone while active, position % HISTORY_SAMPLES */
    int16_t *played;    /* [VA_ECHO_DELAY_SPAN] */
    spx_int32_t *taps;  /* [tail] */
    float *response;    /* [tail] */
    struct levels life; /* since the filter is as it is */
    struct levels now;  /* of the last half second */
    uint64_t frames_before, frames, resets, lost_seen;
    double unknown_until_ns; /* sound of which no samples came is heard until then */
};

static int check_options(const struct va_echo_options *options, va_error *error)
{
    if (options->tail_ms < VA_ECHO_LEAST_TAIL_MS || options->tail_ms > VA_ECHO_MOST_TAIL_MS)
        return va_fail(error, VA_EINVAL, "an echo's tail of %d ms (%d to %d are handled)", options->tail_ms, VA_ECHO_LEAST_TAIL_MS,
                       VA_ECHO_MOST_TAIL_MS);
    if (options->max_delay_ms < 0 || options->max_delay_ms > VA_ECHO_MOST_DELAY_MS)
        return va_fail(error, VA_EINVAL, "a delay of the loudspeaker of %d ms (0 to %d are handled)", options->max_delay_ms,
                       VA_ECHO_MOST_DELAY_MS);
    return 0;
}

/* speexdsp allocates by itself, and here only. */
static int make_filters(va_echo *echo, va_error *error)
{
    int rate = VA_ECHO_RATE_HZ, no = 0, residue = RESIDUE_DB, with_speech = RESIDUE_WITH_SPEECH_DB;

    echo->filter = speex_echo_state_init(FRAME, echo->options.tail_ms * SAMPLES_PER_MS);
    echo->residue = speex_preprocess_state_init(FRAME, VA_ECHO_RATE_HZ);
    if (echo->filter == NULL || echo->residue == NULL)
        return va_fail_memory(error);
    speex_echo_ctl(echo->filter, SPEEX_ECHO_SET_SAMPLING_RATE, &rate);
    speex_preprocess_ctl(echo->residue, SPEEX_PREPROCESS_SET_ECHO_STATE, echo->filter);
    /* Noise stays: with "denoise" off the residue would stay, too. */
    speex_preprocess_ctl(echo->residue, SPEEX_PREPROCESS_SET_NOISE_SUPPRESS, &no);
    speex_preprocess_ctl(echo->residue, SPEEX_PREPROCESS_SET_ECHO_SUPPRESS, &residue);
    speex_preprocess_ctl(echo->residue, SPEEX_PREPROCESS_SET_ECHO_SUPPRESS_ACTIVE, &with_speech);
    return 0;
}

int va_echo_new(const struct va_echo_options *options, va_echo **ret_echo, va_error *error)
{
    int r = check_options(options, error);

    if (r < 0)
        return r;
    va_echo *echo = va_calloc(1, sizeof *echo);
    if (echo == NULL)
        return va_fail_memory(error);
    echo->options = *options;
    echo->history = va_calloc((size_t)HISTORY_SAMPLES, sizeof *echo->history);
    echo->played = va_alloc(VA_ECHO_DELAY_SPAN, sizeof *echo->played);
    echo->taps = va_calloc((size_t)(options->tail_ms * SAMPLES_PER_MS + FRAME), sizeof *echo->taps);
    echo->response = va_calloc((size_t)(options->tail_ms * SAMPLES_PER_MS), sizeof *echo->response);
    r = echo->history == NULL || echo->played == NULL || echo->taps == NULL || echo->response == NULL
            ? va_fail_memory(error)
            : va_echo_track_new(&echo->track, error);
    if (r == 0)
        r = va_echo_delay_new(options->max_delay_ms * SAMPLES_PER_MS, options->tail_ms * SAMPLES_PER_MS, &echo->delay_finder, error);
    if (r == 0)
        r = make_filters(echo, error);
    if (r < 0) {
        va_echo_free(echo);
        return r;
    }
    *ret_echo = echo;
    return 0;
}

void va_echo_free(va_echo *echo)
{
    if (echo == NULL)
        return;
    if (echo->filter != NULL)
        speex_echo_state_destroy(echo->filter);
    if (echo->residue != NULL)
        speex_preprocess_state_destroy(echo->residue);
    va_echo_track_free(echo->track);
    va_echo_delay_free(echo->delay_finder);
    va_free(echo->history);
    va_free(echo->played);
    va_free(echo->taps);
    va_free(echo->response);
    va_free(echo);
}

void va_echo_played(va_echo *echo, const int16_t *pcm, size_t n, uint64_t heard_ns)
{
    va_echo_track_played(echo->track, pcm, n, heard_ns);
}

void va_echo_cut(va_echo *echo, uint64_t from_ns)
{
    va_echo_track_cut(echo->track, from_ns);
}

/* ---- time ---- */

/* The stamp of position corrects the smoothed clock; a stamp far off it moves the position (samples were lost) or the clock. */
static void follow_clock(va_echo *echo, uint64_t captured_ns)
{
    double late_ns = (double)captured_ns - echo->clock_ns;

    if (echo->clock_calls > 0 && fabs(late_ns) < GAP_NS) {
        echo->clock_calls += echo->clock_calls < CLOCK_CALLS;
        echo->clock_ns += late_ns / echo->clock_calls;
        return;
    }
    if (echo->clock_calls > 0 && late_ns > 0) {
        echo->position += (int64_t)(late_ns / VA_ECHO_NS_PER_SAMPLE);
        echo->active_from = echo->window_from = echo->position; /* nothing was heard in between */
    }
    echo->clock_ns = (double)captured_ns;
    echo->clock_calls = 1;
}

/* ---- one frame ---- */

static int16_t to_s16(float sample)
{
    return (int16_t)lrintf(fminf(fmaxf(sample * 32768.0f, -32768.0f), 32767.0f)); /* not a number becomes -32768 */
}

/* Behind what is played the filter still answers, and the device may be late. */
static int64_t heard_until(const va_echo *echo)
{
    return va_echo_track_end(echo->track) + (echo->options.max_delay_ms + echo->options.tail_ms) * SAMPLES_PER_MS;
}

static int is_own_near(const va_echo *echo)
{
    int64_t begin = va_echo_track_begin(echo->track), end = va_echo_track_end(echo->track);

    return begin != end && echo->position < heard_until(echo) && (echo->is_active || echo->position + FRAME > begin - LEAD_SAMPLES);
}

static int64_t reference_position(const va_echo *echo, int64_t position)
{
    return position - echo->delay + EARLY_SAMPLES;
}

static void recall(const va_echo *echo, int64_t position, int16_t *heard, int n)
{
    for (int i = 0; i < n; i++)
        heard[i] = echo->history[(position + i) & (HISTORY_SAMPLES - 1)];
}

/* heard [FRAME] at position becomes what is not own in it. */
static void cancel(va_echo *echo, int64_t position, const int16_t *heard, int16_t *ret_rest)
{
    int16_t played[FRAME];

    va_echo_track_read(echo->track, reference_position(echo, position), played, FRAME);
    speex_echo_cancellation(echo->filter, heard, played, ret_rest);
}

/* Runs the filter over what was heard while the sound was not aligned, so that it goes on as if it had been there. */
static void catch_up(va_echo *echo)
{
    int16_t heard[FRAME], rest[FRAME];
    int64_t from = echo->active_from;

    if (from < echo->position - MOST_CATCH_UP_SAMPLES)
        from = echo->position - MOST_CATCH_UP_SAMPLES;
    for (int64_t at = from; at + FRAME <= echo->position; at += FRAME) {
        recall(echo, at, heard, FRAME);
        cancel(echo, at, heard, rest);
    }
}

static void forget(va_echo *echo)
{
    speex_echo_state_reset(echo->filter);
    echo->life = (struct levels){0};
    echo->is_learned = echo->is_ready = 0;
    echo->frames_before = echo->frames;
    echo->resets++;
}

/* The samples of this sound arrive `lag` after their times. What the filter has learned begins there, too; unless it knew little and that
 * is another device's. */
static void align(va_echo *echo, int lag)
{
    int is_new = !echo->has_delay || (!echo->by_response && abs(lag - echo->delay) > MOST_SHIFT_SAMPLES);

    echo->delay = lag;
    echo->has_delay = 1;
    if (is_new)
        forget(echo);
    if (echo->is_aligned && !echo->by_response)
        catch_up(echo);
}

/* Once aligned, only the learned response tells small changes (clocks drift) from another reflection. */
static int may_align(const va_echo *echo, int lag)
{
    if (echo->is_aligned && echo->by_response)
        return abs(lag - echo->delay) <= MOST_DRIFT_SAMPLES;
    return !echo->is_found;
}

/* The damping gives a frame late: it takes the last one once more, so that its own begins without a hole. */
static void go_on_aligned(va_echo *echo)
{
    int16_t heard[FRAME];

    catch_up(echo);
    recall(echo, echo->position - FRAME, heard, FRAME);
    speex_preprocess_run(echo->residue, heard);
    echo->is_aligned = 1;
}

static void look_for_delay(va_echo *echo)
{
    int16_t heard[VA_ECHO_DELAY_WINDOW];
    int early = echo->by_response ? EARLY_SAMPLES : 0, before = echo->delay - early, lag; /* the filter begins so early */

    recall(echo, echo->window_from, heard, VA_ECHO_DELAY_WINDOW);
    va_echo_track_read(echo->track, echo->window_from - (echo->options.max_delay_ms + echo->options.tail_ms) * SAMPLES_PER_MS, echo->played,
                       VA_ECHO_DELAY_SPAN);
    echo->window_from += VA_ECHO_DELAY_WINDOW / (echo->is_aligned ? 1 : echo->by_response ? 4 : 2);
    int is_found = va_echo_delay_push(echo->delay_finder, heard, echo->played, echo->has_delay ? &before : NULL, &lag);
    if (is_found && may_align(echo, lag + early))
        align(echo, lag + early);
    echo->is_found |= is_found;
    if (!echo->is_aligned && (is_found || echo->position - echo->active_from >= MOST_SEEK_SAMPLES))
        go_on_aligned(echo);
}

/* A sound begins whose stamps do not go on from the one before. */
static int is_begin_near(const va_echo *echo)
{
    int64_t begin = va_echo_track_begin(echo->track);

    return begin != echo->begin && echo->position + FRAME > begin - LEAD_SAMPLES;
}

/* Looks back on the sound that was heard: one over which somebody spoke all the time tells nothing, several in a row do. */
static void judge(va_echo *echo)
{
    if (echo->sound_frames < JUDGE_FRAMES)
        return;
    echo->poor = echo->least_out < READY_OUT ? 0 : echo->poor + 1;
    echo->is_ready &= echo->poor < POOR_UNREADY;
    echo->misses = echo->by_response && !echo->is_found ? echo->misses + 1 : 0;
    echo->is_learned &= echo->misses < MISSES_FORGOTTEN;
    if (echo->has_delay && echo->poor >= POOR_DOUBTFUL && echo->least_rest > LEARNED_REST) {
        echo->has_delay = echo->delay = echo->poor = 0; /* with the right one it would have learned by now */
        forget(echo);
    }
}

static void begin(va_echo *echo)
{
    judge(echo);
    echo->is_active = 1;
    echo->is_aligned = echo->is_found = 0;
    echo->begin = va_echo_track_begin(echo->track);
    echo->sound_frames = 0;
    echo->least_rest = echo->least_out = 1.0f;
    echo->active_from = echo->position;
    echo->window_from = echo->position + LEAD_SAMPLES;
    echo->by_response = echo->is_learned;
    if (echo->by_response) {
        speex_echo_ctl(echo->filter, SPEEX_ECHO_GET_IMPULSE_RESPONSE, echo->taps);
        for (int i = 0; i < echo->options.tail_ms * SAMPLES_PER_MS; i++)
            echo->response[i] = (float)echo->taps[i];
    }
    va_echo_delay_reset(echo->delay_finder, echo->by_response ? echo->response : NULL);
}

static float power(const int16_t *pcm)
{
    float sum = 0.0f;

    for (int i = 0; i < FRAME; i++)
        sum += (float)pcm[i] * (float)pcm[i];
    return sum;
}

static void smooth(struct levels *levels, const struct levels *frame, float part)
{
    levels->heard += (frame->heard - levels->heard) * part;
    levels->rest += (frame->rest - levels->rest) * part;
    levels->out += (frame->out - levels->out) * part;
}

/* How well the filter does, where the sound is loud: in its pauses anything may seem. */
static void follow_levels(va_echo *echo)
{
    uint64_t frames = ++echo->frames - echo->frames_before;

    if (++echo->sound_frames < NOW_FRAMES || echo->now.heard < LOUD * echo->life.heard)
        return;
    echo->least_rest = fminf(echo->least_rest, echo->now.rest / (echo->now.heard + 1.0f));
    echo->least_out = fminf(echo->least_out, echo->now.out / (echo->now.heard + 1.0f));
    echo->is_learned |= frames >= LEARN_FRAMES && echo->least_rest < LEARNED_REST;
    echo->is_ready |= echo->is_learned && frames >= READY_FRAMES && echo->least_out < READY_OUT;
}

static void process_frame(va_echo *echo, float *pcm)
{
    int16_t heard[FRAME], rest[FRAME];

    for (int i = 0; i < FRAME; i++)
        echo->history[(echo->position + i) & (HISTORY_SAMPLES - 1)] = to_s16(pcm[i]);
    if (!echo->is_aligned) {
        echo->now = (struct levels){0};
        return;
    }
    recall(echo, echo->position, heard, FRAME);
    cancel(echo, echo->position, heard, rest);
    struct levels frame = {.heard = power(heard), .rest = power(rest)};
    speex_preprocess_run(echo->residue, rest);
    frame.out = power(rest);
    smooth(&echo->life, &frame, LIFE_PART);
    smooth(&echo->now, &frame, NOW_PART);
    follow_levels(echo);
    for (int i = 0; i < FRAME; i++)
        pcm[i] = (float)rest[i] / 32768.0f;
}

/* Sound of which no samples came is own sound all the same. */
static void follow_lost(va_echo *echo)
{
    uint64_t lost = va_echo_track_lost(echo->track);

    if (lost == echo->lost_seen)
        return;
    echo->lost_seen = lost;
    echo->unknown_until_ns = (double)va_echo_track_heard_until_ns(echo->track) + (echo->options.max_delay_ms + echo->options.tail_ms) * 1e6;
}

void va_echo_process(va_echo *echo, float *pcm, size_t n, uint64_t captured_ns)
{
    follow_clock(echo, captured_ns);
    va_echo_track_take(echo->track, echo->position, (uint64_t)echo->clock_ns);
    follow_lost(echo);
    for (size_t at = 0; at + FRAME <= n; at += FRAME) {
        if (!is_own_near(echo))
            echo->is_active = 0;
        else if (!echo->is_active || is_begin_near(echo))
            begin(echo);
        if (echo->is_active && echo->options.cancel)
            process_frame(echo, pcm + at);
        echo->position += FRAME;
        if (echo->is_active && echo->options.cancel && echo->position >= echo->window_from + VA_ECHO_DELAY_WINDOW)
            look_for_delay(echo);
    }
    echo->clock_ns += (double)n * VA_ECHO_NS_PER_SAMPLE;
}

void va_echo_reference(const va_echo *echo, int16_t *ret_pcm, size_t n)
{
    va_echo_track_read(echo->track, reference_position(echo, echo->position - (int64_t)n), ret_pcm, n);
}

static float decibels(float from, float to)
{
    return from > 0.0f && to > 0.0f ? 10.0f * log10f(from / to) : 0.0f;
}

/* The loudspeaker is far away, or headphones: there is nothing to take out. */
static int is_unheard(const va_echo *echo)
{
    return !echo->has_delay && echo->frames >= UNHEARD_FRAMES && echo->life.heard < UNHEARD_POWER;
}

void va_echo_get_status(const va_echo *echo, struct va_echo_status *ret_status)
{
    int is_unknown = echo->clock_ns < echo->unknown_until_ns;

    *ret_status = (struct va_echo_status){
        .is_heard = echo->is_active || is_unknown,
        .is_ready = echo->options.cancel && !is_unknown && (echo->is_ready || is_unheard(echo)),
        .delay_ms = echo->has_delay ? echo->delay / SAMPLES_PER_MS : -1,
        .reduction_db = decibels(echo->life.heard, echo->life.out),
        .reduction_now_db = echo->is_active ? decibels(echo->now.heard, echo->now.out) : 0.0f,
        .frames = echo->frames,
        .resets = echo->resets,
        .lost = va_echo_track_lost(echo->track),
    };
}
