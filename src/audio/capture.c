#include "audio/capture.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "audio/meter.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

#define BLOCK_SAMPLES (VA_SAMPLE_RATE_HZ / 10)
#define SAMPLE_NS (1000000000 / VA_SAMPLE_RATE_HZ)
#define JUMP_NS 100000000 /* a clock that is so far off is no jitter */
#define SETTLE_SAMPLES (VA_SAMPLE_RATE_HZ / 2)
#define GOOD_SAMPLES (VA_SAMPLE_RATE_HZ / 10)
#define PRIORITY 10
#define NICE -10
#define STACK_BYTES 16384

enum scheduling { NORMAL, NICER, FIFO };

struct va_capture {
    char *source_name;
    uint64_t silence_samples;
    va_capture_fn on_event;
    void *user;

    va_ring *ring;
    int wake_fd; /* for the supervisor: something below has changed */
    pthread_t supervisor;
    int has_supervisor;
    _Atomic int must_stop;

    /* The real-time thread's while there is one, the supervisor's else. */
    va_audio_source *source;
    float block[BLOCK_SAMPLES];
    uint64_t next_ns;         /* when the next sample should be captured; 0: none has been yet */
    int is_reopened;          /* the next sample is the first of the device */
    uint64_t clipped_before;  /* by sources that are closed */
    uint64_t overruns_before; /* the same */
    int end_status;           /* why the thread has ended */
    const char *end_reason;   /* or NULL */

    /* Written by the real-time thread, read by all. */
    struct va_meter meter;
    _Atomic uint64_t captured, overruns, clipped, lost_samples;
    _Atomic int is_silent;
    _Atomic int has_ended;
    _Atomic int scheduling;

    /* The supervisor's own: what it has told. */
    uint64_t told_overruns;
    int told_silent;
    uint64_t lost_ns; /* since when it is lost; 0: it is not */

    pthread_mutex_t lock;
    /* Under lock. */
    enum va_capture_state state;
    va_error error;
    struct va_audio_source_info info; /* of the source that was opened last */
    uint64_t lost, recovered;
};

/* ---- the real-time thread ---- */

/* When the first of n samples was captured, without the jitter of the clock, and how many are missing before it. Only the samples of a
 * device that come too late are missing: others wait. */
static uint64_t time_of_block(va_capture *capture, const struct va_audio_source_info *info, size_t n, uint64_t *ret_missing)
{
    int64_t late_ns = (int64_t)(info->first_ns - capture->next_ns);
    int is_first = capture->next_ns == 0;
    int is_broken = capture->is_reopened || info->overruns + capture->overruns_before != atomic_load(&capture->overruns);
    uint64_t missing = 0;

    if (!info->is_device || is_first || is_broken || late_ns > JUMP_NS || late_ns < -JUMP_NS) {
        capture->next_ns = info->first_ns;
        if (info->is_device && !is_first && late_ns > 0)
            missing = (uint64_t)late_ns / SAMPLE_NS;
        if (info->is_device && !is_first && is_broken && missing == 0)
            missing = 1;
    } else {
        capture->next_ns += (uint64_t)(late_ns * (int64_t)n / SETTLE_SAMPLES);
    }
    uint64_t ns = capture->next_ns;
    capture->next_ns += n * SAMPLE_NS;
    capture->is_reopened = 0;
    *ret_missing = missing;
    return ns;
}

static void publish(va_capture *capture, size_t n)
{
    const struct va_audio_source_info *info = va_audio_source_info(capture->source);
    uint64_t missing, ns = time_of_block(capture, info, n, &missing);
    uint64_t overruns = info->overruns + capture->overruns_before;
    int is_news = overruns != atomic_load(&capture->overruns);

    va_ring_write(capture->ring, capture->block, n, ns, missing);
    va_meter_add(&capture->meter, capture->block, n);
    atomic_fetch_add(&capture->captured, n);
    atomic_fetch_add(&capture->lost_samples, missing);
    atomic_store(&capture->clipped, info->clipped + capture->clipped_before);
    atomic_store(&capture->overruns, overruns);
    int is_silent = atomic_load(&capture->meter.silent_samples) >= capture->silence_samples;
    is_news |= atomic_exchange(&capture->is_silent, is_silent) != is_silent;
    if (is_news)
        eventfd_write(capture->wake_fd, 1);
}

static int read_source(va_capture *capture)
{
    int is_device = va_audio_source_info(capture->source)->is_device;

    while (!atomic_load(&capture->must_stop)) {
        size_t room = BLOCK_SAMPLES;
        if (!is_device && (room = va_ring_wait_for_room(capture->ring, 100)) == 0)
            continue;
        int64_t n = va_audio_source_read(capture->source, capture->block, room < BLOCK_SAMPLES ? room : BLOCK_SAMPLES);
        if (n > 0)
            publish(capture, (size_t)n);
        else if (n != VA_ETIMEOUT)
            return (int)n;
    }
    return VA_ECANCELLED;
}

static void hurry(va_capture *capture)
{
    const struct sched_param parameters = {.sched_priority = PRIORITY};

    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) == 0)
        atomic_store(&capture->scheduling, FIFO);
    else if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICE) == 0)
        atomic_store(&capture->scheduling, NICER);
}

/* So that no page of the stack is missing later. */
static void touch_stack(void)
{
    volatile char stack[STACK_BYTES];

    for (size_t i = 0; i < sizeof stack; i += 1024)
        stack[i] = 0;
}

static void *capture_thread(void *arg)
{
    va_capture *capture = arg;

    touch_stack();
    if (va_audio_source_info(capture->source)->is_device)
        hurry(capture);
    capture->end_status = read_source(capture);
    capture->end_reason = va_audio_source_info(capture->source)->why;
    atomic_store(&capture->has_ended, 1);
    eventfd_write(capture->wake_fd, 1);
    return NULL;
}

/* ---- the supervisor ---- */

static void tell(va_capture *capture, enum va_capture_change change, double gap_s)
{
    if (capture->on_event == NULL)
        return;
    pthread_mutex_lock(&capture->lock);
    const struct va_capture_event event = {
        .change = change,
        .state = capture->state,
        .device = capture->source_name,
        .error = capture->error,
        .is_silent = capture->told_silent,
        .overruns = capture->told_overruns,
        .gap_s = gap_s,
    };
    pthread_mutex_unlock(&capture->lock);
    capture->on_event(capture->user, &event);
}

/* Is told once for each reason. */
static void set_lost(va_capture *capture, const va_error *error)
{
    pthread_mutex_lock(&capture->lock);
    int is_news = capture->state != VA_CAPTURE_LOST || strcmp(capture->error.text, error->text) != 0;
    capture->lost += capture->state == VA_CAPTURE_OPEN;
    capture->state = VA_CAPTURE_LOST;
    capture->error = *error;
    if (capture->lost_ns == 0)
        capture->lost_ns = va_clock_ns();
    pthread_mutex_unlock(&capture->lock);
    if (is_news)
        tell(capture, VA_CAPTURE_STATE, 0.0);
}

static void set_open(va_capture *capture, const struct va_audio_source_info *info)
{
    double gap_s = capture->lost_ns == 0 ? 0.0 : (double)(va_clock_ns() - capture->lost_ns) / 1e9;

    pthread_mutex_lock(&capture->lock);
    capture->recovered += capture->lost > capture->recovered;
    capture->state = VA_CAPTURE_OPEN;
    capture->error = (va_error){0};
    capture->info = *info;
    capture->lost_ns = 0;
    pthread_mutex_unlock(&capture->lock);
    tell(capture, VA_CAPTURE_STATE, gap_s);
}

static void set_ended(va_capture *capture)
{
    va_error error = {0};

    if (capture->end_status < 0)
        va_fail(&error, capture->end_status, "'%s' cannot be read on: %s", capture->source_name, va_status_text(capture->end_status));
    pthread_mutex_lock(&capture->lock);
    capture->state = VA_CAPTURE_ENDED;
    capture->error = error;
    pthread_mutex_unlock(&capture->lock);
    va_ring_end(capture->ring, capture->end_status);
    tell(capture, VA_CAPTURE_STATE, 0.0);
}

/* Until something has changed, or timeout_ms (-1: none) have passed. */
static void wait_for_news(va_capture *capture, int timeout_ms)
{
    struct pollfd wait = {.fd = capture->wake_fd, .events = POLLIN};
    eventfd_t count;

    if (poll(&wait, 1, timeout_ms) > 0)
        eventfd_read(capture->wake_fd, &count);
}

/* While the real-time thread reads. */
static void watch(va_capture *capture)
{
    while (!atomic_load(&capture->has_ended)) {
        wait_for_news(capture, -1);
        uint64_t overruns = atomic_load(&capture->overruns);
        int is_silent = atomic_load(&capture->is_silent);
        if (overruns != capture->told_overruns) {
            capture->told_overruns = overruns;
            tell(capture, VA_CAPTURE_OVERRUN, 0.0);
        }
        if (is_silent != capture->told_silent) {
            capture->told_silent = is_silent;
            tell(capture, VA_CAPTURE_SILENCE, 0.0);
        }
    }
}

static void close_source(va_capture *capture)
{
    const struct va_audio_source_info *info = va_audio_source_info(capture->source);

    capture->clipped_before += info->clipped;
    capture->overruns_before += info->overruns;
    va_audio_source_free(capture->source);
    capture->source = NULL;
}

/* Reads the open source to its end. Returns whether it has given enough to be tried again at once. */
static int run_source(va_capture *capture)
{
    uint64_t captured = atomic_load(&capture->captured);
    struct va_audio_source_info info = *va_audio_source_info(capture->source); /* before the thread changes it */
    va_error error;
    pthread_t thread;

    atomic_store(&capture->has_ended, 0);
    capture->is_reopened = 1;
    if (va_thread_start(&thread, capture_thread, capture) < 0) {
        close_source(capture);
        va_fail(&error, VA_ENOMEM, "cannot start the capture thread");
        set_lost(capture, &error);
        return 0;
    }
    set_open(capture, &info);
    watch(capture);
    pthread_join(thread, NULL);
    close_source(capture);
    va_meter_init(&capture->meter);
    atomic_store(&capture->is_silent, 0);
    capture->told_silent = 0;
    if (atomic_load(&capture->must_stop))
        return 0;
    if (info.is_device) {
        va_fail(&error, capture->end_status, "the microphone '%s' is lost: %s", capture->source_name,
                capture->end_reason != NULL ? capture->end_reason : va_status_text(capture->end_status));
        set_lost(capture, &error);
    } else {
        set_ended(capture);
        atomic_store(&capture->must_stop, 1);
    }
    return atomic_load(&capture->captured) - captured >= GOOD_SAMPLES;
}

static void *supervise(void *arg)
{
    va_capture *capture = arg;
    va_error error;

    while (!atomic_load(&capture->must_stop)) {
        int was_good = 0;
        if (capture->source == NULL && va_audio_source_open(capture->source_name, &capture->source, &error) < 0)
            set_lost(capture, &error);
        else
            was_good = run_source(capture);
        if (!was_good && !atomic_load(&capture->must_stop)) /* else it is tried again at once */
            wait_for_news(capture, VA_CAPTURE_RETRY_MS);
    }
    return NULL;
}

/* ---- life ---- */

static int set_up(va_capture *capture, const struct va_capture_options *options, va_error *error)
{
    double silence_s = options->silence_s > 0.0 ? options->silence_s : VA_CAPTURE_SILENCE_S;
    int must_open = options->fail_at_once || strcmp(options->source, "none") == 0, r;

    capture->silence_samples = (uint64_t)(silence_s * VA_SAMPLE_RATE_HZ);
    capture->on_event = options->on_event;
    capture->user = options->user;
    capture->source_name = va_strdup(options->source);
    if (capture->source_name == NULL)
        return va_fail_memory(error);
    capture->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (capture->wake_fd < 0)
        return va_fail_errno(error, "cannot make an event");
    r = va_ring_new(options->ring_samples > 0 ? options->ring_samples : VA_CAPTURE_RING_SAMPLES, &capture->ring, error);
    if (r == 0 && must_open)
        r = va_audio_source_open(options->source, &capture->source, error);
    if (r < 0)
        return r;
    if (must_open) { /* who asks at once is not told that it is closed */
        capture->state = VA_CAPTURE_OPEN;
        capture->info = *va_audio_source_info(capture->source);
    }
    capture->has_supervisor = va_thread_start(&capture->supervisor, supervise, capture) == 0;
    return capture->has_supervisor ? 0 : va_fail(error, VA_ENOMEM, "cannot start a thread for the microphone");
}

int va_capture_start(const struct va_capture_options *options, va_capture **ret_capture, va_error *error)
{
    va_capture *capture = va_calloc(1, sizeof *capture);

    if (capture == NULL)
        return va_fail_memory(error);
    capture->wake_fd = -1;
    pthread_mutex_init(&capture->lock, NULL);
    va_meter_init(&capture->meter);
    int r = set_up(capture, options, error);
    if (r < 0) {
        va_capture_free(capture);
        return r;
    }
    *ret_capture = capture;
    return 0;
}

void va_capture_free(va_capture *capture)
{
    if (capture == NULL)
        return;
    atomic_store(&capture->must_stop, 1);
    if (capture->has_supervisor) {
        eventfd_write(capture->wake_fd, 1);
        pthread_join(capture->supervisor, NULL);
    }
    va_audio_source_free(capture->source);
    if (capture->wake_fd >= 0)
        close(capture->wake_fd);
    va_ring_free(capture->ring);
    pthread_mutex_destroy(&capture->lock);
    explicit_bzero(capture->block, sizeof capture->block);
    va_free(capture->source_name);
    va_free(capture);
}

int va_capture_reader_new(va_capture *capture, va_capture_reader **ret_reader, va_error *error)
{
    return va_ring_reader_new(capture->ring, ret_reader, error);
}

void va_capture_reader_free(va_capture_reader *reader)
{
    va_ring_reader_free(reader);
}

int64_t va_capture_read(va_capture_reader *reader, float *pcm, size_t capacity, int timeout_ms, struct va_capture_stamp *ret_stamp)
{
    return va_ring_read(reader, pcm, capacity, timeout_ms, ret_stamp);
}

void va_capture_get_status(va_capture *capture, struct va_capture_status *ret_status)
{
    static const char *const schedulings[] = {[NORMAL] = "normal", [NICER] = "nice", [FIFO] = "fifo"};
    struct va_capture_status status = {
        .scheduling = schedulings[atomic_load(&capture->scheduling)],
        .captured = atomic_load(&capture->captured),
        .overruns = atomic_load(&capture->overruns),
        .lost_samples = atomic_load(&capture->lost_samples),
        .clipped_samples = atomic_load(&capture->clipped),
        .rms_db = atomic_load(&capture->meter.rms_db),
        .peak_db = atomic_load(&capture->meter.peak_db),
        .silent_s = (double)atomic_load(&capture->meter.silent_samples) / VA_SAMPLE_RATE_HZ,
    };

    snprintf(status.device, sizeof status.device, "%s", capture->source_name);
    pthread_mutex_lock(&capture->lock);
    status.state = capture->state;
    status.rate_hz = capture->info.rate_hz;
    status.channels = capture->info.channels;
    memcpy(status.format, capture->info.format, sizeof status.format);
    status.lost = capture->lost;
    status.recovered = capture->recovered;
    status.error = capture->error;
    status.lost_s = capture->state == VA_CAPTURE_LOST ? (double)(va_clock_ns() - capture->lost_ns) / 1e9 : 0.0;
    pthread_mutex_unlock(&capture->lock);
    *ret_status = status;
}
