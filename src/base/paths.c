#include "base/paths.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

static const struct {
    const char *service; /* systemd sets it; the first of a list counts */
    const char *system;
    const char *xdg;
    const char *xdg_default; /* in the home */
} folders[] = {
    [VA_FOLDER_CONFIG] = {"CONFIGURATION_DIRECTORY", "/etc/voice-assistant", "XDG_CONFIG_HOME", ".config"},
    [VA_FOLDER_DATA] = {"STATE_DIRECTORY", "/var/lib/voice-assistant", "XDG_DATA_HOME", ".local/share"},
    [VA_FOLDER_LOG] = {"LOGS_DIRECTORY", "/var/log/voice-assistant", "XDG_STATE_HOME", ".local/state"},
};

/* Relative paths in these variables are to be ignored, says the XDG specification. */
static const char *absolute_env(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] == '/' ? value : NULL;
}

/* ret_home: NULL when there is none. */
static int find_home(char **ret_home, va_error *error)
{
    struct passwd entry, *found = NULL;
    char strings[4096];
    const char *home = absolute_env("HOME");

    if (home == NULL && getpwuid_r(geteuid(), &entry, strings, sizeof strings, &found) == 0 && found != NULL && found->pw_dir[0] == '/')
        home = found->pw_dir;
    if (home == NULL) {
        *ret_home = NULL;
        return 0;
    }
    *ret_home = va_strdup(home);
    return *ret_home != NULL ? 0 : va_fail_memory(error);
}

static int is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

char *va_paths_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    return va_asprintf("%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/", name);
}

static int user_folder(enum va_folder folder, char **ret_path, va_error *error)
{
    const char *base = absolute_env(folders[folder].xdg);
    char *home, *own = NULL, *path = NULL;
    int r = find_home(&home, error);

    if (r < 0)
        return r;
    if (home == NULL && base == NULL)
        return va_fail(error, VA_ENOTFOUND, "there is no home folder: set HOME or %s", folders[folder].xdg);
    if (home != NULL) {
        own = va_paths_join(home, ".voice-assistant");
        if (own == NULL)
            goto fail;
        if (is_folder(own)) {
            va_free(home);
            *ret_path = own;
            return 0;
        }
    }
    path = base != NULL ? va_asprintf("%s/voice-assistant", base) : va_asprintf("%s/%s/voice-assistant", home, folders[folder].xdg_default);
    if (path == NULL)
        goto fail;
    va_free(own);
    va_free(home);
    *ret_path = path;
    return 0;

fail:
    va_free(own);
    va_free(home);
    return va_fail_memory(error);
}

int va_paths_folder_as(enum va_folder folder, int is_root, char **ret_path, va_error *error)
{
    const char *service = absolute_env(folders[folder].service);
    char *path;

    if (service != NULL)
        path = va_strndup(service, strcspn(service, ":"));
    else if (is_root)
        path = va_strdup(folders[folder].system);
    else
        return user_folder(folder, ret_path, error);
    if (path == NULL)
        return va_fail_memory(error);
    *ret_path = path;
    return 0;
}

int va_paths_folder(enum va_folder folder, char **ret_path, va_error *error)
{
    return va_paths_folder_as(folder, geteuid() == 0, ret_path, error);
}

/* The first that exists of name in the folder and in the system's; when neither does, the former. */
static int find(enum va_folder kind, const char *name, char **ret_path, va_error *error)
{
    char *folder, *path, *system_path = va_paths_join(folders[kind].system, name);
    if (system_path == NULL)
        return va_fail_memory(error);
    int r = va_paths_folder(kind, &folder, error);
    if (r == VA_ENOTFOUND) { /* no home: what the system says */
        *ret_path = system_path;
        return 0;
    }
    if (r < 0) {
        va_free(system_path);
        return r;
    }
    path = va_paths_join(folder, name);
    va_free(folder);
    if (path == NULL) {
        va_free(system_path);
        return va_fail_memory(error);
    }
    int use_system = !va_file_exists(path) && va_file_exists(system_path);
    va_free(use_system ? path : system_path);
    *ret_path = use_system ? system_path : path;
    return 0;
}

int va_paths_config(const char *name, char **ret_path, va_error *error)
{
    return find(VA_FOLDER_CONFIG, name, ret_path, error);
}

int va_paths_data(const char *name, char **ret_path, va_error *error)
{
    return find(VA_FOLDER_DATA, name, ret_path, error);
}
