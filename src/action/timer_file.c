/* timer_file.c - the timers as a file, so that a restart loses none. */
#include "action/timers.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

#define MAX_FILE_BYTES (256 * 1024)

static void write_timer(struct va_json *json, const struct va_timer *timer)
{
    va_json_open(json, NULL, '{');
    va_json_bool(json, "alarm", timer->is_alarm);
    va_json_text(json, "name", timer->name);
    va_json_text(json, "text", timer->text);
    va_json_text(json, "late", timer->late);
    va_json_text(json, "language", timer->language);
    va_json_number(json, "seconds", timer->seconds, 3);
    va_json_number(json, "end", timer->end_unix_s, 3);
    va_json_close(json, '}');
}

int va_timers_save(const struct va_timers *timers, va_error *error)
{
    struct va_buffer text;
    struct va_json json = {.out = &text};

    if (timers->path == NULL)
        return 0;
    va_buffer_init(&text, MAX_FILE_BYTES);
    va_json_open(&json, NULL, '{');
    va_json_open(&json, "timers", '[');
    if (timers->is_telling)
        write_timer(&json, &timers->ended);
    for (size_t i = 0; i < timers->n; i++)
        write_timer(&json, &timers->timers[i]);
    va_json_close(&json, ']');
    va_json_close(&json, '}');
    int r = json.error < 0 ? va_fail(error, json.error, "cannot keep the timers: %s", va_status_text(json.error))
                           : va_file_write(timers->path, text.data, text.size, 0600, error);
    va_buffer_free(&text);
    return r;
}

static int take_text(const json_t *object, const char *key, char *ret_text, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (text == NULL || strlen(text) >= size)
        return VA_EFORMAT;
    memcpy(ret_text, text, strlen(text) + 1);
    return 0;
}

static int take_timer(const json_t *object, struct va_timer *ret_timer)
{
    const json_t *seconds = json_object_get(object, "seconds"), *end = json_object_get(object, "end");
    struct va_timer timer = {.is_alarm = json_is_true(json_object_get(object, "alarm"))};

    if (take_text(object, "name", timer.name, sizeof timer.name) < 0 || take_text(object, "text", timer.text, sizeof timer.text) < 0 ||
        take_text(object, "late", timer.late, sizeof timer.late) < 0 ||
        take_text(object, "language", timer.language, sizeof timer.language) < 0 || !json_is_number(seconds) || !json_is_number(end))
        return VA_EFORMAT;
    timer.seconds = json_number_value(seconds);
    timer.end_unix_s = json_number_value(end);
    if (!(timer.seconds >= 0 && timer.seconds <= VA_TIMER_MAX_SECONDS && timer.end_unix_s > 0 && timer.end_unix_s <= VA_CLOCK_LAST_UNIX_S))
        return VA_EFORMAT;
    /* A board without a battery for its clock starts in the past: what is left cannot be more than all of it. */
    double left_s = timer.end_unix_s - va_clock_unix_s();
    timer.end_boot_s = va_clock_boot_s() + fmin(left_s, timer.seconds);
    timer.is_restored = 1;
    *ret_timer = timer;
    return 0;
}

int va_timers_load(struct va_timers *timers, va_error *error)
{
    char *text;
    size_t size;
    json_error_t why;

    if (timers->path == NULL || !va_file_exists(timers->path))
        return 0;
    int r = va_file_read(timers->path, MAX_FILE_BYTES, &text, &size, error);
    if (r < 0)
        return r;
    json_t *root = json_loadb(text, size, 0, &why);
    const json_t *list = json_object_get(root, "timers");
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > VA_TIMERS_MAX)
        r = va_fail(error, VA_EFORMAT, "%.150s is damaged: the timers it kept are lost", timers->path);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (take_timer(json_array_get(list, i), &timers->timers[i]) < 0)
            r = va_fail(error, VA_EFORMAT, "%.150s is damaged: the timers it kept are lost", timers->path);
    if (r == 0)
        timers->n = n;
    json_decref(root);
    va_free(text);
    return r;
}
