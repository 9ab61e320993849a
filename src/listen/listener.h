/* listener.h - what is said to the assistant: a stream of audio goes in, wake words and utterances with what they mean come out.
 *
 *     audio -> wake words ------------------> opens
 *           -> the last 2 s -> va_stream ---> utterances while it is open -> the command in them
 *
 * An utterance ends by what was said in it: soon after a command behind which nothing can follow, later when something may, and later
 * still when it is no command yet. Where others go on talking behind a command, so that no pause comes, the text decides: the command
 * stands once it has stayed the same for a while.
 *
 * Pushing costs well below a millisecond for 20 ms of audio; utterances are decoded in a thread of the stream. */
#ifndef VA_LISTEN_LISTENER_H
#define VA_LISTEN_LISTENER_H

#include "base/error.h"
#include "dsp/own_voice.h"
#include "understand/outlook.h"
#include "wake/wake.h"
#include "word/word.h"

typedef struct va_listener va_listener;

enum { VA_LISTEN_MAX_WORDS = VA_WAKE_MAX_WORDS };

enum va_listen_mode {
    VA_LISTEN_ALWAYS, /* to everything that is said */
    VA_LISTEN_WAKE    /* to what is said behind a wake word, or after va_listener_open */
};

enum va_listen_event_kind {
    VA_LISTEN_WOKEN = 1, /* a word was said; opens, unless it is a stop word */
    VA_LISTEN_OPENED,    /* an utterance is awaited. Not told with VA_LISTEN_ALWAYS */
    VA_LISTEN_STARTED,   /* somebody speaks */
    VA_LISTEN_PARTIAL,   /* what has been said so far */
    VA_LISTEN_PAUSED,    /* perhaps that was all: what it would mean */
    VA_LISTEN_RESUMED,   /* it was not */
    VA_LISTEN_HEARD,     /* an utterance is over, and this is what it means. Once after each STARTED, unless it closes first */
    VA_LISTEN_CLOSED     /* nothing more is awaited */
};

enum va_listen_reason {
    VA_LISTEN_BY_WORD = 1, /* woken */
    VA_LISTEN_BY_CALLER,   /* va_listener_open, va_listener_close */
    VA_LISTEN_DONE,        /* an utterance was heard */
    VA_LISTEN_NOTHING_SAID /* in time */
};

struct va_listen_event {
    enum va_listen_event_kind kind;
    enum va_listen_reason reason;                 /* of OPENED and CLOSED */
    double start_s, end_s;                        /* of the audio pushed: what it is about */
    double speech_end_s;                          /* where the speech of an utterance ended or paused */
    double heard_s;                               /* how much has been pushed by now */
    const struct va_listen_word *word;            /* WOKEN; NULL otherwise */
    float score;                                  /* WOKEN */
    float level_dbfs;                             /* WOKEN: of the word, root mean square */
    const char *text;                             /* "" where there is none; valid during the call, as all below */
    size_t n_stable;                              /* bytes of a partial text that are unlikely to change */
    double decode_ms;                             /* PAUSED, HEARD: from the pause until the text was there */
    const struct va_transcript *transcript;       /* PAUSED, HEARD */
    const struct va_understanding *understanding; /* PAUSED, HEARD; NULL without steering */
    int is_command;                               /* it counts as one */
    enum va_outlook outlook;                      /* whether it may go on */
};

/* From the pusher's thread or the stream's, one at a time. It may call va_listener_open and _close, but neither push nor free. */
typedef void (*va_listen_event_fn)(void *user, const struct va_listen_event *event);

/* A word to listen for: fetched (model) or enrolled by the user (own), the other one is NULL. With both, what the model finds is judged by
 * own, made from the word's text, before it counts. */
struct va_listen_word {
    const va_wake_model *model;
    const va_word_model *own;
    const char *name;
    float sensitivity; /* 0..1, 0.5: as usual */
    int is_stop;       /* it ends what the assistant says, and opens nothing */
};

struct va_listener_options {
    enum va_listen_mode mode;
    const va_model *model;
    const va_vad_model *vad_model;
    const va_steering *steering;        /* or NULL: texts only */
    float confidence;                   /* from which on a command counts */
    const char *language;               /* as in va_transcribe_options; copied */
    int threads;                        /* as in va_stream_options */
    int step_ms;                        /* as in va_stream_options. 0 also does without the text's say where no pause comes */
    int max_ms;                         /* of an utterance */
    int is_whole;                       /* 1: no pause ends an utterance but a very long one; va_listener_finish does */
    double wait_s;                      /* how long an utterance is awaited once it has opened */
    const struct va_listen_word *words; /* [n_words], at most VA_LISTEN_MAX_WORDS; all of it must outlive the listener */
    size_t n_words;
    int (*is_own)(void *user); /* or NULL. Has the assistant itself said it? The pusher's thread asks before a wake word counts */
    va_listen_event_fn on_event;
    void *user;
};

void va_listener_options_init(struct va_listener_options *options);

/* Models and steering must outlive it. VA_EINVAL, VA_ENOMEM. */
VA_MUST_CHECK int va_listener_new(const struct va_listener_options *options, va_listener **ret_listener, va_error *error);
/* No event comes after it. */
void va_listener_free(va_listener *listener);

/* pcm [n]: 16 kHz mono, -1..1. One thread at a time. Failures are those of va_stream_push. */
VA_MUST_CHECK int va_listener_push(va_listener *listener, const float *pcm, size_t n, enum va_hearing hear, va_error *error);
/* The audio ends: returns when every utterance has been told. */
VA_MUST_CHECK int va_listener_finish(va_listener *listener, va_error *error);

/* Gives up what is under way: va_listener_push and _finish fail with VA_ECANCELLED. Any thread, before va_listener_free. */
void va_listener_cancel(va_listener *listener);

/* As if a wake word had been said just now: a button, a question that awaits an answer. wait_s 0: the option's. Any thread. */
void va_listener_open(va_listener *listener, double wait_s);
/* What is being said is not heard any more (drop), or ends here. Any thread. */
void va_listener_close(va_listener *listener, int drop);
int va_listener_is_open(va_listener *listener);

#endif
