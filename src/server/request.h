/* request.h - the inside of a va_request: made by a connection, held by it and by the handler until the reply. */
#ifndef VA_SERVER_REQUEST_H
#define VA_SERVER_REQUEST_H

#include <stdatomic.h>

#include "server/multipart.h"
#include "server/server.h"
#include "server/upload.h"

struct va_connection;

/* Where replies go: called by any thread, takes the handler's hold over. */
struct va_reply_sink {
    void (*deliver)(void *user, va_request *request);
    void *user;
};

struct va_request {
    _Atomic int holds; /* the connection's and the handler's */
    _Atomic int gone;
    const struct va_reply_sink *sink;
    const struct va_route *route;
    char *query;
    struct va_buffer body; /* the JSON text, or the small fields of a form as "name\0value\0" ... */
    uint64_t max_body;     /* bytes of the whole body on the wire */
    uint64_t n_received;

    /* A form while it is read. */
    struct va_multipart form;
    const char *folder;
    struct va_upload upload;
    int in_file; /* the present part goes to the upload */
    int n_files;
    va_error error; /* why reading failed */

    /* The reply. */
    int status;
    struct va_buffer reply;
    int retry_after_s;

    struct va_connection *connection; /* server thread only; NULL once the client is gone */
    va_request *next;                 /* in the list of replies */
};

/* One hold. NULL when out of memory. */
va_request *va_request_new(const struct va_route *route, const char *query, const struct va_reply_sink *sink);
void va_request_hold(va_request *request);
void va_request_release(va_request *request); /* frees with the last hold */

/* Prepares for the body. 0, or the HTTP status to refuse with and the reason in request->error.
 * from_other_page: a browser sends it for a page of another origin. It may send a JSON body as another type without asking us first
 * (a CORS preflight, which we refuse), so there the type must be JSON; other clients may leave it to their defaults, as curl -d does. */
int va_request_begin_body(va_request *request, const char *content_type, int from_other_page);
int va_request_take_body(va_request *request, const char *data, size_t n);
int va_request_finish_body(va_request *request);

/* The error body; json is empty when out of memory. */
void va_request_format_error(struct va_buffer *json, const char *code, const char *message);

/* The code that goes with an HTTP status when there is no better one. */
const char *va_request_error_code(int status);

#endif
