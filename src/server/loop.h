/* loop.h - the event loop: listening sockets, clients, replies from other threads, time. */
#ifndef VA_SERVER_LOOP_H
#define VA_SERVER_LOOP_H

#include <pthread.h>

#include "server/session.h"

#define VA_SERVER_MAX_ENDPOINTS 4
#define VA_LOOP_BUCKETS 1024

enum va_loop_source { VA_LOOP_WAKE, VA_LOOP_ENDPOINT, VA_LOOP_CLIENT };

struct va_loop_endpoint {
    enum va_loop_source source;
    struct va_gate gate;
    va_tls *tls; /* NULL: plain */
    int fd, port;
    char url[96];
};

struct va_loop_client {
    enum va_loop_source source;
    struct va_session session;
    struct va_loop_client *next, *previous;
    uint32_t events; /* that epoll was asked for */
    int bucket;      /* -1: on the loopback */
};

struct va_server {
    struct va_site site;
    struct va_loop_endpoint endpoints[VA_SERVER_MAX_ENDPOINTS];
    size_t n_endpoints;
    va_tls *tls;
    char *folder;
    int max_connections;
    int epoll_fd, wake_fd, spare_fd;
    enum va_loop_source wake_source;
    pthread_t thread, loop_thread; /* the same, known to the outside and the inside */
    int has_thread;
    _Atomic int n_clients;
    _Atomic int stop;        /* no new connections */
    _Atomic int leave;       /* streams and sockets end */
    _Atomic int end;         /* leave the loop */
    _Atomic double turned_s; /* when the loop last ran */

    /* Service thread. */
    struct va_loop_client *clients, *closed;
    double check_s; /* no deadline passes before; 0: there is none */
    uint64_t salt;
    unsigned buckets[VA_LOOP_BUCKETS]; /* connections beyond the loopback by network */
    struct va_session_room room;

    pthread_mutex_t lock;
    va_request *replies; /* newest first, under lock */
};

double va_loop_now_s(void);

/* The service thread, until stop and no client is left, or end. */
void *va_loop_run(void *server);

/* Any thread. */
void va_loop_wake(va_server *server);
void va_loop_deliver(void *server, va_request *request); /* a reply */

/* Once the thread has ended: lets all clients go, and replies that have nobody. */
void va_loop_clear(va_server *server);

#endif
