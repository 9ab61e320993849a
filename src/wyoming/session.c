#include "wyoming/internal.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"

#define MAX_DATA_BYTES 262144
#define MAX_INBOX_BYTES 1048576

/* ---- sending ---- */

void va_wyoming_data_begin(struct va_wyoming_data *data)
{
    va_buffer_init(&data->buffer, MAX_DATA_BYTES);
    data->json = (struct va_json){.out = &data->buffer};
    va_json_open(&data->json, NULL, '{');
}

static int end_data(struct va_wyoming_data *data, struct va_buffer *out, const char *type)
{
    va_json_close(&data->json, '}');
    int r = data->json.error;
    if (r == 0)
        r = va_wyoming_write(out, type, data->buffer.data, data->buffer.size, NULL, 0);
    va_buffer_free(&data->buffer);
    return r;
}

int va_wyoming_data_send(struct va_wyoming_data *data, va_wyoming_session *session, const char *type)
{
    struct va_buffer out;

    va_buffer_init(&out, 2 * MAX_DATA_BYTES);
    int r = end_data(data, &out, type);
    if (r == 0)
        r = session->send(session->user, out.data, out.size);
    va_buffer_free(&out);
    return r;
}

int va_wyoming_data_post(struct va_wyoming_data *data, va_wyoming_session *session, const char *type)
{
    int r = end_data(data, &session->inbox, type);

    eventfd_write(session->fd, 1);
    return r;
}

int va_wyoming_send_text(va_wyoming_session *session, const char *type, const char *text)
{
    struct va_wyoming_data data;

    va_wyoming_data_begin(&data);
    if (text != NULL)
        va_json_text(&data.json, "text", text);
    return va_wyoming_data_send(&data, session, type);
}

int va_wyoming_send_error(va_wyoming_session *session, int code, const va_error *error)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {{VA_EBUSY, "busy"},         {VA_EDENIED, "privacy"}, {VA_EINVAL, "invalid"},   {VA_EUNSUPPORTED, "unsupported"},
                 {VA_EFORMAT, "bad-event"},  {VA_ELIMIT, "too-much"}, {VA_ESTATE, "not-ready"}, {VA_ENOTFOUND, "not-found"},
                 {VA_ETIMEOUT, "timed-out"}, {VA_ENOMEM, "no-memory"}};
    struct va_wyoming_data data;
    size_t i = 0, n = sizeof names / sizeof names[0];

    while (i < n && names[i].code != code)
        i++;
    va_wyoming_data_begin(&data);
    va_json_text(&data.json, "text", error->text);
    va_json_text(&data.json, "code", i < n ? names[i].name : "failed");
    return va_wyoming_data_send(&data, session, "error");
}

/* ---- audio ---- */

static int take_pcm(void *user, const float *pcm, size_t n, va_error *error)
{
    va_wyoming_session *session = user;

    return session->role == VA_WYOMING_DETECTS ? va_wyoming_detect_push(session, pcm, n, error)
                                               : va_wyoming_hear_push(session, pcm, n, error);
}

static void drop_audio(va_wyoming_session *session)
{
    va_wyoming_hear_drop(session);
    va_wyoming_detect_drop(session);
    va_wyoming_audio_free(session->audio);
    session->audio = NULL;
    session->is_open = session->is_refused = 0;
}

static int refuse_audio(va_wyoming_session *session, int code, const va_error *error)
{
    drop_audio(session);
    session->is_open = session->is_refused = 1;
    return va_wyoming_send_error(session, code, error);
}

static int open_audio(va_wyoming_session *session, const struct va_wyoming_format *format)
{
    va_error error;
    int r;

    drop_audio(session);
    session->is_open = 1;
    session->timestamp = -1;
    r = va_wyoming_audio_new(format, &session->audio, &error);
    if (r == 0)
        r = session->role == VA_WYOMING_DETECTS ? va_wyoming_detect_begin(session, &error) : va_wyoming_hear_begin(session, &error);
    return r < 0 ? refuse_audio(session, r, &error) : 0;
}

static int64_t integer_of(const json_t *data, const char *name)
{
    const json_t *value = json_object_get(data, name);

    return json_is_integer(value) ? json_integer_value(value) : -1;
}

static struct va_wyoming_format format_of(const struct va_wyoming_event *event)
{
    return (struct va_wyoming_format){.rate = integer_of(event->data, "rate"),
                                      .width = integer_of(event->data, "width"),
                                      .channels = integer_of(event->data, "channels")};
}

static int on_audio_start(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    const struct va_wyoming_format format = format_of(event);

    return open_audio(session, &format);
}

/* Some clients begin with the first chunk. */
static int on_audio_chunk(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    const struct va_wyoming_format format = format_of(event);
    va_error error;
    int r = session->is_open ? 0 : open_audio(session, &format);

    if (r < 0 || session->is_refused)
        return r;
    pthread_mutex_lock(&session->lock);
    session->timestamp = integer_of(event->data, "timestamp");
    pthread_mutex_unlock(&session->lock);
    if (!va_wyoming_audio_is(session->audio, &format))
        r = va_fail(&error, VA_EINVAL, "a chunk has another rate, width or channels than the audio that was begun");
    else if (event->n_payload > 0)
        r = va_wyoming_audio_push(session->audio, event->payload, event->n_payload, take_pcm, session, &error);
    return r < 0 ? refuse_audio(session, r, &error) : 0;
}

static int on_audio_stop(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    va_error error;
    int r;

    if (session->is_refused) { /* told already */
        drop_audio(session);
        return 0;
    }
    if (session->is_open)
        r = va_wyoming_audio_push(session->audio, NULL, 0, take_pcm, session, &error);
    else
        r = va_fail(&error, VA_EINVAL, "there was no audio before its end");
    if (r == 0 && session->role == VA_WYOMING_DETECTS)
        r = va_wyoming_detect_finish(session, &error);
    else if (r == 0)
        va_wyoming_hear_finish(session);
    session->is_open = 0;
    if (r == 0)
        return 0;
    drop_audio(session);
    return va_wyoming_send_error(session, r, &error);
}

/* ---- what is asked for ---- */

/* "en-US" is "en" for Whisper. */
static void copy_language(const char *text, char ret_language[VA_WYOMING_LANGUAGE_BYTES])
{
    size_t n = text == NULL ? 0 : strcspn(text, "-_");

    ret_language[0] = '\0';
    if (n < VA_WYOMING_LANGUAGE_BYTES)
        strncat(ret_language, text == NULL ? "" : text, n);
}

static int on_transcribe(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    drop_audio(session);
    session->role = VA_WYOMING_TRANSCRIBES;
    copy_language(json_string_value(json_object_get(event->data, "language")), session->language);
    return 0;
}

static int on_detect(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    json_t *names = json_object_get(event->data, "names");

    drop_audio(session);
    session->role = VA_WYOMING_DETECTS;
    json_decref(session->names);
    session->names = json_is_array(names) && json_array_size(names) > 0 ? json_incref(names) : NULL;
    return 0;
}

static int on_describe(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    return va_wyoming_describe(session);
}

static int on_ping(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    return va_wyoming_send_text(session, "pong", json_string_value(json_object_get(event->data, "text")));
}

static const struct {
    const char *type;
    int (*handle)(va_wyoming_session *session, const struct va_wyoming_event *event);
} events[] = {
    {"audio-chunk", on_audio_chunk},
    {"audio-start", on_audio_start},
    {"audio-stop", on_audio_stop},
    {"describe", on_describe},
    {"detect", on_detect},
    {"ping", on_ping},
    {"recognize", va_wyoming_recognize},
    {"synthesize", va_wyoming_synthesize},
    {"synthesize-chunk", va_wyoming_synthesize_chunk},
    {"synthesize-start", va_wyoming_synthesize_start},
    {"synthesize-stop", va_wyoming_synthesize_stop},
    {"transcribe", on_transcribe},
    {"transcript", va_wyoming_handle},
};

static int handle(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (strcmp(events[i].type, event->type) == 0)
            return events[i].handle(session, event);
    return 0;
}

/* All whole events, until an answer is owed: what came behind waits. */
static int read_events(va_wyoming_session *session)
{
    struct va_wyoming_event event;
    va_error error;
    int r = 0;

    while (r >= 0 && va_wyoming_session_state(session) != VA_WYOMING_OWING) {
        int got = va_wyoming_reader_next(session->reader, &event, &error);
        if (got < 0) {
            r = va_wyoming_send_error(session, got, &error);
            return r < 0 ? r : got;
        }
        if (got == 0)
            return 0;
        r = handle(session, &event);
    }
    return r;
}

int va_wyoming_session_take(va_wyoming_session *session, const void *bytes, size_t n)
{
    int r = va_wyoming_reader_push(session->reader, bytes, n);

    if (r == 0)
        r = read_events(session);
    return r < 0 ? r : va_wyoming_session_tell(session);
}

int va_wyoming_session_tell(va_wyoming_session *session)
{
    struct va_buffer inbox;
    eventfd_t count;
    int r = 0, was_owing = va_wyoming_session_state(session) == VA_WYOMING_OWING;

    eventfd_read(session->fd, &count);
    pthread_mutex_lock(&session->lock);
    inbox = session->inbox;
    va_buffer_init(&session->inbox, MAX_INBOX_BYTES);
    pthread_mutex_unlock(&session->lock);
    if (inbox.size > 0)
        r = session->send(session->user, inbox.data, inbox.size);
    va_buffer_free(&inbox);
    if (r == 0)
        r = va_wyoming_hear_tell(session);
    return r == 0 && was_owing ? read_events(session) : r;
}

/* ---- life ---- */

int va_wyoming_session_new(const struct va_wyoming_parts *parts, va_wyoming_send_fn send, void *user, va_wyoming_session **ret_session,
                           va_error *error)
{
    va_wyoming_session *session = va_calloc(1, sizeof *session);
    if (session == NULL)
        return va_fail_memory(error);
    session->parts = parts;
    session->send = send;
    session->user = user;
    session->timestamp = -1;
    pthread_mutex_init(&session->lock, NULL);
    pthread_cond_init(&session->changed, NULL);
    va_buffer_init(&session->inbox, MAX_INBOX_BYTES);
    va_buffer_init(&session->speaking.text, MAX_DATA_BYTES);
    session->reader = va_wyoming_reader_new();
    session->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (session->reader == NULL || session->fd < 0) {
        va_wyoming_session_free(session);
        return va_fail_memory(error);
    }
    *ret_session = session;
    return 0;
}

void va_wyoming_session_free(va_wyoming_session *session)
{
    if (session == NULL)
        return;
    drop_audio(session);
    va_wyoming_say_drop(session);
    json_decref(session->names);
    va_wyoming_reader_free(session->reader);
    va_buffer_free(&session->inbox);
    pthread_cond_destroy(&session->changed);
    pthread_mutex_destroy(&session->lock);
    if (session->fd >= 0)
        close(session->fd);
    va_free(session);
}

int va_wyoming_session_fd(const va_wyoming_session *session)
{
    return session->fd;
}

enum va_wyoming_state va_wyoming_session_state(const va_wyoming_session *session)
{
    if (session->hearing.live != NULL && session->hearing.is_finished)
        return VA_WYOMING_OWING;
    return session->is_open || session->speaking.is_streaming ? VA_WYOMING_TAKING : VA_WYOMING_IDLE;
}
