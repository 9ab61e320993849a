/* pool.h - a fixed set of threads that share the tasks of one computation.
 *
 *     va_pool_run(pool, 24, task, &work);   // task(&work, 0..23, thread)
 *
 * The caller's thread takes part, and does all tasks itself when no helper comes. Between runs the helpers spin for some microseconds
 * (layers follow each other at once) and then sleep; when other programs take their core, the caller does without them for some
 * milliseconds. Which thread runs a task is not defined, so tasks must not depend on it, except to choose their scratch memory.
 * One run at a time: a pool belongs to one context. */
#ifndef VA_BASE_POOL_H
#define VA_BASE_POOL_H

#include "base/error.h"

typedef struct va_pool va_pool;
typedef void (*va_task_fn)(void *arg, int task, int thread); /* thread: 0 .. threads - 1 */

#define VA_POOL_MAX_THREADS 64

VA_MUST_CHECK int va_pool_new(int threads, va_pool **ret_pool, va_error *error);
void va_pool_free(va_pool *pool);
int va_pool_threads(const va_pool *pool);
void va_pool_run(va_pool *pool, int n_tasks, va_task_fn task, void *arg);

/* Threads of each of so many pools that share the cores of this machine: 1..VA_POOL_MAX_THREADS. */
int va_pool_share(int n_pools);

#endif
