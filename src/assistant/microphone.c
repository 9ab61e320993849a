/* microphone.c - the one capture, shared by listening and recordings: open while somebody holds it. */
#include "assistant/state.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static const char *name_of(enum va_capture_state state)
{
    static const char *const names[] = {
        [VA_CAPTURE_CLOSED] = "closed", [VA_CAPTURE_OPEN] = "open", [VA_CAPTURE_LOST] = "lost", [VA_CAPTURE_ENDED] = "ended"};

    return names[state];
}

static void on_change(void *user, const struct va_capture_event *event)
{
    const char *what = event->change == VA_CAPTURE_OVERRUN   ? "overrun"
                       : event->change == VA_CAPTURE_SILENCE ? (event->is_silent ? "silent" : "sound")
                                                             : name_of(event->state);
    const struct va_field fields[] = {
        VA_STRING("state", what),
        VA_STRING("device", event->device),
        VA_STRING("error", event->error.code < 0 ? event->error.text : ""),
        VA_NUMBER("gap", event->gap_s),
        VA_INTEGER("overruns", (int64_t)event->overruns),
    };
    int is_trouble = event->error.code < 0 || event->change == VA_CAPTURE_OVERRUN || event->is_silent;

    va_event_tell(user, is_trouble ? VA_LOG_WARNING : VA_LOG_INFO, "microphone", fields, 5, 0);
}

/* Whether it is there at this moment. */
static int check_open(va_capture *capture, va_error *error)
{
    struct va_capture_status status;

    va_capture_get_status(capture, &status);
    return status.state == VA_CAPTURE_LOST ? va_fail(error, status.error.code, "%s", status.error.text) : 0;
}

static void add_up(struct va_capture_status *sum, const struct va_capture_status *other)
{
    sum->overruns += other->overruns;
    sum->lost += other->lost;
    sum->recovered += other->recovered;
    sum->lost_samples += other->lost_samples;
    sum->clipped_samples += other->clipped_samples;
}

/* With microphone_lock held: a device is opened before, and closed behind, so that who asks for the status need not wait for it. Returns
 * the one before, of which only the numbers are left. */
static va_capture *exchange(va_assistant *assistant, va_capture *capture)
{
    struct va_capture_status ended;

    pthread_mutex_lock(&assistant->lock);
    va_capture *before = assistant->capture;
    if (before != NULL) {
        va_capture_get_status(before, &ended);
        add_up(&assistant->captured, &ended);
    }
    assistant->capture = capture;
    pthread_mutex_unlock(&assistant->lock);
    return before;
}

int va_microphone_hold(va_assistant *assistant, int fail_at_once, va_capture **ret_capture, va_error *error)
{
    struct va_settings *settings = va_settings_hold(assistant);
    const struct va_capture_options options = {
        .source = settings->config->audio_microphone, .fail_at_once = fail_at_once, .on_event = on_change, .user = assistant};
    va_capture *started = NULL;
    int r = va_assistant_check_storage(assistant, error);

    pthread_mutex_lock(&assistant->microphone_lock);
    if (r < 0)
        ; /* it stays closed */
    else if (assistant->microphone_holds == 0 && (r = va_capture_start(&options, &started, error)) == 0)
        exchange(assistant, started);
    else if (r == 0 && fail_at_once)
        r = check_open(assistant->capture, error);
    if (r == 0) {
        assistant->microphone_holds++;
        *ret_capture = assistant->capture;
    }
    pthread_mutex_unlock(&assistant->microphone_lock);
    va_settings_release(settings);
    return r;
}

void va_assistant_get_microphone(va_assistant *assistant, struct va_microphone_status *ret_status)
{
    struct va_capture_status capture = {.state = VA_CAPTURE_CLOSED, .rms_db = -120.0f, .peak_db = -120.0f};

    pthread_mutex_lock(&assistant->lock);
    if (assistant->capture != NULL)
        va_capture_get_status(assistant->capture, &capture);
    add_up(&capture, &assistant->captured);
    pthread_mutex_unlock(&assistant->lock);
    *ret_status = (struct va_microphone_status){
        .state = name_of(capture.state),
        .rate_hz = capture.rate_hz,
        .channels = capture.channels,
        .rms_db = capture.rms_db,
        .peak_db = capture.peak_db,
        .overruns = capture.overruns,
        .lost = capture.lost,
        .recovered = capture.recovered,
        .lost_samples = capture.lost_samples,
        .clipped_samples = capture.clipped_samples,
        .silent_s = capture.silent_s,
        .lost_s = capture.lost_s,
    };
    snprintf(ret_status->device, sizeof ret_status->device, "%s", capture.device);
    snprintf(ret_status->format, sizeof ret_status->format, "%s", capture.format);
    snprintf(ret_status->error, sizeof ret_status->error, "%s", capture.error.code < 0 ? capture.error.text : "");
}

void va_microphone_release(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->microphone_lock);
    if (--assistant->microphone_holds == 0)
        va_capture_free(exchange(assistant, NULL));
    pthread_mutex_unlock(&assistant->microphone_lock);
}
