#include "assistant/state.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"

/* With recording_lock held: a recorder that fits the present configuration. */
static int prepare_recorder(va_assistant *assistant, const va_config *config, va_error *error)
{
    if (assistant->recorder != NULL && strcmp(assistant->recorder_source, config->audio_microphone) == 0 &&
        assistant->recorder_max_s == config->audio_max_recording)
        return 0;
    va_recorder *recorder;
    char *source = va_strdup(config->audio_microphone);
    if (source == NULL)
        return va_fail_memory(error);
    int r = va_recorder_new(source, assistant->pool, config->audio_max_recording, &recorder, error);
    if (r < 0) {
        va_free(source);
        return r;
    }
    va_recorder_free(assistant->recorder);
    va_free(assistant->recorder_source);
    assistant->recorder = recorder;
    assistant->recorder_source = source;
    assistant->recorder_max_s = config->audio_max_recording;
    return 0;
}

/* With recording_lock held. The recording holds the microphone, which may be open already. */
static int start_recorder(va_assistant *assistant, va_error *error)
{
    va_capture *capture;
    int r = va_microphone_hold(assistant, 1, &capture, error);

    if (r < 0)
        return r;
    va_recorder_share(assistant->recorder, capture);
    r = va_recorder_start(assistant->recorder, error);
    if (r < 0)
        va_microphone_release(assistant);
    return r;
}

static void tell(va_assistant *assistant, int on)
{
    const struct va_field field = VA_BOOL("on", on);

    va_event_tell(assistant, VA_LOG_DEBUG, "recording", &field, 1, 0);
    va_phase_change(assistant, VA_FACT_RECORDING, on);
}

int va_assistant_start_recording(va_assistant *assistant, va_error *error)
{
    struct va_settings *settings = va_settings_hold(assistant);
    int r;

    pthread_mutex_lock(&assistant->recording_lock);
    if (va_assistant_is_private(assistant)) {
        r = va_fail(error, VA_EDENIED, "privacy mode is on");
    } else if (atomic_load(&assistant->recording)) {
        r = va_fail(error, VA_ESTATE, "already recording");
    } else {
        r = prepare_recorder(assistant, settings->config, error);
        if (r == 0)
            r = start_recorder(assistant, error);
        if (r == 0) {
            atomic_store(&assistant->recording, 1);
            tell(assistant, 1);
        }
    }
    pthread_mutex_unlock(&assistant->recording_lock);
    va_settings_release(settings);
    return r;
}

/* With recording_lock held, when the recorder has stopped. */
static void end(va_assistant *assistant)
{
    atomic_store(&assistant->recording, 0);
    va_microphone_release(assistant);
    tell(assistant, 0);
}

void va_recording_drop(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->recording_lock);
    va_recorder_free(assistant->recorder);
    assistant->recorder = NULL;
    if (atomic_load(&assistant->recording))
        end(assistant);
    pthread_mutex_unlock(&assistant->recording_lock);
}

int va_assistant_stop_recording(va_assistant *assistant, char ret_id[VA_ID_SIZE], double *ret_duration_s, va_error *error)
{
    float *pcm = NULL;
    size_t n = 0;
    int r;

    pthread_mutex_lock(&assistant->recording_lock);
    if (!atomic_load(&assistant->recording)) {
        r = va_fail(error, VA_ESTATE, "not recording");
    } else {
        r = va_recorder_stop(assistant->recorder, &pcm, &n, error);
        if (r != VA_ENOMEM) /* then it is still there */
            end(assistant);
    }
    /* Still with the lock: privacy mode finds it either recorded or in flight. */
    const struct va_job job = {.priority = VA_PRIORITY_LIVE, .fd = -1, .pcm = pcm, .n_samples = n, .timestamps = VA_TIMESTAMPS_NONE};
    if (r == 0)
        r = va_assistant_submit(assistant, &job, ret_id, error);
    pthread_mutex_unlock(&assistant->recording_lock);
    if (r < 0)
        va_free(pcm);
    else
        *ret_duration_s = (double)n / VA_SAMPLE_RATE_HZ;
    return r;
}
