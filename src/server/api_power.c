/* Power modes, sleep, battery. The kernel's files may take their time: errands read and write them. */
#include "server/api_internal.h"

#include <poll.h>

#include "base/log.h"
#include "power/power_json.h"
#include "server/members.h"

#define GOODBYE_MS 500 /* for the answer to go out */

/* What is not present is the machine's state, not a page that is missing. */
static void fail(va_api *api, va_request *request, int code, const va_error *error)
{
    if (code == VA_ENOTFOUND || code == VA_EUNSUPPORTED)
        va_request_fail(request, 501, "not_present", "%s", error->text);
    else
        va_api_fail(api, request, code, error);
}

static void reply_state(va_api *api, va_request *request, int is_change)
{
    struct va_power_state state;
    struct va_reply reply;

    va_power_read(va_assistant_power(api->assistant)->root, &state);
    va_reply_begin(&reply);
    if (is_change)
        va_json_bool(&reply.json, "success", 1);
    va_power_json(&reply.json, &state);
    va_reply_end(&reply, request, 200);
}

static void get_power(va_api *api, va_request *request)
{
    reply_state(api, request, 0);
}

/* The body, which has this one member; json_decref it. NULL: it has replied. */
static json_t *read_body(va_request *request, const struct va_member *member)
{
    json_t *object = NULL;
    va_error error;
    size_t n;
    const char *body = va_request_body(request, &n);
    int r = va_members_load(body, n, &object, &error);

    if (r == 0 && (r = va_members_read(object, member, 1, &error)) == 0)
        return object;
    json_decref(object);
    va_api_fail_body(request, r, &error);
    return NULL;
}

static void post_mode(va_api *api, va_request *request)
{
    const char *mode = NULL;
    json_t *body = read_body(request, &(struct va_member){"mode", .text = &mode, .is_needed = 1});
    va_error error;

    if (body == NULL)
        return;
    int r = va_power_set_mode(va_assistant_power(api->assistant), mode, VA_POWER_ALL, &error);
    if (r < 0) {
        fail(api, request, r, &error);
    } else {
        const struct va_field field = VA_STRING("mode", mode);
        va_log_event(VA_LOG_INFO, "server", "power", &field, 1);
        reply_state(api, request, 1);
    }
    json_decref(body);
}

static void post_sleep(va_api *api, va_request *request)
{
    const char *root = va_assistant_power(api->assistant)->root;
    int seconds = 0;
    json_t *body = read_body(request, &(struct va_member){"seconds", .integer = &seconds, .min = VA_POWER_MIN_SLEEP_S,
                                                          .max = VA_POWER_MAX_SLEEP_S, .is_needed = 1});
    double slept_s;
    struct va_reply reply;
    va_error error;

    if (body == NULL)
        return;
    json_decref(body);
    int r = va_power_check_sleep(root, seconds, &error);
    if (r < 0) {
        fail(api, request, r, &error);
        return;
    }
    va_reply_begin(&reply);
    va_json_bool(&reply.json, "success", 1);
    va_json_integer(&reply.json, "seconds", seconds);
    va_reply_end(&reply, request, 200);
    poll(NULL, 0, GOODBYE_MS);
    if (va_power_sleep(root, seconds, &slept_s, &error) < 0) {
        va_log(VA_LOG_ERROR, "server", "the machine does not sleep: %s", error.text);
        return;
    }
    const struct va_field fields[] = {VA_INTEGER("seconds", seconds), VA_NUMBER("slept", slept_s)};
    va_log_event(VA_LOG_INFO, "server", "slept", fields, 2);
}

static void get_battery(va_api *api, va_request *request)
{
    struct va_battery battery;
    struct va_reply reply;
    va_error error;
    int r = va_battery_read(va_assistant_power(api->assistant), &battery, &error);

    if (r < 0 && r != VA_ENOTFOUND) {
        fail(api, request, r, &error);
        return;
    }
    va_reply_begin(&reply);
    va_battery_json(&reply.json, r == 0 ? &battery : NULL, error.text);
    va_reply_end(&reply, request, 200);
}

void va_api_get_power(void *user, va_request *request)
{
    va_api_run(user, request, get_power);
}

void va_api_post_power_mode(void *user, va_request *request)
{
    va_api_run(user, request, post_mode);
}

void va_api_post_power_sleep(void *user, va_request *request)
{
    va_api_run(user, request, post_sleep);
}

void va_api_get_battery(void *user, va_request *request)
{
    va_api_run(user, request, get_battery);
}
