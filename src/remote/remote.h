/* remote.h - uploads transcribed on other machines: the side that has them (the front), over NATS.
 *
 * So many lanes as there are places on the workers seen in the last seconds take uploads out of the queue. A worker that is lost makes
 * its job be offered again, and what nobody takes goes back to the queue, for this machine. Each task ends exactly once.
 * message.h says what goes over the wire. */
#ifndef VA_REMOTE_REMOTE_H
#define VA_REMOTE_REMOTE_H

#include "base/error.h"

typedef struct va_remote va_remote;

struct va_bus_options;

/* Starts; the NATS server need not be there yet. model: name of the model, which the workers must have too. folder: for the audio on its
 * way. Strings are copied. As va_bus_connect; VA_ENOMEM. */
VA_MUST_CHECK int va_remote_start(const struct va_bus_options *bus, const char *model, const char *folder, va_workers *workers,
                                  va_remote **ret_remote, va_error *error);

/* After the workers have been shut down, before they are freed. */
void va_remote_stop(va_remote *remote);

struct va_remote_status {
    int connected;
    unsigned workers, places; /* seen in the last seconds */
    unsigned running;
    uint64_t finished; /* jobs that came back with a result */
    uint64_t lost;     /* offered again, because their worker was gone */
    uint64_t returned; /* done here after all */
};
void va_remote_get_status(va_remote *remote, struct va_remote_status *ret_status);

#endif
