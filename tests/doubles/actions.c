/* A stand-in for the actions. */
#include "doubles/doubles.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include "action/action.h"
#include "base/memory.h"

#define MAX_REGISTERED 8

struct va_actions {
    struct {
        const char *type;
        va_action_fn run;
        void *user;
    } registered[MAX_REGISTERED]; /* [n_registered] */
    size_t n_registered;
};

/* A registered action's answer is its fields, "NAME=VALUE " each, or the setting it refused with. */
struct va_action_call {
    const struct va_action_request *request;
    char text[1024];
    int success;
};

int va_actions_new(const struct va_actions_options *options, va_actions **ret_actions, va_error *error)
{
    doubles.on_timer = options->on_timer;
    doubles.timer_user = options->user;
    *ret_actions = va_calloc(1, sizeof **ret_actions);
    return *ret_actions != NULL ? 0 : va_fail_memory(error);
}

int va_actions_restore(va_actions *actions, va_error *error)
{
    (void)actions;
    return doubles.timers_are_damaged ? va_fail(error, VA_EFORMAT, "the timers are damaged") : 0;
}

void va_actions_stop(va_actions *actions, double grace_s)
{
    (void)actions;
    (void)grace_s;
}

int va_actions_register(va_actions *actions, const char *type, va_action_fn run, void *user)
{
    if (actions->n_registered == MAX_REGISTERED)
        return VA_ENOTFOUND;
    actions->registered[actions->n_registered].type = type;
    actions->registered[actions->n_registered].run = run;
    actions->registered[actions->n_registered++].user = user;
    return 0;
}

const struct va_action_request *va_action_request(const va_action_call *call)
{
    return call->request;
}

const char *va_action_setting(const va_action_call *call, const char *name, const char *otherwise)
{
    for (size_t i = 0; i < call->request->n_settings; i++)
        if (strcmp(call->request->settings[i].name, name) == 0)
            return call->request->settings[i].value;
    return otherwise;
}

int va_action_field(va_action_call *call, const char *name, const char *value)
{
    size_t n = strlen(call->text);
    snprintf(call->text + n, sizeof call->text - n, "%s=%s ", name, value);
    return 0;
}

int va_action_refuse(va_action_call *call, const char *setting)
{
    snprintf(call->text, sizeof call->text, "%s", va_action_setting(call, setting, ""));
    call->success = 0;
    return 0;
}

int va_action_fail(va_action_call *call, int code, const char *text)
{
    snprintf(call->text, sizeof call->text, "%s", text);
    return code;
}

int va_action_would(va_action_call *call, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(call->text, sizeof call->text, format, args);
    va_end(args);
    return 0;
}

void va_actions_free(va_actions *actions)
{
    va_free(actions);
}

int va_actions_run(va_actions *actions, const struct va_action_request *request, struct va_action_result *ret_result, va_error *error)
{
    usleep((useconds_t)doubles.action_waits_ms * 1000);
    for (size_t i = 0; i < actions->n_registered; i++) {
        if (strcmp(actions->registered[i].type, request->type) != 0)
            continue;
        struct va_action_call call = {.request = request, .success = 1};
        int r = actions->registered[i].run(actions->registered[i].user, &call);
        if (r < 0)
            return va_fail(error, r, "%s", call.text);
        *ret_result = (struct va_action_result){.success = call.success, .response = va_strdup(call.text)};
        return ret_result->response != NULL ? 0 : va_fail_memory(error);
    }
    if (strcmp(request->type, "set_temperature") == 0 && request->n_slots == 0)
        return va_fail(error, VA_EINVAL, "set_temperature needs a value");
    if (strcmp(request->type, "time") == 0)
        return va_fail(error, VA_EFAILED, "no clock");
    char *response = va_asprintf("%s %s %zu", request->dry_run ? "would do" : "did", request->command, request->n_slots);
    if (response == NULL)
        return va_fail_memory(error);
    *ret_result = (struct va_action_result){.success = 1, .dry_run = request->dry_run, .response = response};
    return 0;
}

void va_action_result_clear(struct va_action_result *result)
{
    va_free(result->response);
    va_free(result->output);
    *result = (struct va_action_result){0};
}

int va_actions_failure(const struct va_action_request *request, const va_error *reason, char **ret_response)
{
    *ret_response = va_asprintf("%s %s", request->failure == NULL ? "" : request->failure, reason->text);
    return *ret_response != NULL ? 0 : VA_ENOMEM;
}

int va_actions_fill(const char *text, const va_slot *slots, size_t n_slots, char **ret_text)
{
    *ret_text = va_asprintf("%s %zu %s", text, n_slots, n_slots > 0 ? slots[0].value : "");
    return *ret_text != NULL ? 0 : VA_ENOMEM;
}

int va_actions_check(const char *type, const va_slot *settings, size_t n_settings, const char *const *arguments, size_t n_arguments,
                     va_error *error)
{
    (void)settings;
    (void)n_settings;
    (void)arguments;
    (void)n_arguments;
    return strcmp(type, "nonsense") == 0 ? va_fail(error, VA_ENOTFOUND, "there is no action 'nonsense'") : 0;
}

size_t va_actions_timers(va_actions *actions, struct va_timer_info *ret_timers)
{
    (void)actions;
    ret_timers[0] =
        (struct va_timer_info){.id = 7, .type = "timer", .name = "eggs", .seconds = 300.0, .left_s = 10.5, .end_unix_s = 1000.0};
    return doubles.no_timers ? 0 : 1;
}

int va_actions_cancel_timer(va_actions *actions, uint64_t id, va_error *error)
{
    (void)actions;
    if (id != 7 || doubles.no_timers)
        return va_fail(error, VA_ENOTFOUND, "there is no such timer");
    doubles.no_timers = 1;
    return 0;
}

int va_launcher_run(va_launcher *launcher, const struct va_launch *launch, int cancel_fd, struct va_launch_result *ret_result,
                    va_error *error)
{
    return va_fail(error, VA_EFAILED, "there is no launcher");
}
