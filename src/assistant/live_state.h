/* live_state.h - the inside of a va_live, shared by live.c (audio, thread, ends) and live_events.c (what comes of it).
 *
 * Locks, in order: the assistant's live_lock, telling, lock. Events are told with `telling` held. */
#ifndef VA_ASSISTANT_LIVE_STATE_H
#define VA_ASSISTANT_LIVE_STATE_H

#include "assistant/live.h"
#include "assistant/state.h"
#include "base/buffer.h"

#define VA_LIVE_MAX_TEXT_BYTES 65536

struct va_live {
    _Atomic int holds; /* the client's, the thread's, and one for each errand */
    va_assistant *assistant;
    struct va_settings *settings;
    uint64_t privacy_changes;       /* when it began */
    struct va_live_options options; /* without the language */
    char *language;
    struct va_live_events events;
    void *user;
    va_live *next;
    int is_silent; /* no audio and no text are left; with live_lock */

    pthread_mutex_t telling;
    int is_closed; /* nobody is told any more */

    pthread_mutex_t lock;
    pthread_cond_t news;
    float *waiting; /* a ring, NULL when it has ended */
    size_t first, n_waiting;
    uint64_t pushed; /* samples */
    int is_finished, must_stop, wants_room, has_ended;
    int n_errands;
    int status; /* how it ends; with error */
    va_error error;
    va_listener *listener; /* or NULL; its thread makes and frees it */

    /* The listener's thread, then the own one: without endpoint, what the stretches of speech so far said. */
    struct va_buffer text;
    va_transcript whole; /* without its strings and segments; means over the seconds of speech */
    char *command_text;  /* of the one stretch there is */
    size_t n_tokens;
    float seconds;
    double start_s, end_s;
    int is_lost;
};

/* For whom `kind` is of interest, with what belongs to it. */
enum va_live_news_kind { VA_LIVE_SPEECH, VA_LIVE_PARTIAL, VA_LIVE_FINAL, VA_LIVE_EXECUTED, VA_LIVE_ROOM, VA_LIVE_ENDED };
struct va_live_news {
    enum va_live_news_kind kind;
    int begins, status;
    const char *text;
    size_t n_stable;
    double at_s;
    const struct va_job_result *result;
    const struct va_execution *execution;
    const va_error *error;
};
void va_live_tell(va_live *live, const struct va_live_news *news);

/* A va_listen_event_fn; user is the va_live. */
void va_live_on_event(void *user, const struct va_listen_event *event);

/* Without endpoint, at the end of the audio: the text, unless it has been told. VA_ELIMIT: it was too long. VA_ENOMEM. */
VA_MUST_CHECK int va_live_tell_whole(va_live *live, va_error *error);

void va_live_release(va_live *live);

#endif
