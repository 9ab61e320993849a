/* process.c - the action process: runs a program with arguments made from the slots. */
#include "action/actions.h"

#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

#define MAX_ARGUMENT_BYTES 4096

int va_action_check_process(const struct va_action_settings *settings, va_error *error)
{
    const char *executable = va_slot_find(settings->settings, settings->n_settings, "executable");
    char path[VA_LAUNCH_PATH_BYTES];
    double timeout_s;

    if (executable == NULL)
        return va_fail(error, VA_EINVAL, "the action 'process' needs an 'executable'");
    if (settings->n_arguments > VA_LAUNCH_MAX_ARGUMENTS)
        return va_fail(error, VA_ELIMIT, "more than %d arguments", VA_LAUNCH_MAX_ARGUMENTS);
    int r = va_action_timeout(va_slot_find(settings->settings, settings->n_settings, "timeout"), &timeout_s, error);
    return r < 0 ? r : va_launch_find(executable, path, error);
}

/* A slot must not turn an argument into an option, nor carry control characters. A negative number may start with '-'. */
static int check_argument(const char *template, const char *argument, va_error *error)
{
    if (strlen(argument) > MAX_ARGUMENT_BYTES)
        return va_fail(error, VA_ELIMIT, "an argument would be longer than %d bytes", MAX_ARGUMENT_BYTES);
    for (const char *c = argument; *c != '\0'; c++)
        if (((unsigned char)*c < 0x20 || *c == 0x7F) && strchr(template, *c) == NULL)
            return va_fail(error, VA_EINVAL, "an argument would hold a control character");
    if (argument[0] == '-' && template[0] != '-' && (argument[1] == '\0' || argument[1 + strspn(argument + 1, "0123456789.")] != '\0'))
        return va_fail(error, VA_EINVAL, "the argument \"%.80s\" would become an option", argument);
    return 0;
}

static int make_arguments(const struct va_action_call *call, char **ret_arguments)
{
    const struct va_action_request *request = call->request;

    for (size_t i = 0; i < request->n_arguments; i++) {
        int r = va_response_fill(request->arguments[i], request->slots, request->n_slots, NULL, 0, &ret_arguments[i]);
        if (r < 0)
            return va_fail(call->error, r, "cannot make the arguments of '%s': %s", request->command, va_status_text(r));
        if ((r = check_argument(request->arguments[i], ret_arguments[i], call->error)) < 0)
            return r;
    }
    return 0;
}

/* The output without blank ends as {output}, what follows the heading of a table as {last_line}; whole as the result's output. */
static int take_output(struct va_action_call *call, char *output)
{
    size_t end = strlen(output), start = strspn(output, " \t\r\n");

    call->output = output;
    while (end > start && strchr(" \t\r\n", output[end - 1]) != NULL)
        end--;
    char *trimmed = va_strndup(output + start, end - start);
    int r = trimmed == NULL ? va_fail_memory(call->error) : va_action_field(call, "output", trimmed);
    if (r == 0) {
        const char *newline = strrchr(trimmed, '\n'), *line = newline != NULL ? newline + 1 : trimmed;
        r = va_action_field(call, "last_line", line + strspn(line, " \t"));
    }
    va_free(trimmed);
    return r;
}

/* Says which program would run with what. */
static int would_launch(struct va_action_call *call, const struct va_launch *launch)
{
    struct va_buffer line;

    va_buffer_init(&line, VA_RESPONSE_MAX_BYTES);
    int r = va_buffer_append_string(&line, launch->executable);
    for (size_t i = 0; r == 0 && i < launch->n_arguments; i++)
        r = va_buffer_printf(&line, " %s", launch->arguments[i]);
    r = r == 0 ? va_action_would(call, "would run %s", line.data) : va_fail(call->error, r, "cannot tell: %s", va_status_text(r));
    va_buffer_free(&line);
    return r;
}

static int launch(struct va_action_call *call, const char *path, double timeout_s, char **arguments)
{
    struct va_launch launch = {
        .executable = path, .arguments = (const char *const *)arguments, .n_arguments = call->request->n_arguments, .timeout_s = timeout_s};
    va_launcher *launcher = call->actions->launcher;
    struct va_launch_result result;

    if (launcher != NULL && !va_launcher_allows(launcher, path))
        return va_fail(call->error, VA_EDENIED, "%.150s is not among the executables that were allowed at the start", path);
    if (call->request->dry_run)
        return would_launch(call, &launch);
    int r = launcher != NULL ? va_launcher_run(launcher, &launch, call->actions->stop_fd, &result, call->error)
                             : va_launch_run(&launch, call->actions->stop_fd, &result, call->error);

    if (r < 0)
        return r;
    if ((r = take_output(call, result.output)) < 0 || result.status == 0)
        return r;
    return va_fail(call->error, VA_EFAILED, "%.100s ended with status %d: %.*s", path, result.status, (int)strcspn(result.output, "\r\n"),
                   result.output);
}

int va_action_run_process(struct va_action_call *call)
{
    const char *executable = va_action_setting(call, "executable", "");
    char path[VA_LAUNCH_PATH_BYTES], *arguments[VA_LAUNCH_MAX_ARGUMENTS] = {0};
    double timeout_s;
    int r = va_action_timeout(va_action_setting(call, "timeout", NULL), &timeout_s, call->error);

    if (r < 0 || (r = va_launch_find(executable, path, call->error)) < 0)
        return r;
    if (call->request->n_arguments > VA_LAUNCH_MAX_ARGUMENTS)
        return va_fail(call->error, VA_ELIMIT, "more than %d arguments", VA_LAUNCH_MAX_ARGUMENTS);
    if ((r = make_arguments(call, arguments)) == 0)
        r = launch(call, path, timeout_s, arguments);
    for (size_t i = 0; i < call->request->n_arguments; i++)
        va_free(arguments[i]);
    return r;
}
