#include "server/admit.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "server/route.h"
#include "server/websocket.h"

/* All uploads together may take this many times the largest one on disk. */
#define UPLOADS_AT_ONCE 4
#define MAX_HEADERS_BYTES 16384
#define MAX_HOST_BYTES 256
#define MAX_TOKEN_BYTES 256
#define BUSY_RETRY_S 5

void va_refusal_init(struct va_refusal *refusal, int status, const char *reason)
{
    *refusal = (struct va_refusal){.status = status, .retry_after_s = status == 503 ? BUSY_RETRY_S : 0};
    snprintf(refusal->reason, sizeof refusal->reason, "%s", reason);
    va_buffer_init(&refusal->headers, MAX_HEADERS_BYTES);
}

void va_refusal_free(struct va_refusal *refusal)
{
    va_buffer_free(&refusal->headers);
}

static int refuse(struct va_refusal *refusal, int status, const char *reason)
{
    va_refusal_init(refusal, status, reason);
    return 0;
}

/* Without memory the answer goes without it. */
static void add_header(struct va_refusal *refusal, const char *name, const char *value)
{
    size_t n = refusal->headers.size;
    if (va_buffer_append(&refusal->headers, name, strlen(name) + 1) < 0 ||
        va_buffer_append(&refusal->headers, value, strlen(value) + 1) < 0)
        refusal->headers.size = n;
}

/* ---- names ---- */

/* The name or address of an authority ("localhost:8000", "[::1]"), without brackets. 0 when it is none. */
static int read_host(const char *authority, char ret_host[MAX_HOST_BYTES])
{
    int is_v6 = authority[0] == '[';
    const char *start = authority + is_v6;
    size_t n = is_v6 ? strspn(start, "0123456789abcdefABCDEF:.") : strcspn(start, ":");

    if (n == 0 || n >= MAX_HOST_BYTES || (is_v6 && start[n] != ']'))
        return 0;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)start[i]) && strchr("-._:", start[i]) == NULL)
            return 0;
    memcpy(ret_host, start, n);
    ret_host[n] = '\0';
    const char *rest = start + n + is_v6;
    return rest[0] == '\0' || (rest[0] == ':' && strspn(rest + 1, "0123456789") == strlen(rest + 1));
}

/* Is it a name of this machine's loopback? Others reach us there by DNS rebinding only. */
static int is_local_authority(const char *authority)
{
    char host[MAX_HOST_BYTES];

    if (!read_host(authority, host))
        return 0;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host));
}

static int is_address(const char *host)
{
    unsigned char address[16];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* Of a home network, or of none: its certificate is our own, and a browser that once insisted on TLS could not be helped. */
static int is_home_name(const char *host)
{
    static const char *const ends[] = {".local", ".lan", ".home", ".home.arpa", ".internal", ".localdomain", ".localhost"};
    size_t n = strlen(host);

    if (is_address(host) || strchr(host, '.') == NULL)
        return 1;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (n > strlen(ends[i]) && strcasecmp(host + n - strlen(ends[i]), ends[i]) == 0)
            return 1;
    return 0;
}

/* ---- where it comes from ---- */

/* The same over TLS. */
static int redirect(struct va_gate *gate, const struct va_http *http, struct va_refusal *refusal)
{
    const char *authority = va_http_field(http, "host");
    char host[MAX_HOST_BYTES];
    struct va_buffer url;

    if (gate->site->tls_port == 0 || authority == NULL || !read_host(authority, host))
        return refuse(refusal, 403, "only this machine may ask without TLS");
    refuse(refusal, 308, "from other machines only TLS is spoken");
    refusal->code = "tls_required";
    va_buffer_init(&url, MAX_HEADERS_BYTES);
    const char *bracket = strchr(host, ':') != NULL ? "[" : "";
    int r = va_buffer_printf(&url, "https://%s%s%s:%d", bracket, host, bracket[0] != '\0' ? "]" : "", gate->site->tls_port);
    for (const char *p = http->path; r == 0 && *p != '\0'; p++)
        r = isalnum((unsigned char)*p) || strchr("/-._~", *p) != NULL ? va_buffer_append(&url, p, 1)
                                                                      : va_buffer_printf(&url, "%%%02X", (unsigned char)*p);
    if (r == 0 && http->query[0] != '\0')
        r = va_buffer_printf(&url, "?%s", http->query);
    if (r == 0)
        add_header(refusal, "Location", url.data);
    va_buffer_free(&url);
    return 0;
}

static int check_origin(struct va_gate *gate, const struct va_http *http, struct va_refusal *refusal)
{
    static const char tls[] = "https://";
    const char *host = va_http_field(http, "host"), *origin = va_http_field(http, "origin");
    char name[MAX_HOST_BYTES];
    int is_known = host == NULL || is_local_authority(host);

    if (!is_known && gate->is_tls)
        is_known = read_host(host, name) && gate->knows_name(gate->names, name);
    if (!is_known) {
        refuse(refusal, 421, "the Host is not this machine");
        refusal->must_close = 1;
        return 0;
    }
    if (origin == NULL)
        return 1;
    const char *authority = strstr(origin, "://");
    int is_ours = gate->is_tls ? host != NULL && strncmp(origin, tls, sizeof tls - 1) == 0 && strcasecmp(origin + sizeof tls - 1, host) == 0
                               : authority != NULL && is_local_authority(authority + 3);
    if (is_ours)
        return 1;
    refuse(refusal, 403, "requests from other web sites are not accepted");
    refusal->must_close = 1;
    return 0;
}

/* Is this from a page that we did not serve? Browsers name the page's origin with every POST; who names none is no page. */
static int is_from_other_page(const struct va_gate *gate, const struct va_http *http)
{
    const char *scheme = gate->is_tls ? "https://" : "http://";
    const char *host = va_http_field(http, "host"), *origin = va_http_field(http, "origin"), *site = va_http_field(http, "sec-fetch-site");

    if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return 1;
    return origin != NULL &&
           (host == NULL || strncmp(origin, scheme, strlen(scheme)) != 0 || strcasecmp(origin + strlen(scheme), host) != 0);
}

/* ---- who asks ---- */

/* The element of a comma-separated list that begins with prefix, copied without it. 0 when there is none. */
static int find_element(const char *list, const char *prefix, char *ret_rest, size_t capacity)
{
    size_t n_prefix = strlen(prefix);

    while (list != NULL && *list != '\0') {
        list += strspn(list, ", \t");
        size_t n = strcspn(list, ", \t");
        if (n >= n_prefix && strncmp(list, prefix, n_prefix) == 0 && n - n_prefix < capacity) {
            memcpy(ret_rest, list + n_prefix, n - n_prefix);
            ret_rest[n - n_prefix] = '\0';
            return 1;
        }
        list += n;
    }
    return 0;
}

static const char *read_token(const struct va_route *route, const struct va_http *http, char ret_text[MAX_TOKEN_BYTES])
{
    static const char scheme[] = "Bearer ";
    const char *field = va_http_field(http, "authorization");

    if (field != NULL)
        return strncasecmp(field, scheme, sizeof scheme - 1) == 0 ? field + sizeof scheme - 1 + strspn(field + sizeof scheme - 1, " ") : "";
    if (route->body == VA_BODY_SOCKET &&
        find_element(va_http_field(http, "sec-websocket-protocol"), "va.token.", ret_text, MAX_TOKEN_BYTES))
        return ret_text;
    return NULL;
}

static int check_access(struct va_gate *gate, const struct va_peer *peer, const struct va_route *route, const struct va_http *http,
                        struct va_identity *ret_identity, struct va_refusal *refusal)
{
    char text[MAX_TOKEN_BYTES];
    int retry_after_s = 1;
    int r = VA_EDENIED;

    *ret_identity = (struct va_identity){0};
    if (route->scope == 0)
        return 1;
    if (gate->site->access != NULL)
        r = va_access_check(gate->site->access, peer, read_token(route, http, text), ret_identity, &retry_after_s);
    else if (peer->is_loopback && !peer->is_tls) {
        *ret_identity = (struct va_identity){.scopes = VA_SCOPE_ALL, .name = "local"};
        r = 0;
    }
    explicit_bzero(text, sizeof text);
    if (r == VA_EBUSY) {
        refuse(refusal, 429, "too many wrong tokens came from this address");
        refusal->retry_after_s = retry_after_s > 0 ? retry_after_s : 1;
        return 0;
    }
    if (r < 0) {
        refuse(refusal, r == VA_EDENIED ? 401 : 500, r == VA_EDENIED ? "this needs a token that is known here" : va_status_text(r));
        if (r == VA_EDENIED)
            add_header(refusal, "WWW-Authenticate", "Bearer realm=\"voice-assistant\"");
        return 0;
    }
    if ((ret_identity->scopes & route->scope) == route->scope)
        return 1;
    refuse(refusal, 403, "the token is not for this");
    refusal->code = "missing_scope";
    return 0;
}

/* ---- WebSocket ---- */

static int check_upgrade(const struct va_gate *gate, const struct va_http *http, va_request *request, struct va_refusal *refusal)
{
    const char *version = va_http_field(http, "sec-websocket-version"), *key = va_http_field(http, "sec-websocket-key");
    char rest[MAX_TOKEN_BYTES];

    if (http->is_http2)
        return refuse(refusal, 400, "a WebSocket is opened over HTTP/1.1");
    if (is_from_other_page(gate, http))
        return refuse(refusal, 403, "requests from other web sites are not accepted");
    if (!va_http_has_token(http, "upgrade", "websocket") || !va_http_has_token(http, "connection", "upgrade") || http->minor == 0) {
        refuse(refusal, 426, "this path is for a WebSocket");
        add_header(refusal, "Upgrade", "websocket");
        return 0;
    }
    if (version == NULL || strcmp(version, "13") != 0) {
        refuse(refusal, 426, "only version 13 of WebSocket is spoken here");
        add_header(refusal, "Sec-WebSocket-Version", "13");
        return 0;
    }
    int r = key == NULL || http->state != VA_HTTP_DONE ? VA_EFORMAT : va_websocket_accept(key, request->socket_accept);
    if (r < 0)
        return refuse(refusal, r == VA_EFORMAT ? 400 : 500, "Sec-WebSocket-Key is not 16 bytes in base64, or there is a body");
    request->names_protocol = find_element(va_http_field(http, "sec-websocket-protocol"), "va.v1", rest, sizeof rest) && rest[0] == '\0';
    return 1;
}

/* ---- all of it ---- */

static int begin_body(struct va_gate *gate, const struct va_http *http, va_request *request, struct va_refusal *refusal)
{
    struct va_site *site = gate->site;
    uint64_t max_upload = atomic_load(&site->max_upload_bytes);
    int is_elsewhere = is_from_other_page(gate, http);

    /* A form, or a POST of nothing, is sent without asking us. */
    if (is_elsewhere && request->route->body != VA_BODY_JSON && strcmp(request->route->method, "GET") != 0)
        return refuse(refusal, 403, "requests from other web sites are not accepted");
    request->max_body = max_upload;
    request->folder = site->folder;
    request->may_keep = site->may_keep;
    request->keep_user = site->keep_user;
    if (request->route->body == VA_BODY_FORM)
        va_upload_init(&request->upload, &site->upload_bytes, max_upload * UPLOADS_AT_ONCE);
    int status = va_request_begin_body(request, va_http_field(http, "content-type"), is_elsewhere);
    if (status == 0 && http->has_length && http->length > request->max_body)
        status = va_request_take_body(request, NULL, (size_t)http->length);
    return status == 0 ? 1 : refuse(refusal, status, request->error.text);
}

int va_admit(struct va_gate *gate, const struct va_peer *peer, const struct va_http *http, va_request **ret_request,
             struct va_refusal *ret_refusal)
{
    const char *segment, *host = va_http_field(http, "host");
    char name[MAX_HOST_BYTES];
    struct va_identity identity;
    int status;

    if (!gate->is_tls && !peer->is_loopback)
        return redirect(gate, http, ret_refusal);
    if (!check_origin(gate, http, ret_refusal))
        return 0;
    const struct va_route *route = va_route_find(gate->routes, gate->n_routes, http->method, http->path, &segment, &status);
    if (route == NULL) {
        refuse(ret_refusal, status, status == 404 ? "there is no such path; GET / lists them" : "this path does not know that method");
        if (status == 405) {
            va_route_methods(gate->routes, gate->n_routes, http->path, name, sizeof name);
            add_header(ret_refusal, "Allow", name);
        }
        return 0;
    }
    if (!check_access(gate, peer, route, http, &identity, ret_refusal))
        return 0;
    va_request *request = va_request_new(route, http, segment, &gate->site->sink);
    if (request == NULL)
        return refuse(ret_refusal, 500, "out of memory");
    request->identity = identity;
    request->access = gate->site->access;
    va_request_set_peer(request, peer);
    request->is_strict = gate->is_tls && host != NULL && read_host(host, name) && !is_home_name(name);
    if (!begin_body(gate, http, request, ret_refusal) ||
        (route->body == VA_BODY_SOCKET && !check_upgrade(gate, http, request, ret_refusal))) {
        va_request_release(request);
        return 0;
    }
    *ret_request = request;
    return 1;
}
