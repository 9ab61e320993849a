/* eval_report.h - what an evaluation adds up to: right, wrong, rejected, accepted falsely, and the same at other thresholds. */
#ifndef VA_DAEMON_EVAL_REPORT_H
#define VA_DAEMON_EVAL_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"

/* What was made of one recording. */
struct va_eval_case {
    int is_command;   /* 1: a command was said; 0: other speech, to be rejected */
    int is_right;     /* of a command: the intent and every expected slot were found, whatever the confidence */
    float confidence; /* of what was found; 0 when nothing was */
    double time_ms, duration_s;
    const char *expected; /* intents; "" for none */
    const char *found;
};

struct va_eval_report;

VA_MUST_CHECK int va_eval_report_new(float threshold, struct va_eval_report **ret_report);
void va_eval_report_free(struct va_eval_report *report);

/* VA_ENOMEM. The strings are copied. */
VA_MUST_CHECK int va_eval_report_add(struct va_eval_report *report, const struct va_eval_case *result);

/* The whole as JSON (NULL when out of memory), and as text. */
json_t *va_eval_report_json(const struct va_eval_report *report);
void va_eval_report_print(const json_t *summary, FILE *out);

#endif
