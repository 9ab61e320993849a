/* timer.c - the actions timer and alarm. */
#include "action/timers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"

/* ---- texts ---- */

/* "1 hour 5 minutes": the words are settings, so that they can be in any language. */
static void duration_text(const struct va_action_call *call, double seconds, char *ret_text, size_t size)
{
    static const struct {
        const char *one, *many;
        long seconds;
    } units[] = {{"hour", "hours", 3600}, {"minute", "minutes", 60}, {"second", "seconds", 1}};
    long left = lround(seconds > 0 ? seconds : 0);
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

/* The time of the clock, by the setting `format`. */
static void clock_text(const struct va_action_call *call, double unix_s, char *ret_text, size_t size)
{
    const time_t seconds = (time_t)unix_s;
    struct tm local;

    ret_text[0] = '\0';
    if (localtime_r(&seconds, &local) == NULL)
        return;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the format is the user's own, and strftime takes no arguments */
    if (strftime(ret_text, size, va_action_setting(call, "format", "%H:%M"), &local) == 0)
        ret_text[0] = '\0';
#pragma GCC diagnostic pop
}

static int is_alarm(const struct va_action_call *call)
{
    return strcmp(call->request->type, "alarm") == 0;
}

/* Of an alarm its time, of a timer what is left. */
static void when_text(const struct va_action_call *call, const struct va_timer *timer, char *ret_text, size_t size)
{
    if (timer->is_alarm)
        clock_text(call, timer->end_unix_s, ret_text, size);
    else
        duration_text(call, ceil(va_timer_left_s(timer)), ret_text, size);
}

/* Names the fields of a response about all timers or alarms: {timers}, {count}. */
static int name_all(struct va_action_call *call, const struct va_timers *timers)
{
    struct va_buffer list;
    int r = 0, count = 0;

    va_buffer_init(&list, 64 * 1024);
    r = va_buffer_append_string(&list, "");
    for (size_t i = 0; r == 0 && i < timers->n; i++) {
        const struct va_timer *timer = &timers->timers[i];
        char text[256];
        if (timer->is_alarm != is_alarm(call))
            continue;
        when_text(call, timer, text, sizeof text);
        r = va_buffer_append_string(&list, count++ > 0 ? ", " : "");
        if (r == 0)
            r = strcmp(timer->name, text) == 0 ? va_buffer_append_string(&list, text)
                                               : va_buffer_printf(&list, "%s: %s", timer->name, text);
    }
    if (r == 0)
        r = va_action_field(call, "timers", list.data);
    else
        r = va_fail(call->error, r, "cannot list the timers: %s", va_status_text(r));
    va_buffer_free(&list);
    return r < 0 ? r : va_action_field_number(call, "count", count);
}

static int name_one(struct va_action_call *call, const struct va_timer *timer)
{
    char text[256];
    int r = va_action_field(call, "name", timer->name);

    if (r < 0)
        return r;
    duration_text(call, timer->seconds, text, sizeof text);
    if ((r = va_action_field(call, "duration", text)) < 0)
        return r;
    duration_text(call, ceil(va_timer_left_s(timer)), text, sizeof text);
    if ((r = va_action_field(call, "remaining", text)) < 0)
        return r;
    clock_text(call, timer->end_unix_s, text, sizeof text);
    return va_action_field(call, "time", text);
}

/* It did not work, for a reason the user can mend by another sentence. */
static int refuse(struct va_action_call *call, const struct va_timers *timers, const char *setting)
{
    va_action_refuse(call, setting);
    return name_all(call, timers);
}

/* ---- when ---- */

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
        int r = va_action_number(text, parts[i].slot, 0, VA_TIMER_MAX_SECONDS / parts[i].seconds, &value, call->error);
        if (r < 0)
            return r;
        total += value * parts[i].seconds;
        any = 1;
    }
    if (!any)
        return va_fail(call->error, VA_EINVAL, "'%s' needs a duration: hours, minutes, seconds, or value in seconds",
                       call->request->command);
    if (total <= 0 || total > VA_TIMER_MAX_SECONDS)
        return va_fail(call->error, VA_EINVAL, "a timer must last more than nothing and 30 days at most");
    *ret_seconds = total;
    return 0;
}

#define DAY_MINUTES (24 * 60)
#define NIGHT_END_MINUTES (5 * 60) /* two at night is before the morning, ten at night before midnight */

static int twelve_hours_later(int of_day)
{
    return (of_day + DAY_MINUTES / 2) % DAY_MINUTES;
}

/* The next time after now at which the local clock shows this minute of the day, at least `days` days ahead. */
static double next_time(double now_unix_s, int days, int of_day)
{
    const time_t now = (time_t)now_unix_s;
    struct tm local;

    localtime_r(&now, &local);
    for (int extra = 0;; extra++) {
        struct tm then = {.tm_year = local.tm_year,
                          .tm_mon = local.tm_mon,
                          .tm_mday = local.tm_mday + days + extra,
                          .tm_hour = of_day / 60,
                          .tm_min = of_day % 60,
                          .tm_isdst = -1};
        time_t seconds = mktime(&then);
        if (seconds > now || extra > 1)
            return (double)seconds;
    }
}

/* What a clock of twelve or of 24 hours shows. */
struct clock_time {
    int of_day;    /* minute of the day */
    int is_either; /* or twelve hours later */
};

/* From the slot time, such as 19:30. */
static int read_clock(const struct va_action_call *call, const char *text, struct clock_time *ret_time)
{
    char *end;
    long hour = strtol(text, &end, 10), minute = *end == ':' && end[1] != '\0' ? strtol(end + 1, &end, 10) : -1;

    if (strspn(text, "0123456789:") != strlen(text) || text[0] == ':' || *end != '\0' || hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return va_fail(call->error, VA_EINVAL, "'time' must be from 0:00 to 23:59, not \"%.20s\"", text);
    *ret_time = (struct clock_time){.of_day = (int)(hour * 60 + minute)};
    return 0;
}

/* A number of hours, minutes or days on a clock: half of one is none. */
static int read_whole(const struct va_action_call *call, const char *slot, double min, double max, double *ret_value)
{
    double value = 0;
    int r = va_action_number(va_action_slot(call, slot), slot, min, max, &value, call->error);

    if (r == 0 && value != floor(value))
        r = va_fail(call->error, VA_EINVAL, "'%s' must be a whole number, not %.10g", slot, value);
    if (r == 0)
        *ret_value = value;
    return r;
}

/* From the slots hour, minute (0; below that, before the hour), half (am, pm or night). With `clock: 12`, one without a half is either. */
static int read_parts(const struct va_action_call *call, struct clock_time *ret_time)
{
    const char *half = va_action_slot(call, "half");
    double hour = 0, minute = 0;
    int r = read_whole(call, "hour", 0, 23, &hour);

    if (r == 0 && va_action_slot(call, "minute") != NULL)
        r = read_whole(call, "minute", -59, 59, &minute);
    if (r < 0)
        return r;
    if (half != NULL && strcmp(half, "am") != 0 && strcmp(half, "pm") != 0 && strcmp(half, "night") != 0)
        return va_fail(call->error, VA_EINVAL, "'half' must be am, pm or night, not \"%.20s\"", half);
    if (half != NULL && (hour < 1 || hour > 12))
        return va_fail(call->error, VA_EINVAL, "'hour' must be from 1 to 12 with am, pm or night, not %.10g", hour);
    int of_day = ((int)hour * 60 + (int)minute + DAY_MINUTES) % DAY_MINUTES;
    /* The half is that of the time, not of its hour: quarter to twelve at night is before midnight. */
    if (half != NULL) {
        of_day %= DAY_MINUTES / 2;
        of_day += half[0] == 'p' || (half[0] == 'n' && of_day >= NIGHT_END_MINUTES) ? DAY_MINUTES / 2 : 0;
    }
    *ret_time = (struct clock_time){.of_day = of_day,
                                    .is_either = half == NULL && hour >= 1 && hour <= 12 &&
                                                 strcmp(va_action_setting(call, "clock", "24"), "12") == 0};
    return 0;
}

static int read_time(const struct va_action_call *call, struct clock_time *ret_time)
{
    const char *time = va_action_slot(call, "time");

    return time != NULL ? read_clock(call, time, ret_time) : read_parts(call, ret_time);
}

static int is_same_day(double unix_s, double other_unix_s)
{
    const time_t seconds = (time_t)unix_s, other = (time_t)other_unix_s;
    struct tm a, b;

    return localtime_r(&seconds, &a) != NULL && localtime_r(&other, &b) != NULL && a.tm_yday == b.tm_yday;
}

/* Also from the slot days: 0 is today, and none the next time. Of two times the sooner is meant. */
static int read_end(const struct va_action_call *call, double *ret_unix_s)
{
    struct clock_time time;
    double days = 0, now = va_clock_unix_s();
    int has_days = va_action_slot(call, "days") != NULL, r = has_days ? read_whole(call, "days", 0, 29, &days) : 0;

    if (r == 0)
        r = read_time(call, &time);
    if (r < 0)
        return r;
    double end = next_time(now, (int)days, time.of_day);
    if (time.is_either) {
        double other = next_time(now, (int)days, twelve_hours_later(time.of_day));
        end = other < end ? other : end;
    }
    if (has_days && days == 0 && !is_same_day(end, now))
        return va_fail(call->error, VA_EINVAL, "that time of today has passed");
    *ret_unix_s = end;
    return 0;
}

/* ---- verbs; all with the lock held ---- */

/* The time; behind it a number, where an alarm of another day has that name: it must not be lost. */
static void name_alarm(struct va_action_call *call, struct va_timers *timers, struct va_timer *alarm)
{
    char time[VA_TIMER_NAME_BYTES - 3];
    const struct va_timer *other;
    int number = 1;

    clock_text(call, alarm->end_unix_s, time, sizeof time);
    snprintf(alarm->name, sizeof alarm->name, "%s", time);
    while ((other = va_timers_find(timers, 1, alarm->name)) != NULL && other->end_unix_s != alarm->end_unix_s)
        snprintf(alarm->name, sizeof alarm->name, "%s %d", time, ++number);
}

/* The slot `name`; without one, an alarm is called by its time and a timer by the smallest number that none has. */
static int choose_name(struct va_action_call *call, struct va_timers *timers, struct va_timer *timer)
{
    const char *name = va_action_slot(call, "name");

    if (name != NULL && strlen(name) >= VA_TIMER_NAME_BYTES)
        return va_fail(call->error, VA_EINVAL, "the name of a timer may have %d bytes at most", VA_TIMER_NAME_BYTES - 1);
    if (name != NULL && name[0] != '\0') {
        snprintf(timer->name, sizeof timer->name, "%s", name);
    } else if (timer->is_alarm) {
        name_alarm(call, timers, timer);
    } else {
        int number = 1;
        do
            snprintf(timer->name, sizeof timer->name, "%d", number++);
        while (va_timers_find(timers, 0, timer->name) != NULL);
    }
    return 0;
}

/* What will be said: the slots and fields of now stand in it. */
static int fill_text(struct va_action_call *call, const char *setting, char ret_text[VA_TIMER_TEXT_BYTES])
{
    const struct va_action_request *request = call->request;
    char *text;
    int r = va_response_fill(va_action_setting(call, setting, ""), request->slots, request->n_slots, call->fields, call->n_fields, &text);

    if (r < 0)
        return va_fail(call->error, r, "cannot make the text of '%s': %s", request->command, va_status_text(r));
    size_t n = strlen(text);
    if (n >= VA_TIMER_TEXT_BYTES)
        r = va_fail(call->error, VA_ELIMIT, "the '%s' of '%s' is longer than %d bytes", setting, request->command, VA_TIMER_TEXT_BYTES - 1);
    else
        memcpy(ret_text, text, n + 1);
    va_free(text);
    return r;
}

/* A timer of the same name is set anew. */
static int set_timer(struct va_action_call *call, struct va_timers *timers)
{
    struct va_timer timer = {.is_alarm = is_alarm(call)};
    const char *language = call->request->language;
    int r = timer.is_alarm ? read_end(call, &timer.end_unix_s) : read_seconds(call, &timer.seconds);

    if (r < 0)
        return r;
    if (timer.is_alarm)
        timer.seconds = timer.end_unix_s - va_clock_unix_s();
    else
        timer.end_unix_s = va_clock_unix_s() + timer.seconds;
    timer.end_boot_s = va_clock_boot_s() + timer.seconds;
    snprintf(timer.language, sizeof timer.language, "%s", language == NULL ? "" : language);
    if ((r = choose_name(call, timers, &timer)) < 0 || (r = name_one(call, &timer)) < 0 || (r = fill_text(call, "ended", timer.text)) < 0 ||
        (r = fill_text(call, "missed", timer.late)) < 0)
        return r;
    if (call->request->dry_run)
        return va_action_would(call, "would set the %s '%s' for %.0f s", call->request->type, timer.name, timer.seconds);
    return va_timers_set(timers, &timer, call->error);
}

/* 1 when the clock shows that time when the alarm ends. */
static int is_at(const struct va_timer *alarm, const struct clock_time *time)
{
    const time_t end = (time_t)alarm->end_unix_s;
    struct tm local;

    if (localtime_r(&end, &local) == NULL)
        return 0;
    int of_day = local.tm_hour * 60 + local.tm_min;
    return of_day == time->of_day || (time->is_either && of_day == twelve_hours_later(time->of_day));
}

static size_t count_all(const struct va_action_call *call, const struct va_timers *timers)
{
    size_t count = 0;

    for (size_t i = 0; i < timers->n; i++)
        count += timers->timers[i].is_alarm == is_alarm(call);
    return count;
}

/* The only timer or alarm; with a time, the only alarm at it. */
static struct va_timer *find_only(const struct va_action_call *call, struct va_timers *timers, const struct clock_time *time)
{
    struct va_timer *only = NULL;
    size_t n = 0;

    for (size_t i = 0; i < timers->n; i++)
        if (timers->timers[i].is_alarm == is_alarm(call) && (time == NULL || is_at(&timers->timers[i], time))) {
            only = &timers->timers[i];
            n++;
        }
    return n == 1 ? only : NULL;
}

/* The timer the sentence means: by name, an alarm by its time too, or the only one. NULL when it refused or failed, see *ret_r. */
static struct va_timer *pick(struct va_action_call *call, struct va_timers *timers, int *ret_r)
{
    const char *name = va_action_slot(call, "name");
    int has_time = is_alarm(call) && (va_action_slot(call, "hour") != NULL || va_action_slot(call, "time") != NULL);
    struct clock_time time;
    struct va_timer *timer;

    *ret_r = has_time ? read_time(call, &time) : 0;
    if (*ret_r < 0)
        return NULL;
    timer = name != NULL ? va_timers_find(timers, is_alarm(call), name) : find_only(call, timers, has_time ? &time : NULL);
    if (timer == NULL)
        *ret_r = refuse(call, timers, count_all(call, timers) == 0 ? "none" : "which");
    return timer;
}

static int cancel_timer(struct va_action_call *call, struct va_timers *timers)
{
    int r;
    struct va_timer *timer = pick(call, timers, &r);

    if (timer == NULL || (r = name_one(call, timer)) < 0)
        return r;
    if (call->request->dry_run)
        return va_action_would(call, "would cancel the %s '%s'", call->request->type, timer->name);
    return va_timers_remove(timers, is_alarm(call), timer, call->error);
}

static int cancel_all(struct va_action_call *call, struct va_timers *timers)
{
    size_t n = count_all(call, timers);
    int r = n == 0 ? refuse(call, timers, "none") : name_all(call, timers);

    if (r < 0 || n == 0)
        return r;
    if (call->request->dry_run)
        return va_action_would(call, "would cancel %zu of the type %s", n, call->request->type);
    return va_timers_remove(timers, is_alarm(call), NULL, call->error);
}

static int tell_remaining(struct va_action_call *call, struct va_timers *timers)
{
    int r;
    struct va_timer *timer = pick(call, timers, &r);

    return timer == NULL ? r : name_one(call, timer);
}

static int list_timers(struct va_action_call *call, struct va_timers *timers)
{
    return count_all(call, timers) == 0 ? refuse(call, timers, "none") : name_all(call, timers);
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
    const char *clock = va_slot_find(settings->settings, settings->n_settings, "clock");

    if (find_verb(verb) == sizeof verbs / sizeof verbs[0])
        return va_fail(error, VA_EINVAL, "the actions 'timer' and 'alarm' need 'do': set, cancel, cancel_all, remaining or list");
    if (clock != NULL && strcmp(clock, "12") != 0 && strcmp(clock, "24") != 0)
        return va_fail(error, VA_EINVAL, "'clock' must be 12 or 24, not \"%.20s\"", clock);
    return 0;
}

int va_action_run_timer(struct va_action_call *call)
{
    struct va_timers *timers = call->actions->timers;
    size_t verb = find_verb(va_action_setting(call, "do", NULL));

    if (verb == sizeof verbs / sizeof verbs[0])
        return va_fail(call->error, VA_EINVAL, "the actions 'timer' and 'alarm' need 'do': set, cancel, cancel_all, remaining or list");
    pthread_mutex_lock(&timers->lock);
    int r = verbs[verb].run(call, timers);
    pthread_mutex_unlock(&timers->lock);
    return r;
}
