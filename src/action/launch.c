#include "action/launch.h"

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

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/utf8.h"

static const char *const search_folders[] = {"/usr/local/bin", "/usr/bin", "/bin"};

static char *const environment[] = {(char *)"PATH=/usr/local/bin:/usr/bin:/bin", (char *)"LANG=C.UTF-8", NULL};

static int is_executable(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

int va_launch_find(const char *name, char ret_path[512], va_error *error)
{
    char path[512];

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
static int spawn(const struct va_launch *launch, int out, pid_t *ret_pid, va_error *error)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    int number = 0;

    char **argv = va_alloc(launch->n_arguments + 2, sizeof *argv);
    if (argv == NULL)
        return va_fail_memory(error);
    argv[0] = (char *)launch->executable;
    for (size_t i = 0; i < launch->n_arguments; i++)
        argv[i + 1] = (char *)launch->arguments[i];
    argv[launch->n_arguments + 1] = NULL;
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
    if (posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO) != 0 ||
        posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO) != 0 ||
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0 ||
        posix_spawn_file_actions_addclosefrom_np(&files, 3) != 0 || posix_spawn_file_actions_addchdir_np(&files, "/") != 0 ||
        posix_spawnattr_setpgroup(&attributes, 0) != 0 || posix_spawnattr_setsigdefault(&attributes, &all) != 0 ||
        posix_spawnattr_setsigmask(&attributes, &none) != 0 ||
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) != 0)
        number = ENOMEM;
    if (number == 0)
        number = posix_spawn(ret_pid, launch->executable, &files, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    va_free(argv);
    errno = number;
    return number == 0 ? 0 : va_fail_errno(error, "cannot start %.180s", launch->executable);
}

/* Reads what is there now. Returns 1 at the end of the output, else 0 or VA_ENOMEM. */
static int drain(int fd, struct va_buffer *output)
{
    char bytes[4096];

    for (int rounds = 0; rounds < 64; rounds++) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return 1;
        if (n < 0)
            return 0;
        size_t room = output->max - output->size;
        int r = va_buffer_append(output, bytes, (size_t)n < room ? (size_t)n : room);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Collects output until the process ends. */
static int watch(int pid_fd, int out, double timeout_s, struct va_buffer *output)
{
    double deadline_ms = va_clock_ms() + timeout_s * 1000;
    struct pollfd fds[2] = {{.fd = pid_fd, .events = POLLIN}, {.fd = out, .events = POLLIN}};

    for (;;) {
        double left_ms = deadline_ms - va_clock_ms();
        if (left_ms <= 0)
            return VA_ETIMEOUT;
        if (poll(fds, 2, left_ms > 1000 ? 1000 : (int)left_ms + 1) < 0 && errno != EINTR)
            return VA_EIO;
        int r = fds[1].revents != 0 ? drain(out, output) : 0;
        if (r < 0)
            return r;
        if (r == 1)
            fds[1].fd = -1; /* it closed its output and may live on */
        if (fds[0].revents != 0) {
            r = fds[1].fd >= 0 ? drain(out, output) : 0;
            return r < 0 ? r : 0;
        }
    }
}

/* Ends what is left of the group, and takes the exit status. The process is not reaped before, so its number is still its own. */
static int finish(pid_t pid)
{
    siginfo_t info;
    int status = 0;

    kill(-pid, SIGKILL);
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void make_utf8(char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t code;
        int length = va_utf8_next(text + i, n - i, &code);
        if (length == 0 || code == 0)
            text[i] = '?';
        i += length > 0 ? (size_t)length : 1;
    }
}

int va_launch_run(const struct va_launch *launch, struct va_launch_result *ret_result, va_error *error)
{
    struct va_buffer output;
    int pipe_fds[2];
    pid_t pid = -1;

    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return va_fail_errno(error, "cannot make a pipe");
    fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
    int r = spawn(launch, pipe_fds[1], &pid, error);
    close(pipe_fds[1]);
    if (r < 0) {
        close(pipe_fds[0]);
        return r;
    }
    va_buffer_init(&output, VA_LAUNCH_MAX_OUTPUT_BYTES);
    int pid_fd = pidfd_open(pid, 0);
    r = pid_fd < 0 ? VA_EIO : watch(pid_fd, pipe_fds[0], launch->timeout_s, &output);
    int status = finish(pid);
    if (pid_fd >= 0)
        close(pid_fd);
    close(pipe_fds[0]);
    make_utf8(output.data, output.size);
    char *text = r == 0 ? va_buffer_take(&output) : NULL;
    if (r == 0 && text == NULL)
        r = VA_ENOMEM;
    va_buffer_free(&output);
    if (r == VA_ETIMEOUT)
        return va_fail(error, r, "%.150s did not end within %.10g s and was stopped", launch->executable, launch->timeout_s);
    if (r < 0)
        return va_fail(error, r, "cannot run %.150s: %s", launch->executable, va_status_text(r));
    *ret_result = (struct va_launch_result){.status = status, .output = text};
    return 0;
}
