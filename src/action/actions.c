#include "action/actions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const char *const no_settings[] = {NULL};
static const char *const time_settings[] = {"format", NULL};
static const char *const temperature_settings[] = {"minimum", "maximum", "none", NULL};
static const char *const timer_settings[] = {"do", "none", "which", "hour", "hours", "minute", "minutes", "second", "seconds", NULL};
static const char *const volume_settings[] = {"do", "by", "card", "control", NULL};
static const char *const process_settings[] = {"executable", "timeout", NULL};

static const struct va_action_type types[] = {
    {"none", no_settings, NULL, va_action_run_none},
    {"say", no_settings, NULL, va_action_run_none},
    {"time", time_settings, va_action_check_time, va_action_run_time},
    {"date", time_settings, va_action_check_time, va_action_run_time},
    {"timer", timer_settings, va_action_check_timer, va_action_run_timer},
    {"set_temperature", temperature_settings, va_action_check_temperature, va_action_run_set_temperature},
    {"get_temperature", temperature_settings, va_action_check_temperature, va_action_run_get_temperature},
    {"volume", volume_settings, va_action_check_volume, va_action_run_volume},
    {"process", process_settings, va_action_check_process, va_action_run_process},
};

/* A command without an action only answers. */
static const struct va_action_type *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name[0] == '\0' ? "none" : name) == 0)
            return &types[i];
    return NULL;
}

static int fail_type(const char *type, va_error *error)
{
    char names[160] = "";
    size_t n = 0;

    for (size_t i = 0; i < sizeof types / sizeof types[0] && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i > 0 ? ", " : "", types[i].name);
    return va_fail(error, VA_ENOTFOUND, "there is no action '%.40s'; there are: %s", type, names);
}

int va_actions_new(va_timer_fn on_timer, void *user, va_actions **ret_actions, va_error *error)
{
    va_actions *actions = va_calloc(1, sizeof *actions);

    if (actions == NULL)
        return va_fail_memory(error);
    actions->temperature = NAN;
    pthread_mutex_init(&actions->lock, NULL);
    if (va_timers_new(on_timer, user, &actions->timers) < 0) {
        va_actions_free(actions);
        return va_fail_memory(error);
    }
    *ret_actions = actions;
    return 0;
}

void va_actions_free(va_actions *actions)
{
    if (actions == NULL)
        return;
    va_timers_free(actions->timers);
    pthread_mutex_destroy(&actions->lock);
    va_free(actions);
}

int va_actions_run(va_actions *actions, const struct va_action_request *request, struct va_action_result *ret_result, va_error *error)
{
    const struct va_action_type *type = find_type(request->type);
    char *response = NULL;

    if (type == NULL)
        return fail_type(request->type, error);
    struct va_action_call call = {.actions = actions,
                                  .request = request,
                                  .response = request->response == NULL ? "" : request->response,
                                  .success = 1,
                                  .error = error};
    int r = type->run(&call);
    if (r == 0) {
        r = va_response_fill(call.response, request->slots, request->n_slots, call.fields, call.n_fields, &response);
        if (r < 0)
            va_fail(error, r, "cannot make the response of '%s': %s", request->command, va_status_text(r));
    }
    for (size_t i = 0; i < call.n_fields; i++) {
        va_free((char *)call.fields[i].name);
        va_free((char *)call.fields[i].value);
    }
    if (r < 0) {
        va_free(call.output);
        return r;
    }
    *ret_result = (struct va_action_result){.success = call.success, .response = response, .output = call.output};
    return 0;
}

void va_action_result_clear(struct va_action_result *result)
{
    va_free(result->response);
    va_free(result->output);
    *result = (struct va_action_result){0};
}

int va_actions_check(const char *type_name, const va_slot *settings, size_t n_settings, const char *const *arguments, size_t n_arguments,
                     va_error *error)
{
    const struct va_action_type *type = find_type(type_name);

    if (type == NULL)
        return fail_type(type_name, error);
    for (size_t i = 0; i < n_settings; i++) {
        size_t k = 0;
        while (type->settings[k] != NULL && strcmp(type->settings[k], settings[i].name) != 0)
            k++;
        if (type->settings[k] == NULL)
            return va_fail(error, VA_EINVAL, "the action '%s' has no setting '%.60s'", type->name, settings[i].name);
    }
    if (n_arguments > 0 && type->run != va_action_run_process)
        return va_fail(error, VA_EINVAL, "the action '%s' takes no arguments", type->name);
    struct va_action_settings all = {settings, n_settings, arguments, n_arguments};
    return type->check == NULL ? 0 : type->check(&all, error);
}

/* ---- shared by the actions ---- */

const char *va_slot_find(const va_slot *slots, size_t n, const char *name)
{
    while (n-- > 0)
        if (strcmp(slots[n].name, name) == 0)
            return slots[n].value;
    return NULL;
}

const char *va_action_slot(const struct va_action_call *call, const char *name)
{
    return va_slot_find(call->request->slots, call->request->n_slots, name);
}

const char *va_action_setting(const struct va_action_call *call, const char *name, const char *otherwise)
{
    const char *value = va_slot_find(call->request->settings, call->request->n_settings, name);
    return value == NULL ? otherwise : value;
}

int va_action_number(const char *text, const char *what, double min, double max, double *ret_value, va_error *error)
{
    char *end;

    if (text == NULL)
        return va_fail(error, VA_EINVAL, "'%s' is missing", what);
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value))
        return va_fail(error, VA_EINVAL, "'%s' must be a number, not \"%.60s\"", what, text);
    if (value < min || value > max)
        return va_fail(error, VA_EINVAL, "'%s' must be from %.10g to %.10g, not %.10g", what, min, max, value);
    *ret_value = value;
    return 0;
}

int va_action_field(struct va_action_call *call, const char *name, const char *value)
{
    if (call->n_fields == VA_FIELDS_MAX)
        return va_fail(call->error, VA_ELIMIT, "an action names more than %d fields", VA_FIELDS_MAX);
    char *name_copy = va_strdup(name), *value_copy = va_strdup(value);
    if (name_copy == NULL || value_copy == NULL) {
        va_free(name_copy);
        va_free(value_copy);
        return va_fail_memory(call->error);
    }
    call->fields[call->n_fields++] = (va_slot){.name = name_copy, .value = value_copy};
    return 0;
}

int va_action_field_number(struct va_action_call *call, const char *name, double value)
{
    char text[32];

    snprintf(text, sizeof text, "%.10g", value);
    return va_action_field(call, name, text);
}

int va_action_run_none(struct va_action_call *call)
{
    return 0;
}
