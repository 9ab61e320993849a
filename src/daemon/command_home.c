/* voice-assistant home */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "action/home.h"
#include "base/file.h"
#include "config/config.h"

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
    } else if (request->output == NULL && (fwrite(yaml.data, 1, yaml.size, stdout) != yaml.size || fflush(stdout) != 0)) {
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
    static const struct option options[] = {
        {"url", required_argument, NULL, 'u'},    {"token-file", required_argument, NULL, 't'},
        {"output", required_argument, NULL, 'o'}, {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    struct request request = {0};
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            print_help(stdout);
            return VA_EXIT_OK;
        }
        if (c == '?')
            return VA_EXIT_USAGE;
        *(c == 'u' ? &request.url : c == 't' ? &request.token_file : c == 'o' ? &request.output : &request.config) = optarg;
    }
    if (argc - optind != 1 || strcmp(argv[optind], "fetch") != 0) {
        fputs("voice-assistant home: say 'home fetch'; see 'voice-assistant home --help'\n", stderr);
        return VA_EXIT_USAGE;
    }
    return run(&request);
}
