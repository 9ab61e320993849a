/* voice-assistant health: GET /health for where there is no curl, such as the container's health check. */
#include "daemon/command.h"

#include <stdio.h>

#include <jansson.h>

#include "action/web.h"
#include "base/memory.h"
#include "daemon/arguments.h"
#include "daemon/local_api.h"

#define MAX_ANSWER_BYTES 65536
#define TIMEOUT_S 10

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant health [OPTION]...\n\n"
          "Asks the program that serves on this machine whether all is well, through its API.\n\n"
          "Options:\n"
          "  --json                   print the answer as JSON\n" VA_ARGUMENTS_HELP
          "\nExit code: 0 when it is healthy, or serves those with a token only; 1 when it is not or does not answer; 2 when the command "
          "line\nis wrong.\n",
          out);
}

static int print_answer(const struct va_web_answer *answer)
{
    json_t *root = json_loadb(answer->body, answer->size, 0, NULL), *reason;
    const char *status = json_string_value(json_object_get(root, "status")), *message;
    size_t i;

    if (answer->status == 401)
        puts("it serves; how it is, it tells those with a token (access.local)");
    else
        puts(status != NULL ? status : "what listens there is another program");
    json_array_foreach(json_object_get(root, "reasons"), i, reason)
    {
        if ((message = json_string_value(json_object_get(reason, "message"))) != NULL)
            puts(message);
    }
    json_decref(root);
    return answer->status == 401 || (answer->status == 200 && status != NULL) ? VA_EXIT_OK : VA_EXIT_FAILED;
}

static int ask(const char *url, int json)
{
    char full[VA_LOCAL_API_BYTES + 16];
    const struct va_web_request web = {
        .method = "GET", .url = full, .timeout_s = TIMEOUT_S, .max_bytes = MAX_ANSWER_BYTES, .cancel_fd = -1};
    struct va_web_answer answer;
    va_error error;
    int code;

    snprintf(full, sizeof full, "%s/health", url);
    if (va_web_call(&web, &answer, &error) < 0) {
        fprintf(stderr, "voice-assistant health: %s\n", error.text);
        return VA_EXIT_FAILED;
    }
    if (json) {
        puts(answer.body);
        code = answer.status == 200 || answer.status == 401 ? VA_EXIT_OK : VA_EXIT_FAILED;
    } else {
        code = print_answer(&answer);
    }
    va_free(answer.body);
    return code;
}

static int run(const struct va_overrides *overrides, int json)
{
    char url[VA_LOCAL_API_BYTES];
    va_config *config;
    va_error error;
    int code = VA_EXIT_FAILED;

    if (va_overrides_load(overrides, &config, &error) < 0) {
        fprintf(stderr, "voice-assistant health: %s\n", error.text);
        return va_overrides_exit_code(&error);
    }
    if (va_local_api_find(config, url))
        code = ask(url, json);
    else
        fprintf(stderr, "voice-assistant health: nothing listens on %s\n", url);
    va_config_free(config);
    return code;
}

int va_command_health(int argc, char **argv)
{
    struct va_overrides overrides = {0};
    int json = 0;
    const struct va_argument row = {"json", .flag = &json};
    int exit_code = va_arguments_read_all(argc, argv, &row, 1, &overrides, print_help);

    if (exit_code >= 0)
        return exit_code;
    return run(&overrides, json);
}
