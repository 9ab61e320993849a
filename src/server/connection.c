#include "server/connection_internal.h"

#include <stdio.h>

#include "base/memory.h"
#include "server/socket.h"

/* A client may be this slow, beyond the first timeout. */
#define SLOWEST_BYTES_PER_S 8192.0

void va_phase_begin(struct va_phase *phase, double now_s)
{
    *phase = (struct va_phase){.started_s = now_s, .moved_s = now_s};
}

void va_phase_moved(struct va_phase *phase, size_t n, double now_s)
{
    phase->moved_s = now_s;
    phase->n_moved += n;
}

double va_phase_stall_s(const struct va_phase *phase, const struct va_gate *gate)
{
    double slow_s = phase->started_s + (double)phase->n_moved / SLOWEST_BYTES_PER_S;
    return (slow_s < phase->moved_s ? slow_s : phase->moved_s) + atomic_load(&gate->site->timeout_s);
}

va_connection *va_connection_new(struct va_gate *gate, enum va_protocol protocol, const struct va_peer *peer, void *owner, double now_s)
{
    va_connection *connection = protocol == VA_PROTOCOL_HTTP2 ? va_http2_new(now_s) : va_http1_new(now_s);

    if (connection == NULL)
        return NULL;
    connection->gate = gate;
    connection->owner = owner;
    connection->peer = *peer;
    snprintf(connection->address, sizeof connection->address, "%s", peer->address);
    connection->peer.address = connection->address;
    if (peer->certificate_sha256 != NULL) {
        snprintf(connection->certificate, sizeof connection->certificate, "%s", peer->certificate_sha256);
        connection->peer.certificate_sha256 = connection->certificate;
    }
    va_buffer_init(&connection->output, VA_MAX_OUTPUT_BYTES);
    connection->deadline_s = now_s + atomic_load(&gate->site->timeout_s);
    return connection;
}

void va_connection_free(va_connection *connection)
{
    if (connection == NULL)
        return;
    va_buffer_free(&connection->output);
    connection->kind->free(connection);
}

void *va_connection_owner(const va_connection *connection)
{
    return connection->owner;
}

void va_connection_receive(va_connection *connection, const char *data, size_t n, double now_s)
{
    connection->kind->receive(connection, data, n, now_s);
}

void va_connection_expire(va_connection *connection, double now_s)
{
    if (connection->deadline_s != 0 && now_s >= connection->deadline_s)
        connection->kind->expire(connection, now_s);
}

void va_connection_refuse(va_connection *connection, double now_s)
{
    connection->kind->refuse(connection, now_s);
}

void va_connection_close_idle(va_connection *connection, double now_s)
{
    connection->kind->close_idle(connection, now_s);
}

void va_connection_leave(va_connection *connection, double now_s)
{
    connection->kind->leave(connection, now_s);
}

void va_connection_wake(va_request *request, double now_s)
{
    struct va_outflow *outflow = atomic_load(&request->outflow);

    if (outflow != NULL)
        va_outflow_heard(outflow);
    if (request->maker != NULL)
        request->maker->wake(request->maker, request, now_s);
    else if (request->kind == VA_REPLY_SOCKET)
        va_socket_end((struct va_socket *)outflow); /* the client left before it was upgraded */
}

const char *va_connection_output(const va_connection *connection, size_t *ret_n)
{
    *ret_n = connection->output.size - connection->n_sent;
    return connection->output.data != NULL ? connection->output.data + connection->n_sent : "";
}

void va_connection_sent(va_connection *connection, size_t n, double now_s)
{
    connection->n_sent += n;
    if (connection->n_sent == connection->output.size) {
        va_buffer_free(&connection->output);
        connection->n_sent = 0;
    }
    connection->kind->sent(connection, n, now_s);
}

void va_connection_flushed(va_connection *connection, double now_s)
{
    connection->kind->flushed(connection, now_s);
}

unsigned va_connection_wishes(const va_connection *connection)
{
    return connection->kind->wishes(connection);
}

double va_connection_deadline_s(const va_connection *connection)
{
    return connection->deadline_s;
}

double va_connection_idle_since_s(const va_connection *connection)
{
    return connection->kind->idle_since_s(connection);
}
