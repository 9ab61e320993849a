/* launcher_process.c - inside the launcher: a parent that starts it again when it dies, the launcher, and one process a launch. */
#include "action/launcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "action/launch_message.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#define SOCKET_FD 3
#define RESTART_PAUSE_NS 200000000
#define CLEANUP_S 2.0

/* ---- what was left behind ---- */

static pid_t parent_of(pid_t pid)
{
    char path[64], *text;
    size_t n;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (va_file_read(path, 4096, &text, &n, NULL) < 0)
        return 0;
    const char *name_end = strrchr(text, ')'); /* the name may hold anything */
    pid_t parent = name_end != NULL && n - (size_t)(name_end - text) > 4 ? (pid_t)strtol(name_end + 4, NULL, 10) : 0;
    va_free(text);
    return parent;
}

static int is_among(pid_t pid, const pid_t *pids, size_t n)
{
    while (n-- > 0)
        if (pids[n] == pid)
            return 1;
    return 0;
}

/* Kills our children but those of keep [n_keep]. Returns how many. */
static size_t kill_children(const pid_t *keep, size_t n_keep)
{
    DIR *dir = opendir("/proc");
    size_t killed = 0;

    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 1 && !is_among(pid, keep, n_keep) && parent_of(pid) == getpid() && kill(pid, SIGKILL) == 0)
            killed++;
    }
    if (dir != NULL)
        closedir(dir);
    return killed;
}

/* Ends all our children. Theirs become ours as they end, for we are a subreaper. */
static void end_children(void)
{
    double deadline_ms = va_clock_ms() + CLEANUP_S * 1000;

    while (va_clock_ms() < deadline_ms) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0 && errno == ECHILD)
            return;
        if (pid == 0 && kill_children(NULL, 0) == 0)
            poll(NULL, 0, 10);
    }
}

/* This process ends when its parent does. Fails when that has happened already. */
static int end_with_parent(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() == parent ? 0 : -1;
}

/* ---- one launch ---- */

static void send_answer(int socket, const struct va_launch_answer *answer)
{
    struct va_buffer message;

    va_buffer_init(&message, VA_LAUNCH_MESSAGE_BYTES);
    if (va_launch_write_answer(answer, &message) == 0)
        while (send(socket, message.data, message.size, MSG_NOSIGNAL) < 0 && errno == EINTR)
            ;
    va_buffer_free(&message);
}

static void refuse(int socket, int code, const char *text)
{
    send_answer(socket, &(struct va_launch_answer){code, 0, text});
}

/* In a process of its own. When the asker is gone, so is the program. */
static int run_launch(const struct va_launch *launch, int socket, pid_t parent)
{
    struct va_launch_result result = {0};
    va_error error;

    if (end_with_parent(parent) < 0)
        return 1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGCHLD, SIG_DFL);
    int r = va_launch_run(launch, socket, &result, &error);
    end_children();
    send_answer(socket, r < 0 ? &(struct va_launch_answer){r, 0, error.text} : &(struct va_launch_answer){0, result.status, result.output});
    va_free(result.output);
    return 0;
}

/* ---- the launcher ---- */

struct workers {
    pid_t pids[VA_LAUNCHER_MAX_RUNNING]; /* [n] */
    size_t n;
};

static void reap(struct workers *workers)
{
    int status;

    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (size_t i = 0; i < workers->n; i++)
            if (workers->pids[i] == pid)
                workers->pids[i] = workers->pids[--workers->n];
        if (!WIFEXITED(status))
            kill_children(workers->pids, workers->n); /* it could not clean up itself */
    }
}

/* fds [n_fds]: what came with it. */
static void handle(const va_launcher *launcher, struct workers *workers, const char *bytes, size_t n, const int *fds, size_t n_fds)
{
    struct va_launch_request request;
    int socket = fds[0];

    if (va_launch_read_request(bytes, n, &request) < 0 || n_fds != (request.launch.files != NULL ? VA_LAUNCH_MAX_DESCRIPTORS : 1)) {
        refuse(socket, VA_EFORMAT, "the launcher cannot read the request");
    } else if (!va_launcher_allows(launcher, request.launch.executable)) {
        refuse(socket, VA_EDENIED, "this executable was not allowed at the start");
    } else if (workers->n == VA_LAUNCHER_MAX_RUNNING) {
        refuse(socket, VA_EBUSY, "too many programs are running");
    } else {
        if (request.launch.files != NULL)
            request.files.input = fds[1], request.files.output = fds[2];
        pid_t self = getpid(), pid = fork();
        if (pid == 0)
            _exit(run_launch(&request.launch, socket, self));
        if (pid < 0)
            refuse(socket, VA_ENOMEM, "the launcher cannot make a process");
        else
            workers->pids[workers->n++] = pid;
    }
}

/* The descriptors that come with a packet. Returns how many. */
static size_t take_descriptors(struct msghdr *packet, int ret_fds[VA_LAUNCH_MAX_DESCRIPTORS])
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(packet);

    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS || header->cmsg_len < CMSG_LEN(0))
        return 0;
    size_t n = (header->cmsg_len - CMSG_LEN(0)) / sizeof ret_fds[0];
    if (n > VA_LAUNCH_MAX_DESCRIPTORS)
        n = VA_LAUNCH_MAX_DESCRIPTORS; /* there was no room for more */
    memcpy(ret_fds, CMSG_DATA(header), n * sizeof ret_fds[0]);
    return n;
}

/* Returns the exit code: 0 when the daemon has closed its end. */
static int serve(const va_launcher *launcher, pid_t parent)
{
    struct workers workers = {0};
    char *bytes = va_alloc(VA_LAUNCH_MESSAGE_BYTES, 1);

    if (end_with_parent(parent) < 0)
        return 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    while (bytes != NULL) {
        union {
            struct cmsghdr header;
            char bytes[CMSG_SPACE(VA_LAUNCH_MAX_DESCRIPTORS * sizeof(int))];
        } control = {0};
        struct iovec data = {bytes, VA_LAUNCH_MESSAGE_BYTES};
        struct msghdr packet = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
        struct pollfd ready = {.fd = SOCKET_FD, .events = POLLIN};

        if (poll(&ready, 1, workers.n > 0 ? 500 : -1) < 0 && errno != EINTR)
            break;
        reap(&workers);
        if (ready.revents == 0)
            continue;
        ssize_t n = recvmsg(SOCKET_FD, &packet, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            kill_children(NULL, 0);
            return 0;
        }
        int fds[VA_LAUNCH_MAX_DESCRIPTORS];
        size_t n_fds = n > 0 ? take_descriptors(&packet, fds) : 0;
        if (n_fds > 0)
            handle(launcher, &workers, bytes, (size_t)n, fds, n_fds);
        while (n_fds > 0)
            close(fds[--n_fds]);
    }
    return 1;
}

/* ---- the parent of the launcher ---- */

/* Nothing that is started gains privileges, and root's are given up: a program of root without them is just a program. What the kernel
 * does not have cannot be told from here; the daemon, which takes the same from itself, tells it. */
static int confine(const struct va_confine_plan *plan)
{
    const struct rlimit no_core = {0};
    struct va_confine_state state;
    va_error error;

    setrlimit(RLIMIT_CORE, &no_core);
    va_confine_drop_privileges();
    return plan != NULL ? va_confine_programs(plan, &state, &error) : 0;
}

/* Keeps only the socket, as SOCKET_FD, and empty standard files. */
static int keep_only(int socket)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
        return -1;
    if (socket != SOCKET_FD && dup2(socket, SOCKET_FD) < 0)
        return -1;
    fcntl(SOCKET_FD, F_SETFD, FD_CLOEXEC);
    return close_range(SOCKET_FD + 1, ~0u, 0);
}

int va_launcher_process(const va_launcher *launcher, const struct va_confine_plan *plan, int socket)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    const struct timespec pause = {.tv_nsec = RESTART_PAUSE_NS};
    int status = 0;

    if (keep_only(socket) != 0 || chdir("/") != 0)
        return 1;
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN); /* the end of the socket is the end */
    umask(077);
    prctl(PR_SET_NAME, "va-launcher");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (confine(plan) < 0)
        return 1;
    for (;;) {
        pid_t self = getpid(), pid = fork();
        if (pid == 0)
            _exit(serve(launcher, self));
        while (pid > 0) {
            pid_t ended = waitpid(-1, &status, 0);
            if (ended == pid || (ended < 0 && errno != EINTR))
                break;
        }
        end_children();
        if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return 0;
        nanosleep(&pause, NULL);
        struct pollfd peer = {.fd = SOCKET_FD, .events = POLLIN};
        if (pid < 0 && poll(&peer, 1, 0) > 0 && (peer.revents & POLLHUP) != 0)
            return 0;
    }
}
