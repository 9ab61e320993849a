#include "server/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/thread.h"
#include "base/tcp.h"
#include "server/loop.h"

#define ALIVE_S 10.0

static int watch(va_server *server, int fd, void *source, va_error *error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : va_fail_errno(error, "cannot wait for clients");
}

static int open_endpoint(va_server *server, const struct va_endpoint *options, va_error *error)
{
    struct va_loop_endpoint *endpoint = &server->endpoints[server->n_endpoints];

    endpoint->source = VA_LOOP_ENDPOINT;
    endpoint->fd = -1;
    endpoint->gate =
        (struct va_gate){.site = &server->site, .routes = options->routes, .n_routes = options->n_routes, .user = options->user};
    if (options->is_tls) {
        endpoint->tls = server->tls;
        endpoint->gate.is_tls = 1;
        endpoint->gate.knows_name = va_tls_knows_name;
        endpoint->gate.names = server->tls;
    }
    server->n_endpoints++;
    int r = va_tcp_listen(options->listen, options->port, &endpoint->fd, &endpoint->port, error);
    if (r < 0)
        return r;
    if (options->is_tls && server->site.tls_port == 0)
        server->site.tls_port = endpoint->port;
    const char *bracket = strchr(options->listen, ':') != NULL ? "[" : "";
    snprintf(endpoint->url, sizeof endpoint->url, "%s://%s%s%s:%d", options->is_tls ? "https" : "http", bracket, options->listen,
             bracket[0] != '\0' ? "]" : "", endpoint->port);
    return watch(server, endpoint->fd, endpoint, error);
}

static int check_endpoints(const struct va_server_options *options, va_error *error)
{
    int has_tls = 0;

    if (options->n_endpoints == 0 || options->n_endpoints > VA_SERVER_MAX_ENDPOINTS)
        return va_fail(error, VA_EINVAL, "a server has 1 to %d endpoints", VA_SERVER_MAX_ENDPOINTS);
    for (size_t i = 0; i < options->n_endpoints; i++)
        has_tls |= options->endpoints[i].is_tls;
    if (has_tls && (options->tls.certificate == NULL || options->tls.key == NULL))
        return va_fail(error, VA_EINVAL, "TLS needs a certificate and its key");
    for (size_t i = 0; i < options->n_endpoints; i++) {
        int is_loopback, r = va_tcp_check(options->endpoints[i].listen, &is_loopback, error);
        if (r < 0)
            return r;
        if (!is_loopback && !has_tls)
            return va_fail(error, VA_EUNSUPPORTED, "server.listen: %s reaches beyond this machine, which needs TLS (server.tls)",
                           options->endpoints[i].listen);
    }
    return 0;
}

int va_server_start(const struct va_server_options *options, va_server **ret_server, va_error *error)
{
    int r = check_endpoints(options, error);
    if (r < 0)
        return r;
    va_server *server = va_calloc(1, sizeof *server);
    if (server == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&server->lock, NULL);
    server->epoll_fd = server->wake_fd = server->spare_fd = -1;
    server->max_connections = options->max_connections;
    server->folder = va_strdup(options->folder);
    server->site.folder = server->folder;
    server->site.may_keep = options->may_keep;
    server->site.keep_user = options->keep_user;
    server->site.access = options->access;
    server->site.metrics = options->metrics;
    server->site.sink = (struct va_reply_sink){va_loop_deliver, server};
    va_server_set_limits(server, options->timeout_s, options->max_upload_bytes);
    atomic_store(&server->turned_s, va_loop_now_s());
    (void)!getrandom(&server->salt, sizeof server->salt, GRND_NONBLOCK);
    if (server->folder == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (server->epoll_fd < 0 || server->wake_fd < 0) {
        r = va_fail_errno(error, "cannot wait for clients");
        goto fail;
    }
    server->wake_source = VA_LOOP_WAKE;
    if ((r = watch(server, server->wake_fd, &server->wake_source, error)) < 0)
        goto fail;
    if (options->tls.certificate != NULL && (r = va_tls_open(&options->tls, &server->tls, error)) < 0)
        goto fail;
    for (size_t i = 0; i < options->n_endpoints; i++)
        if ((r = open_endpoint(server, &options->endpoints[i], error)) < 0)
            goto fail;
    if ((r = va_thread_start(&server->thread, va_loop_run, server)) < 0) {
        va_fail(error, r, "cannot start the server's thread");
        goto fail;
    }
    server->has_thread = 1;
    *ret_server = server;
    return 0;

fail:
    va_server_free(server, 0);
    return r;
}

void va_server_stop(va_server *server)
{
    atomic_store(&server->site.closing, 1);
    atomic_store(&server->stop, 1);
    va_loop_wake(server);
}

void va_server_free(va_server *server, double grace_s)
{
    if (server == NULL)
        return;
    if (server->has_thread) {
        double end_s = va_loop_now_s() + grace_s;
        atomic_store(&server->leave, 1);
        va_server_stop(server);
        while (atomic_load(&server->n_clients) > 0 && va_loop_now_s() < end_s)
            usleep(10000);
        atomic_store(&server->end, 1);
        va_loop_wake(server);
        pthread_join(server->thread, NULL);
    }
    va_loop_clear(server);
    for (size_t i = 0; i < server->n_endpoints; i++)
        if (server->endpoints[i].fd >= 0)
            close(server->endpoints[i].fd);
    if (server->epoll_fd >= 0)
        close(server->epoll_fd);
    if (server->wake_fd >= 0)
        close(server->wake_fd);
    if (server->spare_fd >= 0)
        close(server->spare_fd);
    va_tls_free(server->tls);
    pthread_mutex_destroy(&server->lock);
    va_free(server->folder);
    va_free(server);
}

int va_server_port(const va_server *server, size_t endpoint)
{
    return server->endpoints[endpoint].port;
}

const char *va_server_url(const va_server *server, size_t endpoint)
{
    return server->endpoints[endpoint].url;
}

void va_server_set_limits(va_server *server, double timeout_s, uint64_t max_upload_bytes)
{
    atomic_store(&server->site.timeout_s, timeout_s);
    atomic_store(&server->site.max_upload_bytes, max_upload_bytes);
}

int va_server_is_alive(va_server *server)
{
    int alive = va_loop_now_s() - atomic_load(&server->turned_s) < ALIVE_S;
    va_loop_wake(server);
    return alive;
}

int va_server_connections(const va_server *server)
{
    return atomic_load(&server->n_clients);
}

void va_server_renew(va_server *server)
{
    if (server->tls != NULL)
        va_tls_renew(server->tls);
}

uint64_t va_server_upload_bytes(const va_server *server)
{
    return atomic_load(&server->site.upload_bytes);
}
