#include "assistant/state.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

static void on_timer(void *user, const char *name, double seconds)
{
    const struct va_field fields[] = {VA_NUMBER("seconds", seconds), VA_STRING("name", name)}; /* the name was spoken */
    struct va_settings *settings = va_settings_hold(user);

    va_log_event(VA_LOG_INFO, "assistant", "timer", fields, settings->config->privacy_log_text ? 2 : 1);
    va_settings_release(settings);
}

static void init_locks(va_assistant *assistant)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&assistant->lock, NULL);
    pthread_mutex_init(&assistant->recording_lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&assistant->errand_ready, &attributes);
    pthread_condattr_destroy(&attributes);
}

int va_assistant_new(const va_model *model, const char *model_name, va_config *config, va_commands *commands, va_assistant **ret_assistant,
                     va_error *error)
{
    int r;
    va_assistant *assistant = va_calloc(1, sizeof *assistant);
    if (assistant == NULL)
        return va_fail_memory(error);
    init_locks(assistant);
    assistant->model = model;
    assistant->started_s = va_assistant_now_s();
    if (getrandom(&assistant->run_id, sizeof assistant->run_id, GRND_NONBLOCK) != (ssize_t)sizeof assistant->run_id)
        assistant->run_id = va_clock_ns();
    assistant->model_name = va_strdup(model_name);
    if (assistant->model_name == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    if ((r = va_settings_new(config, commands, &assistant->settings, error)) < 0 ||
        (r = va_buffer_pool_new((size_t)config->audio_buffer_size, (size_t)config->audio_pool_size, &assistant->pool, error)) < 0 ||
        (r = va_actions_new(on_timer, assistant, &assistant->actions, error)) < 0 || (r = va_jobs_start(assistant, error)) < 0 ||
        (r = va_errands_start(assistant, error)) < 0)
        goto fail;
    *ret_assistant = assistant;
    return 0;

fail:
    /* config and commands stay the caller's. */
    if (assistant->settings != NULL)
        assistant->settings->config = NULL, assistant->settings->commands = NULL;
    va_assistant_free(assistant);
    return r;
}

void va_assistant_stop(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->lock);
    assistant->stopping = 1;
    pthread_mutex_unlock(&assistant->lock);
    if (assistant->workers != NULL)
        va_workers_shutdown(assistant->workers, 0);
    va_errands_finish(assistant);

    pthread_mutex_lock(&assistant->recording_lock);
    va_recorder_free(assistant->recorder);
    assistant->recorder = NULL;
    atomic_store(&assistant->recording, 0);
    pthread_mutex_unlock(&assistant->recording_lock);
}

void va_assistant_free(va_assistant *assistant)
{
    if (assistant == NULL)
        return;
    va_assistant_stop(assistant);
    va_workers_free(assistant->workers);
    va_actions_free(assistant->actions);
    va_buffer_pool_free(assistant->pool);
    va_settings_release(assistant->settings);
    va_free(assistant->latest.text);
    va_free(assistant->recorder_source);
    va_free(assistant->model_name);
    pthread_cond_destroy(&assistant->errand_ready);
    pthread_mutex_destroy(&assistant->recording_lock);
    pthread_mutex_destroy(&assistant->lock);
    va_free(assistant);
}

int va_assistant_reload(va_assistant *assistant, va_config *config, va_commands *commands, va_error *error)
{
    struct va_settings *settings;
    int r = va_settings_new(config, commands, &settings, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(&assistant->lock);
    struct va_settings *old = assistant->settings;
    assistant->settings = settings;
    pthread_mutex_unlock(&assistant->lock);
    va_settings_release(old);
    return 0;
}

void va_assistant_get_status(va_assistant *assistant, struct va_assistant_status *ret_status)
{
    va_workers_status workers;

    va_workers_get_status(assistant->workers, &workers);
    pthread_mutex_lock(&assistant->lock);
    *ret_status = (struct va_assistant_status){
        .recording = atomic_load(&assistant->recording),
        .queued = workers.waiting,
        .running = workers.running,
        .capacity = workers.max_waiting,
        .workers = workers.workers,
        .transcriptions = assistant->transcriptions,
        .windows = assistant->windows,
        .retried = assistant->retried,
        .failures = assistant->failures,
        .commands = atomic_load(&assistant->commands_run),
        .uptime_s = va_assistant_now_s() - assistant->started_s,
        .model = assistant->model_name,
        .kernels = va_model_kernels(assistant->model),
        .multilingual = va_model_is_multilingual(assistant->model),
    };
    pthread_mutex_unlock(&assistant->lock);
}
