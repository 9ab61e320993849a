/* state.h - the inside of the worker pool; its functions are in the public header.
 *
 * One lock for everything, held only for what is quick: never while a task's functions or the engine run. */
#ifndef VA_WORKERS_STATE_H
#define VA_WORKERS_STATE_H

#include <pthread.h>
#include <time.h>

#include "workers/queue.h"

#define VA_MAX_WORKERS 16
#define VA_N_PRIORITIES (VA_PRIORITY_UPLOAD + 1)

struct va_worker {
    va_workers *workers;
    va_context *context;           /* NULL after a long idle time; the thread's own */
    struct va_queued_task *task;   /* that can still be cancelled */
    struct va_queued_task *urgent; /* the same: one for which the task is interrupted, in a context of its own */
    double urgent_ms;              /* what such ones have taken from the task; the thread's own */
    double resumed_ms, due_ms;     /* when the task went on, and how long it goes on before another short upload; the thread's own */
    uint64_t forgets;              /* those it has followed */
    pthread_t thread;
    int has_thread; /* under join_lock, once started */
};

struct va_lane {
    va_workers *workers;
    struct va_queued_task *task; /* that it has, under the lock */
    va_lane *next;
};

struct va_workers {
    const va_model *model;
    va_workers_options options; /* threads is known */

    pthread_mutex_t lock;
    pthread_cond_t task_ready; /* or stopping */
    pthread_cond_t task_ended; /* or a worker has forgotten */
    struct va_task_list waiting[VA_N_PRIORITIES];
    size_t places[VA_N_PRIORITIES]; /* taken by those that wait, or have ended without `done` and are not fetched */
    struct va_task_list finished;   /* tasks without `done` */
    size_t running;                 /* taken by a worker or a lane and not ended */
    size_t interrupted;             /* of these */
    size_t lanes_running;           /* and of these, by lanes */
    size_t lanes_idle;              /* lanes that wait for a task */
    va_lane *lanes;
    size_t ending; /* cancelled while waiting and not ended */
    double mean_run_ms;
    int starting; /* workers that have not begun to wait for tasks */
    int start_status;
    va_error start_error;
    uint64_t forgets; /* how often va_workers_forget was called */
    int stopping;
    struct va_worker worker[VA_MAX_WORKERS];
    int n_workers;

    pthread_mutex_t join_lock; /* the second who shuts down waits for the first; never taken with lock held */
};

/* Delivers queued->result and frees what is not needed for it. The task is in no list, and is counted in running or (waited) in ending.
 * Without the lock. */
void va_workers_end_task(va_workers *workers, struct va_queued_task *queued, int waited);

/* With the lock held: tasks of these and more urgent priorities that wait. */
size_t va_workers_count_waiting(const va_workers *workers, int priority);

/* With the lock held: takes the most urgent task, the first where there are several. NULL: there is none. */
struct va_queued_task *va_workers_take(va_workers *workers);
/* Instead: one that interrupts `task`. may_be_upload: a short one is enough for a long one. */
struct va_queued_task *va_workers_take_urgent(va_workers *workers, const struct va_queued_task *task, int may_be_upload);

/* lane.c, with the lock held: how many uploads are left to lanes. */
size_t va_lanes_left(const va_workers *workers);

/* worker.c: the thread; arg is its struct va_worker. */
void *va_worker_main(void *arg);

#endif
