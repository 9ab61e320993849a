#include "daemon/sources.h"

#include <stdio.h>

#include "base/memory.h"
#include "config/config.h"

int va_sources_add(struct va_sources *sources, const char *command, const char *path)
{
    if (sources->n == VA_SOURCES_MAX) {
        fprintf(stderr, "voice-assistant %s: more than %d --commands\n", command, VA_SOURCES_MAX);
        return VA_ELIMIT;
    }
    sources->paths[sources->n++] = path;
    return 0;
}

int va_sources_load(const struct va_sources *sources, struct va_commands_request request, va_commands **ret_commands, va_error *error)
{
    va_config *config = NULL;
    char *folder = NULL;
    int r = 0;

    request.language = sources->language;
    request.paths = sources->paths;
    request.n_paths = sources->n;
    if (sources->n == 0) {
        if ((r = va_config_load(sources->config, NULL, 0, &config, error)) == 0)
            r = va_commands_folder(config->commands_folder, &folder, error);
        request.paths = (const char *const *)&folder;
        request.n_paths = 1;
    }
    if (r == 0)
        r = va_commands_load_request(&request, ret_commands, error);
    va_free(folder);
    va_config_free(config);
    return r;
}
