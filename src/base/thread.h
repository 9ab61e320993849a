/* thread.h - threads that take no signals, which are for the main thread, and waiting for one another with an end. */
#ifndef VA_BASE_THREAD_H
#define VA_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

#include "base/error.h"

/* run(arg) in a new thread, which is to be joined. VA_ENOMEM: there is none. */
VA_MUST_CHECK int va_thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg);

/* With lock held: waits for changed, at most until va_clock_ns is until_ns, however somebody sets the wall clock. VA_ETIMEOUT. 0 may come
 * for no reason, so the caller looks again. */
int va_thread_wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, uint64_t until_ns);

#endif
