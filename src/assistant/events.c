/* events.c - what happens, told to the log and to whoever wants to know. */
#include "assistant/state.h"

int va_assistant_subscribe(va_assistant *assistant, va_assistant_event_fn call, void *user, va_error *error)
{
    int r = VA_ELIMIT;

    pthread_mutex_lock(&assistant->event_lock);
    for (size_t i = 0; r < 0 && i < VA_MAX_SUBSCRIBERS; i++)
        if (assistant->subscribers[i].call == NULL) {
            assistant->subscribers[i] = (struct va_subscriber){call, user};
            r = 0;
        }
    pthread_mutex_unlock(&assistant->event_lock);
    return r == 0 ? 0 : va_fail(error, r, "too many are told about events");
}

void va_assistant_unsubscribe(va_assistant *assistant, va_assistant_event_fn call, void *user)
{
    pthread_mutex_lock(&assistant->event_lock);
    for (size_t i = 0; i < VA_MAX_SUBSCRIBERS; i++)
        if (assistant->subscribers[i].call == call && assistant->subscribers[i].user == user)
            assistant->subscribers[i].call = NULL;
    pthread_mutex_unlock(&assistant->event_lock);
}

/* With event_lock held. */
static void tell(va_assistant *assistant, enum va_log_level level, const char *name, const struct va_field *fields, size_t n,
                 size_t n_private)
{
    struct va_settings *settings = va_settings_hold(assistant);

    va_log_event(level, "assistant", name, fields, settings->config->privacy_log_text ? n : n - n_private);
    va_settings_release(settings);
    /* Nobody hears in privacy mode what was said, not even of uploads, which only their sender does. */
    size_t n_told = va_assistant_is_private(assistant) ? n - n_private : n;
    for (size_t i = 0; i < VA_MAX_SUBSCRIBERS; i++)
        if (assistant->subscribers[i].call != NULL)
            assistant->subscribers[i].call(assistant->subscribers[i].user, name, fields, n_told);
}

void va_event_tell(va_assistant *assistant, enum va_log_level level, const char *name, const struct va_field *fields, size_t n,
                   size_t n_private)
{
    pthread_mutex_lock(&assistant->event_lock);
    tell(assistant, level, name, fields, n, n_private);
    pthread_mutex_unlock(&assistant->event_lock);
}

void va_phase_change(va_assistant *assistant, enum va_fact fact, int value)
{
    pthread_mutex_lock(&assistant->event_lock);
    enum va_phase before = va_phase_of(&assistant->facts);
    va_phase_note(&assistant->facts, fact, value);
    enum va_phase after = va_phase_of(&assistant->facts);
    atomic_store(&assistant->phase, after);
    if (after != before) {
        va_controls_show(assistant, after);
        va_power_nudge(assistant);
        const struct va_field fields[] = {VA_STRING("from", va_phase_name(before)), VA_STRING("to", va_phase_name(after))};
        tell(assistant, VA_LOG_DEBUG, "state", fields, 2, 0);
    }
    pthread_mutex_unlock(&assistant->event_lock);
}
