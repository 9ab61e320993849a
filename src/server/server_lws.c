/* libwebsockets moves the bytes (and later TLS); HTTP itself is read by http.c, see docs/adr/010-own-http-reader.md. */
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "server/connection.h"
#include "server/listen.h"

#define SERVICE_BYTES 16384
/* Connections beyond the limit that are still told why, and descriptors the library needs for itself. */
#define SPARE_CONNECTIONS 16
#define SPARE_FDS 8
#define LWS_TIMER_MIN_S 0.001
#define FAR_S 86400.0
#define ALIVE_S 10.0

/* One client. The library keeps it beside its own object. */
struct session {
    va_connection *connection;
    struct lws *wsi;
    struct session *next, *previous;
    int output_ended;
};

struct va_server {
    struct va_site site;
    int port;
    char url[96];
    char *folder;
    int max_connections;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws *listener; /* service thread */
    int listen_fd, spare_fd;
    struct session *sessions; /* service thread */
    _Atomic int n_sessions;
    pthread_t thread;
    int has_thread;
    _Atomic int stop;        /* no new connections */
    _Atomic int end;         /* leave the loop */
    _Atomic double turned_s; /* when the loop last ran */

    pthread_mutex_t lock;
    va_request *replies; /* newest first, under lock */
};

static double now_s(void)
{
    return va_clock_ms() * 1e-3;
}

/* ---- sessions ---- */

static void unlink_session(va_server *server, struct session *session)
{
    if (session->previous != NULL)
        session->previous->next = session->next;
    else
        server->sessions = session->next;
    if (session->next != NULL)
        session->next->previous = session->previous;
}

/* Does what the connection wants after an event. 0, or -1: close it. */
static int serve_wishes(struct session *session)
{
    unsigned wishes = va_connection_wishes(session->connection);
    double deadline_s = va_connection_deadline_s(session->connection);

    if (wishes & VA_CONNECTION_CLOSE)
        return -1;
    if ((wishes & VA_CONNECTION_END_OUTPUT) && !session->output_ended) {
        session->output_ended = 1;
        if (shutdown(lws_get_socket_fd(session->wsi), SHUT_WR) < 0)
            return -1;
    }
    if (wishes & VA_CONNECTION_WRITE)
        lws_callback_on_writable(session->wsi);
    lws_rx_flow_control(session->wsi, !(wishes & VA_CONNECTION_PAUSE));
    /* The library's own "cancel" value for timers fires at once in 4.1.6; a far one does not. */
    double left_s = deadline_s == 0 ? FAR_S : deadline_s - now_s();
    lws_set_timer_usecs(session->wsi, (lws_usec_t)((left_s < LWS_TIMER_MIN_S ? LWS_TIMER_MIN_S : left_s) * 1e6));
    return 0;
}

/* From outside the session's own callbacks, where it cannot be closed by a return value. */
static void serve_wishes_from_outside(struct session *session)
{
    if (serve_wishes(session) < 0)
        lws_set_timeout(session->wsi, 1, LWS_TO_KILL_ASYNC);
}

static int open_session(va_server *server, struct session *session, struct lws *wsi)
{
    session->wsi = wsi;
    session->connection = va_connection_new(&server->site, now_s());
    if (session->connection == NULL)
        return -1;
    session->next = server->sessions;
    session->previous = NULL;
    if (session->next != NULL)
        session->next->previous = session;
    server->sessions = session;
    if (atomic_fetch_add(&server->n_sessions, 1) >= server->max_connections)
        va_connection_refuse(session->connection, now_s());
    return serve_wishes(session);
}

static void close_session(va_server *server, struct session *session)
{
    if (session->connection == NULL)
        return;
    unlink_session(server, session);
    va_connection_free(session->connection);
    session->connection = NULL;
    atomic_fetch_sub(&server->n_sessions, 1);
}

static int write_session(struct session *session)
{
    size_t n;
    const char *data = va_connection_output(session->connection, &n);

    if (n == 0) {
        va_connection_flushed(session->connection, now_s());
        return serve_wishes(session);
    }
    if (n > SERVICE_BYTES)
        n = SERVICE_BYTES;
    /* The library keeps what the socket does not take and calls again when all of it has gone. */
    if (lws_write(session->wsi, (unsigned char *)data, n, LWS_WRITE_RAW) < 0)
        return -1;
    va_connection_sent(session->connection, n, now_s());
    return serve_wishes(session);
}

/* ---- the listening socket ---- */

static int accept_one(va_server *server)
{
    int fd = va_listen_accept(server->listen_fd);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE) && server->spare_fd >= 0) {
        /* Out of descriptors: take the client off the queue with the spare one and let it go, instead of spinning. */
        close(server->spare_fd);
        fd = va_listen_accept(server->listen_fd);
        if (fd >= 0)
            close(fd);
        server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return fd >= 0 ? 0 : -1;
    }
    if (fd < 0)
        return -1;
    if (atomic_load(&server->n_sessions) >= server->max_connections + SPARE_CONNECTIONS) {
        close(fd);
        return 0;
    }
    lws_sock_file_fd_type descriptor = {.sockfd = fd};
    /* On failure the library has closed fd. */
    return lws_adopt_descriptor_vhost(server->vhost, LWS_ADOPT_SOCKET, descriptor, "http", NULL) != NULL ? 0 : -1;
}

static void accept_all(va_server *server)
{
    for (int i = 0; i < SPARE_CONNECTIONS && accept_one(server) == 0; i++) {
    }
}

/* ---- waking up ---- */

static void deliver(void *user, va_request *request)
{
    va_server *server = user;

    pthread_mutex_lock(&server->lock);
    request->next = server->replies;
    server->replies = request;
    pthread_mutex_unlock(&server->lock);
    lws_cancel_service(server->context);
}

static void take_replies(va_server *server)
{
    pthread_mutex_lock(&server->lock);
    va_request *list = server->replies;
    server->replies = NULL;
    pthread_mutex_unlock(&server->lock);

    while (list != NULL) {
        va_request *request = list;
        list = request->next;
        struct session *session = server->sessions;
        while (session != NULL && (request->connection == NULL || session->connection != request->connection))
            session = session->next;
        if (session != NULL) {
            va_connection_answer(session->connection, request, now_s());
            serve_wishes_from_outside(session);
        }
        va_request_release(request);
    }
}

static void take_orders(va_server *server)
{
    if (!atomic_load(&server->stop))
        return;
    if (server->listener != NULL) {
        lws_set_timeout(server->listener, 1, LWS_TO_KILL_ASYNC);
        server->listener = NULL;
    }
    for (struct session *session = server->sessions; session != NULL; session = session->next) {
        va_connection_close_idle(session->connection, now_s());
        serve_wishes_from_outside(session);
    }
}

/* ---- the library's events ---- */

static int on_client_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
    struct lws_vhost *vhost = lws_get_vhost(wsi);
    va_server *server = vhost != NULL ? lws_vhost_user(vhost) : NULL;
    struct session *session = user;

    switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT:
        return open_session(server, session, wsi);
    case LWS_CALLBACK_RAW_RX:
        va_connection_receive(session->connection, in, n, now_s());
        return serve_wishes(session);
    case LWS_CALLBACK_RAW_WRITEABLE:
        return write_session(session);
    case LWS_CALLBACK_TIMER:
        va_connection_expire(session->connection, now_s());
        return serve_wishes(session);
    case LWS_CALLBACK_RAW_CLOSE:
        close_session(server, session);
        return 0;
    default:
        return 0;
    }
}

static int on_listener_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
    struct lws_vhost *vhost = lws_get_vhost(wsi);
    va_server *server = vhost != NULL ? lws_vhost_user(vhost) : NULL;
    (void)user;
    (void)in;
    (void)n;

    if (reason == LWS_CALLBACK_RAW_RX_FILE)
        accept_all(server);
    else if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED && server != NULL && server->has_thread) {
        take_replies(server);
        take_orders(server);
    }
    return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = "listen", .callback = on_listener_event},
    {.name = "http", .callback = on_client_event, .per_session_data_size = sizeof(struct session), .rx_buffer_size = SERVICE_BYTES},
    {.name = NULL},
};

static void *serve(void *arg)
{
    va_server *server = arg;

    while (!atomic_load(&server->end) && !(atomic_load(&server->stop) && server->sessions == NULL && server->listener == NULL)) {
        atomic_store(&server->turned_s, now_s());
        if (lws_service(server->context, 0) < 0)
            break;
    }
    return NULL;
}

static void log_library(int level, const char *line)
{
    size_t n = strcspn(line, "\n");
    (void)level;
    va_log(VA_LOG_DEBUG, "server", "%.*s", (int)n, line);
}

/* ---- the public face ---- */

static int start_library(va_server *server, va_error *error)
{
    struct lws_context_creation_info info = {0};
    lws_sock_file_fd_type listener = {.filefd = server->listen_fd};

    lws_set_log_level(LLL_ERR | LLL_WARN, log_library);
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    info.user = server;
    info.pt_serv_buf_size = SERVICE_BYTES;
    info.fd_limit_per_thread = (unsigned)(server->max_connections + SPARE_CONNECTIONS + SPARE_FDS);
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME;
    server->context = lws_create_context(&info);
    if (server->context != NULL)
        server->vhost = lws_create_vhost(server->context, &info);
    if (server->vhost == NULL)
        return va_fail(error, VA_ENOMEM, "libwebsockets did not start");
    server->listener = lws_adopt_descriptor_vhost(server->vhost, LWS_ADOPT_RAW_FILE_DESC, listener, "listen", NULL);
    if (server->listener == NULL)
        return va_fail(error, VA_ENOMEM, "libwebsockets did not take the listening socket");
    return 0;
}

int va_server_start(const struct va_server_options *options, va_server **ret_server, va_error *error)
{
    int r;
    va_server *server = va_calloc(1, sizeof *server);
    if (server == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&server->lock, NULL);
    server->spare_fd = -1;
    server->listen_fd = -1;
    server->max_connections = options->max_connections;
    server->folder = va_strdup(options->folder);
    server->site.routes = options->routes;
    server->site.n_routes = options->n_routes;
    server->site.user = options->user;
    server->site.folder = server->folder;
    server->site.sink = (struct va_reply_sink){deliver, server};
    va_server_set_limits(server, options->timeout_s, options->max_upload_bytes);
    atomic_store(&server->turned_s, now_s());
    if (server->folder == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    if ((r = va_listen_open(options->listen, options->port, &server->listen_fd, &server->port, error)) < 0)
        goto fail;
    snprintf(server->url, sizeof server->url, strchr(options->listen, ':') != NULL ? "http://[%s]:%d" : "http://%s:%d", options->listen,
             server->port);
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if ((r = start_library(server, error)) < 0)
        goto fail;
    server->has_thread = 1;
    if (pthread_create(&server->thread, NULL, serve, server) != 0) {
        server->has_thread = 0;
        r = va_fail(error, VA_ENOMEM, "cannot start the server's thread");
        goto fail;
    }
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
    lws_cancel_service(server->context);
}

void va_server_free(va_server *server, double grace_s)
{
    if (server == NULL)
        return;
    if (server->has_thread) {
        double end_s = now_s() + grace_s;
        va_server_stop(server);
        while (atomic_load(&server->n_sessions) > 0 && now_s() < end_s)
            usleep(10000);
        atomic_store(&server->end, 1);
        lws_cancel_service(server->context);
        pthread_join(server->thread, NULL);
        take_replies(server);
    }
    if (server->listener == NULL && server->context == NULL && server->listen_fd >= 0)
        close(server->listen_fd);
    if (server->context != NULL)
        lws_context_destroy(server->context);
    if (server->spare_fd >= 0)
        close(server->spare_fd);
    pthread_mutex_destroy(&server->lock);
    va_free(server->folder);
    va_free(server);
}

int va_server_port(const va_server *server)
{
    return server->port;
}

const char *va_server_url(const va_server *server)
{
    return server->url;
}

void va_server_set_limits(va_server *server, double timeout_s, uint64_t max_upload_bytes)
{
    atomic_store(&server->site.timeout_s, timeout_s);
    atomic_store(&server->site.max_upload_bytes, max_upload_bytes);
}

int va_server_is_alive(va_server *server)
{
    int alive = now_s() - atomic_load(&server->turned_s) < ALIVE_S;
    lws_cancel_service(server->context);
    return alive;
}

int va_server_connections(const va_server *server)
{
    return atomic_load(&server->n_sessions);
}
