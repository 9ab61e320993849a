/* server.h - Wyoming over TCP: a thread that accepts, and one for each client.
 *
 * Beyond the loopback only those of the list may connect: the protocol knows neither passwords nor encryption. */
#ifndef VA_WYOMING_SERVER_H
#define VA_WYOMING_SERVER_H

#include "wyoming/session.h"

typedef struct va_wyoming va_wyoming;

struct va_wyoming_options {
    const char *listen;            /* an address */
    int port;                      /* 0: any free one */
    const char *allow;             /* addresses and networks, separated by commas */
    int max_clients;               /* one more takes the place of one that has asked for nothing for a while, or is refused */
    double idle_s;                 /* silence after which a client is let go */
    struct va_wyoming_parts parts; /* what it points to must outlive the server */
};

/* VA_EINVAL: an option; VA_EBUSY: the port is taken; VA_EDENIED, VA_EIO, VA_ENOMEM. */
VA_MUST_CHECK int va_wyoming_start(const struct va_wyoming_options *options, va_wyoming **ret_wyoming, va_error *error);
int va_wyoming_port(const va_wyoming *wyoming);

/* Takes no more clients and no more requests; what is owed is finished by threads that this does not wait for. NULL is fine. */
void va_wyoming_stop(va_wyoming *wyoming);
/* Stops, and waits until all clients have their answers: to be called when the assistant has stopped, too. NULL is fine. */
void va_wyoming_free(va_wyoming *wyoming);

#endif
