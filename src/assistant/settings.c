#include "assistant/state.h"

#include "base/memory.h"

int va_settings_new(const va_model *model, va_config *config, va_commands *commands, struct va_settings **ret_settings, va_error *error)
{
    struct va_settings *settings = va_calloc(1, sizeof *settings);
    if (settings == NULL)
        return va_fail_memory(error);
    int r = va_steering_new(model, commands, NULL, &settings->steering, error);
    if (r < 0) {
        va_free(settings);
        return r;
    }
    atomic_init(&settings->holds, 1);
    settings->config = config;
    settings->commands = commands;
    *ret_settings = settings;
    return 0;
}

struct va_settings *va_settings_hold(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->lock);
    struct va_settings *settings = assistant->settings;
    atomic_fetch_add(&settings->holds, 1);
    pthread_mutex_unlock(&assistant->lock);
    return settings;
}

void va_settings_release(struct va_settings *settings)
{
    if (settings == NULL || atomic_fetch_sub(&settings->holds, 1) > 1)
        return;
    va_steering_free(settings->steering);
    if (!settings->is_lent) {
        va_config_free(settings->config);
        va_commands_free(settings->commands);
    }
    va_free(settings);
}
