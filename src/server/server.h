/* server.h - our small HTTP server: a table of routes, requests, replies. The library beneath (libwebsockets) stays in server_lws.c.
 *
 * One thread of its own runs the event loop and calls the handlers; a handler must not block. It either replies at once or keeps
 * the request and replies later, from any thread, exactly once.
 *
 *     static void get_status(void *user, va_request *request) { ... va_request_reply(request, 200, &json); }
 *     static const struct va_route routes[] = {{"GET", "/status", VA_BODY_NONE, 0, NULL, get_status}, ...};
 *
 * Everything a client can do wrong ends in an answer {"success":false,"error":{"code","message"}} and costs bounded memory, disk
 * and time: heads of 16 KB, bodies as the route says, uploads in unlinked files, clients that are slow are let go.
 * Browsers: there are no CORS headers; a request with a foreign Origin or a Host that is not this machine is refused, and so is a JSON
 * body of another Content-Type from any page but our own. */
#ifndef VA_SERVER_H
#define VA_SERVER_H

#include "base/buffer.h"

typedef struct va_server va_server;
typedef struct va_request va_request;

enum va_body_kind {
    VA_BODY_NONE, /* none expected; a small one is read and ignored */
    VA_BODY_JSON, /* kept in memory, at most max_body bytes; whether it is JSON the handler finds out */
    VA_BODY_FORM  /* multipart/form-data: one file field to disk, the others to memory */
};

struct va_route {
    const char *method, *path;
    enum va_body_kind body;
    size_t max_body;        /* JSON: bytes */
    const char *file_field; /* FORM: the field that holds the file */
    void (*handle)(void *user, va_request *request);
};

struct va_server_options {
    const char *listen; /* a loopback address; others are VA_EUNSUPPORTED */
    int port;           /* 0: any free one */
    int max_connections;
    double timeout_s; /* for the head of a request, and the stall of a body or an answer */
    uint64_t max_upload_bytes;
    const char *folder; /* for uploads; must exist */
    const struct va_route *routes;
    size_t n_routes;
    void *user; /* given to the handlers */
};

/* Listens and starts the thread. routes and user must outlive the server; strings are copied. */
VA_MUST_CHECK int va_server_start(const struct va_server_options *options, va_server **ret_server, va_error *error);

/* Accepts no more connections and lets those go that wait for a next request; requests under way are finished. Any thread. */
void va_server_stop(va_server *server);

/* Stops, gives answers grace_s seconds to go out, ends the thread, frees. Every request must have been replied to before. */
void va_server_free(va_server *server, double grace_s);

int va_server_port(const va_server *server);

/* "http://127.0.0.1:8000" */
const char *va_server_url(const va_server *server);

/* Takes effect for requests that begin later. Any thread. */
void va_server_set_limits(va_server *server, double timeout_s, uint64_t max_upload_bytes);

/* 1 when the loop has turned within the last 10 s (asks it to turn again). Any thread. */
int va_server_is_alive(va_server *server);

/* Connections open now. Any thread. */
int va_server_connections(const va_server *server);

/* ---- requests; until the reply, from one thread at a time ---- */

const char *va_request_body(const va_request *request, size_t *ret_n);     /* JSON; never NULL */
const char *va_request_field(const va_request *request, const char *name); /* of a form; NULL when absent */
int va_request_take_file(va_request *request); /* the uploaded file, at its start; the caller closes it. -1 when absent */
int va_request_query(const va_request *request, const char *key, char *ret_value,
                     size_t capacity); /* 0, VA_ENOTFOUND, VA_EFORMAT, VA_ELIMIT */

/* The client has closed its connection: the work is for nobody. Any thread, until the reply. */
int va_request_is_gone(const va_request *request);

/* Both end the caller's hold on the request. json: its content is taken over, as it is also on failure. */
void va_request_reply(va_request *request, int status, struct va_buffer *json);
void va_request_fail(va_request *request, int status, const char *code, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* As va_request_fail with 503 and Retry-After. */
void va_request_refuse(va_request *request, int retry_after_s, const char *code, const char *message);

#endif
