/* session.h - what one client of Wyoming says and is answered: transcription, wake words, speech, commands. One thread each.
 *
 *     describe                                             -> info
 *     transcribe, audio-start, audio-chunk ..., audio-stop -> transcript-start, transcript-chunk ..., transcript, transcript-stop
 *     detect, audio-start, audio-chunk ..., audio-stop     -> detection ..., or not-detected
 *     synthesize                                           -> audio-start, audio-chunk ..., audio-stop
 *     synthesize-start, synthesize-chunk ..., -stop        -> the same, while the text still comes, and synthesize-stopped
 *     recognize                                            -> intent, or not-recognized
 *     transcript                                           -> handled, or not-handled: the command is carried out
 *     ping                                                 -> pong
 *
 * What cannot be done is answered with an error; what is no event ends the connection; unknown events are passed over. */
#ifndef VA_WYOMING_SESSION_H
#define VA_WYOMING_SESSION_H

#include "assistant/assistant.h"
#include "listen/listener.h"

/* What all sessions use, and do not own. */
struct va_wyoming_parts {
    va_assistant *assistant;
    const va_model *model;
    const va_vad_model *vad_model;      /* or NULL: then no enrolled words are found */
    const struct va_listen_word *words; /* [n_words] */
    size_t n_words;
    const char *speech_language, *speech_voice; /* of the options */
};

typedef struct va_wyoming_session va_wyoming_session;

/* Waits until the bytes are on their way. Below 0: the client is gone, or too slow. */
typedef int (*va_wyoming_send_fn)(void *user, const char *bytes, size_t n);

VA_MUST_CHECK int va_wyoming_session_new(const struct va_wyoming_parts *parts, va_wyoming_send_fn send, void *user,
                                         va_wyoming_session **ret_session, va_error *error);
void va_wyoming_session_free(va_wyoming_session *session); /* gives up what is under way, but for commands */

/* Bytes that came from the client. May block: commands and speech are made here. Below 0: the connection is to be closed. */
VA_MUST_CHECK int va_wyoming_session_take(va_wyoming_session *session, const void *bytes, size_t n);

/* Readable when va_wyoming_session_tell has something to send: what the assistant has found meanwhile. */
int va_wyoming_session_fd(const va_wyoming_session *session);
VA_MUST_CHECK int va_wyoming_session_tell(va_wyoming_session *session);

enum va_wyoming_state {
    VA_WYOMING_IDLE,   /* nothing is asked */
    VA_WYOMING_TAKING, /* the rest of a request is to come */
    VA_WYOMING_OWING   /* an answer is; va_wyoming_session_take must not be called */
};
enum va_wyoming_state va_wyoming_session_state(const va_wyoming_session *session);

#endif
