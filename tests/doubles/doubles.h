/* doubles.h - stand-ins for the engine, the microphone, the decoder and the actions, for tests of what joins them.
 *
 * A recording or an upload is "transcribed" to "heard N" (N samples). With the gate closed, transcriptions wait until it opens or
 * they are cancelled, so that tests need no timing. */
#ifndef VA_TESTS_DOUBLES_H
#define VA_TESTS_DOUBLES_H

#include <stdatomic.h>

struct va_doubles {
    _Atomic int gate_closed; /* transcriptions wait */
    _Atomic int running;     /* transcriptions that have begun and not ended */
    _Atomic int begun, cancelled;
    _Atomic int no_device;       /* recordings cannot start */
    _Atomic int fail_contexts;   /* va_context_new fails */
    _Atomic int contexts;        /* that there are */
    _Atomic int action_waits_ms; /* how long an action takes */
    _Atomic int last_was_live;
    void (*on_timer)(void *user, const char *name, double seconds); /* what the actions call when a timer ends */
    void *timer_user;
    char last_prompt[512]; /* of the transcription begun last; read it when none runs */
    char last_language[16];
};
extern struct va_doubles doubles;

void doubles_reset(void);
/* Waits until value reaches at least n (some seconds at most); returns whether it did. */
int doubles_wait(_Atomic int *value, int n);

#endif
