/* metrics.h - numbers for who watches the program, in Prometheus' text format. metrics.def has one row per metric.
 *
 * The registry is an object that is handed down, and may be NULL everywhere: then nothing is counted. Counting neither locks nor
 * allocates. Any thread.
 *
 *     va_metrics_add(metrics, VA_METRIC_COMMANDS, VA_COMMAND_FAILED, 1);
 *     va_metrics_observe(metrics, VA_METRIC_QUEUE_SECONDS, 0, waited_s); */
#ifndef VA_BASE_METRICS_H
#define VA_BASE_METRICS_H

#include "base/buffer.h"

typedef struct va_metrics va_metrics;

#define VA_COUNTER(id, ...) VA_METRIC_##id,
#define VA_GAUGE(id, ...) VA_METRIC_##id,
#define VA_HISTOGRAM(id, ...) VA_METRIC_##id,
#define VA_INFO(id, ...) VA_METRIC_##id,
enum va_metric {
#include "base/metrics.def"
    VA_N_METRICS
};

/* The values of labels, as they stand in the table. */
enum { VA_SOURCE_RECORDING, VA_SOURCE_UPLOAD, VA_SOURCE_LISTENING, VA_SOURCE_CLIENT };
enum { VA_UNFINISHED_FAILED, VA_UNFINISHED_CANCELLED };
enum { VA_WINDOW_FIRST, VA_WINDOW_RETRIED };
enum { VA_WORD_WAKE, VA_WORD_STOP };
enum { VA_COMMAND_SUCCESS, VA_COMMAND_FAILED, VA_COMMAND_ERROR, VA_COMMAND_ASKED, VA_COMMAND_DRY_RUN, VA_COMMAND_UNKNOWN };
enum { VA_REPLY_SAID, VA_REPLY_FAILED };
enum { VA_ENTRY_KEPT, VA_ENTRY_LOST };
enum { VA_BUFFER_FREE, VA_BUFFER_USED };
enum { VA_REMOTE_FINISHED, VA_REMOTE_LOST, VA_REMOTE_RETURNED };

VA_MUST_CHECK int va_metrics_new(va_metrics **ret_metrics, va_error *error);
void va_metrics_free(va_metrics *metrics);

/* label: which of the row's values; 0 where it has none. */
void va_metrics_add(va_metrics *metrics, enum va_metric metric, int label, double value);     /* a counter */
void va_metrics_observe(va_metrics *metrics, enum va_metric metric, int label, double value); /* a histogram */
/* A gauge, or a counter that somebody else counts. NAN: it is not known, and not shown; so are gauges that were never set. */
void va_metrics_set(va_metrics *metrics, enum va_metric metric, int label, double value);

/* The texts of an info's labels, [as many as it has]; copied. At the start, before anybody writes. VA_ENOMEM. */
VA_MUST_CHECK int va_metrics_describe(va_metrics *metrics, enum va_metric metric, const char *const *values, va_error *error);

/* All of them, in the text format 0.0.4. VA_ENOMEM, VA_ELIMIT. */
#define VA_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
VA_MUST_CHECK int va_metrics_write(const va_metrics *metrics, struct va_buffer *out);

#endif
