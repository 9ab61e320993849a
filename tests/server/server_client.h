/* server_client.h - a client of raw bytes, and a server for the tests of one. */
#ifndef VA_TESTS_SERVER_CLIENT_H
#define VA_TESTS_SERVER_CLIENT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/server.h"

static va_server *server;

static int dial(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)va_server_port(server, 0)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Everything until the server closes. */
static const char *hear(int fd)
{
    static char text[131072];
    size_t n = 0;
    ssize_t got;
    while (n < sizeof text - 1 && (got = recv(fd, text + n, sizeof text - 1 - n, 0)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    close(fd);
    return text;
}

static const char *ask(const char *text)
{
    int fd = dial();
    say(fd, text);
    return hear(fd);
}

static void expect(const char *request, const char *status, const char *part)
{
    const char *answer = ask(request);
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, status, strlen(status)) != 0 || strstr(answer, part) == NULL)
        fail_msg("%s\n-> %s", request, answer);
}

#define HEAD " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"

#endif
