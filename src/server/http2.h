/* http2.h - the inside of a connection of HTTP/2: http2.c has the library's events and the connection, http2_stream.c requests and answers.
 */
#ifndef VA_SERVER_HTTP2_H
#define VA_SERVER_HTTP2_H

#include <nghttp2/nghttp2.h>

#include "server/connection_internal.h"
#include "server/outflow.h"

enum va_http2_state {
    VA_HTTP2_READING,
    VA_HTTP2_WORKING,
    VA_HTTP2_ANSWERING,
    VA_HTTP2_STREAMING,
    VA_HTTP2_LINGERING /* the answer is out; what still comes is thrown away for a while, as not all clients take a reset at that point */
};

struct va_http2;

struct va_http2_stream {
    struct va_maker maker;
    struct va_http2 *connection;
    struct va_http2_stream *next, *previous;
    int32_t id;
    enum va_http2_state state;
    struct va_http *http; /* while the head comes */
    char *method, *path, *authority;
    va_request *request;
    int head_only;
    enum va_outflow_end end; /* of the outflow, once its last bytes have been taken */
    struct va_buffer body;   /* of the answer [n_sent given to the library] */
    const char *fixed;       /* or this [n_fixed] */
    size_t n_fixed, n_sent;
    struct va_phase phase;
};

struct va_http2 {
    struct va_connection base;
    nghttp2_session *session;
    struct va_http2_stream *streams;
    double now_s;  /* of the present call */
    double idle_s; /* since when there is no stream */
    int over;      /* nothing more is read or written: the output is the last */
    int closed;
};

void va_http2_free_stream(struct va_http2_stream *stream);
void va_http2_drop_head(struct va_http2_stream *stream);

/* Bytes have moved in the present phase; by when more must; 0: it is not the client's turn. */
void va_http2_begin_phase(struct va_http2_stream *stream, enum va_http2_state state);
void va_http2_moved(struct va_http2_stream *stream, size_t n);
double va_http2_deadline_of(const struct va_http2_stream *stream);

/* The head is there; the body is. */
void va_http2_begin_request(struct va_http2_stream *stream, int has_body);
void va_http2_dispatch(struct va_http2_stream *stream);

/* Answers an error found before a handler saw the request. */
void va_http2_reject_with(struct va_http2_stream *stream, int status, const char *reason);

/* A handler has replied. */
void va_http2_wake(struct va_maker *maker, va_request *request, double now_s);

/* What is to be said goes to the output. */
void va_http2_fill(struct va_http2 *connection);

#endif
