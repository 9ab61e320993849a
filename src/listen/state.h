/* state.h - the inside of a listener, shared by the files of this folder.
 *
 * The pusher feeds wake words and stream; the stream's thread tells what it hears. `lock` guards what both touch and is held only for
 * what is quick; `telling` makes events come one at a time, and is taken before `lock`. */
#ifndef VA_LISTEN_STATE_H
#define VA_LISTEN_STATE_H

#include <pthread.h>

#include <voice_assistant.h>

#include "listen/listener.h"
#include "listen/own_words.h"
#include "stream/audio_ring.h"

#define VA_LISTENER_END_MS 900 /* of pause, which ends an utterance whatever was said: half a sentence, or no command */

/* A command that came out of partial texts and has not been followed by more of it. */
struct va_steady {
    char *text;     /* of the command; NULL: none */
    double since_s; /* of the stream: audio up to here held it */
    double still_s; /* it is waited from here on: the same, or where speech went on behind a pause */
};

/* The stream does not get all that is pushed: from this sample of it on, so many of the listener's stand before. */
struct va_listener_piece {
    uint64_t from;
    int64_t origin;
};

enum { VA_LISTENER_PIECES = 16 };

struct va_listener {
    struct va_listener_options options;
    char *language;
    va_stream *stream;

    /* The pusher's. */
    va_wake *wake;                                             /* or NULL */
    va_own_words *own;                                         /* or NULL */
    struct va_audio_ring history;                              /* what was pushed last */
    uint64_t heard, streamed;                                  /* samples: pushed; of them, to the stream */
    uint64_t deaf_until;                                       /* what was pushed before is nobody's to hear */
    int has_gap;                                               /* the stream misses something */
    struct va_listener_woken woken;                            /* in this block */
    const struct va_listen_word *fetched[VA_LISTEN_MAX_WORDS]; /* by the index of `wake` */
    int strains;                                               /* to hear words behind its own voice */

    pthread_mutex_t telling;

    pthread_mutex_t lock;
    enum { VA_WISH_NONE, VA_WISH_OPEN, VA_WISH_CLOSE, VA_WISH_DROP } wish;
    double wish_wait_s;
    int is_open;
    int is_ending;                                       /* not open any more, but for what was said */
    uint64_t deadline;                                   /* sample: speech must have begun; 0: there is time */
    uint64_t told_from;                                  /* sample of the stream: what began before it is not told ... */
    uint64_t closing_from;                               /* ... or does not close */
    struct va_listener_piece pieces[VA_LISTENER_PIECES]; /* a ring of the last of n_pieces */
    size_t n_pieces;

    /* The utterance under way; the stream's thread alone writes, with the lock held. */
    int in_utterance; /* one that is told */
    int64_t utterance_origin;
    struct va_steady steady;
    double ready_ms; /* what decoding the text that is ready took; 0: none is */
};

/* events.c: from the stream's thread. */
void va_listener_on_stream(void *user, const va_stream_event *event);

/* Tells the event; its heard_s is filled in. */
void va_listener_tell(va_listener *listener, struct va_listen_event *event);

#endif
