#include "word/store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"

static int is_name(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > VA_WORD_MAX_NAME || name[0] == '-')
        return 0;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
            return 0;
    return 1;
}

/* Of this user alone: what a voice sounds like is nobody else's. */
static int own_folder(char **ret_folder, va_error *error)
{
    char *data;
    int r = va_paths_folder(VA_FOLDER_DATA, &data, error);

    if (r < 0)
        return r;
    *ret_folder = va_paths_join(data, "words");
    va_free(data);
    return *ret_folder == NULL ? va_fail_memory(error) : 0;
}

static int find_folder(const char *folder, char **ret_folder, va_error *error)
{
    if (folder == NULL)
        return own_folder(ret_folder, error);
    *ret_folder = va_strdup(folder);
    return *ret_folder == NULL ? va_fail_memory(error) : 0;
}

static int find_path(const char *folder, const char *name, int make, char **ret_path, va_error *error)
{
    char *place, *path = NULL;
    int r;

    if (!is_name(name))
        return va_fail(error, VA_EINVAL, "'%s' is no name for a word: letters, digits, - and _, at most %d", name, VA_WORD_MAX_NAME);
    if ((r = find_folder(folder, &place, error)) < 0)
        return r;
    if (make)
        r = va_file_make_folder(place, 0700, error);
    if (r == 0 && (path = va_paths_join(place, name)) == NULL)
        r = va_fail_memory(error);
    va_free(place);
    if (r == 0)
        *ret_path = path;
    return r;
}

int va_word_path(const char *folder, const char *name, char **ret_path, va_error *error)
{
    return find_path(folder, name, 0, ret_path, error);
}

int va_word_path_for_writing(const char *folder, const char *name, char **ret_path, va_error *error)
{
    return find_path(folder, name, 1, ret_path, error);
}

int va_word_remove(const char *folder, const char *name, va_error *error)
{
    char *path = NULL;
    int r = find_path(folder, name, 0, &path, error);

    if (r < 0)
        return r;
    if (unlink(path) < 0)
        r = errno == ENOENT ? va_fail(error, VA_ENOTFOUND, "there is no word '%s'", name) : va_fail_errno(error, "cannot remove %s", path);
    va_free(path);
    return r;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

int va_word_list(const char *folder, struct va_word_names *ret_names, va_error *error)
{
    const struct dirent *entry;
    char *place;
    int r = find_folder(folder, &place, error);

    if (r < 0)
        return r;
    DIR *dir = opendir(place);
    if (dir == NULL && errno != ENOENT)
        r = va_fail_errno(error, "cannot read %s", place);
    va_free(place);
    if (r < 0)
        return r;
    ret_names->n = 0;
    while (dir != NULL && ret_names->n < VA_WORD_MAX_STORED && (entry = readdir(dir)) != NULL)
        if (is_name(entry->d_name)) /* the writer's temporary files have a dot */
            memcpy(ret_names->names[ret_names->n++], entry->d_name, strlen(entry->d_name) + 1);
    if (dir != NULL)
        closedir(dir);
    qsort(ret_names->names, ret_names->n, sizeof ret_names->names[0], compare);
    return 0;
}
