/* folder.c - where the command files are. */
#include "intent/commands.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"

/* The shipped commands, seen from the folder of the program: installed, and in the build folder. */
static const struct {
    int up; /* folders to go up */
    const char *path;
} shipped[] = {{1, "share/voice-assistant/commands"}, {2, "deploy/commands"}};

/* NULL when there are none, or no memory. */
static char *find_shipped(void)
{
    char program[512];

    for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++) {
        ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
        if (n <= 0)
            return NULL;
        program[n] = '\0';
        for (int up = 0; up <= shipped[i].up; up++) {
            char *slash = strrchr(program, '/');
            if (slash != NULL)
                *slash = '\0';
        }
        char *path = va_paths_join(program, shipped[i].path);
        if (path == NULL || va_file_exists(path))
            return path;
        va_free(path);
    }
    return NULL;
}

int va_commands_folder(const char *option, char **ret_path, va_error *error)
{
    char *path = NULL;

    if (option != NULL && option[0] != '\0') {
        if ((path = va_strdup(option)) == NULL)
            return va_fail_memory(error);
    } else {
        int r = va_paths_config("commands", &path, error);
        if (r < 0)
            return r;
        char *other = va_file_exists(path) ? NULL : find_shipped();
        if (other != NULL) {
            va_free(path);
            path = other;
        }
    }
    *ret_path = path;
    return 0;
}
