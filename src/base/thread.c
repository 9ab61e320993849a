#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#define NS_PER_S 1000000000u

int va_thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(ret_thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r == 0 ? 0 : VA_ENOMEM;
}

int va_thread_wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, uint64_t until_ns)
{
    const struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S), .tv_nsec = (long)(until_ns % NS_PER_S)};

    return pthread_cond_clockwait(changed, lock, CLOCK_MONOTONIC, &until) == ETIMEDOUT ? VA_ETIMEOUT : 0;
}
