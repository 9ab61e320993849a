/* launcher.c - the daemon's side of the launcher. */
#include "action/launcher.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action/launch_message.h"
#include "base/clock.h"
#include "base/memory.h"

/* A packet must fit into the socket's buffer, with the kernel's own bookkeeping. */
#define SOCKET_BYTES (2 * VA_LAUNCH_MESSAGE_BYTES)

static int make_pair(int ret_sockets[2], va_error *error)
{
    int bytes = SOCKET_BYTES;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_sockets) != 0)
        return va_fail_errno(error, "cannot make a socket for the launcher");
    for (int i = 0; i < 2; i++)
        setsockopt(ret_sockets[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    return 0;
}

static int copy_allowed(va_launcher *launcher, const char *const *allowed, size_t n, va_error *error)
{
    if (n > VA_LAUNCHER_MAX_EXECUTABLES)
        return va_fail(error, VA_ELIMIT, "the commands start more than %d executables", VA_LAUNCHER_MAX_EXECUTABLES);
    launcher->allowed = va_calloc(n, sizeof *launcher->allowed);
    if (launcher->allowed == NULL)
        return va_fail_memory(error);
    for (; launcher->n_allowed < n; launcher->n_allowed++)
        if ((launcher->allowed[launcher->n_allowed] = va_strdup(allowed[launcher->n_allowed])) == NULL)
            return va_fail_memory(error);
    return 0;
}

int va_launcher_start(const char *const *allowed, size_t n, const struct va_confine_plan *plan, va_launcher **ret_launcher, va_error *error)
{
    int sockets[2];
    va_launcher *launcher = va_calloc(1, sizeof *launcher);

    if (launcher == NULL)
        return va_fail_memory(error);
    launcher->socket = launcher->process_fd = -1;
    int r = copy_allowed(launcher, allowed, n, error);
    if (r < 0 || (r = make_pair(sockets, error)) < 0)
        goto fail;
    launcher->socket = sockets[0];
    launcher->process = fork();
    if (launcher->process == 0)
        _exit(va_launcher_process(launcher, plan, sockets[1]));
    close(sockets[1]);
    if (launcher->process < 0 || (launcher->process_fd = pidfd_open(launcher->process, 0)) < 0) {
        r = va_fail_errno(error, "cannot start the launcher");
        goto fail;
    }
    *ret_launcher = launcher;
    return 0;

fail:
    va_launcher_free(launcher);
    return r;
}

/* The other side sees the end of the socket, ends what runs, and leaves; it is not waited for longer than its grace. */
void va_launcher_free(va_launcher *launcher)
{
    if (launcher == NULL)
        return;
    if (launcher->socket >= 0)
        close(launcher->socket);
    if (launcher->process_fd >= 0) {
        struct pollfd end = {.fd = launcher->process_fd, .events = POLLIN};
        while (poll(&end, 1, VA_LAUNCHER_GRACE_S * 1000) < 0 && errno == EINTR)
            ;
        if (end.revents == 0)
            kill(launcher->process, SIGKILL);
        close(launcher->process_fd);
    }
    while (launcher->process > 0 && waitpid(launcher->process, NULL, 0) < 0 && errno == EINTR)
        ;
    for (size_t i = 0; i < launcher->n_allowed; i++)
        va_free(launcher->allowed[i]);
    va_free(launcher->allowed);
    va_free(launcher);
}

int va_launcher_allows(const va_launcher *launcher, const char *path)
{
    for (size_t i = 0; i < launcher->n_allowed; i++)
        if (strcmp(launcher->allowed[i], path) == 0)
            return 1;
    return 0;
}

/* Waits until fd is ready; cancel_fd or the deadline end the wait. */
static int wait_for(int fd, short events, int cancel_fd, double deadline_ms)
{
    struct pollfd fds[2] = {{.fd = fd, .events = events}, {.fd = cancel_fd, .events = POLLIN}};

    for (;;) {
        double left_ms = deadline_ms - va_clock_ms();
        if (left_ms <= 0)
            return VA_ETIMEOUT;
        int n = poll(fds, 2, (int)left_ms + 1);
        if (n < 0 && errno != EINTR)
            return VA_EIO;
        if (n > 0 && fds[0].revents != 0)
            return 0;
        if (n > 0)
            return VA_ECANCELLED;
    }
}

/* Sends the request with the socket on which its answer shall come, and its files. */
static int send_request(const va_launcher *launcher, const struct va_buffer *message, const struct va_launch_files *files, int answer,
                        int cancel_fd, double deadline_ms, va_error *error)
{
    const int fds[VA_LAUNCH_MAX_DESCRIPTORS] = {answer, files != NULL ? files->input : -1, files != NULL ? files->output : -1};
    size_t size = (files != NULL ? VA_LAUNCH_MAX_DESCRIPTORS : 1) * sizeof fds[0];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof fds)];
    } control = {0};
    struct iovec data = {message->data, message->size};
    struct msghdr packet = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(size)};

    control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(size)};
    memcpy(CMSG_DATA(&control.header), fds, size);
    for (;;) {
        if (sendmsg(launcher->socket, &packet, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        if (errno == EPIPE || errno == ECONNRESET)
            return va_fail(error, VA_EFAILED, "the launcher of programs has ended; the program must be started again");
        if (errno != EAGAIN && errno != EINTR)
            return va_fail_errno(error, "cannot reach the launcher");
        int r = wait_for(launcher->socket, POLLOUT, cancel_fd, deadline_ms);
        if (r < 0)
            return va_fail(error, r, "cannot reach the launcher: %s", va_status_text(r));
    }
}

/* Takes the answer apart. */
static int read_answer(const char *bytes, size_t n, struct va_launch_result *ret_result, va_error *error)
{
    struct va_launch_answer answer;

    if (va_launch_read_answer(bytes, n, &answer) < 0)
        return va_fail(error, VA_EFAILED, "the launcher has ended before the program did");
    if (answer.code < 0)
        return va_fail(error, answer.code, "%s", answer.text);
    char *output = va_strdup(answer.text);
    if (output == NULL)
        return va_fail_memory(error);
    *ret_result = (struct va_launch_result){.status = answer.status, .output = output};
    return 0;
}

static int receive_answer(int socket, const struct va_launch *launch, int cancel_fd, double deadline_ms,
                          struct va_launch_result *ret_result, va_error *error)
{
    int r = wait_for(socket, POLLIN, cancel_fd, deadline_ms);

    if (r < 0)
        return va_fail(error, r, "%.150s: %s", launch->executable, r == VA_ETIMEOUT ? "the launcher does not answer" : va_status_text(r));
    char *bytes = va_alloc(VA_LAUNCH_MESSAGE_BYTES, 1);
    if (bytes == NULL)
        return va_fail_memory(error);
    ssize_t n = recv(socket, bytes, VA_LAUNCH_MESSAGE_BYTES, MSG_DONTWAIT);
    r = read_answer(bytes, n > 0 ? (size_t)n : 0, ret_result, error);
    va_free(bytes);
    return r;
}

int va_launcher_run(va_launcher *launcher, const struct va_launch *launch, int cancel_fd, struct va_launch_result *ret_result,
                    va_error *error)
{
    double deadline_ms = va_clock_ms() + (launch->timeout_s + VA_LAUNCHER_GRACE_S) * 1000;
    struct va_buffer message;
    int sockets[2];

    if (!va_launcher_allows(launcher, launch->executable))
        return va_fail(error, VA_EDENIED, "%.150s is not among the executables that were allowed at the start", launch->executable);
    va_buffer_init(&message, VA_LAUNCH_MESSAGE_BYTES);
    int r = va_launch_write_request(launch, &message);
    if (r < 0)
        r = va_fail(error, r, "cannot run %.150s: %s", launch->executable, r == VA_ELIMIT ? "too many arguments" : va_status_text(r));
    if (r == 0 && (r = make_pair(sockets, error)) == 0) {
        r = send_request(launcher, &message, launch->files, sockets[1], cancel_fd, deadline_ms, error);
        close(sockets[1]);
        if (r == 0)
            r = receive_answer(sockets[0], launch, cancel_fd, deadline_ms, ret_result, error);
        close(sockets[0]);
    }
    va_buffer_free(&message);
    return r;
}
