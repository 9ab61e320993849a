#include "helper/serve.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Whoever connects says at once what they want: others wait meanwhile. */
#define PEER_TIMEOUT_S 2

int va_helper_check_socket(int fd, va_error *error)
{
    int domain = 0, type = 0, listens = 0;
    socklen_t n = sizeof(int);

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) < 0 || domain != AF_UNIX || type != SOCK_SEQPACKET || !listens)
        return va_fail(error, VA_EINVAL, "descriptor %d is no unix socket for packets that listens", fd);
    return 0;
}

/* The file itself: no library of the name service is loaded into a process of root. */
int va_helper_find_user(const char *root, const char *name, uid_t *ret_user)
{
    char path[512];
    struct passwd *entry;
    int r = VA_ENOTFOUND;

    snprintf(path, sizeof path, "%s/etc/passwd", root);
    FILE *file = fopen(path, "re");
    while (file != NULL && r != 0 && (entry = fgetpwent(file)) != NULL)
        if (strcmp(entry->pw_name, name) == 0) {
            *ret_user = entry->pw_uid;
            r = 0;
        }
    if (file != NULL)
        fclose(file);
    return r;
}

static void tell(const char *request, uid_t user, int code, const va_error *error)
{
    fprintf(stderr, "%s by user %u%s%s\n", request, (unsigned)user, code == 0 ? "" : ": ", code == 0 ? "" : error->text);
}

/* Returns the code of the answer, and 1 when there is nobody to answer. */
static int do_request(const struct va_helper_server *server, int peer, va_error *error)
{
    char text[VA_HELPER_REQUEST_BYTES];
    struct va_helper_request request;
    struct ucred who = {.uid = (uid_t)-1};
    socklen_t n_who = sizeof who;

    /* Read in any case: with a packet unread, the answer would be lost. */
    ssize_t n = recv(peer, text, sizeof text, MSG_TRUNC);
    if (n <= 0)
        return 1;
    if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &n_who) < 0 || (who.uid != 0 && who.uid != server->user)) {
        int r = va_fail(error, VA_EDENIED, "this user may not ask the helper");
        tell("a request", who.uid, r, error);
        return r;
    }
    if ((size_t)n > sizeof text || va_helper_parse_request(text, (size_t)n, &request) < 0) {
        int r = va_fail(error, VA_EFORMAT, "the helper does not know this request");
        tell("a request", who.uid, r, error);
        return r;
    }
    int r = va_helper_run(&server->place, &request, 0, error);
    (void)va_helper_write_request(&request, text);
    tell(text, who.uid, r, error);
    return r;
}

static void serve_peer(const struct va_helper_server *server, int peer)
{
    const struct timeval timeout = {.tv_sec = PEER_TIMEOUT_S};
    char answer[VA_HELPER_ANSWER_BYTES];
    va_error error = {0};

    if (setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
        setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0)
        return;
    int code = do_request(server, peer, &error);
    if (code > 0)
        return;
    size_t n = va_helper_write_answer(code, &error, answer);
    if (send(peer, answer, n, MSG_NOSIGNAL) < 0)
        fputs("nobody waits for the answer\n", stderr);
}

int va_helper_serve(const struct va_helper_server *server, va_error *error)
{
    struct pollfd listening = {.fd = server->socket, .events = POLLIN};

    for (;;) {
        int n = poll(&listening, 1, server->idle_ms);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return va_fail_errno(error, "cannot wait for requests");
        int peer = n < 0 ? -1 : accept4(server->socket, NULL, NULL, SOCK_CLOEXEC);
        if (peer >= 0) {
            serve_peer(server, peer);
            close(peer);
        } else if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED) {
            return va_fail_errno(error, "cannot take a request");
        }
    }
}
