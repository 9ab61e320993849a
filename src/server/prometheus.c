#include "server/prometheus.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "server/audit_report.h"
#include "server/health.h"
#include "server/process.h"

#define MAX_TEXT_BYTES ((size_t)1 << 20)

struct va_prometheus {
    struct va_prometheus_sources sources;
    _Atomic(va_server *) server; /* NULL at the very start */
    struct va_audit_summary audit;
};

int va_prometheus_new(const struct va_prometheus_sources *sources, va_prometheus **ret_prometheus, va_error *error)
{
    va_prometheus *prometheus = va_calloc(1, sizeof *prometheus);

    if (prometheus == NULL)
        return va_fail_memory(error);
    prometheus->sources = *sources;
    *ret_prometheus = prometheus;
    return 0;
}

void va_prometheus_free(va_prometheus *prometheus)
{
    va_free(prometheus);
}

void va_prometheus_set_server(va_prometheus *prometheus, va_server *server)
{
    atomic_store(&prometheus->server, server);
}

/* ---- how it is now ---- */

static void measure_server(va_prometheus *prometheus, va_metrics *metrics)
{
    va_server *server = atomic_load(&prometheus->server);
    va_access *access = prometheus->sources.access;
    double connections = server != NULL ? va_server_connections(server) : NAN;

    va_metrics_set(metrics, VA_METRIC_CONNECTIONS, 0, connections);
    va_metrics_set(metrics, VA_METRIC_ACTIVE_USERS, 0, access != NULL ? va_access_active(access) : connections);
    va_metrics_set(metrics, VA_METRIC_UPLOAD_BYTES, 0, server != NULL ? (double)va_server_upload_bytes(server) : NAN);
}

static void measure_power(const struct va_health_state *health, va_metrics *metrics)
{
    static const char *const modes[] = {"low-power", "balanced", "performance"};

    va_metrics_set(metrics, VA_METRIC_CPU_CELSIUS, 0, health->cpu_celsius);
    va_metrics_set(metrics, VA_METRIC_CPU_THROTTLED, 0, health->throttled < 0 ? NAN : health->throttled);
    for (int i = 0; i < 3; i++)
        va_metrics_set(metrics, VA_METRIC_POWER_MODE, i, health->power_mode == NULL ? NAN : strcmp(health->power_mode, modes[i]) == 0);
}

static void measure_files(va_prometheus *prometheus, va_metrics *metrics)
{
    struct va_health_state health;
    struct va_log_status log;

    va_health_get(prometheus->sources.health, &health);
    va_metrics_set(metrics, VA_METRIC_HEALTHY, 0, health.n_reasons == 0);
    va_metrics_set(metrics, VA_METRIC_DISK_FREE, 0, health.numbers.disk_free);
    va_metrics_set(metrics, VA_METRIC_DISK_TOTAL, 0, health.numbers.disk_total);
    measure_power(&health, metrics);
    va_log_get_status(&log);
    va_metrics_set(metrics, VA_METRIC_LOG_LOST, 0, (double)log.lost);
}

static void measure_audit(va_prometheus *prometheus, va_metrics *metrics)
{
    if (prometheus->sources.folder == NULL)
        return;
    va_audit_report_summary(prometheus->sources.folder, &prometheus->audit);
    va_metrics_set(metrics, VA_METRIC_AUDIT_FAILED, 0, prometheus->audit.failed);
    va_metrics_set(metrics, VA_METRIC_AUDIT_TIME, 0, prometheus->audit.made_unix_s);
}

static void measure_process(va_metrics *metrics)
{
    struct va_process_numbers process;

    va_process_read(&process);
    va_metrics_set(metrics, VA_METRIC_PROCESS_ANON, 0, process.anonymous);
    va_metrics_set(metrics, VA_METRIC_PROCESS_CPU, 0, process.cpu_s);
    va_metrics_set(metrics, VA_METRIC_PROCESS_RESIDENT, 0, process.resident);
    va_metrics_set(metrics, VA_METRIC_PROCESS_VIRTUAL, 0, process.virtual_size);
    va_metrics_set(metrics, VA_METRIC_PROCESS_FDS, 0, process.open_fds);
    va_metrics_set(metrics, VA_METRIC_PROCESS_MAX_FDS, 0, process.max_fds);
    va_metrics_set(metrics, VA_METRIC_PROCESS_THREADS, 0, process.threads);
    va_metrics_set(metrics, VA_METRIC_PROCESS_START, 0, process.start_unix_s);
}

/* ---- the request ---- */

static void get_metrics(void *user, va_request *request)
{
    va_prometheus *prometheus = user;
    va_metrics *metrics = prometheus->sources.metrics;
    struct va_buffer text;

    va_assistant_measure(prometheus->sources.assistant);
    measure_server(prometheus, metrics);
    measure_files(prometheus, metrics);
    measure_audit(prometheus, metrics);
    measure_process(metrics);
    va_buffer_init(&text, MAX_TEXT_BYTES);
    if (va_metrics_write(metrics, &text) == 0) {
        va_request_reply_as(request, 200, VA_METRICS_CONTENT_TYPE, &text);
        return;
    }
    va_buffer_free(&text);
    va_request_fail(request, 500, "internal", "out of memory");
}

static const struct va_route routes[] = {{"GET", "/metrics", VA_BODY_NONE, 0, NULL, VA_SCOPE_STATUS, get_metrics}};

const struct va_route *va_prometheus_routes(size_t *ret_n)
{
    *ret_n = sizeof routes / sizeof routes[0];
    return routes;
}
