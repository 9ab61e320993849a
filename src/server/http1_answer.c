/* Answers over HTTP/1.x: whole, in pieces, and as a WebSocket. */
#include "server/http1.h"

#include "server/answer.h"

/* Bodies up to here are copied behind their head, so that both go out at once. */
#define COPY_BYTES 16384

/* ---- answers ---- */

static int append_field(void *user, const char *name, const char *value)
{
    return va_buffer_printf(user, "%s: %s\r\n", name, value);
}

static int write_head(struct va_http1 *connection, const struct va_answer *answer)
{
    struct va_buffer *out = &connection->base.output;

    if (connection->http != NULL && !connection->http->keep_alive)
        connection->close_after = 1;
    if (atomic_load(&connection->base.gate->site->closing))
        connection->close_after = 1;
    va_answer_count(answer, connection->base.gate->site->metrics);
    int r = va_buffer_printf(out, "HTTP/1.1 %d %s\r\n", answer->status, va_http_status_text(answer->status));
    if (r == 0)
        r = va_answer_fields(answer, append_field, out);
    if (r == 0 && answer->length < 0 && connection->minor > 0)
        r = va_buffer_append_string(out, "Transfer-Encoding: chunked\r\n");
    if (r == 0)
        r = va_buffer_append_string(out, connection->close_after ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
    va_http1_drop_head(connection);
    return r;
}

/* request keeps a large body, and is held until that is out; NULL for what is copied. */
static void write_answer(struct va_http1 *connection, const struct va_answer *answer, const char *body, size_t n, va_request *request,
                         double now_s)
{
    int r = write_head(connection, answer);

    if (r == 0 && !connection->head_only && n > 0 && (n <= COPY_BYTES || request == NULL || request->fixed != NULL)) {
        r = va_buffer_append(&connection->base.output, body, n);
    } else if (r == 0 && !connection->head_only && n > 0) {
        connection->body = request->reply;
        va_buffer_init(&request->reply, 0);
    }
    connection->state = r == 0 ? VA_HTTP1_ANSWERING : VA_HTTP1_CLOSED;
    va_http1_begin_phase(connection, now_s);
}

/* Who asked for a WebSocket and does not get one waits for the end of the connection. */
static int asked_to_upgrade(const struct va_http1 *connection)
{
    return connection->http != NULL && va_http_has_token(connection->http, "upgrade", "websocket");
}

/* Answers an error found before a handler saw the request. With body bytes still to come, the connection ends after it. */
void va_http1_reject(struct va_http1 *connection, struct va_refusal *refusal, double now_s)
{
    struct va_buffer json;

    if (connection->http == NULL || connection->http->state != VA_HTTP_DONE || refusal->must_close || asked_to_upgrade(connection))
        connection->close_after = 1;
    const struct va_request_error error = {
        .path = connection->request != NULL ? connection->request->route->path
                : connection->http != NULL  ? connection->http->path
                                            : NULL,
        .status = refusal->status,
        .code = refusal->code != NULL ? refusal->code : va_request_error_code(refusal->status),
        .message = refusal->reason,
    };
    va_buffer_init(&json, 4096);
    va_request_format_error(&json, &error);
    va_http1_drop_request(connection);
    const struct va_answer answer = {
        .status = refusal->status, .length = (int64_t)json.size, .retry_after_s = refusal->retry_after_s, .headers = &refusal->headers};
    write_answer(connection, &answer, json.data, json.size, NULL, now_s);
    va_buffer_free(&json);
    va_refusal_free(refusal);
}

void va_http1_reject_with(struct va_http1 *connection, int status, const char *reason, double now_s)
{
    struct va_refusal refusal;

    va_refusal_init(&refusal, status, reason);
    va_http1_reject(connection, &refusal, now_s);
}

static void begin_stream(struct va_http1 *connection, va_request *request, double now_s)
{
    struct va_answer answer;

    if (connection->minor == 0)
        connection->close_after = 1;
    va_answer_of(request, &answer);
    int r = write_head(connection, &answer);
    connection->state = r == 0 ? VA_HTTP1_STREAMING : VA_HTTP1_CLOSED;
    va_http1_begin_phase(connection, now_s);
    if (r == 0 && connection->head_only) {
        connection->state = VA_HTTP1_ANSWERING;
        va_http1_drop_request(connection);
    }
}

/* What waits in the outflow goes to the output, once the output is empty. */
void va_http1_pull(struct va_http1 *connection, double now_s)
{
    struct va_buffer data, *out = &connection->base.output;
    int r = 0, as_chunk = connection->state == VA_HTTP1_STREAMING && connection->minor > 0;

    if (out->size > 0 || connection->end != VA_OUTFLOW_OPEN)
        return;
    va_buffer_init(&data, 0);
    connection->end = va_outflow_take(atomic_load(&connection->request->outflow), &data);
    if (data.size > 0 && !as_chunk) {
        va_buffer_free(out);
        *out = data;
        va_buffer_init(&data, 0);
    } else if (data.size > 0) {
        r = va_buffer_printf(out, "%zx\r\n", data.size);
        if (r == 0)
            r = va_buffer_append(out, data.data, data.size);
        if (r == 0)
            r = va_buffer_append_string(out, "\r\n");
    }
    va_buffer_free(&data);
    if (connection->end == VA_OUTFLOW_CUT) /* without the last chunk */
        connection->close_after = 1;
    else if (r == 0 && connection->end == VA_OUTFLOW_ENDED && as_chunk)
        r = va_buffer_append_string(out, "0\r\n\r\n");
    if (r < 0)
        connection->state = VA_HTTP1_CLOSED;
    else if (out->size > 0)
        va_http1_begin_phase(connection, now_s);
}

/* ---- WebSocket ---- */

static void update_socket(struct va_http1 *connection, double now_s)
{
    double deadline_s = va_socket_deadline_s(connection->socket);

    if (va_socket_is_over(connection->socket) && connection->base.output.size == 0 && connection->end != VA_OUTFLOW_OPEN) {
        va_http1_drop_request(connection);
        va_http1_linger(connection, now_s);
        return;
    }
    connection->base.deadline_s =
        connection->base.output.size > 0 && va_http1_stall_s(connection) < deadline_s ? va_http1_stall_s(connection) : deadline_s;
}

void va_http1_receive_frames(struct va_http1 *connection, const char *data, size_t n, double now_s)
{
    size_t used = 0;

    if (connection->pending.size == 0)
        used = va_socket_receive(connection->socket, data, n, now_s);
    if (used < n && va_buffer_append(&connection->pending, data + used, n - used) < 0)
        connection->state = VA_HTTP1_CLOSED;
}

/* What came while it paused. */
static void receive_pending(struct va_http1 *connection, double now_s)
{
    struct va_buffer pending = connection->pending;

    if (pending.size == 0 || va_socket_is_paused(connection->socket))
        return;
    va_buffer_init(&connection->pending, VA_HTTP1_MAX_PENDING_BYTES);
    va_http1_receive_frames(connection, pending.data, pending.size, now_s);
    va_buffer_free(&pending);
}

void va_http1_serve_socket(struct va_http1 *connection, double now_s)
{
    receive_pending(connection, now_s);
    if (connection->state != VA_HTTP1_SOCKET)
        return;
    va_socket_expire(connection->socket, now_s);
    va_http1_pull(connection, now_s);
    if (connection->state == VA_HTTP1_SOCKET)
        update_socket(connection, now_s);
}

static void begin_socket(struct va_http1 *connection, va_request *request, double now_s)
{
    struct va_buffer *out = &connection->base.output;
    int r = va_buffer_printf(out, "HTTP/1.1 101 %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                             va_http_status_text(101), request->socket_accept,
                             request->names_protocol ? "Sec-WebSocket-Protocol: va.v1\r\n" : "");

    connection->close_after = 1;
    va_http1_drop_head(connection);
    connection->state = VA_HTTP1_SOCKET;
    connection->socket = (struct va_socket *)atomic_load(&request->outflow);
    va_socket_begin(connection->socket, now_s);
    va_http1_begin_phase(connection, now_s);
    if (r < 0) {
        va_http1_drop_request(connection);
        connection->state = VA_HTTP1_CLOSED;
        return;
    }
    va_http1_serve_socket(connection, now_s);
}

/* ---- replies of handlers ---- */

void va_http1_wake(struct va_maker *maker, va_request *request, double now_s)
{
    struct va_http1 *connection = (struct va_http1 *)maker->connection;
    struct va_answer answer;
    size_t n;

    if (connection->state == VA_HTTP1_STREAMING) {
        va_http1_pull(connection, now_s);
    } else if (connection->state == VA_HTTP1_SOCKET) {
        va_http1_serve_socket(connection, now_s);
    } else if (request->kind == VA_REPLY_STREAM) {
        begin_stream(connection, request, now_s);
    } else if (request->kind == VA_REPLY_SOCKET) {
        begin_socket(connection, request, now_s);
    } else {
        const char *body = va_request_reply_body(request, &n);
        connection->close_after |= request->route->body == VA_BODY_SOCKET;
        connection->request = NULL;
        request->maker = NULL;
        va_answer_of(request, &answer);
        write_answer(connection, &answer, body, n, request, now_s);
        va_request_release(request);
    }
}
