#include "server/socket.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "server/websocket.h"

#define PING_S 30.0
#define CHECK_S 10.0
#define SILENCE_S 60.0
/* For the client to answer our close. */
#define CLOSING_S 5.0

struct va_socket {
    struct va_outflow outflow;
    const struct va_socket_events *events;
    void *user;
    _Atomic int paused;
    _Atomic int closing; /* a close goes into the outflow, as its last */

    /* Server thread. */
    struct va_websocket websocket;
    int over, ended;
    double heard_s, pinged_s, checked_s; /* checked: that its token is still good */
    double closing_s;                    /* when our close was first seen; 0: not yet */
};

int va_request_upgrade(va_request *request, const struct va_socket_events *events, void *user, size_t max_message, va_socket **ret_socket)
{
    va_socket *socket = va_calloc(1, sizeof *socket);
    if (socket == NULL)
        return VA_ENOMEM;
    socket->events = events;
    socket->user = user;
    va_websocket_begin(&socket->websocket, max_message);
    request->kind = VA_REPLY_SOCKET;
    request->status = 101;
    va_outflow_init(&socket->outflow, request);
    *ret_socket = socket;
    va_outflow_announce(&socket->outflow);
    return 0;
}

static int send_frame(va_socket *socket, int opcode, const char *data, size_t n)
{
    unsigned char head[VA_WEBSOCKET_MAX_HEAD_BYTES];

    return va_outflow_write(&socket->outflow, head, va_websocket_head(opcode, n, head), data, n);
}

int va_socket_send(va_socket *socket, int is_text, const char *data, size_t n)
{
    return send_frame(socket, is_text ? VA_WEBSOCKET_TEXT : VA_WEBSOCKET_BINARY, data, n);
}

/* code VA_WEBSOCKET_NOTHING: a close that says nothing. */
static void send_close(va_socket *socket, int code, const char *reason)
{
    unsigned char frame[2 + VA_WEBSOCKET_MAX_CONTROL_BYTES] = {0x80 | VA_WEBSOCKET_CLOSE};
    size_t n = strlen(reason);

    if (atomic_exchange(&socket->closing, 1))
        return;
    while (n > VA_WEBSOCKET_MAX_CONTROL_BYTES - 2 || (n > 0 && ((unsigned char)reason[n] & 0xc0) == 0x80))
        n--; /* not within a character */
    size_t n_payload = code == VA_WEBSOCKET_NOTHING ? 0 : 2 + n;
    frame[1] = (unsigned char)n_payload;
    if (n_payload > 0) {
        frame[2] = (unsigned char)(code >> 8);
        frame[3] = (unsigned char)code;
        memcpy(frame + 4, reason, n);
    }
    /* Where even that does not fit, the connection just ends. */
    va_outflow_finish(&socket->outflow, frame, 2 + n_payload);
}

void va_socket_close(va_socket *socket, int code, const char *reason)
{
    send_close(socket, code, reason);
}

void va_socket_pause(va_socket *socket, int paused)
{
    atomic_store(&socket->paused, paused);
    va_outflow_wake(&socket->outflow);
}

void va_socket_release(va_socket *socket)
{
    va_request_release(socket->outflow.request);
}

/* ---- the connection's side ---- */

void va_socket_begin(va_socket *socket, double now_s)
{
    socket->heard_s = socket->pinged_s = socket->checked_s = now_s;
}

int va_socket_is_paused(va_socket *socket)
{
    return atomic_load(&socket->paused);
}

int va_socket_is_over(const va_socket *socket)
{
    return socket->over;
}

static void take_event(va_socket *socket, const struct va_websocket_event *event)
{
    switch (event->opcode) {
    case VA_WEBSOCKET_TEXT:
    case VA_WEBSOCKET_BINARY:
        if (!atomic_load(&socket->closing))
            socket->events->message(socket->user, socket, event->opcode == VA_WEBSOCKET_TEXT, event->data, event->n);
        va_websocket_end(&socket->websocket); /* what was said does not stay */
        break;
    case VA_WEBSOCKET_PING:
        /* A client that pings and does not read gets no more pongs than fit. */
        (void)!send_frame(socket, VA_WEBSOCKET_PONG, event->data, event->n);
        break;
    case VA_WEBSOCKET_CLOSE:
        send_close(socket, event->close_code, "");
        socket->over = 1;
        break;
    default:
        break;
    }
}

size_t va_socket_receive(va_socket *socket, const char *data, size_t n, double now_s)
{
    struct va_websocket_event event;
    size_t used = 0;

    socket->heard_s = now_s;
    while (used < n && !socket->over && !va_socket_is_paused(socket)) {
        size_t taken;
        int code = va_websocket_read(&socket->websocket, data + used, n - used, &taken, &event);
        used += taken;
        if (code != 0) {
            send_close(socket, code, "");
            socket->over = 1;
        } else {
            take_event(socket, &event);
        }
    }
    return socket->over ? n : used;
}

double va_socket_deadline_s(const va_socket *socket)
{
    if (socket->closing_s > 0)
        return socket->closing_s + CLOSING_S;
    double ping_s = fmax(socket->heard_s, socket->pinged_s) + PING_S;
    return fmin(socket->checked_s + CHECK_S, fmin(ping_s, socket->heard_s + SILENCE_S));
}

void va_socket_expire(va_socket *socket, double now_s)
{
    if (atomic_load(&socket->closing) && socket->closing_s == 0)
        socket->closing_s = now_s;
    if (now_s < va_socket_deadline_s(socket))
        return;
    if (socket->closing_s == 0 && now_s >= socket->checked_s + CHECK_S) {
        socket->checked_s = now_s;
        if (!va_request_may_go_on(socket->outflow.request))
            send_close(socket, VA_WEBSOCKET_POLICY, "the token was revoked");
        return;
    }
    if (socket->closing_s > 0 || now_s >= socket->heard_s + SILENCE_S) {
        socket->over = 1;
        va_outflow_end(&socket->outflow, VA_OUTFLOW_ENDED);
        return;
    }
    socket->pinged_s = now_s;
    (void)!send_frame(socket, VA_WEBSOCKET_PING, NULL, 0);
}

void va_socket_leave(va_socket *socket, double now_s)
{
    send_close(socket, VA_WEBSOCKET_GOING, "");
    va_socket_expire(socket, now_s);
}

void va_socket_end(va_socket *socket)
{
    if (socket->ended)
        return;
    socket->ended = 1;
    va_websocket_end(&socket->websocket);
    socket->events->closed(socket->user, socket);
}
