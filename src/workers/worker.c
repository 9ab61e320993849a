/* One worker's thread: takes a task, transcribes it, delivers the result. */
#include "workers/state.h"

#include <sys/resource.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

struct run {
    struct va_worker *worker;
    struct va_queued_task *queued;
    int is_urgent; /* interrupts worker->task */
};

static void interrupt(struct va_worker *worker);

/* The progress function of every transcription: cancelled from outside, or by the task's own function. Between two steps of a task there is
 * also room for what is more urgent. */
static int must_stop(void *user, double done_s, double total_s)
{
    struct run *run = user;
    const va_transcribe_options *options = run->queued->task.options;

    if (!run->is_urgent)
        interrupt(run->worker);
    return atomic_load(&run->queued->cancelled) ||
           (options->progress != NULL && options->progress(options->progress_user, done_s, total_s) != 0);
}

/* In a context that is made where there is none. */
static int transcribe(struct run *run, va_context **context, va_transcript **ret_transcript, va_error *error)
{
    const va_task *task = &run->queued->task;
    const va_workers *workers = run->worker->workers;
    va_transcribe_options options = run->queued->options;

    if (must_stop(run, 0, 0))
        return va_fail(error, VA_ECANCELLED, "cancelled");
    if (*context == NULL) {
        int r = va_context_new(workers->model, workers->options.threads, context, error);
        if (r < 0)
            return r;
    }
    options.progress = must_stop;
    options.progress_user = run;
    if (run->queued->source.read != NULL)
        return va_transcribe_stream(*context, run->queued->source.read, run->queued->source.user, task->n_samples, &options, ret_transcript,
                                    error);
    if (task->read != NULL)
        return va_transcribe_stream(*context, task->read, task->user, task->n_samples, &options, ret_transcript, error);
    return va_transcribe(*context, task->pcm, task->n_samples, &options, ret_transcript, error);
}

/* With the lock held. */
static void count_run(va_workers *workers, const va_task_result *result)
{
    if (result->status == 0)
        workers->mean_run_ms += (result->run_ms - workers->mean_run_ms) / 8;
}

static void run_task(struct va_worker *worker, struct va_queued_task *queued)
{
    va_workers *workers = worker->workers;
    va_task_result *result = &queued->result;
    struct run run = {.worker = worker, .queued = queued};
    double start_ms = va_clock_ms();

    worker->urgent_ms = worker->due_ms = 0;
    worker->resumed_ms = start_ms;
    result->status = transcribe(&run, &worker->context, &result->transcript, &result->error);
    result->run_ms = va_clock_ms() - start_ms - worker->urgent_ms;
    pthread_mutex_lock(&workers->lock);
    worker->task = NULL;
    count_run(workers, result);
    pthread_mutex_unlock(&workers->lock);
    va_workers_end_task(workers, queued, 0);
}

/* Runs what may not wait for the worker's task, if there is something. */
static void interrupt(struct va_worker *worker)
{
    va_workers *workers = worker->workers;
    double start_ms = va_clock_ms();
    va_context *context = NULL;

    pthread_mutex_lock(&workers->lock);
    struct va_queued_task *queued = va_workers_take_urgent(workers, worker->task, start_ms - worker->resumed_ms >= worker->due_ms);
    worker->urgent = queued;
    pthread_mutex_unlock(&workers->lock);
    if (queued == NULL)
        return;
    struct run run = {.worker = worker, .queued = queued, .is_urgent = 1};
    va_task_result *result = &queued->result;
    result->status = transcribe(&run, &context, &result->transcript, &result->error);
    va_context_free(context);
    worker->resumed_ms = va_clock_ms();
    result->run_ms = worker->due_ms = worker->resumed_ms - start_ms;
    worker->urgent_ms += result->run_ms;
    pthread_mutex_lock(&workers->lock);
    worker->urgent = NULL;
    workers->interrupted--;
    count_run(workers, result);
    pthread_mutex_unlock(&workers->lock);
    va_workers_end_task(workers, queued, 0);
}

/* Gives the working memory of an idle worker back to the system: most of the day nobody speaks. */
static void drop_context(struct va_worker *worker)
{
    va_context_free(worker->context);
    worker->context = NULL;
    va_memory_trim();
}

/* With the lock held. */
static void forget(struct va_worker *worker)
{
    va_workers *workers = worker->workers;
    uint64_t forgets = workers->forgets;

    pthread_mutex_unlock(&workers->lock);
    drop_context(worker);
    pthread_mutex_lock(&workers->lock);
    worker->forgets = forgets;
    pthread_cond_broadcast(&workers->task_ended);
}

/* With the lock held: there is something for a worker, or there will never be again. A lane may give back what it has. */
static int is_due(const va_workers *workers)
{
    return va_workers_count_waiting(workers, VA_PRIORITY_UPLOAD - 1) > 0 ||
           va_task_list_has_ours(&workers->waiting[VA_PRIORITY_UPLOAD], va_lanes_left(workers)) ||
           (workers->stopping && workers->lanes_running == 0);
}

/* With the lock held: waits for a task, with a context only for so long. */
static void wait_for_task(struct va_worker *worker)
{
    va_workers *workers = worker->workers;
    int keep_s = workers->options.keep_context_s;
    uint64_t deadline_ns = va_clock_after(keep_s);

    while (worker->forgets != workers->forgets)
        forget(worker);
    while (!is_due(workers)) {
        if (worker->forgets != workers->forgets) {
            forget(worker);
        } else if (worker->context == NULL || keep_s < 0) {
            pthread_cond_wait(&workers->task_ready, &workers->lock);
        } else if (va_thread_wait_until(&workers->task_ready, &workers->lock, deadline_ns) < 0) {
            pthread_mutex_unlock(&workers->lock);
            drop_context(worker);
            pthread_mutex_lock(&workers->lock);
        }
    }
}

static void begin(struct va_worker *worker)
{
    va_workers *workers = worker->workers;
    va_error error;

    /* Of this thread only; one that may not be less important works as it is. */
    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + workers->options.nice);
    int r = va_context_new(workers->model, workers->options.threads, &worker->context, &error);
    pthread_mutex_lock(&workers->lock);
    if (r < 0 && workers->start_status == 0) {
        workers->start_status = r;
        workers->start_error = error;
    }
    workers->starting--;
    pthread_cond_broadcast(&workers->task_ended);
    pthread_mutex_unlock(&workers->lock);
}

void *va_worker_main(void *arg)
{
    struct va_worker *worker = arg;
    va_workers *workers = worker->workers;

    begin(worker);
    for (;;) {
        pthread_mutex_lock(&workers->lock);
        wait_for_task(worker);
        struct va_queued_task *queued = va_workers_take(workers);
        worker->task = queued;
        pthread_mutex_unlock(&workers->lock);
        if (queued == NULL)
            return NULL;
        run_task(worker, queued);
    }
}
