/* The latest transcription, and those who wait for it. */
#include "assistant/state.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

static void clear(struct va_latest *latest)
{
    va_free(latest->text);
    *latest = (struct va_latest){0};
}

void va_latest_forget(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->lock);
    struct va_latest old = assistant->latest;
    assistant->latest = (struct va_latest){0};
    assistant->latest_sequence = 0;
    pthread_mutex_unlock(&assistant->lock);
    clear(&old);
}

/* With the lock held. In privacy mode, and of what was said before it, nothing is kept. A failed upload is its sender's affair; a failed
 * recording is what its speaker waits for. */
static int is_kept(const va_assistant *assistant, const struct va_running_job *job, int status)
{
    return job->privacy_changes == atomic_load(&assistant->privacy_changes) && !va_assistant_is_private(assistant) &&
           job->sequence > assistant->latest_sequence && (status == 0 || job->job.priority == VA_PRIORITY_LIVE);
}

void va_latest_store(va_assistant *assistant, const struct va_running_job *job, const struct va_job_result *result)
{
    struct va_latest latest = {.unix_s = va_clock_unix_s(), .status = result->status};

    memcpy(latest.id, job->id, sizeof latest.id);
    if (result->status == 0) {
        /* The sentence of the command that was understood, else the text as it was heard. */
        latest.text = va_strdup(result->is_command ? result->command->text : result->transcript->text);
        latest.confidence = result->is_command ? result->command->confidence : result->transcript->confidence;
        memcpy(latest.language, result->transcript->language, sizeof latest.language);
        latest.duration_s = result->transcript->duration_s;
        if (latest.text == NULL)
            latest.status = va_fail_memory(&latest.error);
    } else {
        latest.error = *result->error;
    }
    pthread_mutex_lock(&assistant->lock);
    if (job->job.priority == VA_PRIORITY_LIVE)
        assistant->live_in_flight--;
    if (is_kept(assistant, job, result->status)) {
        struct va_latest old = assistant->latest;
        assistant->latest = latest;
        assistant->latest_sequence = job->sequence;
        latest = old;
    }
    assistant->waiter_events++;
    pthread_cond_broadcast(&assistant->errand_ready);
    pthread_mutex_unlock(&assistant->lock);
    clear(&latest);
}

/* With the lock held: a copy of what a waiter gets now. */
static int copy_latest(const va_assistant *assistant, struct va_latest *ret_latest)
{
    if (assistant->latest_sequence == 0)
        return VA_ENOTFOUND;
    struct va_latest latest = assistant->latest;
    if (latest.text != NULL && (latest.text = va_strdup(latest.text)) == NULL)
        return VA_ENOMEM;
    *ret_latest = latest;
    return 0;
}

double va_latest_call_waiters(va_assistant *assistant, uint64_t *ret_events)
{
    for (;;) {
        struct va_latest latest = {0};
        struct va_waiter waiter = {0};
        double now_s = va_assistant_now_s(), next_s = 0;
        int status = 0;

        pthread_mutex_lock(&assistant->lock);
        *ret_events = assistant->waiter_events;
        for (size_t i = 0; i < assistant->n_waiters && waiter.call == NULL; i++) {
            struct va_waiter *candidate = &assistant->waiters[i];
            int ready = assistant->live_in_flight == 0;
            if (!ready && now_s < candidate->deadline_s && !assistant->errands_ending) {
                if (next_s == 0 || candidate->deadline_s < next_s)
                    next_s = candidate->deadline_s;
                continue;
            }
            status = ready ? copy_latest(assistant, &latest) : VA_ETIMEOUT;
            waiter = *candidate;
            *candidate = assistant->waiters[--assistant->n_waiters];
        }
        pthread_mutex_unlock(&assistant->lock);
        if (waiter.call == NULL)
            return next_s;
        waiter.call(waiter.user, status, &latest);
        clear(&latest);
    }
}

void va_assistant_latest(va_assistant *assistant, double timeout_s, va_latest_fn call, void *user)
{
    struct va_latest latest = {0};
    int status, waits = 0;

    pthread_mutex_lock(&assistant->lock);
    if (assistant->live_in_flight == 0)
        status = copy_latest(assistant, &latest);
    else if (assistant->stopping)
        status = VA_ESTATE;
    else if (assistant->n_waiters == VA_MAX_WAITERS)
        status = VA_ETIMEOUT;
    else {
        assistant->waiters[assistant->n_waiters++] = (struct va_waiter){call, user, va_assistant_now_s() + timeout_s};
        assistant->waiter_events++;
        pthread_cond_broadcast(&assistant->errand_ready);
        waits = 1;
        status = 0;
    }
    pthread_mutex_unlock(&assistant->lock);
    if (!waits) {
        call(user, status, &latest);
        clear(&latest);
    }
}
