#include "server/http2.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "server/admit.h"
#include "server/answer.h"

#define MAX_FIELDS 32 /* of an answer */
/* How long a stream lingers. */
#define LINGER_S 2.0

/* ---- streams ---- */

void va_http2_drop_head(struct va_http2_stream *stream)
{
    va_free(stream->http);
    va_free(stream->method);
    va_free(stream->path);
    va_free(stream->authority);
    stream->http = NULL;
    stream->method = stream->path = stream->authority = NULL;
}

static void drop_request(struct va_http2_stream *stream)
{
    if (stream->request != NULL)
        va_request_abandon(stream->request);
    stream->request = NULL;
}

void va_http2_free_stream(struct va_http2_stream *stream)
{
    struct va_http2 *connection = stream->connection;

    if (stream->previous != NULL)
        stream->previous->next = stream->next;
    else
        connection->streams = stream->next;
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    connection->idle_s = connection->now_s;
    va_http2_drop_head(stream);
    drop_request(stream);
    va_buffer_free(&stream->body);
    va_free(stream);
}

void va_http2_begin_phase(struct va_http2_stream *stream, enum va_http2_state state)
{
    stream->state = state;
    va_phase_begin(&stream->phase, stream->connection->now_s);
}

void va_http2_moved(struct va_http2_stream *stream, size_t n)
{
    va_phase_moved(&stream->phase, n, stream->connection->now_s);
}

/* By when more must have moved; 0: it is not the client's turn. */
double va_http2_deadline_of(const struct va_http2_stream *stream)
{
    if (stream->state == VA_HTTP2_LINGERING)
        return stream->phase.started_s + LINGER_S;
    if (stream->state == VA_HTTP2_WORKING || (stream->state == VA_HTTP2_STREAMING && stream->n_sent == stream->body.size))
        return 0;
    return va_phase_stall_s(&stream->phase, stream->connection->base.gate);
}

/* ---- answers ---- */

struct fields {
    nghttp2_nv list[MAX_FIELDS + 1];
    size_t n, used;
    char text[8192];
};

/* Names go in lower case. */
static int add_field(void *user, const char *name, const char *value)
{
    struct fields *fields = user;
    size_t n_name = strlen(name), n_value = strlen(value);
    char *text = fields->text + fields->used;

    if (fields->n > MAX_FIELDS || n_name + n_value > sizeof fields->text - fields->used)
        return VA_ELIMIT;
    for (size_t i = 0; i < n_name; i++)
        text[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
    memcpy(text + n_name, value, n_value);
    fields->list[fields->n++] = (nghttp2_nv){(uint8_t *)text, (uint8_t *)text + n_name, n_name, n_value, NGHTTP2_NV_FLAG_NONE};
    fields->used += n_name + n_value;
    return 0;
}

static ssize_t read_fixed(struct va_http2_stream *stream, uint8_t *out, size_t capacity, uint32_t *flags)
{
    const char *data = stream->fixed != NULL ? stream->fixed : stream->body.data;
    size_t size = stream->fixed != NULL ? stream->n_fixed : stream->body.size, n = size - stream->n_sent;

    n = n < capacity ? n : capacity;
    memcpy(out, data + stream->n_sent, n);
    stream->n_sent += n;
    if (stream->n_sent == size)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    va_http2_moved(stream, n);
    return (ssize_t)n;
}

static ssize_t read_outflow(struct va_http2_stream *stream, uint8_t *out, size_t capacity, uint32_t *flags)
{
    if (stream->n_sent == stream->body.size && stream->end == VA_OUTFLOW_OPEN) {
        stream->end = va_outflow_take(atomic_load(&stream->request->outflow), &stream->body);
        stream->n_sent = 0;
        va_http2_begin_phase(stream, VA_HTTP2_STREAMING);
    }
    size_t n = stream->body.size - stream->n_sent;
    n = n < capacity ? n : capacity;
    if (n > 0)
        memcpy(out, stream->body.data + stream->n_sent, n);
    stream->n_sent += n;
    va_http2_moved(stream, n);
    if (stream->n_sent == stream->body.size && stream->end == VA_OUTFLOW_ENDED)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    else if (n == 0)
        return stream->end == VA_OUTFLOW_CUT ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE /* a reset: INTERNAL_ERROR */ : NGHTTP2_ERR_DEFERRED;
    return (ssize_t)n;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t capacity, uint32_t *flags, nghttp2_data_source *source,
                         void *user)
{
    struct va_http2_stream *stream = source->ptr;
    (void)session;
    (void)id;
    (void)user;

    return stream->state == VA_HTTP2_STREAMING ? read_outflow(stream, out, capacity, flags) : read_fixed(stream, out, capacity, flags);
}

static void submit(struct va_http2_stream *stream, const struct va_answer *answer, int has_body)
{
    struct va_http2 *connection = stream->connection;
    nghttp2_data_provider body = {.source.ptr = stream, .read_callback = read_body};
    struct fields fields = {.n = 0};
    char status[12];

    snprintf(status, sizeof status, "%d", answer->status);
    va_answer_count(answer, connection->base.gate->site->metrics);
    int r = add_field(&fields, ":status", status);
    if (r == 0)
        r = va_answer_fields(answer, add_field, &fields);
    if (r == 0)
        r = nghttp2_submit_response(connection->session, stream->id, fields.list, fields.n, has_body && !stream->head_only ? &body : NULL);
    if (r != 0)
        nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_INTERNAL_ERROR);
}

static void reject(struct va_http2_stream *stream, struct va_refusal *refusal)
{
    struct va_answer answer = {.status = refusal->status, .retry_after_s = refusal->retry_after_s, .headers = &refusal->headers};

    const struct va_request_error error = {
        .path = stream->request != NULL ? stream->request->route->path : stream->path,
        .status = refusal->status,
        .code = refusal->code != NULL ? refusal->code : va_request_error_code(refusal->status),
        .message = refusal->reason,
    };
    va_buffer_init(&stream->body, 4096);
    va_request_format_error(&stream->body, &error);
    drop_request(stream);
    answer.length = (int64_t)stream->body.size;
    va_http2_begin_phase(stream, VA_HTTP2_ANSWERING);
    submit(stream, &answer, stream->body.size > 0);
    va_refusal_free(refusal);
}

void va_http2_reject_with(struct va_http2_stream *stream, int status, const char *reason)
{
    struct va_refusal refusal;

    va_refusal_init(&refusal, status, reason);
    reject(stream, &refusal);
}

/* ---- requests ---- */

void va_http2_wake(struct va_maker *maker, va_request *request, double now_s)
{
    struct va_http2_stream *stream = (struct va_http2_stream *)maker;
    struct va_http2 *connection = stream->connection;
    struct va_answer answer;
    size_t n;

    connection->now_s = now_s;
    if (stream->state == VA_HTTP2_STREAMING) {
        nghttp2_session_resume_data(connection->session, stream->id);
    } else if (stream->state != VA_HTTP2_WORKING) {
        return;
    } else if (request->kind == VA_REPLY_STREAM) {
        va_answer_of(request, &answer);
        va_http2_begin_phase(stream, VA_HTTP2_STREAMING);
        submit(stream, &answer, 1);
        if (stream->head_only)
            drop_request(stream);
    } else {
        const char *body = va_request_reply_body(request, &n);
        stream->request = NULL;
        request->maker = NULL;
        va_answer_of(request, &answer);
        va_http2_begin_phase(stream, VA_HTTP2_ANSWERING);
        if (request->fixed != NULL) {
            stream->fixed = body;
            stream->n_fixed = n;
        } else {
            stream->body = request->reply;
            va_buffer_init(&request->reply, 0);
        }
        submit(stream, &answer, n > 0);
        va_request_release(request);
    }
    va_http2_fill(connection);
}

void va_http2_dispatch(struct va_http2_stream *stream)
{
    va_request *request = stream->request;
    int status = va_request_finish_body(request);

    if (status != 0) {
        va_error error = request->error;
        va_http2_reject_with(stream, status, error.text);
        return;
    }
    va_http2_begin_phase(stream, VA_HTTP2_WORKING);
    request->maker = &stream->maker;
    va_request_hold(request);
    request->route->handle(stream->connection->base.gate->user, request);
}

void va_http2_begin_request(struct va_http2_stream *stream, int has_body)
{
    struct va_http2 *connection = stream->connection;
    struct va_http *http = stream->http;
    struct va_refusal refusal;
    static const nghttp2_nv go_on = {(uint8_t *)":status", (uint8_t *)"100", 7, 3, NGHTTP2_NV_FLAG_NONE};

    va_http_finish(http, has_body);
    stream->head_only = strcmp(http->method, "HEAD") == 0;
    if (http->state == VA_HTTP_BROKEN) {
        va_http2_reject_with(stream, http->status, http->reason);
    } else if (!va_admit(connection->base.gate, &connection->base.peer, http, &stream->request, &refusal)) {
        reject(stream, &refusal);
    } else {
        if (has_body && http->expects_continue)
            nghttp2_submit_headers(connection->session, NGHTTP2_FLAG_NONE, stream->id, NULL, &go_on, 1, NULL);
        va_http2_begin_phase(stream, VA_HTTP2_READING);
        if (!has_body)
            va_http2_dispatch(stream);
    }
    va_http2_drop_head(stream);
}
