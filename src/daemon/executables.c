#include "daemon/executables.h"

#include <string.h>

#include "action/launcher.h"
#include "base/memory.h"
#include "intent/commands.h"
#include "speech/speech.h"

struct paths {
    char **all; /* [n] */
    size_t n;
};

static int add(struct paths *paths, const char *path, va_error *error)
{
    for (size_t i = 0; i < paths->n; i++)
        if (strcmp(paths->all[i], path) == 0)
            return 0;
    if (paths->n == VA_LAUNCHER_MAX_EXECUTABLES)
        return va_fail(error, VA_ELIMIT, "the commands start more than %d executables", VA_LAUNCHER_MAX_EXECUTABLES);
    char **all = va_realloc(paths->all, paths->n + 1, sizeof *all);
    if (all == NULL)
        return va_fail_memory(error);
    paths->all = all;
    if ((all[paths->n] = va_strdup(path)) == NULL)
        return va_fail_memory(error);
    paths->n++;
    return 0;
}

static int add_of_command(struct paths *paths, const struct va_command_action *action, va_error *error)
{
    char path[VA_LAUNCH_PATH_BYTES];
    int r = 0;

    for (size_t i = 0; r == 0 && i < action->n_settings; i++)
        if (strcmp(action->settings[i].name, "executable") == 0 && va_launch_find(action->settings[i].value, path, NULL) == 0)
            r = add(paths, path, error);
    return r;
}

/* "df, /opt/bin/lamp" */
static int add_list(struct paths *paths, const char *list, va_error *error)
{
    int r = 0;

    for (list += strspn(list, ", "); r == 0 && *list != '\0'; list += strspn(list, ", ")) {
        size_t n = strcspn(list, ",");
        char name[VA_LAUNCH_PATH_BYTES], path[VA_LAUNCH_PATH_BYTES];
        va_error reason;
        if (n >= sizeof name)
            return va_fail(error, VA_ELIMIT, "actions.executables: a name is too long");
        memcpy(name, list, n);
        list += n;
        while (n > 0 && name[n - 1] == ' ')
            n--;
        name[n] = '\0';
        if ((r = va_launch_find(name, path, &reason)) < 0)
            return va_fail(error, r, "actions.executables: %s", reason.text);
        r = add(paths, path, error);
    }
    return r;
}

int va_executables_find(const va_commands *commands, const va_config *config, char ***ret_paths, size_t *ret_n, va_error *error)
{
    struct paths paths = {0};
    char synthesiser[VA_CHILD_PATH_BYTES];
    int r = add_list(&paths, config->actions_executables, error);

    /* One that is not there is told when the speaker starts. */
    if (r == 0 && va_speech_program(config->speech_command, synthesiser, NULL) == 0)
        r = add(&paths, synthesiser, error);

    for (size_t i = 0; r == 0 && i < va_commands_count(commands); i++) {
        const struct va_command *command = va_commands_at(commands, i);
        if (strcmp(command->action.type, "process") == 0)
            r = add_of_command(&paths, &command->action, error);
    }
    if (r < 0) {
        va_executables_free(paths.all, paths.n);
        return r;
    }
    *ret_paths = paths.all;
    *ret_n = paths.n;
    return 0;
}

void va_executables_free(char **paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        va_free(paths[i]);
    va_free(paths);
}
