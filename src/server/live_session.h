/* live_session.h - one client's live audio: its messages in any order to the assistant, and what comes of them to JSON. docs/live.md.
 *
 * What carries the messages is behind a va_live_line; so it can be tested, and damaged, without a network. */
#ifndef VA_SERVER_LIVE_SESSION_H
#define VA_SERVER_LIVE_SESSION_H

#include "assistant/live.h"
#include "server/live_message.h"

typedef struct va_live_session va_live_session;

/* From any thread. */
struct va_live_line {
    int (*send)(void *user, const char *text, size_t n); /* negative: the client is gone, or too slow */
    void (*close)(void *user, int code, const char *reason);
    void (*pause)(void *user, int paused); /* whether messages may come */
    void *user;
};

VA_MUST_CHECK int va_live_session_new(va_assistant *assistant, const struct va_live_line *line, va_live_session **ret_session,
                                      va_error *error);
/* Gives up what is under way. The line is not used any more when it returns. */
void va_live_session_free(va_live_session *session);

/* One thread at a time, and that of free. Whatever is wrong is told to the client. */
void va_live_session_start(va_live_session *session, const struct va_live_message *start);
void va_live_session_text(va_live_session *session, const char *text, size_t n);
void va_live_session_audio(va_live_session *session, const void *data, size_t n);

#endif
