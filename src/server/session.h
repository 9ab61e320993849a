/* session.h - one client: its socket, TLS when the endpoint speaks it, and its connection. Server thread only. */
#ifndef VA_SERVER_SESSION_H
#define VA_SERVER_SESSION_H

#include "server/connection.h"
#include "server/tls.h"

#define VA_SESSION_READ_BYTES 16384

struct va_session {
    int fd; /* -1: closed */
    struct va_gate *gate;
    va_tls_session *tls;       /* NULL: plain */
    va_connection *connection; /* NULL: the handshake is not done */
    char address[48];
    int is_loopback;
    double shake_deadline_s; /* of the handshake */
    int output_ended;
};

/* What is read into, shared by all: the bytes do not stay. */
struct va_session_room {
    char data[VA_SESSION_READ_BYTES], plain[VA_SESSION_READ_BYTES];
};

/* Takes fd over. tls: NULL for a plain one. VA_ENOMEM: it did not. */
VA_MUST_CHECK int va_session_open(struct va_session *session, struct va_gate *gate, va_tls *tls, int fd, const char *address,
                                  int is_loopback, double now_s);
void va_session_close(struct va_session *session);

/* All return a negative code when the client is gone or beyond hope. */
VA_MUST_CHECK int va_session_read(struct va_session *session, struct va_session_room *room, double now_s);
VA_MUST_CHECK int va_session_expire(struct va_session *session, double now_s);

/* Sends what is to be sent, as far as the socket takes it, a fair share at a time. 1: there is more; 0. */
VA_MUST_CHECK int va_session_write(struct va_session *session, double now_s);

int va_session_is_paused(const struct va_session *session); /* nothing is to be read for now */
double va_session_deadline_s(const struct va_session *session);

#endif
