/* action.h - what a command can do. One table row an action type; what changes the assistant itself is registered by it.
 *
 * An action runs in the caller's thread with a deadline, and never through a shell. Those that wait for others (programs, servers) are
 * bounded in number, so that callers are left for the quick ones. */
#ifndef VA_ACTION_H
#define VA_ACTION_H

#include "action/launcher.h"
#include "base/error.h"

typedef struct va_actions va_actions; /* state of the actions: running timers, set temperature, ... Any thread. */

/* So many actions may wait for others at the same time; one more is VA_EBUSY. */
#define VA_ACTIONS_MAX_SLOW 8
/* The setting count of the action help. */
#define VA_ACTION_EXAMPLES_MAX 20

/* The broker of the options, for messages that name none. */
struct va_action_broker {
    const char *host;                    /* NULL or "": localhost */
    const char *ca_file, *password_file; /* NULL or "": none */
    int port;                            /* 0: as usual */
    int tls;
};

struct va_action_request {
    const char *type;        /* as in struct va_command_action */
    const char *command;     /* name of the command, for messages */
    const char *language;    /* of the command, or NULL */
    const va_slot *settings; /* [n_settings] from the command file */
    size_t n_settings;
    const char *const *arguments; /* [n_arguments] for process; {slot} is replaced inside each, never split */
    size_t n_arguments;
    const va_slot *slots; /* [n_slots] from the sentence or the API */
    size_t n_slots;
    const char *response;        /* template; {slot} and what the action itself names ({time}, {date}, ...) */
    const char *failure;         /* template for when it fails; {error}. NULL: the error alone */
    int dry_run;                 /* check and fill everything, do nothing */
    const char *home_url;        /* of Home Assistant, "" or NULL when there is none */
    const char *home_token_file; /* likewise */
    struct va_action_broker broker;
};

struct va_action_result {
    int success;
    int dry_run;    /* nothing was done: response says what would be */
    char *response; /* text for the user, never NULL */
    char *output;   /* what a process printed (bounded), or NULL */
};

/* A timer or an alarm that has ended. */
struct va_timer_event {
    const char *type; /* "timer" or "alarm" */
    const char *name;
    const char *text;     /* to be said, from the command file; may be "" */
    const char *language; /* of the command that set it */
    double seconds;       /* how long it was set for */
    double late_s;        /* it ended so long ago, while the program did not run */
};

/* Called from a thread of the actions. */
typedef void (*va_timer_fn)(void *user, const struct va_timer_event *event);

struct va_actions_options {
    va_timer_fn on_timer; /* or NULL */
    /* One was set (is_set), or will not end any more; or NULL. From whoever does so, with a lock of the timers: it calls none of this. */
    void (*on_timer_change)(void *user, const struct va_timer_event *event, int is_set);
    void *user;
    va_launcher *launcher; /* starts programs; NULL: this process does */
    const char *folder;    /* where timers are kept for the next start; NULL: nowhere */
};

/* options NULL: none of them. */
VA_MUST_CHECK int va_actions_new(const struct va_actions_options *options, va_actions **ret_actions, va_error *error);

#define VA_TIMERS_MAX 64
#define VA_TIMER_NAME_BYTES 64

/* One that runs. */
struct va_timer_info {
    uint64_t id;      /* in this run of the program */
    const char *type; /* "timer" or "alarm"; lives for ever */
    char name[VA_TIMER_NAME_BYTES];
    double seconds, left_s, end_unix_s;
};

/* ret_timers [VA_TIMERS_MAX], in the order they were set. Returns how many. Any thread. */
size_t va_actions_timers(va_actions *actions, struct va_timer_info *ret_timers);
/* It is gone also when its file cannot be written (VA_EIO and the like). VA_ENOTFOUND: there is none with this id. */
VA_MUST_CHECK int va_actions_cancel_timer(va_actions *actions, uint64_t id, va_error *error);

/* Takes up the timers that the last run has left; those that ended meanwhile are told at once. VA_EFORMAT, VA_EIO: their file is
 * damaged or cannot be read, and there are none. */
VA_MUST_CHECK int va_actions_restore(va_actions *actions, va_error *error);

/* Waits grace_s at most for the actions that wait for others, then cancels them and all that come. */
void va_actions_stop(va_actions *actions, double grace_s);
void va_actions_free(va_actions *actions);

/* VA_ENOTFOUND: unknown type. VA_EINVAL: a slot is missing or out of range (error says which). VA_EBUSY: VA_ACTIONS_MAX_SLOW wait.
 * VA_EDENIED: the executable is not allowed. VA_ETIMEOUT, VA_EFAILED: process or peer. */
VA_MUST_CHECK int va_actions_run(va_actions *actions, const struct va_action_request *request, struct va_action_result *ret_result,
                                 va_error *error);
void va_action_result_clear(struct va_action_result *result);

/* What to tell the user when va_actions_run has failed. VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_actions_failure(const struct va_action_request *request, const va_error *reason, char **ret_response);

/* Checks a command's action when it is loaded: unknown type, missing setting, executable that is not there. */
VA_MUST_CHECK int va_actions_check(const char *type, const va_slot *settings, size_t n_settings, const char *const *arguments,
                                   size_t n_arguments, va_error *error);

/* A template with the slots put in. VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_actions_fill(const char *text, const va_slot *slots, size_t n_slots, char **ret_text);

/* ---- actions of others ---- */

typedef struct va_action_call va_action_call; /* one action being run */

/* 0, or a VA_E* with call's error filled by va_action_fail. */
typedef int (*va_action_fn)(void *user, va_action_call *call);

/* The function of a type that has none of its own. Before anything runs. VA_ENOTFOUND: there is no such type. */
VA_MUST_CHECK int va_actions_register(va_actions *actions, const char *type, va_action_fn run, void *user);

const struct va_action_request *va_action_request(const va_action_call *call);
/* The value of a slot, or NULL; of a setting, or otherwise. */
const char *va_action_slot(const va_action_call *call, const char *name);
const char *va_action_setting(const va_action_call *call, const char *name, const char *otherwise);
/* Names a field for the response. */
VA_MUST_CHECK int va_action_field(va_action_call *call, const char *name, const char *value);
VA_MUST_CHECK int va_action_field_number(va_action_call *call, const char *name, double value);
/* It did not work, for a reason the user can mend: the response is that setting. Returns 0. */
int va_action_refuse(va_action_call *call, const char *setting);
int va_action_fail(va_action_call *call, int code, const char *text);
/* In a dry run: notes what would be done. Returns 0, or VA_ENOMEM. */
VA_MUST_CHECK int va_action_would(va_action_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
