/* voice-assistant commands check|list */
#include "daemon/command.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "action/action.h"
#include "daemon/arguments.h"
#include "daemon/sources.h"

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant commands check|list [OPTION]...\n\n"
          "  check  load the command files, and print every mistake with its file and line\n"
          "  list   print the commands: name, language, action, place\n\n"
          "Options:\n"
          "  --commands PATH  folder of command files, or one file (default: option commands.folder); several may be given, and what a\n"
          "                   later one defines replaces what an earlier one does\n"
          "  --language L     only commands in this language, such as en\n"
          "  --json           list: print a JSON array\n"
          "  --verbose        say what is left out, too, without being a mistake\n"
          "  --config FILE    configuration to take commands.folder from\n"
          "  -h, --help       print this help\n\n"
          "Exit code: 0 when the commands are right, 1 when there are mistakes, 2 when the command line is wrong.\n",
          out);
}

static void print_mistake(void *user, const char *text)
{
    size_t *n = user;

    fprintf(stderr, "%s\n", text);
    ++*n;
}

/* The actions of all commands: mistakes only the actions themselves can find. */
static void check_actions(const va_commands *commands, size_t *n_mistakes)
{
    for (size_t i = 0; i < va_commands_count(commands); i++) {
        const struct va_command *command = va_commands_at(commands, i);
        const struct va_command_action *action = &command->action;
        va_error error;
        if (va_actions_check(action->type, action->settings, action->n_settings, action->arguments, action->n_arguments, &error) < 0) {
            fprintf(stderr, "%s:%d: command '%s': %s\n", command->file, command->line, command->name, error.text);
            ++*n_mistakes;
        }
    }
}

static void print_notice(void *user, const char *text)
{
    fprintf(stderr, "%s\n", text);
}

static const char *action_of(const struct va_command *command)
{
    return command->action.type[0] == '\0' ? "none" : command->action.type;
}

static void print_list(const va_commands *commands)
{
    for (size_t i = 0; i < va_commands_count(commands); i++) {
        const struct va_command *command = va_commands_at(commands, i);
        printf("%-24s %-6s %-16s %s:%d\n", command->name, command->language, action_of(command), command->file, command->line);
    }
}

static int print_json(const va_commands *commands)
{
    json_t *array = json_array();
    int r = array == NULL ? -1 : 0;

    for (size_t i = 0; r == 0 && i < va_commands_count(commands); i++) {
        const struct va_command *command = va_commands_at(commands, i);
        r = json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:i}", "name", command->name, "language",
                                                   command->language, "action", action_of(command), "confirm", command->confirm, "response",
                                                   command->response, "file", command->file, "line", command->line));
    }
    if (r == 0 && (json_dumpf(array, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF))
        r = -1;
    json_decref(array);
    return r;
}

struct request {
    struct va_sources sources;
    int list, json, verbose;
};

static int run(const struct request *request)
{
    va_commands *commands = NULL;
    va_error error;
    size_t n_mistakes = 0;
    struct va_commands_request load = {.mistake = print_mistake, .notice = request->verbose ? print_notice : NULL, .user = &n_mistakes};
    int r = va_sources_load(&request->sources, load, &commands, &error);

    if (r < 0 && n_mistakes == 0)
        fprintf(stderr, "voice-assistant commands: %s\n", error.text);
    if (r == 0)
        check_actions(commands, &n_mistakes);
    if (r == 0 && request->list && request->json)
        r = print_json(commands);
    else if (r == 0 && request->list)
        print_list(commands);
    if (n_mistakes > 0)
        fprintf(stderr, "%zu mistake%s\n", n_mistakes, n_mistakes == 1 ? "" : "s");
    else if (r == 0 && !request->list)
        printf("%s: %zu commands, no mistakes\n", request->sources.n > 0 ? request->sources.paths[0] : "commands.folder",
               va_commands_count(commands));
    va_commands_free(commands);
    return r < 0 || n_mistakes > 0 ? VA_EXIT_FAILED : VA_EXIT_OK;
}

int va_command_commands(int argc, char **argv)
{
    static const struct va_verb verbs[] = {{.name = "check"}, {.name = "list"}};
    static const struct option options[] = {
        {"commands", required_argument, NULL, 'd'},
        {"language", required_argument, NULL, 'l'},
        {"config", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {"verbose", no_argument, NULL, 'v'},
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
        if (c == '?' || (c == 'd' && va_sources_add(&request.sources, "commands", optarg) < 0))
            return VA_EXIT_USAGE;
        if (c == 'l')
            request.sources.language = optarg;
        else if (c == 'c')
            request.sources.config = optarg;
        else if (c == 'j')
            request.json = 1;
        else if (c == 'v')
            request.verbose = 1;
    }
    int verb = va_arguments_verb(argc, argv, verbs, sizeof verbs / sizeof verbs[0]);
    request.list = verb == 1;
    return verb < 0 ? VA_EXIT_USAGE : run(&request);
}
