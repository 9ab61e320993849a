/* serve_watch.h - what serve needs to be watched: the registry of metrics, their endpoint, the limits of /health. */
#ifndef VA_DAEMON_SERVE_WATCH_H
#define VA_DAEMON_SERVE_WATCH_H

#include "daemon/setup.h"
#include "server/api.h"
#include "server/prometheus.h"

struct va_watch {
    struct va_metrics *metrics;       /* NULL: the options want none */
    struct va_prometheus *prometheus; /* likewise */
    const char *url;                  /* of the endpoint, once it is there: the server's */
};

/* Before the assistant is made: setup gets the registry. Whatever is there on failure va_watch_close frees. */
VA_MUST_CHECK int va_watch_open(struct va_watch *watch, struct va_setup *setup, va_error *error);
void va_watch_close(struct va_watch *watch);

/* When the api is there: the model's file is watched, and the metrics say what runs. access may be NULL. */
VA_MUST_CHECK int va_watch_begin(struct va_watch *watch, const struct va_setup *setup, va_api *api, va_access *access, va_error *error);

/* Starts the server; the last of its n_endpoints is free, for the metrics. When their port is not to be had it goes without it. */
VA_MUST_CHECK int va_watch_serve(struct va_watch *watch, const va_config *config, struct va_server_options *options,
                                 struct va_endpoint *endpoints, va_server **ret_server, va_error *error);

/* Now and after each reload. */
void va_watch_limits(const va_config *config, va_api *api);

#endif
