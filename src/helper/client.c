#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "helper/helper.h"
#include "helper/verbs.h"

/* Of time that does not pass while the machine sleeps. Going to sleep may take the kernel 20 s. */
#define ANSWER_TIMEOUT_S 60

/* A descriptor, or VA_ESTATE: nobody listens there. */
static int connect_helper(const char *root, va_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
    int n = snprintf(address.sun_path, sizeof address.sun_path, "%s" VA_HELPER_SOCKET, root);

    if (n < 0 || (size_t)n >= sizeof address.sun_path)
        return va_fail(error, VA_ESTATE, "the path of the helper's socket is too long");
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        (void)va_fail_errno(error, "%s", address.sun_path);
        if (fd >= 0)
            close(fd);
        return VA_ESTATE;
    }
    return fd;
}

static int ask(const char *root, const struct va_helper_request *request, va_error *error)
{
    char text[VA_HELPER_REQUEST_BYTES], answer[VA_HELPER_ANSWER_BYTES];
    size_t n = va_helper_write_request(request, text);
    int r, fd = connect_helper(root, error);

    if (fd < 0)
        return fd;
    ssize_t n_answer = send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n ? recv(fd, answer, sizeof answer, 0) : -1;
    if (n_answer > 0)
        r = va_helper_parse_answer(answer, (size_t)n_answer, error);
    else if (n_answer < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        r = va_fail(error, VA_ETIMEOUT, "the helper does not answer");
    else
        r = va_fail(error, VA_EFAILED, "the helper has gone without an answer");
    close(fd);
    return r;
}

static int build(struct va_helper_request *ret_request, va_error *error, const char *format, va_list args)
{
    char text[VA_HELPER_REQUEST_BYTES];
    int n = vsnprintf(text, sizeof text, format, args);

    if (n < 0 || (size_t)n >= sizeof text || va_helper_parse_request(text, (size_t)n, ret_request) < 0)
        return va_fail(error, VA_EFORMAT, "the helper cannot be asked for '%.60s'", text);
    return 0;
}

int va_helper_ask(const char *root, va_error *error, const char *format, ...)
{
    struct va_helper_request request;
    va_list args;

    va_start(args, format);
    int r = build(&request, error, format, args);
    va_end(args);
    return r < 0 ? r : ask(root, &request, error);
}

/* Nothing is there but a missing permission: the error keeps it. */
static int fail_denied(const va_error *denied, va_error *error)
{
    return va_fail(error, VA_EDENIED, "%s, or the helper (voice-assistant-helper.socket)", denied->text);
}

int va_helper_do(const char *root, va_error *error, const char *format, ...)
{
    const struct va_helper_place place = {.root = root};
    struct va_helper_request request;
    va_error denied;
    va_list args;

    va_start(args, format);
    int r = build(&request, error, format, args);
    va_end(args);
    if (r < 0)
        return r;
    /* A sandbox may forbid what the file's permission allows. */
    if ((r = va_helper_run(&place, &request, 1, &denied)) == 0)
        r = va_helper_run(&place, &request, 0, &denied);
    if (r != VA_EDENIED)
        return r == 0 ? 0 : va_fail(error, r, "%s", denied.text);
    r = ask(root, &request, error);
    return r == VA_ESTATE ? fail_denied(&denied, error) : r;
}

/* Whoever connected would start the helper: its socket is only looked at. */
int va_helper_can(const char *root, va_error *error, const char *format, ...)
{
    const struct va_helper_place place = {.root = root};
    struct va_helper_request request;
    char path[sizeof(struct sockaddr_un)];
    va_error denied;
    va_list args;

    va_start(args, format);
    int r = build(&request, error, format, args);
    va_end(args);
    if (r < 0)
        return r;
    if ((r = va_helper_run(&place, &request, 1, &denied)) != VA_EDENIED)
        return r == 0 ? 0 : va_fail(error, r, "%s", denied.text);
    if (snprintf(path, sizeof path, "%s" VA_HELPER_SOCKET, root) >= (int)sizeof path || access(path, W_OK) < 0)
        return fail_denied(&denied, error);
    return 0;
}
