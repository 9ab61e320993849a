/* voice-assistant home */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "action/home.h"
#include "base/file.h"
#include "config/config.h"
#include "daemon/arguments.h"

#define TIMEOUT_S 60

struct request {
    const char *url, *token_file, *output, *config;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant home fetch [OPTION]...\n\n"
          "  fetch  read the entities, areas and floors of a running Home Assistant, and write them as a command file\n\n"
          "Options:\n"
          "  --url URL          its address, such as http://homeassistant.local:8123 (default: option home_assistant.url)\n"
          "  --token-file FILE  file of mode 0600 with a long-lived access token (default: option home_assistant.token_file)\n"
          "  --output FILE      the file to write, with mode 0600 (default: standard output)\n"
          "  --config FILE      configuration to take the options from\n"
          "  -h, --help         print this help\n\n"
          "Exit code: 0 when it was written, 1 when not (an old file stays as it is), 2 when the command line is wrong.\n",
          out);
}

static int fetch(const struct request *request, const va_config *config)
{
    const char *url = request->url != NULL ? request->url : config->home_assistant_url;
    const char *token_file = request->token_file != NULL ? request->token_file : config->home_assistant_token_file;
    struct va_buffer yaml;
    va_error error;

    if (url[0] == '\0' || token_file[0] == '\0') {
        fprintf(stderr, "voice-assistant home: give %s, or set the option home_assistant.%s\n", url[0] == '\0' ? "--url" : "--token-file",
                url[0] == '\0' ? "url" : "token_file");
        return VA_EXIT_FAILED;
    }
    va_buffer_init(&yaml, VA_HOME_MAX_BYTES);
    int r = va_home_fetch(url, token_file, TIMEOUT_S, &yaml, &error);
    if (r == 0 && request->output != NULL)
        r = va_file_write(request->output, yaml.data, yaml.size, 0600, &error);
    int code = VA_EXIT_OK;
    if (r < 0) {
        fprintf(stderr, "voice-assistant home: %s\n", error.text);
        code = VA_EXIT_FAILED;
    } else if (request->output == NULL && va_buffer_print(&yaml) < 0) {
        perror("voice-assistant home: standard output");
        code = VA_EXIT_FAILED;
    }
    va_buffer_free(&yaml);
    return code;
}

static int run(const struct request *request)
{
    va_config *config;
    va_error error;

    if (va_config_load(request->config, NULL, 0, &config, &error) < 0) {
        fprintf(stderr, "voice-assistant home: %s\n", error.text);
        return VA_EXIT_FAILED;
    }
    int code = fetch(request, config);
    va_config_free(config);
    return code;
}

int va_command_home(int argc, char **argv)
{
    static const struct va_verb verb = {.name = "fetch"};
    struct request request = {0};
    const struct va_argument rows[] = {{"url", .text = &request.url},
                                       {"token-file", .text = &request.token_file},
                                       {"output", .text = &request.output},
                                       {"config", .text = &request.config}};
    int exit_code = va_arguments_read(argc, argv, rows, sizeof rows / sizeof rows[0], NULL, print_help);

    if (exit_code >= 0)
        return exit_code;
    return va_arguments_verb(argc, argv, &verb, 1) < 0 ? VA_EXIT_USAGE : run(&request);
}
