#include "assistant/state.h"

#include <string.h>

#include "base/log.h"

/* The execution holds what it points to until it is cleared. */
static int run(va_assistant *assistant, const struct va_command *command, struct va_execution *execution, va_error *error)
{
    struct va_action_result result = {0};
    const struct va_action_request request = {
        .type = command->action.type,
        .command = command->name,
        .settings = command->action.settings,
        .n_settings = command->action.n_settings,
        .arguments = command->action.arguments,
        .n_arguments = command->action.n_arguments,
        .slots = execution->slots,
        .n_slots = execution->n_slots,
        /* A sentence may have its own response. */
        .response = execution->intent != NULL ? execution->intent->response : command->response,
    };
    va_error reason = {0};
    int r = va_actions_run(assistant->actions, &request, &result, &reason);
    const char *outcome = r < 0 ? va_status_text(r) : result.success ? "success" : "failed";
    const struct va_field fields[] = {VA_STRING("command", command->name), VA_STRING("result", outcome)};

    va_log_event(r < 0 || !result.success ? VA_LOG_WARNING : VA_LOG_INFO, "assistant", "command_execution", fields, 2);
    atomic_fetch_add(&assistant->commands_run, 1);
    if (r < 0) {
        if (error != NULL)
            *error = reason;
        return r;
    }
    execution->command = command->name;
    execution->success = result.success;
    execution->response = execution->response_memory = result.response;
    execution->output = execution->output_memory = result.output;
    return 0;
}

int va_assistant_execute_text(va_assistant *assistant, const char *text, struct va_execution *ret_execution, va_error *error)
{
    struct va_execution execution = {.settings = va_settings_hold(assistant)};
    int r = va_commands_match(execution.settings->commands, text, &execution.intent, error);
    if (r < 0)
        goto fail;
    const struct va_command *command = va_commands_find(execution.settings->commands, execution.intent->name);
    if (command == NULL) {
        r = va_fail(error, VA_ENOTFOUND, "there is no command '%s'", execution.intent->name);
        goto fail;
    }
    execution.score = execution.intent->score;
    execution.slots = execution.intent->slots;
    execution.n_slots = execution.intent->n_slots;
    r = run(assistant, command, &execution, error);
    if (r < 0)
        goto fail;
    *ret_execution = execution;
    return 0;

fail:
    va_execution_clear(&execution);
    return r;
}

int va_assistant_execute_command(va_assistant *assistant, const char *name, const va_slot *slots, size_t n_slots,
                                 struct va_execution *ret_execution, va_error *error)
{
    struct va_execution execution = {.settings = va_settings_hold(assistant), .score = 1, .slots = slots, .n_slots = n_slots};
    const struct va_command *command = va_commands_find(execution.settings->commands, name);
    int r = command != NULL ? run(assistant, command, &execution, error) : va_fail(error, VA_ENOTFOUND, "there is no command '%s'", name);
    if (r < 0)
        va_execution_clear(&execution);
    else
        *ret_execution = execution;
    return r;
}

void va_execution_clear(struct va_execution *execution)
{
    struct va_action_result result = {.response = execution->response_memory, .output = execution->output_memory};

    va_action_result_clear(&result);
    va_intent_free(execution->intent);
    va_settings_release(execution->settings);
    memset(execution, 0, sizeof *execution);
}
