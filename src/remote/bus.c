#include "remote/bus.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/secret.h"

#define TIMEOUT_MS 5000
#define RECONNECT_MS 1000
#define PING_MS 5000
#define CLOSE_MS 5000
#define DRAIN_MS 2000

struct va_bus {
    natsConnection *connection;
    _Atomic int is_connected; /* as told: the library itself answers only between two tries, which may take long */
    sem_t is_closed;          /* and nothing more is told */
};

int va_bus_fail(va_error *error, natsStatus status, const char *what)
{
    static const struct {
        natsStatus status;
        int code;
    } table[] = {
        {NATS_NO_MEMORY, VA_ENOMEM},
        {NATS_TIMEOUT, VA_ETIMEOUT},
        {NATS_NO_RESPONDERS, VA_ENOTFOUND},
        {NATS_INVALID_ARG, VA_EINVAL},
        {NATS_ADDRESS_MISSING, VA_EINVAL},
        {NATS_NOT_PERMITTED, VA_EDENIED},
        {NATS_CONNECTION_AUTH_FAILED, VA_EDENIED},
        {NATS_MAX_PAYLOAD, VA_ELIMIT},
    };
    int code = VA_EIO;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].status == status)
            code = table[i].code;
    return va_fail(error, code, "%s: %s", what, natsStatus_GetText(status));
}

/* ---- connecting ---- */

static int is_loopback(const char *host)
{
    static const char *const names[] = {"localhost", "[::1]"};
    size_t n = strncmp(host, "127.", 4) == 0 ? strspn(host, "0123456789.") : 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(host, names[i], strlen(names[i])) == 0)
            n = strlen(names[i]);
    return n > 0 && (host[n] == ':' || host[n] == '\0') && strchr(host, ',') == NULL;
}

static int check_url(const struct va_bus_options *options, int *ret_tls, va_error *error)
{
    int is_tls = strncmp(options->url, "tls://", 6) == 0;
    const char *host = strstr(options->url, "://");

    if (host == NULL || (!is_tls && strncmp(options->url, "nats://", 7) != 0) || host[3] == '\0' || strchr(host, '@') != NULL)
        return va_fail(error, VA_EINVAL, "remote.url must be nats://HOST:PORT or tls://HOST:PORT, not '%s'", options->url);
    if (!is_loopback(host + 3) && (!is_tls || options->token_file[0] == '\0'))
        return va_fail(error, VA_EINVAL, "remote.url: beyond this machine it must be tls://, and remote.token_file a file with its token");
    *ret_tls = is_tls;
    return 0;
}

static void on_disconnected(natsConnection *connection, void *user)
{
    va_bus *bus = user;
    (void)connection;

    atomic_store(&bus->is_connected, 0);
    va_log(VA_LOG_WARNING, "remote", "the NATS server is gone; it is tried again");
}

static void on_connected(natsConnection *connection, void *user)
{
    va_bus *bus = user;
    (void)connection;

    atomic_store(&bus->is_connected, 1);
    va_log(VA_LOG_INFO, "remote", "connected to the NATS server");
}

static void on_closed(natsConnection *connection, void *user)
{
    va_bus *bus = user;
    (void)connection;

    sem_post(&bus->is_closed);
}

static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status, void *user)
{
    (void)connection;
    (void)subscription;
    (void)user;
    va_log(VA_LOG_WARNING, "remote", "NATS: %s", natsStatus_GetText(status));
}

static natsStatus set_options(natsOptions *made, const struct va_bus_options *options, int is_tls, const char *token, va_bus *bus)
{
    natsStatus s = natsOptions_SetURL(made, options->url);

    if (s == NATS_OK && token != NULL)
        s = natsOptions_SetToken(made, token);
    if (s == NATS_OK && is_tls)
        s = natsOptions_SetSecure(made, true);
    if (s == NATS_OK && is_tls && options->ca_file[0] != '\0')
        s = natsOptions_LoadCATrustedCertificates(made, options->ca_file);
    if (s == NATS_OK)
        s = natsOptions_SetTimeout(made, TIMEOUT_MS);
    if (s == NATS_OK)
        s = natsOptions_SetMaxReconnect(made, -1);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectWait(made, RECONNECT_MS);
    if (s == NATS_OK)
        s = natsOptions_SetPingInterval(made, PING_MS);
    if (s == NATS_OK)
        s = natsOptions_SetFailRequestsOnDisconnect(made, true);
    if (s == NATS_OK)
        s = natsOptions_SetRetryOnFailedConnect(made, true, on_connected, bus);
    if (s == NATS_OK)
        s = natsOptions_SetDisconnectedCB(made, on_disconnected, bus);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectedCB(made, on_connected, bus);
    if (s == NATS_OK)
        s = natsOptions_SetClosedCB(made, on_closed, bus);
    if (s == NATS_OK)
        s = natsOptions_SetErrorHandler(made, on_error, NULL);
    return s;
}

int va_bus_connect(const struct va_bus_options *options, va_bus **ret_bus, va_error *error)
{
    natsOptions *made = NULL;
    char *token = NULL;
    int is_tls = 0;
    int r = check_url(options, &is_tls, error);
    if (r < 0)
        return r;
    va_bus *bus = va_calloc(1, sizeof *bus);
    if (bus == NULL)
        return va_fail_memory(error);
    sem_init(&bus->is_closed, 0, 0);
    if (options->token_file[0] != '\0' && (r = va_secret_read(options->token_file, &token, error)) < 0)
        goto fail;
    natsStatus s = natsOptions_Create(&made);
    if (s == NATS_OK)
        s = set_options(made, options, is_tls, token, bus);
    if (s == NATS_OK)
        s = natsConnection_Connect(&bus->connection, made);
    natsOptions_Destroy(made);
    va_secret_free(token);
    token = NULL;
    if (s != NATS_OK && s != NATS_NOT_YET_CONNECTED) {
        r = va_bus_fail(error, s, options->url);
        goto fail;
    }
    if (s == NATS_NOT_YET_CONNECTED)
        va_log(VA_LOG_WARNING, "remote", "the NATS server %s is not reached, and tried again and again", options->url);
    if (s == NATS_OK)
        atomic_store(&bus->is_connected, natsConnection_Status(bus->connection) == NATS_CONN_STATUS_CONNECTED);
    *ret_bus = bus;
    return 0;

fail:
    va_secret_free(token);
    va_bus_close(bus);
    return r;
}

void va_bus_close(va_bus *bus)
{
    if (bus == NULL)
        return;
    if (bus->connection != NULL) {
        (void)natsConnection_FlushTimeout(bus->connection, va_bus_is_connected(bus) ? CLOSE_MS : 1);
        natsConnection_Destroy(bus->connection);
        while (sem_wait(&bus->is_closed) != 0)
            ;
    }
    sem_destroy(&bus->is_closed);
    va_free(bus);
}

void va_bus_let_go(va_bus *bus)
{
    if (bus != NULL && !va_bus_is_connected(bus))
        natsConnection_Close(bus->connection);
}

int va_bus_is_connected(const va_bus *bus)
{
    return atomic_load(&bus->is_connected);
}

natsConnection *va_bus_connection(const va_bus *bus)
{
    return bus->connection;
}

/* ---- messages ---- */

void va_bus_subject(const char *kind, const char *id, char ret_subject[VA_BUS_SUBJECT_BYTES])
{
    size_t start = (size_t)snprintf(ret_subject, VA_BUS_SUBJECT_BYTES, "va.%s.", kind);

    snprintf(ret_subject + start, VA_BUS_SUBJECT_BYTES - start, "%s", id);
    for (char *c = ret_subject + start; *c != '\0'; c++)
        if (*c <= ' ' || *c == '.' || *c == '*' || *c == '>' || *c == 0x7f)
            *c = '_';
}

void va_bus_model_subject(const char *kind, const char *model, char ret_subject[VA_BUS_SUBJECT_BYTES])
{
    const char *slash = strrchr(model, '/'), *name = slash != NULL ? slash + 1 : model, *end = strrchr(name, '.');
    char id[VA_BUS_SUBJECT_BYTES];

    snprintf(id, sizeof id, "%.*s", end != NULL && strcmp(end, ".vam") == 0 ? (int)(end - name) : VA_BUS_SUBJECT_BYTES, name);
    va_bus_subject(kind, id, ret_subject);
}

int va_bus_request(va_bus *bus, const char *subject, const void *data, size_t n, int timeout_ms, natsMsg **ret_answer)
{
    natsStatus s = natsConnection_Request(ret_answer, bus->connection, subject, data, (int)n, timeout_ms);

    return s == NATS_OK ? 0 : va_bus_fail(NULL, s, subject);
}

static void on_complete(void *user)
{
    sem_post(user);
}

int va_bus_subscribe(va_bus *bus, const char *subject, const char *queue, natsMsgHandler call, void *user,
                     struct va_bus_subscription *subscription, va_error *error)
{
    natsSubscription *made = NULL;
    natsStatus s = queue != NULL ? natsConnection_QueueSubscribe(&made, bus->connection, subject, queue, call, user)
                                 : natsConnection_Subscribe(&made, bus->connection, subject, call, user);

    if (s == NATS_OK) {
        sem_init(&subscription->is_over, 0, 0);
        s = natsSubscription_SetOnCompleteCB(made, on_complete, &subscription->is_over);
    }
    if (s != NATS_OK) {
        natsSubscription_Destroy(made);
        return va_bus_fail(error, s, subject);
    }
    subscription->subscription = made;
    return 0;
}

void va_bus_unsubscribe(struct va_bus_subscription *subscription)
{
    if (subscription->subscription == NULL)
        return;
    if (natsSubscription_DrainTimeout(subscription->subscription, DRAIN_MS) != NATS_OK)
        (void)natsSubscription_Unsubscribe(subscription->subscription);
    while (sem_wait(&subscription->is_over) != 0)
        ;
    natsSubscription_Destroy(subscription->subscription);
    subscription->subscription = NULL;
    sem_destroy(&subscription->is_over);
}

void va_bus_make_id(char ret_id[VA_BUS_ID_BYTES])
{
    uint64_t number;

    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        number = va_clock_ns();
    snprintf(ret_id, VA_BUS_ID_BYTES, "%016llx", (unsigned long long)number);
}
