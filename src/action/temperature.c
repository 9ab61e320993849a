/* temperature.c - set_temperature: an example of a command with a value. The value is kept, for what comes to use it. */
#include "action/actions.h"

#include <math.h>

/* The range when the command file names none: what a room is heated to. */
#define MINIMUM 5
#define MAXIMUM 35

static int read_range(const va_slot *settings, size_t n, double *ret_min, double *ret_max, va_error *error)
{
    const char *min_text = va_slot_find(settings, n, "minimum"), *max_text = va_slot_find(settings, n, "maximum");
    double min = MINIMUM, max = MAXIMUM;
    int r = 0;

    if (min_text != NULL)
        r = va_action_number(min_text, "minimum", -1000, 10000, &min, error);
    if (r == 0 && max_text != NULL)
        r = va_action_number(max_text, "maximum", -1000, 10000, &max, error);
    if (r == 0 && min > max)
        r = va_fail(error, VA_EINVAL, "'minimum' is above 'maximum'");
    if (r < 0)
        return r;
    *ret_min = min;
    *ret_max = max;
    return 0;
}

int va_action_check_temperature(const struct va_action_settings *settings, va_error *error)
{
    double min, max;

    return read_range(settings->settings, settings->n_settings, &min, &max, error);
}

int va_action_run_set_temperature(struct va_action_call *call)
{
    double min, max, value;
    int r = read_range(call->request->settings, call->request->n_settings, &min, &max, call->error);

    if (r < 0 || (r = va_action_number(va_action_slot(call, "value"), "value", min, max, &value, call->error)) < 0)
        return r;
    if (call->request->dry_run)
        return va_action_would(call, "would set the temperature to %.10g", value);
    pthread_mutex_lock(&call->actions->lock);
    call->actions->temperature = value;
    pthread_mutex_unlock(&call->actions->lock);
    return va_action_field_number(call, "value", value);
}

int va_action_run_get_temperature(struct va_action_call *call)
{
    pthread_mutex_lock(&call->actions->lock);
    double value = call->actions->temperature;
    pthread_mutex_unlock(&call->actions->lock);
    if (!isnan(value))
        return va_action_field_number(call, "value", value);
    return va_action_refuse(call, "none");
}
