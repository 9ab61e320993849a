/* What screens show beside /status: events as they happen, timers, what can be said. */
#include "server/api_internal.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SNAPSHOT_BYTES 8192
#define LANGUAGE_BYTES 16
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* ---- events ---- */

static int write_snapshot(va_api *api, struct va_buffer *out)
{
    struct va_json json = {.out = out};
    struct va_assistant_status status;
    struct va_microphone_status microphone;

    va_assistant_get_status(api->assistant, &status);
    va_assistant_get_microphone(api->assistant, &microphone);
    va_json_open(&json, NULL, '{');
    va_json_text(&json, "state", status.state);
    va_json_bool(&json, "privacy", status.privacy);
    va_json_bool(&json, "recording", status.recording);
    va_json_bool(&json, "speaking", status.sounding);
    va_json_open(&json, "microphone", '{');
    va_json_text(&json, "state", microphone.state);
    va_json_text(&json, "device", microphone.device);
    va_json_text(&json, "error", microphone.error);
    va_json_close(&json, '}');
    va_json_close(&json, '}');
    return json.error;
}

void va_api_get_events(void *user, va_request *request)
{
    va_api *api = user;
    const char *seen = va_request_header(request, "last-event-id");
    struct va_buffer snapshot;
    va_stream_reply *stream;

    if (!va_event_hub_has_room(api->hub)) {
        va_request_refuse(request, 5, "busy", "too many clients are told about events");
        return;
    }
    va_buffer_init(&snapshot, MAX_SNAPSHOT_BYTES);
    uint64_t since = va_event_hub_last(api->hub), seen_number = seen != NULL ? strtoull(seen, NULL, 10) : 0;
    if (write_snapshot(api, &snapshot) < 0 || va_request_add_header(request, "Cache-Control", "no-store") < 0 ||
        va_request_stream(request, 200, "text/event-stream", &stream) < 0)
        va_request_fail(request, 500, "internal", "out of memory");
    else
        va_event_hub_add(api->hub, stream, seen_number, snapshot.data, since);
    va_buffer_free(&snapshot);
}

/* ---- timers ---- */

/* While one is kept, whose file waits for the disk, the others cannot be looked at. */
static void list_timers(va_api *api, va_request *request)
{
    struct va_timer_info timers[VA_TIMERS_MAX];
    size_t n = va_assistant_timers(api->assistant, timers);
    struct va_reply reply;

    va_reply_begin(&reply);
    va_json_open(&reply.json, "timers", '[');
    for (size_t i = 0; i < n; i++) {
        va_json_open(&reply.json, NULL, '{');
        va_json_integer(&reply.json, "id", (int64_t)timers[i].id);
        va_json_text(&reply.json, "type", timers[i].type);
        va_json_text(&reply.json, "name", timers[i].name);
        va_json_number(&reply.json, "seconds", timers[i].seconds, 3);
        va_json_number(&reply.json, "left", timers[i].left_s, 3);
        va_json_number(&reply.json, "ends_at", timers[i].end_unix_s, 3);
        va_json_close(&reply.json, '}');
    }
    va_json_close(&reply.json, ']');
    va_reply_end(&reply, request, 200);
}

void va_api_get_timers(void *user, va_request *request)
{
    va_api_run(user, request, list_timers);
}

/* It writes a file. */
static void cancel_timer(va_api *api, va_request *request)
{
    const char *segment = va_request_segment(request);
    struct va_reply reply;
    va_error error;
    char *end;
    unsigned long long id = strtoull(segment, &end, 10);
    int r = *segment < '0' || *segment > '9' || *end != '\0' ? va_fail(&error, VA_ENOTFOUND, "there is no such timer")
                                                             : va_assistant_cancel_timer(api->assistant, id, &error);

    if (r < 0) {
        va_api_fail(api, request, r, &error);
        return;
    }
    va_reply_begin(&reply);
    va_json_bool(&reply.json, "success", 1);
    va_reply_end(&reply, request, 200);
}

void va_api_delete_timer(void *user, va_request *request)
{
    va_api_run(user, request, cancel_timer);
}

/* ---- what can be said ---- */

static void add_command(void *user, const struct va_command_info *command)
{
    struct va_json *json = user;

    va_json_open(json, NULL, '{');
    va_json_text(json, "name", command->name);
    va_json_text(json, "language", command->language);
    va_json_text(json, "example", command->example);
    va_json_text(json, "action", command->action);
    va_json_bool(json, "confirm", command->confirm);
    va_json_close(json, '}');
}

/* As command files name one: "en", "pt-BR". */
static int is_language(const char *text)
{
    size_t n = strspn(text, LETTERS);

    if (n < 2 || n > 8 || (text[n] != '\0' && text[n] != '-' && text[n] != '_'))
        return 0;
    if (text[n] == '\0')
        return 1;
    const char *region = text + n + 1;
    size_t more = strlen(region);
    return more >= 1 && more <= 6 && strspn(region, LETTERS "0123456789") == more;
}

/* Expanding the templates takes a moment. */
static void list_commands(va_api *api, va_request *request)
{
    struct va_reply reply;
    char language[LANGUAGE_BYTES];
    int r = va_request_query(request, "language", language, sizeof language);

    if ((r < 0 && r != VA_ENOTFOUND) || (r == 0 && !is_language(language))) {
        va_request_fail(request, 400, "invalid", "'language' must be the code of a language, or be absent");
        return;
    }
    va_reply_begin(&reply);
    va_json_open(&reply.json, "commands", '[');
    va_assistant_list_commands(api->assistant, r == 0 ? language : NULL, add_command, &reply.json);
    va_json_close(&reply.json, ']');
    va_reply_end(&reply, request, 200);
}

void va_api_get_commands(void *user, va_request *request)
{
    va_api_run(user, request, list_commands);
}
