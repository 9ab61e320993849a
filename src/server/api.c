#include "server/api_internal.h"

#include "base/memory.h"

#define MAX_JSON_BYTES 65536

static const struct va_route routes[] = {
    {"GET", "/", VA_BODY_NONE, 0, NULL, va_api_get_index},
    {"POST", "/audio/start", VA_BODY_NONE, 0, NULL, va_api_post_audio_start},
    {"POST", "/audio/stop", VA_BODY_NONE, 0, NULL, va_api_post_audio_stop},
    {"GET", "/transcription/latest", VA_BODY_NONE, 0, NULL, va_api_get_latest},
    {"POST", "/transcribe", VA_BODY_FORM, 0, "audio", va_api_post_transcribe},
    {"POST", "/command/execute", VA_BODY_JSON, MAX_JSON_BYTES, NULL, va_api_post_execute},
    {"POST", "/command", VA_BODY_JSON, MAX_JSON_BYTES, NULL, va_api_post_command},
    {"GET", "/status", VA_BODY_NONE, 0, NULL, va_api_get_status},
    {"GET", "/health", VA_BODY_NONE, 0, NULL, va_api_get_health},
    {"GET", "/metrics", VA_BODY_NONE, 0, NULL, va_api_get_metrics},
};

const struct va_route *va_api_routes(size_t *ret_n)
{
    *ret_n = sizeof routes / sizeof routes[0];
    return routes;
}

int va_api_new(va_assistant *assistant, const char *folder, va_api **ret_api, va_error *error)
{
    va_api *api = va_calloc(1, sizeof *api);
    if (api == NULL)
        return va_fail_memory(error);
    api->assistant = assistant;
    int r = va_system_new("", folder, &api->system, error);
    if (r < 0) {
        va_free(api);
        return r;
    }
    *ret_api = api;
    return 0;
}

void va_api_free(va_api *api)
{
    if (api == NULL)
        return;
    va_system_free(api->system);
    va_free(api);
}

/* ---- errors ---- */

void va_api_fail(va_api *api, va_request *request, int code, const va_error *error)
{
    static const struct {
        int code, status;
        const char *name;
    } table[] = {
        {VA_EINVAL, 400, "invalid"},      {VA_EFORMAT, 400, "damaged"},  {VA_EUNSUPPORTED, 415, "unsupported"},
        {VA_ENOTFOUND, 404, "not_found"}, {VA_ELIMIT, 413, "too_large"}, {VA_ETIMEOUT, 504, "timeout"},
        {VA_EDENIED, 403, "forbidden"},   {VA_EFAILED, 502, "failed"},
    };
    if (code == VA_EBUSY) {
        va_request_refuse(request, api != NULL ? va_assistant_retry_after_s(api->assistant) : 5, "busy", error->text);
        return;
    }
    if (code == VA_ESTATE || code == VA_ECANCELLED) {
        va_request_refuse(request, 5, "stopping", error->text);
        return;
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].code == code) {
            va_request_fail(request, table[i].status, table[i].name, "%s", error->text);
            return;
        }
    }
    va_request_fail(request, 500, "internal", "%s", error->text);
}

/* ---- what may block ---- */

struct call {
    va_api *api;
    va_request *request;
    void (*call)(va_api *api, va_request *request);
};

static void run_call(void *user)
{
    struct call call = *(struct call *)user;
    va_free(user);
    call.call(call.api, call.request);
}

void va_api_run(va_api *api, va_request *request, void (*call)(va_api *api, va_request *request))
{
    va_error error;
    struct call *later = va_alloc(1, sizeof *later);

    if (later == NULL) {
        va_request_fail(request, 500, "internal", "out of memory");
        return;
    }
    *later = (struct call){api, request, call};
    int r = va_assistant_run(api->assistant, run_call, later, &error);
    if (r < 0) {
        va_free(later);
        va_api_fail(api, request, r, &error);
    }
}

/* ---- replies ---- */

void va_reply_begin(struct va_reply *reply)
{
    va_buffer_init(&reply->buffer, VA_API_MAX_REPLY_BYTES);
    reply->json = (struct va_json){.out = &reply->buffer};
    va_json_open(&reply->json, NULL, '{');
}

void va_reply_end(struct va_reply *reply, va_request *request, int status)
{
    va_json_close(&reply->json, '}');
    if (reply->json.error < 0)
        va_buffer_free(&reply->buffer); /* an empty reply becomes an error */
    va_request_reply(request, status, &reply->buffer);
}
