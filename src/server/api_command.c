/* Commands by their sentence and by their name. */
#include "server/api_internal.h"

#include "server/command_request.h"

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

static void fail_body(va_request *request, int r, const va_error *error)
{
    va_request_fail(request, 400, r == VA_EFORMAT ? "invalid_json" : "invalid", "%s", error->text);
}

/* ---- POST /command/execute {"text": ...} ---- */

static void execute(va_api *api, va_request *request)
{
    struct va_command_request body;
    struct va_execution execution;
    va_error error;
    size_t n;
    const char *json = va_request_body(request, &n);
    int r = va_command_request_text(json, n, &body, &error);

    if (r < 0) {
        fail_body(request, r, &error);
        return;
    }
    r = va_assistant_execute_text(api->assistant, body.text, &execution, &error);
    if (r == VA_ENOTFOUND) {
        va_request_fail(request, 422, "no_match", "no command fits this text");
    } else if (r < 0) {
        fail_execution(api, request, r, &error);
    } else {
        reply_execution(request, &execution);
        va_execution_clear(&execution);
    }
    va_command_request_clear(&body);
}

void va_api_post_execute(void *user, va_request *request)
{
    va_api_run(user, request, execute);
}

/* ---- POST /command {"command": NAME, slot: value ...} ---- */

static void command(va_api *api, va_request *request)
{
    struct va_command_request body;
    struct va_execution execution;
    va_error error;
    size_t n;
    const char *json = va_request_body(request, &n);
    int r = va_command_request_name(json, n, &body, &error);

    if (r < 0) {
        fail_body(request, r, &error);
        return;
    }
    r = va_assistant_execute_command(api->assistant, body.text, body.slots, body.n_slots, &execution, &error);
    if (r == VA_ENOTFOUND) {
        va_request_fail(request, 404, "unknown_command", "%s", error.text);
    } else if (r < 0) {
        fail_execution(api, request, r, &error);
    } else {
        reply_execution(request, &execution);
        va_execution_clear(&execution);
    }
    va_command_request_clear(&body);
}

void va_api_post_command(void *user, va_request *request)
{
    va_api_run(user, request, command);
}
