/* listening.h - one listening, from a start or reload to the next; shared by listening.c (the microphone, the thread) and heard.c (what
 * comes of what is heard). */
#ifndef VA_ASSISTANT_LISTENING_H
#define VA_ASSISTANT_LISTENING_H

#include "assistant/state.h"

/* The button was let go, or pressed again behind that. */
struct va_listening_wish {
    int pressed;
    uint64_t ns; /* when, by va_clock_ns */
};

enum { VA_LISTENING_WISHES = 8 };

struct va_listening {
    va_assistant *assistant;
    struct va_settings *settings;
    va_listener *listener;
    va_capture_reader *reader;
    int is_always;
    uint64_t privacy_changes; /* when it began */
    _Atomic int must_stop;
    int has_thread;
    pthread_t thread;

    /* What the audio that is read has not reached yet, in order; the assistant's listening_lock guards it. */
    struct va_listening_wish wishes[VA_LISTENING_WISHES];
    size_t n_wishes;

    /* The reading thread writes them: when what had been pushed was captured, how many samples that were, and how many when the own voice
     * was among them last. */
    _Atomic uint64_t pushed_ns, pushed, own;
    struct va_own_voice voice; /* the reading thread's */
};

/* heard.c: a va_listen_event_fn; user is the listening. */
void va_listening_on_event(void *user, const struct va_listen_event *event);

#endif
