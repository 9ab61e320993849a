/* Threads for what may block: devices, actions. They also watch the deadlines of those who wait for a transcription. */
#include "assistant/state.h"

#include "base/clock.h"
#include "base/thread.h"

double va_assistant_now_s(void)
{
    return va_clock_ms() * 1e-3;
}

int va_assistant_run(va_assistant *assistant, void (*task)(void *user), void *user, va_error *error)
{
    int r = 0;

    pthread_mutex_lock(&assistant->lock);
    if (assistant->stopping) {
        r = va_fail(error, VA_ESTATE, "the assistant is stopping");
    } else if (assistant->n_errands == VA_MAX_ERRANDS) {
        r = va_fail(error, VA_EBUSY, "too many commands are waiting");
    } else {
        size_t i = (assistant->first_errand + assistant->n_errands++) % VA_MAX_ERRANDS;
        assistant->errands[i] = (struct va_errand){task, user};
        pthread_cond_signal(&assistant->errand_ready);
    }
    pthread_mutex_unlock(&assistant->lock);
    return r;
}

/* With the lock held: waits for an errand, at most until deadline_s (0: for ever). */
static void wait_for_errand(va_assistant *assistant, double deadline_s)
{
    if (deadline_s == 0)
        pthread_cond_wait(&assistant->errand_ready, &assistant->lock);
    else
        va_thread_wait_until(&assistant->errand_ready, &assistant->lock, (uint64_t)(deadline_s * 1e9));
}

static void *run_errands(void *arg)
{
    va_assistant *assistant = arg;

    for (;;) {
        uint64_t seen;
        double deadline_s = va_latest_call_waiters(assistant, &seen);
        struct va_errand errand = {0};
        int end = 0;

        pthread_mutex_lock(&assistant->lock);
        if (assistant->n_errands == 0 && !assistant->errands_ending && assistant->waiter_events == seen)
            wait_for_errand(assistant, deadline_s);
        if (assistant->n_errands > 0) {
            errand = assistant->errands[assistant->first_errand];
            assistant->first_errand = (assistant->first_errand + 1) % VA_MAX_ERRANDS;
            assistant->n_errands--;
        } else {
            end = assistant->errands_ending;
        }
        pthread_mutex_unlock(&assistant->lock);
        if (errand.task != NULL)
            errand.task(errand.user);
        else if (end)
            return NULL;
    }
}

int va_errands_start(va_assistant *assistant, va_error *error)
{
    for (int i = 0; i < VA_ERRAND_THREADS; i++) {
        if (va_thread_start(&assistant->errand_threads[i], run_errands, assistant) < 0)
            return va_fail(error, VA_ENOMEM, "cannot start a thread");
        assistant->n_errand_threads++;
    }
    return 0;
}

void va_errands_finish(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->lock);
    assistant->errands_ending = 1;
    pthread_cond_broadcast(&assistant->errand_ready);
    pthread_mutex_unlock(&assistant->lock);
    for (int i = 0; i < assistant->n_errand_threads; i++)
        pthread_join(assistant->errand_threads[i], NULL);
    assistant->n_errand_threads = 0;
}
