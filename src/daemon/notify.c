#include "daemon/notify.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/datagram.h"

void va_notify(const char *state)
{
    const char *address = getenv("NOTIFY_SOCKET");

    /* A service manager that does not listen is no reason to fail. */
    if (address != NULL)
        (void)va_datagram_send(address, state, strlen(state), 1);
}

int va_notify_interval_ms(void)
{
    const char *interval_us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

    if (interval_us == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
        return 0;
    unsigned long long ms = strtoull(interval_us, NULL, 10) / 2000;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}
