/* socket.h - a WebSocket as its connection sees it. Server thread only. */
#ifndef VA_SERVER_SOCKET_H
#define VA_SERVER_SOCKET_H

#include "server/outflow.h"

/* The upgrade is on its way out: from now on messages are read. */
void va_socket_begin(va_socket *socket, double now_s);

/* Bytes of the client. Reads up to one message at a time while it is not paused; returns how many bytes were used. */
size_t va_socket_receive(va_socket *socket, const char *data, size_t n, double now_s);

/* When to call va_socket_expire next; 0: never. */
double va_socket_deadline_s(const va_socket *socket);
void va_socket_expire(va_socket *socket, double now_s);

int va_socket_is_paused(va_socket *socket);

/* Nothing is read any more: the client's close was answered, or it is beyond hope. The connection ends once the output is out. */
int va_socket_is_over(const va_socket *socket);

/* The server ends: asks the client to close, with 1001. */
void va_socket_leave(va_socket *socket, double now_s);

/* The connection has ended: calls closed, once. The caller holds the request, as closed may let go of it. */
void va_socket_end(va_socket *socket);

#endif
