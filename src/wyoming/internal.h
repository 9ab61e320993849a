/* internal.h - what the files of a session share. */
#ifndef VA_WYOMING_INTERNAL_H
#define VA_WYOMING_INTERNAL_H

#include <pthread.h>

#include "assistant/live.h"
#include "base/json.h"
#include "wyoming/audio.h"
#include "wyoming/frame.h"
#include "wyoming/session.h"

#define VA_WYOMING_LANGUAGE_BYTES 16

enum va_wyoming_role { VA_WYOMING_TRANSCRIBES, VA_WYOMING_DETECTS };

/* The text of what is heard; the lock is the session's. */
struct va_wyoming_hearing {
    va_live *live;   /* or NULL */
    int is_finished; /* no more audio comes */
    int has_room;    /* more may be pushed */
    int has_begun;   /* transcript-start is out */
    size_t n_told;   /* words of the text, in chunks */
    char *text;      /* the whole; or NULL */
    char language[8];
    int has_ended, status;
    va_error error;
};

struct va_wyoming_speaking {
    int is_streaming; /* between synthesize-start and -stop */
    int has_begun;    /* audio-start is out */
    int has_failed;
    char *voice, *language; /* or NULL */
    struct va_buffer text;  /* that is not spoken yet */
};

struct va_wyoming_detector;

struct va_wyoming_session {
    const struct va_wyoming_parts *parts;
    va_wyoming_send_fn send;
    void *user;
    va_wyoming_reader *reader;

    enum va_wyoming_role role;
    int is_open;    /* between audio-start and audio-stop */
    int is_refused; /* the audio is passed over: an error has been told */
    va_wyoming_audio *audio;
    int64_t timestamp; /* of the last chunk, or -1 */
    char language[VA_WYOMING_LANGUAGE_BYTES];
    struct va_wyoming_hearing hearing;
    struct va_wyoming_detector *detector; /* or NULL */
    json_t *names;                        /* of detect, or NULL: all */
    struct va_wyoming_speaking speaking;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct va_buffer inbox; /* events for the client, of the assistant's threads */
    int n_detected;
    int fd; /* readable when there is something in it, or the hearing has ended */
};

/* An event's data, written: begin, members, end. What went wrong on the way is returned by the end. */
struct va_wyoming_data {
    struct va_buffer buffer;
    struct va_json json;
};
void va_wyoming_data_begin(struct va_wyoming_data *data);
/* To the client now, or, with the lock, into the inbox. */
VA_MUST_CHECK int va_wyoming_data_send(struct va_wyoming_data *data, va_wyoming_session *session, const char *type);
VA_MUST_CHECK int va_wyoming_data_post(struct va_wyoming_data *data, va_wyoming_session *session, const char *type);
/* {"text": text}; text NULL: none. */
VA_MUST_CHECK int va_wyoming_send_text(va_wyoming_session *session, const char *type, const char *text);
/* What could not be done. The connection goes on. */
VA_MUST_CHECK int va_wyoming_send_error(va_wyoming_session *session, int code, const va_error *error);

/* info.c */
VA_MUST_CHECK int va_wyoming_describe(va_wyoming_session *session);

/* hear.c: the failures of begin and push are for the client. */
VA_MUST_CHECK int va_wyoming_hear_begin(va_wyoming_session *session, va_error *error);
VA_MUST_CHECK int va_wyoming_hear_push(va_wyoming_session *session, const float *pcm, size_t n, va_error *error);
void va_wyoming_hear_finish(va_wyoming_session *session);
void va_wyoming_hear_drop(va_wyoming_session *session);
/* Sends the text when it is there. */
VA_MUST_CHECK int va_wyoming_hear_tell(va_wyoming_session *session);

/* detect.c: the same. */
VA_MUST_CHECK int va_wyoming_detect_begin(va_wyoming_session *session, va_error *error);
VA_MUST_CHECK int va_wyoming_detect_push(va_wyoming_session *session, const float *pcm, size_t n, va_error *error);
VA_MUST_CHECK int va_wyoming_detect_finish(va_wyoming_session *session, va_error *error);
void va_wyoming_detect_drop(va_wyoming_session *session);

/* say.c */
VA_MUST_CHECK int va_wyoming_synthesize(va_wyoming_session *session, const struct va_wyoming_event *event);
VA_MUST_CHECK int va_wyoming_synthesize_start(va_wyoming_session *session, const struct va_wyoming_event *event);
VA_MUST_CHECK int va_wyoming_synthesize_chunk(va_wyoming_session *session, const struct va_wyoming_event *event);
VA_MUST_CHECK int va_wyoming_synthesize_stop(va_wyoming_session *session, const struct va_wyoming_event *event);
void va_wyoming_say_drop(va_wyoming_session *session);

/* handle.c */
VA_MUST_CHECK int va_wyoming_recognize(va_wyoming_session *session, const struct va_wyoming_event *event);
VA_MUST_CHECK int va_wyoming_handle(va_wyoming_session *session, const struct va_wyoming_event *event);

#endif
