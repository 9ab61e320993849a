/* Nobody else transcribes. */
#include "remote/remote.h"

int va_remote_start(const struct va_bus_options *bus, const char *model, const char *folder, va_workers *workers, va_remote **ret_remote,
                    va_error *error)
{
    return va_fail(error, VA_EUNSUPPORTED, "there is no NATS in this test");
}

void va_remote_stop(va_remote *remote)
{
}

void va_remote_get_status(va_remote *remote, struct va_remote_status *ret_status)
{
    *ret_status = (struct va_remote_status){.connected = 0};
}
