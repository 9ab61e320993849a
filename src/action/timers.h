/* timers.h - the timers and alarms that run: several, by name, watched by one thread that starts with the first, kept in a file. */
#ifndef VA_ACTION_TIMERS_H
#define VA_ACTION_TIMERS_H

#include "action/actions.h"

#define VA_TIMER_TEXT_BYTES 512
#define VA_TIMER_MAX_SECONDS (30.0 * 24 * 3600)

struct va_timer {
    uint64_t id;
    int is_alarm; /* at a time of the clock, whatever is done to the clock; else after so many seconds */
    char name[VA_TIMER_NAME_BYTES];
    char text[VA_TIMER_TEXT_BYTES]; /* said when it ends */
    char late[VA_TIMER_TEXT_BYTES]; /* said when it ended while the program did not run; "": text */
    char language[16];
    double seconds;
    double end_unix_s;
    double end_boot_s; /* of a timer: the machine may sleep meanwhile */
    int is_restored;   /* a timer from the file: it ends at end_boot_s, or when the clock shows end_unix_s, whichever is first */
};

struct va_timers {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    pthread_t thread;
    int started, stop;
    va_timer_fn on_timer;
    void (*on_change)(void *user, const struct va_timer_event *event, int is_set);
    void *user;
    uint64_t last_id;
    char *path;                            /* of the file, or NULL */
    struct va_timer timers[VA_TIMERS_MAX]; /* [n], in the order they were set */
    size_t n;
    struct va_timer ended; /* while is_telling: it is in the file until it was told, but is none of timers */
    int is_telling;
};

VA_MUST_CHECK int va_timers_new(const struct va_actions_options *options, struct va_timers **ret_timers);
VA_MUST_CHECK int va_timers_restore(struct va_timers *timers, va_error *error);
void va_timers_free(struct va_timers *timers);

/* All below with the lock held. */

struct va_timer *va_timers_find(struct va_timers *timers, int is_alarm, const char *name);
/* Adds it, or puts it in the place of the one with its name. VA_ELIMIT, VA_ENOMEM; VA_EIO and the like: it cannot be kept, so it is not
 * there. */
VA_MUST_CHECK int va_timers_set(struct va_timers *timers, const struct va_timer *timer, va_error *error);
/* Removes timer, or with NULL all of the kind. They are gone even when the file cannot be written. */
VA_MUST_CHECK int va_timers_remove(struct va_timers *timers, int is_alarm, struct va_timer *timer, va_error *error);
double va_timer_left_s(const struct va_timer *timer);

/* timer_file.c */
VA_MUST_CHECK int va_timers_save(const struct va_timers *timers, va_error *error);
VA_MUST_CHECK int va_timers_load(struct va_timers *timers, va_error *error);

#endif
