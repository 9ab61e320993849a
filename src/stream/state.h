/* state.h - the inside of a stream; its functions are in the public header.
 *
 *     push -> ring                          the audio that is still needed
 *          -> ear -> marks (a queue)        start, possible end, resumed, end
 *                      -> decode.c (the stream's thread) -> events
 *
 * The pusher writes audio before it queues the mark that speaks of it, and waits rather than overwrite what an utterance without its
 * final text needs; so the ring is read and written without the lock. One lock for the rest, held only for what is quick. */
#ifndef VA_STREAM_STATE_H
#define VA_STREAM_STATE_H

#include <pthread.h>

#include "stream/audio_ring.h"
#include "vad/ear.h"

/* Each chunk that is judged can give a mark; after a silence the ear judges some that waited. */
enum { VA_STREAM_MARKS = 4 * (VA_EAR_REPLAY_CHUNKS + 1) };

#define VA_STREAM_NOWHERE UINT64_MAX /* a position that never comes */

/* What the ear told. */
struct va_stream_mark {
    struct va_speech_event speech;
    double told_ms;  /* when; va_clock_ms */
    uint64_t number; /* 1, 2, ... */
};

/* What is being said; the decoding thread's own. */
struct va_utterance {
    uint64_t number, start; /* 0: none yet; sample */
    int is_open;            /* its VA_STREAM_FINAL is to come */
    int is_ready;           /* `last` is of `ready`, after which speech has not gone on */
    struct va_stream_mark ready;
    va_transcript *last;    /* the latest text, NULL before the first */
    uint64_t next_partial;  /* no partial text before so much of the stream has been heard ... */
    double next_partial_ms; /* ... and this time has come */
};

struct va_stream {
    /* Set once. */
    va_stream_options options;
    va_transcribe_options transcribe; /* with strings of its own */
    va_stream_event_fn on_event;
    void *user;
    size_t lookback; /* samples before the present in which an utterance may still be found to have begun */

    /* The pusher's. */
    va_ear *ear;
    uint64_t ear_start; /* sample of the stream that is the ear's first: after an interruption another one begins */
    int has_thread, is_finished;
    pthread_t thread;

    struct va_audio_ring ring;
    pthread_mutex_t lock;
    pthread_cond_t news; /* a mark, enough audio for a partial text, the end */
    pthread_cond_t room; /* in the ring or the queue, or a failure */
    struct va_stream_mark marks[VA_STREAM_MARKS];
    size_t first_mark, n_marks;
    uint64_t heard;   /* samples */
    uint64_t oldest;  /* start of the first utterance without its final text, VA_STREAM_NOWHERE: there is none */
    uint64_t newest;  /* start of the utterance that began last */
    uint64_t wake_at; /* the decoding thread wants to know when so much has been heard */
    uint64_t told;    /* number of the last mark */
    struct {
        uint64_t number; /* the mark of the pause that is meant; 0: nothing is wanted */
        int ms;
    } end_after;
    uint64_t end_at; /* the utterance shall end there; 0: nothing is wanted */
    int is_pausing;  /* as the ear has it */
    int has_ended;   /* nothing will be pushed */
    int is_stopping; /* and nobody waits for what is left */
    int status;      /* of decoding; with error */
    va_error error;

    /* The decoding thread's. */
    const va_model *model;
    va_context *context; /* NULL while nothing has been said for long */
    struct va_utterance utterance;
};

/* decode.c: the thread; arg is the stream. */
void *va_stream_main(void *arg);

#endif
