/* launch.h - starts another program and waits for it: the only place that does.
 *
 * The program gets an argument vector (never a shell), a minimal environment, no open files but an empty stdin and a pipe, its own
 * process group, and a deadline. Whatever it started in its group ends with it. Behind this function the work can move to a
 * launcher process of its own without any change for its callers. Any thread. */
#ifndef VA_ACTION_LAUNCH_H
#define VA_ACTION_LAUNCH_H

#include "base/error.h"

#define VA_LAUNCH_MAX_OUTPUT_BYTES 65536

struct va_launch {
    const char *executable;       /* absolute path */
    const char *const *arguments; /* [n_arguments] without the program's own name */
    size_t n_arguments;
    double timeout_s;
};

struct va_launch_result {
    int status;   /* exit status; 128 + the signal that ended it */
    char *output; /* stdout and stderr, UTF-8 (other bytes are '?'), at most VA_LAUNCH_MAX_OUTPUT_BYTES: the rest is dropped. va_free */
};

/* Where an executable is: itself when absolute, else the first found in a fixed list of folders. VA_ENOTFOUND when it is not there or
 * not executable, VA_EINVAL for a relative path. */
VA_MUST_CHECK int va_launch_find(const char *name, char ret_path[512], va_error *error);

/* VA_ETIMEOUT: it was ended at the deadline. VA_EFAILED or others: it could not be started. */
VA_MUST_CHECK int va_launch_run(const struct va_launch *launch, struct va_launch_result *ret_result, va_error *error);

#endif
