#include "power/power_json.h"

#include <string.h>

static void write_governors(struct va_json *json, const char *names)
{
    char name[64];

    va_json_open(json, "governors", '[');
    for (const char *p = names; *p != '\0';) {
        size_t n = strcspn(p, " ");
        if (n > 0 && n < sizeof name) {
            memcpy(name, p, n);
            name[n] = '\0';
            va_json_text(json, NULL, name);
        }
        p += n + (p[n] == ' ');
    }
    va_json_close(json, ']');
}

void va_power_json(struct va_json *json, const struct va_power_state *state)
{
    va_json_text(json, "mode", state->mode);
    va_json_text(json, "governor", state->governor[0] != '\0' ? state->governor : NULL);
    write_governors(json, state->governors);
    if (state->backlight < 0) {
        va_json_text(json, "backlight", NULL);
    } else {
        va_json_open(json, "backlight", '{');
        va_json_integer(json, "value", state->backlight);
        va_json_integer(json, "max", state->max_backlight);
        va_json_close(json, '}');
    }
    if (state->wifi < 0)
        va_json_text(json, "wifi", NULL);
    else
        va_json_bool(json, "wifi", state->wifi);
    va_json_number(json, "cpu_temperature", state->cpu_celsius, 1);
    if (state->throttled < 0)
        va_json_text(json, "throttled", NULL);
    else
        va_json_bool(json, "throttled", state->throttled);
    if (state->n_throttled < 0)
        va_json_text(json, "throttle_count", NULL);
    else
        va_json_integer(json, "throttle_count", state->n_throttled);
    va_json_bool(json, "can_sleep", state->can_sleep);
}

void va_battery_json(struct va_json *json, const struct va_battery *battery, const char *reason)
{
    va_json_bool(json, "present", battery != NULL);
    if (battery == NULL) {
        va_json_text(json, "reason", reason);
        return;
    }
    va_json_text(json, "source", battery->source);
    va_json_number(json, "percent", battery->percent, 1);
    va_json_number(json, "voltage", battery->volts, 3);
    if (battery->charging < 0)
        va_json_text(json, "charging", NULL);
    else
        va_json_bool(json, "charging", battery->charging);
}
