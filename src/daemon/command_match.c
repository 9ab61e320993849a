/* voice-assistant match */
#include "daemon/command.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "action/action.h"
#include "base/memory.h"
#include "config/config.h"
#include "intent/commands.h"

#define MAX_LINE_BYTES 65536

struct request {
    const char *folder, *language, *config;
    int batch, execute;
};

struct session {
    va_commands *commands;
    va_actions *actions; /* NULL unless commands are run */
    const char *language;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant match [OPTION]... TEXT\n"
          "       voice-assistant match [OPTION]... --batch [FILE]\n\n"
          "Finds the command that TEXT means and prints it as JSON: intent, slots, score, response. Nothing is done unless --execute is "
          "given.\n\n"
          "Options:\n"
          "  --commands DIR   folder of command files, or one file (default: option commands.folder)\n"
          "  --language L     only commands in this language, such as en\n"
          "  --batch          match every line of FILE (default: standard input), one JSON object a line; null where nothing fits\n"
          "  --execute        run the command too, and print its response\n"
          "  --config FILE    configuration to take commands.folder from\n"
          "  -h, --help       print this help\n\n"
          "Exit code: 0 when the text (with --batch: every line) means a command, 1 when not, 2 when the command line is wrong.\n",
          out);
}

/* Runs the command and takes its result into the object. Returns the exit code. */
static int execute(const struct session *session, const va_intent *intent, json_t *object)
{
    const struct va_command *command = va_commands_find(session->commands, intent->name);
    struct va_action_request request = {
        .type = command->action.type,
        .command = command->name,
        .settings = command->action.settings,
        .n_settings = command->action.n_settings,
        .arguments = command->action.arguments,
        .n_arguments = command->action.n_arguments,
        .slots = intent->slots,
        .n_slots = intent->n_slots,
        .response = intent->response,
    };
    struct va_action_result result;
    va_error error;
    int failed = va_actions_run(session->actions, &request, &result, &error) < 0;

    json_object_set_new(object, "success", json_boolean(!failed && result.success));
    json_object_set_new(object, failed ? "error" : "response", json_string(failed ? error.text : result.response));
    if (failed) {
        json_object_del(object, "response");
        return VA_EXIT_FAILED;
    }
    int success = result.success;
    if (result.output != NULL)
        json_object_set_new(object, "output", json_string(result.output));
    va_action_result_clear(&result);
    return success ? VA_EXIT_OK : VA_EXIT_FAILED;
}

static json_t *make_object(const va_intent *intent)
{
    json_t *slots = json_object();

    for (size_t i = 0; i < intent->n_slots; i++)
        json_object_set_new(slots, intent->slots[i].name, json_string(intent->slots[i].value));
    return json_pack("{s:s, s:o, s:f, s:s}", "intent", intent->name, "slots", slots, "score", (double)intent->score, "response",
                     intent->response);
}

/* Prints the command that fits the text; in a batch null when none does. */
static int match(const struct session *session, const char *text, int batch)
{
    va_intent *intent;
    va_error error;
    int r = va_commands_match_language(session->commands, session->language, text, &intent, &error);

    if (r < 0) {
        if (batch)
            puts("null");
        if (!batch || r != VA_ENOTFOUND)
            fprintf(stderr, "voice-assistant match: %s\n", error.text);
        return VA_EXIT_FAILED;
    }
    json_t *object = make_object(intent);
    int code = session->actions != NULL && object != NULL ? execute(session, intent, object) : VA_EXIT_OK;
    va_intent_free(intent);
    if (object == NULL || json_dumpf(object, stdout, JSON_REAL_PRECISION(4)) != 0 || putchar('\n') == EOF)
        code = VA_EXIT_FAILED;
    json_decref(object);
    return code;
}

static int match_lines(const struct session *session, const char *path)
{
    FILE *file = path == NULL || strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    int code = VA_EXIT_OK;

    if (file == NULL) {
        perror(path);
        return VA_EXIT_FAILED;
    }
    char *line = va_alloc(MAX_LINE_BYTES, 1);
    while (line != NULL && fgets(line, MAX_LINE_BYTES, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (match(session, line, 1) != VA_EXIT_OK)
            code = VA_EXIT_FAILED;
        fflush(stdout);
    }
    if (line == NULL || ferror(file))
        code = VA_EXIT_FAILED;
    va_free(line);
    if (file != stdin)
        fclose(file);
    return code;
}

static int run(const struct request *request, const char *argument)
{
    struct session session = {.language = request->language};
    char *folder = NULL;
    va_config *config = NULL;
    va_error error;
    int code = VA_EXIT_FAILED, r = 0;

    if (request->folder == NULL)
        r = va_config_load(request->config, NULL, 0, &config, &error);
    if (r == 0)
        r = va_commands_folder(config == NULL ? request->folder : config->commands_folder, &folder, &error);
    if (r == 0)
        r = va_commands_open(folder, &session.commands, &error);
    if (r == 0 && request->execute)
        r = va_actions_new(NULL, NULL, &session.actions, &error);
    if (r < 0)
        fprintf(stderr, "voice-assistant match: %s\n", error.text);
    else
        code = request->batch ? match_lines(&session, argument) : match(&session, argument, 0);
    va_actions_free(session.actions);
    va_commands_free(session.commands);
    va_free(folder);
    va_config_free(config);
    return code;
}

int va_command_match(int argc, char **argv)
{
    static const struct option options[] = {
        {"commands", required_argument, NULL, 'd'},
        {"language", required_argument, NULL, 'l'},
        {"config", required_argument, NULL, 'c'},
        {"batch", no_argument, NULL, 'b'},
        {"execute", no_argument, NULL, 'x'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
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
        if (c == 'd')
            request.folder = optarg;
        else if (c == 'l')
            request.language = optarg;
        else if (c == 'c')
            request.config = optarg;
        else if (c == 'b')
            request.batch = 1;
        else
            request.execute = 1;
    }
    int n = argc - optind;
    if (n > 1 || (n == 0 && !request.batch)) {
        fprintf(stderr, "voice-assistant match: %s; see 'voice-assistant match --help'\n",
                n == 0 ? "TEXT is missing" : "more than one TEXT: put it in quotes");
        return VA_EXIT_USAGE;
    }
    return run(&request, n == 1 ? argv[optind] : NULL);
}
