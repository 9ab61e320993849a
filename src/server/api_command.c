/* Commands by their sentence and by their name. */
#include "server/api_internal.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define MAX_SLOTS 32
#define SLOT_NUMBER_BYTES 40

/* The body as a JSON object, or NULL after a reply. */
static json_t *read_object(va_request *request)
{
    json_error_t why;
    size_t n;
    const char *body = va_request_body(request, &n);
    json_t *object = json_loadb(body, n, JSON_REJECT_DUPLICATES, &why);

    if (object == NULL) {
        va_request_fail(request, 400, "invalid_json", "line %d column %d: %s", why.line, why.column, why.text);
        return NULL;
    }
    if (!json_is_object(object)) {
        json_decref(object);
        va_request_fail(request, 400, "invalid_json", "the body must be a JSON object");
        return NULL;
    }
    return object;
}

static void reply_execution(va_request *request, const struct va_execution *execution)
{
    struct va_reply reply;

    va_reply_begin(&reply);
    va_json_bool(&reply.json, "success", execution->success);
    va_json_text(&reply.json, "intent", execution->command);
    va_json_open(&reply.json, "slots", '{');
    for (size_t i = 0; i < execution->n_slots; i++)
        va_json_text(&reply.json, execution->slots[i].name, execution->slots[i].value);
    va_json_close(&reply.json, '}');
    va_json_text(&reply.json, "response", execution->response);
    va_json_number(&reply.json, "score", execution->score, 4);
    if (execution->output != NULL)
        va_json_text(&reply.json, "output", execution->output);
    va_reply_end(&reply, request, 200);
}

/* A value the action cannot use is the client's mistake in sound JSON. */
static void fail_execution(va_api *api, va_request *request, int r, const va_error *error)
{
    if (r == VA_EINVAL)
        va_request_fail(request, 422, "invalid_value", "%s", error->text);
    else
        va_api_fail(api, request, r, error);
}

/* ---- POST /command/execute {"text": ...} ---- */

static void execute(va_api *api, va_request *request)
{
    struct va_execution execution;
    va_error error;
    json_t *object = read_object(request);
    if (object == NULL)
        return;
    const char *text = json_string_value(json_object_get(object, "text"));
    if (text == NULL || text[0] == '\0') {
        va_request_fail(request, 400, "invalid", "the body must be {\"text\": \"what was said\"}");
    } else {
        int r = va_assistant_execute_text(api->assistant, text, &execution, &error);
        if (r == VA_ENOTFOUND)
            va_request_fail(request, 422, "no_match", "no command fits this text");
        else if (r < 0)
            fail_execution(api, request, r, &error);
        else {
            reply_execution(request, &execution);
            va_execution_clear(&execution);
        }
    }
    json_decref(object);
}

void va_api_post_execute(void *user, va_request *request)
{
    va_api_run(user, request, execute);
}

/* ---- POST /command {"command": NAME, slot: value ...} ---- */

struct slots {
    va_slot slots[MAX_SLOTS];
    char numbers[MAX_SLOTS][SLOT_NUMBER_BYTES];
    size_t n;
};

/* 0, or VA_EINVAL with the reason. */
static int add_slot(struct slots *slots, const char *name, const json_t *value, va_error *error)
{
    if (slots->n == MAX_SLOTS)
        return va_fail(error, VA_EINVAL, "there are more than %d values", MAX_SLOTS);
    char *number = slots->numbers[slots->n];
    const char *text = number;

    if (json_is_string(value))
        text = json_string_value(value);
    else if (json_is_integer(value))
        snprintf(number, SLOT_NUMBER_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(number, SLOT_NUMBER_BYTES, "%.15g", json_real_value(value));
    else if (json_is_boolean(value))
        text = json_is_true(value) ? "true" : "false";
    else
        return va_fail(error, VA_EINVAL, "'%.64s' must be a text, a number, true or false", name);
    slots->slots[slots->n++] = (va_slot){name, text};
    return 0;
}

static int read_slots(json_t *object, struct slots *slots, va_error *error)
{
    const char *name;
    json_t *value;
    int r = 0;

    json_object_foreach(object, name, value)
    {
        if (strcmp(name, "command") == 0)
            continue;
        if (strcmp(name, "slots") == 0 && json_is_object(value)) {
            const char *inner_name;
            json_t *inner;
            json_object_foreach(value, inner_name, inner) if (r == 0) r = add_slot(slots, inner_name, inner, error);
        } else if (r == 0) {
            r = add_slot(slots, name, value, error);
        }
    }
    return r;
}

static void command(va_api *api, va_request *request)
{
    struct va_execution execution;
    struct slots slots = {.n = 0};
    va_error error;
    json_t *object = read_object(request);
    if (object == NULL)
        return;
    const char *name = json_string_value(json_object_get(object, "command"));
    if (name == NULL || name[0] == '\0') {
        va_request_fail(request, 400, "invalid", "the body must be {\"command\": \"name\", \"value\": ...}");
    } else if (read_slots(object, &slots, &error) < 0) {
        va_request_fail(request, 400, "invalid", "%s", error.text);
    } else {
        int r = va_assistant_execute_command(api->assistant, name, slots.slots, slots.n, &execution, &error);
        if (r == VA_ENOTFOUND)
            va_request_fail(request, 404, "unknown_command", "%s", error.text);
        else if (r < 0)
            fail_execution(api, request, r, &error);
        else {
            reply_execution(request, &execution);
            va_execution_clear(&execution);
        }
    }
    json_decref(object);
}

void va_api_post_command(void *user, va_request *request)
{
    va_api_run(user, request, command);
}
