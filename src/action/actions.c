#include "action/actions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "action/timers.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

static const char *const no_settings[] = {NULL};
static const char *const time_settings[] = {"format", NULL};
static const char *const temperature_settings[] = {"minimum", "maximum", "none", NULL};
static const char *const timer_settings[] = {"do",    "none",   "which",   "ended",  "missed",  "clock",  "hour",
                                             "hours", "minute", "minutes", "second", "seconds", "format", NULL};
static const char *const volume_settings[] = {"do", "by", "card", "control", NULL};
static const char *const process_settings[] = {"executable", "timeout", NULL};
static const char *const http_settings[] = {"url",     "method",     "headers.",      "body",    "content",
                                            "timeout", "token_file", "password_file", "ca_file", NULL};
static const char *const mqtt_settings[] = {"host",   "port",          "topic", "payload", "content", "qos",
                                            "retain", "password_file", "tls",   "ca_file", "timeout", NULL};
static const char *const home_settings[] = {"service", "intent", "data.", "timeout", NULL};
static const char *const assistant_settings[] = {"none", "unavailable", "mode", "count", "separator", NULL};

static int check_help(const struct va_action_settings *settings, va_error *error)
{
    const char *count = va_slot_find(settings->settings, settings->n_settings, "count");
    double value;

    return count == NULL ? 0 : va_action_number(count, "count", 1, VA_ACTION_EXAMPLES_MAX, &value, error);
}

static int check_mode(const struct va_action_settings *settings, const char *const *modes, const char *otherwise, va_error *error)
{
    const char *mode = va_slot_find(settings->settings, settings->n_settings, "mode");
    char names[80] = "";
    size_t n = 0;

    mode = mode == NULL ? otherwise : mode;
    for (; *modes != NULL; modes++) {
        if (strcmp(mode, *modes) == 0)
            return 0;
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n > 0 ? ", " : "", *modes);
    }
    return va_fail(error, VA_EINVAL, "'mode' must be one of %s; not \"%.20s\"", names, mode);
}

static int check_privacy(const struct va_action_settings *settings, va_error *error)
{
    static const char *const modes[] = {"on", "off", NULL};
    return check_mode(settings, modes, "on", error);
}

static int check_power(const struct va_action_settings *settings, va_error *error)
{
    static const char *const modes[] = {"save", "full", "low-power", "balanced", "performance", NULL};
    return check_mode(settings, modes, "", error);
}

static const struct va_action_type types[] = {
    {"none", 0, no_settings, NULL, va_action_run_none},
    {"say", 0, no_settings, NULL, va_action_run_none},
    {"time", 0, time_settings, va_action_check_time, va_action_run_time},
    {"date", 0, time_settings, va_action_check_time, va_action_run_time},
    {"timer", 0, timer_settings, va_action_check_timer, va_action_run_timer},
    {"alarm", 0, timer_settings, va_action_check_timer, va_action_run_timer},
    {"set_temperature", 0, temperature_settings, va_action_check_temperature, va_action_run_set_temperature},
    {"get_temperature", 0, temperature_settings, va_action_check_temperature, va_action_run_get_temperature},
    {"volume", 0, volume_settings, va_action_check_volume, va_action_run_volume},
    {"process", VA_ACTION_SLOW | VA_ACTION_ARGUMENTS, process_settings, va_action_check_process, va_action_run_process},
    {"http", VA_ACTION_SLOW, http_settings, va_action_check_http, va_action_run_http},
    {"mqtt", VA_ACTION_SLOW, mqtt_settings, va_action_check_mqtt, va_action_run_mqtt},
    {"home_assistant", VA_ACTION_SLOW, home_settings, va_action_check_home, va_action_run_home},
    {"confirm", 0, assistant_settings, NULL, NULL},
    {"cancel", 0, assistant_settings, NULL, NULL},
    {"repeat", 0, assistant_settings, NULL, NULL},
    {"stop", 0, assistant_settings, NULL, NULL},
    {"help", 0, assistant_settings, check_help, NULL},
    {"privacy", 0, assistant_settings, check_privacy, NULL},
    {"power", 0, assistant_settings, check_power, NULL},
};
_Static_assert(sizeof types / sizeof types[0] <= VA_ACTION_TYPES_MAX, "a place for each registered function");

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
    char names[240] = "";
    size_t n = 0;

    for (size_t i = 0; i < sizeof types / sizeof types[0] && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i > 0 ? ", " : "", types[i].name);
    return va_fail(error, VA_ENOTFOUND, "there is no action '%.40s'; there are: %s", type, names);
}

int va_actions_new(const struct va_actions_options *options, va_actions **ret_actions, va_error *error)
{
    static const struct va_actions_options defaults = {0};
    va_actions *actions = va_calloc(1, sizeof *actions);

    if (actions == NULL)
        return va_fail_memory(error);
    options = options == NULL ? &defaults : options;
    actions->temperature = NAN;
    actions->loud_percent = 50; /* muted before the start: something that can be heard */
    actions->launcher = options->launcher;
    pthread_mutex_init(&actions->lock, NULL);
    pthread_cond_init(&actions->idle, NULL);
    int r = 0;
    if ((actions->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
        r = va_fail_errno(error, "cannot make an event");
    else if ((r = va_timers_new(options, &actions->timers)) < 0)
        r = va_fail_memory(error);
    if (r < 0) {
        va_actions_free(actions);
        return r;
    }
    *ret_actions = actions;
    return 0;
}

int va_actions_restore(va_actions *actions, va_error *error)
{
    return va_timers_restore(actions->timers, error);
}

void va_actions_stop(va_actions *actions, double grace_s)
{
    uint64_t until_ns = va_clock_after(grace_s);

    pthread_mutex_lock(&actions->lock);
    while (actions->n_slow > 0 && va_thread_wait_until(&actions->idle, &actions->lock, until_ns) == 0)
        ;
    pthread_mutex_unlock(&actions->lock);
    eventfd_write(actions->stop_fd, 1);
}

void va_actions_free(va_actions *actions)
{
    if (actions == NULL)
        return;
    va_timers_free(actions->timers);
    if (actions->stop_fd >= 0)
        close(actions->stop_fd);
    pthread_cond_destroy(&actions->idle);
    pthread_mutex_destroy(&actions->lock);
    va_free(actions);
}

/* ---- running ---- */

/* A type the assistant has not registered answers that it is not available, in the words of the command file. */
static int run_type(const struct va_action_type *type, struct va_action_call *call)
{
    size_t i = (size_t)(type - types);

    if (type->run != NULL)
        return type->run(call);
    if (call->actions->registered[i].run != NULL)
        return call->actions->registered[i].run(call->actions->registered[i].user, call);
    return va_action_refuse(call, va_action_setting(call, "unavailable", NULL) != NULL ? "unavailable" : "none");
}

/* Keeps threads free: those that wait for others are counted. */
static int run_slow(const struct va_action_type *type, struct va_action_call *call)
{
    va_actions *actions = call->actions;

    pthread_mutex_lock(&actions->lock);
    int is_full = actions->n_slow == VA_ACTIONS_MAX_SLOW;
    if (!is_full)
        actions->n_slow++;
    pthread_mutex_unlock(&actions->lock);
    if (is_full)
        return va_fail(call->error, VA_EBUSY, "%d actions are still waiting for an answer", VA_ACTIONS_MAX_SLOW);
    int r = run_type(type, call);
    pthread_mutex_lock(&actions->lock);
    if (--actions->n_slow == 0)
        pthread_cond_broadcast(&actions->idle);
    pthread_mutex_unlock(&actions->lock);
    return r;
}

/* The response of an action that has run; in a dry run what it would do. */
static int make_response(struct va_action_call *call, char **ret_response)
{
    const struct va_action_request *request = call->request;

    if (call->would != NULL) {
        *ret_response = call->would;
        call->would = NULL;
        return 0;
    }
    int r = va_response_fill(call->response, request->slots, request->n_slots, call->fields, call->n_fields, ret_response);
    return r == 0 ? 0 : va_fail(call->error, r, "cannot make the response of '%s': %s", request->command, va_status_text(r));
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
    int r = type->flags & VA_ACTION_SLOW ? run_slow(type, &call) : run_type(type, &call);
    int dry_run = call.would != NULL;
    if (r == 0)
        r = make_response(&call, &response);
    for (size_t i = 0; i < call.n_fields; i++) {
        va_free((char *)call.fields[i].name);
        va_free((char *)call.fields[i].value);
    }
    va_free(call.would);
    if (r < 0) {
        va_free(call.output);
        return r;
    }
    *ret_result = (struct va_action_result){.success = call.success, .dry_run = dry_run, .response = response, .output = call.output};
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
    const va_slot field = {"error", reason->text};

    return va_response_fill(request->failure == NULL ? "{error}" : request->failure, request->slots, request->n_slots, &field, 1,
                            ret_response);
}

int va_actions_fill(const char *text, const va_slot *slots, size_t n_slots, char **ret_text)
{
    return va_response_fill(text, slots, n_slots, NULL, 0, ret_text);
}

int va_actions_register(va_actions *actions, const char *name, va_action_fn run, void *user)
{
    const struct va_action_type *type = find_type(name);

    if (type == NULL || type->run != NULL)
        return VA_ENOTFOUND;
    actions->registered[type - types].run = run;
    actions->registered[type - types].user = user;
    return 0;
}

/* ---- checking ---- */

static int knows_setting(const struct va_action_type *type, const char *name)
{
    for (const char *const *known = type->settings; *known != NULL; known++) {
        size_t n = strlen(*known);
        int is_prefix = (*known)[n - 1] == '.';
        if (is_prefix ? strncmp(*known, name, n) == 0 && name[n] != '\0' : strcmp(*known, name) == 0)
            return 1;
    }
    return 0;
}

int va_actions_check(const char *type_name, const va_slot *settings, size_t n_settings, const char *const *arguments, size_t n_arguments,
                     va_error *error)
{
    const struct va_action_type *type = find_type(type_name);

    if (type == NULL)
        return fail_type(type_name, error);
    for (size_t i = 0; i < n_settings; i++)
        if (!knows_setting(type, settings[i].name))
            return va_fail(error, VA_EINVAL, "the action '%s' has no setting '%.60s'", type->name, settings[i].name);
    if (n_arguments > 0 && (type->flags & VA_ACTION_ARGUMENTS) == 0)
        return va_fail(error, VA_EINVAL, "the action '%s' takes no arguments", type->name);
    struct va_action_settings all = {settings, n_settings, arguments, n_arguments};
    return type->check == NULL ? 0 : type->check(&all, error);
}
