/* What the assistant and the machine are doing. */
#include "server/api_internal.h"

#include <stdio.h>

/* Beyond these, /health says 503. */
#define MAX_MEMORY_PERCENT 97.0
#define MAX_DISK_PERCENT 98.0

void va_api_get_index(void *user, va_request *request)
{
    struct va_reply reply;
    char line[128];
    size_t n;
    const struct va_route *routes = va_api_routes(&n);
    (void)user;

    va_reply_begin(&reply);
    va_json_text(&reply.json, "name", "voice-assistant");
    va_json_text(&reply.json, "version", va_version());
    va_json_open(&reply.json, "routes", '[');
    for (size_t i = 0; i < n; i++) {
        snprintf(line, sizeof line, "%s %s", routes[i].method, routes[i].path);
        va_json_text(&reply.json, NULL, line);
    }
    va_json_close(&reply.json, ']');
    va_reply_end(&reply, request, 200);
}

void va_api_get_status(void *user, va_request *request)
{
    va_api *api = user;
    struct va_assistant_status status;
    struct va_reply reply;

    va_assistant_get_status(api->assistant, &status);
    va_reply_begin(&reply);
    va_json_text(&reply.json, "state", status.recording ? "recording" : status.running > 0 ? "transcribing" : "idle");
    va_json_bool(&reply.json, "recording", status.recording);
    va_json_bool(&reply.json, "privacy_mode", 0);
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
    va_json_text(&reply.json, "power_mode", NULL);
    va_json_number(&reply.json, "uptime", status.uptime_s, 1);
    va_json_text(&reply.json, "version", va_version());
    va_reply_end(&reply, request, 200);
}

void va_api_get_health(void *user, va_request *request)
{
    va_api *api = user;
    struct va_system_numbers numbers;
    struct va_assistant_status status;
    struct va_reply reply;
    const char *reasons[3];
    size_t n = 0;

    va_system_read(api->system, &numbers);
    va_assistant_get_status(api->assistant, &status);
    if (numbers.memory_percent > MAX_MEMORY_PERCENT)
        reasons[n++] = "memory is almost used up";
    if (numbers.disk_percent > MAX_DISK_PERCENT)
        reasons[n++] = "the disk of the data folder is almost full";
    if (status.queued >= status.capacity)
        reasons[n++] = "the queue of transcriptions is full";
    va_reply_begin(&reply);
    va_json_text(&reply.json, "status", n == 0 ? "healthy" : "unhealthy");
    if (n > 0) {
        va_json_open(&reply.json, "reasons", '[');
        for (size_t i = 0; i < n; i++)
            va_json_text(&reply.json, NULL, reasons[i]);
        va_json_close(&reply.json, ']');
    }
    va_json_number(&reply.json, "cpu_percent", numbers.cpu_percent, 1);
    va_json_number(&reply.json, "memory_percent", numbers.memory_percent, 1);
    va_json_number(&reply.json, "disk_percent", numbers.disk_percent, 1);
    va_json_number(&reply.json, "uptime", status.uptime_s, 1);
    va_reply_end(&reply, request, n == 0 ? 200 : 503);
}

void va_api_get_metrics(void *user, va_request *request)
{
    va_api *api = user;
    struct va_system_numbers numbers;
    struct va_reply reply;
    struct va_json *json = &reply.json;

    va_system_read(api->system, &numbers);
    va_reply_begin(&reply);
    va_json_open(json, "cpu", '{');
    va_json_number(json, "percent", numbers.cpu_percent, 1);
    va_json_integer(json, "count", numbers.cpu_count);
    va_json_number(json, "freq", numbers.cpu_mhz, 0);
    va_json_close(json, '}');
    va_json_open(json, "memory", '{');
    va_json_number(json, "total", numbers.memory_total, 0);
    va_json_number(json, "available", numbers.memory_available, 0);
    va_json_number(json, "percent", numbers.memory_percent, 1);
    va_json_close(json, '}');
    va_json_open(json, "disk", '{');
    va_json_number(json, "total", numbers.disk_total, 0);
    va_json_number(json, "used", numbers.disk_used, 0);
    va_json_number(json, "free", numbers.disk_free, 0);
    va_json_number(json, "percent", numbers.disk_percent, 1);
    va_json_close(json, '}');
    va_json_open(json, "network", '{');
    va_json_number(json, "sent", numbers.network_sent, 0);
    va_json_number(json, "recv", numbers.network_received, 0);
    va_json_close(json, '}');
    va_reply_end(&reply, request, 200);
}
