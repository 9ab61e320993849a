#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define REMOVE_MAX_DEPTH 128 /* one open folder each */

int va_file_read(const char *path, size_t max, char **ret_data, size_t *ret_size, va_error *error)
{
    size_t size = 0, capacity = 4096;
    int r;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return va_fail_errno(error, "%s", path);

    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        if ((uint64_t)info.st_size > max) {
            close(fd);
            return va_fail(error, VA_ELIMIT, "%s: larger than %zu bytes", path, max);
        }
        if (info.st_size > 4096) /* files in /proc and /sys say 0 */
            capacity = (size_t)info.st_size + 2;
    }
    char *data = va_alloc(capacity, 1);
    if (data == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    for (;;) {
        if (size + 1 >= capacity) {
            char *more = va_realloc(data, capacity *= 2, 1);
            if (more == NULL) {
                r = va_fail_memory(error);
                goto fail;
            }
            data = more;
        }
        ssize_t n = read(fd, data + size, capacity - size - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            r = va_fail_errno(error, "%s", path);
            goto fail;
        }
        if (n == 0)
            break;
        size += (size_t)n;
        if (size > max) {
            r = va_fail(error, VA_ELIMIT, "%s: larger than %zu bytes", path, max);
            goto fail;
        }
    }
    close(fd);
    data[size] = '\0';
    *ret_data = data;
    *ret_size = size;
    return 0;

fail:
    close(fd);
    va_free(data);
    return r;
}

/* Some file systems cannot; then a file is still whole, old or new. */
void va_file_sync_parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        slash[slash == path] = '\0';
    int fd = open(slash != NULL ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

/* By descriptor: a name could be another thing by now. What fails, fails later, and is told then. */
void va_file_hand_over(int fd, const char *path)
{
    struct stat folder;
    char *parent = geteuid() == 0 ? va_strdup(path) : NULL;
    if (parent == NULL)
        return;
    char *slash = strrchr(parent, '/');
    if (slash != NULL)
        slash[slash == parent] = '\0';
    if (stat(slash != NULL ? parent : ".", &folder) == 0 && folder.st_uid != 0 && fchown(fd, folder.st_uid, folder.st_gid) < 0)
        errno = 0;
    va_free(parent);
}

int va_file_write_all(int fd, const void *data, size_t n)
{
    for (const char *at = data; n > 0;) {
        ssize_t written = write(fd, at, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return VA_EIO;
        at += written;
        n -= (size_t)written;
    }
    return 0;
}

int va_file_write(const char *path, const void *data, size_t size, unsigned mode, va_error *error)
{
    int r;
    char *temporary = va_asprintf("%s.XXXXXX", path);
    if (temporary == NULL)
        return va_fail_memory(error);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        r = va_fail_errno(error, "cannot write %s", path);
        va_free(temporary);
        return r;
    }
    va_file_hand_over(fd, path);
    if (va_file_write_all(fd, data, size) < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(temporary, path) < 0) {
        r = va_fail_errno(error, "cannot write %s", path);
        goto fail;
    }
    close(fd);
    va_file_sync_parent(temporary);
    va_free(temporary);
    return 0;

fail:
    close(fd);
    unlink(temporary);
    va_free(temporary);
    return r;
}

int va_file_open_unnamed(const char *folder, int *ret_fd, va_error *error)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        /* Not every file system makes files without a name. */
        char *path = va_asprintf("%s/voice-assistant.XXXXXX", folder);
        if (path == NULL)
            return va_fail_memory(error);
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
        va_free(path);
    }
    if (fd < 0)
        return va_fail_errno(error, "a temporary file in %s", folder);
    *ret_fd = fd;
    return 0;
}

int va_file_map(const char *path, struct va_map *ret_map, va_error *error)
{
    struct stat info;
    int r;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe is refused below, not waited for */
    if (fd < 0)
        return va_fail_errno(error, "%s", path);
    if (fstat(fd, &info) < 0) {
        r = va_fail_errno(error, "%s", path);
    } else if (!S_ISREG(info.st_mode)) {
        r = va_fail(error, VA_EFORMAT, "%s: not a regular file", path);
    } else if (info.st_size == 0) {
        r = va_fail(error, VA_EFORMAT, "%s: empty file", path);
    } else {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED) {
            r = va_fail_errno(error, "cannot map %s", path);
        } else {
            *ret_map = (struct va_map){data, (size_t)info.st_size};
            r = 0;
        }
    }
    close(fd);
    return r;
}

void va_file_unmap(struct va_map *map)
{
    if (map->data != NULL)
        munmap((void *)map->data, map->size);
    *map = (struct va_map){0};
}

static int make_folder(const char *path, unsigned mode, va_error *error)
{
    if (mkdir(path, mode) < 0)
        return errno == EEXIST ? 0 : va_fail_errno(error, "cannot make folder %s", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        va_file_hand_over(fd, path);
        close(fd);
    }
    return 0;
}

int va_file_make_folder(const char *path, unsigned mode, va_error *error)
{
    struct stat info;
    int r = 0;

    if (path[0] == '\0')
        return va_fail(error, VA_EINVAL, "cannot make folder: no name given");
    char *copy = va_strdup(path);
    if (copy == NULL)
        return va_fail_memory(error);
    for (char *p = copy + 1; r == 0 && *p != '\0'; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        r = make_folder(copy, mode, error);
        *p = '/';
    }
    if (r == 0)
        r = make_folder(copy, mode, error);
    if (r == 0 && (stat(copy, &info) < 0 || !S_ISDIR(info.st_mode)))
        r = va_fail(error, VA_EIO, "cannot make folder %s: a file of this name is in the way", copy);
    va_free(copy);
    return r;
}

/* Removes what is inside the folder open as fd, and closes it. */
static int remove_inside(int fd, const char *path, int depth, va_error *error)
{
    int r = 0;
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        r = va_fail_errno(error, "%s", path);
        close(fd);
        return r;
    }
    if (depth == REMOVE_MAX_DEPTH)
        r = va_fail(error, VA_ELIMIT, "cannot remove %s: more than %d folders deep", path, REMOVE_MAX_DEPTH);
    while (r == 0) {
        errno = 0;
        struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            if (errno != 0)
                r = va_fail_errno(error, "%s", path);
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int inner = openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int flags = 0;
        if (inner >= 0) {
            r = remove_inside(inner, entry->d_name, depth + 1, error);
            flags = AT_REMOVEDIR;
        }
        if (r == 0 && unlinkat(dirfd(folder), entry->d_name, flags) < 0 && errno != ENOENT)
            r = va_fail_errno(error, "cannot remove %s", entry->d_name);
    }
    closedir(folder);
    return r;
}

int va_file_remove_tree(const char *path, va_error *error)
{
    size_t length = strlen(path);
    int r = 0;

    while (length > 1 && path[length - 1] == '/') /* "link/" would follow the link */
        length--;
    char *name = va_strndup(path, length);
    if (name == NULL)
        return va_fail_memory(error);
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        r = remove_inside(fd, name, 0, error);
        if (r == 0 && rmdir(name) < 0)
            r = va_fail_errno(error, "cannot remove %s", name);
    } else if (unlink(name) < 0 && errno != ENOENT) {
        r = va_fail_errno(error, "cannot remove %s", name);
    }
    va_free(name);
    return r;
}

int va_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
