#include "server/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes to one client before the others have their turn. */
#define WRITE_BYTES (256u << 10)

static int open_connection(struct va_session *session, double now_s)
{
    char certificate[65];
    struct va_peer peer = {.address = session->address, .is_loopback = session->is_loopback, .is_tls = session->gate->is_tls};
    enum va_protocol protocol = VA_PROTOCOL_HTTP1;

    if (session->tls != NULL) {
        if (va_tls_session_certificate(session->tls, certificate) == 0)
            peer.certificate_sha256 = certificate;
        if (va_tls_session_is_http2(session->tls))
            protocol = VA_PROTOCOL_HTTP2;
    }
    session->connection = va_connection_new(session->gate, protocol, &peer, session, now_s);
    return session->connection != NULL ? 0 : VA_ENOMEM;
}

int va_session_open(struct va_session *session, struct va_gate *gate, va_tls *tls, int fd, const char *address, int is_loopback,
                    double now_s)
{
    session->fd = fd;
    session->gate = gate;
    session->is_loopback = is_loopback;
    session->shake_deadline_s = now_s + atomic_load(&gate->site->timeout_s);
    snprintf(session->address, sizeof session->address, "%s", address);
    if (tls == NULL)
        return open_connection(session, now_s);
    session->tls = va_tls_session_new(tls, now_s);
    return session->tls != NULL ? 0 : VA_ENOMEM;
}

void va_session_close(struct va_session *session)
{
    va_connection *connection = session->connection;

    session->connection = NULL;
    va_connection_free(connection);
    va_tls_session_free(session->tls);
    session->tls = NULL;
    close(session->fd);
    session->fd = -1;
}

/* ---- reading ---- */

static int read_tls(struct va_session *session, struct va_session_room *room, size_t n, double now_s)
{
    int r = va_tls_session_feed(session->tls, room->data, n);

    if (r == 0 && session->connection == NULL) {
        r = va_tls_session_shake(session->tls);
        if (r == 0)
            return 0;
        if (r == 1)
            r = open_connection(session, now_s);
    }
    if (r < 0) {
        /* The client is told why, if there is room. */
        (void)!va_session_write(session, now_s);
        return r;
    }
    while ((r = va_tls_session_read(session->tls, room->plain, sizeof room->plain)) > 0) {
        va_connection_receive(session->connection, room->plain, (size_t)r, now_s);
        explicit_bzero(room->plain, (size_t)r);
    }
    return r;
}

int va_session_read(struct va_session *session, struct va_session_room *room, double now_s)
{
    ssize_t n = recv(session->fd, room->data, sizeof room->data, 0);

    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : VA_EIO;
    if (n == 0)
        return VA_ECANCELLED;
    if (session->tls != NULL)
        return read_tls(session, room, (size_t)n, now_s);
    va_connection_receive(session->connection, room->data, (size_t)n, now_s);
    explicit_bzero(room->data, (size_t)n); /* clients send texts and audio */
    return 0;
}

/* ---- writing ---- */

/* How many bytes the socket took: 0 for none now, negative when the client is gone. */
static ssize_t send_some(struct va_session *session, const char *data, size_t n)
{
    ssize_t sent;

    do {
        sent = send(session->fd, data, n, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : VA_EIO;
    return sent;
}

/* What TLS has to say, and then is empty. 1: not all of it went; 0; negative. */
static int send_tls(struct va_session *session, size_t *total)
{
    size_t n;
    const char *data;

    while (data = va_tls_session_output(session->tls, &n), n > 0) {
        ssize_t sent = send_some(session, data, n);
        if (sent <= 0)
            return sent == 0 ? 1 : VA_EIO;
        va_tls_session_sent(session->tls, (size_t)sent);
        *total += (size_t)sent;
    }
    return 0;
}

static int end_output(struct va_session *session)
{
    size_t total = 0;

    session->output_ended = 1;
    if (session->tls != NULL) {
        va_tls_session_end(session->tls);
        if (send_tls(session, &total) < 0)
            return VA_EIO;
    }
    return shutdown(session->fd, SHUT_WR) < 0 ? VA_EIO : 0;
}

static int send_all(struct va_session *session, double now_s)
{
    size_t n, total = 0;

    for (;;) {
        int r = session->tls != NULL ? send_tls(session, &total) : 0;
        if (r != 0 || session->connection == NULL)
            return r;
        const char *data = va_connection_output(session->connection, &n);
        if (n == 0) {
            va_connection_flushed(session->connection, now_s);
            (void)va_connection_output(session->connection, &n);
            if (n == 0)
                return 0;
            continue;
        }
        if (total >= WRITE_BYTES)
            return 1;
        ssize_t sent = session->tls != NULL ? va_tls_session_write(session->tls, data, n) : send_some(session, data, n);
        if (sent <= 0)
            return sent == 0 ? 1 : VA_EIO;
        total += session->tls != NULL ? 0 : (size_t)sent;
        va_connection_sent(session->connection, (size_t)sent, now_s);
    }
}

int va_session_write(struct va_session *session, double now_s)
{
    int r = 0;

    if (session->tls != NULL || va_connection_wishes(session->connection) & VA_CONNECTION_WRITE)
        r = send_all(session, now_s);
    if (r < 0 || session->connection == NULL)
        return r;
    unsigned wishes = va_connection_wishes(session->connection);
    if (wishes & VA_CONNECTION_CLOSE)
        return VA_ECANCELLED;
    if ((wishes & VA_CONNECTION_END_OUTPUT) && !session->output_ended && r == 0)
        r = end_output(session);
    return r;
}

/* ---- time ---- */

int va_session_expire(struct va_session *session, double now_s)
{
    if (session->connection == NULL)
        return now_s >= session->shake_deadline_s ? VA_ETIMEOUT : 0;
    va_connection_expire(session->connection, now_s);
    return 0;
}

int va_session_is_paused(const struct va_session *session)
{
    return session->connection != NULL && va_connection_wishes(session->connection) & VA_CONNECTION_PAUSE;
}

double va_session_deadline_s(const struct va_session *session)
{
    return session->connection != NULL ? va_connection_deadline_s(session->connection) : session->shake_deadline_s;
}
