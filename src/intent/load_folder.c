/* load_folder.c - which files of a folder are command files. */
#include "intent/load.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

#define MAX_FILES 20000
#define MAX_DEPTH 8

struct listing {
    struct va_loader *loader;
    char **paths; /* [n] */
    size_t n, capacity;
};

static int is_command_file(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".yaml") == 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Below these folders Home Assistant keeps one folder a language. */
static int is_by_language(const char *folder)
{
    static const char *const names[] = {"sentences", "lists", "rules", "responses", "custom_sentences"};
    const char *name = base_name(folder);

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return 1;
    return 0;
}

/* Sentences to test with are no commands. */
static int is_wanted_folder(const struct va_loader *loader, const char *parent, const char *name)
{
    const char *language = loader->request->language;

    return strcmp(name, "tests") != 0 && (language == NULL || !is_by_language(parent) || strcmp(name, language) == 0);
}

/* By path, but what describes the others comes first. */
static int in_order(const void *a, const void *b)
{
    const char *left = *(char *const *)a, *right = *(char *const *)b;
    int left_first = strcmp(base_name(left), "intents.yaml") == 0, right_first = strcmp(base_name(right), "intents.yaml") == 0;

    return left_first != right_first ? right_first - left_first : strcmp(left, right);
}

static int add_path(struct listing *listing, char *path)
{
    if (listing->n >= MAX_FILES)
        return va_fail(listing->loader->error, VA_ELIMIT, "%s: more than %d command files", path, MAX_FILES);
    if (va_grow(&listing->paths, &listing->capacity, listing->n, sizeof path) < 0)
        return va_fail_memory(listing->loader->error);
    listing->paths[listing->n++] = path;
    return 0;
}

static int walk(struct listing *listing, const char *folder, int depth)
{
    DIR *dir = opendir(folder);
    int r = 0;

    if (dir == NULL)
        return va_fail_errno(listing->loader->error, "cannot read the folder %s", folder);
    for (const struct dirent *entry; r == 0 && (entry = readdir(dir)) != NULL;) {
        struct stat status;
        size_t size = strlen(folder) + strlen(entry->d_name) + 2;
        if (entry->d_name[0] == '.')
            continue;
        char *path = va_arena_alloc(&listing->loader->commands->arena, size, 1);
        if (path == NULL) {
            r = va_fail_memory(listing->loader->error);
            break;
        }
        snprintf(path, size, "%s/%s", folder, entry->d_name);
        if (is_command_file(entry->d_name))
            r = add_path(listing, path);
        else if (depth < MAX_DEPTH && is_wanted_folder(listing->loader, folder, entry->d_name) && stat(path, &status) == 0 &&
                 S_ISDIR(status.st_mode))
            r = walk(listing, path, depth + 1);
    }
    closedir(dir);
    return r;
}

int va_load_list_folder(struct va_loader *loader, const char *folder, char ***ret_paths, size_t *ret_n)
{
    struct listing listing = {.loader = loader};
    int r = walk(&listing, folder, 0);

    if (r == 0 && listing.n == 0)
        r = va_fail(loader->error, VA_ENOTFOUND, "%s: no command files (*.yaml) in this folder", folder);
    if (r < 0) {
        va_free(listing.paths);
        return r;
    }
    qsort(listing.paths, listing.n, sizeof *listing.paths, in_order);
    *ret_paths = listing.paths;
    *ret_n = listing.n;
    return 0;
}
