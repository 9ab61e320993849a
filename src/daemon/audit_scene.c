#include "daemon/audit_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/paths.h"
#include "base/secret.h"
#include "daemon/setup.h"

#define MAX_TEXT_BYTES ((size_t)1 << 20)

/* Whether the folders are those of root and the service: for other users, too, where there is the service and nothing of their own. */
static int is_systems(const struct va_scene *scene)
{
    char unit[VA_SCENE_PATH_BYTES], *own = NULL;

    if (geteuid() == 0)
        return 1;
    int is = va_scene_unit(scene, "voice-assistant.service", unit) == 0 && va_paths_folder(VA_FOLDER_DATA, &own, NULL) == 0 &&
             access(own, F_OK) < 0;
    va_free(own);
    return is;
}

/* Where serve writes its log with this configuration; "" for nowhere. va_free it. */
static int find_log(const va_config *config, int is_system, char **ret_path, va_error *error)
{
    const char *option = config != NULL ? config->log_file : "";
    char *folder = NULL, *path;
    int r = 0;

    if (option[0] == '\0' && (r = va_paths_folder_as(VA_FOLDER_LOG, is_system, &folder, error)) < 0)
        return r;
    path = option[0] == '\0' ? va_paths_join(folder, "app.log") : va_strdup(strcmp(option, "none") == 0 ? "" : option);
    va_free(folder);
    *ret_path = path;
    return path == NULL ? va_fail_memory(error) : 0;
}

static int find_folder(const va_config *config, int is_system, char **ret_folder, va_error *error)
{
    int is_named = config != NULL && config->data_folder[0] != '\0';

    return is_named ? va_setup_folder(config, ret_folder, error) : va_paths_folder_as(VA_FOLDER_DATA, is_system, ret_folder, error);
}

int va_audit_scene_open(struct va_audit_scene *audit, const struct va_overrides *overrides, const char *token_file, va_error *error)
{
    struct va_scene *scene = &audit->scene;
    int r = va_overrides_load(overrides, &audit->config, &scene->config_error);

    if (r == VA_EINVAL || r == VA_ENOMEM) {
        *error = scene->config_error;
        return r;
    }
    scene->config = audit->config;
    scene->root = audit->config != NULL ? audit->config->system_root : "";
    int is_system = is_systems(scene);
    if ((token_file != NULL && (r = va_secret_read(token_file, &audit->token, error)) < 0) ||
        (r = find_folder(audit->config, is_system, &audit->folder, error)) < 0 ||
        (r = find_log(audit->config, is_system, &audit->log_file, error)) < 0)
        return r;
    scene->folder = audit->folder;
    scene->log_file = audit->log_file;
    scene->token = audit->token;
    scene->now_unix_s = va_clock_unix_s();
    scene->is_root = geteuid() == 0;
    scene->means = &va_scene_real_means;
    return 0;
}

void va_audit_scene_close(struct va_audit_scene *audit)
{
    va_scene_close(&audit->scene);
    va_config_free(audit->config);
    va_free(audit->folder);
    va_free(audit->log_file);
    va_secret_free(audit->token);
}

static int is_colourful(void)
{
    const char *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

int va_audit_scene_print(const struct va_audit_scene *audit, const struct va_report *report, const char *title, int as_json,
                         va_error *error)
{
    struct va_buffer out;
    int r;

    va_buffer_init(&out, MAX_TEXT_BYTES);
    struct va_json json = {.out = &out};
    if (as_json) {
        va_json_open(&json, NULL, '{');
        va_report_json(report, audit->scene.now_unix_s, &json);
        va_json_close(&json, '}');
        r = json.error == 0 ? va_buffer_append_string(&out, "\n") : json.error;
    } else {
        r = va_report_text(report, title, is_colourful(), &out);
    }
    if (r == 0)
        fputs(out.data, stdout);
    va_buffer_free(&out);
    return r < 0 ? va_fail(error, r, "the report: %s", va_status_text(r)) : 0;
}
