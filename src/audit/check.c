#include "audit/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

static const struct {
    const char *text, *key, *label, *sign, *colour;
} states[VA_CHECK_N_STATES] = {
    [VA_CHECK_PASS] = {"pass", "pass", "ok", "\xe2\x9c\x93", "\x1b[32m"},
    [VA_CHECK_FAIL] = {"fail", "fail", "FAIL", "\xe2\x9c\x97", "\x1b[1;31m"},
    [VA_CHECK_NOT_APPLICABLE] = {"not applicable", "not_applicable", "n/a", "\xe2\x80\x93", "\x1b[2m"},
    [VA_CHECK_NOT_CHECKED] = {"not checked", "not_checked", "?", "?", "\x1b[33m"},
    [VA_CHECK_NOTE] = {"note", "note", "note", "!", "\x1b[33m"},
};

const char *va_check_state_text(enum va_check_state state)
{
    return states[state].text;
}

static void say(char text[VA_CHECK_TEXT_BYTES], const char *format, va_list arguments)
{
    vsnprintf(text, VA_CHECK_TEXT_BYTES, format, arguments);
    for (char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < 32 || *at == 127)
            *at = '?';
}

void va_check_say(struct va_check_result *result, enum va_check_state state, const char *format, ...)
{
    va_list arguments;

    result->state = state;
    va_start(arguments, format);
    say(result->evidence, format, arguments);
    va_end(arguments);
}

void va_check_advise(struct va_check_result *result, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(result->mend, format, arguments);
    va_end(arguments);
}

int va_report_make(const struct va_check *checks, size_t n, const char *only, struct va_scene *scene, struct va_report *ret_report,
                   va_error *error)
{
    struct va_report report = {.checks = checks, .n = n};

    for (size_t i = 0; only != NULL && report.n != 1 && i < n; i++)
        if (strcmp(checks[i].name, only) == 0)
            report = (struct va_report){.checks = &checks[i], .n = 1};
    if (only != NULL && (report.n != 1 || strcmp(report.checks[0].name, only) != 0))
        return va_fail(error, VA_EINVAL, "there is no item '%.60s'; --list shows them", only);
    report.results = va_calloc(report.n, sizeof *report.results);
    if (report.results == NULL)
        return va_fail_memory(error);
    for (size_t i = 0; i < report.n; i++) {
        va_check_say(&report.results[i], VA_CHECK_NOT_CHECKED, "nothing was found out");
        report.checks[i].run(scene, &report.results[i]);
        report.counts[report.results[i].state]++;
    }
    *ret_report = report;
    return 0;
}

void va_report_free(struct va_report *report)
{
    va_free(report->results);
    *report = (struct va_report){0};
}

const char *va_report_mend(const struct va_report *report, size_t i)
{
    const struct va_check_result *result = &report->results[i];

    if (result->state == VA_CHECK_PASS || result->state == VA_CHECK_NOT_APPLICABLE)
        return "";
    if (result->mend[0] != '\0' || result->state != VA_CHECK_FAIL)
        return result->mend;
    return report->checks[i].mend;
}

void va_report_json(const struct va_report *report, double unix_s, struct va_json *json)
{
    static const char *const lists[] = {"success", "performance tuning", "security hardening"};
    char time[VA_CLOCK_TEXT_SIZE];

    va_clock_text(unix_s, time);
    va_json_text(json, "timestamp", time);
    va_json_text(json, "version", va_version());
    va_json_open(json, "summary", '{');
    for (size_t i = 0; i < VA_CHECK_N_STATES; i++)
        va_json_integer(json, states[i].key, (int64_t)report->counts[i]);
    va_json_close(json, '}');
    va_json_open(json, "items", '[');
    for (size_t i = 0; i < report->n; i++) {
        va_json_open(json, NULL, '{');
        va_json_text(json, "name", report->checks[i].name);
        va_json_text(json, "about", report->checks[i].about);
        va_json_open(json, "lists", '[');
        for (size_t list = 0; list < sizeof lists / sizeof lists[0]; list++)
            if (report->checks[i].lists & 1u << list)
                va_json_text(json, NULL, lists[list]);
        va_json_close(json, ']');
        va_json_text(json, "state", states[report->results[i].state].key);
        va_json_text(json, "evidence", report->results[i].evidence);
        va_json_text(json, "mend", va_report_mend(report, i));
        va_json_close(json, '}');
    }
    va_json_close(json, ']');
}

static int write_line(const struct va_report *report, size_t i, int width, int is_terminal, struct va_buffer *out)
{
    const struct va_check_result *result = &report->results[i];
    const char *mend = va_report_mend(report, i), *name = report->checks[i].name;
    int r = is_terminal ? va_buffer_printf(out, "  %s%s %-*s\x1b[0m  %s\n", states[result->state].colour, states[result->state].sign, width,
                                           name, result->evidence)
                        : va_buffer_printf(out, "  %-4s  %-*s  %s\n", states[result->state].label, width, name, result->evidence);

    if (r == 0 && mend[0] != '\0')
        r = va_buffer_printf(out, "  %*s  %s %s\n", width + (is_terminal ? 2 : 6), "", is_terminal ? "\xe2\x86\x92" : "->", mend);
    return r;
}

int va_report_text(const struct va_report *report, const char *title, int is_terminal, struct va_buffer *out)
{
    int width = 0, r = va_buffer_printf(out, is_terminal ? "\x1b[1m%s\x1b[0m\n\n" : "%s\n\n", title), listed = 0;

    for (size_t i = 0; i < report->n; i++)
        if ((int)strlen(report->checks[i].name) > width)
            width = (int)strlen(report->checks[i].name);
    for (size_t i = 0; r == 0 && i < report->n; i++)
        r = write_line(report, i, width, is_terminal, out);
    if (r == 0)
        r = va_buffer_append_string(out, "\n  ");
    for (size_t i = 0; r == 0 && i < VA_CHECK_N_STATES; i++)
        if (report->counts[i] > 0)
            r = va_buffer_printf(out, "%s%zu %s", listed++ > 0 ? ", " : "", report->counts[i], states[i].text);
    return r == 0 ? va_buffer_append_string(out, "\n") : r;
}
