/* timers.c - the timers that run, and the thread that watches them. */
#include "action/timers.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/paths.h"
#include "base/thread.h"

/* Somebody may set the clock while an alarm waits, and the thread's wait does not count while the machine sleeps. */
#define CHECK_S 5.0

int va_timers_new(const struct va_actions_options *options, struct va_timers **ret_timers)
{
    struct va_timers *timers = va_calloc(1, sizeof *timers);

    if (timers == NULL)
        return VA_ENOMEM;
    if (options->folder != NULL && (timers->path = va_paths_join(options->folder, "timers.json")) == NULL) {
        va_free(timers);
        return VA_ENOMEM;
    }
    timers->on_timer = options->on_timer;
    timers->on_change = options->on_timer_change;
    timers->user = options->user;
    pthread_mutex_init(&timers->lock, NULL);
    pthread_cond_init(&timers->changed, NULL);
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
    va_free(timers->path);
    va_free(timers);
}

double va_timer_left_s(const struct va_timer *timer)
{
    double clock_left_s = timer->end_unix_s - va_clock_unix_s();

    if (timer->is_alarm)
        return clock_left_s;
    double left_s = timer->end_boot_s - va_clock_boot_s();
    return timer->is_restored && clock_left_s < left_s ? clock_left_s : left_s;
}

/* With the lock held. */
static void tell_change(const struct va_timers *timers, const struct va_timer *timer, int is_set)
{
    const struct va_timer_event event = {.type = timer->is_alarm ? "alarm" : "timer",
                                         .name = timer->name,
                                         .text = timer->text,
                                         .language = timer->language,
                                         .seconds = timer->seconds};

    if (timers->on_change != NULL)
        timers->on_change(timers->user, &event, is_set);
}

static void remove_at(struct va_timers *timers, size_t i)
{
    timers->n--;
    memmove(&timers->timers[i], &timers->timers[i + 1], (timers->n - i) * sizeof timers->timers[0]);
}

/* Tells that a timer has ended, without the lock. It stays in the file until it was told: better twice than never. */
static void tell(struct va_timers *timers, size_t i)
{
    const struct va_timer *timer = &timers->ended; /* which nobody else changes */

    timers->ended = timers->timers[i];
    timers->is_telling = 1;
    remove_at(timers, i);
    double late_s = va_clock_unix_s() - timer->end_unix_s;
    int is_late = timer->late[0] != '\0' && late_s > 2 * CHECK_S;
    const struct va_timer_event event = {.type = timer->is_alarm ? "alarm" : "timer",
                                         .name = timer->name,
                                         .text = is_late ? timer->late : timer->text,
                                         .language = timer->language,
                                         .seconds = timer->seconds,
                                         .late_s = late_s > 0 ? late_s : 0};

    pthread_mutex_unlock(&timers->lock);
    if (timers->on_timer != NULL)
        timers->on_timer(timers->user, &event);
    pthread_mutex_lock(&timers->lock);
    timers->is_telling = 0;
}

/* Sleeps until the first timer ends or something changes. */
static void *watch(void *arg)
{
    struct va_timers *timers = arg;

    pthread_mutex_lock(&timers->lock);
    while (!timers->stop) {
        size_t first = 0;
        double left_s = 0;
        for (size_t i = 0; i < timers->n; i++) {
            double s = va_timer_left_s(&timers->timers[i]);
            if (i == 0 || s < left_s) {
                first = i;
                left_s = s;
            }
        }
        if (timers->n == 0) {
            pthread_cond_wait(&timers->changed, &timers->lock);
        } else if (left_s > 0) {
            va_thread_wait_until(&timers->changed, &timers->lock, va_clock_after(left_s < CHECK_S ? left_s : CHECK_S));
        } else {
            tell(timers, first);
            (void)!va_timers_save(timers, NULL); /* what fails here is told again after a restart */
        }
    }
    pthread_mutex_unlock(&timers->lock);
    return NULL;
}

static int start_thread(struct va_timers *timers, va_error *error)
{
    if (!timers->started && va_thread_start(&timers->thread, watch, timers) < 0)
        return va_fail(error, VA_ENOMEM, "cannot start the thread of the timers");
    timers->started = 1;
    pthread_cond_signal(&timers->changed);
    return 0;
}

int va_timers_restore(struct va_timers *timers, va_error *error)
{
    pthread_mutex_lock(&timers->lock);
    int r = va_timers_load(timers, error);
    for (size_t i = 0; i < timers->n; i++)
        timers->timers[i].id = ++timers->last_id;
    if (r == 0 && timers->n > 0)
        r = start_thread(timers, error);
    pthread_mutex_unlock(&timers->lock);
    return r;
}

struct va_timer *va_timers_find(struct va_timers *timers, int is_alarm, const char *name)
{
    for (size_t i = 0; i < timers->n; i++)
        if (timers->timers[i].is_alarm == is_alarm && strcasecmp(timers->timers[i].name, name) == 0)
            return &timers->timers[i];
    return NULL;
}

int va_timers_set(struct va_timers *timers, const struct va_timer *timer, va_error *error)
{
    struct va_timer *place = va_timers_find(timers, timer->is_alarm, timer->name);
    struct va_timer before = {0};

    if (place == NULL && timers->n + (size_t)timers->is_telling == VA_TIMERS_MAX) /* so many go into the file */
        return va_fail(error, VA_ELIMIT, "there are %d timers already", VA_TIMERS_MAX);
    int is_new = place == NULL;
    if (is_new)
        place = &timers->timers[timers->n++];
    else
        before = *place;
    *place = *timer;
    place->id = ++timers->last_id;
    int r = start_thread(timers, error); /* before it is in the file, where it would stay */
    if (r == 0)
        r = va_timers_save(timers, error);
    if (r < 0 && is_new)
        timers->n--;
    else if (r < 0)
        *place = before;
    else
        tell_change(timers, place, 1);
    return r;
}

int va_timers_remove(struct va_timers *timers, int is_alarm, struct va_timer *timer, va_error *error)
{
    for (size_t i = timers->n; i-- > 0;)
        if (timer == NULL ? timers->timers[i].is_alarm == is_alarm : timer == &timers->timers[i]) {
            tell_change(timers, &timers->timers[i], 0);
            remove_at(timers, i);
        }
    pthread_cond_signal(&timers->changed);
    return va_timers_save(timers, error);
}

/* ---- for who shows them ---- */

size_t va_actions_timers(va_actions *actions, struct va_timer_info *ret_timers)
{
    struct va_timers *timers = actions->timers;

    pthread_mutex_lock(&timers->lock);
    size_t n = timers->n;
    for (size_t i = 0; i < n; i++) {
        const struct va_timer *timer = &timers->timers[i];
        ret_timers[i] = (struct va_timer_info){
            .id = timer->id, .type = timer->is_alarm ? "alarm" : "timer", .seconds = timer->seconds, .end_unix_s = timer->end_unix_s};
        memcpy(ret_timers[i].name, timer->name, sizeof timer->name);
        double left_s = va_timer_left_s(timer);
        ret_timers[i].left_s = left_s > 0.0 ? left_s : 0.0;
    }
    pthread_mutex_unlock(&timers->lock);
    return n;
}

int va_actions_cancel_timer(va_actions *actions, uint64_t id, va_error *error)
{
    struct va_timers *timers = actions->timers;
    size_t i = 0;
    int r = 0;

    pthread_mutex_lock(&timers->lock);
    while (i < timers->n && timers->timers[i].id != id)
        i++;
    if (i == timers->n)
        r = va_fail(error, VA_ENOTFOUND, "there is no such timer");
    else if ((r = va_timers_remove(timers, timers->timers[i].is_alarm, &timers->timers[i], error)) == VA_ENOTFOUND)
        r = VA_EIO; /* its folder is gone; the timer was there */
    pthread_mutex_unlock(&timers->lock);
    return r;
}
