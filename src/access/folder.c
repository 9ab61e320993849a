#include "access/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

int va_folder_lock(const char *folder, const char *sub, int *ret_lock, va_error *error)
{
    char *inner = va_asprintf("%s/%s", folder, sub), *path = va_asprintf("%s/%s/lock", folder, sub);
    int r = inner == NULL || path == NULL ? va_fail_memory(error) : va_file_make_folder(folder, 0750, error);
    int lock = -1;

    if (r == 0)
        r = va_file_make_folder(inner, 0700, error);
    if (r == 0 && (lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
        r = va_fail_errno(error, "cannot open %s", path);
    if (r == 0)
        va_file_hand_over(lock, path);
    while (r == 0 && flock(lock, LOCK_EX) < 0)
        if (errno != EINTR)
            r = va_fail_errno(error, "cannot lock %s", path);
    va_free(inner);
    va_free(path);
    if (r == 0)
        *ret_lock = lock;
    else if (lock >= 0)
        close(lock);
    return r;
}

void va_folder_unlock(int lock)
{
    close(lock);
}

int va_folder_read(const char *folder, const char *sub, const char *name, size_t max, char **ret_text, size_t *ret_size, va_error *error)
{
    char *path = va_asprintf("%s/%s/%s", folder, sub, name);
    struct stat info;
    int r = 0;

    if (path == NULL)
        return va_fail_memory(error);
    if (lstat(path, &info) < 0)
        r = va_fail_errno(error, "%s", path);
    else if (!S_ISREG(info.st_mode))
        r = va_fail(error, VA_EDENIED, "%.180s is not a file", path);
    else if ((info.st_mode & 077) != 0)
        r = va_fail(error, VA_EDENIED, "others may read or change %.150s: make its mode 0600", path);
    else
        r = va_file_read(path, max, ret_text, ret_size, error);
    va_free(path);
    return r;
}

int va_folder_write(const char *folder, const char *sub, const char *name, const void *data, size_t size, va_error *error)
{
    char *path = va_asprintf("%s/%s/%s", folder, sub, name);
    int r = path == NULL ? va_fail_memory(error) : va_file_write(path, data, size, 0600, error);

    va_free(path);
    return r;
}
