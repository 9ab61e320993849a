#include "audio/recorder.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"

#define WAIT_MS 100
#define FIRST_WAIT_MS 1000

/* The recording thread alone writes: it fills a buffer, and then publishes the samples by raising `recorded`. Others read only what
 * lies below `recorded`. */
struct va_recorder {
    char *source_name;
    va_buffer_pool *pool;
    uint64_t max_samples;
    size_t max_buffers;
    va_capture *shared; /* or NULL; under lock */

    pthread_mutex_t lock;  /* held by start, stop and get_audio */
    _Atomic int recording; /* changed under lock */

    /* One recording. */
    va_capture *own;     /* NULL: it is the shared one */
    va_capture *capture; /* that is read */
    va_capture_reader *reader;
    float **buffers; /* [max_buffers] */
    _Atomic uint64_t recorded;
    _Atomic int must_stop;
    int has_thread; /* not joined yet */
    pthread_t thread;
    va_error end; /* why it ended, code 0: not for a failure; valid when joined */
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
    return 0;
}

/* Under lock. */
static void close_capture(va_recorder *recorder)
{
    va_capture_reader_free(recorder->reader);
    va_capture_free(recorder->own);
    recorder->reader = NULL;
    recorder->own = NULL;
}

/* Under lock. */
static void join_thread(va_recorder *recorder)
{
    if (!recorder->has_thread)
        return;
    atomic_store(&recorder->must_stop, 1);
    pthread_join(recorder->thread, NULL);
    recorder->has_thread = 0;
    close_capture(recorder);
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

/* Returns 0 at the end of the source, at the longest recording or when it is stopped, else why it ended. The first samples are waited
 * for: a recording that is stopped at once holds something too. */
static int record(va_recorder *recorder)
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
        int64_t n =
            va_capture_read(recorder->reader, recorder->buffers[index] + filled, room, recorded == 0 ? FIRST_WAIT_MS : WAIT_MS, NULL);
        if (n <= 0 && n != VA_ETIMEOUT)
            return (int)n;
        recorded += n > 0 ? (uint64_t)n : 0;
        atomic_store_explicit(&recorder->recorded, recorded, memory_order_release);
    } while (recorded < recorder->max_samples && !atomic_load_explicit(&recorder->must_stop, memory_order_relaxed));
    return 0;
}

static void *recording_thread(void *arg)
{
    va_recorder *recorder = arg;
    struct va_capture_status status;
    int r = record(recorder);

    va_capture_reader_free(recorder->reader); /* now: a pipe's or file's others would wait for it until the recording is stopped */
    recorder->reader = NULL;
    va_capture_get_status(recorder->capture, &status);
    if (r < 0)
        va_fail(&recorder->end, r, "nothing was recorded from '%s': %s", status.device, va_status_text(r));
    else
        recorder->end = status.error;
    return NULL;
}

void va_recorder_share(va_recorder *recorder, va_capture *capture)
{
    pthread_mutex_lock(&recorder->lock);
    recorder->shared = capture;
    pthread_mutex_unlock(&recorder->lock);
}

/* Under lock. */
static int open_capture(va_recorder *recorder, va_error *error)
{
    const struct va_capture_options options = {.source = recorder->source_name, .fail_at_once = 1};
    struct va_capture_status status;

    recorder->capture = NULL;
    if (recorder->shared != NULL) {
        va_capture_get_status(recorder->shared, &status);
        if (status.state == VA_CAPTURE_LOST)
            return va_fail(error, status.error.code, "%s", status.error.text);
        if (status.state != VA_CAPTURE_ENDED)
            recorder->capture = recorder->shared;
    }
    if (recorder->capture == NULL) {
        int r = va_capture_start(&options, &recorder->own, error);
        if (r < 0)
            return r;
        recorder->capture = recorder->own;
    }
    return va_capture_reader_new(recorder->capture, &recorder->reader, error);
}

int va_recorder_start(va_recorder *recorder, va_error *error)
{
    int r;

    pthread_mutex_lock(&recorder->lock);
    if (atomic_load(&recorder->recording)) {
        r = va_fail(error, VA_ESTATE, "already recording");
        goto out;
    }
    r = open_capture(recorder, error);
    if (r < 0)
        goto fail;
    atomic_store(&recorder->must_stop, 0);
    if (va_thread_start(&recorder->thread, recording_thread, recorder) < 0) {
        r = va_fail(error, VA_ENOMEM, "cannot start the recording thread");
        goto fail;
    }
    recorder->has_thread = 1;
    atomic_store(&recorder->recording, 1);
    goto out;

fail:
    close_capture(recorder);
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
    int r = 0;

    pthread_mutex_lock(&recorder->lock);
    if (!atomic_load(&recorder->recording)) {
        r = va_fail(error, VA_ESTATE, "not recording");
        goto out;
    }
    join_thread(recorder);
    if (recorder->end.code < 0 && atomic_load(&recorder->recorded) == 0) {
        r = va_fail(error, recorder->end.code, "%s", recorder->end.text);
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
    int r = 0;

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
