/* connection.h - one client's connection: reads requests, routes them, writes the answers; over HTTP/1.1 or HTTP/2.
 *
 * It does not know the socket: the transport gives it the bytes that came and the time, sends what is in the output, and asks
 * after every call what it wants. Server thread only. */
#ifndef VA_SERVER_CONNECTION_H
#define VA_SERVER_CONNECTION_H

#include "server/request.h"

/* Shared by all connections of a server. */
struct va_site {
    const char *folder;
    int (*may_keep)(void *user, va_error *error); /* or NULL */
    void *keep_user;
    struct va_reply_sink sink;
    va_access *access;
    struct va_metrics *metrics;    /* or NULL */
    int tls_port;                  /* where plain HTTP from beyond the loopback is sent; 0: nowhere */
    _Atomic uint64_t upload_bytes; /* on disk now */
    _Atomic uint64_t max_upload_bytes;
    _Atomic double timeout_s;
    _Atomic int closing; /* no further request after the present one */
};

/* An endpoint, as its connections see it. */
struct va_gate {
    struct va_site *site;
    const struct va_route *routes;
    size_t n_routes;
    void *user;
    int is_tls;
    int (*knows_name)(void *names, const char *name); /* with TLS: is the certificate for that name or address? */
    void *names;
};

enum va_protocol { VA_PROTOCOL_HTTP1, VA_PROTOCOL_HTTP2 };

enum va_connection_wish {
    VA_CONNECTION_CLOSE = 1,     /* close the socket now */
    VA_CONNECTION_WRITE = 2,     /* there is output */
    VA_CONNECTION_PAUSE = 4,     /* do not read for now */
    VA_CONNECTION_END_OUTPUT = 8 /* tell the client that nothing more comes (shutdown), keep reading */
};

/* peer is copied; owner is the transport's. NULL when out of memory. */
va_connection *va_connection_new(struct va_gate *gate, enum va_protocol protocol, const struct va_peer *peer, void *owner, double now_s);
void va_connection_free(va_connection *connection); /* requests under way learn that their client is gone */
void *va_connection_owner(const va_connection *connection);

void va_connection_receive(va_connection *connection, const char *data, size_t n, double now_s);
void va_connection_expire(va_connection *connection, double now_s);     /* its deadline may have passed */
void va_connection_refuse(va_connection *connection, double now_s);     /* too many connections: answer 503 and close */
void va_connection_close_idle(va_connection *connection, double now_s); /* closes unless a request is under way */
void va_connection_leave(va_connection *connection, double now_s);      /* ends streamed replies and WebSockets, too */

/* A reply has arrived, or more of one; perhaps for a client that has gone. The caller holds the request. */
void va_connection_wake(va_request *request, double now_s);

/* Output waiting to be sent, and how much of it was. With none left call va_connection_flushed once it is on its way. */
const char *va_connection_output(const va_connection *connection, size_t *ret_n);
void va_connection_sent(va_connection *connection, size_t n, double now_s);
void va_connection_flushed(va_connection *connection, double now_s);

unsigned va_connection_wishes(const va_connection *connection);
double va_connection_deadline_s(const va_connection *connection);   /* 0: none */
double va_connection_idle_since_s(const va_connection *connection); /* since when it waits for a next request; 0: it does not */

#endif
