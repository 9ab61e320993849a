#include "catalog/catalog.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "catalog/table.h"

#define SYSTEM_FOLDER "/var/lib/voice-assistant/models"

/* $HOME, else what the user database says; NULL when there is none. */
static const char *home_folder(char *scratch, size_t size)
{
    const char *home = getenv("HOME");
    struct passwd entry, *found = NULL;

    if (home != NULL && home[0] == '/')
        return home;
    if (getpwuid_r(getuid(), &entry, scratch, size, &found) == 0 && found != NULL && found->pw_dir[0] == '/')
        return found->pw_dir;
    return NULL;
}

int va_catalog_folder(const char *option, char **ret_folder, va_error *error)
{
    char scratch[4096];
    const char *data = getenv("XDG_DATA_HOME"), *home;
    char *folder = NULL, *own = NULL;

    if (option != NULL && option[0] != '\0') {
        folder = va_strdup(option);
        goto done;
    }
    if (geteuid() == 0) {
        folder = va_strdup(SYSTEM_FOLDER);
        goto done;
    }
    home = home_folder(scratch, sizeof scratch);
    if (home != NULL) {
        own = va_asprintf("%s/.voice-assistant", home);
        if (own == NULL)
            return va_fail_memory(error);
    }
    if (own != NULL && va_file_exists(own))
        folder = va_asprintf("%s/models", own);
    else if (access(SYSTEM_FOLDER, R_OK | X_OK) == 0)
        folder = va_strdup(SYSTEM_FOLDER);
    else if (data != NULL && data[0] == '/')
        folder = va_asprintf("%s/voice-assistant/models", data);
    else if (home != NULL)
        folder = va_asprintf("%s/.local/share/voice-assistant/models", home);
    else
        return va_fail(error, VA_ENOTFOUND, "there is no home folder to keep models in: say where with model.folder or --folder");
done:
    va_free(own);
    if (folder == NULL)
        return va_fail_memory(error);
    *ret_folder = folder;
    return 0;
}

static int is_path(const char *name)
{
    size_t n = strlen(name);
    return strchr(name, '/') != NULL || (n > 4 && strcmp(name + n - 4, ".vam") == 0);
}

int va_catalog_path(const char *folder, const char *name, char **ret_path, va_error *error)
{
    size_t n = strlen(name);

    if (n == 0 || n > 64 || name[0] == '.' || name[0] == '-' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != n || strstr(name, "..") != NULL)
        return va_fail(error, VA_EINVAL, "'%.64s' cannot be the name of a model: letters, digits and . _ - only", name);
    char *path = va_asprintf("%s/%s.vam", folder, name);
    if (path == NULL)
        return va_fail_memory(error);
    *ret_path = path;
    return 0;
}

int va_catalog_find(const char *folder, const char *name, char **ret_path, va_error *error)
{
    char *path;
    int r;

    if (is_path(name)) {
        if (!va_file_exists(name))
            return va_fail(error, VA_ENOTFOUND, "there is no prepared model %s", name);
        path = va_strdup(name);
        if (path == NULL)
            return va_fail_memory(error);
        *ret_path = path;
        return 0;
    }
    if ((r = va_catalog_path(folder, name, &path, error)) < 0)
        return r;
    if (!va_file_exists(path)) {
        va_free(path);
        if (va_catalog_model_get(name) != NULL)
            return va_fail(error, VA_ENOTFOUND, "model '%s' is not prepared in %s: run 'voice-assistant model fetch %s'", name, folder,
                           name);
        return va_fail(error, VA_ENOTFOUND, "there is no model '%s' in %s: 'voice-assistant model list' shows what there is", name, folder);
    }
    *ret_path = path;
    return 0;
}

int va_catalog_remove(const char *folder, const char *name, va_error *error)
{
    char *path = NULL;
    int r = va_catalog_path(folder, name, &path, error);

    if (r < 0)
        return r;
    if (unlink(path) < 0) {
        if (errno == ENOENT)
            r = va_fail(error, VA_ENOTFOUND, "there is no model '%s' in %s", name, folder);
        else
            r = va_fail_errno(error, "cannot remove %s", path);
    }
    va_free(path);
    return r;
}
