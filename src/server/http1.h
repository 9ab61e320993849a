/* http1.h - the inside of a connection of HTTP/1.x: http1.c reads requests, http1_answer.c writes answers. */
#ifndef VA_SERVER_HTTP1_H
#define VA_SERVER_HTTP1_H

#include "server/admit.h"
#include "server/connection_internal.h"
#include "server/outflow.h"
#include "server/socket.h"

#define VA_HTTP1_MAX_PENDING_BYTES 65536
#define VA_HTTP1_LINGER_IDLE_S 2.0

enum va_http1_state {
    VA_HTTP1_READING, /* a head or a body */
    VA_HTTP1_WORKING, /* the handler has the request */
    VA_HTTP1_ANSWERING,
    VA_HTTP1_STREAMING,
    VA_HTTP1_SOCKET,    /* a WebSocket */
    VA_HTTP1_LINGERING, /* the answer is out; what the client still sends is thrown away, so that it gets to read the answer */
    VA_HTTP1_CLOSED
};

struct va_http1 {
    struct va_connection base;
    struct va_maker maker;
    enum va_http1_state state;
    struct va_http *http; /* of the request being read or answered; NULL between two, which is most of the time */
    va_request *request;
    struct va_socket *socket; /* what the request has become; its end is told however the connection ends */
    int close_after;          /* this answer */
    int head_only, minor;
    struct va_buffer pending; /* bytes of further requests while one is worked on, or of a WebSocket that pauses */
    struct va_buffer body;    /* of the answer, behind the output */
    struct va_phase phase;    /* the present one, or waiting for a next request */
    enum va_outflow_end end;  /* of the outflow, once its last bytes have been taken */
};

/* A phase in which the client must keep bytes moving; bytes that have; by when more must. */
void va_http1_begin_phase(struct va_http1 *connection, double now_s);
void va_http1_moved(struct va_http1 *connection, size_t n, double now_s);
double va_http1_stall_s(const struct va_http1 *connection);
void va_http1_linger(struct va_http1 *connection, double now_s);

void va_http1_drop_request(struct va_http1 *connection);
void va_http1_drop_head(struct va_http1 *connection);

/* Answers an error found before a handler saw the request. With body bytes still to come, the connection ends after it. */
void va_http1_reject(struct va_http1 *connection, struct va_refusal *refusal, double now_s);
void va_http1_reject_with(struct va_http1 *connection, int status, const char *reason, double now_s);

/* A handler has replied. */
void va_http1_wake(struct va_maker *maker, va_request *request, double now_s);

/* What waits in the outflow goes to the output, once the output is empty. */
void va_http1_pull(struct va_http1 *connection, double now_s);

/* As a WebSocket: bytes of the client; what is due. */
void va_http1_receive_frames(struct va_http1 *connection, const char *data, size_t n, double now_s);
void va_http1_serve_socket(struct va_http1 *connection, double now_s);

#endif
