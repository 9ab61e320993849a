#include "assistant/state.h"

#include <math.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

/* The name and the text were spoken, or will be. */
static void tell_timer(va_assistant *assistant, const char *change, const struct va_timer_event *event)
{
    const struct va_field fields[] = {
        VA_STRING("type", event->type), VA_NUMBER("seconds", event->seconds), VA_NUMBER("late", event->late_s),
        VA_STRING("change", change),    VA_STRING("name", event->name),       VA_STRING("text", event->text),
    };

    va_event_tell(assistant, VA_LOG_INFO, "timer", fields, sizeof fields / sizeof fields[0], 2);
}

static void on_timer_change(void *user, const struct va_timer_event *event, int is_set)
{
    tell_timer(user, is_set ? "set" : "cancelled", event);
}

static void on_timer(void *user, const struct va_timer_event *event)
{
    va_assistant *assistant = user;

    tell_timer(user, "ended", event);
    va_reply_remember(assistant, atomic_load(&assistant->privacy_changes), event->text);
    va_assistant_say(user, event->text[0] != '\0' ? event->text : event->name, event->language[0] != '\0' ? event->language : NULL);
}

static void init_locks(va_assistant *assistant)
{
    pthread_mutex_init(&assistant->lock, NULL);
    pthread_mutex_init(&assistant->recording_lock, NULL);
    pthread_mutex_init(&assistant->microphone_lock, NULL);
    pthread_mutex_init(&assistant->listening_lock, NULL);
    pthread_mutex_init(&assistant->event_lock, NULL);
    pthread_mutex_init(&assistant->privacy_lock, NULL);
    pthread_mutex_init(&assistant->echo_lock, NULL);
    pthread_rwlock_init(&assistant->history_lock, NULL);
    pthread_mutex_init(&assistant->live_lock, NULL);
    pthread_cond_init(&assistant->live_changed, NULL);
    pthread_cond_init(&assistant->errand_ready, NULL);
}

static int start_actions(va_assistant *assistant, const struct va_assistant_parts *parts, va_error *error)
{
    const struct va_actions_options options = {
        .on_timer = on_timer, .on_timer_change = on_timer_change, .user = assistant, .launcher = parts->launcher, .folder = parts->folder};
    va_error reason;
    int r = va_actions_new(&options, &assistant->actions, error);

    if (r < 0 || (r = va_builtins_register(assistant, error)) < 0)
        return r;
    if (va_actions_restore(assistant->actions, &reason) < 0)
        va_log(VA_LOG_WARNING, "assistant", "%s", reason.text);
    return 0;
}

static int restart_listening(va_assistant *assistant, va_error *error)
{
    pthread_mutex_lock(&assistant->privacy_lock);
    va_listening_stop(assistant);
    int r = va_listening_start(assistant, error);
    pthread_mutex_unlock(&assistant->privacy_lock);
    return r;
}

int va_assistant_new(const struct va_assistant_parts *parts, va_config *config, va_commands *commands, va_assistant **ret_assistant,
                     va_error *error)
{
    int r;
    va_assistant *assistant = va_calloc(1, sizeof *assistant);
    if (assistant == NULL)
        return va_fail_memory(error);
    init_locks(assistant);
    assistant->model = parts->model;
    assistant->history = parts->history;
    assistant->metrics = parts->metrics;
    assistant->launcher = parts->launcher;
    assistant->started_s = va_assistant_now_s();
    if (getrandom(&assistant->run_id, sizeof assistant->run_id, GRND_NONBLOCK) != (ssize_t)sizeof assistant->run_id)
        assistant->run_id = va_clock_ns();
    assistant->vad_model = parts->vad_model;
    assistant->n_words = parts->n_words;
    assistant->words = va_calloc(parts->n_words + 1, sizeof *assistant->words);
    assistant->model_name = va_strdup(parts->model_name);
    assistant->power =
        (struct va_power_options){va_strdup(config->system_root), va_strdup(config->power_charge_gpio), config->power_wifi_off};
    if (assistant->model_name == NULL || assistant->power.root == NULL || assistant->power.charge_gpio == NULL ||
        assistant->words == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    assistant->subscribers[0] = (struct va_subscriber){parts->on_event, parts->event_user};
    if (parts->n_words > 0)
        memcpy(assistant->words, parts->words, parts->n_words * sizeof *parts->words);
    if ((r = va_settings_new(parts->model, config, commands, &assistant->settings, error)) < 0 ||
        (r = va_buffer_pool_new((size_t)config->audio_buffer_size, (size_t)config->audio_pool_size, &assistant->pool, error)) < 0 ||
        (r = va_speech_start(assistant, error)) < 0 || (r = start_actions(assistant, parts, error)) < 0 ||
        (r = va_jobs_start(assistant, parts->folder, error)) < 0 || (r = va_errands_start(assistant, error)) < 0 ||
        (r = va_power_start(assistant, error)) < 0 || (r = va_controls_start(assistant, error)) < 0 ||
        (r = va_privacy_start(assistant, parts->folder, error)) < 0 || (r = restart_listening(assistant, error)) < 0)
        goto fail;
    *ret_assistant = assistant;
    return 0;

fail:
    if (assistant->settings != NULL)
        assistant->settings->is_lent = 1; /* threads use them until the end */
    va_assistant_free(assistant);
    return r;
}

void va_assistant_stop(va_assistant *assistant)
{
    va_privacy_stop(assistant);
    pthread_mutex_lock(&assistant->lock);
    assistant->stopping = 1;
    pthread_mutex_unlock(&assistant->lock);
    va_power_stop(assistant);
    va_controls_stop(assistant);
    va_listening_stop(assistant);
    va_lives_stop(assistant);
    va_jobs_stop(assistant);
    if (assistant->actions != NULL)
        va_actions_stop(assistant->actions, VA_ACTIONS_GRACE_S);
    va_errands_finish(assistant);
    va_lives_join(assistant);
    va_recording_drop(assistant);
}

void va_assistant_free(va_assistant *assistant)
{
    if (assistant == NULL)
        return;
    va_assistant_stop(assistant);
    va_workers_free(assistant->workers);
    va_actions_free(assistant->actions); /* its timers speak */
    va_speaker_free(assistant->synthesiser);
    va_echo_free(assistant->echo);
    va_light_free(assistant->light);
    va_buffer_pool_free(assistant->pool);
    va_settings_release(assistant->settings);
    va_free(assistant->latest.text);
    va_free(assistant->pending);
    va_free(assistant->last_reply);
    va_free(assistant->recorder_source);
    va_free(assistant->words);
    va_free(assistant->model_name);
    va_power_free(assistant);
    va_free((char *)assistant->power.root);
    va_free((char *)assistant->power.charge_gpio);
    pthread_mutex_destroy(&assistant->event_lock);
    pthread_mutex_destroy(&assistant->listening_lock);
    pthread_mutex_destroy(&assistant->microphone_lock);
    va_free(assistant->folder);
    pthread_cond_destroy(&assistant->errand_ready);
    pthread_rwlock_destroy(&assistant->history_lock);
    pthread_cond_destroy(&assistant->live_changed);
    pthread_mutex_destroy(&assistant->live_lock);
    pthread_mutex_destroy(&assistant->echo_lock);
    pthread_mutex_destroy(&assistant->privacy_lock);
    pthread_mutex_destroy(&assistant->recording_lock);
    pthread_mutex_destroy(&assistant->lock);
    va_free(assistant);
}

int va_assistant_reload(va_assistant *assistant, va_config *config, va_commands *commands, va_error *error)
{
    struct va_settings *settings;
    va_error reason;
    int r = va_settings_new(assistant->model, config, commands, &settings, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(&assistant->lock);
    struct va_settings *old = assistant->settings;
    assistant->settings = settings;
    pthread_mutex_unlock(&assistant->lock);
    va_settings_release(old);
    va_event_tell(assistant, VA_LOG_DEBUG, "reloaded", NULL, 0, 0);
    /* With the new commands, and perhaps another microphone. The settings hold in any case. */
    if (restart_listening(assistant, &reason) < 0)
        va_log(VA_LOG_ERROR, "assistant", "the microphone is not listened to: %s", reason.text);
    return 0;
}

const va_model *va_assistant_model(const va_assistant *assistant)
{
    return assistant->model;
}

void va_assistant_get_status(va_assistant *assistant, struct va_assistant_status *ret_status)
{
    va_workers_status workers;

    va_workers_get_status(assistant->workers, &workers);
    pthread_mutex_lock(&assistant->lock);
    *ret_status = (struct va_assistant_status){
        .state = va_phase_name(atomic_load(&assistant->phase)),
        .recording = atomic_load(&assistant->recording),
        .privacy = va_assistant_is_private(assistant),
        .sounding = atomic_load(&assistant->sounding),
        .queued = workers.waiting,
        .running = workers.running,
        .capacity = workers.max_waiting,
        .workers = workers.workers,
        .transcriptions = assistant->transcriptions,
        .windows = assistant->windows,
        .retried = assistant->retried,
        .failures = assistant->failures,
        .commands = atomic_load(&assistant->commands_run),
        .stalled_s = workers.waiting + workers.running > 0 ? fmax(0.0, va_assistant_now_s() - atomic_load(&assistant->progress_s)) : 0.0,
        .uptime_s = va_assistant_now_s() - assistant->started_s,
        .model = assistant->model_name,
        .kernels = va_model_kernels(assistant->model),
        .multilingual = va_model_is_multilingual(assistant->model),
    };
    pthread_mutex_unlock(&assistant->lock);
}
