/* state.h - the inside of the worker pool; its functions are in the public header.
 *
 * One lock for everything, held only for what is quick: never while a task's functions or the engine run. */
#ifndef VA_WORKERS_STATE_H
#define VA_WORKERS_STATE_H

#include <pthread.h>
#include <time.h>

#include "workers/queue.h"

#define VA_MAX_WORKERS 16

struct va_worker {
    va_workers *workers;
    va_context *context;         /* NULL after a long idle time; the thread's own */
    struct va_queued_task *task; /* that can still be cancelled */
    pthread_t thread;
    int has_thread; /* under join_lock, once started */
};

struct va_workers {
    const va_model *model;
    va_workers_options options; /* threads is known */

    pthread_mutex_t lock;
    pthread_cond_t task_ready; /* or stopping */
    pthread_cond_t task_ended;
    struct va_task_list waiting[2]; /* by enum va_priority */
    size_t places[2];               /* taken by those that wait, or have ended without `done` and are not fetched */
    struct va_task_list finished;   /* tasks without `done` */
    size_t running;                 /* taken by a worker and not ended */
    size_t ending;                  /* cancelled while waiting and not ended */
    double mean_run_ms;
    int stopping;
    struct va_worker worker[VA_MAX_WORKERS];
    int n_workers;

    pthread_mutex_t join_lock; /* the second who shuts down waits for the first; never taken with lock held */
};

/* Delivers queued->result and frees what is not needed for it. The task is in no list, and is counted in running or (waited) in ending.
 * Without the lock. */
void va_workers_end_task(va_workers *workers, struct va_queued_task *queued, int waited);

/* In so many milliseconds, for the two conditions. */
struct timespec va_workers_deadline(int64_t ms);

/* worker.c: the thread; arg is its struct va_worker. */
void *va_worker_main(void *arg);

#endif
