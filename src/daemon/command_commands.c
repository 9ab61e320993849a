/* voice-assistant commands check|list */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "action/action.h"
#include "base/memory.h"
#include "config/config.h"
#include "intent/commands.h"

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant commands check|list [OPTION]...\n\n"
          "  check  load the command files, and print every mistake with its file and line\n"
          "  list   print the commands: name, language, action, place\n\n"
          "Options:\n"
          "  --commands DIR   folder of command files, or one file (default: option commands.folder)\n"
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

static void print_list(const va_commands *commands)
{
    for (size_t i = 0; i < va_commands_count(commands); i++) {
        const struct va_command *command = va_commands_at(commands, i);
        printf("%-24s %-6s %-16s %s:%d\n", command->name, command->language,
               command->action.type[0] == '\0' ? "none" : command->action.type, command->file, command->line);
    }
}

static int run(const char *folder, int list)
{
    va_commands *commands = NULL;
    va_error error;
    size_t n_mistakes = 0;
    int r = va_commands_load(folder, print_mistake, &n_mistakes, &commands, &error);

    if (r < 0 && n_mistakes == 0)
        fprintf(stderr, "voice-assistant commands: %s\n", error.text);
    if (r == 0)
        check_actions(commands, &n_mistakes);
    if (r == 0 && list)
        print_list(commands);
    if (n_mistakes > 0)
        fprintf(stderr, "%zu mistake%s\n", n_mistakes, n_mistakes == 1 ? "" : "s");
    else if (r == 0 && !list)
        printf("%s: %zu commands, no mistakes\n", folder, va_commands_count(commands));
    va_commands_free(commands);
    return r < 0 || n_mistakes > 0 ? VA_EXIT_FAILED : VA_EXIT_OK;
}

/* The folder that is given, else the configured one. */
static int find_folder(const char *given, const char *config_path, char **ret_folder, va_error *error)
{
    va_config *config = NULL;

    if (given != NULL)
        return va_commands_folder(given, ret_folder, error);
    int r = va_config_load(config_path, NULL, 0, &config, error);
    if (r == 0)
        r = va_commands_folder(config->commands_folder, ret_folder, error);
    va_config_free(config);
    return r;
}

int va_command_commands(int argc, char **argv)
{
    static const struct option options[] = {
        {"commands", required_argument, NULL, 'd'},
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *given = NULL, *config = NULL;
    char *folder;
    va_error error;
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            print_help(stdout);
            return VA_EXIT_OK;
        }
        if (c == '?')
            return VA_EXIT_USAGE;
        if (c == 'd')
            given = optarg;
        else
            config = optarg;
    }
    const char *verb = argc - optind == 1 ? argv[optind] : "";
    if (strcmp(verb, "check") != 0 && strcmp(verb, "list") != 0) {
        fprintf(stderr, "voice-assistant commands: say 'check' or 'list'; see 'voice-assistant commands --help'\n");
        return VA_EXIT_USAGE;
    }
    if (find_folder(given, config, &folder, &error) < 0) {
        fprintf(stderr, "voice-assistant commands: %s\n", error.text);
        return VA_EXIT_FAILED;
    }
    int code = run(folder, strcmp(verb, "list") == 0);
    va_free(folder);
    return code;
}
