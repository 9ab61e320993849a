#include "audit/scene.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/parse.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sysfs.h"

#define TAIL_BYTES 65536

void va_scene_close(struct va_scene *scene)
{
    json_decref(scene->status.root);
    va_free(scene->metrics.text);
    memset(&scene->process, 0, sizeof scene->process);
    memset(&scene->status, 0, sizeof scene->status);
    memset(&scene->metrics, 0, sizeof scene->metrics);
}

/* ---- files ---- */

static int full_path(const struct va_scene *scene, const char *path, char ret_path[PATH_MAX])
{
    int n = snprintf(ret_path, PATH_MAX, "%s%s", scene->root, path);

    return n >= 0 && n < PATH_MAX ? 0 : VA_ELIMIT;
}

static int code_of(int number)
{
    return number == ENOENT || number == ENOTDIR ? VA_ENOTFOUND : number == EACCES || number == EPERM ? VA_EDENIED : VA_EIO;
}

int va_scene_text(const struct va_scene *scene, const char *path, char *ret_text, size_t capacity)
{
    return va_sysfs_read(scene->root, path, ret_text, capacity, NULL);
}

int va_scene_file(const struct va_scene *scene, const char *path, size_t max, char **ret_data, size_t *ret_size, va_error *error)
{
    char full[PATH_MAX];

    if (full_path(scene, path, full) < 0)
        return va_fail(error, VA_ELIMIT, "the path %.100s... is too long", path);
    return va_file_read(full, max, ret_data, ret_size, error);
}

int va_scene_stat(const struct va_scene *scene, const char *path, struct stat *ret_status)
{
    char full[PATH_MAX];

    if (full_path(scene, path, full) < 0)
        return VA_ELIMIT;
    return stat(full, ret_status) == 0 ? 0 : code_of(errno);
}

int va_scene_exists(const struct va_scene *scene, const char *path)
{
    struct stat status;

    return va_scene_stat(scene, path, &status) == 0;
}

int va_scene_link(const struct va_scene *scene, const char *path, char *ret_target, size_t capacity)
{
    char full[PATH_MAX];

    if (full_path(scene, path, full) < 0)
        return VA_ELIMIT;
    ssize_t n = readlink(full, ret_target, capacity - 1);
    if (n < 0)
        return code_of(errno);
    ret_target[n] = '\0';
    return 0;
}

int va_scene_tail(const struct va_scene *scene, const char *path, char **ret_text, size_t *ret_size, va_error *error)
{
    char full[PATH_MAX];
    int r = 0;

    snprintf(full, sizeof full, "%s%s", scene->root, path);
    FILE *file = fopen(full, "re");
    char *text = va_alloc(TAIL_BYTES + 1, 1);
    size_t n = 0;
    if (text == NULL)
        r = va_fail_memory(error);
    else if (file == NULL)
        r = va_fail_errno(error, "%s", path);
    else {
        if (fseek(file, -(long)TAIL_BYTES, SEEK_END) != 0)
            rewind(file);
        n = fread(text, 1, TAIL_BYTES, file);
        text[n] = '\0';
    }
    if (file != NULL)
        fclose(file);
    if (r < 0) {
        va_free(text);
        return r;
    }
    *ret_text = text;
    *ret_size = n;
    return 0;
}

int va_scene_each(const struct va_scene *scene, const char *folder, int (*call)(void *user, const char *name), void *user)
{
    return va_sysfs_each(scene->root, folder, call, user);
}

/* ---- programs ---- */

int va_scene_run(struct va_scene *scene, const char *const *argv, struct va_buffer *out, int *ret_exit, va_error *error)
{
    if (scene->root[0] != '\0' && scene->means == &va_scene_real_means)
        return va_fail(error, VA_ESTATE, "%s runs on this machine, not on that below %.150s", argv[0], scene->root);
    return scene->means->run(scene->means->user, argv, out, ret_exit, error);
}

int va_scene_has_systemd(const struct va_scene *scene)
{
    return va_scene_exists(scene, "/run/systemd/system");
}

int va_scene_unit(const struct va_scene *scene, const char *unit, char ret_path[VA_SCENE_PATH_BYTES])
{
    static const char *const folders[] = {"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"};

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        int n = snprintf(ret_path, VA_SCENE_PATH_BYTES, "%s/%s", folders[i], unit);
        if (n > 0 && n < VA_SCENE_PATH_BYTES && va_scene_exists(scene, ret_path))
            return 0;
    }
    return VA_ENOTFOUND;
}

/* The links of a mask and of enabling lead out of a root folder: only where they lead is looked at. */
int va_scene_unit_is_masked(const struct va_scene *scene, const char *unit)
{
    char path[VA_SCENE_PATH_BYTES], target[PATH_MAX];

    snprintf(path, sizeof path, "/etc/systemd/system/%s", unit);
    return va_scene_link(scene, path, target, sizeof target) == 0 && strcmp(target, "/dev/null") == 0;
}

struct wanted {
    const struct va_scene *scene;
    const char *unit;
};

static int is_wanted_here(void *user, const char *name)
{
    const struct wanted *wanted = user;
    const char *dot = strrchr(name, '.');
    char path[VA_SCENE_PATH_BYTES], target[PATH_MAX];

    if (dot == NULL || (strcmp(dot, ".wants") != 0 && strcmp(dot, ".requires") != 0))
        return 0;
    int n = snprintf(path, sizeof path, "/etc/systemd/system/%s/%s", name, wanted->unit);
    return n > 0 && (size_t)n < sizeof path && va_scene_link(wanted->scene, path, target, sizeof target) == 0;
}

int va_scene_unit_is_enabled(const struct va_scene *scene, const char *unit)
{
    struct wanted wanted = {scene, unit};

    return !va_scene_unit_is_masked(scene, unit) && va_scene_each(scene, "/etc/systemd/system", is_wanted_here, &wanted);
}
