#include "daemon/eval_report.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/median.h"

struct va_eval_report {
    float threshold;
    struct va_eval_case *cases; /* [n] */
    size_t n, capacity;
    json_t *confusion; /* "expected -> found": how often */
};

int va_eval_report_new(float threshold, struct va_eval_report **ret_report)
{
    struct va_eval_report *report = va_calloc(1, sizeof *report);

    if (report == NULL || (report->confusion = json_object()) == NULL) {
        va_free(report);
        return VA_ENOMEM;
    }
    report->threshold = threshold;
    *ret_report = report;
    return 0;
}

void va_eval_report_free(struct va_eval_report *report)
{
    if (report == NULL)
        return;
    json_decref(report->confusion);
    va_free(report->cases);
    va_free(report);
}

static const char *or_none(const char *intent)
{
    return intent[0] == '\0' ? "none" : intent;
}

int va_eval_report_add(struct va_eval_report *report, const struct va_eval_case *result)
{
    const char *found = result->confidence >= report->threshold ? result->found : "";
    char key[160];

    if (report->n == report->capacity) {
        size_t more = report->capacity == 0 ? 64 : 2 * report->capacity;
        struct va_eval_case *cases = va_realloc(report->cases, more, sizeof *cases);
        if (cases == NULL)
            return VA_ENOMEM;
        report->cases = cases;
        report->capacity = more;
    }
    struct va_eval_case *added = &report->cases[report->n++];
    *added = *result;
    added->expected = added->found = NULL; /* counted here */
    if (strcmp(result->expected, found) == 0)
        return 0;
    snprintf(key, sizeof key, "%.70s -> %.70s", or_none(result->expected), or_none(found));
    json_int_t times = json_integer_value(json_object_get(report->confusion, key));
    return json_object_set_new(report->confusion, key, json_integer(times + 1)) == 0 ? 0 : VA_ENOMEM;
}

struct counts {
    size_t commands, right, wrong, rejected, others, false_accepts;
};

static struct counts count(const struct va_eval_report *report, float threshold)
{
    struct counts counts = {0};

    for (size_t i = 0; i < report->n; i++) {
        const struct va_eval_case *result = &report->cases[i];
        int accepted = result->confidence > 0 && result->confidence >= threshold;
        counts.commands += result->is_command != 0;
        counts.others += !result->is_command;
        if (!result->is_command)
            counts.false_accepts += accepted;
        else if (!accepted)
            counts.rejected++;
        else
            *(result->is_right ? &counts.right : &counts.wrong) += 1;
    }
    return counts;
}

static double ratio(size_t part, size_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static json_t *times_json(const struct va_eval_report *report)
{
    double *times = va_alloc(report->n, sizeof *times), sum = 0, seconds = 0;

    if (times == NULL)
        return NULL;
    for (size_t i = 0; i < report->n; i++) {
        times[i] = report->cases[i].time_ms;
        sum += times[i];
        seconds += report->cases[i].duration_s;
    }
    double median = va_median(times, report->n);
    json_t *object = json_pack("{s:f, s:f, s:f, s:f}", "mean", report->n > 0 ? sum / (double)report->n : 0, "median", median, "longest",
                               report->n > 0 ? times[report->n - 1] : 0, "audio_s", seconds);
    va_free(times);
    return object;
}

static json_t *curve_json(const struct va_eval_report *report)
{
    static const float thresholds[] = {0.05f, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f, 0.95f};
    json_t *curve = json_array();

    for (size_t i = 0; i < sizeof thresholds / sizeof thresholds[0]; i++) {
        struct counts counts = count(report, thresholds[i]);
        json_array_append_new(curve,
                              json_pack("{s:f, s:f, s:f}", "threshold", (double)thresholds[i], "accepted",
                                        ratio(counts.right, counts.commands), "false_accepts", ratio(counts.false_accepts, counts.others)));
    }
    return curve;
}

json_t *va_eval_report_json(const struct va_eval_report *report)
{
    struct counts counts = count(report, report->threshold);

    return json_pack("{s:f, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:f, s:O, s:o, s:o}", "threshold", (double)report->threshold, "commands",
                     (json_int_t)counts.commands, "right", (json_int_t)counts.right, "acceptance", ratio(counts.right, counts.commands),
                     "wrong", (json_int_t)counts.wrong, "rejected", (json_int_t)counts.rejected, "others", (json_int_t)counts.others,
                     "false_accepts", (json_int_t)counts.false_accepts, "false_accept_rate", ratio(counts.false_accepts, counts.others),
                     "confusion", report->confusion, "time_ms", times_json(report), "operating_curve", curve_json(report));
}

static long long integer(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static double real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

void va_eval_report_print(const json_t *summary, FILE *out)
{
    const json_t *times = json_object_get(summary, "time_ms"), *curve = json_object_get(summary, "operating_curve");

    if (integer(summary, "commands") > 0)
        fprintf(out, "commands:      %lld, right %lld (%.1f %%), wrong %lld, rejected %lld\n", integer(summary, "commands"),
                integer(summary, "right"), 100 * real(summary, "acceptance"), integer(summary, "wrong"), integer(summary, "rejected"));
    if (integer(summary, "others") > 0)
        fprintf(out, "other speech:  %lld, accepted falsely %lld (%.1f %%)\n", integer(summary, "others"),
                integer(summary, "false_accepts"), 100 * real(summary, "false_accept_rate"));
    fprintf(out, "time:          %.0f ms mean, %.0f ms median, %.0f ms longest, for %.1f s of audio\n", real(times, "mean"),
            real(times, "median"), real(times, "longest"), real(times, "audio_s"));
    json_t *confusion = json_object_get(summary, "confusion");
    for (void *at = json_object_iter(confusion); at != NULL; at = json_object_iter_next(confusion, at))
        fprintf(out, "%14lld  %s\n", (long long)json_integer_value(json_object_iter_value(at)), json_object_iter_key(at));
    fputs("threshold  right  accepted falsely\n", out);
    for (size_t i = 0; i < json_array_size(curve); i++) {
        const json_t *point = json_array_get(curve, i);
        fprintf(out, "%9.2f %5.1f%% %8.1f%%\n", real(point, "threshold"), 100 * real(point, "accepted"),
                100 * real(point, "false_accepts"));
    }
}
