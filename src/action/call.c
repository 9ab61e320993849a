/* call.c - what an action asks and tells while it runs. */
#include "action/actions.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define DEFAULT_TIMEOUT_S 10
#define MAX_TIMEOUT_S 300

const char *va_slot_find(const va_slot *slots, size_t n, const char *name)
{
    while (n-- > 0)
        if (strcmp(slots[n].name, name) == 0)
            return slots[n].value;
    return NULL;
}

const struct va_action_request *va_action_request(const struct va_action_call *call)
{
    return call->request;
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

int va_action_timeout(const char *text, double *ret_timeout_s, va_error *error)
{
    *ret_timeout_s = DEFAULT_TIMEOUT_S;
    return text == NULL ? 0 : va_action_number(text, "timeout", 0.01, MAX_TIMEOUT_S, ret_timeout_s, error);
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

int va_action_refuse(struct va_action_call *call, const char *setting)
{
    call->success = 0;
    call->response = va_action_setting(call, setting, "");
    return 0;
}

int va_action_fail(struct va_action_call *call, int code, const char *text)
{
    return va_fail(call->error, code, "%s", text);
}

int va_action_would(struct va_action_call *call, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n >= (int)sizeof text)
        memcpy(text + sizeof text - 4, "...", 4);
    va_free(call->would);
    call->would = va_strdup(text);
    return call->would == NULL ? va_fail_memory(call->error) : 0;
}

int va_action_run_none(struct va_action_call *call)
{
    return 0;
}
