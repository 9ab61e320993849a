/* voice-assistant config check|show|sample */
#include "daemon/command.h"

#include <stdio.h>

#include <voice_assistant.h>

#include "config/config.h"
#include "daemon/arguments.h"

#define MAX_OUTPUT_BYTES (1u << 20)

struct request {
    struct va_overrides overrides;
    int json;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant config check|show|sample [OPTION]...\n\n"
          "  check   say whether the configuration is right, and if not, in which line and why\n"
          "  show    print every option with its value; secrets are masked\n"
          "  sample  print a documented configuration file with the defaults\n\n"
          "Options:\n"
          "  --config FILE            the file to read (default: voice-assistant.yaml of the user, else of the system)\n"
          "  --set SECTION.KEY=VALUE  set an option, after the file; may be given again\n"
          "  --json                   answer in JSON (check, show)\n"
          "  -h, --help               print this help\n\n"
          "Exit code: 0 when it worked, 1 when the configuration is wrong, 2 when the command line is.\n",
          out);
}

static int print_buffer(int r, struct va_buffer *out)
{
    if (r < 0) {
        fprintf(stderr, "voice-assistant config: %s\n", va_status_text(r));
    } else if ((r = va_buffer_print(out)) < 0) {
        perror("voice-assistant config: cannot write");
    }
    va_buffer_free(out);
    return r < 0 ? VA_EXIT_FAILED : VA_EXIT_OK;
}

static int run_sample(void)
{
    struct va_buffer out;

    va_buffer_init(&out, MAX_OUTPUT_BYTES);
    return print_buffer(va_config_sample(&out), &out);
}

static int load(const struct request *request, va_config **ret_config, va_error *error)
{
    int r = va_overrides_load(&request->overrides, ret_config, error);

    if (r == 0 && va_config_notice(*ret_config)[0] != '\0')
        fprintf(stderr, "voice-assistant config: %s\n", va_config_notice(*ret_config));
    return r;
}

static int run_show(const struct request *request)
{
    va_config *config;
    va_error error;
    struct va_buffer out;

    if (load(request, &config, &error) < 0) {
        fprintf(stderr, "voice-assistant config: %s\n", error.text);
        return va_overrides_exit_code(&error);
    }
    va_buffer_init(&out, MAX_OUTPUT_BYTES);
    int code = print_buffer(va_config_show(config, request->json, &out), &out);
    va_config_free(config);
    return code;
}

static int run_check(const struct request *request)
{
    va_config *config = NULL;
    va_error error = {0};
    struct va_buffer out;
    int failed = load(request, &config, &error) < 0 || va_overrides_check_language(config->model_language, &error) < 0, r;

    va_buffer_init(&out, MAX_OUTPUT_BYTES);
    if (request->json) {
        r = va_buffer_printf(&out, "{\"success\": %s, \"%s\": ", failed ? "false" : "true", failed ? "message" : "path");
        if (r == 0)
            r = va_buffer_append_json(&out, failed ? error.text : va_config_path(config));
        if (r == 0)
            r = va_buffer_append_string(&out, "}\n");
    } else if (failed) {
        fprintf(stderr, "voice-assistant config: %s\n", error.text);
        r = 0;
    } else if (va_config_path(config)[0] == '\0') {
        r = va_buffer_append_string(&out, "there is no configuration file: the defaults are used\n");
    } else {
        r = va_buffer_printf(&out, "%s: correct\n", va_config_path(config));
    }
    va_config_free(config);
    int code = out.size > 0 || r < 0 ? print_buffer(r, &out) : VA_EXIT_OK;
    return failed ? va_overrides_exit_code(&error) : code;
}

int va_command_config(int argc, char **argv)
{
    static const struct va_verb verbs[] = {{.name = "check"}, {.name = "show"}, {.name = "sample"}};
    struct request request = {0};
    const struct va_argument json = {"json", .flag = &request.json};
    int code = va_arguments_read(argc, argv, &json, 1, &request.overrides, print_help);

    if (code >= 0)
        return code;
    switch (va_arguments_verb(argc, argv, verbs, sizeof verbs / sizeof verbs[0])) {
    case 0:
        return run_check(&request);
    case 1:
        return run_show(&request);
    case 2:
        return run_sample();
    default:
        return VA_EXIT_USAGE;
    }
}
