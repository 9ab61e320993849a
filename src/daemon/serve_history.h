/* serve_history.h - the history as the options of its section want it. */
#ifndef VA_DAEMON_SERVE_HISTORY_H
#define VA_DAEMON_SERVE_HISTORY_H

#include "config/config.h"
#include "store/history.h"

/* With a thread that looks after it; what it has to say is logged. folder: of data. */
VA_MUST_CHECK int va_serve_history_open(const va_config *config, const char *folder, va_history **ret_history, va_error *error);

/* For va_history_configure after a reload. */
struct va_history_options va_serve_history_options(const va_config *config);

#endif
