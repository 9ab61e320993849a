#include "server/live_session.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "assistant/live_json.h"
#include "audio/meter.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "server/websocket.h"

#define MAX_ANSWER_BYTES ((size_t)512 << 10)
#define LEVEL_MS 100.0

/* Codes of RFC 6455. */

struct va_live_session {
    va_assistant *assistant;
    struct va_live_line line;
    va_push_decoder *decoder;
    va_live *live; /* NULL before the start */
    int is_stopped;
    _Atomic int is_over; /* nothing more is said */
    struct va_meter meter;
    uint64_t n_metered;
    double level_ms; /* when the last level was told */
};

/* ---- answers ---- */

struct answer {
    struct va_buffer buffer;
    struct va_json json;
};

static void begin(struct answer *answer, const char *type)
{
    va_buffer_init(&answer->buffer, MAX_ANSWER_BYTES);
    answer->json = (struct va_json){.out = &answer->buffer};
    va_json_open(&answer->json, NULL, '{');
    va_json_text(&answer->json, "type", type);
}

/* A client that cannot take its answers is let go: memory does not grow for it. */
static void send(va_live_session *session, struct answer *answer)
{
    va_json_close(&answer->json, '}');
    int r = answer->json.error < 0 ? answer->json.error : session->line.send(session->line.user, answer->buffer.data, answer->buffer.size);
    va_buffer_free(&answer->buffer);
    if (r < 0 && !atomic_exchange(&session->is_over, 1))
        session->line.close(session->line.user, VA_WEBSOCKET_LATER, "the answers are not read");
}

static void end(va_live_session *session, int code, const char *reason)
{
    struct answer answer;

    begin(&answer, "closed");
    send(session, &answer);
    if (!atomic_exchange(&session->is_over, 1))
        session->line.close(session->line.user, code, reason);
}

/* What is wrong, for a program; and how the connection ends by it. */
static const char *name_of(int status, int *ret_close)
{
    static const struct {
        int status, close;
        const char *name;
    } names[] = {
        {VA_EINVAL, VA_WEBSOCKET_POLICY, "invalid"},           {VA_EFORMAT, VA_WEBSOCKET_POLICY, "damaged"},
        {VA_EUNSUPPORTED, VA_WEBSOCKET_POLICY, "unsupported"}, {VA_EBUSY, VA_WEBSOCKET_LATER, "busy"},
        {VA_EDENIED, VA_WEBSOCKET_POLICY, "privacy"},          {VA_ESTATE, VA_WEBSOCKET_GOING, "unavailable"},
        {VA_ELIMIT, VA_WEBSOCKET_POLICY, "too_large"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].status == status) {
            *ret_close = names[i].close;
            return names[i].name;
        }
    *ret_close = VA_WEBSOCKET_INTERNAL;
    return "internal";
}

static void tell_error(va_live_session *session, const char *name, int close, const va_error *error)
{
    struct answer answer;

    begin(&answer, "error");
    va_json_text(&answer.json, "code", name);
    va_json_text(&answer.json, "message", error->text);
    send(session, &answer);
    end(session, close, name);
}

static void fail(va_live_session *session, int status, const va_error *error)
{
    int close;
    const char *name = name_of(status, &close);

    tell_error(session, name, close, error);
}

/* Nobody is told of what the client said any more. */
static void leave(va_live_session *session)
{
    va_live_close(session->live);
    session->live = NULL;
    session->is_stopped = 1;
}

/* The client's fault. */
static void refuse(va_live_session *session, int status, const va_error *error)
{
    leave(session);
    fail(session, status, error);
}

/* ---- what the assistant tells ---- */

static void on_speech(void *user, int begins, double at_s)
{
    struct answer answer;

    begin(&answer, "speech");
    va_json_text(&answer.json, "state", begins ? "start" : "end");
    va_json_number(&answer.json, "at", at_s, 3);
    send(user, &answer);
}

static void on_partial(void *user, const char *text, size_t n_stable, double heard_s)
{
    struct answer answer;

    begin(&answer, "partial");
    va_live_json_partial(&answer.json, text, n_stable, heard_s);
    send(user, &answer);
}

static void on_final(void *user, const struct va_job_result *result)
{
    struct answer answer;

    begin(&answer, "final");
    va_live_json_final(&answer.json, result);
    send(user, &answer);
}

static void on_executed(void *user, int status, const struct va_execution *execution, const va_error *error)
{
    struct answer answer;

    begin(&answer, "result");
    va_live_json_result(&answer.json, status, execution, error);
    send(user, &answer);
}

static void on_room(void *user)
{
    va_live_session *session = user;

    session->line.pause(session->line.user, 0);
}

static void on_ended(void *user, int status, const va_error *error)
{
    if (status < 0)
        fail(user, status, error);
    else
        end(user, VA_WEBSOCKET_NORMAL, "");
}

/* ---- what the client says ---- */

/* A va_push_fn. */
static int push(void *user, const float *pcm, size_t n, va_error *error)
{
    va_live_session *session = user;
    int r = va_live_push(session->live, pcm, n, error);

    if (r == VA_EBUSY)
        r = va_fail(error, VA_ELIMIT, "audio comes faster than it can be worked out; send smaller messages");
    va_meter_add(&session->meter, pcm, n);
    session->n_metered += n;
    return r;
}

static void tell_level(va_live_session *session)
{
    struct answer answer;
    double now_ms = va_clock_ms();

    if (session->n_metered < VA_METER_SAMPLES || now_ms - session->level_ms < LEVEL_MS)
        return;
    session->level_ms = now_ms;
    begin(&answer, "level");
    va_json_number(&answer.json, "rms", (double)atomic_load(&session->meter.rms_db), 1);
    va_json_number(&answer.json, "peak", (double)atomic_load(&session->meter.peak_db), 1);
    send(session, &answer);
}

static void tell_ready(va_live_session *session, const struct va_live_message *start)
{
    struct answer answer;

    begin(&answer, "ready");
    va_json_text(&answer.json, "format", start->audio.format == VA_PUSH_OPUS ? "opus" : "pcm16");
    if (start->audio.format == VA_PUSH_PCM16)
        va_json_integer(&answer.json, "rate", start->audio.rate_hz);
    va_json_bool(&answer.json, "commands", start->commands);
    va_json_bool(&answer.json, "execute", start->execute);
    va_json_bool(&answer.json, "partials", start->partials);
    va_json_bool(&answer.json, "endpoint", start->endpoint);
    send(session, &answer);
}

void va_live_session_start(va_live_session *session, const struct va_live_message *start)
{
    static const struct va_live_events events = {on_speech, on_partial, on_final, on_executed, on_room, on_ended};
    const struct va_live_options options = {
        .language = start->language[0] != '\0' ? start->language : NULL,
        .commands = start->commands,
        .execute = start->execute,
        .partials = start->partials,
        .endpoint = start->endpoint,
    };
    va_error error;
    int r = session->decoder != NULL || session->is_stopped ? va_fail(&error, VA_EINVAL, "it has been started already") : 0;

    if (r == 0)
        r = va_push_decoder_new(&start->audio, push, session, &session->decoder, &error);
    if (r == 0)
        r = va_live_open(session->assistant, &options, &events, session, &session->live, &error);
    if (r < 0)
        refuse(session, r, &error);
    else
        tell_ready(session, start);
}

static void stop(va_live_session *session)
{
    va_error error;
    int r = va_push_decoder_finish(session->decoder, &error);

    session->is_stopped = 1;
    if (r < 0 && r != VA_ESTATE) /* then its end is told elsewhere */
        refuse(session, r, &error);
    else
        va_live_finish(session->live);
}

static void cancel(va_live_session *session)
{
    leave(session);
    end(session, VA_WEBSOCKET_NORMAL, "");
}

void va_live_session_text(va_live_session *session, const char *text, size_t n)
{
    struct va_live_message message;
    va_error error;

    if (atomic_load(&session->is_over))
        return;
    int r = va_live_message_parse(text, n, &message, &error);
    if (r == VA_EFORMAT) { /* of the text: audio that is damaged has another name */
        leave(session);
        tell_error(session, "invalid_json", VA_WEBSOCKET_POLICY, &error);
    } else if (r < 0) {
        refuse(session, r, &error);
    } else if (message.kind == VA_LIVE_START) {
        va_live_session_start(session, &message);
    } else if (session->live == NULL) {
        refuse(session, va_fail(&error, VA_EINVAL, "nothing has been started"), &error);
    } else if (message.kind == VA_LIVE_CANCEL) {
        cancel(session);
    } else if (!session->is_stopped) {
        stop(session);
    }
}

void va_live_session_audio(va_live_session *session, const void *data, size_t n)
{
    va_error error;

    if (atomic_load(&session->is_over))
        return;
    int r = session->live == NULL ? va_fail(&error, VA_EINVAL, "the first message must be a start")
            : session->is_stopped ? va_fail(&error, VA_EINVAL, "audio comes behind the stop")
                                  : va_push_decoder_push(session->decoder, data, n, &error);
    if (r == VA_ESTATE)
        return; /* it ends already, and that is told */
    if (r < 0) {
        refuse(session, r, &error);
        return;
    }
    if (va_live_is_behind(session->live)) {
        session->line.pause(session->line.user, 1);
        if (!va_live_is_behind(session->live)) /* the event that takes it back may have come before */
            session->line.pause(session->line.user, 0);
    }
    tell_level(session);
}

/* ---- life ---- */

int va_live_session_new(va_assistant *assistant, const struct va_live_line *line, va_live_session **ret_session, va_error *error)
{
    va_live_session *session = va_calloc(1, sizeof *session);

    if (session == NULL)
        return va_fail_memory(error);
    session->assistant = assistant;
    session->line = *line;
    va_meter_init(&session->meter);
    *ret_session = session;
    return 0;
}

void va_live_session_free(va_live_session *session)
{
    if (session == NULL)
        return;
    va_live_close(session->live);
    va_push_decoder_free(session->decoder);
    va_free(session);
}
