/* timer.c - the action timer: several named timers, watched by one thread that starts with the first. */
#include "action/actions.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"

#define MAX_TIMERS 64
#define MAX_NAME_BYTES 64
#define MAX_SECONDS (30.0 * 24 * 3600)

struct timer {
    char name[MAX_NAME_BYTES];
    double seconds;
    uint64_t end_ns; /* va_clock_ns */
};

struct va_timers {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    pthread_t thread;
    int started, stop;
    va_timer_fn on_timer;
    void *user;
    struct timer timers[MAX_TIMERS]; /* [n], in the order they were set */
    size_t n;
};

int va_timers_new(va_timer_fn on_timer, void *user, struct va_timers **ret_timers)
{
    struct va_timers *timers = va_calloc(1, sizeof *timers);
    pthread_condattr_t attributes;

    if (timers == NULL)
        return VA_ENOMEM;
    timers->on_timer = on_timer;
    timers->user = user;
    pthread_mutex_init(&timers->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&timers->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    *ret_timers = timers;
    return 0;
}

void va_timers_free(struct va_timers *timers)
{
    if (timers == NULL)
        return;
    pthread_mutex_lock(&timers->lock);
    timers->stop = 1;
    pthread_cond_signal(&timers->changed);
    pthread_mutex_unlock(&timers->lock);
    if (timers->started)
        pthread_join(timers->thread, NULL);
    pthread_cond_destroy(&timers->changed);
    pthread_mutex_destroy(&timers->lock);
    va_free(timers);
}

static void remove_at(struct va_timers *timers, size_t i)
{
    timers->n--;
    memmove(&timers->timers[i], &timers->timers[i + 1], (timers->n - i) * sizeof timers->timers[0]);
}

/* Sleeps until the first timer ends or something changes, and calls back without the lock. */
static void *watch(void *arg)
{
    struct va_timers *timers = arg;

    pthread_mutex_lock(&timers->lock);
    while (!timers->stop) {
        size_t first = 0;
        for (size_t i = 1; i < timers->n; i++)
            if (timers->timers[i].end_ns < timers->timers[first].end_ns)
                first = i;
        if (timers->n == 0) {
            pthread_cond_wait(&timers->changed, &timers->lock);
            continue;
        }
        struct timer timer = timers->timers[first];
        if (timer.end_ns > va_clock_ns()) {
            struct timespec until = {.tv_sec = (time_t)(timer.end_ns / 1000000000), .tv_nsec = (long)(timer.end_ns % 1000000000)};
            pthread_cond_timedwait(&timers->changed, &timers->lock, &until);
            continue;
        }
        remove_at(timers, first);
        pthread_mutex_unlock(&timers->lock);
        if (timers->on_timer != NULL)
            timers->on_timer(timers->user, timer.name, timer.seconds);
        pthread_mutex_lock(&timers->lock);
    }
    pthread_mutex_unlock(&timers->lock);
    return NULL;
}

/* ---- texts ---- */

/* "1 hour 5 minutes": the words are settings, so that they can be in any language. */
static void duration_text(const struct va_action_call *call, double seconds, char *ret_text, size_t size)
{
    static const struct {
        const char *one, *many;
        long seconds;
    } units[] = {{"hour", "hours", 3600}, {"minute", "minutes", 60}, {"second", "seconds", 1}};
    long left = lround(seconds);
    size_t n = 0;

    ret_text[0] = '\0';
    for (size_t i = 0; i < 3 && n < size; i++) {
        long count = left / units[i].seconds;
        left -= count * units[i].seconds;
        if (count == 0 && !(i == 2 && n == 0))
            continue;
        const char *word =
            count == 1 ? va_action_setting(call, units[i].one, units[i].one) : va_action_setting(call, units[i].many, units[i].many);
        n += (size_t)snprintf(ret_text + n, size - n, "%s%ld %s", n > 0 ? " " : "", count, word);
    }
}

static double seconds_left(const struct timer *timer)
{
    uint64_t now = va_clock_ns();
    return timer->end_ns > now ? (double)(timer->end_ns - now) / 1e9 : 0;
}

/* Names the fields of a response about all timers: {timers}, {count}. Call with the lock held. */
static int name_all(struct va_action_call *call, const struct va_timers *timers)
{
    struct va_buffer list;
    int r = 0;

    va_buffer_init(&list, 64 * 1024);
    r = va_buffer_append_string(&list, "");
    for (size_t i = 0; r == 0 && i < timers->n; i++) {
        char text[256];
        duration_text(call, ceil(seconds_left(&timers->timers[i])), text, sizeof text);
        r = va_buffer_printf(&list, "%s%s: %s", i > 0 ? ", " : "", timers->timers[i].name, text);
    }
    if (r == 0)
        r = va_action_field(call, "timers", list.data);
    else
        r = va_fail(call->error, r, "cannot list the timers: %s", va_status_text(r));
    va_buffer_free(&list);
    return r < 0 ? r : va_action_field_number(call, "count", (double)timers->n);
}

static int name_one(struct va_action_call *call, const struct timer *timer)
{
    char text[256];
    int r = va_action_field(call, "name", timer->name);

    if (r < 0)
        return r;
    duration_text(call, timer->seconds, text, sizeof text);
    if ((r = va_action_field(call, "duration", text)) < 0)
        return r;
    duration_text(call, ceil(seconds_left(timer)), text, sizeof text);
    return va_action_field(call, "remaining", text);
}

/* It did not work, for a reason the user can mend by another sentence. */
static int refuse(struct va_action_call *call, const struct va_timers *timers, const char *setting, const char *otherwise)
{
    call->success = 0;
    call->response = va_action_setting(call, setting, otherwise);
    return name_all(call, timers);
}

/* ---- verbs; all with the lock held ---- */

/* From the slots hours, minutes, seconds, or value (in seconds). */
static int read_seconds(const struct va_action_call *call, double *ret_seconds)
{
    static const struct {
        const char *slot;
        double seconds;
    } parts[] = {{"hours", 3600}, {"minutes", 60}, {"seconds", 1}, {"value", 1}};
    double total = 0;
    int any = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *text = va_action_slot(call, parts[i].slot);
        double value = 0;
        if (text == NULL)
            continue;
        int r = va_action_number(text, parts[i].slot, 0, MAX_SECONDS / parts[i].seconds, &value, call->error);
        if (r < 0)
            return r;
        total += value * parts[i].seconds;
        any = 1;
    }
    if (!any)
        return va_fail(call->error, VA_EINVAL, "'%s' needs a duration: hours, minutes, seconds, or value in seconds",
                       call->request->command);
    if (total <= 0 || total > MAX_SECONDS)
        return va_fail(call->error, VA_EINVAL, "a timer must last more than nothing and 30 days at most");
    *ret_seconds = total;
    return 0;
}

static struct timer *find_timer(struct va_timers *timers, const char *name)
{
    for (size_t i = 0; i < timers->n; i++)
        if (strcasecmp(timers->timers[i].name, name) == 0)
            return &timers->timers[i];
    return NULL;
}

/* The slot `name`, or the smallest number that no timer has. */
static int choose_name(struct va_action_call *call, struct va_timers *timers, char ret_name[MAX_NAME_BYTES])
{
    const char *name = va_action_slot(call, "name");

    if (name == NULL || name[0] == '\0') {
        int number = 1;
        do
            snprintf(ret_name, MAX_NAME_BYTES, "%d", number++);
        while (find_timer(timers, ret_name) != NULL);
        return 0;
    }
    if (strlen(name) >= MAX_NAME_BYTES)
        return va_fail(call->error, VA_EINVAL, "the name of a timer may have %d bytes at most", MAX_NAME_BYTES - 1);
    snprintf(ret_name, MAX_NAME_BYTES, "%s", name);
    return 0;
}

/* A timer of the same name is set anew. */
static int set_timer(struct va_action_call *call, struct va_timers *timers)
{
    struct timer timer = {0};
    int r = read_seconds(call, &timer.seconds);

    if (r < 0 || (r = choose_name(call, timers, timer.name)) < 0)
        return r;
    struct timer *place = find_timer(timers, timer.name);
    if (place == NULL && timers->n == MAX_TIMERS)
        return va_fail(call->error, VA_ELIMIT, "there are %d timers already", MAX_TIMERS);
    if (!timers->started && pthread_create(&timers->thread, NULL, watch, timers) != 0)
        return va_fail(call->error, VA_ENOMEM, "cannot start the thread of the timers");
    timers->started = 1;
    timer.end_ns = va_clock_ns() + (uint64_t)(timer.seconds * 1e9);
    if ((r = name_one(call, &timer)) < 0)
        return r;
    if (place == NULL)
        place = &timers->timers[timers->n++];
    *place = timer;
    pthread_cond_signal(&timers->changed);
    return 0;
}

/* The timer the sentence means: by name, or the only one. NULL when it refused or failed, see *ret_r. */
static struct timer *pick(struct va_action_call *call, struct va_timers *timers, int *ret_r)
{
    const char *name = va_action_slot(call, "name");
    struct timer *timer = name != NULL ? find_timer(timers, name) : timers->n == 1 ? &timers->timers[0] : NULL;

    *ret_r = 0;
    if (timer != NULL)
        return timer;
    if (timers->n == 0)
        *ret_r = refuse(call, timers, "none", "There is no timer.");
    else
        *ret_r = refuse(call, timers, "which", "Which timer? There are: {timers}.");
    return NULL;
}

static int cancel_timer(struct va_action_call *call, struct va_timers *timers)
{
    int r;
    struct timer *timer = pick(call, timers, &r);

    if (timer == NULL || (r = name_one(call, timer)) < 0)
        return r;
    remove_at(timers, (size_t)(timer - timers->timers));
    pthread_cond_signal(&timers->changed);
    return 0;
}

static int cancel_all(struct va_action_call *call, struct va_timers *timers)
{
    int r = timers->n == 0 ? refuse(call, timers, "none", "There is no timer.") : name_all(call, timers);

    if (r == 0) {
        timers->n = 0;
        pthread_cond_signal(&timers->changed);
    }
    return r;
}

static int tell_remaining(struct va_action_call *call, struct va_timers *timers)
{
    int r;
    struct timer *timer = pick(call, timers, &r);

    return timer == NULL ? r : name_one(call, timer);
}

static int list_timers(struct va_action_call *call, struct va_timers *timers)
{
    return timers->n == 0 ? refuse(call, timers, "none", "There is no timer.") : name_all(call, timers);
}

static const struct {
    const char *name;
    int (*run)(struct va_action_call *call, struct va_timers *timers);
} verbs[] = {
    {"set", set_timer}, {"cancel", cancel_timer}, {"cancel_all", cancel_all}, {"remaining", tell_remaining}, {"list", list_timers}};

static size_t find_verb(const char *name)
{
    size_t i = 0;

    while (i < sizeof verbs / sizeof verbs[0] && (name == NULL || strcmp(verbs[i].name, name) != 0))
        i++;
    return i;
}

int va_action_check_timer(const struct va_action_settings *settings, va_error *error)
{
    const char *verb = va_slot_find(settings->settings, settings->n_settings, "do");

    if (find_verb(verb) == sizeof verbs / sizeof verbs[0])
        return va_fail(error, VA_EINVAL, "the action 'timer' needs 'do': set, cancel, cancel_all, remaining or list");
    return 0;
}

int va_action_run_timer(struct va_action_call *call)
{
    struct va_timers *timers = call->actions->timers;
    size_t verb = find_verb(va_action_setting(call, "do", NULL));

    if (verb == sizeof verbs / sizeof verbs[0])
        return va_fail(call->error, VA_EINVAL, "the action 'timer' needs 'do': set, cancel, cancel_all, remaining or list");
    pthread_mutex_lock(&timers->lock);
    int r = verbs[verb].run(call, timers);
    pthread_mutex_unlock(&timers->lock);
    return r;
}
