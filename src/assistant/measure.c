/* measure.c - the metrics that say how the assistant is at this moment. */
#include "assistant/state.h"

#include <string.h>

static void measure_work(va_assistant *assistant, va_metrics *metrics)
{
    struct va_assistant_status status;

    va_assistant_get_status(assistant, &status);
    va_metrics_set(metrics, VA_METRIC_QUEUE_DEPTH, 0, (double)status.queued);
    va_metrics_set(metrics, VA_METRIC_QUEUE_CAPACITY, 0, (double)status.capacity);
    va_metrics_set(metrics, VA_METRIC_WORKERS, 0, (double)status.workers);
    va_metrics_set(metrics, VA_METRIC_WORKERS_BUSY, 0, (double)status.running);
    va_metrics_set(metrics, VA_METRIC_WORK_STALLED_SECONDS, 0, status.stalled_s);
    va_metrics_set(metrics, VA_METRIC_PRIVACY, 0, status.privacy);
    va_metrics_set(metrics, VA_METRIC_UPTIME, 0, status.uptime_s);
}

static void measure_microphone(va_assistant *assistant, va_metrics *metrics)
{
    static const char *const states[] = {"closed", "open", "lost", "ended"}; /* as in the table of metrics */
    struct va_microphone_status microphone;

    va_assistant_get_microphone(assistant, &microphone);
    for (int i = 0; i < 4; i++)
        va_metrics_set(metrics, VA_METRIC_MICROPHONE, i, strcmp(states[i], microphone.state) == 0);
    va_metrics_set(metrics, VA_METRIC_MICROPHONE_LOST_SECONDS, 0, microphone.lost_s);
    va_metrics_set(metrics, VA_METRIC_MICROPHONE_LOSSES, 0, (double)microphone.lost);
    va_metrics_set(metrics, VA_METRIC_MICROPHONE_OVERRUNS, 0, (double)microphone.overruns);
    va_metrics_set(metrics, VA_METRIC_MICROPHONE_LOST_SAMPLES, 0, (double)microphone.lost_samples);
    va_metrics_set(metrics, VA_METRIC_MICROPHONE_CLIPPED, 0, (double)microphone.clipped_samples);
}

static void measure_buffers(const va_assistant *assistant, va_metrics *metrics)
{
    size_t n_free = va_buffer_pool_available(assistant->pool), n = va_buffer_pool_size(assistant->pool);

    va_metrics_set(metrics, VA_METRIC_POOL_BUFFERS, VA_BUFFER_FREE, (double)n_free);
    va_metrics_set(metrics, VA_METRIC_POOL_BUFFERS, VA_BUFFER_USED, (double)(n - n_free));
    va_metrics_set(metrics, VA_METRIC_POOL_FALLBACKS, 0, (double)va_buffer_pool_fallbacks(assistant->pool));
}

static void measure_history(va_history *history, va_metrics *metrics)
{
    struct va_history_status status;

    if (history == NULL)
        return;
    va_history_get_status(history, &status);
    va_metrics_set(metrics, VA_METRIC_HISTORY_ENTRIES, VA_ENTRY_KEPT, (double)status.added);
    va_metrics_set(metrics, VA_METRIC_HISTORY_ENTRIES, VA_ENTRY_LOST, (double)status.lost);
    va_metrics_set(metrics, VA_METRIC_HISTORY_BYTES, 0, (double)status.bytes);
}

static void measure_remote(va_assistant *assistant, va_metrics *metrics)
{
    struct va_remote_status remote;

    if (va_assistant_get_remote(assistant, &remote) < 0)
        return;
    va_metrics_set(metrics, VA_METRIC_REMOTE_CONNECTED, 0, remote.connected);
    va_metrics_set(metrics, VA_METRIC_REMOTE_WORKERS, 0, remote.workers);
    va_metrics_set(metrics, VA_METRIC_REMOTE_PLACES, 0, remote.places);
    va_metrics_set(metrics, VA_METRIC_REMOTE_JOBS, 0, remote.running);
    va_metrics_set(metrics, VA_METRIC_REMOTE_ENDS, VA_REMOTE_FINISHED, (double)remote.finished);
    va_metrics_set(metrics, VA_METRIC_REMOTE_ENDS, VA_REMOTE_LOST, (double)remote.lost);
    va_metrics_set(metrics, VA_METRIC_REMOTE_ENDS, VA_REMOTE_RETURNED, (double)remote.returned);
}

void va_assistant_measure(va_assistant *assistant)
{
    measure_work(assistant, assistant->metrics);
    measure_microphone(assistant, assistant->metrics);
    measure_buffers(assistant, assistant->metrics);
    measure_history(va_assistant_history(assistant), assistant->metrics);
    measure_remote(assistant, assistant->metrics);
}
