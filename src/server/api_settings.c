/* The options of the program: what they are, and changing them. */
#include "server/api_internal.h"

#include "base/log.h"
#include "base/memory.h"
#include "server/settings_request.h"

static void show(va_api *api, va_request *request)
{
    struct va_buffer json;
    va_error error;

    va_buffer_init(&json, VA_API_MAX_REPLY_BYTES);
    int r = api->settings.show(api->settings.user, &json, &error);
    if (r < 0) {
        va_buffer_free(&json);
        va_api_fail(api, request, r, &error);
        return;
    }
    va_request_reply(request, 200, &json);
}

/* Names, not values. */
static void log_change(const va_request *request, const struct va_setting *setting)
{
    const struct va_field fields[] = {VA_STRING("option", setting->name), VA_STRING("by", va_request_identity(request)->name),
                                      VA_STRING("address", va_request_peer(request)->address)};

    va_log_event(VA_LOG_INFO, "server", setting->text != NULL ? "setting_changed" : "setting_taken_back", fields,
                 sizeof fields / sizeof fields[0]);
}

static void reply(va_request *request, const struct va_settings_request *changed)
{
    static const struct {
        enum va_setting_effect effect;
        const char *key;
    } lists[] = {{VA_SETTING_IN_EFFECT, "in_effect"}, {VA_SETTING_AT_RESTART, "at_restart"}, {VA_SETTING_OVERRIDDEN, "overridden"}};
    struct va_reply reply;

    va_reply_begin(&reply);
    va_json_bool(&reply.json, "success", 1);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        va_json_open(&reply.json, lists[i].key, '[');
        for (size_t j = 0; j < changed->n; j++)
            if (changed->settings[j].effect == lists[i].effect)
                va_json_text(&reply.json, NULL, changed->settings[j].name);
        va_json_close(&reply.json, ']');
    }
    va_reply_end(&reply, request, 200);
}

static void change(va_api *api, va_request *request)
{
    va_error error;
    size_t n;
    const char *body = va_request_body(request, &n);
    struct va_settings_request *wanted = va_alloc(1, sizeof *wanted);

    if (wanted == NULL) {
        va_request_fail(request, 500, "internal", "out of memory");
        return;
    }
    int r = va_settings_request_read(body, n, wanted, &error);
    if (r < 0) {
        va_free(wanted);
        va_api_fail_body(request, r, &error);
        return;
    }
    if ((r = api->settings.change(api->settings.user, wanted->settings, wanted->n, &error)) == 0) {
        for (size_t i = 0; i < wanted->n; i++)
            log_change(request, &wanted->settings[i]);
        reply(request, wanted);
    }
    va_settings_request_clear(wanted);
    va_free(wanted);
    if (r == VA_EFAILED)
        va_request_fail(request, 409, "not_taken", "%s", error.text);
    else if (r < 0)
        va_api_fail(api, request, r, &error);
}

static void run(va_api *api, va_request *request, void (*call)(va_api *api, va_request *request))
{
    if (api->settings.show == NULL)
        va_request_fail(request, 503, "unavailable", "this program was started without settings");
    else
        va_api_run(api, request, call);
}

void va_api_get_settings(void *user, va_request *request)
{
    run(user, request, show);
}

void va_api_patch_settings(void *user, va_request *request)
{
    run(user, request, change);
}
