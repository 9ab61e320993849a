/* actions.h - what the actions share; inside src/action only.
 *
 * An action is one row of the table in actions.c: its name, its settings, a check and a function that runs it. */
#ifndef VA_ACTION_ACTIONS_H
#define VA_ACTION_ACTIONS_H

#include "action/action.h"

#include <pthread.h>

struct va_timers;

struct va_actions {
    pthread_mutex_t lock; /* of temperature */
    double temperature;   /* NAN until it is set */
    struct va_timers *timers;
};

#define VA_FIELDS_MAX 16

/* One action being run. What it names with va_action_field stands in the response as {name}. */
struct va_action_call {
    va_actions *actions;
    const struct va_action_request *request;
    va_slot fields[VA_FIELDS_MAX]; /* [n_fields] strings on the heap */
    size_t n_fields;
    const char *response; /* template; starts as the request's */
    int success;          /* starts as 1 */
    char *output;         /* on the heap, or NULL */
    va_error *error;
};

/* The settings of a command file while they are checked. */
struct va_action_settings {
    const va_slot *settings; /* [n_settings] */
    size_t n_settings;
    const char *const *arguments; /* [n_arguments] */
    size_t n_arguments;
};

struct va_action_type {
    const char *name;
    const char *const *settings;                                              /* names it knows, NULL at the end */
    int (*check)(const struct va_action_settings *settings, va_error *error); /* or NULL */
    int (*run)(struct va_action_call *call);
};

/* The value of a slot or setting by name, or NULL. Of several the last counts. */
const char *va_slot_find(const va_slot *slots, size_t n, const char *name);
const char *va_action_slot(const struct va_action_call *call, const char *name);
const char *va_action_setting(const struct va_action_call *call, const char *name, const char *otherwise);

/* A finite number; 0 or VA_EINVAL, and error says what `what` must be. */
VA_MUST_CHECK int va_action_number(const char *text, const char *what, double min, double max, double *ret_value, va_error *error);

/* Names a field for the response. */
VA_MUST_CHECK int va_action_field(struct va_action_call *call, const char *name, const char *value);
VA_MUST_CHECK int va_action_field_number(struct va_action_call *call, const char *name, double value);

#define VA_RESPONSE_MAX_BYTES (256 * 1024)

/* The text with every {name} of slots [n_slots] or fields [n_fields] replaced; fields win. Names nobody knows become nothing, and
 * braces around anything but a name stay. VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_response_fill(const char *text, const va_slot *slots, size_t n_slots, const va_slot *fields, size_t n_fields,
                                   char **ret_text);

/* ---- the actions ---- */

int va_action_run_none(struct va_action_call *call);
int va_action_run_time(struct va_action_call *call);
int va_action_check_time(const struct va_action_settings *settings, va_error *error);
int va_action_run_set_temperature(struct va_action_call *call);
int va_action_run_get_temperature(struct va_action_call *call);
int va_action_check_temperature(const struct va_action_settings *settings, va_error *error);
int va_action_run_timer(struct va_action_call *call);
int va_action_check_timer(const struct va_action_settings *settings, va_error *error);
int va_action_run_volume(struct va_action_call *call);
int va_action_check_volume(const struct va_action_settings *settings, va_error *error);
int va_action_run_process(struct va_action_call *call);
int va_action_check_process(const struct va_action_settings *settings, va_error *error);

/* The timers; their thread starts with the first one. */
VA_MUST_CHECK int va_timers_new(va_timer_fn on_timer, void *user, struct va_timers **ret_timers);
void va_timers_free(struct va_timers *timers);

#endif
