/* voice-assistant privacy on|off|status */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "action/web.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "config/config.h"
#include "daemon/arguments.h"
#include "daemon/local_api.h"
#include "daemon/setup.h"
#include "privacy/privacy.h"

#define MAX_ANSWER_BYTES 65536
#define TIMEOUT_S 30

enum verb { VERB_OFF, VERB_ON, VERB_STATUS };

struct request {
    struct va_overrides overrides;
    int json;
    enum verb verb;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant privacy on|off|status [OPTION]...\n\n"
          "  on      close the microphone until it is switched off again, delete what was said, release the cameras\n"
          "  off     end privacy mode\n"
          "  status  say whether it is on\n\n"
          "Asks the running program through its API. When nothing listens there, the switch in the data folder is read or written "
          "instead.\n\n"
          "Options:\n"
          "  --json                   print the answer as JSON\n" VA_ARGUMENTS_HELP
          "\nExit code: 0 when it was done, 1 when not or not wholly, 2 when the command line is wrong.\n",
          out);
}

/* ---- the running program ---- */

/* The message, and each camera. Returns the exit code. */
static int print_answer(const struct va_web_answer *answer)
{
    json_t *root = json_loadb(answer->body, answer->size, 0, NULL), *camera;
    const char *message = json_string_value(json_object_get(root, "message"));
    int is_done = answer->status == 200 && json_is_true(json_object_get(root, "success"));
    size_t i;

    if (message == NULL)
        message = json_string_value(json_object_get(json_object_get(root, "error"), "message"));
    if (is_done)
        puts(message != NULL ? message : "");
    else
        fprintf(stderr, "voice-assistant privacy: %s\n", message != NULL ? message : "what listens there is another program");
    json_array_foreach(json_object_get(root, "cameras"), i, camera)
    {
        const char *name = json_string_value(json_object_get(camera, "name")), *state = json_string_value(json_object_get(camera, "state"));
        if (name != NULL && state != NULL)
            printf("camera %s: %s\n", name, state);
    }
    json_decref(root);
    return is_done ? VA_EXIT_OK : VA_EXIT_FAILED;
}

static int ask_program(const struct request *request, const char *url)
{
    static const char *const paths[] = {"/privacy/disable?by=cli", "/privacy/enable?by=cli", "/privacy"};
    char full[160];
    const struct va_web_request web = {.method = request->verb == VERB_STATUS ? "GET" : "POST",
                                       .url = full,
                                       .body = request->verb == VERB_STATUS ? NULL : "",
                                       .timeout_s = TIMEOUT_S,
                                       .max_bytes = MAX_ANSWER_BYTES,
                                       .cancel_fd = -1};
    struct va_web_answer answer;
    va_error error;

    snprintf(full, sizeof full, "%s%s", url, paths[request->verb]);
    if (va_web_call(&web, &answer, &error) < 0) {
        fprintf(stderr, "voice-assistant privacy: %s\n", error.text);
        return VA_EXIT_FAILED;
    }
    int code = answer.status == 200 ? VA_EXIT_OK : VA_EXIT_FAILED;
    if (request->json)
        puts(answer.body);
    else
        code = print_answer(&answer);
    va_free(answer.body);
    return code;
}

/* ---- the switch, while nothing runs ---- */

static int print_switch(const struct request *request, int on, const char *url)
{
    struct va_buffer text;
    struct va_json json = {.out = &text};
    const char *message = request->verb == VERB_STATUS ? (on ? "Privacy mode is on" : "Privacy mode is off")
                          : on                         ? "Privacy mode enabled"
                                                       : "Privacy mode disabled";

    if (!request->json) {
        printf("%s (%s%s: the switch in the data folder was %s)\n", message, url != NULL ? "nothing listens on " : "access.local is token",
               url != NULL ? url : "", request->verb == VERB_STATUS ? "read" : "written");
        return VA_EXIT_OK;
    }
    va_buffer_init(&text, MAX_ANSWER_BYTES);
    va_json_open(&json, NULL, '{');
    va_json_bool(&json, "success", 1);
    va_json_text(&json, "message", message);
    va_json_bool(&json, "privacy_mode", on);
    va_json_bool(&json, "daemon", 0);
    va_json_close(&json, '}');
    if (json.error == 0)
        puts(text.data);
    else
        fprintf(stderr, "voice-assistant privacy: %s\n", va_status_text(json.error));
    va_buffer_free(&text);
    return json.error == 0 ? VA_EXIT_OK : VA_EXIT_FAILED;
}

static int use_switch(const struct request *request, const va_config *config, const char *url)
{
    int on = request->verb == VERB_ON;
    char *folder = NULL;
    va_error error = {0};
    int r = va_setup_folder(config, &folder, &error);

    if (r == 0 && request->verb != VERB_STATUS)
        r = va_file_make_folder(folder, 0750, &error);
    if (r == 0 && request->verb != VERB_STATUS)
        r = va_privacy_write(folder, on, &error);
    if (r == 0 && request->verb == VERB_STATUS)
        on = va_privacy_read(folder, &error);
    if (error.code < 0)
        fprintf(stderr, "voice-assistant privacy: %s\n", error.text);
    va_free(folder);
    return r < 0 ? VA_EXIT_FAILED : print_switch(request, on, url);
}

/* ---- the command line ---- */

static int run(const struct request *request)
{
    va_config *config;
    char url[VA_LOCAL_API_BYTES];
    va_error error;

    if (va_overrides_load(&request->overrides, &config, &error) < 0) {
        fprintf(stderr, "voice-assistant privacy: %s\n", error.text);
        return va_overrides_exit_code(&error);
    }
    /* A program that wants tokens of this machine, too, is not asked: it sees the switch, which only its user can write. */
    int wants_token = strcmp(config->access_local, "token") == 0;
    int code =
        !wants_token && va_local_api_find(config, url) ? ask_program(request, url) : use_switch(request, config, wants_token ? NULL : url);
    va_config_free(config);
    return code;
}

int va_command_privacy(int argc, char **argv)
{
    static const struct va_verb verbs[] = {{.name = "off"}, {.name = "on"}, {.name = "status"}};
    struct request request = {0};
    const struct va_argument json = {"json", .flag = &request.json};
    int exit_code = va_arguments_read(argc, argv, &json, 1, &request.overrides, print_help);

    if (exit_code >= 0)
        return exit_code;
    int verb = va_arguments_verb(argc, argv, verbs, sizeof verbs / sizeof verbs[0]);
    request.verb = (enum verb)verb;
    return verb < 0 ? VA_EXIT_USAGE : run(&request);
}
