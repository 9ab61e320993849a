/* Privacy mode. */
#include "server/api_internal.h"

#include <string.h>

static void write_state(struct va_json *json, const struct va_privacy_state *state)
{
    va_json_bool(json, "privacy_mode", state->on);
    va_json_open(json, "cameras", '[');
    for (size_t i = 0; i < state->cameras.n; i++) {
        const struct va_camera *camera = &state->cameras.camera[i];
        va_json_open(json, NULL, '{');
        va_json_text(json, "name", camera->name);
        va_json_text(json, "state", va_camera_state_text(camera->state));
        if (camera->reason[0] != '\0')
            va_json_text(json, "reason", camera->reason);
        va_json_close(json, '}');
    }
    va_json_close(json, ']');
}

/* The log tells who it was. VA_EINVAL: somebody unheard of. */
static int who(const va_request *request, enum va_privacy_by *ret_by)
{
    char by[8];
    int r = va_request_query(request, "by", by, sizeof by);

    if (r != VA_ENOTFOUND && (r < 0 || (strcmp(by, "cli") != 0 && strcmp(by, "api") != 0)))
        return VA_EINVAL;
    *ret_by = r == 0 && strcmp(by, "cli") == 0 ? VA_PRIVACY_BY_CLI : VA_PRIVACY_BY_API;
    return 0;
}

static void set(va_api *api, va_request *request, int on)
{
    struct va_privacy_state state;
    enum va_privacy_by by;
    struct va_reply reply;
    va_error error;

    if (who(request, &by) < 0) {
        va_request_fail(request, 400, "invalid", "by must be api or cli");
        return;
    }
    int r = va_assistant_privacy_set(api->assistant, on, by, &state, &error);
    va_reply_begin(&reply);
    va_json_bool(&reply.json, "success", r == 0);
    if (r < 0) {
        va_json_open(&reply.json, "error", '{');
        va_json_text(&reply.json, "code", "incomplete");
        va_json_text(&reply.json, "message", error.text);
        va_json_close(&reply.json, '}');
    }
    va_json_text(&reply.json, "message", r < 0 ? error.text : on ? "Privacy mode enabled" : "Privacy mode disabled");
    write_state(&reply.json, &state);
    va_reply_end(&reply, request, r < 0 ? 500 : 200);
}

static void enable(va_api *api, va_request *request)
{
    set(api, request, 1);
}

static void disable(va_api *api, va_request *request)
{
    set(api, request, 0);
}

static void get(va_api *api, va_request *request)
{
    struct va_privacy_state state;
    struct va_reply reply;

    va_assistant_privacy_get(api->assistant, &state);
    va_reply_begin(&reply);
    va_json_bool(&reply.json, "success", 1);
    va_json_text(&reply.json, "message", state.on ? "Privacy mode is on" : "Privacy mode is off");
    write_state(&reply.json, &state);
    va_reply_end(&reply, request, 200);
}

void va_api_post_privacy_enable(void *user, va_request *request)
{
    va_api_run(user, request, enable);
}

void va_api_post_privacy_disable(void *user, va_request *request)
{
    va_api_run(user, request, disable);
}

void va_api_get_privacy(void *user, va_request *request)
{
    va_api_run(user, request, get);
}
