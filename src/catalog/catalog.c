#include "catalog/catalog.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"
#include "catalog/table.h"

int va_catalog_folder(const char *option, char **ret_folder, va_error *error)
{
    if (option == NULL || option[0] == '\0')
        return va_paths_data("models", ret_folder, error);
    char *folder = va_strdup(option);
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

int va_catalog_is_name(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n <= 64 && name[0] != '.' && name[0] != '-' && strstr(name, "..") == NULL &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

int va_catalog_path(const char *folder, const char *name, char **ret_path, va_error *error)
{
    if (!va_catalog_is_name(name))
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
        if (errno == EACCES) {
            r = va_fail_errno(error, "this user may not reach %s", path);
            va_free(path);
            return r;
        }
        va_free(path);
        if (va_catalog_model_get(name) != NULL)
            return va_fail(error, VA_ENOTFOUND, "model '%s' is not prepared in %s: run 'voice-assistant model fetch %s'", name, folder,
                           name);
        return va_fail(error, VA_ENOTFOUND, "there is no model '%s' in %s: 'voice-assistant model list' shows what there is", name, folder);
    }
    *ret_path = path;
    return 0;
}

int va_catalog_locate(const char *option, const char *name, char **ret_path, va_error *error)
{
    char *folder = NULL;
    int r = va_catalog_folder(option, &folder, error);

    if (r == 0)
        r = va_catalog_find(folder, name, ret_path, error);
    va_free(folder);
    return r;
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
