/* connection_internal.h - what the protocols' connections share. */
#ifndef VA_SERVER_CONNECTION_INTERNAL_H
#define VA_SERVER_CONNECTION_INTERNAL_H

#include "server/connection.h"

/* A client may be this slow, beyond the first timeout. */
#define VA_SLOWEST_BYTES_PER_S 8192.0
#define VA_IDLE_S 60.0
#define VA_MAX_OUTPUT_BYTES ((64u << 20) + 4096u)

/* What a protocol does; the meanings are those of connection.h. */
struct va_connection_kind {
    void (*free)(va_connection *connection);
    void (*receive)(va_connection *connection, const char *data, size_t n, double now_s);
    void (*expire)(va_connection *connection, double now_s);
    void (*refuse)(va_connection *connection, double now_s);
    void (*close_idle)(va_connection *connection, double now_s);
    void (*leave)(va_connection *connection, double now_s);
    void (*sent)(va_connection *connection, size_t n, double now_s);
    void (*flushed)(va_connection *connection, double now_s);
    unsigned (*wishes)(const va_connection *connection);
    double (*idle_since_s)(const va_connection *connection);
};

/* The first member of a protocol's own. */
struct va_connection {
    const struct va_connection_kind *kind;
    struct va_gate *gate;
    void *owner;
    struct va_peer peer;
    char address[48], certificate[65]; /* of peer */
    struct va_buffer output;
    size_t n_sent; /* of output */
    double deadline_s;
};

va_connection *va_http1_new(double now_s);
va_connection *va_http2_new(double now_s);

#endif
