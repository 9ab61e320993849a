/* listen.h - the listening socket: loopback only. */
#ifndef VA_SERVER_LISTEN_H
#define VA_SERVER_LISTEN_H

#include "base/error.h"

/* address: "127.0.0.1", "::1", "localhost" or another loopback address; anything wider is VA_EUNSUPPORTED.
 * port 0 picks a free one. The socket is non-blocking and closed on exec. */
VA_MUST_CHECK int va_listen_open(const char *address, int port, int *ret_fd, int *ret_port, va_error *error);

/* Accepts one connection: non-blocking, closed on exec, no delay. -1 with errno when there is none. */
int va_listen_accept(int fd);

#endif
