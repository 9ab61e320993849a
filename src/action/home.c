/* home.c - the action home_assistant: calls a service, or hands an intent over, by the REST API. */
#include "action/actions.h"

#include <jansson.h>
#include <string.h>

#include "action/web.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/secret.h"
#include "base/utf8.h"

#define MAX_ANSWER_BYTES (1024 * 1024)

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

int va_action_check_home(const struct va_action_settings *settings, va_error *error)
{
    const va_slot *all = settings->settings;
    const char *service = va_slot_find(all, settings->n_settings, "service"), *intent = va_slot_find(all, settings->n_settings, "intent");
    double timeout_s;

    if ((service == NULL) == (intent == NULL))
        return va_fail(error, VA_EINVAL, "the action 'home_assistant' needs either a 'service' or an 'intent'");
    if (service != NULL && strchr(service, '.') == NULL)
        return va_fail(error, VA_EINVAL, "'service' must be DOMAIN.SERVICE, such as light.turn_on, not \"%.60s\"", service);
    return va_action_timeout(va_slot_find(all, settings->n_settings, "timeout"), &timeout_s, error);
}

static int append(const char *bytes, size_t n, void *user)
{
    return va_buffer_append(user, bytes, n);
}

/* NULL when out of memory, or when it is too long. */
static char *dump(const json_t *json)
{
    struct va_buffer text;

    va_buffer_init(&text, VA_RESPONSE_MAX_BYTES);
    char *taken = json_dump_callback(json, append, &text, JSON_COMPACT) == 0 ? va_buffer_take(&text) : NULL;
    va_buffer_free(&text);
    return taken;
}

/* A number is sent as one, for a service that checks its data; all else is text. */
static json_t *make_value(const char *text)
{
    json_error_t why;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &why);

    if (json_is_number(value) || json_is_boolean(value))
        return value;
    json_decref(value);
    return json_string(text);
}

static int add_value(const struct va_action_call *call, json_t *data, const char *name, const char *text)
{
    return json_object_set_new(data, name, make_value(text)) == 0 ? 0 : va_fail_memory(call->error);
}

/* The settings data.*: each value is filled by itself, so no slot reaches beyond it. One whose slots are all missing stays out. */
static int add_data(const struct va_action_call *call, json_t *data)
{
    const struct va_action_request *request = call->request;
    int r = 0;

    for (size_t i = 0; r == 0 && i < request->n_settings; i++) {
        char *text;
        if (strncmp(request->settings[i].name, "data.", 5) != 0)
            continue;
        r = va_action_fill(call, VA_ESCAPE_NONE, "data", request->settings[i].value, &text);
        if (r < 0)
            break;
        if (text[0] != '\0')
            r = add_value(call, data, request->settings[i].name + 5, text);
        va_free(text);
    }
    return r;
}

static int add_slots(const struct va_action_call *call, json_t *data)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < call->request->n_slots; i++)
        r = add_value(call, data, call->request->slots[i].name, call->request->slots[i].value);
    return r;
}

/* ---- what is asked ---- */

struct ask {
    char *path; /* below the base URL */
    char *body;
};

/* services/DOMAIN/SERVICE: both are plain names, whatever the slots say. */
static int ask_service(const struct va_action_call *call, const char *template, json_t *data, struct ask *ask)
{
    char *service;
    int r = va_action_fill(call, VA_ESCAPE_LINE, "service", template, &service);

    if (r < 0)
        return r;
    size_t n = strspn(service, name_letters), rest = service[n] == '.' ? strspn(service + n + 1, name_letters) : 0;
    if (n == 0 || rest == 0 || service[n + 1 + rest] != '\0')
        r = va_fail(call->error, VA_EINVAL, "\"%.60s\" is no service", service);
    else if ((ask->path = va_asprintf("api/services/%.*s/%s", (int)n, service, service + n + 1)) == NULL)
        r = va_fail_memory(call->error);
    va_free(service);
    if (r == 0)
        r = add_data(call, data);
    if (r == 0 && (ask->body = dump(data)) == NULL)
        r = va_fail_memory(call->error);
    return r;
}

/* The slots of the sentence are its data, and the settings data.* besides. */
static int ask_intent(const struct va_action_call *call, const char *intent, json_t *data, struct ask *ask)
{
    int r = add_slots(call, data);

    if (r == 0)
        r = add_data(call, data);
    if (r < 0)
        return r;
    json_t *body = json_pack("{s:s, s:O}", "name", strcmp(intent, "true") == 0 ? call->request->command : intent, "data", data);
    ask->path = va_strdup("api/intent/handle");
    ask->body = body == NULL ? NULL : dump(body);
    json_decref(body);
    return ask->path == NULL || ask->body == NULL ? va_fail_memory(call->error) : 0;
}

static int make_ask(const struct va_action_call *call, struct ask *ask)
{
    const char *service = va_action_setting(call, "service", NULL), *intent = va_action_setting(call, "intent", "");
    json_t *data = json_object();

    if (data == NULL)
        return va_fail_memory(call->error);
    int r = service != NULL ? ask_service(call, service, data, ask) : ask_intent(call, intent, data, ask);
    json_decref(data);
    return r;
}

/* ---- what it answers ---- */

/* {"speech": {"plain": {"speech": "Turned on the light"}}, "response_type": "action_done", "data": {"success": [...], "failed": []}}; a
 * service answers with a list of states. An intent that changed nothing is told in Home Assistant's own words: it may be why. */
static int take_answer(struct va_action_call *call, const char *body, size_t size)
{
    json_error_t why;
    json_t *root = json_loadb(body, size, 0, &why);

    if (root == NULL)
        return va_fail(call->error, VA_EFAILED, "Home Assistant answered what is no JSON: %s", why.text);
    const json_t *data = json_object_get(root, "data");
    const char *speech = json_string_value(json_object_get(json_object_get(json_object_get(root, "speech"), "plain"), "speech"));
    const char *type = json_string_value(json_object_get(root, "response_type"));
    int r = va_action_field(call, "speech", speech == NULL ? "" : speech);
    if (r == 0 && ((type != NULL && strcmp(type, "error") == 0) || json_array_size(json_object_get(data, "failed")) > 0))
        r = va_fail(call->error, VA_EFAILED, "Home Assistant: %s", speech == NULL ? "error" : speech);
    if (call->response[0] == '\0' || (speech != NULL && json_array_size(json_object_get(data, "success")) == 0))
        call->response = "{speech}";
    json_decref(root);
    return r;
}

static int check_status(const struct va_action_call *call, int status, const char *body)
{
    if (status == 401 || status == 403)
        return va_fail(call->error, VA_EDENIED, "Home Assistant does not accept the token");
    if (status >= 300)
        return va_fail(call->error, VA_EFAILED, "Home Assistant answered %d: %.*s", status, (int)strcspn(body, "\r\n"), body);
    return 0;
}

static int send_ask(struct va_action_call *call, const struct ask *ask, const char *url, const char *token, double timeout_s)
{
    static const char *const headers[] = {"Content-Type: application/json"};
    struct va_web_answer answer;
    const struct va_web_request request = {.method = "POST",
                                           .url = url,
                                           .headers = headers,
                                           .n_headers = 1,
                                           .body = ask->body,
                                           .token = token,
                                           .timeout_s = timeout_s,
                                           .max_bytes = MAX_ANSWER_BYTES,
                                           .cancel_fd = call->actions->stop_fd};
    int r = va_web_call(&request, &answer, call->error);

    if (r < 0)
        return r;
    va_utf8_mend(answer.body, answer.size);
    r = check_status(call, answer.status, answer.body);
    if (r == 0)
        r = take_answer(call, answer.body, answer.size);
    va_free(answer.body);
    return r;
}

int va_action_run_home(struct va_action_call *call)
{
    const struct va_action_request *request = call->request;
    struct va_action_settings settings = {request->settings, request->n_settings, NULL, 0};
    struct ask ask = {0};
    char *url = NULL, *token = NULL;
    double timeout_s;
    int r = va_action_check_home(&settings, call->error);

    if (r < 0 || (r = va_action_timeout(va_action_setting(call, "timeout", NULL), &timeout_s, call->error)) < 0)
        return r;
    if (request->home_url == NULL || request->home_url[0] == '\0' || request->home_token_file == NULL ||
        request->home_token_file[0] == '\0')
        return va_fail(call->error, VA_EFAILED, "the options home_assistant.url and home_assistant.token_file are not set");
    if ((r = make_ask(call, &ask)) < 0 || (r = va_secret_read(request->home_token_file, &token, call->error)) < 0)
        goto end;
    size_t n = strlen(request->home_url);
    url = va_asprintf("%s%s%s", request->home_url, request->home_url[n - 1] == '/' ? "" : "/", ask.path);
    if (url == NULL)
        r = va_fail_memory(call->error);
    else if (request->dry_run)
        r = va_action_would(call, "would request POST %s with %s", url, ask.body);
    else
        r = send_ask(call, &ask, url, token, timeout_s);

end:
    va_free(url);
    va_secret_free(token);
    va_free(ask.path);
    va_free(ask.body);
    return r;
}
