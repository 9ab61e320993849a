#include "server/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int parse(const char *text, int port, union address *ret_address, va_error *error)
{
    union address address = {0};
    int is_loopback;

    if (strcmp(text, "localhost") == 0)
        text = "127.0.0.1";
    if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons((uint16_t)port);
        is_loopback = ntohl(address.v4.sin_addr.s_addr) >> 24 == 127;
    } else if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons((uint16_t)port);
        is_loopback = IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
    } else {
        return va_fail(error, VA_EINVAL, "server.listen: '%s' is not an address; use 127.0.0.1 or ::1", text);
    }
    if (!is_loopback)
        return va_fail(
            error, VA_EUNSUPPORTED,
            "server.listen: %s reaches beyond this machine, which needs tokens and TLS; this version has neither yet, use 127.0.0.1 or ::1",
            text);
    *ret_address = address;
    return 0;
}

int va_listen_open(const char *text, int port, int *ret_fd, int *ret_port, va_error *error)
{
    union address address;
    int r = parse(text, port, &address, error);
    if (r < 0)
        return r;
    socklen_t size = address.any.sa_family == AF_INET ? sizeof address.v4 : sizeof address.v6;
    int on = 1;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return va_fail_errno(error, "cannot make a socket for %s", text);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 || bind(fd, &address.any, size) < 0 || listen(fd, 128) < 0 ||
        getsockname(fd, &address.any, &size) < 0) {
        r = va_fail_errno(error, "cannot listen on %s port %d", text, port);
        close(fd);
        return r;
    }
    *ret_fd = fd;
    *ret_port = ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    return 0;
}

int va_listen_accept(int fd)
{
    int on = 1;
    int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0)
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return client;
}
