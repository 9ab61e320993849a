/* serve_wait.c - a new installation has no model. That is no failure of the service: it would only be started again and again. */
#include "daemon/serve_wait.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "catalog/catalog.h"
#include "daemon/notify.h"

#define LOOK_MS 1000

static int is_missing(const va_config *config, va_error *error)
{
    char *path = NULL;
    int r = va_catalog_locate(config->model_folder, config->model_name, &path, error);

    va_free(path);
    return r == VA_ENOTFOUND;
}

static void tell(const char *reason)
{
    char state[sizeof((va_error *)NULL)->text + 64];

    va_log(VA_LOG_WARNING, "daemon", "waiting for a model: %s", reason);
    snprintf(state, sizeof state, "READY=1\nSTATUS=waiting for a model: %s", reason);
    va_notify(state);
}

/* A mistake in the file leaves the configuration as it was: it is told once there is a model. */
static void read_again(const struct va_overrides *overrides, va_config **config)
{
    va_config *fresh = NULL;
    va_error error;

    if (va_overrides_load(overrides, &fresh, &error) < 0)
        return;
    va_config_free(*config);
    *config = fresh;
}

void va_serve_wait_model(const struct va_overrides *overrides, va_config **config)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    int interval_ms = va_notify_interval_ms();
    va_error error;

    if (getenv("NOTIFY_SOCKET") == NULL || !is_missing(*config, &error))
        return;
    sigaction(SIGHUP, &ignore, &before); /* a reload is what happens anyway */
    tell(error.text);
    do {
        poll(NULL, 0, interval_ms > 0 && interval_ms < LOOK_MS ? interval_ms : LOOK_MS);
        va_notify("WATCHDOG=1");
        read_again(overrides, config);
    } while (is_missing(*config, &error));
    sigaction(SIGHUP, &before, NULL);
    va_notify("STATUS=");
}
