#include "daemon/serve_watch.h"

#include "base/log.h"
#include "base/metrics.h"
#include "server/health.h"
#include "base/tcp.h"

int va_watch_open(struct va_watch *watch, struct va_setup *setup, va_error *error)
{
    int r = setup->config->metrics_enabled ? va_metrics_new(&watch->metrics, error) : 0;

    setup->metrics = watch->metrics;
    return r;
}

void va_watch_close(struct va_watch *watch)
{
    va_prometheus_free(watch->prometheus);
    va_metrics_free(watch->metrics);
}

int va_watch_begin(struct va_watch *watch, const struct va_setup *setup, va_api *api, va_access *access, va_error *error)
{
    const char *const build[] = {va_version(), setup->config->model_name, va_model_kernels(setup->model)};
    const struct va_prometheus_sources sources = {
        .metrics = watch->metrics, .assistant = setup->assistant, .health = va_api_health(api), .access = access, .folder = setup->folder};
    int r = va_health_watch_model(va_api_health(api), setup->model_path, error);

    va_watch_limits(setup->config, api);
    if (r < 0 || watch->metrics == NULL || (r = va_metrics_describe(watch->metrics, VA_METRIC_BUILD, build, error)) < 0)
        return r;
    return va_prometheus_new(&sources, &watch->prometheus, error);
}

int va_watch_serve(struct va_watch *watch, const va_config *config, struct va_server_options *options, struct va_endpoint *endpoints,
                   va_server **ret_server, va_error *error)
{
    options->endpoints = endpoints;
    options->metrics = watch->metrics;
    if (watch->prometheus == NULL) {
        options->n_endpoints--;
        return va_server_start(options, ret_server, error);
    }
    int is_loopback = 1;
    struct va_endpoint *last = &endpoints[options->n_endpoints - 1];
    *last = (struct va_endpoint){.listen = config->metrics_listen, .port = (int)config->metrics_port, .user = watch->prometheus};
    last->routes = va_prometheus_routes(&last->n_routes);
    int r = va_tcp_check(config->metrics_listen, &is_loopback, error);
    last->is_tls = !is_loopback;
    if (r == 0)
        r = va_server_start(options, ret_server, error);
    int is_there = r == 0;
    if (!is_there) {
        va_error reason = *error;
        options->n_endpoints--;
        r = va_server_start(options, ret_server, error);
        if (r == 0)
            va_log(VA_LOG_WARNING, "daemon", "no metrics for Prometheus (metrics.port): %s", reason.text);
    }
    if (r == 0)
        va_prometheus_set_server(watch->prometheus, *ret_server);
    if (is_there)
        watch->url = va_server_url(*ret_server, options->n_endpoints - 1);
    return r;
}

void va_watch_limits(const va_config *config, va_api *api)
{
    const struct va_health_limits limits = {
        .microphone_s = config->health_microphone,
        .stall_s = config->health_stall,
        .disk_percent = config->health_disk,
        .disk_free_bytes = (double)config->health_disk_free * 1048576.0,
    };

    va_health_set_limits(va_api_health(api), &limits);
}
