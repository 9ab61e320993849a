/* doubles.h - stand-ins for the engine, the microphone, the decoder and the actions, for tests of what joins them.
 *
 * A recording or an upload is "transcribed" to "heard N" (N samples). With the gate closed, transcriptions wait until it opens or
 * they are cancelled, so that tests need no timing.
 *
 * Of a text that begins with "do" the steering understands a command: what stands before " and". It may go on unless it ends with '!'
 * (closed) or ',' (unlikely). */
#ifndef VA_TESTS_DOUBLES_H
#define VA_TESTS_DOUBLES_H

#include <stdatomic.h>
#include <stdint.h>

struct va_capture_event;
struct va_listen_event;
struct va_listener_options;
struct va_timer_event;

struct va_doubles {
    _Atomic int gate_closed; /* transcriptions wait */
    _Atomic int running;     /* transcriptions that have begun and not ended */
    _Atomic int begun, cancelled;
    _Atomic int no_device;       /* recordings cannot start */
    _Atomic int fail_contexts;   /* va_context_new fails */
    _Atomic int contexts;        /* that there are */
    _Atomic int action_waits_ms; /* how long an action takes */
    _Atomic int last_was_live;
    _Atomic int no_timers;                                            /* else there is one, whose id is 7 */
    int timers_are_damaged;                                           /* va_actions_restore fails */
    void (*on_timer)(void *user, const struct va_timer_event *event); /* what the actions call when a timer ends */
    void *timer_user;
    char last_prompt[512]; /* of the transcription begun last; read it when none runs */
    char last_language[16];
    _Atomic int said, silenced; /* texts given to the speaker */
    _Atomic int no_speaker;     /* va_speaker_new fails */
    _Atomic int no_queue;       /* va_speaker_say fails */
    _Atomic int talks_long;     /* what is said ends when it is silenced, or by doubles_end_talk */
    char last_said[256], last_said_language[16];
    int last_said_fixed;
    _Atomic(const char *) text; /* of transcriptions; NULL: "heard N" */

    _Atomic int captures;                  /* that are open */
    _Atomic int opening, open_waits;       /* a device is being opened, which takes until this is 0 again */
    _Atomic int closing, close_waits;      /* the same of closing */
    _Atomic int lost, has_ended;           /* the microphone gives nothing; a file has come to its end */
    _Atomic int listeners, pushed;         /* that there are; blocks */
    _Atomic int hearing;                   /* of the last block */
    _Atomic int fail_pushes;               /* so many fail */
    _Atomic int fail_listeners;            /* so many cannot be made */
    _Atomic int making, makes_wait;        /* one is being made, which takes until this is 0 again */
    _Atomic int pushes_wait, finish_waits; /* until it is cancelled or this is 0 again */
    _Atomic int finished, samples;         /* calls of va_listener_finish; samples pushed */
    _Atomic int opened, closed;            /* va_listener_open, _close */
    _Atomic int closed_at;                 /* samples pushed before the last va_listener_close */
    _Atomic uint64_t captured_ns;          /* when each block was captured; 0: just now */
    double wait_s;                         /* of the last va_listener_open */
    char source[64];                       /* of the last capture */
};
extern struct va_doubles doubles;

void doubles_reset(void);
/* Waits until value reaches at least n (some seconds at most); returns whether it did. */
int doubles_wait(_Atomic int *value, int n);
/* What the listener there is hears, or was made with. */
void doubles_hear(const struct va_listen_event *event);
void doubles_listener(struct va_listener_options *ret_options);
/* What is being said has been said. */
void doubles_end_talk(void);
/* What the capture tells. */
void doubles_capture(const struct va_capture_event *event);

#endif
