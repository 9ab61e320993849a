#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

static const char *const search_folders[] = {"/usr/local/bin", "/usr/bin", "/bin"};

static char *const environment[] = {(char *)"PATH=/usr/local/bin:/usr/bin:/bin", (char *)"LANG=C.UTF-8", NULL};

static int is_executable(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

int va_child_find(const char *name, char ret_path[VA_CHILD_PATH_BYTES], va_error *error)
{
    char path[VA_CHILD_PATH_BYTES];

    if (name[0] == '/') {
        if (strlen(name) >= sizeof path || !is_executable(name))
            return va_fail(error, VA_ENOTFOUND, "%.180s is not there or is not an executable file", name);
        memcpy(ret_path, name, strlen(name) + 1);
        return 0;
    }
    if (name[0] == '\0' || strchr(name, '/') != NULL)
        return va_fail(error, VA_EINVAL, "the executable must be an absolute path or a plain name, not \"%.100s\"", name);
    for (size_t i = 0; i < sizeof search_folders / sizeof search_folders[0]; i++) {
        int n = snprintf(path, sizeof path, "%s/%s", search_folders[i], name);
        if (n > 0 && (size_t)n < sizeof path && is_executable(path)) {
            memcpy(ret_path, path, (size_t)n + 1);
            return 0;
        }
    }
    return va_fail(error, VA_ENOTFOUND, "there is no executable '%.100s' in /usr/local/bin, /usr/bin or /bin", name);
}

/* Starts it with its output going to the write end of the pipe. */
static int spawn(const struct va_child_options *options, int out, pid_t *ret_pid, va_error *error)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    int number = 0;

    char **argv = va_alloc(options->n_arguments + 2, sizeof *argv);
    if (argv == NULL)
        return va_fail_memory(error);
    argv[0] = (char *)options->executable;
    for (size_t i = 0; i < options->n_arguments; i++)
        argv[i + 1] = (char *)options->arguments[i];
    argv[options->n_arguments + 1] = NULL;
    sigfillset(&all);
    sigemptyset(&none);
    if (posix_spawn_file_actions_init(&files) != 0) {
        va_free(argv);
        return va_fail_memory(error);
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&files);
        va_free(argv);
        return va_fail_memory(error);
    }
    number = options->input >= 0 ? posix_spawn_file_actions_adddup2(&files, options->input, STDIN_FILENO)
                                 : posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (number == 0)
        number = options->joins_its_errors ? posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO)
                                           : posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (number != 0 || posix_spawn_file_actions_addclosefrom_np(&files, 3) != 0 || posix_spawn_file_actions_addchdir_np(&files, "/") != 0 ||
        posix_spawnattr_setpgroup(&attributes, 0) != 0 || posix_spawnattr_setsigdefault(&attributes, &all) != 0 ||
        posix_spawnattr_setsigmask(&attributes, &none) != 0 ||
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) != 0)
        number = ENOMEM;
    if (number == 0)
        number = posix_spawn(ret_pid, options->executable, &files, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    va_free(argv);
    errno = number;
    return number == 0 ? 0 : va_fail_errno(error, "cannot start %.180s", options->executable);
}

int va_child_start(const struct va_child_options *options, struct va_child *ret_child, va_error *error)
{
    struct va_child child = {.fd = -1};
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return va_fail_errno(error, "cannot make a pipe");
    child.output = pipe_fds[0];
    fcntl(child.output, F_SETFL, O_NONBLOCK);
    int r = spawn(options, pipe_fds[1], &child.pid, error);
    close(pipe_fds[1]);
    if (r < 0) {
        close(child.output);
        return r;
    }
    child.fd = pidfd_open(child.pid, 0);
    if (child.fd < 0) {
        r = va_fail_errno(error, "cannot watch %.150s", options->executable);
        va_child_finish(&child);
        return r;
    }
    *ret_child = child;
    return 0;
}

/* Moves what is there now. Returns 1 at the end of the output, else 0 or VA_E*. */
static int move(int from, int to, size_t max_bytes, size_t *size)
{
    char bytes[16384];

    for (int rounds = 0; rounds < 64; rounds++) {
        ssize_t n = read(from, bytes, sizeof bytes);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return 1;
        if (n < 0)
            return 0;
        if (*size + (size_t)n > max_bytes)
            return VA_ELIMIT;
        int r = va_file_write_all(to, bytes, (size_t)n);
        if (r < 0)
            return r;
        *size += (size_t)n;
    }
    return 0;
}

int va_child_copy(const struct va_child *child, int to, size_t max_bytes, double timeout_s, int cancel_fd)
{
    double deadline_ms = va_clock_ms() + timeout_s * 1000;
    struct pollfd fds[3] = {
        {.fd = child->fd, .events = POLLIN}, {.fd = child->output, .events = POLLIN}, {.fd = cancel_fd, .events = POLLIN}};
    size_t size = 0;

    for (;;) {
        double left_ms = deadline_ms - va_clock_ms();
        if (left_ms <= 0)
            return VA_ETIMEOUT;
        if (poll(fds, 3, left_ms > 1000 ? 1000 : (int)left_ms + 1) < 0) {
            if (errno != EINTR)
                return VA_EIO;
            continue;
        }
        if (fds[2].revents != 0)
            return VA_ECANCELLED;
        int r = fds[1].revents != 0 ? move(child->output, to, max_bytes, &size) : 0;
        if (r == 1)
            fds[1].fd = -1; /* it closed its output and may live on */
        if (r >= 0 && fds[0].revents != 0)
            while (fds[1].fd >= 0 && (r = move(child->output, to, max_bytes, &size)) == 0 && poll(&fds[1], 1, 0) > 0)
                ;
        if (r < 0 || fds[0].revents != 0)
            return r < 0 ? r : 0;
    }
}

/* The process is not reaped before, so its number is still its own. */
int va_child_finish(struct va_child *child)
{
    siginfo_t info;
    int status = 0;

    kill(-child->pid, SIGKILL);
    while (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (child->fd >= 0)
        close(child->fd);
    close(child->output);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
