#include "server/api_internal.h"

#include "base/memory.h"

#define MAX_JSON_BYTES 65536

static const struct va_route routes[] = {
    {"GET", "/", VA_BODY_NONE, 0, NULL, 0, va_api_get_index},
    {"GET", "/api/v1/openapi.json", VA_BODY_NONE, 0, NULL, 0, va_api_get_openapi},
    {"GET", "/panel", VA_BODY_NONE, 0, NULL, 0, va_api_get_panel_moved},
    {"GET", "/panel/", VA_BODY_NONE, 0, NULL, 0, va_api_get_panel_page},
    {"GET", "/panel/{id}", VA_BODY_NONE, 0, NULL, 0, va_api_get_panel},
    {"GET", "/pair", VA_BODY_NONE, 0, NULL, 0, va_api_get_panel_page},
    {"POST", "/audio/start", VA_BODY_NONE, 0, NULL, VA_SCOPE_CONTROL, va_api_post_audio_start},
    {"POST", "/audio/stop", VA_BODY_NONE, 0, NULL, VA_SCOPE_CONTROL, va_api_post_audio_stop},
    {"POST", "/listen/start", VA_BODY_NONE, 0, NULL, VA_SCOPE_CONTROL, va_api_post_listen_start},
    {"POST", "/listen/stop", VA_BODY_NONE, 0, NULL, VA_SCOPE_CONTROL, va_api_post_listen_stop},
    {"GET", "/transcription/latest", VA_BODY_NONE, 0, NULL, VA_SCOPE_CONTROL, va_api_get_latest},
    {"POST", "/transcribe", VA_BODY_FORM, 0, "audio", VA_SCOPE_TRANSCRIBE, va_api_post_transcribe},
    {"POST", "/command/execute", VA_BODY_JSON, MAX_JSON_BYTES, NULL, VA_SCOPE_CONTROL, va_api_post_execute},
    {"POST", "/command", VA_BODY_JSON, MAX_JSON_BYTES, NULL, VA_SCOPE_CONTROL, va_api_post_command},
    {"POST", "/privacy/enable", VA_BODY_NONE, 0, NULL, VA_SCOPE_CONTROL, va_api_post_privacy_enable},
    {"POST", "/privacy/disable", VA_BODY_NONE, 0, NULL, VA_SCOPE_CONTROL, va_api_post_privacy_disable},
    {"GET", "/api/v1/live", VA_BODY_SOCKET, 0, NULL, VA_SCOPE_CONTROL, va_api_get_live},
    {"GET", "/api/v1/events", VA_BODY_NONE, 0, NULL, VA_SCOPE_CONTROL, va_api_get_events},
    {"GET", "/api/v1/timers", VA_BODY_NONE, 0, NULL, VA_SCOPE_CONTROL, va_api_get_timers},
    {"DELETE", "/api/v1/timers/{id}", VA_BODY_NONE, 0, NULL, VA_SCOPE_CONTROL, va_api_delete_timer},
    {"GET", "/api/v1/commands", VA_BODY_NONE, 0, NULL, VA_SCOPE_CONTROL, va_api_get_commands},
    {"GET", "/privacy", VA_BODY_NONE, 0, NULL, VA_SCOPE_STATUS, va_api_get_privacy},
    {"GET", "/api/v1/history", VA_BODY_NONE, 0, NULL, VA_SCOPE_HISTORY, va_api_get_history},
    {"GET", "/api/v1/history/export", VA_BODY_NONE, 0, NULL, VA_SCOPE_HISTORY, va_api_get_history_export},
    {"DELETE", "/api/v1/history", VA_BODY_NONE, 0, NULL, VA_SCOPE_HISTORY, va_api_delete_history},
    {"DELETE", "/api/v1/history/{id}", VA_BODY_NONE, 0, NULL, VA_SCOPE_HISTORY, va_api_delete_history_entry},
    {"GET", "/power", VA_BODY_NONE, 0, NULL, VA_SCOPE_STATUS, va_api_get_power},
    {"POST", "/power/mode", VA_BODY_JSON, MAX_JSON_BYTES, NULL, VA_SCOPE_CONTROL, va_api_post_power_mode},
    {"POST", "/power/sleep", VA_BODY_JSON, MAX_JSON_BYTES, NULL, VA_SCOPE_CONTROL, va_api_post_power_sleep},
    {"GET", "/battery", VA_BODY_NONE, 0, NULL, VA_SCOPE_STATUS, va_api_get_battery},
    {"GET", "/status", VA_BODY_NONE, 0, NULL, VA_SCOPE_STATUS, va_api_get_status},
    {"GET", "/health", VA_BODY_NONE, 0, NULL, VA_SCOPE_STATUS, va_api_get_health},
    {"GET", "/api/v1/settings", VA_BODY_NONE, 0, NULL, VA_SCOPE_ADMIN, va_api_get_settings},
    {"PATCH", "/api/v1/settings", VA_BODY_JSON, MAX_JSON_BYTES, NULL, VA_SCOPE_ADMIN, va_api_patch_settings},
    {"GET", "/api/v1/tokens", VA_BODY_NONE, 0, NULL, VA_SCOPE_ADMIN, va_api_get_tokens},
    {"POST", "/api/v1/tokens", VA_BODY_JSON, MAX_JSON_BYTES, NULL, VA_SCOPE_ADMIN, va_api_post_tokens},
    {"DELETE", "/api/v1/tokens/{id}", VA_BODY_NONE, 0, NULL, VA_SCOPE_ADMIN, va_api_delete_token},
    {"POST", "/api/v1/pairing", VA_BODY_NONE, 0, NULL, VA_SCOPE_ADMIN, va_api_post_pairing},
    {"POST", "/api/v1/pairing/claim", VA_BODY_JSON, MAX_JSON_BYTES, NULL, 0, va_api_post_pairing_claim},
    {"GET", "/api/v1/ca", VA_BODY_NONE, 0, NULL, 0, va_api_get_ca},
    {"GET", "/api/v1/audit", VA_BODY_NONE, 0, NULL, VA_SCOPE_ADMIN, va_api_get_audit},
    {"GET", "/metrics", VA_BODY_NONE, 0, NULL, VA_SCOPE_STATUS, va_api_get_metrics},
    {"GET", "/v1/models", VA_BODY_NONE, 0, NULL, VA_SCOPE_TRANSCRIBE, va_api_get_openai_models},
    {"GET", "/v1/models/{id}", VA_BODY_NONE, 0, NULL, VA_SCOPE_TRANSCRIBE, va_api_get_openai_model},
    {"POST", "/v1/audio/transcriptions", VA_BODY_FORM, 0, "file", VA_SCOPE_TRANSCRIBE, va_api_post_openai_transcriptions},
    {"POST", "/v1/audio/translations", VA_BODY_FORM, 0, "file", VA_SCOPE_TRANSCRIBE, va_api_post_openai_translations},
    {"POST", "/v1/audio/speech", VA_BODY_JSON, MAX_JSON_BYTES, NULL, VA_SCOPE_TRANSCRIBE, va_api_post_openai_speech},
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
    int r = va_health_new(assistant, folder, &api->health, error);
    if (r == 0)
        r = va_event_hub_new(assistant, VA_EVENT_HEARTBEAT_MS, &api->hub, error);
    if (r < 0) {
        va_api_free(api);
        return r;
    }
    *ret_api = api;
    return 0;
}

void va_api_free(va_api *api)
{
    if (api == NULL)
        return;
    va_event_hub_free(api->hub);
    va_health_free(api->health);
    va_free(api);
}

void va_api_set_site(va_api *api, const struct va_api_site *site)
{
    api->site = *site;
}

void va_api_set_settings(va_api *api, const struct va_api_settings *settings)
{
    api->settings = *settings;
}

void va_api_set_confined(va_api *api, const char *const *layers, size_t n)
{
    for (size_t i = 0; i < n && i < VA_API_MAX_LAYERS; i++)
        api->confined[api->n_confined++] = layers[i];
}

void va_api_set_tls_port(va_api *api, int port)
{
    atomic_store(&api->tls_port, port);
}

va_health *va_api_health(va_api *api)
{
    return api->health;
}

/* ---- errors ---- */

int va_api_status(int code, const char **ret_name)
{
    static const struct {
        int code, status;
        const char *name;
    } table[] = {
        {VA_EINVAL, 400, "invalid"},      {VA_EFORMAT, 400, "damaged"},  {VA_EUNSUPPORTED, 415, "unsupported"},
        {VA_ENOTFOUND, 404, "not_found"}, {VA_ELIMIT, 413, "too_large"}, {VA_ETIMEOUT, 504, "timeout"},
        {VA_EDENIED, 403, "forbidden"},   {VA_EFAILED, 502, "failed"},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].code == code) {
            *ret_name = table[i].name;
            return table[i].status;
        }
    }
    *ret_name = "internal";
    return 500;
}

void va_api_fail(va_api *api, va_request *request, int code, const va_error *error)
{
    const char *name;

    if (code == VA_EBUSY) {
        va_request_refuse(request, api != NULL ? va_assistant_retry_after_s(api->assistant) : 5, "busy", error->text);
        return;
    }
    if (code == VA_ESTATE || code == VA_ECANCELLED) {
        va_request_refuse(request, 5, "stopping", error->text);
        return;
    }
    int status = va_api_status(code, &name);
    va_request_fail(request, status, name, "%s", error->text);
}

void va_api_fail_body(va_request *request, int code, const va_error *error)
{
    if (code == VA_EFORMAT)
        va_request_fail(request, 400, "invalid_json", "%s", error->text);
    else
        va_api_fail(NULL, request, code, error);
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

int va_api_run(va_api *api, va_request *request, void (*call)(va_api *api, va_request *request))
{
    va_error error;
    struct call *later = va_alloc(1, sizeof *later);

    if (later == NULL) {
        va_request_fail(request, 500, "internal", "out of memory");
        return VA_ENOMEM;
    }
    *later = (struct call){api, request, call};
    int r = va_assistant_run(api->assistant, run_call, later, &error);
    if (r < 0) {
        va_free(later);
        va_api_fail(api, request, r, &error);
    }
    return r;
}

static void cancel(void *user, const char *id)
{
    va_api *api = user;

    (void)va_assistant_cancel(api->assistant, id);
}

void va_api_cancel_when_gone(va_api *api, va_request *request, const char *id)
{
    va_request_on_gone(request, cancel, api, id);
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
