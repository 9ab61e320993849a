/* What the bytes mean is connection.h's business. */
#include "server/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/tcp.h"

#define MAX_EVENTS 64
#define ACCEPTS_AT_ONCE 16
/* Connections beyond the limit that are still told why. */
#define SPARE_CONNECTIONS 16
/* A full server lets the one go that has waited longest for its next request, if it has for this long. */
#define EVICT_S 5.0
/* Deadlines are looked at this often at most. */
#define TICK_S 0.05
/* One network beyond the loopback gets a quarter of all connections. */
#define BUCKET_PART 4
#define BUCKET_MIN 8

double va_loop_now_s(void)
{
    return va_clock_ms() * 1e-3;
}

/* ---- clients ---- */

static void close_client(va_server *server, struct va_loop_client *client)
{
    if (client->session.fd < 0)
        return;
    /* Closing is not enough: while a child is being started it has the descriptor, too, and events of a client that is freed would come. */
    (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, client->session.fd, NULL);
    va_session_close(&client->session);
    if (client->previous != NULL)
        client->previous->next = client->next;
    else
        server->clients = client->next;
    if (client->next != NULL)
        client->next->previous = client->previous;
    client->next = server->closed; /* events of this turn may still name it */
    server->closed = client;
    if (client->bucket >= 0)
        server->buckets[client->bucket]--;
    atomic_fetch_sub(&server->n_clients, 1);
}

static void free_closed(va_server *server)
{
    while (server->closed != NULL) {
        struct va_loop_client *client = server->closed;
        server->closed = client->next;
        va_free(client);
    }
}

/* Does what the connection wants after an event. */
static void serve(va_server *server, struct va_loop_client *client)
{
    int r = va_session_write(&client->session, va_loop_now_s());

    if (r < 0) {
        close_client(server, client);
        return;
    }
    uint32_t events = EPOLLRDHUP | (r > 0 ? EPOLLOUT : 0) | (va_session_is_paused(&client->session) ? 0 : EPOLLIN);
    if (events != client->events) {
        struct epoll_event event = {.events = events, .data.ptr = client};
        client->events = events;
        if (epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, client->session.fd, &event) < 0) {
            close_client(server, client);
            return;
        }
    }
    double deadline_s = va_session_deadline_s(&client->session);
    if (deadline_s != 0 && (server->check_s == 0 || deadline_s < server->check_s))
        server->check_s = deadline_s;
}

static void read_client(va_server *server, struct va_loop_client *client, uint32_t events)
{
    int r = 0;

    if (events & EPOLLIN)
        r = va_session_read(&client->session, &server->room, va_loop_now_s());
    else if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        r = VA_ECANCELLED;
    if (r < 0)
        close_client(server, client);
    else
        serve(server, client);
}

/* ---- accepting ---- */

static int bucket_of(const va_server *server, const struct va_tcp_peer *peer)
{
    uint64_t hash = (peer->network ^ server->salt) * 0x9e3779b97f4a7c15u;
    return peer->is_loopback ? -1 : (int)(hash >> 54);
}

/* Has this client its share already? */
static int is_greedy(const va_server *server, int bucket)
{
    unsigned share = (unsigned)server->max_connections / BUCKET_PART;
    return bucket >= 0 && server->buckets[bucket] >= (share < BUCKET_MIN ? BUCKET_MIN : share);
}

static void evict(va_server *server)
{
    struct va_loop_client *oldest = NULL;
    double oldest_s = va_loop_now_s() - EVICT_S;

    for (struct va_loop_client *client = server->clients; client != NULL; client = client->next) {
        double since_s = client->session.connection != NULL ? va_connection_idle_since_s(client->session.connection) : 0;
        if (since_s != 0 && since_s < oldest_s) {
            oldest = client;
            oldest_s = since_s;
        }
    }
    if (oldest != NULL)
        close_client(server, oldest);
}

static int open_client(va_server *server, struct va_loop_endpoint *endpoint, int fd, const struct va_tcp_peer *from)
{
    struct va_loop_client *client = va_calloc(1, sizeof *client);

    if (client == NULL) {
        close(fd);
        return VA_ENOMEM;
    }
    client->source = VA_LOOP_CLIENT;
    client->bucket = bucket_of(server, from);
    client->events = EPOLLIN | EPOLLRDHUP;
    if (atomic_load(&server->n_clients) >= server->max_connections)
        evict(server);
    int is_too_many = atomic_load(&server->n_clients) >= server->max_connections || is_greedy(server, client->bucket);
    struct epoll_event event = {.events = client->events, .data.ptr = client};
    /* Over TLS there is no telling why without a handshake, which costs more than all else. */
    int r = is_too_many && endpoint->tls != NULL ? VA_EBUSY : 0;
    client->session.fd = fd;
    if (r == 0)
        r = va_session_open(&client->session, &endpoint->gate, endpoint->tls, fd, from->address, from->is_loopback, va_loop_now_s());
    if (r == 0 && epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        r = VA_EIO;
    if (r < 0) {
        va_session_close(&client->session);
        va_free(client);
        return r;
    }
    client->next = server->clients;
    if (client->next != NULL)
        client->next->previous = client;
    server->clients = client;
    if (client->bucket >= 0)
        server->buckets[client->bucket]++;
    atomic_fetch_add(&server->n_clients, 1);
    if (is_too_many)
        va_connection_refuse(client->session.connection, va_loop_now_s());
    serve(server, client);
    return 0;
}

static int accept_one(va_server *server, struct va_loop_endpoint *endpoint)
{
    struct va_tcp_peer peer;
    int fd = va_tcp_accept(endpoint->fd, &peer);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE) && server->spare_fd >= 0) {
        /* Out of descriptors: take the client off the queue with the spare one and let it go, instead of spinning. */
        close(server->spare_fd);
        fd = va_tcp_accept(endpoint->fd, &peer);
        if (fd >= 0)
            close(fd);
        server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return fd >= 0 ? 0 : VA_EIO;
    }
    if (fd < 0)
        return VA_EIO;
    if (atomic_load(&server->n_clients) >= server->max_connections + SPARE_CONNECTIONS) {
        close(fd);
        return 0;
    }
    return open_client(server, endpoint, fd, &peer);
}

/* ---- orders of other threads ---- */

void va_loop_wake(va_server *server)
{
    uint64_t one = 1;
    (void)!write(server->wake_fd, &one, sizeof one); /* full: it is awake */
}

void va_loop_deliver(void *user, va_request *request)
{
    va_server *server = user;

    pthread_mutex_lock(&server->lock);
    int was_empty = server->replies == NULL;
    request->next = server->replies;
    server->replies = request;
    pthread_mutex_unlock(&server->lock);
    if (was_empty && !pthread_equal(pthread_self(), server->loop_thread))
        va_loop_wake(server);
}

static struct va_loop_client *client_of(struct va_session *session)
{
    return (struct va_loop_client *)((char *)session - offsetof(struct va_loop_client, session));
}

static void take_replies(va_server *server)
{
    va_request *list, *reversed;

    for (;;) {
        pthread_mutex_lock(&server->lock);
        list = server->replies;
        server->replies = NULL;
        pthread_mutex_unlock(&server->lock);
        if (list == NULL)
            return;
        for (reversed = NULL; list != NULL;) {
            va_request *request = list;
            list = request->next;
            request->next = reversed;
            reversed = request;
        }
        while (reversed != NULL) {
            va_request *request = reversed;
            reversed = request->next;
            struct va_session *session = request->maker != NULL ? va_connection_owner(request->maker->connection) : NULL;
            va_connection_wake(request, va_loop_now_s());
            if (session != NULL)
                serve(server, client_of(session));
            va_request_release(request);
        }
    }
}

static void for_all(va_server *server, void (*call)(va_connection *connection, double now_s))
{
    struct va_loop_client *next;

    for (struct va_loop_client *client = server->clients; client != NULL; client = next) {
        next = client->next;
        if (client->session.connection == NULL) {
            close_client(server, client);
            continue;
        }
        call(client->session.connection, va_loop_now_s());
        serve(server, client);
    }
}

static void take_orders(va_server *server)
{
    if (!atomic_load(&server->stop))
        return;
    for (size_t i = 0; i < server->n_endpoints; i++) {
        if (server->endpoints[i].fd >= 0)
            close(server->endpoints[i].fd);
        server->endpoints[i].fd = -1;
    }
    for_all(server, atomic_load(&server->leave) ? va_connection_leave : va_connection_close_idle);
}

/* ---- time ---- */

static void check_deadlines(va_server *server)
{
    double now = va_loop_now_s();
    struct va_loop_client *next;

    if (server->check_s == 0 || now < server->check_s)
        return;
    server->check_s = 0;
    for (struct va_loop_client *client = server->clients; client != NULL; client = next) {
        next = client->next;
        double deadline_s = va_session_deadline_s(&client->session);
        if (deadline_s != 0 && now >= deadline_s) {
            if (va_session_expire(&client->session, now) < 0)
                close_client(server, client);
            else
                serve(server, client);
        } else if (deadline_s != 0 && (server->check_s == 0 || deadline_s < server->check_s)) {
            server->check_s = deadline_s;
        }
    }
    if (server->check_s != 0 && server->check_s < now + TICK_S)
        server->check_s = now + TICK_S;
}

static int timeout_ms(const va_server *server)
{
    if (server->check_s == 0)
        return -1;
    double left_s = server->check_s - va_loop_now_s();
    return left_s <= 0 ? 0 : (int)(left_s * 1e3) + 1;
}

/* ---- the loop ---- */

static void take_event(va_server *server, const struct epoll_event *event)
{
    enum va_loop_source source = *(enum va_loop_source *)event->data.ptr;
    uint64_t count;

    if (source == VA_LOOP_WAKE) {
        (void)!read(server->wake_fd, &count, sizeof count);
        take_orders(server);
    } else if (source == VA_LOOP_ENDPOINT) {
        struct va_loop_endpoint *endpoint = event->data.ptr;
        for (int i = 0; i < ACCEPTS_AT_ONCE && endpoint->fd >= 0 && accept_one(server, endpoint) == 0; i++) {
        }
    } else {
        struct va_loop_client *client = event->data.ptr;
        if (client->session.fd >= 0)
            read_client(server, client, event->events);
    }
}

void *va_loop_run(void *arg)
{
    va_server *server = arg;
    struct epoll_event events[MAX_EVENTS];

    server->loop_thread = pthread_self();
    while (!atomic_load(&server->end) && !(atomic_load(&server->stop) && server->clients == NULL)) {
        atomic_store(&server->turned_s, va_loop_now_s());
        int n = epoll_wait(server->epoll_fd, events, MAX_EVENTS, timeout_ms(server));
        for (int i = 0; i < n; i++)
            take_event(server, &events[i]);
        take_replies(server);
        check_deadlines(server);
        take_replies(server);
        free_closed(server);
    }
    return NULL;
}

void va_loop_clear(va_server *server)
{
    while (server->clients != NULL)
        close_client(server, server->clients);
    take_replies(server);
    free_closed(server);
}
