#include "daemon/local_api.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* What listens everywhere listens on the loopback, too. */
int va_local_api_find(const va_config *config, char ret_url[VA_LOCAL_API_BYTES])
{
    struct sockaddr_in ip4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)config->server_port)};
    struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)config->server_port)};
    int is_ip6 = inet_pton(AF_INET6, config->server_listen, &ip6.sin6_addr) == 1, port = (int)config->server_port;
    char text[INET6_ADDRSTRLEN];

    if (inet_pton(AF_INET, config->server_listen, &ip4.sin_addr) != 1 || ip4.sin_addr.s_addr == htonl(INADDR_ANY))
        ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (IN6_IS_ADDR_UNSPECIFIED(&ip6.sin6_addr))
        ip6.sin6_addr = in6addr_loopback;
    if (is_ip6)
        snprintf(ret_url, VA_LOCAL_API_BYTES, "http://[%s]:%d", inet_ntop(AF_INET6, &ip6.sin6_addr, text, sizeof text), port);
    else
        snprintf(ret_url, VA_LOCAL_API_BYTES, "http://%s:%d", inet_ntop(AF_INET, &ip4.sin_addr, text, sizeof text), port);
    int fd = port == 0 ? -1 : socket(is_ip6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    int r = is_ip6 ? connect(fd, (const struct sockaddr *)&ip6, sizeof ip6) : connect(fd, (const struct sockaddr *)&ip4, sizeof ip4);
    close(fd);
    return r == 0;
}
