#include "server/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "server/outflow.h"

#define MAX_FIELDS_BYTES 16384
#define MAX_IGNORED_BYTES 65536
#define MAX_REPLY_BYTES (64u << 20)
#define MAX_HEADERS_BYTES 4096

/* Those that handlers may ask for. */
static const char *const kept_fields[] = {"accept", "idempotency-key", "if-none-match", "last-event-id", "range", "user-agent"};

static int append_pair(struct va_buffer *buffer, const char *name, const char *value)
{
    int r = va_buffer_append(buffer, name, strlen(name) + 1);
    return r == 0 ? va_buffer_append(buffer, value, strlen(value) + 1) : r;
}

/* In "name\0value\0name\0value\0" ...; behind the value `before`, if it is not NULL. NULL when absent. */
static const char *find_pair(const struct va_buffer *buffer, const char *name, const char *before)
{
    const char *p = before != NULL ? before + strlen(before) + 1 : buffer->data, *end = buffer->data + buffer->size;

    while (p < end) {
        const char *value = p + strlen(p) + 1;
        if (value >= end)
            break;
        if (strcmp(p, name) == 0)
            return value;
        p = value + strlen(value) + 1;
    }
    return NULL;
}

static int keep_fields(va_request *request, const struct va_http *http)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof kept_fields / sizeof kept_fields[0]; i++) {
        const char *value = va_http_field(http, kept_fields[i]);
        if (value != NULL)
            r = append_pair(&request->kept, kept_fields[i], value);
    }
    return r;
}

va_request *va_request_new(const struct va_route *route, const struct va_http *http, const char *segment, const struct va_reply_sink *sink)
{
    va_request *request = va_calloc(1, sizeof *request);
    if (request == NULL)
        return NULL;
    atomic_init(&request->holds, 1);
    request->route = route;
    request->sink = sink;
    request->upload.fd = -1;
    request->began_s = va_clock_ms() * 1e-3;
    va_buffer_init(&request->kept, 2 * VA_HTTP_MAX_HEAD_BYTES);
    va_buffer_init(&request->headers, MAX_HEADERS_BYTES);
    va_buffer_init(&request->reply, MAX_REPLY_BYTES);
    request->query = va_strdup(http->query);
    request->segment = va_strdup(segment);
    if (request->query == NULL || request->segment == NULL || keep_fields(request, http) < 0) {
        va_request_release(request);
        return NULL;
    }
    return request;
}

void va_request_hold(va_request *request)
{
    atomic_fetch_add(&request->holds, 1);
}

void va_request_release(va_request *request)
{
    if (request == NULL || atomic_fetch_sub(&request->holds, 1) > 1)
        return;
    va_outflow_free(atomic_load(&request->outflow));
    va_upload_close(&request->upload);
    va_buffer_free(&request->kept);
    va_buffer_free(&request->body);
    va_buffer_free(&request->headers);
    va_buffer_free(&request->reply);
    va_free(request->query);
    va_free(request->segment);
    va_free(request);
}

void va_request_on_gone(va_request *request, void (*call)(void *user, const char *what), void *user, const char *what)
{
    request->on_gone = call;
    request->gone_user = user;
    snprintf(request->gone_what, sizeof request->gone_what, "%s", what);
}

void va_request_abandon(va_request *request)
{
    request->maker = NULL;
    atomic_store(&request->gone, 1);
    struct va_outflow *outflow = atomic_load(&request->outflow);
    if (outflow != NULL)
        va_outflow_leave(outflow);
    if (request->on_gone != NULL)
        request->on_gone(request->gone_user, request->gone_what);
    va_request_release(request);
}

/* ---- the body ---- */

static int refuse(va_request *request, int status, const char *reason)
{
    va_fail(&request->error, VA_EFORMAT, "%s", reason);
    return status;
}

static int append_field(va_request *request, const char *data, size_t n)
{
    return va_buffer_append(&request->body, data, n);
}

/* May the field be there more than once? Clients name those with and without brackets. */
static int is_list(const char *name)
{
    static const char *const names[] = {"include", "timestamp_granularities"};
    size_t n = strlen(name), n_bare = n > 2 && strcmp(name + n - 2, "[]") == 0 ? n - 2 : n;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == n_bare && strncmp(names[i], name, n_bare) == 0)
            return 1;
    return 0;
}

static int begin_part(void *user, const char *name, int is_file)
{
    va_request *request = user;
    (void)is_file; /* some clients send the audio without a file name, some name every field */

    request->in_file = strcmp(name, request->route->file_field) == 0;
    if (request->in_file ? request->upload.fd >= 0 : !is_list(name) && va_request_field(request, name) != NULL)
        return va_fail(&request->error, VA_EFORMAT, "there is more than one field '%s'", name);
    if (!request->in_file)
        return append_field(request, name, strlen(name) + 1);
    int r = request->may_keep != NULL ? request->may_keep(request->keep_user, &request->error) : 0;
    return r < 0 ? r : va_upload_open(&request->upload, request->folder, &request->error);
}

static int part_data(void *user, const char *data, size_t n)
{
    va_request *request = user;

    if (request->in_file)
        return va_upload_write(&request->upload, data, n, &request->error);
    if (memchr(data, '\0', n) != NULL)
        return va_fail(&request->error, VA_EFORMAT, "there is a NUL in a form field");
    return append_field(request, data, n);
}

static int end_part(void *user)
{
    va_request *request = user;
    return request->in_file ? 0 : append_field(request, "", 1);
}

static const struct va_multipart_events form_events = {begin_part, part_data, end_part};

static int is_json(const char *content_type)
{
    static const char json[] = "application/json";
    if (content_type == NULL)
        return 1;
    return strncasecmp(content_type, json, sizeof json - 1) == 0 && strchr("; \t", content_type[sizeof json - 1]) != NULL;
}

int va_request_begin_body(va_request *request, const char *content_type, int from_other_page)
{
    switch (request->route->body) {
    case VA_BODY_NONE:
    case VA_BODY_SOCKET:
        request->max_body = MAX_IGNORED_BYTES;
        return 0;
    case VA_BODY_JSON:
        request->max_body = request->route->max_body;
        va_buffer_init(&request->body, request->route->max_body);
        if (from_other_page && !is_json(content_type))
            return refuse(request, 415, "a page of another origin must send Content-Type: application/json");
        return 0;
    default:
        va_buffer_init(&request->body, MAX_FIELDS_BYTES);
        int r = va_multipart_begin(&request->form, content_type, &form_events, request);
        if (r < 0)
            return refuse(request, r == VA_EUNSUPPORTED ? 415 : 400, request->form.reason);
        return 0;
    }
}

/* The HTTP status for what ended the reading of a form. */
static int form_status(va_request *request, int code)
{
    if (request->error.code == 0 && request->form.reason != NULL)
        return refuse(request, 400, request->form.reason);
    if (request->error.code == 0)
        va_fail(&request->error, code, code == VA_ELIMIT ? "the form fields are too large" : "%s", va_status_text(code));
    switch (code) {
    case VA_EFORMAT:
        return 400;
    case VA_ELIMIT:
        return request->in_file ? 507 : 413;
    case VA_EBUSY:
        return 503;
    case VA_EDENIED:
        return 403;
    default:
        return 500;
    }
}

int va_request_take_body(va_request *request, const char *data, size_t n)
{
    int r;

    request->n_received += n;
    if (request->n_received > request->max_body)
        return refuse(request, 413, "the body is too large");
    switch (request->route->body) {
    case VA_BODY_NONE:
    case VA_BODY_SOCKET:
        return 0;
    case VA_BODY_JSON:
        r = va_buffer_append(&request->body, data, n);
        return r == 0 ? 0 : refuse(request, r == VA_ELIMIT ? 413 : 500, va_status_text(r));
    default:
        r = va_multipart_read(&request->form, data, n);
        return r == 0 ? 0 : form_status(request, r);
    }
}

int va_request_finish_body(va_request *request)
{
    if (request->route->body != VA_BODY_FORM)
        return 0;
    int r = va_multipart_finish(&request->form);
    return r == 0 ? 0 : form_status(request, r);
}

/* ---- what handlers see ---- */

const char *va_request_body(const va_request *request, size_t *ret_n)
{
    *ret_n = request->body.size;
    return request->body.data != NULL ? request->body.data : "";
}

const char *va_request_field(const va_request *request, const char *name)
{
    return find_pair(&request->body, name, NULL);
}

const char *va_request_next_field(const va_request *request, const char *name, const char *before)
{
    return find_pair(&request->body, name, before);
}

const char *va_request_header(const va_request *request, const char *name)
{
    return find_pair(&request->kept, name, NULL);
}

const char *va_request_segment(const va_request *request)
{
    return request->segment;
}

int va_request_may_go_on(const va_request *request)
{
    return request->access == NULL || va_access_holds(request->access, &request->identity);
}

const struct va_identity *va_request_identity(const va_request *request)
{
    return &request->identity;
}

void va_request_set_peer(va_request *request, const struct va_peer *peer)
{
    snprintf(request->address, sizeof request->address, "%s", peer->address);
    request->peer = (struct va_peer){.address = request->address, .is_loopback = peer->is_loopback, .is_tls = peer->is_tls};
}

const struct va_peer *va_request_peer(const va_request *request)
{
    return &request->peer;
}

int va_request_take_file(va_request *request)
{
    return va_upload_take(&request->upload);
}

int va_request_query(const va_request *request, const char *key, char *ret_value, size_t capacity)
{
    return va_http_query(request->query, key, ret_value, capacity);
}

const char *va_request_query_text(const va_request *request)
{
    return request->query;
}

int va_request_is_gone(const va_request *request)
{
    return atomic_load(&request->gone);
}

/* ---- replies ---- */

int va_request_add_header(va_request *request, const char *name, const char *value)
{
    size_t n = request->headers.size;
    int r = append_pair(&request->headers, name, value);

    if (r < 0)
        request->headers.size = n;
    return r;
}

static void deliver(va_request *request)
{
    request->sink->deliver(request->sink->user, request);
}

void va_request_reply(va_request *request, int status, struct va_buffer *json)
{
    static const char no_memory[] = "{\"success\":false,\"error\":{\"code\":\"internal\",\"message\":\"out of memory\"}}";

    if (json->size == 0) {
        status = 500;
        request->fixed = no_memory;
        request->n_fixed = sizeof no_memory - 1;
    }
    va_request_reply_as(request, status, "", json);
}

void va_request_reply_as(va_request *request, int status, const char *content_type, struct va_buffer *body)
{
    request->status = status;
    snprintf(request->content_type, sizeof request->content_type, "%s", content_type);
    va_buffer_free(&request->reply);
    request->reply = *body;
    va_buffer_init(body, body->max);
    deliver(request);
}

/* Is the entity tag among those of an If-None-Match? */
static int is_known(const char *list, const char *tag)
{
    return list != NULL && (strcmp(list, "*") == 0 || strstr(list, tag) != NULL);
}

void va_request_reply_static(va_request *request, const char *content_type, const void *data, size_t n, const char *policy)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    char tag[24];

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
    snprintf(tag, sizeof tag, "\"%016llx\"", (unsigned long long)hash);
    if (va_request_add_header(request, "ETag", tag) < 0 || va_request_add_header(request, "Cache-Control", "no-cache") < 0) {
        va_buffer_free(&request->headers);
        va_request_fail(request, 500, "internal", "out of memory");
        return;
    }
    snprintf(request->content_type, sizeof request->content_type, "%s", content_type);
    request->status = is_known(va_request_header(request, "if-none-match"), tag) ? 304 : 200;
    request->policy = policy;
    request->fixed = data;
    request->n_fixed = request->status == 200 ? n : 0;
    deliver(request);
}

const char *va_request_reply_body(const va_request *request, size_t *ret_n)
{
    if (request->fixed != NULL) {
        *ret_n = request->n_fixed;
        return request->fixed;
    }
    *ret_n = request->reply.size;
    return request->reply.data != NULL ? request->reply.data : "";
}

static void fail(va_request *request, int status, const char *code, const char *parameter, const char *format, va_list args)
{
    char message[512];
    struct va_buffer json;
    const struct va_request_error error = {request->route->path, status, code, message, parameter};

    vsnprintf(message, sizeof message, format, args);
    va_buffer_init(&json, MAX_REPLY_BYTES);
    va_request_format_error(&json, &error);
    va_request_reply(request, status, &json);
}

void va_request_fail(va_request *request, int status, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail(request, status, code, NULL, format, args);
    va_end(args);
}

void va_request_blame(va_request *request, int status, const char *code, const char *parameter, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail(request, status, code, parameter, format, args);
    va_end(args);
}

void va_request_refuse(va_request *request, int retry_after_s, const char *code, const char *message)
{
    request->retry_after_s = retry_after_s < 1 ? 1 : retry_after_s;
    va_request_fail(request, 503, code, "%s", message);
}

/* In the words of OpenAI's API. */
static const char *error_type(int status)
{
    static const struct {
        int status;
        const char *type;
    } table[] = {{401, "authentication_error"}, {403, "permission_error"}, {429, "rate_limit_error"}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].status == status)
            return table[i].type;
    return status >= 500 ? "server_error" : "invalid_request_error";
}

void va_request_format_error(struct va_buffer *json, const struct va_request_error *error)
{
    struct va_json writer = {.out = json};
    int is_openai = error->path != NULL && strncmp(error->path, "/v1/", 4) == 0;

    va_json_open(&writer, NULL, '{');
    if (!is_openai)
        va_json_bool(&writer, "success", 0);
    va_json_open(&writer, "error", '{');
    va_json_text(&writer, "code", error->code);
    va_json_text(&writer, "message", error->message);
    if (is_openai) {
        va_json_text(&writer, "type", error_type(error->status));
        va_json_text(&writer, "param", error->parameter);
    }
    va_json_close(&writer, '}');
    va_json_close(&writer, '}');
    if (writer.error < 0)
        va_buffer_clear(json);
}

const char *va_request_error_code(int status)
{
    static const struct {
        int status;
        const char *code;
    } table[] = {
        {400, "bad_request"},
        {401, "unauthorized"},
        {403, "forbidden"},
        {404, "not_found"},
        {405, "method_not_allowed"},
        {408, "timeout"},
        {413, "too_large"},
        {414, "too_large"},
        {415, "unsupported_media_type"},
        {417, "expectation_failed"},
        {421, "misdirected"},
        {426, "upgrade_required"},
        {429, "too_many_attempts"},
        {431, "too_large"},
        {500, "internal"},
        {501, "not_implemented"},
        {503, "busy"},
        {505, "http_version"},
        {507, "disk_full"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].status == status)
            return table[i].code;
    return "error";
}
