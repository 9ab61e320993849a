#include "base/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int full_path(const char *root, const char *path, char ret_path[VA_SYSFS_PATH_BYTES], va_error *error)
{
    int n = snprintf(ret_path, VA_SYSFS_PATH_BYTES, "%s%s", root, path);

    return n >= 0 && n < VA_SYSFS_PATH_BYTES ? 0 : va_fail(error, VA_ELIMIT, "the path %.100s... is too long", path);
}

int va_sysfs_read(const char *root, const char *path, char *ret_text, size_t capacity, va_error *error)
{
    char full[VA_SYSFS_PATH_BYTES];
    int r = full_path(root, path, full, error);

    if (r < 0)
        return r;
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, ret_text, capacity - 1);
    r = n < 0 ? va_fail_errno(error, "%s", full) : 0;
    if (fd >= 0)
        close(fd);
    while (n > 0 && strchr(" \t\n", ret_text[n - 1]) != NULL)
        n--;
    ret_text[n < 0 ? 0 : n] = '\0';
    return r;
}

int va_sysfs_read_number(const char *root, const char *path, int64_t *ret_value, va_error *error)
{
    char text[64], *end;
    int r = va_sysfs_read(root, path, text, sizeof text, error);

    if (r < 0)
        return r;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        return va_fail(error, VA_EFORMAT, "%s%s is no number", root, path);
    *ret_value = value;
    return 0;
}

int va_sysfs_write_bytes(const char *root, const char *path, const void *bytes, size_t n, va_error *error)
{
    char full[VA_SYSFS_PATH_BYTES];
    int r = full_path(root, path, full, error);

    if (r < 0)
        return r;
    int fd = open(full, O_WRONLY | O_CLOEXEC);
    r = fd >= 0 && write(fd, bytes, n) == (ssize_t)n ? 0 : va_fail_errno(error, "%s", full);
    if (fd >= 0)
        close(fd);
    return r;
}

int va_sysfs_write(const char *root, const char *path, const char *text, va_error *error)
{
    return va_sysfs_write_bytes(root, path, text, strlen(text), error);
}

int va_sysfs_check_writable(const char *root, const char *path, va_error *error)
{
    char full[VA_SYSFS_PATH_BYTES];
    int r = full_path(root, path, full, error);

    if (r < 0 || faccessat(AT_FDCWD, full, W_OK, AT_EACCESS) == 0)
        return r;
    if (errno == EACCES || errno == EPERM || errno == EROFS)
        return va_fail(error, VA_EDENIED, "needs permission to write %s", full);
    return va_fail_errno(error, "%s", full);
}

int va_sysfs_each(const char *root, const char *folder, int (*call)(void *user, const char *name), void *user)
{
    char full[VA_SYSFS_PATH_BYTES];
    struct dirent *entry;
    int r = 0;
    DIR *entries = full_path(root, folder, full, NULL) < 0 ? NULL : opendir(full);

    if (entries == NULL)
        return 0;
    while (r == 0 && (entry = readdir(entries)) != NULL)
        if (entry->d_name[0] != '.')
            r = call(user, entry->d_name);
    closedir(entries);
    return r;
}

struct search {
    const char *root, *folder, *file, *prefix;
    char *path; /* [VA_SYSFS_PATH_BYTES] */
};

static int has_file(void *user, const char *name)
{
    const struct search *search = user;
    char text[8];

    if (strncmp(name, search->prefix, strlen(search->prefix)) != 0)
        return 0;
    int n = snprintf(search->path, VA_SYSFS_PATH_BYTES, "%s/%.100s/%s", search->folder, name, search->file);
    return n > 0 && n < VA_SYSFS_PATH_BYTES && va_sysfs_read(search->root, search->path, text, sizeof text, NULL) == 0;
}

int va_sysfs_first(const char *root, const char *folder, const char *prefix, const char *file, char ret_path[VA_SYSFS_PATH_BYTES])
{
    struct search search = {root, folder, file, prefix, ret_path};

    return va_sysfs_each(root, folder, has_file, &search) ? 0 : VA_ENOTFOUND;
}
