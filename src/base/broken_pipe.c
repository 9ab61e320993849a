#include "base/broken_pipe.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

void va_broken_pipe_block(struct va_broken_pipe *ret_before)
{
    sigset_t pipe_set, pending;

    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    sigpending(&pending);
    ret_before->is_pending = sigismember(&pending, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_set, &ret_before->mask);
}

void va_broken_pipe_restore(const struct va_broken_pipe *before)
{
    const struct timespec now = {0};
    sigset_t pipe_set;
    int number = errno;

    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    if (!before->is_pending)
        while (sigtimedwait(&pipe_set, NULL, &now) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before->mask, NULL);
    errno = number;
}
