#include "workers/lane.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include "workers/state.h"

int va_lane_open(va_workers *workers, va_lane **ret_lane, va_error *error)
{
    va_lane *lane = va_calloc(1, sizeof *lane);
    if (lane == NULL)
        return va_fail_memory(error);
    lane->workers = workers;
    pthread_mutex_lock(&workers->lock);
    lane->next = workers->lanes;
    workers->lanes = lane;
    pthread_mutex_unlock(&workers->lock);
    *ret_lane = lane;
    return 0;
}

void va_lane_close(va_lane *lane)
{
    if (lane == NULL)
        return;
    va_workers *workers = lane->workers;
    pthread_mutex_lock(&workers->lock);
    va_lane **place = &workers->lanes;
    while (*place != lane)
        place = &(*place)->next;
    *place = lane->next;
    pthread_mutex_unlock(&workers->lock);
    va_free(lane);
}

int va_lane_take(va_lane *lane, int timeout_ms, const va_task **ret_task)
{
    va_workers *workers = lane->workers;
    uint64_t deadline_ns = va_clock_after((double)timeout_ms / 1000);
    int r = 0;

    pthread_mutex_lock(&workers->lock);
    workers->lanes_idle++;
    while ((lane->task = va_task_list_take_outside(&workers->waiting[VA_PRIORITY_UPLOAD])) == NULL && r == 0) {
        if (workers->stopping)
            r = VA_ESTATE;
        else if (va_thread_wait_until(&workers->task_ready, &workers->lock, deadline_ns) < 0)
            r = VA_ETIMEOUT;
    }
    workers->lanes_idle--;
    if (lane->task != NULL) {
        workers->places[VA_PRIORITY_UPLOAD]--;
        workers->running++;
        workers->lanes_running++;
        *ret_task = &lane->task->task;
        r = 0;
    } else {
        pthread_cond_broadcast(&workers->task_ready); /* what was left to this lane */
    }
    pthread_mutex_unlock(&workers->lock);
    return r;
}

int va_lane_must_stop(va_lane *lane)
{
    const va_transcribe_options *options = &lane->task->options;

    return atomic_load(&lane->task->cancelled) || (options->progress != NULL && options->progress(options->progress_user, 0, 0) != 0);
}

/* The lane has no task any more. Before another thread may have it. */
static struct va_queued_task *let_go(va_lane *lane)
{
    struct va_queued_task *queued = lane->task;

    lane->task = NULL;
    lane->workers->lanes_running--;
    pthread_cond_broadcast(&lane->workers->task_ready); /* workers that shut down wait for this */
    return queued;
}

size_t va_lanes_left(const va_workers *workers)
{
    return workers->stopping ? 0 : workers->lanes_idle;
}

void va_lane_end(va_lane *lane, int status, va_transcript *transcript, const va_error *error, double run_ms)
{
    va_workers *workers = lane->workers;

    pthread_mutex_lock(&workers->lock);
    struct va_queued_task *queued = let_go(lane);
    pthread_mutex_unlock(&workers->lock);
    queued->result.status = status;
    queued->result.transcript = transcript;
    queued->result.run_ms = run_ms;
    if (error != NULL)
        queued->result.error = *error;
    va_workers_end_task(workers, queued, 0);
}

void va_lane_give_back(va_lane *lane, const struct va_lane_source *source)
{
    va_workers *workers = lane->workers;

    pthread_mutex_lock(&workers->lock);
    struct va_queued_task *queued = let_go(lane);
    if (source != NULL)
        queued->source = *source;
    queued->is_ours = 1;
    workers->running--;
    workers->places[VA_PRIORITY_UPLOAD]++;
    va_task_list_put_first(&workers->waiting[VA_PRIORITY_UPLOAD], queued);
    pthread_mutex_unlock(&workers->lock);
}
