#include "server/connection.h"

#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "server/http.h"

#define MAX_PENDING_BYTES 65536
#define MAX_OUTPUT_BYTES ((64u << 20) + 4096u)
/* A client may be this slow, beyond the first timeout. */
#define SLOWEST_BYTES_PER_S 8192.0
#define IDLE_S 60.0
#define LINGER_S 10.0
#define LINGER_IDLE_S 2.0
/* All uploads together may take this many times the largest one on disk. */
#define UPLOADS_AT_ONCE 4

enum state {
    READING, /* a head or a body */
    WORKING, /* the handler has the request */
    ANSWERING,
    LINGERING, /* the answer is out; what the client still sends is thrown away, so that it gets to read the answer */
    CLOSED
};

struct va_connection {
    struct va_site *site;
    enum state state;
    struct va_http http;
    va_request *request;
    int close_after; /* this answer */
    int head_only;
    struct va_buffer pending; /* bytes of further requests, while one is worked on */
    struct va_buffer output;
    size_t n_sent;
    double started_s; /* of the present phase */
    uint64_t n_moved; /* bytes in the present phase */
    double deadline_s;
};

static void process(va_connection *connection, const char *data, size_t n, double now_s);

va_connection *va_connection_new(struct va_site *site, double now_s)
{
    va_connection *connection = va_alloc(1, sizeof *connection);
    if (connection == NULL)
        return NULL;
    memset((char *)connection, 0, offsetof(struct va_connection, http));
    memset((char *)connection + offsetof(struct va_connection, request), 0, sizeof *connection - offsetof(struct va_connection, request));
    connection->site = site;
    va_buffer_init(&connection->pending, MAX_PENDING_BYTES);
    va_buffer_init(&connection->output, MAX_OUTPUT_BYTES);
    va_http_begin(&connection->http);
    connection->deadline_s = now_s + atomic_load(&site->timeout_s);
    return connection;
}

static void drop_request(va_connection *connection)
{
    if (connection->request == NULL)
        return;
    connection->request->connection = NULL;
    atomic_store(&connection->request->gone, 1);
    va_request_release(connection->request);
    connection->request = NULL;
}

void va_connection_free(va_connection *connection)
{
    if (connection == NULL)
        return;
    drop_request(connection);
    va_buffer_free(&connection->pending);
    va_buffer_free(&connection->output);
    va_free(connection);
}

/* A phase in which the client must keep bytes moving. */
static void begin_phase(va_connection *connection, double now_s)
{
    connection->started_s = now_s;
    connection->n_moved = 0;
    connection->deadline_s = now_s + atomic_load(&connection->site->timeout_s);
}

static void moved(va_connection *connection, size_t n)
{
    connection->n_moved += n;
    connection->deadline_s =
        connection->started_s + atomic_load(&connection->site->timeout_s) + (double)connection->n_moved / SLOWEST_BYTES_PER_S;
}

/* ---- answers ---- */

static int append_methods(va_connection *connection)
{
    struct va_buffer *out = &connection->output;
    const char *separator = "Allow: ";
    int r = 0;

    for (size_t i = 0; r == 0 && i < connection->site->n_routes; i++) {
        const struct va_route *route = &connection->site->routes[i];
        if (strcmp(route->path, connection->http.path) != 0)
            continue;
        r = va_buffer_printf(out, "%s%s%s", separator, route->method, strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
        separator = ", ";
    }
    return r == 0 ? va_buffer_append_string(out, "\r\n") : r;
}

static void write_answer(va_connection *connection, int status, const struct va_buffer *json, int retry_after_s, double now_s)
{
    struct va_buffer *out = &connection->output;
    time_t now = time(NULL);
    struct tm utc;
    char date[40];

    if (!connection->http.keep_alive || atomic_load(&connection->site->closing))
        connection->close_after = 1;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    int r = va_buffer_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n", status,
                             va_http_status_text(status), date, json->size);
    if (r == 0)
        r = va_buffer_append_string(out, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                                         "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
    if (r == 0 && retry_after_s > 0)
        r = va_buffer_printf(out, "Retry-After: %d\r\n", retry_after_s);
    if (r == 0 && status == 405)
        r = append_methods(connection);
    if (r == 0)
        r = va_buffer_append_string(out, connection->close_after ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
    if (r == 0 && !connection->head_only && json->size > 0)
        r = va_buffer_append(out, json->data, json->size);
    connection->state = r == 0 ? ANSWERING : CLOSED;
    begin_phase(connection, now_s);
}

/* Answers an error found before a handler saw the request. With body bytes still to come, the connection ends after it. */
static void reject(va_connection *connection, int status, const char *reason, double now_s)
{
    struct va_buffer json;

    if (connection->http.state != VA_HTTP_DONE)
        connection->close_after = 1;
    drop_request(connection);
    va_buffer_init(&json, 4096);
    va_request_format_error(&json, va_request_error_code(status), reason);
    write_answer(connection, status, &json, status == 503 ? 5 : 0, now_s);
    va_buffer_free(&json);
}

void va_connection_answer(va_connection *connection, va_request *request, double now_s)
{
    connection->request = NULL;
    request->connection = NULL;
    write_answer(connection, request->status, &request->reply, request->retry_after_s, now_s);
    va_request_release(request);
}

void va_connection_refuse(va_connection *connection, double now_s)
{
    connection->http.keep_alive = 0;
    reject(connection, 503, "there are too many connections", now_s);
}

/* ---- requests ---- */

/* Is the authority ("localhost:8000", "[::1]") a name of this machine's loopback? Others reach us by DNS rebinding only. */
static int is_local_authority(const char *text)
{
    static const char *const names[] = {"localhost", "[::1]"};
    size_t n = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncasecmp(text, names[i], strlen(names[i])) == 0)
            n = strlen(names[i]);
    if (n == 0 && strncmp(text, "127.", 4) == 0)
        n = strspn(text, "0123456789.");
    if (n == 0)
        return 0;
    return text[n] == '\0' || (text[n] == ':' && strspn(text + n + 1, "0123456789") == strlen(text + n + 1));
}

/* 0, or the status to refuse with. */
static int check_origin(const struct va_http *http, const char **ret_reason)
{
    const char *host = va_http_field(http, "host"), *origin = va_http_field(http, "origin");

    if (host != NULL && !is_local_authority(host)) {
        *ret_reason = "the Host is not this machine";
        return 421;
    }
    if (origin == NULL)
        return 0;
    const char *authority = strstr(origin, "://");
    if (authority == NULL || !is_local_authority(authority + 3)) {
        *ret_reason = "requests from other web sites are not accepted";
        return 403;
    }
    return 0;
}

/* Is this from a page that we did not serve? Browsers name the page's origin with every POST; who names none is no page. */
static int is_from_other_page(const struct va_http *http)
{
    static const char scheme[] = "http://";
    const char *host = va_http_field(http, "host"), *origin = va_http_field(http, "origin"), *site = va_http_field(http, "sec-fetch-site");

    if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return 1;
    return origin != NULL &&
           (host == NULL || strncmp(origin, scheme, sizeof scheme - 1) != 0 || strcasecmp(origin + sizeof scheme - 1, host) != 0);
}

static const struct va_route *find_route(va_connection *connection, int *ret_status)
{
    const char *method = connection->head_only ? "GET" : connection->http.method;

    *ret_status = 404;
    for (size_t i = 0; i < connection->site->n_routes; i++) {
        const struct va_route *route = &connection->site->routes[i];
        if (strcmp(route->path, connection->http.path) != 0)
            continue;
        if (strcmp(route->method, method) == 0)
            return route;
        *ret_status = 405;
    }
    return NULL;
}

/* The head is complete. 0 to go on with the body, -1 after an answer. */
static int begin_request(va_connection *connection, double now_s)
{
    struct va_http *http = &connection->http;
    struct va_site *site = connection->site;
    const char *reason;
    int status = check_origin(http, &reason);

    connection->head_only = strcmp(http->method, "HEAD") == 0;
    if (status != 0) {
        http->keep_alive = 0;
        reject(connection, status, reason, now_s);
        return -1;
    }
    const struct va_route *route = find_route(connection, &status);
    if (route == NULL) {
        reject(connection, status, status == 404 ? "there is no such path; GET / lists them" : "this path does not know that method",
               now_s);
        return -1;
    }
    va_request *request = connection->request = va_request_new(route, http->query, &site->sink);
    if (request == NULL) {
        reject(connection, 500, "out of memory", now_s);
        return -1;
    }
    uint64_t max_upload = atomic_load(&site->max_upload_bytes);
    request->max_body = max_upload;
    request->folder = site->folder;
    va_upload_init(&request->upload, &site->upload_bytes, max_upload * UPLOADS_AT_ONCE);
    status = va_request_begin_body(request, va_http_field(http, "content-type"), is_from_other_page(http));
    if (status == 0 && http->has_length && http->length > request->max_body)
        status = va_request_take_body(request, NULL, (size_t)http->length);
    if (status != 0) {
        va_error error = request->error;
        reject(connection, status, error.text, now_s);
        return -1;
    }
    if (http->expects_continue && http->state == VA_HTTP_BODY &&
        va_buffer_append_string(&connection->output, "HTTP/1.1 100 Continue\r\n\r\n") < 0)
        connection->state = CLOSED;
    begin_phase(connection, now_s);
    return 0;
}

/* The request is complete: the handler gets it. */
static void dispatch(va_connection *connection, double now_s)
{
    va_request *request = connection->request;
    int status = va_request_finish_body(request);

    if (status != 0) {
        va_error error = request->error;
        reject(connection, status, error.text, now_s);
        return;
    }
    connection->state = WORKING;
    connection->deadline_s = 0;
    request->connection = connection;
    va_request_hold(request);
    request->route->handle(connection->site->user, request);
}

static void read_body(va_connection *connection, const char *data, size_t n, size_t *ret_used, double now_s)
{
    const char *piece;
    size_t n_piece;

    *ret_used = va_http_read_body(&connection->http, data, n, &piece, &n_piece);
    moved(connection, *ret_used);
    int status = n_piece > 0 ? va_request_take_body(connection->request, piece, n_piece) : 0;
    if (status != 0) {
        va_error error = connection->request->error;
        reject(connection, status, error.text, now_s);
    } else if (connection->http.state == VA_HTTP_BROKEN) {
        reject(connection, connection->http.status, connection->http.reason, now_s);
    } else if (connection->http.state == VA_HTTP_DONE) {
        dispatch(connection, now_s);
    }
}

static void read_head(va_connection *connection, const char *data, size_t n, size_t *ret_used, double now_s)
{
    struct va_http *http = &connection->http;
    int is_first = http->n_head == 0;

    *ret_used = va_http_read_head(http, data, n);
    if (is_first && http->n_head > 0)
        begin_phase(connection, now_s);
    if (http->state == VA_HTTP_BROKEN)
        reject(connection, http->status, http->reason, now_s);
    else if (http->state != VA_HTTP_HEAD && begin_request(connection, now_s) == 0 && http->state == VA_HTTP_DONE)
        dispatch(connection, now_s);
}

static void process(va_connection *connection, const char *data, size_t n, double now_s)
{
    while (n > 0 && connection->state == READING) {
        size_t used;
        if (connection->http.state == VA_HTTP_HEAD)
            read_head(connection, data, n, &used, now_s);
        else
            read_body(connection, data, n, &used, now_s);
        data += used;
        n -= used;
    }
    if (n > 0 && (connection->state == WORKING || connection->state == ANSWERING) && !connection->close_after &&
        va_buffer_append(&connection->pending, data, n) < 0)
        connection->state = CLOSED; /* far more requests ahead than any client needs */
}

void va_connection_receive(va_connection *connection, const char *data, size_t n, double now_s)
{
    if (connection->state == LINGERING) {
        double end_s = connection->started_s + LINGER_S;
        connection->deadline_s = now_s + LINGER_IDLE_S < end_s ? now_s + LINGER_IDLE_S : end_s;
        return;
    }
    process(connection, data, n, now_s);
}

static void next_request(va_connection *connection, double now_s)
{
    struct va_buffer pending = connection->pending;

    va_http_begin(&connection->http);
    connection->head_only = 0;
    connection->state = READING;
    connection->deadline_s = now_s + IDLE_S;
    va_buffer_init(&connection->pending, MAX_PENDING_BYTES);
    if (pending.size > 0)
        process(connection, pending.data, pending.size, now_s);
    va_buffer_free(&pending);
}

/* ---- output and time ---- */

const char *va_connection_output(const va_connection *connection, size_t *ret_n)
{
    *ret_n = connection->output.size - connection->n_sent;
    return connection->output.data != NULL ? connection->output.data + connection->n_sent : "";
}

void va_connection_sent(va_connection *connection, size_t n, double now_s)
{
    (void)now_s;
    connection->n_sent += n;
    if (connection->state == ANSWERING)
        moved(connection, n);
    if (connection->n_sent == connection->output.size) {
        va_buffer_free(&connection->output);
        connection->n_sent = 0;
    }
}

void va_connection_flushed(va_connection *connection, double now_s)
{
    if (connection->state != ANSWERING || connection->output.size > 0)
        return;
    if (!connection->close_after) {
        next_request(connection, now_s);
        return;
    }
    connection->state = LINGERING;
    connection->started_s = now_s;
    connection->deadline_s = now_s + LINGER_IDLE_S;
}

void va_connection_expire(va_connection *connection, double now_s)
{
    if (connection->deadline_s == 0 || now_s < connection->deadline_s)
        return;
    if (connection->state == READING && (connection->http.n_head > 0 || connection->http.state != VA_HTTP_HEAD))
        reject(connection, 408, "the request took too long to arrive", now_s);
    else
        connection->state = CLOSED;
}

void va_connection_close_idle(va_connection *connection, double now_s)
{
    (void)now_s;
    if (connection->state == READING && connection->http.state == VA_HTTP_HEAD && connection->http.n_head == 0)
        connection->state = CLOSED;
}

unsigned va_connection_wishes(const va_connection *connection)
{
    unsigned wishes = 0;

    if (connection->state == CLOSED)
        return VA_CONNECTION_CLOSE;
    if (connection->output.size > 0 || connection->state == ANSWERING)
        wishes |= VA_CONNECTION_WRITE;
    if (connection->pending.size > MAX_PENDING_BYTES / 2)
        wishes |= VA_CONNECTION_PAUSE;
    if (connection->state == LINGERING)
        wishes |= VA_CONNECTION_END_OUTPUT;
    return wishes;
}

double va_connection_deadline_s(const va_connection *connection)
{
    return connection->deadline_s;
}
