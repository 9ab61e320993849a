#include "base/metrics.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum kind { COUNTER, GAUGE, HISTOGRAM, INFO };
static const char *const kind_names[] = {"counter", "gauge", "histogram", "gauge"};

/* The bounds of each histogram. */
#define VA_HISTOGRAM(id, name, label, values, help, ...) static const double bounds_##id[] = {__VA_ARGS__};
#include "base/metrics.def"

static const struct row {
    enum kind kind;
    const char *name, *label, *values, *help;
    const double *bounds; /* [n_bounds] */
    size_t n_bounds;
} rows[VA_N_METRICS] = {
#define VA_COUNTER(id, name, label, values, help) {COUNTER, name, label, values, help, NULL, 0},
#define VA_GAUGE(id, name, label, values, help) {GAUGE, name, label, values, help, NULL, 0},
#define VA_HISTOGRAM(id, name, label, values, help, ...) \
    {HISTOGRAM, name, label, values, help, bounds_##id, sizeof bounds_##id / sizeof bounds_##id[0]},
#define VA_INFO(id, name, labels, help) {INFO, name, "", labels, help, NULL, 0},
#include "base/metrics.def"
};

struct va_metrics {
    char *labels[VA_N_METRICS]; /* of an info, as written; else NULL */
    size_t first[VA_N_METRICS]; /* cell of the metric's first label value */
    _Atomic double cells[];     /* for each label value one, or of a histogram: a count for each bound and above all, then the sum */
};

/* ---- the shape of a row ---- */

static size_t n_values(const struct row *row)
{
    size_t n = 1;

    for (const char *p = row->values; row->kind != INFO && *p != '\0'; p++)
        n += *p == '|';
    return n;
}

static size_t cells_per_value(const struct row *row)
{
    return row->kind == HISTOGRAM ? row->n_bounds + 2 : 1;
}

/* The i-th of "this|that". */
static const char *nth(const char *list, size_t i, int *ret_length)
{
    while (i-- > 0)
        list += strcspn(list, "|") + 1;
    *ret_length = (int)strcspn(list, "|");
    return list;
}

/* ---- life ---- */

int va_metrics_new(va_metrics **ret_metrics, va_error *error)
{
    size_t n = 0;

    for (size_t i = 0; i < VA_N_METRICS; i++)
        n += n_values(&rows[i]) * cells_per_value(&rows[i]);
    va_metrics *metrics = va_calloc(1, sizeof *metrics + n * sizeof metrics->cells[0]);
    if (metrics == NULL)
        return va_fail_memory(error);
    n = 0;
    for (size_t i = 0; i < VA_N_METRICS; i++) {
        metrics->first[i] = n;
        for (size_t k = n_values(&rows[i]) * cells_per_value(&rows[i]); k > 0; k--)
            atomic_init(&metrics->cells[n++], rows[i].kind == GAUGE ? NAN : 0.0);
    }
    *ret_metrics = metrics;
    return 0;
}

void va_metrics_free(va_metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (size_t i = 0; i < VA_N_METRICS; i++)
        va_free(metrics->labels[i]);
    va_free(metrics);
}

/* ---- counting ---- */

static void add(_Atomic double *cell, double value)
{
    double before = atomic_load_explicit(cell, memory_order_relaxed);

    while (!atomic_compare_exchange_weak_explicit(cell, &before, before + value, memory_order_relaxed, memory_order_relaxed)) {
    }
}

static _Atomic double *cell_of(va_metrics *metrics, enum va_metric metric, int label)
{
    return &metrics->cells[metrics->first[metric] + (size_t)label * cells_per_value(&rows[metric])];
}

void va_metrics_add(va_metrics *metrics, enum va_metric metric, int label, double value)
{
    if (metrics != NULL)
        add(cell_of(metrics, metric, label), value);
}

void va_metrics_set(va_metrics *metrics, enum va_metric metric, int label, double value)
{
    if (metrics != NULL)
        atomic_store_explicit(cell_of(metrics, metric, label), value, memory_order_relaxed);
}

void va_metrics_observe(va_metrics *metrics, enum va_metric metric, int label, double value)
{
    if (metrics == NULL)
        return;
    const struct row *row = &rows[metric];
    _Atomic double *cells = cell_of(metrics, metric, label);
    size_t i = 0;

    while (i < row->n_bounds && !(value <= row->bounds[i]))
        i++;
    add(&cells[i], 1.0);
    add(&cells[row->n_bounds + 1], value);
}

/* ---- writing ---- */

/* As Prometheus wants the texts of labels. */
static int append_escaped(struct va_buffer *out, const char *text)
{
    int r = 0;

    for (; r == 0 && *text != '\0'; text++)
        r = *text == '\\'   ? va_buffer_append(out, "\\\\", 2)
            : *text == '"'  ? va_buffer_append(out, "\\\"", 2)
            : *text == '\n' ? va_buffer_append(out, "\\n", 2)
                            : va_buffer_append(out, text, 1);
    return r;
}

int va_metrics_describe(va_metrics *metrics, enum va_metric metric, const char *const *values, va_error *error)
{
    struct va_buffer text;
    int r = 0, length;

    if (metrics == NULL)
        return 0;
    va_buffer_init(&text, 65536);
    for (size_t i = 0; r == 0; i++) {
        const char *name = nth(rows[metric].values, i, &length);
        if ((r = va_buffer_printf(&text, "%s%.*s=\"", i > 0 ? "," : "", length, name)) == 0 && (r = append_escaped(&text, values[i])) == 0)
            r = va_buffer_append(&text, "\"", 1);
        if (name[length] == '\0')
            break;
    }
    if (r == 0) {
        va_free(metrics->labels[metric]);
        metrics->labels[metric] = va_buffer_take(&text);
    }
    va_buffer_free(&text);
    return r == 0 ? 0 : va_fail(error, r, "cannot describe the metric %s", rows[metric].name);
}

/* Whoever uses us may have set a locale. */
static const char *number_text(double value, char ret_text[32])
{
    snprintf(ret_text, 32, "%.15g", value);
    char *comma = strchr(ret_text, ',');
    if (comma != NULL)
        *comma = '.';
    return ret_text;
}

static int write_sample(struct va_buffer *out, const char *name, const char *suffix, const char *labels, double value)
{
    char text[32];

    return va_buffer_printf(out, labels[0] != '\0' ? "%s%s{%s} %s\n" : "%s%s%s %s\n", name, suffix, labels, number_text(value, text));
}

/* The count of all is made of what stands in the buckets, so that they always agree. */
static int write_histogram(struct va_buffer *out, const struct row *row, const _Atomic double *cells, const char *labels)
{
    char text[192], bound[32];
    double count = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i <= row->n_bounds; i++) {
        count += atomic_load_explicit(&cells[i], memory_order_relaxed);
        snprintf(text, sizeof text, "%s%sle=\"%s\"", labels, labels[0] != '\0' ? "," : "",
                 i < row->n_bounds ? number_text(row->bounds[i], bound) : "+Inf");
        r = write_sample(out, row->name, "_bucket", text, count);
    }
    if (r == 0)
        r = write_sample(out, row->name, "_sum", labels, atomic_load_explicit(&cells[row->n_bounds + 1], memory_order_relaxed));
    return r == 0 ? write_sample(out, row->name, "_count", labels, count) : r;
}

static int is_known(const struct row *row, const _Atomic double *cells)
{
    for (size_t i = 0; i < n_values(row); i++)
        if (!isnan(atomic_load_explicit(&cells[i * cells_per_value(row)], memory_order_relaxed)))
            return 1;
    return 0;
}

static int write_values(struct va_buffer *out, const struct row *row, const _Atomic double *cells)
{
    char labels[128];
    int r = 0, length;

    for (size_t i = 0; r == 0 && i < n_values(row); i++, cells += cells_per_value(row)) {
        const char *value = nth(row->values, i, &length);
        snprintf(labels, sizeof labels, row->label[0] != '\0' ? "%s=\"%.*s\"" : "%s%.*s", row->label, length, value);
        double number = atomic_load_explicit(cells, memory_order_relaxed);
        if (row->kind == HISTOGRAM)
            r = write_histogram(out, row, cells, labels);
        else if (!isnan(number))
            r = write_sample(out, row->name, "", labels, number);
    }
    return r;
}

int va_metrics_write(const va_metrics *metrics, struct va_buffer *out)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < VA_N_METRICS; i++) {
        const struct row *row = &rows[i];
        const _Atomic double *cells = &metrics->cells[metrics->first[i]];
        if (row->kind == INFO ? metrics->labels[i] == NULL : !is_known(row, cells))
            continue;
        r = va_buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, kind_names[row->kind]);
        if (r == 0)
            r = row->kind == INFO ? write_sample(out, row->name, "", metrics->labels[i], 1) : write_values(out, row, cells);
    }
    return r;
}
