/* The worker pool of the public header. */
#include "workers/state.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/thread.h"

#define MAX_WAITING 65536
#define MAX_KEEP_CONTEXT_S (365 * 86400)

/* ---- making ---- */

void va_workers_options_init(va_workers_options *options)
{
    *options =
        (va_workers_options){.workers = 2, .max_waiting = 16, .max_waiting_live = 8, .max_waiting_commands = 16, .keep_context_s = 15};
}

static int check_options(const va_workers_options *options, va_error *error)
{
    if (options->workers < 1 || options->workers > VA_MAX_WORKERS)
        return va_fail(error, VA_EINVAL, "workers must be 1 to %d, not %d", VA_MAX_WORKERS, options->workers);
    if (options->threads < 0 || options->threads > VA_POOL_MAX_THREADS)
        return va_fail(error, VA_EINVAL, "threads must be 0 to %d, not %d", VA_POOL_MAX_THREADS, options->threads);
    if (options->max_waiting > MAX_WAITING || options->max_waiting_live > MAX_WAITING || options->max_waiting_commands > MAX_WAITING)
        return va_fail(error, VA_EINVAL, "at most %d tasks can wait", MAX_WAITING);
    if (options->keep_context_s < -1 || options->keep_context_s > MAX_KEEP_CONTEXT_S)
        return va_fail(error, VA_EINVAL, "a context can be kept for 0 to %d s or always (-1), not %d", MAX_KEEP_CONTEXT_S,
                       options->keep_context_s);
    if (options->nice < 0 || options->nice > 19)
        return va_fail(error, VA_EINVAL, "nice must be 0 to 19, not %d", options->nice);
    return 0;
}

static void init_locks(va_workers *workers)
{
    pthread_mutex_init(&workers->lock, NULL);
    pthread_mutex_init(&workers->join_lock, NULL);
    pthread_cond_init(&workers->task_ready, NULL);
    pthread_cond_init(&workers->task_ended, NULL);
}

/* Each makes its context itself: the threads that help it then have its place among the system's threads. */
static int start(va_workers *workers, va_error *error)
{
    int r = 0;

    workers->starting = workers->n_workers = workers->options.workers;
    for (int i = 0; r == 0 && i < workers->n_workers; i++) {
        struct va_worker *worker = &workers->worker[i];
        worker->workers = workers;
        if (va_thread_start(&worker->thread, va_worker_main, worker) < 0)
            r = va_fail(error, VA_ENOMEM, "cannot start worker %d", i + 1);
        else
            worker->has_thread = 1;
    }
    pthread_mutex_lock(&workers->lock);
    while (r == 0 && workers->starting > 0)
        pthread_cond_wait(&workers->task_ended, &workers->lock);
    if (r == 0 && workers->start_status < 0) {
        r = workers->start_status;
        if (error != NULL)
            *error = workers->start_error;
    }
    pthread_mutex_unlock(&workers->lock);
    return r;
}

int va_workers_new(const va_model *model, const va_workers_options *options, va_workers **ret_workers, va_error *error)
{
    va_workers_options defaults;
    va_workers_options_init(&defaults);
    int r = check_options(options != NULL ? options : &defaults, error);
    if (r < 0)
        return r;
    va_workers *workers = va_calloc(1, sizeof *workers);
    if (workers == NULL)
        return va_fail_memory(error);
    workers->model = model;
    workers->options = options != NULL ? *options : defaults;
    if (workers->options.threads == 0)
        workers->options.threads = va_pool_share(workers->options.workers);
    init_locks(workers);
    for (int priority = 0; priority < VA_N_PRIORITIES; priority++)
        va_task_list_init(&workers->waiting[priority]);
    va_task_list_init(&workers->finished);
    r = start(workers, error);
    if (r < 0) {
        va_workers_free(workers);
        return r;
    }
    *ret_workers = workers;
    return 0;
}

/* ---- the way of a task ---- */

size_t va_workers_count_waiting(const va_workers *workers, int priority)
{
    size_t n = 0;

    for (int i = 0; i <= priority; i++)
        n += workers->waiting[i].n;
    return n;
}

static size_t count_idle(const va_workers *workers)
{
    return (size_t)workers->n_workers + workers->interrupted + workers->lanes_running - workers->running;
}

/* With the lock held. Idle workers take urgent tasks first, and what they take at once does not count as waiting. */
static size_t max_places(const va_workers *workers, int priority)
{
    const size_t max[VA_N_PRIORITIES] = {workers->options.max_waiting_live, workers->options.max_waiting_commands,
                                         workers->options.max_waiting};
    size_t idle = count_idle(workers), before = va_workers_count_waiting(workers, priority - 1);

    if (priority == VA_PRIORITY_UPLOAD)
        idle += workers->lanes_idle;
    return max[priority] + (idle > before ? idle - before : 0);
}

static struct va_queued_task *taken(va_workers *workers, struct va_queued_task *queued)
{
    workers->places[queued->task.priority]--;
    workers->running++;
    return queued;
}

struct va_queued_task *va_workers_take(va_workers *workers)
{
    struct va_queued_task *queued = NULL;

    for (int priority = 0; queued == NULL && priority < VA_PRIORITY_UPLOAD; priority++)
        queued = va_task_list_take(&workers->waiting[priority]);
    if (queued == NULL)
        queued = va_task_list_take_ours(&workers->waiting[VA_PRIORITY_UPLOAD], va_lanes_left(workers));
    return queued != NULL ? taken(workers, queued) : NULL;
}

struct va_queued_task *va_workers_take_urgent(va_workers *workers, const struct va_queued_task *task, int may_be_upload)
{
    struct va_queued_task *queued = NULL;

    if (count_idle(workers) > 0)
        return NULL;
    for (int priority = 0; queued == NULL && priority < task->task.priority; priority++)
        queued = va_task_list_take(&workers->waiting[priority]);
    if (queued == NULL && may_be_upload && workers->lanes_idle == 0 && task->task.priority == VA_PRIORITY_UPLOAD &&
        !va_queued_task_is_short(task))
        queued = va_task_list_take_short(&workers->waiting[VA_PRIORITY_UPLOAD]);
    if (queued == NULL)
        return NULL;
    workers->interrupted++;
    return taken(workers, queued);
}

int va_workers_submit(va_workers *workers, const va_task *task, va_error *error)
{
    struct va_queued_task *queued;
    int r = va_queued_task_new(task, &queued, error);
    if (r < 0)
        return r;

    pthread_mutex_lock(&workers->lock);
    size_t *places = &workers->places[task->priority];
    if (workers->stopping) {
        r = va_fail(error, VA_ESTATE, "the workers have been shut down");
    } else if (*places >= max_places(workers, task->priority)) {
        r = va_fail(error, VA_EBUSY, "%zu transcriptions are waiting already", *places);
    } else {
        ++*places;
        va_task_list_append(&workers->waiting[task->priority], queued);
        pthread_cond_broadcast(&workers->task_ready); /* a worker or a lane */
    }
    pthread_mutex_unlock(&workers->lock);
    if (r < 0)
        va_queued_task_free(queued);
    return r;
}

void va_workers_end_task(va_workers *workers, struct va_queued_task *queued, int waited)
{
    const va_task *task = &queued->task;
    va_task_result *result = &queued->result;
    int is_fetched = task->done == NULL;

    if (result->status < 0 && result->error.text[0] == '\0')
        (void)va_fail(&result->error, result->status, "%s", va_status_text(result->status));
    if (!is_fetched)
        task->done(task->user, result);
    va_queued_task_release(queued);
    pthread_mutex_lock(&workers->lock);
    if (waited) {
        workers->ending--;
        workers->places[task->priority] -= !is_fetched;
    } else {
        workers->running--;
        workers->places[task->priority] += is_fetched;
    }
    if (is_fetched)
        va_task_list_append(&workers->finished, queued);
    pthread_cond_broadcast(&workers->task_ended);
    pthread_mutex_unlock(&workers->lock);
    if (!is_fetched)
        va_queued_task_free(queued);
}

/* With the lock held: nothing is left that could still end. */
static int has_ended(const va_workers *workers)
{
    return workers->stopping && workers->running == 0 && workers->ending == 0 && va_workers_count_waiting(workers, VA_PRIORITY_UPLOAD) == 0;
}

int va_workers_get_result(va_workers *workers, int timeout_ms, va_task_result *ret_result)
{
    uint64_t deadline_ns = va_clock_after((double)timeout_ms / 1000);
    struct va_queued_task *queued;
    int r = 0;

    pthread_mutex_lock(&workers->lock);
    while ((queued = va_task_list_take(&workers->finished)) == NULL && r == 0) {
        if (has_ended(workers))
            r = VA_ESTATE;
        else if (timeout_ms < 0)
            pthread_cond_wait(&workers->task_ended, &workers->lock);
        else if (va_thread_wait_until(&workers->task_ended, &workers->lock, deadline_ns) < 0)
            r = VA_ETIMEOUT;
    }
    if (queued != NULL)
        workers->places[queued->task.priority]--;
    pthread_mutex_unlock(&workers->lock);
    if (queued == NULL)
        return r;
    *ret_result = queued->result;
    va_queued_task_free(queued);
    return 0;
}

/* ---- cancelling and shutting down ---- */

/* With the lock held: marks the tasks at work and moves those that wait to `taken`. id NULL: all of them. Returns how many it found. */
static size_t cancel_tasks(va_workers *workers, const uint64_t *id, struct va_task_list *taken)
{
    size_t found = 0;

    for (int priority = 0; priority < VA_N_PRIORITIES; priority++) {
        struct va_task_list *list = &workers->waiting[priority];
        for (size_t n = list->n; n > 0; n--) {
            struct va_queued_task *queued = va_task_list_take(list);
            va_task_list_append(id == NULL || queued->task.id == *id ? taken : list, queued);
        }
    }
    workers->ending += taken->n;
    for (int i = 0; i < 2 * workers->n_workers; i++) {
        const struct va_worker *worker = &workers->worker[i / 2];
        struct va_queued_task *queued = i % 2 == 0 ? worker->task : worker->urgent;
        if (queued != NULL && (id == NULL || queued->task.id == *id)) {
            atomic_store(&queued->cancelled, 1);
            found++;
        }
    }
    for (va_lane *lane = workers->lanes; lane != NULL; lane = lane->next) {
        if (lane->task != NULL && (id == NULL || lane->task->task.id == *id)) {
            atomic_store(&lane->task->cancelled, 1);
            found++;
        }
    }
    return found + taken->n;
}

/* Without the lock. */
static void end_taken(va_workers *workers, struct va_task_list *taken)
{
    struct va_queued_task *queued;

    while ((queued = va_task_list_take(taken)) != NULL) {
        queued->result.status = va_fail(&queued->result.error, VA_ECANCELLED, "cancelled");
        va_workers_end_task(workers, queued, 1);
    }
}

int va_workers_cancel(va_workers *workers, uint64_t id)
{
    struct va_task_list taken;

    va_task_list_init(&taken);
    pthread_mutex_lock(&workers->lock);
    size_t found = cancel_tasks(workers, &id, &taken);
    pthread_mutex_unlock(&workers->lock);
    end_taken(workers, &taken);
    return found > 0 ? 0 : VA_ENOTFOUND;
}

/* With the lock held: a worker that should have forgotten by now, and will. The caller's own cannot. */
static int has_to_forget(const va_workers *workers)
{
    for (int i = 0; i < workers->n_workers; i++) {
        const struct va_worker *worker = &workers->worker[i];
        int is_at_work = worker->task != NULL && !atomic_load(&worker->task->cancelled);
        int ends = worker->urgent != NULL && atomic_load(&worker->urgent->cancelled); /* and its context with it */
        if ((ends || (worker->forgets < workers->forgets && !is_at_work)) && !pthread_equal(worker->thread, pthread_self()))
            return 1;
    }
    return 0;
}

int va_workers_forget(va_workers *workers, int timeout_ms)
{
    uint64_t deadline_ns = va_clock_after((double)timeout_ms / 1000);
    int r = 0;

    pthread_mutex_lock(&workers->lock);
    workers->forgets++;
    pthread_cond_broadcast(&workers->task_ready);
    while (r == 0 && !workers->stopping && has_to_forget(workers))
        if (va_thread_wait_until(&workers->task_ended, &workers->lock, deadline_ns) < 0)
            r = VA_ETIMEOUT;
    pthread_mutex_unlock(&workers->lock);
    return r;
}

void va_workers_get_status(va_workers *workers, va_workers_status *ret_status)
{
    pthread_mutex_lock(&workers->lock);
    *ret_status = (va_workers_status){
        .workers = (size_t)workers->n_workers,
        .max_waiting = workers->options.max_waiting,
        .running = workers->running,
        .waiting = va_workers_count_waiting(workers, VA_PRIORITY_UPLOAD),
        .finished = workers->finished.n,
        .mean_run_ms = workers->mean_run_ms,
    };
    pthread_mutex_unlock(&workers->lock);
}

void va_workers_shutdown(va_workers *workers, int cancel)
{
    struct va_task_list taken;

    va_task_list_init(&taken);
    pthread_mutex_lock(&workers->lock);
    workers->stopping = 1;
    if (cancel)
        (void)cancel_tasks(workers, NULL, &taken);
    pthread_cond_broadcast(&workers->task_ready);
    pthread_cond_broadcast(&workers->task_ended);
    pthread_mutex_unlock(&workers->lock);
    end_taken(workers, &taken);

    pthread_mutex_lock(&workers->join_lock);
    for (int i = 0; i < workers->n_workers; i++) {
        struct va_worker *worker = &workers->worker[i];
        if (worker->has_thread)
            pthread_join(worker->thread, NULL);
        worker->has_thread = 0;
        va_context_free(worker->context);
        worker->context = NULL;
    }
    pthread_mutex_unlock(&workers->join_lock);

    /* Somebody else may still be delivering what va_workers_cancel took out of the queue. */
    pthread_mutex_lock(&workers->lock);
    while (!has_ended(workers))
        pthread_cond_wait(&workers->task_ended, &workers->lock);
    pthread_mutex_unlock(&workers->lock);
}

void va_workers_free(va_workers *workers)
{
    struct va_queued_task *queued;

    if (workers == NULL)
        return;
    va_workers_shutdown(workers, 1);
    while ((queued = va_task_list_take(&workers->finished)) != NULL) {
        va_transcript_free(queued->result.transcript);
        va_queued_task_free(queued);
    }
    pthread_cond_destroy(&workers->task_ended);
    pthread_cond_destroy(&workers->task_ready);
    pthread_mutex_destroy(&workers->join_lock);
    pthread_mutex_destroy(&workers->lock);
    va_free(workers);
}
