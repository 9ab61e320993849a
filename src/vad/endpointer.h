/* endpointer.h - from the probabilities of chunks to utterances: when speech starts, pauses, goes on, and has ended.
 *
 * Speech begins with a chunk of at least `begin`, goes on after a pause with one of at least `enter`, and pauses with one below `leave`
 * (three fifths of it until it counts: a soft word has few chunks that are sure); what lies between changes nothing. It counts once it has
 * lasted min_speech_ms; a shorter noise gives no event. After possible_end_ms of pause the listener may begin to decode in advance; after
 * end_ms the utterance is over. One that reaches max_ms is cut in the middle of the last pause of 96 ms or more in its second half, so that
 * no word is cut in two, or where it is when there is none. All positions are samples of the stream, from 0. A pure state machine: one
 * thread at a time, no allocation. Source of the thresholds: snakers4/silero-vad, utils_vad.py, changed for commands. */
#ifndef VA_VAD_ENDPOINTER_H
#define VA_VAD_ENDPOINTER_H

#include "base/error.h"

struct va_endpointer_options {
    float enter, leave;          /* probabilities: 0 < leave <= enter <= 1 */
    int min_speech_ms;           /* 0 .. 2000 */
    int possible_end_ms, end_ms; /* of pause: 0 < possible_end_ms <= end_ms <= 10000 */
    int pad_before_ms;           /* of an utterance: 0 .. 2000 */
    int pad_after_ms;            /* 0 .. end_ms */
    int max_ms;                  /* of an utterance with its padding: more than min_speech_ms + pad_before_ms, at most 600000 */
    float begin;                 /* probability with which it may begin: 0 < begin <= enter; 0: enter */
};

/* Of min_speech_ms: the word "pause" alone can have as little as 128 ms above `leave`; noises of the recorded set have up to 96.
 * Of pad_before_ms: with 200, a soft beginning is often misheard (24 word errors in 24 smart-home commands, 12 with 300, 15 uncut). */
#define VA_ENDPOINTER_DEFAULTS                             \
    {                                                      \
        0.5f, 0.35f, 100, 200, 600, 300, 300, 12000, 0.35f \
    }

enum va_speech_event_kind {
    VA_SPEECH_NONE,
    VA_SPEECH_START,        /* an utterance began at `start` */
    VA_SPEECH_POSSIBLE_END, /* it pauses: what there is of it is start .. end */
    VA_SPEECH_RESUMED,      /* it did not end there */
    VA_SPEECH_END,          /* the utterance is start .. end */
    VA_SPEECH_TOO_LONG      /* the same, cut because of max_ms: what was said since `end` belongs to the next one */
};

struct va_speech_event {
    enum va_speech_event_kind kind;
    uint64_t start, end; /* samples; end: of the utterance and its padding, as far as it has been heard */
    uint64_t speech_end; /* where its speech ended or paused, without padding */
};

struct va_endpointer {
    uint64_t min_speech, possible_end, end, pad_before, pad_after, max; /* samples */
    float begin, enter, leave;
    enum { VA_ENDPOINTER_QUIET, VA_ENDPOINTER_CANDIDATE, VA_ENDPOINTER_SPEECH } state;
    int is_pause, is_told;        /* in a pause; its POSSIBLE_END has been told */
    uint64_t now;                 /* heard so far */
    uint64_t first, last;         /* speech, without padding */
    uint64_t pause;               /* where the pause began */
    uint64_t pause_end;           /* of pause, after which this one ends the utterance */
    uint64_t gap, gap_end;        /* the last pause after which speech went on that an utterance can be cut in; gap_end 0: none yet */
    uint64_t start, previous_end; /* of this utterance and the one before, with padding */
};

/* VA_EINVAL: an option is out of its range. */
VA_MUST_CHECK int va_endpointer_init(struct va_endpointer *endpointer, const struct va_endpointer_options *options, va_error *error);

/* The pause under way ends the utterance when it has lasted for `ms`, instead of end_ms: because of what was said before it. Nothing when
 * there is none. */
void va_endpointer_end_after(struct va_endpointer *endpointer, int ms);

/* The utterance under way ends at `position`, a sample of it, as if speech had ended there: VA_SPEECH_END; what was said since belongs to
 * the next one. Nothing when there is none, or it did not hold that sample. */
struct va_speech_event va_endpointer_end_at(struct va_endpointer *endpointer, uint64_t position);

/* Another stream begins. */
void va_endpointer_reset(struct va_endpointer *endpointer);

/* Takes the probability of the next chunk of VA_VAD_CHUNK_SAMPLES. At most one event comes of it. */
struct va_speech_event va_endpointer_push(struct va_endpointer *endpointer, float probability);

/* The stream ends: VA_SPEECH_END when an utterance was under way. To be called until nothing comes: what is left of a cut is another one.
 */
struct va_speech_event va_endpointer_finish(struct va_endpointer *endpointer);

/* The speaker pauses, or does not speak. */
static inline int va_endpointer_is_pausing(const struct va_endpointer *endpointer)
{
    return endpointer->state != VA_ENDPOINTER_SPEECH || endpointer->is_pause;
}

/* Neither in speech nor in what may become it. */
static inline int va_endpointer_is_quiet(const struct va_endpointer *endpointer)
{
    return endpointer->state == VA_ENDPOINTER_QUIET;
}

#endif
