/* listening.h - one listening, from a start or reload to the next; shared by listening.c (the microphone, the thread) and heard.c (what
 * comes of what is heard). */
#ifndef VA_ASSISTANT_LISTENING_H
#define VA_ASSISTANT_LISTENING_H

#include "assistant/state.h"

struct va_listening {
    va_assistant *assistant;
    struct va_settings *settings;
    va_listener *listener;
    va_capture_reader *reader;
    int is_always;
    _Atomic int must_stop;
    int has_thread;
    pthread_t thread;

    /* The reading thread writes them: when what had been pushed was captured, how many samples that were, and how many when the own voice
     * was among them last. */
    _Atomic uint64_t pushed_ns, pushed, own;
    struct va_own_voice voice; /* the reading thread's */
};

/* heard.c: a va_listen_event_fn; user is the listening. */
void va_listening_on_event(void *user, const struct va_listen_event *event);

#endif
