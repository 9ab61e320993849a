#include "audio/recorder.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"

/* The capture thread alone writes: it fills a buffer, and then publishes the samples by raising `recorded`. Others read only what
 * lies below `recorded`. */
struct va_recorder {
    char *source_name;
    va_buffer_pool *pool;
    uint64_t max_samples;
    size_t max_buffers;

    pthread_mutex_t lock;  /* held by start, stop and get_audio */
    _Atomic int recording; /* changed under lock */

    /* One recording. */
    va_audio_source *source; /* the capture thread's; it closes it when capture ends */
    float **buffers;         /* [max_buffers] */
    _Atomic uint64_t recorded;
    _Atomic int must_stop;
    int has_thread; /* not joined yet */
    pthread_t thread;
    int end_status; /* why capture ended; valid when joined */
};

int va_recorder_new(const char *source_name, va_buffer_pool *pool, double max_seconds, va_recorder **ret_recorder, va_error *error)
{
    if (!(max_seconds > 0) || max_seconds > 1e6)
        return va_fail(error, VA_EINVAL, "recordings of at most %g s", max_seconds);
    va_recorder *recorder = va_calloc(1, sizeof *recorder);
    if (recorder == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&recorder->lock, NULL);
    recorder->pool = pool;
    recorder->max_samples = (uint64_t)ceil(max_seconds * VA_SAMPLE_RATE_HZ);
    recorder->max_buffers = (size_t)((recorder->max_samples - 1) / va_buffer_pool_samples(pool) + 1);
    recorder->source_name = va_strdup(source_name);
    recorder->buffers = va_calloc(recorder->max_buffers, sizeof *recorder->buffers);
    if (recorder->source_name == NULL || recorder->buffers == NULL) {
        va_recorder_free(recorder);
        return va_fail_memory(error);
    }
    *ret_recorder = recorder;
    return VA_OK;
}

/* Under lock. */
static void join_thread(va_recorder *recorder)
{
    if (!recorder->has_thread)
        return;
    atomic_store(&recorder->must_stop, 1);
    pthread_join(recorder->thread, NULL);
    recorder->has_thread = 0;
}

/* Under lock, after the join. */
static void release_buffers(va_recorder *recorder)
{
    for (size_t i = 0; i < recorder->max_buffers && recorder->buffers[i] != NULL; i++) {
        va_buffer_pool_release(recorder->pool, recorder->buffers[i]);
        recorder->buffers[i] = NULL;
    }
    atomic_store(&recorder->recorded, 0);
    atomic_store(&recorder->recording, 0);
}

void va_recorder_free(va_recorder *recorder)
{
    if (recorder == NULL)
        return;
    join_thread(recorder);
    if (recorder->buffers != NULL)
        release_buffers(recorder);
    pthread_mutex_destroy(&recorder->lock);
    va_free(recorder->buffers);
    va_free(recorder->source_name);
    va_free(recorder);
}

/* 0 at the end of the source or at the longest recording, else why it ended. Reads at least once: a recording that is stopped at
 * once holds something too. */
static int capture(va_recorder *recorder)
{
    size_t buffer_samples = va_buffer_pool_samples(recorder->pool);
    uint64_t recorded = 0;

    do {
        size_t index = (size_t)(recorded / buffer_samples), filled = (size_t)(recorded % buffer_samples);
        size_t room = buffer_samples - filled;
        if (recorder->buffers[index] == NULL && (recorder->buffers[index] = va_buffer_pool_acquire(recorder->pool)) == NULL)
            return VA_ENOMEM;
        if (room > recorder->max_samples - recorded)
            room = (size_t)(recorder->max_samples - recorded);
        int64_t n = va_audio_source_read(recorder->source, recorder->buffers[index] + filled, room);
        if (n <= 0 && n != VA_ETIMEOUT)
            return (int)n;
        recorded += n > 0 ? (uint64_t)n : 0;
        atomic_store_explicit(&recorder->recorded, recorded, memory_order_release);
    } while (recorded < recorder->max_samples && !atomic_load_explicit(&recorder->must_stop, memory_order_relaxed));
    return VA_OK;
}

static void *capture_thread(void *arg)
{
    va_recorder *recorder = arg;

    recorder->end_status = capture(recorder);
    va_audio_source_free(recorder->source);
    recorder->source = NULL;
    return NULL;
}

/* Signals are for the main thread. */
static int start_thread(va_recorder *recorder)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&recorder->thread, NULL, capture_thread, recorder);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

int va_recorder_start(va_recorder *recorder, va_error *error)
{
    int r;

    pthread_mutex_lock(&recorder->lock);
    if (atomic_load(&recorder->recording)) {
        r = va_fail(error, VA_ESTATE, "already recording");
        goto out;
    }
    r = va_audio_source_open(recorder->source_name, &recorder->source, error);
    if (r < 0)
        goto out;
    atomic_store(&recorder->must_stop, 0);
    if (start_thread(recorder) != 0) {
        va_audio_source_free(recorder->source);
        recorder->source = NULL;
        r = va_fail(error, VA_ENOMEM, "cannot start the capture thread");
        goto out;
    }
    recorder->has_thread = 1;
    atomic_store(&recorder->recording, 1);
out:
    pthread_mutex_unlock(&recorder->lock);
    return r;
}

/* Under lock. A copy of what is there. NULL when out of memory. */
static float *copy_audio(va_recorder *recorder, size_t *ret_n)
{
    size_t n = (size_t)atomic_load_explicit(&recorder->recorded, memory_order_acquire);
    size_t buffer_samples = va_buffer_pool_samples(recorder->pool);
    float *pcm = va_alloc(n, sizeof *pcm);

    if (pcm == NULL)
        return NULL;
    for (size_t at = 0; at < n; at += buffer_samples)
        memcpy(pcm + at, recorder->buffers[at / buffer_samples], (n - at < buffer_samples ? n - at : buffer_samples) * sizeof *pcm);
    *ret_n = n;
    return pcm;
}

int va_recorder_stop(va_recorder *recorder, float **ret_pcm, size_t *ret_n, va_error *error)
{
    int r = VA_OK;

    pthread_mutex_lock(&recorder->lock);
    if (!atomic_load(&recorder->recording)) {
        r = va_fail(error, VA_ESTATE, "not recording");
        goto out;
    }
    join_thread(recorder);
    if (recorder->end_status < 0 && atomic_load(&recorder->recorded) == 0) {
        r = va_fail(error, recorder->end_status, "nothing was recorded from '%s': %s", recorder->source_name,
                    va_status_text(recorder->end_status));
        release_buffers(recorder);
        goto out;
    }
    float *pcm = copy_audio(recorder, ret_n);
    if (pcm == NULL) { /* the recording is kept: stop may be called again */
        r = va_fail_memory(error);
        goto out;
    }
    release_buffers(recorder);
    *ret_pcm = pcm;
out:
    pthread_mutex_unlock(&recorder->lock);
    return r;
}

int va_recorder_is_recording(const va_recorder *recorder)
{
    return atomic_load(&recorder->recording);
}

int va_recorder_get_audio(va_recorder *recorder, float **ret_pcm, size_t *ret_n, va_error *error)
{
    float *pcm = NULL;
    int r = VA_OK;

    pthread_mutex_lock(&recorder->lock);
    if (!atomic_load(&recorder->recording))
        r = va_fail(error, VA_ESTATE, "not recording");
    else if ((pcm = copy_audio(recorder, ret_n)) == NULL)
        r = va_fail_memory(error);
    else
        *ret_pcm = pcm;
    pthread_mutex_unlock(&recorder->lock);
    return r;
}

int va_recorder_sample_rate(const va_recorder *recorder)
{
    return VA_SAMPLE_RATE_HZ;
}
