#include "daemon/datagram.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int va_datagram_send(const char *address, const void *bytes, size_t n, int waits)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t length = strlen(address);
    int flags = MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT);

    if (length < 2 || length >= sizeof to.sun_path || (address[0] != '/' && address[0] != '@'))
        return -1;
    memcpy(to.sun_path, address, length);
    if (address[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    ssize_t sent = sendto(fd, bytes, n, flags, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    close(fd);
    return sent == (ssize_t)n ? 0 : -1;
}
