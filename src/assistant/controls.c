/* controls.c - the button to talk with, and the light that shows what the assistant does. */
#include "assistant/state.h"

#include <string.h>

#include "base/log.h"

static void tell_device(const char *what, const va_error *error)
{
    if (error == NULL)
        va_log(VA_LOG_INFO, "assistant", "the %s is there", what);
    else
        va_log(VA_LOG_WARNING, "assistant", "the %s: %s", what, error->text);
}

static void on_button_device(void *user, const va_error *error)
{
    tell_device("button", error);
}

static void on_light_device(void *user, const va_error *error)
{
    tell_device("light", error);
}

/* Held, or pressed to begin and again to end. */
static void on_button(void *user, int pressed)
{
    va_assistant *assistant = user;
    int phase = atomic_load(&assistant->phase);
    int is_open = phase == VA_PHASE_WAKE || phase == VA_PHASE_LISTENING || phase == VA_PHASE_THINKING;
    va_error error;

    if (va_assistant_talk(assistant, assistant->is_button_held ? pressed : !is_open, &error) < 0)
        va_log(VA_LOG_WARNING, "assistant", "the button does nothing: %s", error.text);
}

int va_controls_start(va_assistant *assistant, va_error *error)
{
    const va_config *config = assistant->settings->config;
    const struct va_button_options button = {
        .button = config->controls_button,
        .root = config->system_root,
        .hold = strcmp(config->controls_button_mode, "hold") == 0,
        .on_button = on_button,
        .on_device = on_button_device,
        .user = assistant,
    };
    const struct va_light_options light = {.light = config->controls_light, .root = config->system_root, .on_device = on_light_device};
    int r = config->controls_light[0] == '\0' ? 0 : va_light_new(&light, &assistant->light, error);

    assistant->is_button_held = button.hold;
    if (r == 0 && config->controls_button[0] != '\0')
        r = va_button_new(&button, &assistant->button, error);
    return r;
}

void va_controls_stop(va_assistant *assistant)
{
    va_button_free(assistant->button);
    assistant->button = NULL;
}

void va_controls_show(va_assistant *assistant, enum va_phase phase)
{
    static const enum va_light_state states[] = {
        [VA_PHASE_OFF] = VA_LIGHT_IDLE,          [VA_PHASE_IDLE] = VA_LIGHT_IDLE,
        [VA_PHASE_WAKE] = VA_LIGHT_LISTENING,    [VA_PHASE_LISTENING] = VA_LIGHT_LISTENING,
        [VA_PHASE_THINKING] = VA_LIGHT_THINKING, [VA_PHASE_ACTING] = VA_LIGHT_THINKING,
        [VA_PHASE_SPEAKING] = VA_LIGHT_SPEAKING, [VA_PHASE_PRIVACY] = VA_LIGHT_PRIVACY,
    };

    if (assistant->light != NULL)
        va_light_set(assistant->light, states[phase]);
}
