/* bus.h - the connection to the NATS server over which machines share transcriptions.
 *
 * Beyond this machine it must be TLS, with a token from a file of mode 0600. It comes back by itself for as long as it is open. */
#ifndef VA_REMOTE_BUS_H
#define VA_REMOTE_BUS_H

#include <nats/nats.h>
#include <semaphore.h>

#include "base/error.h"

typedef struct va_bus va_bus;

struct va_bus_options {
    const char *url;        /* nats://HOST:PORT, tls://HOST:PORT */
    const char *token_file; /* "": none */
    const char *ca_file;    /* certificates that sign the server's; "": those of the system */
};

/* The server need not be there yet. VA_EINVAL: a wrong address, or plain text or no token beyond the loopback; VA_EDENIED, VA_ENOTFOUND
 * ...: the files. */
VA_MUST_CHECK int va_bus_connect(const struct va_bus_options *options, va_bus **ret_bus, va_error *error);
/* A server that is not there is tried no more: each try may take long, and what follows would wait for several. NULL is fine. */
void va_bus_let_go(va_bus *bus);
void va_bus_close(va_bus *bus); /* after the subscriptions */
int va_bus_is_connected(const va_bus *bus);
natsConnection *va_bus_connection(const va_bus *bus);

/* Fills error and returns the VA_E* for what the library says. */
int va_bus_fail(va_error *error, natsStatus status, const char *what);

/* subject.id as the program uses them: "va.<kind>.<id>"; what a subject may not hold becomes '_'. */
#define VA_BUS_SUBJECT_BYTES 128
void va_bus_subject(const char *kind, const char *id, char ret_subject[VA_BUS_SUBJECT_BYTES]);
/* model: its name, or the path of its file. */
void va_bus_model_subject(const char *kind, const char *model, char ret_subject[VA_BUS_SUBJECT_BYTES]);

/* Sends and waits for the answer. VA_ENOTFOUND: nobody answers to the subject; VA_ETIMEOUT; VA_EIO. Destroy the answer. */
VA_MUST_CHECK int va_bus_request(va_bus *bus, const char *subject, const void *data, size_t n, int timeout_ms, natsMsg **ret_answer);

struct va_bus_subscription {
    natsSubscription *subscription; /* NULL: none */
    sem_t is_over;
};

/* call runs on a thread of the subscription's own, one message after the other; it destroys the message. queue: of several subscribers
 * with the same name one gets each message; NULL: all do. subscription must stay where it is. */
VA_MUST_CHECK int va_bus_subscribe(va_bus *bus, const char *subject, const char *queue, natsMsgHandler call, void *user,
                                   struct va_bus_subscription *subscription, va_error *error);
/* Returns when all that had come has been given to call, within a moment, and no call runs any more. */
void va_bus_unsubscribe(struct va_bus_subscription *subscription);

#define VA_BUS_ID_BYTES 17
void va_bus_make_id(char ret_id[VA_BUS_ID_BYTES]); /* random */

#endif
