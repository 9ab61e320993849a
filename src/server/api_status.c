/* What the assistant and the machine are doing. */
#include "server/api_internal.h"

#include "access/scopes.h"

#include <stdio.h>
#include <string.h>

void va_api_get_index(void *user, va_request *request)
{
    struct va_reply reply;
    char line[128];
    size_t n;
    const struct va_route *routes = va_api_routes(&n);

    if (va_api_wants_page(request)) {
        va_api_get_panel_moved(user, request);
        return;
    }
    va_reply_begin(&reply);
    va_json_text(&reply.json, "name", "voice-assistant");
    va_json_text(&reply.json, "version", va_version());
    va_json_open(&reply.json, "routes", '[');
    for (size_t i = 0; i < n; i++) {
        snprintf(line, sizeof line, "%s %s", routes[i].method, routes[i].path);
        va_json_text(&reply.json, NULL, line);
    }
    va_json_close(&reply.json, ']');
    va_json_open(&reply.json, "scopes", '{');
    for (size_t i = 0; i < n; i++) {
        snprintf(line, sizeof line, "%s %s", routes[i].method, routes[i].path);
        va_json_text(&reply.json, line, routes[i].scope != 0 ? va_scope_name(routes[i].scope) : NULL);
    }
    va_json_close(&reply.json, '}');
    va_reply_end(&reply, request, 200);
}

/* What it does beside listening counts when it awaits something only. */
static const char *state_of(const struct va_assistant_status *status)
{
    int is_off = strcmp(status->state, "off") == 0, is_waiting = is_off || strcmp(status->state, "idle") == 0;

    return status->recording ? "recording" : is_waiting && status->running > 0 ? "transcribing" : is_off ? "idle" : status->state;
}

static void write_microphone(va_api *api, struct va_json *json)
{
    struct va_microphone_status microphone;

    va_assistant_get_microphone(api->assistant, &microphone);
    va_json_open(json, "microphone", '{');
    va_json_text(json, "state", microphone.state);
    va_json_text(json, "device", microphone.device);
    va_json_text(json, "format", microphone.format);
    va_json_integer(json, "rate", microphone.rate_hz);
    va_json_integer(json, "channels", microphone.channels);
    va_json_number(json, "level", microphone.rms_db, 1);
    va_json_number(json, "peak", microphone.peak_db, 1);
    va_json_integer(json, "overruns", (int64_t)microphone.overruns);
    va_json_integer(json, "lost", (int64_t)microphone.lost);
    va_json_integer(json, "recovered", (int64_t)microphone.recovered);
    va_json_integer(json, "lost_samples", (int64_t)microphone.lost_samples);
    va_json_integer(json, "clipped_samples", (int64_t)microphone.clipped_samples);
    va_json_number(json, "silent", microphone.silent_s, 1);
    va_json_text(json, "error", microphone.error);
    va_json_close(json, '}');
}

/* Null where uploads are transcribed here only. */
static void write_remote(va_api *api, struct va_json *json)
{
    struct va_remote_status remote;

    if (va_assistant_get_remote(api->assistant, &remote) < 0) {
        va_json_text(json, "remote", NULL);
        return;
    }
    va_json_open(json, "remote", '{');
    va_json_bool(json, "connected", remote.connected);
    va_json_integer(json, "workers", remote.workers);
    va_json_integer(json, "places", remote.places);
    va_json_integer(json, "running", remote.running);
    va_json_integer(json, "finished", (int64_t)remote.finished);
    va_json_integer(json, "lost", (int64_t)remote.lost);
    va_json_integer(json, "returned", (int64_t)remote.returned);
    va_json_close(json, '}');
}

void va_api_get_status(void *user, va_request *request)
{
    va_api *api = user;
    struct va_health_state health;
    struct va_assistant_status status;
    struct va_reply reply;

    va_health_get(api->health, &health);
    va_assistant_get_status(api->assistant, &status);
    va_reply_begin(&reply);
    va_json_text(&reply.json, "state", state_of(&status));
    va_json_bool(&reply.json, "recording", status.recording);
    va_json_bool(&reply.json, "privacy_mode", status.privacy);
    va_json_bool(&reply.json, "data_encrypted", va_assistant_is_storage_encrypted(api->assistant));
    write_microphone(api, &reply.json);
    va_json_text(&reply.json, "model", status.model);
    va_json_text(&reply.json, "kernels", status.kernels);
    va_json_bool(&reply.json, "multilingual", status.multilingual);
    va_json_integer(&reply.json, "queue_depth", (int64_t)status.queued);
    va_json_integer(&reply.json, "queue_capacity", (int64_t)status.capacity);
    va_json_integer(&reply.json, "transcribing", (int64_t)status.running);
    va_json_integer(&reply.json, "workers", (int64_t)status.workers);
    va_json_integer(&reply.json, "transcriptions", (int64_t)status.transcriptions);
    va_json_integer(&reply.json, "windows", (int64_t)status.windows);
    va_json_integer(&reply.json, "retried", (int64_t)status.retried);
    va_json_integer(&reply.json, "failures", (int64_t)status.failures);
    va_json_integer(&reply.json, "commands", (int64_t)status.commands);
    write_remote(api, &reply.json);
    va_json_open(&reply.json, "confined", '[');
    for (size_t i = 0; i < api->n_confined; i++)
        va_json_text(&reply.json, NULL, api->confined[i]);
    va_json_close(&reply.json, ']');
    va_json_text(&reply.json, "power_mode", health.power_mode);
    va_json_number(&reply.json, "uptime", status.uptime_s, 1);
    va_json_text(&reply.json, "version", va_version());
    va_reply_end(&reply, request, 200);
}

void va_api_get_health(void *user, va_request *request)
{
    va_api *api = user;
    struct va_health_state state;
    struct va_reply reply;
    struct va_json *json = &reply.json;

    va_health_get(api->health, &state);
    va_reply_begin(&reply);
    va_json_text(json, "status", state.n_reasons == 0 ? "healthy" : "unhealthy");
    if (state.n_reasons > 0) {
        va_json_open(json, "reasons", '[');
        for (size_t i = 0; i < state.n_reasons; i++) {
            va_json_open(json, NULL, '{');
            va_json_text(json, "code", state.reasons[i].code);
            va_json_text(json, "message", state.reasons[i].text);
            va_json_close(json, '}');
        }
        va_json_close(json, ']');
    }
    va_json_number(json, "cpu_percent", state.numbers.cpu_percent, 1);
    va_json_number(json, "memory_percent", state.numbers.memory_percent, 1);
    va_json_number(json, "disk_percent", state.numbers.disk_percent, 1);
    va_json_number(json, "uptime", state.uptime_s, 1);
    va_reply_end(&reply, request, state.n_reasons == 0 ? 200 : 503);
}

void va_api_get_metrics(void *user, va_request *request)
{
    va_api *api = user;
    struct va_health_state state;
    const struct va_system_numbers *numbers = &state.numbers;
    struct va_reply reply;
    struct va_json *json = &reply.json;

    va_health_get(api->health, &state);
    va_reply_begin(&reply);
    va_json_open(json, "cpu", '{');
    va_json_number(json, "percent", numbers->cpu_percent, 1);
    va_json_integer(json, "count", numbers->cpu_count);
    va_json_number(json, "freq", numbers->cpu_mhz, 0);
    va_json_close(json, '}');
    va_json_open(json, "memory", '{');
    va_json_number(json, "total", numbers->memory_total, 0);
    va_json_number(json, "available", numbers->memory_available, 0);
    va_json_number(json, "percent", numbers->memory_percent, 1);
    va_json_close(json, '}');
    va_json_open(json, "disk", '{');
    va_json_number(json, "total", numbers->disk_total, 0);
    va_json_number(json, "used", numbers->disk_used, 0);
    va_json_number(json, "free", numbers->disk_free, 0);
    va_json_number(json, "percent", numbers->disk_percent, 1);
    va_json_close(json, '}');
    va_json_open(json, "network", '{');
    va_json_number(json, "sent", numbers->network_sent, 0);
    va_json_number(json, "recv", numbers->network_received, 0);
    va_json_close(json, '}');
    va_reply_end(&reply, request, 200);
}
