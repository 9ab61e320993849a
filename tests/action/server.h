/* server.h - a server that answers every connection with the same bytes and keeps what it was asked last. */
#ifndef VA_TESTS_ACTION_SERVER_H
#define VA_TESTS_ACTION_SERVER_H

#include "action/support.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
    pthread_t thread;
    int fd, port;
    const char *answer;
    const char *path, *path_answer; /* what is asked for this path gets that answer; NULL: none */
    char asked[16384];              /* read it when no request is under way */
};

/* Reads the head and as much body as it says. */
static inline void read_request(struct server *server, int fd)
{
    size_t n = 0;

    for (;;) {
        ssize_t got = recv(fd, server->asked + n, sizeof server->asked - 1 - n, 0);
        if (got <= 0)
            return;
        n += (size_t)got;
        server->asked[n] = '\0';
        const char *end = strstr(server->asked, "\r\n\r\n"), *length = strcasestr(server->asked, "\r\ncontent-length:");
        size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
        if (end != NULL && n >= (size_t)(end + 4 - server->asked) + body)
            return;
    }
}

static inline void *serve_all(void *user)
{
    struct server *server = user;

    for (int fd; (fd = accept(server->fd, NULL, NULL)) >= 0; close(fd)) {
        read_request(server, fd);
        const char *answer = server->path != NULL && strstr(server->asked, server->path) != NULL ? server->path_answer : server->answer;
        send(fd, answer, strlen(answer), MSG_NOSIGNAL);
    }
    return NULL;
}

static inline void start_server(struct server *server, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    *server = (struct server){.answer = answer, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->fd, 16), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve_all, server), 0);
}

static inline void stop_server(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
}

#endif
