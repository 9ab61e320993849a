/* child.h - starts another program: the only place that does.
 *
 * The program gets an argument vector (never a shell), a minimal environment, no open files but its three, its own process group and the
 * folder /. Whatever it started in its group ends with it. Any thread. */
#ifndef VA_BASE_CHILD_H
#define VA_BASE_CHILD_H

#include <sys/types.h>

#include "base/error.h"

#define VA_CHILD_PATH_BYTES 512

struct va_child_options {
    const char *executable;       /* absolute path */
    const char *const *arguments; /* [n_arguments] without the program's own name */
    size_t n_arguments;
    int input;            /* becomes its stdin and stays the caller's; -1: an empty one */
    int joins_its_errors; /* 1: stderr goes where stdout goes, 0: nowhere */
};

struct va_child {
    pid_t pid;
    int fd;     /* readable when it has ended */
    int output; /* what it prints; does not block */
};

/* Where an executable is: itself when absolute, else the first found in a fixed list of folders. VA_ENOTFOUND when it is not there or
 * not executable, VA_EINVAL for a relative path. */
VA_MUST_CHECK int va_child_find(const char *name, char ret_path[VA_CHILD_PATH_BYTES], va_error *error);

VA_MUST_CHECK int va_child_start(const struct va_child_options *options, struct va_child *ret_child, va_error *error);

/* Moves what it prints into the file `to` until it ends, or has closed its output and ends. VA_ETIMEOUT; VA_ELIMIT: more than max_bytes;
 * VA_ECANCELLED: cancel_fd can be read or its peer has closed (-1: never); VA_EIO. va_child_finish follows in any case. */
VA_MUST_CHECK int va_child_copy(const struct va_child *child, int to, size_t max_bytes, double timeout_s, int cancel_fd);

/* Ends what is left of its group, closes the descriptors and returns the exit status; 128 + the signal that ended it. */
int va_child_finish(struct va_child *child);

#endif
