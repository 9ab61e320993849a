/* server.h - our HTTP server: a table of routes, requests, replies; over HTTP/1.1, WebSocket, and with TLS HTTP/2 as well.
 *
 * One thread of its own runs the event loop and calls the handlers; a handler must not block. It either replies at once or keeps
 * the request and replies later, from any thread, exactly once.
 *
 *     static void get_status(void *user, va_request *request) { ... va_request_reply(request, 200, &json); }
 *     static const struct va_route routes[] = {{"GET", "/status", VA_BODY_NONE, 0, NULL, VA_SCOPE_STATUS, get_status}, ...};
 *
 * Everything a client can do wrong ends in an answer {"success":false,"error":{"code","message"}}, below "/v1/" in one that OpenAI's
 * clients read ({"error":{"message","type","param","code"}}), and costs bounded memory, disk
 * and time: heads of 16 KB, bodies as the route says, uploads in unlinked files, clients that are slow are let go.
 * Browsers: there are no CORS headers; a request with a foreign Origin or a Host that is not this machine is refused, and so is a JSON
 * body of another Content-Type from any page but our own. */
#ifndef VA_SERVER_H
#define VA_SERVER_H

#include "access/access.h"
#include "base/buffer.h"
#include "server/tls.h"

struct va_metrics;
typedef struct va_server va_server;
typedef struct va_request va_request;

enum va_body_kind {
    VA_BODY_NONE,  /* none expected; a small one is read and ignored */
    VA_BODY_JSON,  /* kept in memory, at most max_body bytes; whether it is JSON the handler finds out */
    VA_BODY_FORM,  /* multipart/form-data: one file field to disk, the others to memory */
    VA_BODY_SOCKET /* a WebSocket is made of it: the handler calls va_request_upgrade, or fails the request */
};

/* A row of this table is the only place that knows a path. A last segment "{id}" stands for any one segment. What does not begin with
 * "/api/" or "/v1/" answers below "/api/v1" as well. GET rows answer HEAD, too. */
struct va_route {
    const char *method, *path;
    enum va_body_kind body;
    size_t max_body;        /* JSON: bytes */
    const char *file_field; /* FORM: the field that holds the file */
    unsigned scope;         /* the enum va_scope that is needed; 0: public */
    void (*handle)(void *user, va_request *request);
};

/* A listening socket. */
struct va_endpoint {
    const char *listen; /* an address; beyond the loopback there must be an endpoint with TLS, where others are sent to */
    int port;           /* 0: any free one */
    int is_tls;         /* HTTP/2 and HTTP/1.1 by ALPN; else HTTP/1.1 */
    const struct va_route *routes;
    size_t n_routes;
    void *user; /* given to the handlers */
};

struct va_server_options {
    const struct va_endpoint *endpoints;
    size_t n_endpoints;
    int max_connections; /* of all endpoints */
    double timeout_s;    /* for the head of a request, and the stall of a body or an answer */
    uint64_t max_upload_bytes;
    const char *folder; /* for uploads; must exist */
    /* Asked before one is kept there, from the server's thread: negative when it may not be (VA_EDENIED: 403). NULL: it always may. */
    int (*may_keep)(void *user, va_error *error);
    void *keep_user;
    struct va_metrics *metrics; /* answers are counted there; NULL: nowhere */
    struct va_tls_options tls;  /* of the endpoints with TLS */
    va_access *access;          /* judges every request; NULL: on the loopback without TLS all is open, elsewhere what is public */
};

/* Listens and starts the thread. Routes, users, metrics and access must outlive the server; strings are copied. */
VA_MUST_CHECK int va_server_start(const struct va_server_options *options, va_server **ret_server, va_error *error);

/* Accepts no more connections and lets those go that wait for a next request; requests under way are finished. Any thread. */
void va_server_stop(va_server *server);

/* Stops, closes WebSockets (1001) and ends streamed replies, gives what is under way grace_s seconds to go out, ends the thread, frees.
 * Every request must have been replied to before. Streamed replies and sockets may be held on to: they are gone then. */
void va_server_free(va_server *server, double grace_s);

int va_server_port(const va_server *server, size_t endpoint);

/* "http://127.0.0.1:8000" */
const char *va_server_url(const va_server *server, size_t endpoint);

/* Takes effect for requests that begin later. Any thread. */
void va_server_set_limits(va_server *server, double timeout_s, uint64_t max_upload_bytes);

/* 1 when the loop has turned within the last 10 s (asks it to turn again). Any thread. */
int va_server_is_alive(va_server *server);

/* Looks whether the certificate's files have changed, which it does by itself every 10 s while clients come. Any thread. */
void va_server_renew(va_server *server);

/* Connections open now. Any thread. */
int va_server_connections(const va_server *server);

/* Uploads on the disk now. Any thread. */
uint64_t va_server_upload_bytes(const va_server *server);

/* ---- requests; until the reply, from one thread at a time ---- */

const char *va_request_body(const va_request *request, size_t *ret_n);                              /* JSON; never NULL */
const char *va_request_field(const va_request *request, const char *name);                          /* of a form; NULL when absent */
const char *va_request_next_field(const va_request *request, const char *name, const char *before); /* the same behind that one's value */
int va_request_take_file(va_request *request); /* the uploaded file, at its start; the caller closes it. -1 when absent */
int va_request_query(const va_request *request, const char *key, char *ret_value,
                     size_t capacity);                        /* 0, VA_ENOTFOUND, VA_EFORMAT, VA_ELIMIT */
const char *va_request_query_text(const va_request *request); /* all of it, still encoded; never NULL; lives with the request */

/* What stood in place of "{id}", percent-decoded; "" for other routes. */
const char *va_request_segment(const va_request *request);

/* A header field by its lower-case name: accept, idempotency-key, if-none-match, last-event-id, range or user-agent; others are not
 * kept. NULL when absent. */
const char *va_request_header(const va_request *request, const char *name);

/* Who asks, and from where; without a certificate. */
const struct va_identity *va_request_identity(const va_request *request);
int va_request_may_go_on(const va_request *request); /* 0: its token was revoked since, or is over. Any thread */
const struct va_peer *va_request_peer(const va_request *request);

/* The client has closed its connection: the work is for nobody. Any thread, until the reply. */
int va_request_is_gone(const va_request *request);

/* call(user, what) from the server's thread when that happens before the reply is out; what is copied. From the handler only: not later,
 * from another thread. */
#define VA_REQUEST_MAX_WHAT 32
void va_request_on_gone(va_request *request, void (*call)(void *user, const char *what), void *user, const char *what);

/* ---- replies; each ends the caller's hold on the request ---- */

/* One more header field of the reply, called before it. Name and value are the program's own. VA_ENOMEM, VA_ELIMIT. */
int va_request_add_header(va_request *request, const char *name, const char *value);

/* json: its content is taken over, as it is also on failure. */
void va_request_reply(va_request *request, int status, struct va_buffer *json);
void va_request_reply_as(va_request *request, int status, const char *content_type, struct va_buffer *body);
void va_request_fail(va_request *request, int status, const char *code, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same, saying which parameter is to blame, where the form of errors has room for it (below "/v1/"). */
void va_request_blame(va_request *request, int status, const char *code, const char *parameter, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* As va_request_fail with 503 and Retry-After. */
void va_request_refuse(va_request *request, int retry_after_s, const char *code, const char *message);

/* The error body, as those read it who ask for such a path; json is empty when out of memory. */
struct va_request_error {
    const char *path; /* or NULL */
    int status;
    const char *code, *message;
    const char *parameter; /* that is to blame, or NULL */
};
void va_request_format_error(struct va_buffer *json, const struct va_request_error *error);

/* Bytes that outlive the server: with an ETag, and 304 for a client that has them. policy: the Content-Security-Policy; NULL: nothing
 * may be loaded. */
void va_request_reply_static(va_request *request, const char *content_type, const void *data, size_t n, const char *policy);

/* ---- a reply in pieces, of unknown length ---- */

typedef struct va_stream_reply va_stream_reply;

/* The hold on request becomes the stream's. VA_ENOMEM: it did not; the request is still to be answered. */
VA_MUST_CHECK int va_request_stream(va_request *request, int status, const char *content_type, va_stream_reply **ret_stream);

/* Any thread. VA_ECANCELLED: the client is gone. VA_ELIMIT: it is too slow, more than 1 MB waits. VA_ENOMEM. */
VA_MUST_CHECK int va_stream_reply_write(va_stream_reply *stream, const char *data, size_t n);
int va_stream_reply_is_gone(const va_stream_reply *stream);   /* any thread */
int va_stream_reply_may_go_on(const va_stream_reply *stream); /* as va_request_may_go_on */
void va_stream_reply_end(va_stream_reply *stream);            /* exactly one of these two, once; frees it */
void va_stream_reply_cut(va_stream_reply *stream);            /* not all of it was written: so that the client sees that, but in HTTP/1.0 */

/* ---- a WebSocket: pings every 30 s, ends after 60 s without a sign of life, and 10 s after its token was revoked ---- */

typedef struct va_socket va_socket;

/* From the server's thread; must not block. */
struct va_socket_events {
    void (*message)(void *user, va_socket *socket, int is_text, const char *data, size_t n);
    void (*closed)(void *user, va_socket *socket); /* exactly once, last, also after va_socket_close */
};

/* For requests of VA_BODY_SOCKET. The hold on request becomes the socket's, until va_socket_release. VA_ENOMEM: it did not. Browsers
 * cannot set headers: their token comes as a sub-protocol "va.token.TOKEN" beside "va.v1", which the answer names. */
VA_MUST_CHECK int va_request_upgrade(va_request *request, const struct va_socket_events *events, void *user, size_t max_message,
                                     va_socket **ret_socket);

/* Any thread. As va_stream_reply_write; text must be UTF-8. */
VA_MUST_CHECK int va_socket_send(va_socket *socket, int is_text, const char *data, size_t n);
void va_socket_close(va_socket *socket, int code, const char *reason); /* after what was sent; any thread */
void va_socket_pause(va_socket *socket, int paused); /* no more messages, and nothing is read from the client: back pressure; any thread */
void va_socket_release(va_socket *socket);           /* frees, once closed was called */

#endif
