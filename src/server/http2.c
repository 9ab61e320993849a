/* A connection that speaks HTTP/2: libnghttp2 reads and writes the frames, in memory. Each stream is a request. */
#include "server/http2.h"

#include <string.h>

#include "base/memory.h"

#define MAX_STREAMS 32
#define STREAM_WINDOW_BYTES (256 << 10)
#define CONNECTION_WINDOW_BYTES (1 << 20)
#define MAX_OUTPUT_BYTES (64u << 10)
/* Answers to pings and settings that may wait for a client that does not read. */
#define MAX_WAITING_ACKS 100
/* Streams that a client may give up: so many at once, and so many a second. */
#define MAX_RESETS 100
#define RESETS_PER_S 10
#define LINGER_S 2.0
#define LINGER_BYTES (1u << 20)

static void *allocate(size_t n, void *user)
{
    (void)user;
    return va_alloc(1, n);
}

static void *allocate_clear(size_t n, size_t size, void *user)
{
    (void)user;
    return va_calloc(n, size);
}

static void *reallocate(void *old, size_t n, void *user)
{
    (void)user;
    return va_realloc(old, n, 1);
}

static void release(void *p, void *user)
{
    (void)user;
    va_free(p);
}

/* ---- the library's events ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct va_http2 *connection = user;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct va_http2_stream *stream = va_calloc(1, sizeof *stream);
    struct va_http *http = va_alloc(1, sizeof *http);
    if (stream == NULL || http == NULL || nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream) != 0) {
        va_free(stream);
        va_free(http);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    va_http_begin(http);
    stream->http = http;
    stream->maker = (struct va_maker){&connection->base, va_http2_wake};
    stream->connection = connection;
    stream->id = frame->hd.stream_id;
    stream->next = connection->streams;
    if (stream->next != NULL)
        stream->next->previous = stream;
    connection->streams = stream;
    va_http2_begin_phase(stream, VA_HTTP2_READING);
    return 0;
}

static int keep(char **ret_text, const uint8_t *value, size_t n)
{
    *ret_text = va_strndup((const char *)value, n);
    return *ret_text != NULL ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* The library has seen to it that pseudo fields come first, once each, and that no value holds a NUL. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t n_name, const uint8_t *value,
                     size_t n_value, uint8_t flags, void *user)
{
    struct va_http2_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    const char *key = (const char *)name;
    (void)n_name;
    (void)flags;
    (void)user;

    if (stream == NULL || stream->http == NULL)
        return 0; /* a trailer */
    struct va_http *http = stream->http;
    if (strcmp(key, ":method") == 0)
        return keep(&stream->method, value, n_value);
    if (strcmp(key, ":path") == 0)
        return keep(&stream->path, value, n_value);
    if (strcmp(key, ":authority") == 0)
        return keep(&stream->authority, value, n_value);
    if (key[0] == ':')
        return 0;
    if (http->method[0] == '\0' && http->state == VA_HTTP_HEAD) {
        va_http_take_request(http, stream->method != NULL ? stream->method : "", stream->path != NULL ? stream->path : "");
        if (stream->authority != NULL)
            va_http_take_field(http, "host", stream->authority);
    }
    if (strcmp(key, "host") == 0 && stream->authority != NULL && strcmp((const char *)value, stream->authority) == 0)
        return 0;
    va_http_take_field(http, key, (const char *)value);
    return 0;
}

static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t n_name, const uint8_t *value,
                             size_t n_value, uint8_t flags, void *user)
{
    (void)session;
    (void)frame;
    (void)name;
    (void)n_name;
    (void)value;
    (void)n_value;
    (void)flags;
    (void)user;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the stream is reset: nothing is left out silently */
}

static void finish_headers(struct va_http2_stream *stream, int has_body)
{
    struct va_http *http = stream->http;

    if (http->method[0] == '\0' && http->state == VA_HTTP_HEAD) { /* pseudo fields only */
        va_http_take_request(http, stream->method != NULL ? stream->method : "", stream->path != NULL ? stream->path : "");
        if (stream->authority != NULL)
            va_http_take_field(http, "host", stream->authority);
    }
    va_http2_begin_request(stream, has_body);
}

static int on_frame_received(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct va_http2_stream *stream = frame->hd.stream_id != 0 ? nghttp2_session_get_stream_user_data(session, frame->hd.stream_id) : NULL;
    int is_last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

    (void)user;
    if (stream == NULL)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && stream->http != NULL)
        finish_headers(stream, !is_last);
    else if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) && is_last && stream->state == VA_HTTP2_READING)
        va_http2_dispatch(stream);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *user)
{
    struct va_http2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    (void)flags;
    (void)user;

    if (stream == NULL)
        return 0;
    if (stream->state == VA_HTTP2_READING || stream->state == VA_HTTP2_LINGERING) /* else the client is to read, and cannot buy time */
        va_http2_moved(stream, n);
    if (stream->state == VA_HTTP2_LINGERING && stream->phase.n_moved > LINGER_BYTES)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
    if (stream->state != VA_HTTP2_READING || stream->request == NULL)
        return 0;
    int status = va_request_take_body(stream->request, (const char *)data, n);
    if (status != 0) {
        va_error error = stream->request->error;
        va_http2_reject_with(stream, status, error.text);
    }
    return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct va_http2_stream *stream = frame->hd.stream_id != 0 ? nghttp2_session_get_stream_user_data(session, frame->hd.stream_id) : NULL;
    (void)user;

    if (stream != NULL && (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        va_http2_begin_phase(stream, VA_HTTP2_LINGERING);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct va_http2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    (void)code;
    (void)user;

    if (stream != NULL)
        va_http2_free_stream(stream);
    return 0;
}

/* ---- the connection ---- */

/* What the library wants to say goes to the output once that is empty, a bounded piece at a time. */
static void write_frames(struct va_http2 *connection)
{
    const uint8_t *data;
    ssize_t n = 0;
    struct va_buffer *out = &connection->base.output;

    if (out->size > 0)
        return;
    while (out->size < MAX_OUTPUT_BYTES && (n = nghttp2_session_mem_send(connection->session, &data)) > 0)
        if (va_buffer_append(out, data, (size_t)n) < 0)
            connection->closed = 1;
    if (n < 0)
        connection->closed = 1;
}

void va_http2_fill(struct va_http2 *connection)
{
    if (!connection->over)
        write_frames(connection);
    if (!nghttp2_session_want_read(connection->session) && !nghttp2_session_want_write(connection->session) && !connection->over) {
        connection->over = 1;
        connection->idle_s = connection->now_s;
    }
    double deadline_s = connection->idle_s + (connection->over ? LINGER_S : VA_IDLE_S);
    if (connection->streams != NULL && !connection->over)
        deadline_s = 0;
    for (const struct va_http2_stream *stream = connection->streams; stream != NULL; stream = stream->next)
        if (va_http2_deadline_of(stream) != 0 && (deadline_s == 0 || va_http2_deadline_of(stream) < deadline_s))
            deadline_s = va_http2_deadline_of(stream);
    connection->base.deadline_s = deadline_s;
}

static void receive(va_connection *base, const char *data, size_t n, double now_s)
{
    struct va_http2 *connection = (struct va_http2 *)base;

    connection->now_s = now_s;
    if (connection->over || connection->closed)
        return;
    ssize_t used = nghttp2_session_mem_recv(connection->session, (const uint8_t *)data, n);
    if (used < 0)
        nghttp2_session_terminate_session(connection->session,
                                          used == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
    va_http2_fill(connection);
    if (used < 0 && base->output.size == 0)
        connection->closed = 1;
}

static void expire(va_connection *base, double now_s)
{
    struct va_http2 *connection = (struct va_http2 *)base;
    struct va_http2_stream *next;

    connection->now_s = now_s;
    if (connection->over || connection->streams == NULL) {
        connection->closed = connection->over || base->output.size > 0;
        nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR);
        va_http2_fill(connection);
        return;
    }
    for (struct va_http2_stream *stream = connection->streams; stream != NULL; stream = next) {
        next = stream->next;
        double deadline_s = va_http2_deadline_of(stream);
        if (deadline_s == 0 || now_s < deadline_s)
            continue;
        if (stream->state == VA_HTTP2_LINGERING) {
            nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
            va_http2_begin_phase(stream, VA_HTTP2_LINGERING);
            continue;
        }
        if (stream->http != NULL || stream->state != VA_HTTP2_READING) {
            connection->closed = 1; /* within a head nothing else can be read; who does not read an answer reads no other */
            return;
        }
        va_http2_reject_with(stream, 408, "the request took too long to arrive");
    }
    va_http2_fill(connection);
}

static void refuse(va_connection *base, double now_s)
{
    struct va_http2 *connection = (struct va_http2 *)base;

    connection->now_s = now_s;
    nghttp2_session_terminate_session(connection->session, NGHTTP2_ENHANCE_YOUR_CALM);
    va_http2_fill(connection);
}

/* Streams that are there go on. */
static void close_idle(va_connection *base, double now_s)
{
    struct va_http2 *connection = (struct va_http2 *)base;

    connection->now_s = now_s;
    if (connection->over)
        return;
    if (connection->streams == NULL)
        nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR);
    else
        nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(connection->session),
                              NGHTTP2_NO_ERROR, NULL, 0);
    va_http2_fill(connection);
}

static void leave(va_connection *base, double now_s)
{
    struct va_http2 *connection = (struct va_http2 *)base;

    for (struct va_http2_stream *stream = connection->streams; stream != NULL; stream = stream->next)
        if (stream->state == VA_HTTP2_STREAMING && stream->request != NULL) {
            atomic_store(&stream->request->gone, 1);
            nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
        }
    close_idle(base, now_s);
}

static void sent(va_connection *base, size_t n, double now_s)
{
    (void)base;
    (void)n;
    (void)now_s;
}

static void flushed(va_connection *base, double now_s)
{
    struct va_http2 *connection = (struct va_http2 *)base;

    connection->now_s = now_s;
    va_http2_fill(connection);
    if (connection->over == 0 && atomic_load(&base->gate->site->closing) && connection->streams == NULL)
        close_idle(base, now_s);
}

static unsigned wishes(const va_connection *base)
{
    const struct va_http2 *connection = (const struct va_http2 *)base;

    if (connection->closed)
        return VA_CONNECTION_CLOSE;
    if (base->output.size > 0)
        return VA_CONNECTION_WRITE;
    return connection->over ? VA_CONNECTION_END_OUTPUT : 0;
}

static double idle_since_s(const va_connection *base)
{
    const struct va_http2 *connection = (const struct va_http2 *)base;
    return connection->streams == NULL && !connection->over ? connection->idle_s : 0;
}

static void free_connection(va_connection *base)
{
    struct va_http2 *connection = (struct va_http2 *)base;

    while (connection->streams != NULL)
        va_http2_free_stream(connection->streams);
    nghttp2_session_del(connection->session);
    va_free(connection);
}

static const struct va_connection_kind http2 = {
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

static int open_session(struct va_http2 *connection)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, MAX_STREAMS},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, VA_HTTP_MAX_HEAD_BYTES},
    };
    nghttp2_mem memory = {NULL, allocate, release, allocate_clear, reallocate};
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int r = VA_ENOMEM;

    if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
        goto end;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_option_set_max_outbound_ack(option, MAX_WAITING_ACKS);
    nghttp2_option_set_stream_reset_rate_limit(option, MAX_RESETS, RESETS_PER_S);
    nghttp2_option_set_no_closed_streams(option, 1);
    if (nghttp2_session_server_new3(&connection->session, callbacks, connection, option, &memory) == 0 &&
        nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof settings[0]) == 0 &&
        nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW_BYTES) == 0)
        r = 0;

end:
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return r;
}

va_connection *va_http2_new(double now_s)
{
    struct va_http2 *connection = va_calloc(1, sizeof *connection);

    if (connection == NULL)
        return NULL;
    connection->base.kind = &http2;
    connection->now_s = connection->idle_s = now_s;
    if (open_session(connection) < 0) {
        nghttp2_session_del(connection->session);
        va_free(connection);
        return NULL;
    }
    return &connection->base;
}
