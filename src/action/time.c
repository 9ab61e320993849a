/* time.c - the actions time and date. */
#include "action/actions.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TEXT_SIZE 128

/* Without a format: 14:05, and Sunday, 1 March 2026. */
static const char *default_format(const char *type)
{
    return strcmp(type, "time") == 0 ? "%H:%M" : "%A, %-d %B %Y";
}

/* 0 when the format makes nothing, or too much. */
static size_t format_time(const char *format, const struct tm *now, char ret_text[TEXT_SIZE])
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the format is the user's own, and strftime takes no arguments */
    return strftime(ret_text, TEXT_SIZE, format, now);
#pragma GCC diagnostic pop
}

int va_action_check_time(const struct va_action_settings *settings, va_error *error)
{
    const char *format = va_slot_find(settings->settings, settings->n_settings, "format");
    struct tm day = {.tm_year = 126, .tm_mday = 30, .tm_mon = 8, .tm_wday = 3, .tm_hour = 22};
    char text[TEXT_SIZE];

    if (format != NULL && format_time(format, &day, text) == 0)
        return va_fail(error, VA_EINVAL, "'format' must be one of strftime that makes 1 to %d bytes, such as %%H:%%M", TEXT_SIZE - 1);
    return 0;
}

int va_action_run_time(struct va_action_call *call)
{
    static const struct {
        const char *name, *format;
    } parts[] = {{"hour", "%-H"}, {"minute", "%M"}, {"weekday", "%A"}, {"day", "%-d"}, {"month", "%B"}, {"year", "%Y"}};
    const char *type = call->request->type;
    char text[TEXT_SIZE];
    struct tm now;
    time_t seconds = time(NULL);

    if (localtime_r(&seconds, &now) == NULL)
        return va_fail_errno(call->error, "cannot read the clock");
    if (format_time(va_action_setting(call, "format", default_format(type)), &now, text) == 0)
        return va_fail(call->error, VA_EINVAL, "the 'format' of '%s' makes no text", call->request->command);
    int r = va_action_field(call, type, text);
    for (size_t i = 0; r == 0 && i < sizeof parts / sizeof parts[0]; i++) {
        format_time(parts[i].format, &now, text);
        r = va_action_field(call, parts[i].name, text);
    }
    return r;
}
