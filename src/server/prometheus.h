/* prometheus.h - GET /metrics for Prometheus, as an endpoint of its own. */
#ifndef VA_SERVER_PROMETHEUS_H
#define VA_SERVER_PROMETHEUS_H

#include "assistant/assistant.h"
#include "server/server.h"

struct va_health;
struct va_metrics;

typedef struct va_prometheus va_prometheus;

/* What it reads; none of it is its own, and all must outlive the server. */
struct va_prometheus_sources {
    struct va_metrics *metrics; /* that of the assistant and the server */
    va_assistant *assistant;
    struct va_health *health;
    va_access *access;  /* NULL: connections are counted as users */
    const char *folder; /* of data, where the last audit is; NULL: it is not looked for */
};

VA_MUST_CHECK int va_prometheus_new(const struct va_prometheus_sources *sources, va_prometheus **ret_prometheus, va_error *error);
void va_prometheus_free(va_prometheus *prometheus);

/* The server it is an endpoint of, as soon as there is one. */
void va_prometheus_set_server(va_prometheus *prometheus, va_server *server);

/* The table of the endpoint, whose user is the va_prometheus. */
const struct va_route *va_prometheus_routes(size_t *ret_n);

#endif
