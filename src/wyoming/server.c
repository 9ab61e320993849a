#include "wyoming/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/tcp.h"
#include "base/thread.h"
#include "wyoming/frame.h"
#include "wyoming/allow.h"

#define READ_BYTES 16384
#define SLOW_S 10.0 /* that a client may take none of its answer */
#define IDLE_S 2.0  /* silence after which a client without a request may be replaced */
#define STEP_MS 500
#define RETRY_MS 100 /* when no more descriptors can be had */

enum slot_state { SLOT_FREE, SLOT_RUNNING, SLOT_DONE };

struct slot {
    va_wyoming *wyoming;
    pthread_t thread;
    int fd;
    _Atomic int state;        /* enum slot_state */
    _Atomic int is_idle;      /* it asks for nothing */
    _Atomic uint64_t seen_ms; /* when it last said something */
};

struct va_wyoming {
    struct va_wyoming_parts parts;
    struct va_wyoming_allow allow;
    double idle_s;
    int listen_fd, port;
    int stop_fd; /* readable from the stop on */
    int done_fd; /* readable when a client's thread has ended */
    _Atomic int stopping;
    pthread_t thread;
    int has_thread;
    uint64_t refused;
    size_t n_slots;
    struct slot slots[]; /* [n_slots] */
};

/* ---- a client ---- */

static uint64_t now_ms(void)
{
    return va_clock_ns() / 1000000;
}

static int send_bytes(void *user, const char *bytes, size_t n)
{
    const struct slot *slot = user;
    const struct linger now = {.l_onoff = 1};
    uint64_t moved_ms = now_ms();

    while (n > 0) {
        ssize_t sent = send(slot->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        struct pollfd out = {.fd = slot->fd, .events = POLLOUT};
        if (sent > 0) {
            bytes += sent;
            n -= (size_t)sent;
            moved_ms = now_ms();
        } else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            return VA_EIO;
        } else if ((double)(now_ms() - moved_ms) >= SLOW_S * 1000) {
            setsockopt(slot->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now); /* what it did not take is thrown away */
            return VA_ETIMEOUT;
        } else {
            poll(&out, 1, STEP_MS);
        }
    }
    return 0;
}

/* 0: go on. 1: no more comes. Below 0: close it. */
static int receive(struct slot *slot, va_wyoming_session *session)
{
    char bytes[READ_BYTES];
    ssize_t n = recv(slot->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n == 0)
        return 1;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : VA_EIO;
    atomic_store(&slot->seen_ms, now_ms());
    int r = va_wyoming_session_take(session, bytes, (size_t)n);
    atomic_store(&slot->seen_ms, now_ms());
    return r;
}

static void serve(struct slot *slot, va_wyoming_session *session)
{
    va_wyoming *wyoming = slot->wyoming;
    int r = 0, has_ended = 0;

    while (r >= 0) {
        enum va_wyoming_state state = va_wyoming_session_state(session);
        int is_owing = state == VA_WYOMING_OWING, stopping = atomic_load(&wyoming->stopping);
        atomic_store(&slot->is_idle, state == VA_WYOMING_IDLE);
        if ((has_ended || stopping) && !is_owing)
            return;
        if (!is_owing && (double)(now_ms() - atomic_load(&slot->seen_ms)) >= wyoming->idle_s * 1000)
            return;
        struct pollfd fds[3] = {{.fd = is_owing ? -1 : slot->fd, .events = POLLIN},
                                {.fd = va_wyoming_session_fd(session), .events = POLLIN},
                                {.fd = stopping ? -1 : wyoming->stop_fd, .events = POLLIN}};
        if (poll(fds, 3, STEP_MS) <= 0)
            continue;
        if (fds[1].revents != 0)
            r = va_wyoming_session_tell(session);
        if (r == 0 && fds[0].revents != 0 && (r = receive(slot, session)) == 1) {
            has_ended = 1;
            r = 0;
        }
    }
}

static void *run_client(void *user)
{
    struct slot *slot = user;
    va_wyoming_session *session;
    va_error error;

    if (va_wyoming_session_new(&slot->wyoming->parts, send_bytes, slot, &session, &error) == 0) {
        serve(slot, session);
        va_wyoming_session_free(session);
    }
    shutdown(slot->fd, SHUT_RDWR);
    atomic_store(&slot->state, SLOT_DONE); /* the accepting thread closes it: nobody else has that number meanwhile */
    eventfd_write(slot->wyoming->done_fd, 1);
    return NULL;
}

/* ---- accepting ---- */

static void reap(struct slot *slot)
{
    if (atomic_load(&slot->state) != SLOT_DONE)
        return;
    pthread_join(slot->thread, NULL);
    close(slot->fd);
    atomic_store(&slot->state, SLOT_FREE);
}

static void reap_all(va_wyoming *wyoming)
{
    eventfd_t count;

    eventfd_read(wyoming->done_fd, &count);
    for (size_t i = 0; i < wyoming->n_slots; i++)
        reap(&wyoming->slots[i]);
}

/* A free slot, or that of the client which has asked for nothing for longest: it is sent away. NULL: there is none. */
static struct slot *find_slot(va_wyoming *wyoming)
{
    struct pollfd done = {.fd = wyoming->done_fd, .events = POLLIN};
    struct slot *oldest = NULL;
    uint64_t now = now_ms();

    reap_all(wyoming);
    for (size_t i = 0; i < wyoming->n_slots; i++) {
        struct slot *slot = &wyoming->slots[i];
        if (atomic_load(&slot->state) == SLOT_FREE)
            return slot;
        if (atomic_load(&slot->is_idle) && (double)(now - atomic_load(&slot->seen_ms)) >= IDLE_S * 1000 &&
            (oldest == NULL || atomic_load(&slot->seen_ms) < atomic_load(&oldest->seen_ms)))
            oldest = slot;
    }
    if (oldest == NULL)
        return NULL;
    shutdown(oldest->fd, SHUT_RDWR); /* wakes its thread, which ends soon unless it has just been asked for something */
    poll(&done, 1, STEP_MS);
    reap(oldest);
    return atomic_load(&oldest->state) == SLOT_FREE ? oldest : NULL;
}

/* As far as it fits into the socket. */
static void refuse(int fd, const char *text, const char *code)
{
    struct va_buffer out;
    char data[256];
    int n = snprintf(data, sizeof data, "{\"text\": \"%s\", \"code\": \"%s\"}", text, code);

    va_buffer_init(&out, 1024);
    if (va_wyoming_write(&out, "error", data, (size_t)n, NULL, 0) == 0)
        (void)!send(fd, out.data, out.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    va_buffer_free(&out);
    close(fd);
}

static void serve_client(va_wyoming *wyoming, int fd)
{
    struct slot *slot = find_slot(wyoming);
    int on = 1;

    if (slot == NULL) {
        refuse(fd, "too many clients", "busy");
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    slot->wyoming = wyoming;
    slot->fd = fd;
    atomic_store(&slot->is_idle, 1);
    atomic_store(&slot->seen_ms, now_ms());
    atomic_store(&slot->state, SLOT_RUNNING);
    if (va_thread_start(&slot->thread, run_client, slot) < 0) {
        atomic_store(&slot->state, SLOT_FREE);
        refuse(fd, "no memory", "no-memory");
    }
}

/* Who is not allowed is told of once. */
static void accept_client(va_wyoming *wyoming)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int fd = accept4(wyoming->listen_fd, (struct sockaddr *)&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            usleep(RETRY_MS * 1000);
        return;
    }
    if (va_wyoming_allows(&wyoming->allow, (const struct sockaddr *)&address)) {
        serve_client(wyoming, fd);
        return;
    }
    if (wyoming->refused++ == 0)
        va_log(VA_LOG_WARNING, "wyoming", "a client was refused: its address is not in wyoming.allow");
    refuse(fd, "this address is not in wyoming.allow", "not-allowed");
}

static void *run(void *user)
{
    va_wyoming *wyoming = user;

    while (!atomic_load(&wyoming->stopping)) {
        struct pollfd fds[3] = {{.fd = wyoming->listen_fd, .events = POLLIN},
                                {.fd = wyoming->stop_fd, .events = POLLIN},
                                {.fd = wyoming->done_fd, .events = POLLIN}};
        if (poll(fds, 3, -1) <= 0)
            continue;
        if (fds[2].revents != 0)
            reap_all(wyoming);
        if (fds[0].revents != 0)
            accept_client(wyoming);
    }
    return NULL;
}

/* ---- life ---- */

static int open_socket(va_wyoming *wyoming, const char *address, int port, va_error *error)
{
    va_error reason;
    int r = va_tcp_listen(address, port, &wyoming->listen_fd, &wyoming->port, &reason);

    return r == 0 ? 0 : va_fail(error, r, "wyoming.listen: %s", reason.text);
}

int va_wyoming_start(const struct va_wyoming_options *options, va_wyoming **ret_wyoming, va_error *error)
{
    va_wyoming *wyoming = va_calloc(1, sizeof *wyoming + (size_t)options->max_clients * sizeof *wyoming->slots);
    int r;

    if (wyoming == NULL)
        return va_fail_memory(error);
    wyoming->listen_fd = -1;
    wyoming->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    wyoming->parts = options->parts;
    wyoming->idle_s = options->idle_s;
    wyoming->n_slots = (size_t)options->max_clients;
    wyoming->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = wyoming->stop_fd < 0 || wyoming->done_fd < 0 ? va_fail_errno(error, "cannot make an event")
                                                     : va_wyoming_allow_parse("wyoming.allow", options->allow, &wyoming->allow, error);
    if (r == 0)
        r = open_socket(wyoming, options->listen, options->port, error);
    if (r == 0 && va_thread_start(&wyoming->thread, run, wyoming) < 0)
        r = va_fail(error, VA_ENOMEM, "cannot start a thread");
    if (r < 0) {
        va_wyoming_free(wyoming);
        return r;
    }
    wyoming->has_thread = 1;
    *ret_wyoming = wyoming;
    return 0;
}

int va_wyoming_port(const va_wyoming *wyoming)
{
    return wyoming->port;
}

void va_wyoming_stop(va_wyoming *wyoming)
{
    if (wyoming == NULL || atomic_exchange(&wyoming->stopping, 1) != 0)
        return;
    eventfd_write(wyoming->stop_fd, 1);
    if (wyoming->has_thread)
        pthread_join(wyoming->thread, NULL);
}

void va_wyoming_free(va_wyoming *wyoming)
{
    if (wyoming == NULL)
        return;
    va_wyoming_stop(wyoming);
    for (size_t i = 0; i < wyoming->n_slots; i++)
        if (atomic_load(&wyoming->slots[i].state) != SLOT_FREE) {
            pthread_join(wyoming->slots[i].thread, NULL);
            close(wyoming->slots[i].fd);
        }
    if (wyoming->listen_fd >= 0)
        close(wyoming->listen_fd);
    if (wyoming->stop_fd >= 0)
        close(wyoming->stop_fd);
    if (wyoming->done_fd >= 0)
        close(wyoming->done_fd);
    va_free(wyoming);
}
