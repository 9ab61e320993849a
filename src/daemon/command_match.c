/* voice-assistant match */
#include "daemon/command.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "action/action.h"
#include "base/memory.h"
#include "config/config.h"
#include "daemon/arguments.h"
#include "daemon/sources.h"

#define MAX_LINE_BYTES 65536

struct request {
    struct va_sources sources;
    const char *area; /* or NULL */
    int batch, execute, dry_run;
};

struct session {
    va_commands *commands;
    va_actions *actions; /* NULL unless commands are run */
    const va_config *config;
    const char *language;
    va_slot context[1]; /* [n_context] */
    size_t n_context;
    int dry_run;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant match [OPTION]... TEXT\n"
          "       voice-assistant match [OPTION]... --batch [FILE]\n\n"
          "Finds the command that TEXT means and prints it as JSON: intent, slots, score, response. Nothing is done unless --execute is "
          "given.\n\n"
          "Options:\n"
          "  --commands PATH  folder of command files, or one file (default: option commands.folder); several may be given, and what a\n"
          "                   later one defines replaces what an earlier one does\n"
          "  --language L     only commands in this language, such as en\n"
          "  --area NAME      the area the assistant stands in\n"
          "  --batch          match every line of FILE (default: standard input), one JSON object a line; null where nothing fits\n"
          "  --execute        run the command too, and print its response; a risky one is not asked about\n"
          "  --dry-run        check the command and fill in everything, but print only what it would do\n"
          "  --config FILE    configuration to take commands.folder and others from\n"
          "  -h, --help       print this help\n\n"
          "Exit code: 0 when the text (with --batch: every line) means a command, 1 when not, 2 when the command line is wrong.\n",
          out);
}

static struct va_action_request make_request(const struct session *session, const struct va_command *command, const va_intent *intent)
{
    return (struct va_action_request){
        .type = command->action.type,
        .command = command->name,
        .language = command->language,
        .settings = command->action.settings,
        .n_settings = command->action.n_settings,
        .arguments = command->action.arguments,
        .n_arguments = command->action.n_arguments,
        .slots = intent->slots,
        .n_slots = intent->n_slots,
        .response = intent->response,
        .failure = command->failure,
        .dry_run = session->dry_run || session->config->actions_dry_run,
        .home_url = session->config->home_assistant_url,
        .home_token_file = session->config->home_assistant_token_file,
        .broker = {.host = session->config->mqtt_host,
                   .ca_file = session->config->mqtt_ca_file,
                   .password_file = session->config->mqtt_password_file,
                   .port = (int)session->config->mqtt_port,
                   .tls = (int)session->config->mqtt_tls},
    };
}

/* Runs the command and takes its result into the object. Returns the exit code. */
static int execute(const struct session *session, const va_intent *intent, json_t *object)
{
    const struct va_action_request request = make_request(session, va_commands_find(session->commands, intent->name), intent);
    struct va_action_result result = {0};
    va_error error;
    int r = va_actions_run(session->actions, &request, &result, &error);

    if (r < 0) {
        json_object_set_new(object, "error", json_string(error.text));
        if (va_actions_failure(&request, &error, &result.response) < 0)
            json_object_del(object, "response");
    }
    json_object_set_new(object, "success", json_boolean(result.success));
    if (result.response != NULL)
        json_object_set_new(object, "response", json_string(result.response));
    if (result.output != NULL)
        json_object_set_new(object, "output", json_string(result.output));
    if (result.dry_run)
        json_object_set_new(object, "dry_run", json_true());
    int success = result.success;
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
    int r = va_commands_match_context(session->commands, session->language, session->context, session->n_context, text, &intent, &error);

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
        if (strchr(line, '\n') == NULL) /* far too long, or the last one: the rest of it is no text of its own */
            for (int c; (c = getc(file)) != EOF && c != '\n';)
                ;
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
    struct session session = {.language = request->sources.language,
                              .context = {{"area", request->area}},
                              .n_context = request->area != NULL,
                              .dry_run = request->dry_run};
    va_config *config = NULL;
    va_error error;
    int code = VA_EXIT_FAILED;
    int r = va_sources_load(&request->sources, (struct va_commands_request){0}, &session.commands, &error);

    if (r == 0 && request->execute)
        r = va_config_load(request->sources.config, NULL, 0, &config, &error);
    session.config = config;
    if (r == 0 && request->execute)
        r = va_actions_new(NULL, &session.actions, &error);
    if (r < 0)
        fprintf(stderr, "voice-assistant match: %s\n", error.text);
    else
        code = request->batch ? match_lines(&session, argument) : match(&session, argument, 0);
    va_actions_free(session.actions);
    va_commands_free(session.commands);
    va_config_free(config);
    return code;
}

int va_command_match(int argc, char **argv)
{
    static const struct option options[] = {
        {"commands", required_argument, NULL, 'd'}, {"language", required_argument, NULL, 'l'}, {"area", required_argument, NULL, 'a'},
        {"config", required_argument, NULL, 'c'},   {"batch", no_argument, NULL, 'b'},          {"execute", no_argument, NULL, 'x'},
        {"dry-run", no_argument, NULL, 'y'},        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
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
        if (c == 'd' && va_sources_add(&request.sources, "match", optarg) < 0)
            return VA_EXIT_USAGE;
        if (c == 'l')
            request.sources.language = optarg;
        else if (c == 'a')
            request.area = optarg;
        else if (c == 'c')
            request.sources.config = optarg;
        else if (c == 'b')
            request.batch = 1;
        else if (c == 'x' || c == 'y')
            request.execute = 1;
        request.dry_run |= c == 'y';
    }
    if (request.batch && optind == argc)
        return run(&request, NULL);
    const char *text = va_arguments_word(argc, argv, "TEXT", ": put TEXT in quotes");
    return text == NULL ? VA_EXIT_USAGE : run(&request, text);
}
