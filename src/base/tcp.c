#include "base/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEP_ALIVE_S 60

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int is_loopback(const union address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr) && address->v6.sin6_addr.s6_addr[12] == 127);
}

static int parse(const char *text, int port, union address *ret_address, va_error *error)
{
    union address address = {0};

    if (strcmp(text, "localhost") == 0)
        text = "127.0.0.1";
    if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons((uint16_t)port);
    } else if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons((uint16_t)port);
    } else {
        return va_fail(error, VA_EINVAL, "'%s' is not an address to listen on; 127.0.0.1 is this machine only, 0.0.0.0 all addresses",
                       text);
    }
    *ret_address = address;
    return 0;
}

int va_tcp_check(const char *text, int *ret_is_loopback, va_error *error)
{
    union address address = {0};
    int r = parse(text, 0, &address, error);

    if (r == 0)
        *ret_is_loopback = is_loopback(&address);
    return r;
}

int va_tcp_listen(const char *text, int port, int *ret_fd, int *ret_port, va_error *error)
{
    union address address;
    int r = parse(text, port, &address, error);
    if (r < 0)
        return r;
    socklen_t size = address.any.sa_family == AF_INET ? sizeof address.v4 : sizeof address.v6;
    int on = 1;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 && errno == EAFNOSUPPORT && strcmp(text, "::") == 0)
        return va_tcp_listen("0.0.0.0", port, ret_fd, ret_port, error); /* a system without IPv6 */
    if (fd < 0)
        return va_fail_errno(error, "cannot make a socket for %s", text);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 || bind(fd, &address.any, size) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, &address.any, &size) < 0) {
        r = va_fail_errno(error, "cannot listen on %s port %d", text, port);
        close(fd);
        return r;
    }
    *ret_fd = fd;
    *ret_port = ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    return 0;
}

int va_tcp_accept(int fd, struct va_tcp_peer *ret_peer)
{
    union address address = {0};
    socklen_t size = sizeof address;
    int on = 1, idle_s = KEEP_ALIVE_S;
    int client = accept4(fd, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (client < 0)
        return -1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(client, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    *ret_peer = (struct va_tcp_peer){.is_loopback = is_loopback(&address)};
    if (address.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address.v4.sin_addr, ret_peer->address, sizeof ret_peer->address);
        ret_peer->network = ntohl(address.v4.sin_addr.s_addr);
    } else if (IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr)) {
        inet_ntop(AF_INET, address.v6.sin6_addr.s6_addr + 12, ret_peer->address, sizeof ret_peer->address);
        memcpy(&ret_peer->network, address.v6.sin6_addr.s6_addr + 12, 4);
    } else {
        inet_ntop(AF_INET6, &address.v6.sin6_addr, ret_peer->address, sizeof ret_peer->address);
        memcpy(&ret_peer->network, &address.v6.sin6_addr, sizeof ret_peer->network);
    }
    return client;
}
