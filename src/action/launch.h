/* launch.h - starts another program and waits for it.
 *
 * The program is started as base/child.h says, with a deadline. The launcher process (launcher.h) calls this function
 * for the daemon; what needs no daemon calls it in its own process. Any thread. */
#ifndef VA_ACTION_LAUNCH_H
#define VA_ACTION_LAUNCH_H

#include "base/child.h"

#define VA_LAUNCH_MAX_OUTPUT_BYTES 65536
#define VA_LAUNCH_MAX_ARGUMENTS 64
#define VA_LAUNCH_PATH_BYTES VA_CHILD_PATH_BYTES

/* Descriptors of the caller. */
struct va_launch_files {
    int input;        /* its stdin */
    int output;       /* takes its stdout; its stderr goes nowhere */
    size_t max_bytes; /* of output, above 0: more is VA_ELIMIT */
};

struct va_launch {
    const char *executable;       /* absolute path */
    const char *const *arguments; /* [n_arguments] without the program's own name */
    size_t n_arguments;
    double timeout_s;
    const struct va_launch_files *files; /* NULL: an empty stdin, and what it prints is text */
};

struct va_launch_result {
    int status;   /* exit status; 128 + the signal that ended it */
    char *output; /* stdout and stderr, UTF-8 (other bytes are '?'), at most VA_LAUNCH_MAX_OUTPUT_BYTES: the rest is dropped; with files
                   * "". va_free */
};

/* Where an executable is: itself when absolute, else the first found in a fixed list of folders. VA_ENOTFOUND when it is not there or
 * not executable, VA_EINVAL for a relative path. */
VA_MUST_CHECK int va_launch_find(const char *name, char ret_path[VA_LAUNCH_PATH_BYTES], va_error *error);

/* cancel_fd: the program is ended (VA_ECANCELLED) when this can be read or its peer closes; -1: none.
 * VA_ETIMEOUT: it was ended at the deadline. VA_EFAILED or others: it could not be started. */
VA_MUST_CHECK int va_launch_run(const struct va_launch *launch, int cancel_fd, struct va_launch_result *ret_result, va_error *error);

#endif
