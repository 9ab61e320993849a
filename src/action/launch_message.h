/* launch_message.h - what the daemon and its launcher say to each other: one packet a message, bounded, and checked by whoever reads it.
 *
 * Both are the same program on the same machine, so numbers are in its own byte order. Nothing here keeps anything. */
#ifndef VA_ACTION_LAUNCH_MESSAGE_H
#define VA_ACTION_LAUNCH_MESSAGE_H

#include "action/launch.h"
#include "base/buffer.h"

/* A packet of a socket may have more only when the system's limits are raised. */
#define VA_LAUNCH_MESSAGE_BYTES (128 * 1024)
#define VA_LAUNCH_MAX_TIMEOUT_S 600

/* With each request come descriptors: the socket for the answer, and the files, if any. */
#define VA_LAUNCH_MAX_DESCRIPTORS 3

/* A launch as read: its texts point into the message; its files have no descriptors yet. */
struct va_launch_request {
    struct va_launch launch;
    struct va_launch_files files;
    const char *arguments[VA_LAUNCH_MAX_ARGUMENTS];
};

struct va_launch_answer {
    int code;         /* 0, or why it was not run to its end */
    int status;       /* as in struct va_launch_result */
    const char *text; /* the output, or what went wrong */
};

/* VA_ELIMIT: it does not fit into a message. */
VA_MUST_CHECK int va_launch_write_request(const struct va_launch *launch, struct va_buffer *out);
VA_MUST_CHECK int va_launch_write_answer(const struct va_launch_answer *answer, struct va_buffer *out);

/* VA_EFORMAT: bytes [n] are not such a message. The request's launch points into the request itself. */
VA_MUST_CHECK int va_launch_read_request(const char *bytes, size_t n, struct va_launch_request *ret_request);
VA_MUST_CHECK int va_launch_read_answer(const char *bytes, size_t n, struct va_launch_answer *ret_answer);

#endif
