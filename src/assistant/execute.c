#include "assistant/state.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

#define EXAMPLE_BYTES 160

#define API_SOURCE "api"

static void count(va_assistant *assistant, int label)
{
    va_metrics_add(assistant->metrics, VA_METRIC_COMMANDS, label, 1);
}

static int is_dry_run(const va_config *config, unsigned flags)
{
    return config->actions_dry_run || (flags & VA_EXECUTE_DRY_RUN) != 0;
}

static void log_execution(va_assistant *assistant, const struct va_command *command, const struct va_execution *execution)
{
    const char *outcome = execution->confirm      ? "asked"
                          : execution->status < 0 ? va_status_text(execution->status)
                          : execution->dry_run    ? "dry run"
                          : execution->success    ? "success"
                                                  : "failed";
    const struct va_field fields[] = {VA_STRING("command", command->name), VA_STRING("result", outcome)};
    int is_well = execution->success || execution->confirm;

    va_event_tell(assistant, is_well ? VA_LOG_INFO : VA_LOG_WARNING, "command_execution", fields, 2, 0);
    count(assistant, execution->confirm      ? VA_COMMAND_ASKED
                     : execution->status < 0 ? VA_COMMAND_ERROR
                     : execution->dry_run    ? VA_COMMAND_DRY_RUN
                     : execution->success    ? VA_COMMAND_SUCCESS
                                             : VA_COMMAND_FAILED);
}

/* It could not even be told what became of it. */
static void log_failure(va_assistant *assistant, const struct va_command *command, int status)
{
    const struct va_field fields[] = {VA_STRING("command", command->name), VA_STRING("result", va_status_text(status))};

    va_log_event(VA_LOG_WARNING, "assistant", "command_execution", fields, 2);
    count(assistant, VA_COMMAND_ERROR);
}

/* A risky command is not run but asked about. */
static int ask(va_assistant *assistant, const struct va_command *command, const char *response, struct va_execution *execution,
               va_error *error)
{
    double deadline_s = va_assistant_now_s() + execution->settings->config->actions_confirm_s;
    int r =
        va_pending_put(assistant, execution->privacy_changes, command->name, response, execution->slots, execution->n_slots, deadline_s);

    if (r == 0)
        r = va_actions_fill(command->question == NULL ? "" : command->question, execution->slots, execution->n_slots,
                            &execution->response_memory);
    if (r < 0)
        return va_fail(error, r, "cannot ask about '%s': %s", command->name, va_status_text(r));
    execution->confirm = 1;
    return 0;
}

/* Runs it. That it fails is a result, too, with something to tell the user. */
static int act(va_assistant *assistant, const struct va_command *command, const char *response, unsigned flags,
               struct va_execution *execution, va_error *error)
{
    const va_config *config = execution->settings->config;
    struct va_action_result result = {0};
    const struct va_action_request request = {
        .type = command->action.type,
        .command = command->name,
        .language = command->language,
        .settings = command->action.settings,
        .n_settings = command->action.n_settings,
        .arguments = command->action.arguments,
        .n_arguments = command->action.n_arguments,
        .slots = execution->slots,
        .n_slots = execution->n_slots,
        .response = response,
        .failure = command->failure,
        .dry_run = is_dry_run(config, flags),
        .home_url = config->home_assistant_url,
        .home_token_file = config->home_assistant_token_file,
        .broker = {.host = config->mqtt_host,
                   .ca_file = config->mqtt_ca_file,
                   .password_file = config->mqtt_password_file,
                   .port = (int)config->mqtt_port,
                   .tls = (int)config->mqtt_tls},
    };
    execution->status = va_actions_run(assistant->actions, &request, &result, &execution->error);
    atomic_fetch_add(&assistant->commands_run, 1);
    if (execution->status < 0) {
        int r = va_actions_failure(&request, &execution->error, &execution->response_memory);
        return r == 0 ? 0 : va_fail(error, r, "cannot tell how '%s' failed: %s", command->name, va_status_text(r));
    }
    execution->success = result.success;
    execution->dry_run = result.dry_run;
    execution->response_memory = result.response;
    execution->output = execution->output_memory = result.output;
    return 0;
}

/* The execution holds what it points to until it is cleared. A sentence may have its own response. */
static int run(va_assistant *assistant, const struct va_command *command, const char *response, unsigned flags,
               struct va_execution *execution, va_error *error)
{
    int must_ask = command->confirm && !is_dry_run(execution->settings->config, flags) && (flags & VA_EXECUTE_CONFIRMED) == 0;
    int r = must_ask ? ask(assistant, command, response, execution, error) : act(assistant, command, response, flags, execution, error);
    if (r < 0) {
        log_failure(assistant, command, r);
        return r;
    }
    execution->command = command->name;
    execution->language = command->language;
    execution->response = execution->response_memory;
    log_execution(assistant, command, execution);
    if (strcmp(command->action.type, "repeat") != 0)
        va_reply_remember(assistant, execution->privacy_changes, execution->response);
    return 0;
}

/* A command of the type confirm stands for the one that was asked about. A reload may have removed that. A dry run does nothing, so it
 * leaves the question open. */
static int run_or_confirm(va_assistant *assistant, const struct va_command *command, const char *response, unsigned flags,
                          struct va_execution *execution, va_error *error)
{
    int is_confirm = strcmp(command->action.type, "confirm") == 0;

    if (is_confirm && is_dry_run(execution->settings->config, flags)) {
        int r = va_pending_look(assistant, &execution->pending);
        if (r < 0)
            return va_fail(error, r, "cannot tell what is asked: %s", va_status_text(r));
    } else if (is_confirm) {
        execution->pending = va_pending_take(assistant);
    }
    if (execution->pending != NULL) {
        command = va_commands_find(execution->settings->commands, execution->pending->command);
        response = execution->pending->response;
        execution->slots = execution->pending->slots;
        execution->n_slots = execution->pending->n_slots;
        flags |= VA_EXECUTE_CONFIRMED;
        if (command == NULL)
            return va_fail(error, VA_ENOTFOUND, "there is no command '%s' any more", execution->pending->command);
    }
    return run(assistant, command, response, flags, execution, error);
}

int va_assistant_match_text(va_assistant *assistant, const char *text, struct va_execution *ret_execution, va_error *error)
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
    execution.command = command->name;
    execution.language = command->language;
    execution.score = execution.intent->score;
    execution.slots = execution.intent->slots;
    execution.n_slots = execution.intent->n_slots;
    *ret_execution = execution;
    return 0;

fail:
    va_execution_clear(&execution);
    return r;
}

/* The event "result", for those who watch. r below 0: there is an error, and no execution. */
static void tell_outcome(va_assistant *assistant, const char *source, int r, const struct va_execution *execution, const va_error *error)
{
    const struct va_field fields[] = {
        VA_STRING("command", r < 0 ? "" : execution->command),
        VA_BOOL("success", r == 0 && execution->success),
        VA_BOOL("confirm", r == 0 && execution->confirm),
        VA_BOOL("dry_run", r == 0 && execution->dry_run),
        VA_STRING("error", r < 0                   ? error->text
                           : execution->status < 0 ? execution->error.text
                                                   : ""),
        VA_STRING("source", source),
        VA_STRING("response", r < 0 ? "" : execution->response),
    };

    va_event_tell(assistant, VA_LOG_DEBUG, "result", fields, sizeof fields / sizeof fields[0], 1);
}

int va_assistant_execute_text(va_assistant *assistant, const char *text, unsigned flags, struct va_execution *ret_execution,
                              va_error *error)
{
    return va_assistant_execute_text_from(assistant, API_SOURCE, text, flags, ret_execution, error);
}

int va_assistant_execute_text_from(va_assistant *assistant, const char *source, const char *text, unsigned flags,
                                   struct va_execution *ret_execution, va_error *error)
{
    return va_execute_said(assistant, source, atomic_load(&assistant->privacy_changes), text, flags, ret_execution, error);
}

int va_execute_said(va_assistant *assistant, const char *source, uint64_t privacy_changes, const char *text, unsigned flags,
                    struct va_execution *ret_execution, va_error *error)
{
    struct va_execution execution;
    va_error reason;
    int r = va_assistant_match_text(assistant, text, &execution, &reason);
    if (r < 0) {
        if (r == VA_ENOTFOUND)
            count(assistant, VA_COMMAND_UNKNOWN);
        tell_outcome(assistant, source, r, NULL, &reason);
        return va_fail(error, r, "%s", reason.text);
    }
    execution.privacy_changes = privacy_changes;
    const struct va_command *command = va_commands_find(execution.settings->commands, execution.command);
    r = run_or_confirm(assistant, command, execution.intent->response, flags, &execution, &reason);
    tell_outcome(assistant, source, r, &execution, &reason);
    if (r < 0) {
        va_execution_clear(&execution);
        return va_fail(error, r, "%s", reason.text);
    }
    va_record_execution(assistant, source, text, &execution);
    *ret_execution = execution;
    return 0;
}

size_t va_assistant_languages(va_assistant *assistant, char ret_codes[VA_ASSISTANT_MAX_LANGUAGES][VA_ASSISTANT_LANGUAGE_BYTES])
{
    struct va_settings *settings = va_settings_hold(assistant);
    size_t n = 0, n_commands = va_commands_count(settings->commands);

    for (size_t i = 0; i < n_commands && n < VA_ASSISTANT_MAX_LANGUAGES; i++) {
        const char *language = va_commands_at(settings->commands, i)->language;
        size_t k = 0;
        while (k < n && strcmp(ret_codes[k], language) != 0)
            k++;
        if (k == n && strlen(language) < VA_ASSISTANT_LANGUAGE_BYTES)
            snprintf(ret_codes[n++], VA_ASSISTANT_LANGUAGE_BYTES, "%s", language);
    }
    va_settings_release(settings);
    return n;
}

int va_assistant_execute_command(va_assistant *assistant, const char *name, const va_slot *slots, size_t n_slots, unsigned flags,
                                 struct va_execution *ret_execution, va_error *error)
{
    struct va_execution execution = {.settings = va_settings_hold(assistant), .score = 1, .slots = slots, .n_slots = n_slots};
    const struct va_command *command = va_commands_find(execution.settings->commands, name);
    va_error reason;

    execution.privacy_changes = atomic_load(&assistant->privacy_changes);
    int r = command != NULL ? run_or_confirm(assistant, command, command->response, flags, &execution, &reason)
                            : va_fail(&reason, VA_ENOTFOUND, "there is no command '%s'", name);
    tell_outcome(assistant, API_SOURCE, r, &execution, &reason);
    if (r < 0) {
        va_execution_clear(&execution);
        return va_fail(error, r, "%s", reason.text);
    }
    va_record_execution(assistant, API_SOURCE, NULL, &execution);
    *ret_execution = execution;
    return 0;
}

void va_execution_clear(struct va_execution *execution)
{
    struct va_action_result result = {.response = execution->response_memory, .output = execution->output_memory};

    va_action_result_clear(&result);
    va_intent_free(execution->intent);
    va_free(execution->pending);
    va_settings_release(execution->settings);
    memset(execution, 0, sizeof *execution);
}

size_t va_assistant_timers(va_assistant *assistant, struct va_timer_info *ret_timers)
{
    return va_actions_timers(assistant->actions, ret_timers);
}

int va_assistant_cancel_timer(va_assistant *assistant, uint64_t id, va_error *error)
{
    return va_actions_cancel_timer(assistant->actions, id, error);
}

void va_assistant_list_commands(va_assistant *assistant, const char *language,
                                void (*call)(void *user, const struct va_command_info *command), void *user)
{
    struct va_settings *settings = va_settings_hold(assistant);
    size_t n_listed = 0;

    for (size_t i = 0; i < va_commands_count(settings->commands) && n_listed < VA_COMMANDS_LISTED; i++) {
        const struct va_command *command = va_commands_at(settings->commands, i);
        char example[EXAMPLE_BYTES];
        if (language != NULL && strcmp(command->language, language) != 0)
            continue;
        if (va_commands_example(settings->commands, i, example, sizeof example) < 0)
            example[0] = '\0';
        call(user, &(struct va_command_info){command->name, command->language, example, command->action.type, command->confirm});
        n_listed++;
    }
    va_settings_release(settings);
}
