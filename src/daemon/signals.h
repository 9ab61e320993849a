/* signals.h - SIGHUP, SIGTERM and SIGINT as events to wait for. */
#ifndef VA_DAEMON_SIGNALS_H
#define VA_DAEMON_SIGNALS_H

#include "base/error.h"

enum va_signal { VA_SIGNAL_NONE, VA_SIGNAL_RELOAD, VA_SIGNAL_STOP, VA_SIGNAL_WAKE };

/* Blocks the signals in this thread and those it starts later, so that only va_signals_wait sees them. Call before any thread starts. */
VA_MUST_CHECK int va_signals_open(int *ret_fd, va_error *error);

/* timeout_ms below 0: waits for ever. VA_SIGNAL_NONE after the timeout. wake_fd: VA_SIGNAL_WAKE when there is something to read; -1: none.
 */
enum va_signal va_signals_wait(int fd, int wake_fd, int timeout_ms);

/* Gives SIGTERM and SIGINT their usual effect back: the next one ends the program at once. Closes fd. */
void va_signals_close(int fd);

#endif
