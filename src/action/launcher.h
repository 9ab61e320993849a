/* launcher.h - the second process: it starts programs for the daemon, which itself never starts any.
 *
 * Forked before the daemon has threads, devices or filters, it holds nothing of it but one end of a socket pair. It gains no
 * privileges, and gives up those of root. It starts only the executables it was given when it was forked; whoever can make the daemon
 * ask for something else gets VA_EDENIED. Every launch has a process of its own there, which ends all that the program left behind,
 * whatever group or session that made for itself. A launcher that dies is started again by its parent, and a caller that waits for it
 * gets an error; nothing waits for longer than the launch's time limit and VA_LAUNCHER_GRACE_S. Any thread. */
#ifndef VA_ACTION_LAUNCHER_H
#define VA_ACTION_LAUNCHER_H

#include "action/launch.h"
#include "confine/confine.h"

typedef struct va_launcher va_launcher;

#define VA_LAUNCHER_MAX_EXECUTABLES 1024
#define VA_LAUNCHER_MAX_RUNNING 32
#define VA_LAUNCHER_GRACE_S 5

/* Forks. allowed [n]: absolute paths, as va_launch_find gives them; copied. plan: what it is confined to (va_confine_programs); NULL: it
 * only has no privileges. The caller has no other thread. */
VA_MUST_CHECK int va_launcher_start(const char *const *allowed, size_t n, const struct va_confine_plan *plan, va_launcher **ret_launcher,
                                    va_error *error);

/* Ends the process with all that it runs. */
void va_launcher_free(va_launcher *launcher);

int va_launcher_allows(const va_launcher *launcher, const char *path);

/* As va_launch_run. VA_EDENIED: not among the executables; VA_EBUSY: VA_LAUNCHER_MAX_RUNNING are running; VA_EFAILED: it died. */
VA_MUST_CHECK int va_launcher_run(va_launcher *launcher, const struct va_launch *launch, int cancel_fd, struct va_launch_result *ret_result,
                                  va_error *error);

/* launcher_process.c: the other side. Serves the socket until its peer closes; returns its exit code. */
int va_launcher_process(const va_launcher *launcher, const struct va_confine_plan *plan, int socket);

struct va_launcher {
    int socket;     /* ours of the pair */
    int process_fd; /* pidfd of the parent of the launcher */
    pid_t process;  /* its number */
    char **allowed; /* [n_allowed] */
    size_t n_allowed;
};

#endif
