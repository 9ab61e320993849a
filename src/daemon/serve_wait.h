/* serve_wait.h - what the service does until there is a model: it waits, and says what to do. */
#ifndef VA_DAEMON_SERVE_WAIT_H
#define VA_DAEMON_SERVE_WAIT_H

#include "daemon/overrides.h"

/* Under a service manager: returns when the model of the configuration is there, or cannot be looked for. The configuration is read again
 * meanwhile: *config is replaced. Elsewhere it returns at once: whoever starts the program in a terminal
 * wants to be told. SIGTERM ends the program. */
void va_serve_wait_model(const struct va_overrides *overrides, va_config **config);

#endif
