/* actions.h - what the actions share; inside src/action only.
 *
 * An action is one row of the table in actions.c: its name, its settings, a check and a function that runs it. */
#ifndef VA_ACTION_ACTIONS_H
#define VA_ACTION_ACTIONS_H

#include "action/action.h"

#include <pthread.h>

struct va_timers;

#define VA_FIELDS_MAX 16
#define VA_ACTION_TYPES_MAX 32

struct va_actions {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t idle;  /* n_slow is 0 */
    double temperature;   /* NAN until it is set */
    double loud_percent;  /* the volume before it was muted where the mixer has no switch */
    size_t n_slow;        /* actions that wait for others */

    int stop_fd; /* can be read when nothing may wait any more */
    struct va_timers *timers;
    va_launcher *launcher;
    struct {
        va_action_fn run;
        void *user;
    } registered[VA_ACTION_TYPES_MAX]; /* by the rows of the table */
};

/* What it names with va_action_field stands in the response as {name}. */
struct va_action_call {
    va_actions *actions;
    const struct va_action_request *request;
    va_slot fields[VA_FIELDS_MAX]; /* [n_fields] strings on the heap */
    size_t n_fields;
    const char *response; /* template; starts as the request's */
    char *would;          /* dry run: what would be done, on the heap; NULL: nothing that matters, so it was done */
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

enum va_action_flag {
    VA_ACTION_SLOW = 1,     /* it waits for others */
    VA_ACTION_ARGUMENTS = 2 /* it takes arguments */
};

struct va_action_type {
    const char *name;
    unsigned flags;
    const char *const *settings;                                              /* names it knows, NULL at the end; "x." is x.anything */
    int (*check)(const struct va_action_settings *settings, va_error *error); /* or NULL */
    int (*run)(struct va_action_call *call);                                  /* NULL: it is registered */
};

/* The value of a slot or setting by name, or NULL. Of several the last counts. */
const char *va_slot_find(const va_slot *slots, size_t n, const char *name);

/* A finite number; 0 or VA_EINVAL, and error says what `what` must be. */
VA_MUST_CHECK int va_action_number(const char *text, const char *what, double min, double max, double *ret_value, va_error *error);

/* The setting `timeout` in seconds, 10 when text is NULL. */
VA_MUST_CHECK int va_action_timeout(const char *text, double *ret_timeout_s, va_error *error);

#define VA_RESPONSE_MAX_BYTES (256 * 1024)

/* The text with every {name} of slots [n_slots] or fields [n_fields] replaced; fields win. Names nobody knows become nothing, and
 * braces around anything but a name stay. VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_response_fill(const char *text, const va_slot *slots, size_t n_slots, const va_slot *fields, size_t n_fields,
                                   char **ret_text);

/* Where a filled text goes, and so what a slot may put there. Whatever it says, it stays within its place. */
enum va_escape {
    VA_ESCAPE_NONE,
    VA_ESCAPE_URL,  /* percent; "." and ".." would change the path and are refused */
    VA_ESCAPE_FORM, /* percent */
    VA_ESCAPE_JSON, /* escaped inside quotes; outside only a number, true, false or null */
    VA_ESCAPE_LINE, /* control characters are refused */
    VA_ESCAPE_TOPIC /* so are the level separator and the wildcards of MQTT: a slot is within one level, and not empty */
};

/* The text with the slots of the call. VA_EINVAL: a slot may not stand there; what: names the text in messages. */
VA_MUST_CHECK int va_action_fill(const struct va_action_call *call, enum va_escape escape, const char *what, const char *text,
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
int va_action_run_http(struct va_action_call *call);
int va_action_check_http(const struct va_action_settings *settings, va_error *error);
int va_action_run_mqtt(struct va_action_call *call);
int va_action_check_mqtt(const struct va_action_settings *settings, va_error *error);
int va_action_run_home(struct va_action_call *call);
int va_action_check_home(const struct va_action_settings *settings, va_error *error);

#endif
