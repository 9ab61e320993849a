/* broken_pipe.h - writing to a reader that may have gone, without the signal that would end the program: EPIPE says it, too.
 *
 *     struct va_broken_pipe before;
 *     va_broken_pipe_block(&before);
 *     ... write ...
 *     va_broken_pipe_restore(&before);
 *
 * Of the calling thread alone. */
#ifndef VA_BASE_BROKEN_PIPE_H
#define VA_BASE_BROKEN_PIPE_H

#include <signal.h>

struct va_broken_pipe {
    sigset_t mask;
    int is_pending; /* it was before: then it is somebody else's */
};

void va_broken_pipe_block(struct va_broken_pipe *ret_before);
void va_broken_pipe_restore(const struct va_broken_pipe *before); /* errno stays */

#endif
