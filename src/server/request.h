/* request.h - the inside of a va_request: made by a connection, held by it and by the handler until the reply. */
#ifndef VA_SERVER_REQUEST_H
#define VA_SERVER_REQUEST_H

#include <stdatomic.h>

#include "server/http.h"
#include "server/multipart.h"
#include "server/server.h"
#include "server/upload.h"

typedef struct va_connection va_connection;
struct va_outflow;

/* Where replies go: called by any thread, takes one hold over. */
struct va_reply_sink {
    void (*deliver)(void *user, va_request *request);
    void *user;
};

/* What a request came from, and where its reply goes to. Server thread only. */
struct va_maker {
    va_connection *connection;
    void (*wake)(struct va_maker *maker, va_request *request, double now_s); /* the request has a reply, or more of one */
};

enum va_reply_kind { VA_REPLY_WHOLE, VA_REPLY_STREAM, VA_REPLY_SOCKET };

struct va_request {
    _Atomic int holds; /* the maker's and the handler's */
    _Atomic int gone;
    const struct va_reply_sink *sink;
    const struct va_route *route;
    struct va_identity identity;
    va_access *access; /* that let it in, or NULL */
    struct va_peer peer;
    char address[48]; /* of peer */
    char *query, *segment;
    struct va_buffer kept; /* header fields that handlers may ask for, as "name\0value\0" ... */
    struct va_buffer body; /* the JSON text, or the small fields of a form as "name\0value\0" ... */
    uint64_t max_body;     /* bytes of the whole body on the wire */
    uint64_t n_received;
    double began_s; /* monotonic */

    /* A form while it is read. */
    struct va_multipart form;
    const char *folder;
    int (*may_keep)(void *user, va_error *error); /* or NULL */
    void *keep_user;
    struct va_upload upload;
    int in_file;    /* the present part goes to the upload */
    va_error error; /* why reading failed */

    void (*on_gone)(void *user, const char *what); /* or NULL; server thread only */
    void *gone_user;
    char gone_what[VA_REQUEST_MAX_WHAT];

    /* The reply. */
    enum va_reply_kind kind;
    int status;
    char content_type[96];    /* "": JSON */
    struct va_buffer headers; /* those of the handler, as "name\0value\0" ... */
    struct va_buffer reply;   /* the body ... */
    const char *fixed;        /* ... or this [n_fixed] of the program's own bytes, which may be cached */
    size_t n_fixed;
    const char *policy;     /* Content-Security-Policy; NULL: the strictest */
    char socket_accept[29]; /* Sec-WebSocket-Accept */
    int names_protocol;     /* the answer names the sub-protocol */
    int is_strict;          /* the host is to be asked by TLS only */
    int retry_after_s;
    _Atomic(struct va_outflow *) outflow; /* of a streamed reply or a WebSocket */

    struct va_maker *maker; /* server thread only; NULL once the client is gone */
    va_request *next;       /* in the list of replies */
};

/* One hold. http: the head. NULL when out of memory. */
va_request *va_request_new(const struct va_route *route, const struct va_http *http, const char *segment, const struct va_reply_sink *sink);
void va_request_set_peer(va_request *request, const struct va_peer *peer); /* copied */
void va_request_hold(va_request *request);
void va_request_release(va_request *request); /* frees with the last hold */

/* The maker leaves: whoever holds the request learns that the client is gone. Ends the maker's hold. */
void va_request_abandon(va_request *request);

/* Prepares for the body. 0, or the HTTP status to refuse with and the reason in request->error.
 * from_other_page: a browser sends it for a page of another origin. It may send a JSON body as another type without asking us first
 * (a CORS preflight, which we refuse), so there the type must be JSON; other clients may leave it to their defaults, as curl -d does. */
int va_request_begin_body(va_request *request, const char *content_type, int from_other_page);
int va_request_take_body(va_request *request, const char *data, size_t n);
int va_request_finish_body(va_request *request);

/* The body of a whole reply. */
const char *va_request_reply_body(const va_request *request, size_t *ret_n);

/* The code that goes with an HTTP status when there is no better one. */
const char *va_request_error_code(int status);

#endif
