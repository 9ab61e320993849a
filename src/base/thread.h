/* thread.h - a thread that takes no signals: those are for the main thread. */
#ifndef VA_BASE_THREAD_H
#define VA_BASE_THREAD_H

#include <pthread.h>

#include "base/error.h"

/* run(arg) in a new thread, which is to be joined. VA_ENOMEM: there is none. */
VA_MUST_CHECK int va_thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg);

#endif
