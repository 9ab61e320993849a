/* The history: listed, exported, deleted. SQLite waits for the disk, so all of it runs on errand threads. */
#include "server/api_internal.h"

#include <unistd.h>

#include "base/log.h"
#include "server/history_query.h"

#define PAGE_BYTES ((size_t)1 << 20) /* a page that is longer ends */
/* A client that reads slowly is waited for so long, by the thread of one export at a time. */
#define EXPORT_PATIENCE_MS 10000
#define EXPORT_STEP_MS 20
#define EXPORT_WRITE_BYTES 65536

static va_history *history_of(va_api *api, va_request *request)
{
    va_history *history = va_assistant_history(api->assistant);

    if (history == NULL)
        va_request_refuse(request, 60, "history_unavailable", "there is no history");
    return history;
}

/* What is no mistake of the client. */
static void fail(va_request *request, int code, const va_error *error)
{
    if (code == VA_EBUSY)
        va_request_refuse(request, 5, "busy", error->text);
    else if (code == VA_ENOMEM)
        va_request_fail(request, 500, "internal", "%s", error->text);
    else
        va_request_refuse(request, 60, "history_unavailable", error->text);
}

static int read_query(va_request *request, struct va_history_request *ret_query)
{
    va_error error;

    if (va_history_request_read(va_request_query_text(request), ret_query, &error) == 0)
        return 0;
    va_request_fail(request, 400, "invalid", "%s", error.text);
    return -1;
}

/* ---- GET /api/v1/history ---- */

struct page {
    struct va_reply reply;
    int64_t last_id;
};

/* VA_ECANCELLED: the page is long enough. */
static int add_entry(void *user, const struct va_history_entry *entry)
{
    struct page *page = user;

    va_history_entry_json(&page->reply.json, entry);
    page->last_id = entry->id;
    return page->reply.json.error == 0 && page->reply.buffer.size >= PAGE_BYTES ? VA_ECANCELLED : page->reply.json.error;
}

static void list(va_api *api, va_request *request)
{
    va_history *history = history_of(api, request);
    struct va_history_request query;
    struct page page;
    struct va_json *json = &page.reply.json;
    int64_t next;
    va_error error;

    if (history == NULL || read_query(request, &query) < 0)
        return;
    va_reply_begin(&page.reply);
    va_json_bool(json, "enabled", va_history_is_enabled(history));
    va_json_open(json, "entries", '[');
    int r = va_history_list(history, &query.query, add_entry, &page, &next, &error);
    if (r == VA_ECANCELLED) {
        next = page.last_id;
        r = 0;
    }
    if (r < 0 && json->error == 0) {
        va_buffer_free(&page.reply.buffer);
        fail(request, r, &error);
        return;
    }
    va_json_close(json, ']');
    if (r == 0 && next > 0)
        va_json_integer(json, "next", next);
    else
        va_json_text(json, "next", NULL);
    va_reply_end(&page.reply, request, 200);
}

void va_api_get_history(void *user, va_request *request)
{
    va_api_run(user, request, list);
}

/* ---- GET /api/v1/history/export ---- */

/* The head goes out with the first piece, so that a history that cannot be read is an error. */
struct export
{
    va_request *request;
    va_stream_reply *stream;
    enum va_history_format format;
};

static int begin_stream(struct export *export)
{
    static const char *const types[] = {"application/x-ndjson", "text/csv; charset=utf-8"};
    static const char *const names[] = {"attachment; filename=\"history.jsonl\"", "attachment; filename=\"history.csv\""};

    if (export->stream != NULL)
        return 0;
    if (va_request_add_header(export->request, "content-disposition", names[export->format]) < 0)
        return VA_ENOMEM;
    return va_request_stream(export->request, 200, types[export->format], &export->stream);
}

static int write_some(struct export *export, const char *data, size_t n)
{
    int r = VA_ELIMIT;

    for (int waited_ms = 0; r == VA_ELIMIT && waited_ms < EXPORT_PATIENCE_MS; waited_ms += EXPORT_STEP_MS) {
        if (waited_ms > 0)
            usleep(EXPORT_STEP_MS * 1000);
        r = va_stream_reply_write(export->stream, data, n);
    }
    return r;
}

static int write_piece(void *user, const char *data, size_t n)
{
    struct export *export = user;
    int r = begin_stream(export);

    for (size_t at = 0; r == 0 && at < n; at += EXPORT_WRITE_BYTES)
        r = write_some(export, data + at, n - at < EXPORT_WRITE_BYTES ? n - at : EXPORT_WRITE_BYTES);
    return r;
}

/* It has begun as a success: JSON lines say why it is not one. */
static void write_error(struct export *export, const va_error *error)
{
    const struct va_request_error why = {.status = 500, .code = "history_unavailable", .message = error->text};
    struct va_buffer line;

    va_buffer_init(&line, 4096);
    va_request_format_error(&line, &why);
    if (export->format == VA_HISTORY_JSONL && line.size > 0 && va_buffer_append(&line, "\n", 1) == 0)
        (void)write_piece(export, line.data, line.size);
    va_buffer_free(&line);
}

static void cut(struct export *export, int code, const va_error *error)
{
    if (code != VA_ECANCELLED) /* the client has gone */
        va_log(VA_LOG_WARNING, "server", "an export of the history was cut off: %s", error->text);
    if (code != VA_ECANCELLED && code != VA_ELIMIT) /* it takes nothing */
        write_error(export, error);
    va_stream_reply_cut(export->stream);
}

static void export_all(va_api *api, va_request *request)
{
    va_history *history = history_of(api, request);
    struct va_history_request query;
    va_error error;

    if (history == NULL || read_query(request, &query) < 0)
        return;
    if (atomic_exchange(&api->exporting, 1)) {
        va_request_refuse(request, 5, "busy", "another export is under way");
        return;
    }
    struct export export = {.request = request, .format = query.format};
    int r = va_history_export(history, &query.query, query.format, write_piece, &export, &error);
    if (r == 0 && (r = begin_stream(&export)) < 0) /* it was empty */
        (void)va_fail_memory(&error);
    if (export.stream == NULL)
        fail(request, r, &error);
    else if (r == 0)
        va_stream_reply_end(export.stream);
    else
        cut(&export, r, &error);
    atomic_store(&api->exporting, 0);
}

void va_api_get_history_export(void *user, va_request *request)
{
    va_api_run(user, request, export_all);
}

/* ---- DELETE ---- */

static void reply_deleted(va_request *request, int64_t n)
{
    struct va_reply reply;

    va_reply_begin(&reply);
    va_json_bool(&reply.json, "success", 1);
    va_json_integer(&reply.json, "deleted", n);
    va_reply_end(&reply, request, 200);
}

static void delete_many(va_api *api, va_request *request)
{
    va_history *history = history_of(api, request);
    double before_s;
    int64_t n;
    va_error error;

    if (history == NULL)
        return;
    if (va_history_request_read_bound(va_request_query_text(request), &before_s, &error) < 0) {
        va_request_fail(request, 400, "invalid", "%s", error.text);
        return;
    }
    int r = va_history_delete_before(history, before_s, &n, &error);
    if (r < 0)
        fail(request, r, &error);
    else
        reply_deleted(request, n);
}

void va_api_delete_history(void *user, va_request *request)
{
    va_api_run(user, request, delete_many);
}

static void delete_one(va_api *api, va_request *request)
{
    va_history *history = history_of(api, request);
    int64_t id;
    va_error error;

    if (history == NULL)
        return;
    int r = va_history_request_read_id(va_request_segment(request), &id);
    if (r == 0)
        r = va_history_delete(history, id, &error);
    if (r == VA_ENOTFOUND)
        va_request_fail(request, 404, "not_found", "there is no such entry in the history");
    else if (r < 0)
        fail(request, r, &error);
    else
        reply_deleted(request, 1);
}

void va_api_delete_history_entry(void *user, va_request *request)
{
    va_api_run(user, request, delete_one);
}
