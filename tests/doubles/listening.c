/* Stand-ins for the microphone that is open all day and for what listens to it. */
#include "doubles/doubles.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audio/capture.h"
#include "base/clock.h"
#include "base/memory.h"
#include "listen/listener.h"

#define SAMPLE_NS (1000000000u / VA_SAMPLE_RATE_HZ)

/* ---- a capture of silence ---- */

struct va_capture {
    va_capture_fn on_event;
    void *user;
};

struct va_ring_reader {
    va_capture *capture;
};

static pthread_mutex_t capture_lock = PTHREAD_MUTEX_INITIALIZER;
static va_capture *the_capture;

/* Something is under way as long as the test wants. */
static void linger(_Atomic int *under_way, _Atomic int *waits)
{
    *under_way = 1;
    while (*waits)
        usleep(1000);
    *under_way = 0;
}

int va_capture_start(const struct va_capture_options *options, va_capture **ret_capture, va_error *error)
{
    if (doubles.no_device && options->fail_at_once)
        return va_fail(error, VA_ENOTFOUND, "there is no microphone");
    linger(&doubles.opening, &doubles.open_waits);
    va_capture *capture = va_calloc(1, sizeof *capture);
    if (capture == NULL)
        return va_fail_memory(error);
    *capture = (va_capture){options->on_event, options->user};
    snprintf(doubles.source, sizeof doubles.source, "%s", options->source);
    doubles.captures++;
    pthread_mutex_lock(&capture_lock);
    the_capture = capture;
    pthread_mutex_unlock(&capture_lock);
    *ret_capture = capture;
    return 0;
}

void va_capture_free(va_capture *capture)
{
    if (capture == NULL)
        return;
    linger(&doubles.closing, &doubles.close_waits);
    pthread_mutex_lock(&capture_lock);
    the_capture = NULL;
    pthread_mutex_unlock(&capture_lock);
    doubles.captures--;
    va_free(capture);
}

int va_capture_reader_new(va_capture *capture, va_capture_reader **ret_reader, va_error *error)
{
    *ret_reader = va_calloc(1, sizeof **ret_reader);
    if (*ret_reader == NULL)
        return va_fail_memory(error);
    (*ret_reader)->capture = capture;
    return 0;
}

void va_capture_reader_free(va_capture_reader *reader)
{
    va_free(reader);
}

int64_t va_capture_read(va_capture_reader *reader, float *pcm, size_t capacity, int timeout_ms, struct va_capture_stamp *ret_stamp)
{
    (void)reader;
    (void)timeout_ms;
    usleep(1000);
    if (doubles.has_ended)
        return 0;
    if (doubles.lost)
        return VA_ETIMEOUT;
    for (size_t i = 0; i < capacity; i++)
        pcm[i] = 0.0f;
    if (ret_stamp != NULL)
        *ret_stamp = (struct va_capture_stamp){.ns = doubles.captured_ns != 0 ? doubles.captured_ns : va_clock_ns() - capacity * SAMPLE_NS};
    return (int64_t)capacity;
}

void va_capture_get_status(va_capture *capture, struct va_capture_status *ret_status)
{
    (void)capture;
    *ret_status = (struct va_capture_status){
        .state = doubles.lost ? VA_CAPTURE_LOST : VA_CAPTURE_OPEN, .rate_hz = 48000, .overruns = 2, .rms_db = -40.0f};
    snprintf(ret_status->device, sizeof ret_status->device, "%s", doubles.source);
    if (doubles.lost) {
        va_fail(&ret_status->error, VA_EIO, "it is unplugged");
        ret_status->lost_s = 20.0;
    }
}

void doubles_capture(const struct va_capture_event *event)
{
    pthread_mutex_lock(&capture_lock);
    if (the_capture != NULL && the_capture->on_event != NULL)
        the_capture->on_event(the_capture->user, event);
    pthread_mutex_unlock(&capture_lock);
}

/* ---- a listener that hears what the test wants ---- */

struct va_listener {
    struct va_listener_options options;
    _Atomic int is_cancelled;
};

static pthread_mutex_t listener_lock = PTHREAD_MUTEX_INITIALIZER;
static va_listener *the_listener;

void va_listener_options_init(struct va_listener_options *options)
{
    memset(options, 0, sizeof *options);
}

int va_listener_new(const struct va_listener_options *options, va_listener **ret_listener, va_error *error)
{
    linger(&doubles.making, &doubles.makes_wait);
    if (doubles.fail_listeners > 0) {
        doubles.fail_listeners--;
        return va_fail(error, VA_ENOMEM, "no listener");
    }
    va_listener *listener = va_calloc(1, sizeof *listener);
    if (listener == NULL)
        return va_fail_memory(error);
    listener->options = *options;
    pthread_mutex_lock(&listener_lock);
    the_listener = listener;
    pthread_mutex_unlock(&listener_lock);
    doubles.listeners++;
    *ret_listener = listener;
    return 0;
}

void va_listener_free(va_listener *listener)
{
    if (listener == NULL)
        return;
    pthread_mutex_lock(&listener_lock);
    the_listener = the_listener == listener ? NULL : the_listener;
    pthread_mutex_unlock(&listener_lock);
    doubles.listeners--;
    va_free(listener);
}

int va_listener_push(va_listener *listener, const float *pcm, size_t n, enum va_hearing hear, va_error *error)
{
    (void)pcm;
    while (doubles.pushes_wait && !atomic_load(&listener->is_cancelled))
        usleep(1000);
    if (atomic_load(&listener->is_cancelled))
        return va_fail(error, VA_ECANCELLED, "given up");
    doubles.samples += (int)n;
    if (doubles.fail_pushes > 0) {
        doubles.fail_pushes--;
        return va_fail(error, VA_ENOMEM, "no memory to decode with");
    }
    doubles.pushed++;
    doubles.hearing = (int)hear; /* last: tests wait for it */
    return 0;
}

int va_listener_finish(va_listener *listener, va_error *error)
{
    doubles.finished++;
    while (doubles.finish_waits && !atomic_load(&listener->is_cancelled))
        usleep(1000);
    return atomic_load(&listener->is_cancelled) ? va_fail(error, VA_ECANCELLED, "given up") : 0;
}

void va_listener_cancel(va_listener *listener)
{
    atomic_store(&listener->is_cancelled, 1);
}

void va_listener_open(va_listener *listener, double wait_s)
{
    (void)listener;
    doubles.wait_s = wait_s;
    doubles.opened++;
}

void va_listener_close(va_listener *listener, int drop)
{
    (void)listener;
    (void)drop;
    doubles.closed_at = doubles.samples;
    doubles.closed++;
}

int va_listener_is_open(va_listener *listener)
{
    (void)listener;
    return 0;
}

void doubles_hear(const struct va_listen_event *event)
{
    pthread_mutex_lock(&listener_lock);
    if (the_listener != NULL)
        the_listener->options.on_event(the_listener->options.user, event);
    pthread_mutex_unlock(&listener_lock);
}

void doubles_listener(struct va_listener_options *ret_options)
{
    memset(ret_options, 0, sizeof *ret_options);
    pthread_mutex_lock(&listener_lock);
    if (the_listener != NULL)
        *ret_options = the_listener->options;
    pthread_mutex_unlock(&listener_lock);
}
