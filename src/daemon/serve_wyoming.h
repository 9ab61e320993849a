/* serve_wyoming.h - the daemon's Wyoming server, as the section wyoming of the options says. */
#ifndef VA_DAEMON_SERVE_WYOMING_H
#define VA_DAEMON_SERVE_WYOMING_H

#include "daemon/setup.h"
#include "wyoming/server.h"

/* ret_wyoming is left as it is when there is none: the options say so, or another program has the port, which is logged. */
VA_MUST_CHECK int va_serve_wyoming(const struct va_setup *setup, va_wyoming **ret_wyoming, va_error *error);

#endif
