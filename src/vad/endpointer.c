#include "vad/endpointer.h"

#include "vad/silero.h"

enum { MAX_SHORT_MS = 2000, MAX_END_MS = 10000, MAX_UTTERANCE_MS = 600000 };
static const float UNSURE = 0.6f;
enum { MIN_GAP = 3 * VA_VAD_CHUNK_SAMPLES }; /* between words, hardly ever within one */

static uint64_t samples(int ms)
{
    return (uint64_t)ms * VA_VAD_RATE_HZ / 1000;
}

int va_endpointer_init(struct va_endpointer *endpointer, const struct va_endpointer_options *options, va_error *error)
{
    const struct va_endpointer_options *o = options;

    if (!(o->leave > 0.0f && o->leave <= o->enter && o->enter <= 1.0f && o->begin >= 0.0f && o->begin <= o->enter))
        return va_fail(error, VA_EINVAL, "speech detection: thresholds %g, %g and %g: 0 < leave <= enter <= 1, begin <= enter",
                       (double)o->enter, (double)o->leave, (double)o->begin);
    if (o->min_speech_ms < 0 || o->min_speech_ms > MAX_SHORT_MS || o->pad_before_ms < 0 || o->pad_before_ms > MAX_SHORT_MS ||
        o->possible_end_ms < 1 || o->end_ms < o->possible_end_ms || o->end_ms > MAX_END_MS || o->pad_after_ms < 0 ||
        o->pad_after_ms > o->end_ms || o->max_ms <= o->min_speech_ms + o->pad_before_ms || o->max_ms > MAX_UTTERANCE_MS)
        return va_fail(error, VA_EINVAL, "speech detection: a duration is out of its range");
    *endpointer = (struct va_endpointer){
        .min_speech = samples(o->min_speech_ms),
        .possible_end = samples(o->possible_end_ms),
        .end = samples(o->end_ms),
        .pad_before = samples(o->pad_before_ms),
        .pad_after = samples(o->pad_after_ms),
        .max = samples(o->max_ms),
        .begin = o->begin > 0.0f ? o->begin : o->enter,
        .enter = o->enter,
        .leave = o->leave,
    };
    return 0;
}

void va_endpointer_reset(struct va_endpointer *endpointer)
{
    endpointer->state = VA_ENDPOINTER_QUIET;
    endpointer->now = endpointer->previous_end = 0;
}

static struct va_speech_event event_of(const struct va_endpointer *e, enum va_speech_event_kind kind)
{
    uint64_t end = e->last + e->pad_after;
    return (struct va_speech_event){kind, e->start, end < e->now && e->is_pause ? end : e->now, e->last};
}

static struct va_speech_event end_with(struct va_endpointer *e, enum va_speech_event_kind kind)
{
    struct va_speech_event event = event_of(e, kind);
    e->state = VA_ENDPOINTER_QUIET;
    e->previous_end = event.end;
    return event;
}

/* A candidate becomes speech, goes on as one, or is given up. */
static struct va_speech_event weigh(struct va_endpointer *e)
{
    if (e->last - e->first >= e->min_speech) {
        uint64_t room = e->first - e->previous_end;
        e->state = VA_ENDPOINTER_SPEECH;
        e->gap_end = 0;
        e->start = e->first - (room < e->pad_before ? room : e->pad_before);
        return event_of(e, VA_SPEECH_START);
    }
    if (e->is_pause && e->now - e->pause >= e->possible_end)
        e->state = VA_ENDPOINTER_QUIET;
    return (struct va_speech_event){0};
}

/* Ends an utterance at its maximum: in this pause, or in the last one of its second half, behind which the next one has begun then. */
static struct va_speech_event cut(struct va_endpointer *e)
{
    int pauses = e->is_pause && e->now - e->pause >= MIN_GAP;

    if (pauses || e->gap_end == 0 || e->gap - e->start < e->max / 2)
        return end_with(e, VA_SPEECH_TOO_LONG);
    e->state = VA_ENDPOINTER_CANDIDATE;
    e->first = e->gap_end;
    e->previous_end = e->gap + (e->gap_end - e->gap) / 2;
    return (struct va_speech_event){VA_SPEECH_TOO_LONG, e->start, e->previous_end, e->gap};
}

static struct va_speech_event follow(struct va_endpointer *e, int was_told)
{
    if (e->is_pause && e->now - e->pause >= e->pause_end)
        return end_with(e, VA_SPEECH_END);
    if (e->now - e->start >= e->max)
        return cut(e);
    if (was_told && !e->is_pause)
        return event_of(e, VA_SPEECH_RESUMED);
    if (e->is_pause && !e->is_told && e->now - e->pause >= e->possible_end) {
        e->is_told = 1;
        return event_of(e, VA_SPEECH_POSSIBLE_END);
    }
    return (struct va_speech_event){0};
}

struct va_speech_event va_endpointer_push(struct va_endpointer *endpointer, float probability)
{
    struct va_endpointer *e = endpointer;
    uint64_t chunk = e->now;
    int was_told = e->is_told;

    e->now += VA_VAD_CHUNK_SAMPLES;
    int is_speech = e->state == VA_ENDPOINTER_SPEECH;
    if (probability >= (is_speech ? e->enter : e->begin)) {
        if (e->is_pause && chunk - e->pause >= MIN_GAP) {
            e->gap = e->pause;
            e->gap_end = chunk;
        }
        e->is_pause = e->is_told = 0;
        if (e->state == VA_ENDPOINTER_QUIET) {
            e->state = VA_ENDPOINTER_CANDIDATE;
            e->first = chunk;
        }
    } else if (probability < (is_speech ? e->leave : UNSURE * e->leave) && !e->is_pause) {
        e->is_pause = 1;
        e->pause = chunk;
        e->pause_end = e->end;
    }
    if (e->state == VA_ENDPOINTER_QUIET)
        return (struct va_speech_event){0};
    if (!e->is_pause)
        e->last = e->now;
    return e->state == VA_ENDPOINTER_CANDIDATE ? weigh(e) : follow(e, was_told);
}

void va_endpointer_end_after(struct va_endpointer *endpointer, int ms)
{
    endpointer->pause_end = samples(ms);
}

struct va_speech_event va_endpointer_end_at(struct va_endpointer *endpointer, uint64_t position)
{
    struct va_endpointer *e = endpointer;

    if (e->state != VA_ENDPOINTER_SPEECH || position <= e->start || position > e->now)
        return (struct va_speech_event){0};
    e->state = e->last > position ? VA_ENDPOINTER_CANDIDATE : VA_ENDPOINTER_QUIET;
    e->first = e->previous_end = position;
    e->is_told = 0;
    return (struct va_speech_event){VA_SPEECH_END, e->start, position, position};
}

struct va_speech_event va_endpointer_finish(struct va_endpointer *endpointer)
{
    if (endpointer->state == VA_ENDPOINTER_SPEECH)
        return end_with(endpointer, VA_SPEECH_END);
    if (endpointer->state == VA_ENDPOINTER_CANDIDATE && endpointer->last - endpointer->first >= endpointer->min_speech)
        return weigh(endpointer);
    endpointer->state = VA_ENDPOINTER_QUIET;
    return (struct va_speech_event){0};
}
