/* action.h - what a command can do. One table row an action type; a step may register more rows.
 *
 * An action runs in the caller's thread with a deadline, and never through a shell. */
#ifndef VA_ACTION_H
#define VA_ACTION_H

#include "base/error.h"

typedef struct va_actions va_actions; /* state of the actions: running timers, set temperature, ... Any thread. */

struct va_action_request {
    const char *type;        /* as in struct va_command_action */
    const char *command;     /* name of the command, for messages */
    const va_slot *settings; /* [n_settings] from the command file */
    size_t n_settings;
    const char *const *arguments; /* [n_arguments] for process; {slot} is replaced inside each, never split */
    size_t n_arguments;
    const va_slot *slots; /* [n_slots] from the sentence or the API */
    size_t n_slots;
    const char *response; /* template; {slot} and what the action itself names ({time}, {date}, ...) */
};

struct va_action_result {
    int success;
    char *response; /* text for the user, never NULL */
    char *output;   /* what a process printed (bounded), or NULL */
};

/* Called from a thread of the actions when a timer ends. */
typedef void (*va_timer_fn)(void *user, const char *name, double seconds);

/* on_timer may be NULL. */
VA_MUST_CHECK int va_actions_new(va_timer_fn on_timer, void *user, va_actions **ret_actions, va_error *error);
void va_actions_free(va_actions *actions);

/* VA_ENOTFOUND: unknown type. VA_EINVAL: a slot is missing or out of range (error says which). VA_ETIMEOUT, VA_EFAILED: process. */
VA_MUST_CHECK int va_actions_run(va_actions *actions, const struct va_action_request *request, struct va_action_result *ret_result,
                                 va_error *error);
void va_action_result_clear(struct va_action_result *result);

/* Checks a command's action when it is loaded: unknown type, missing setting, executable that is not there. */
VA_MUST_CHECK int va_actions_check(const char *type, const va_slot *settings, size_t n_settings, const char *const *arguments,
                                   size_t n_arguments, va_error *error);

#endif
