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

int va_assistant_start_recording(va_assistant *assistant, va_error *error)
{
    struct va_settings *settings = va_settings_hold(assistant);
    int r;

    pthread_mutex_lock(&assistant->recording_lock);
    if (atomic_load(&assistant->recording)) {
        r = va_fail(error, VA_ESTATE, "already recording");
    } else {
        r = prepare_recorder(assistant, settings->config, error);
        if (r == 0)
            r = va_recorder_start(assistant->recorder, error);
        if (r == 0)
            atomic_store(&assistant->recording, 1);
    }
    pthread_mutex_unlock(&assistant->recording_lock);
    va_settings_release(settings);
    return r;
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
        atomic_store(&assistant->recording, 0);
    }
    pthread_mutex_unlock(&assistant->recording_lock);
    if (r < 0)
        return r;
    const struct va_job job = {.priority = VA_PRIORITY_LIVE, .fd = -1, .pcm = pcm, .n_samples = n, .timestamps = VA_TIMESTAMPS_NONE};
    r = va_assistant_submit(assistant, &job, ret_id, error);
    if (r < 0)
        va_free(pcm);
    else
        *ret_duration_s = (double)n / VA_SAMPLE_RATE_HZ;
    return r;
}
