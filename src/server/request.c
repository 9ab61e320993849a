#include "server/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "server/http.h"
#include "base/json.h"

#define MAX_FIELDS_BYTES 16384
#define MAX_IGNORED_BYTES 65536
#define MAX_REPLY_BYTES (64u << 20)

va_request *va_request_new(const struct va_route *route, const char *query, const struct va_reply_sink *sink)
{
    va_request *request = va_calloc(1, sizeof *request);
    if (request == NULL)
        return NULL;
    request->query = va_strdup(query);
    if (request->query == NULL) {
        va_free(request);
        return NULL;
    }
    atomic_init(&request->holds, 1);
    request->route = route;
    request->sink = sink;
    request->upload.fd = -1;
    va_buffer_init(&request->reply, MAX_REPLY_BYTES);
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
    va_upload_close(&request->upload);
    va_buffer_free(&request->body);
    va_buffer_free(&request->reply);
    va_free(request->query);
    va_free(request);
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

static int begin_part(void *user, const char *name, int is_file)
{
    va_request *request = user;
    (void)is_file; /* some clients send the audio without a file name, some name every field */

    request->in_file = strcmp(name, request->route->file_field) == 0;
    if (!request->in_file)
        return append_field(request, name, strlen(name) + 1);
    if (request->n_files++ > 0)
        return va_fail(&request->error, VA_EFORMAT, "there is more than one field '%s'", name);
    return va_upload_open(&request->upload, request->folder, &request->error);
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
    const char *p = request->body.data, *end = p + request->body.size;

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

int va_request_take_file(va_request *request)
{
    return va_upload_take(&request->upload);
}

int va_request_query(const va_request *request, const char *key, char *ret_value, size_t capacity)
{
    return va_http_query(request->query, key, ret_value, capacity);
}

int va_request_is_gone(const va_request *request)
{
    return atomic_load(&request->gone);
}

/* ---- replies ---- */

void va_request_reply(va_request *request, int status, struct va_buffer *json)
{
    request->status = status;
    if (json->size == 0) {
        va_buffer_free(json);
        request->status = 500;
        va_request_format_error(&request->reply, "internal", "out of memory");
    } else {
        va_buffer_free(&request->reply);
        request->reply = *json;
        va_buffer_init(json, json->max);
    }
    request->sink->deliver(request->sink->user, request);
}

void va_request_fail(va_request *request, int status, const char *code, const char *format, ...)
{
    char message[512];
    struct va_buffer json;
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    va_buffer_init(&json, MAX_REPLY_BYTES);
    va_request_format_error(&json, code, message);
    va_request_reply(request, status, &json);
}

void va_request_refuse(va_request *request, int retry_after_s, const char *code, const char *message)
{
    request->retry_after_s = retry_after_s < 1 ? 1 : retry_after_s;
    va_request_fail(request, 503, code, "%s", message);
}

void va_request_format_error(struct va_buffer *json, const char *code, const char *message)
{
    struct va_json writer = {.out = json};

    va_json_open(&writer, NULL, '{');
    va_json_bool(&writer, "success", 0);
    va_json_open(&writer, "error", '{');
    va_json_text(&writer, "code", code);
    va_json_text(&writer, "message", message);
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
        {403, "forbidden"},
        {404, "not_found"},
        {405, "method_not_allowed"},
        {408, "timeout"},
        {413, "too_large"},
        {414, "too_large"},
        {415, "unsupported_media_type"},
        {417, "expectation_failed"},
        {421, "misdirected"},
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
