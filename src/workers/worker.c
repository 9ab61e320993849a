/* One worker's thread: takes a task, transcribes it, delivers the result. */
#include "workers/state.h"

#include <errno.h>
#include <malloc.h>

#include "base/clock.h"

/* The progress function of every transcription: cancelled from outside, or by the task's own function. */
static int must_stop(void *user, double done_s, double total_s)
{
    struct va_queued_task *queued = user;
    const va_transcribe_options *options = queued->task.options;

    return atomic_load(&queued->cancelled) ||
           (options->progress != NULL && options->progress(options->progress_user, done_s, total_s) != 0);
}

static int transcribe(struct va_worker *worker, struct va_queued_task *queued, va_transcript **ret_transcript, va_error *error)
{
    const va_task *task = &queued->task;
    va_transcribe_options options = queued->options;

    if (must_stop(queued, 0, 0))
        return va_fail(error, VA_ECANCELLED, "cancelled");
    if (worker->context == NULL) {
        int r = va_context_new(worker->workers->model, worker->workers->options.threads, &worker->context, error);
        if (r < 0)
            return r;
    }
    options.progress = must_stop;
    options.progress_user = queued;
    if (task->read != NULL)
        return va_transcribe_stream(worker->context, task->read, task->user, task->n_samples, &options, ret_transcript, error);
    return va_transcribe(worker->context, task->pcm, task->n_samples, &options, ret_transcript, error);
}

static void run(struct va_worker *worker, struct va_queued_task *queued)
{
    va_workers *workers = worker->workers;
    va_task_result *result = &queued->result;
    double start_ms = va_clock_ms();

    result->status = transcribe(worker, queued, &result->transcript, &result->error);
    result->run_ms = va_clock_ms() - start_ms;
    pthread_mutex_lock(&workers->lock);
    worker->task = NULL;
    workers->mean_run_ms += (result->run_ms - workers->mean_run_ms) / 8;
    pthread_mutex_unlock(&workers->lock);
    va_workers_end_task(workers, queued, 0);
}

/* Gives the working memory of an idle worker back to the system: most of the day nobody speaks. */
static void drop_context(struct va_worker *worker)
{
    va_context_free(worker->context);
    worker->context = NULL;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

/* With the lock held: waits for a task, with a context only for so long. */
static void wait_for_task(struct va_worker *worker)
{
    va_workers *workers = worker->workers;
    int keep_s = workers->options.keep_context_s;
    struct timespec deadline = va_workers_deadline((int64_t)keep_s * 1000);

    while (workers->waiting[VA_PRIORITY_LIVE].n == 0 && workers->waiting[VA_PRIORITY_UPLOAD].n == 0 && !workers->stopping) {
        if (worker->context == NULL || keep_s < 0) {
            pthread_cond_wait(&workers->task_ready, &workers->lock);
        } else if (pthread_cond_timedwait(&workers->task_ready, &workers->lock, &deadline) == ETIMEDOUT) {
            pthread_mutex_unlock(&workers->lock);
            drop_context(worker);
            pthread_mutex_lock(&workers->lock);
        }
    }
}

void *va_worker_main(void *arg)
{
    struct va_worker *worker = arg;
    va_workers *workers = worker->workers;

    for (;;) {
        pthread_mutex_lock(&workers->lock);
        wait_for_task(worker);
        struct va_queued_task *queued = va_task_list_take(&workers->waiting[VA_PRIORITY_LIVE]);
        if (queued == NULL)
            queued = va_task_list_take(&workers->waiting[VA_PRIORITY_UPLOAD]);
        if (queued != NULL) {
            workers->places[queued->task.priority]--;
            workers->running++;
            worker->task = queued;
        }
        pthread_mutex_unlock(&workers->lock);
        if (queued == NULL)
            return NULL;
        run(worker, queued);
    }
}
