/* Commands by their sentence and by their name. */
#include "server/api_internal.h"

#include "assistant/live_json.h"
#include "server/command_request.h"

/* ---- what became of it ---- */

/* A value the action cannot use is the client's mistake in sound JSON; a limit is one of the action, not of the request. */
static int failure_status(int code, const char **ret_name)
{
    if (code == VA_EINVAL) {
        *ret_name = "invalid_value";
        return 422;
    }
    return va_api_status(code == VA_ELIMIT || code == VA_EIO || code == VA_EFORMAT ? VA_EFAILED : code, ret_name);
}

/* It failed: an error as any, and what to tell the user. */
static void reply_failure(va_api *api, va_request *request, const struct va_execution *execution)
{
    struct va_reply reply;
    const char *name;
    int code = execution->status, status = failure_status(code, &name);

    if (code == VA_EBUSY || code == VA_ESTATE || code == VA_ECANCELLED) {
        va_api_fail(api, request, code, &execution->error);
        return;
    }
    va_reply_begin(&reply);
    va_json_bool(&reply.json, "success", 0);
    va_json_open(&reply.json, "error", '{');
    va_json_text(&reply.json, "code", name);
    va_json_text(&reply.json, "message", execution->error.text);
    va_json_close(&reply.json, '}');
    va_execution_json(&reply.json, execution);
    va_reply_end(&reply, request, status);
}

static void reply_execution(va_api *api, va_request *request, const struct va_execution *execution)
{
    struct va_reply reply;

    if (execution->status < 0) {
        reply_failure(api, request, execution);
        return;
    }
    va_reply_begin(&reply);
    va_json_bool(&reply.json, "success", execution->success);
    va_execution_json(&reply.json, execution);
    va_reply_end(&reply, request, 200);
}

static unsigned flags_of(const struct va_command_request *body)
{
    return (body->dry_run ? VA_EXECUTE_DRY_RUN : 0u) | (body->confirmed ? VA_EXECUTE_CONFIRMED : 0u);
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
        va_api_fail_body(request, r, &error);
        return;
    }
    r = va_assistant_execute_text(api->assistant, body.text, flags_of(&body), &execution, &error);
    if (r == VA_ENOTFOUND) {
        va_request_fail(request, 422, "no_match", "no command fits this text");
    } else if (r < 0) {
        va_api_fail(api, request, r, &error);
    } else {
        va_assistant_reply(api->assistant, &execution, body.speak < 0 ? VA_SPEAK_AS_API : body.speak ? VA_SPEAK_ALWAYS : VA_SPEAK_NEVER);
        reply_execution(api, request, &execution);
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
        va_api_fail_body(request, r, &error);
        return;
    }
    r = va_assistant_execute_command(api->assistant, body.text, body.slots, body.n_slots, flags_of(&body), &execution, &error);
    if (r == VA_ENOTFOUND) {
        va_request_fail(request, 404, "unknown_command", "%s", error.text);
    } else if (r < 0) {
        va_api_fail(api, request, r, &error);
    } else {
        reply_execution(api, request, &execution);
        va_execution_clear(&execution);
    }
    va_command_request_clear(&body);
}

void va_api_post_command(void *user, va_request *request)
{
    va_api_run(user, request, command);
}
