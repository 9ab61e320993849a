/* serve_settings.h - options changed over the API: threads of the server ask, the main thread changes the file and reloads, they are told.
 */
#ifndef VA_DAEMON_SERVE_SETTINGS_H
#define VA_DAEMON_SERVE_SETTINGS_H

#include <pthread.h>

#include "daemon/setup.h"
#include "server/api.h"

struct va_serve_settings {
    const struct va_setup *setup; /* its config is what runs. NULL: not open */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int wake_fd;                           /* readable when somebody asks */
    int is_closed;                         /* nobody is answered any more */
    struct va_serve_settings_ask *asked;   /* or NULL */
    struct va_serve_settings_ask *answers; /* main thread: the one that is being worked on, or NULL */
    struct va_buffer shown;                /* what GET answers */
};

/* Before the server starts. */
VA_MUST_CHECK int va_serve_settings_open(struct va_serve_settings *settings, const struct va_setup *setup, va_api *api, va_error *error);

/* Main thread, when wake_fd is readable. reload: as SIGHUP does; it must call va_serve_settings_loaded. */
void va_serve_settings_work(struct va_serve_settings *settings, int (*reload)(void *user, va_error *error), void *user);

/* A configuration is about to be taken over. Main thread. */
VA_MUST_CHECK int va_serve_settings_loaded(struct va_serve_settings *settings, const va_config *config, va_error *error);

/* Whoever waits is let go. Main thread, before the server ends; then, when it has ended, the rest. */
void va_serve_settings_stop(struct va_serve_settings *settings);
void va_serve_settings_close(struct va_serve_settings *settings);

#endif
