/* tcp.h - listening sockets, and who connects to them. Any thread. */
#ifndef VA_BASE_TCP_H
#define VA_BASE_TCP_H

#include "base/error.h"

/* address: "127.0.0.1", "::1", "localhost", "0.0.0.0" (all of IPv4), "::" (all). port 0 picks a free one. The socket is non-blocking
 * and closed on exec. */
VA_MUST_CHECK int va_tcp_listen(const char *address, int port, int *ret_fd, int *ret_port, va_error *error);

/* Is it an address, and can only this machine reach it? VA_EINVAL. */
VA_MUST_CHECK int va_tcp_check(const char *address, int *ret_is_loopback, va_error *error);

struct va_tcp_peer {
    char address[48];
    int is_loopback;
    uint64_t network; /* the address of IPv4, the first half of one of IPv6: who has more than one address counts as one client */
};

/* Accepts one connection: non-blocking, closed on exec, no delay. -1 with errno when there is none. */
int va_tcp_accept(int fd, struct va_tcp_peer *ret_peer);

#endif
