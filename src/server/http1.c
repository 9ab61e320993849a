/* A connection that speaks HTTP/1.x, and WebSocket once a request has been upgraded. One request at a time. */
#include "server/http1.h"

#include <string.h>

#include "base/memory.h"

#define LINGER_S 10.0

static void process(struct va_http1 *connection, const char *data, size_t n, double now_s);

void va_http1_drop_request(struct va_http1 *connection)
{
    va_request *request = connection->request;
    if (request == NULL)
        return;
    connection->request = NULL;
    struct va_socket *socket = connection->socket;
    connection->socket = NULL;
    if (socket != NULL) {
        va_request_hold(request); /* closed may release it */
        va_request_abandon(request);
        va_socket_end(socket);
        va_request_release(request);
        return;
    }
    va_request_abandon(request);
}

void va_http1_drop_head(struct va_http1 *connection)
{
    va_free(connection->http);
    connection->http = NULL;
}

void va_http1_begin_phase(struct va_http1 *connection, double now_s)
{
    va_phase_begin(&connection->phase, now_s);
    connection->base.deadline_s = va_http1_stall_s(connection);
}

double va_http1_stall_s(const struct va_http1 *connection)
{
    return va_phase_stall_s(&connection->phase, connection->base.gate);
}

void va_http1_moved(struct va_http1 *connection, size_t n, double now_s)
{
    va_phase_moved(&connection->phase, n, now_s);
    connection->base.deadline_s = va_http1_stall_s(connection);
}

void va_http1_linger(struct va_http1 *connection, double now_s)
{
    connection->state = VA_HTTP1_LINGERING;
    connection->phase.started_s = now_s;
    connection->base.deadline_s = now_s + VA_HTTP1_LINGER_IDLE_S;
}

static void free_connection(va_connection *base)
{
    struct va_http1 *connection = (struct va_http1 *)base;

    va_http1_drop_request(connection);
    va_http1_drop_head(connection);
    va_buffer_free(&connection->pending);
    va_buffer_free(&connection->body);
    va_free(connection);
}

/* ---- requests ---- */

/* The head is complete. 0 to go on with the body, -1 after an answer. */
static int begin_request(struct va_http1 *connection, double now_s)
{
    struct va_http *http = connection->http;
    struct va_refusal refusal;

    connection->head_only = strcmp(http->method, "HEAD") == 0;
    connection->minor = http->minor;
    if (!va_admit(connection->base.gate, &connection->base.peer, http, &connection->request, &refusal)) {
        va_http1_reject(connection, &refusal, now_s);
        return -1;
    }
    if (http->expects_continue && http->state == VA_HTTP_BODY &&
        va_buffer_append_string(&connection->base.output, "HTTP/1.1 100 Continue\r\n\r\n") < 0)
        connection->state = VA_HTTP1_CLOSED;
    va_http1_begin_phase(connection, now_s);
    return 0;
}

/* The request is complete: the handler gets it. */
static void dispatch(struct va_http1 *connection, double now_s)
{
    va_request *request = connection->request;
    int status = va_request_finish_body(request);

    if (status != 0) {
        va_error error = request->error;
        va_http1_reject_with(connection, status, error.text, now_s);
        return;
    }
    connection->state = VA_HTTP1_WORKING;
    connection->base.deadline_s = 0;
    request->maker = &connection->maker;
    va_request_hold(request);
    request->route->handle(connection->base.gate->user, request);
}

static void read_body(struct va_http1 *connection, const char *data, size_t n, size_t *ret_used, double now_s)
{
    struct va_http *http = connection->http;
    const char *piece;
    size_t n_piece;

    *ret_used = va_http_read_body(http, data, n, &piece, &n_piece);
    va_http1_moved(connection, *ret_used, now_s);
    int status = n_piece > 0 ? va_request_take_body(connection->request, piece, n_piece) : 0;
    if (status != 0) {
        va_error error = connection->request->error;
        va_http1_reject_with(connection, status, error.text, now_s);
    } else if (http->state == VA_HTTP_BROKEN) {
        va_http1_reject_with(connection, http->status, http->reason, now_s);
    } else if (http->state == VA_HTTP_DONE) {
        dispatch(connection, now_s);
    }
}

static void read_head(struct va_http1 *connection, const char *data, size_t n, size_t *ret_used, double now_s)
{
    if (connection->http == NULL) {
        connection->http = va_alloc(1, sizeof *connection->http);
        if (connection->http == NULL) {
            connection->state = VA_HTTP1_CLOSED;
            *ret_used = n;
            return;
        }
        va_http_begin(connection->http);
    }
    struct va_http *http = connection->http;
    int is_first = http->n_head == 0;

    *ret_used = va_http_read_head(http, data, n);
    if (is_first && http->n_head > 0)
        va_http1_begin_phase(connection, now_s);
    if (http->state == VA_HTTP_BROKEN)
        va_http1_reject_with(connection, http->status, http->reason, now_s);
    else if (http->state != VA_HTTP_HEAD && begin_request(connection, now_s) == 0 && http->state == VA_HTTP_DONE)
        dispatch(connection, now_s);
}

static void process(struct va_http1 *connection, const char *data, size_t n, double now_s)
{
    while (n > 0 && connection->state == VA_HTTP1_READING) {
        size_t used;
        if (connection->http == NULL || connection->http->state == VA_HTTP_HEAD)
            read_head(connection, data, n, &used, now_s);
        else
            read_body(connection, data, n, &used, now_s);
        data += used;
        n -= used;
    }
    if (n > 0 &&
        (connection->state == VA_HTTP1_WORKING || connection->state == VA_HTTP1_ANSWERING || connection->state == VA_HTTP1_STREAMING) &&
        !connection->close_after && va_buffer_append(&connection->pending, data, n) < 0)
        connection->state = VA_HTTP1_CLOSED; /* far more requests ahead than any client needs */
}

static void receive(va_connection *base, const char *data, size_t n, double now_s)
{
    struct va_http1 *connection = (struct va_http1 *)base;

    if (connection->state == VA_HTTP1_LINGERING) {
        double end_s = connection->phase.started_s + LINGER_S;
        base->deadline_s = now_s + VA_HTTP1_LINGER_IDLE_S < end_s ? now_s + VA_HTTP1_LINGER_IDLE_S : end_s;
    } else if (connection->state == VA_HTTP1_SOCKET) {
        va_http1_receive_frames(connection, data, n, now_s);
        if (connection->state == VA_HTTP1_SOCKET)
            va_http1_serve_socket(connection, now_s);
    } else {
        process(connection, data, n, now_s);
    }
}

static void next_request(struct va_http1 *connection, double now_s)
{
    struct va_buffer pending = connection->pending;

    va_http1_drop_head(connection);
    connection->head_only = 0;
    connection->end = VA_OUTFLOW_OPEN;
    connection->state = VA_HTTP1_READING;
    connection->phase.started_s = now_s;
    connection->base.deadline_s = now_s + VA_IDLE_S;
    va_buffer_init(&connection->pending, VA_HTTP1_MAX_PENDING_BYTES);
    if (pending.size > 0)
        process(connection, pending.data, pending.size, now_s);
    va_buffer_free(&pending);
}

/* ---- output and time ---- */

static void sent(va_connection *base, size_t n, double now_s)
{
    struct va_http1 *connection = (struct va_http1 *)base;

    if (connection->state == VA_HTTP1_ANSWERING || connection->state == VA_HTTP1_STREAMING || connection->state == VA_HTTP1_SOCKET)
        va_http1_moved(connection, n, now_s);
    if (base->output.size == 0 && connection->body.size > 0) {
        base->output = connection->body;
        va_buffer_init(&connection->body, 0);
    }
}

static void flushed(va_connection *base, double now_s)
{
    struct va_http1 *connection = (struct va_http1 *)base;

    if (base->output.size > 0)
        return;
    if (connection->state == VA_HTTP1_STREAMING) {
        va_http1_pull(connection, now_s);
        if (base->output.size > 0 || connection->state != VA_HTTP1_STREAMING)
            return;
        base->deadline_s = 0; /* nothing waits */
        if (connection->end == VA_OUTFLOW_OPEN)
            return;
        va_http1_drop_request(connection);
        connection->state = VA_HTTP1_ANSWERING;
    } else if (connection->state == VA_HTTP1_SOCKET) {
        va_http1_serve_socket(connection, now_s);
    }
    if (connection->state != VA_HTTP1_ANSWERING)
        return;
    if (!connection->close_after) {
        next_request(connection, now_s);
        return;
    }
    va_http1_linger(connection, now_s);
}

static int is_between(const struct va_http1 *connection)
{
    return connection->state == VA_HTTP1_READING && (connection->http == NULL || connection->http->n_head == 0);
}

static void expire(va_connection *base, double now_s)
{
    struct va_http1 *connection = (struct va_http1 *)base;

    if (connection->state == VA_HTTP1_SOCKET && (base->output.size == 0 || now_s < va_http1_stall_s(connection))) {
        va_http1_serve_socket(connection, now_s);
        return;
    }
    if (connection->state == VA_HTTP1_READING && !is_between(connection))
        va_http1_reject_with(connection, 408, "the request took too long to arrive", now_s);
    else
        connection->state = VA_HTTP1_CLOSED;
}

static void refuse(va_connection *base, double now_s)
{
    va_http1_reject_with((struct va_http1 *)base, 503, "there are too many connections", now_s);
}

static void close_idle(va_connection *base, double now_s)
{
    struct va_http1 *connection = (struct va_http1 *)base;
    (void)now_s;

    if (is_between(connection))
        connection->state = VA_HTTP1_CLOSED;
}

static void leave(va_connection *base, double now_s)
{
    struct va_http1 *connection = (struct va_http1 *)base;

    close_idle(base, now_s);
    if (connection->state == VA_HTTP1_STREAMING) {
        atomic_store(&connection->request->gone, 1);
        connection->close_after = 1;
        connection->end = VA_OUTFLOW_CUT;
        connection->state = base->output.size > 0 ? VA_HTTP1_STREAMING : VA_HTTP1_CLOSED;
    } else if (connection->state == VA_HTTP1_SOCKET) {
        va_socket_leave(connection->socket, now_s);
        va_http1_serve_socket(connection, now_s);
    }
}

static unsigned wishes(const va_connection *base)
{
    const struct va_http1 *connection = (const struct va_http1 *)base;
    unsigned wishes = 0;

    if (connection->state == VA_HTTP1_CLOSED)
        return VA_CONNECTION_CLOSE;
    if (base->output.size > 0 || connection->state == VA_HTTP1_ANSWERING ||
        (connection->state == VA_HTTP1_STREAMING && connection->end != VA_OUTFLOW_OPEN))
        wishes |= VA_CONNECTION_WRITE;
    if (connection->state == VA_HTTP1_SOCKET ? connection->pending.size > 0 || va_socket_is_paused(connection->socket)
                                             : connection->pending.size > VA_HTTP1_MAX_PENDING_BYTES / 2)
        wishes |= VA_CONNECTION_PAUSE;
    if (connection->state == VA_HTTP1_LINGERING)
        wishes |= VA_CONNECTION_END_OUTPUT;
    return wishes;
}

static double idle_since_s(const va_connection *base)
{
    const struct va_http1 *connection = (const struct va_http1 *)base;
    return is_between(connection) && connection->pending.size == 0 ? connection->phase.started_s : 0;
}

static const struct va_connection_kind http1 = {
    .free = free_connection,
    .receive = receive,
    .expire = expire,
    .refuse = refuse,
    .close_idle = close_idle,
    .leave = leave,
    .sent = sent,
    .flushed = flushed,
    .wishes = wishes,
    .idle_since_s = idle_since_s,
};

va_connection *va_http1_new(double now_s)
{
    struct va_http1 *connection = va_calloc(1, sizeof *connection);
    if (connection == NULL)
        return NULL;
    connection->base.kind = &http1;
    connection->maker = (struct va_maker){&connection->base, va_http1_wake};
    connection->phase.started_s = now_s;
    va_buffer_init(&connection->pending, VA_HTTP1_MAX_PENDING_BYTES);
    return &connection->base;
}
