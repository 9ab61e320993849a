/* connection_internal.h - what the protocols' connections share. */
#ifndef VA_SERVER_CONNECTION_INTERNAL_H
#define VA_SERVER_CONNECTION_INTERNAL_H

#include "server/connection.h"

#define VA_IDLE_S 60.0
#define VA_MAX_OUTPUT_BYTES ((64u << 20) + 4096u)

/* In which the client must keep bytes moving; and by when more must, as they have moved too slowly or not at all for too long. */
struct va_phase {
    double started_s, moved_s; /* when bytes last moved in it */
    uint64_t n_moved;          /* so many */
};
void va_phase_begin(struct va_phase *phase, double now_s);
void va_phase_moved(struct va_phase *phase, size_t n, double now_s);
double va_phase_stall_s(const struct va_phase *phase, const struct va_gate *gate);

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
