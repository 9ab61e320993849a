#include "privacy/privacy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"

#define ON_TEXT "on\n"
#define OFF_TEXT "off\n"

/* Anything but a regular file is a damaged switch: a link may lead to where another can write, a pipe has no end. */
static int read_switch(const char *path, va_error *error)
{
    char text[8];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return 0;
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (n < 0)
        (void)va_fail_errno(error, "%s cannot be read, so privacy mode is on", path);
    if (fd >= 0)
        close(fd);
    if (n == (ssize_t)strlen(OFF_TEXT) && memcmp(text, OFF_TEXT, (size_t)n) == 0)
        return 0;
    if (n >= 0 && (n != (ssize_t)strlen(ON_TEXT) || memcmp(text, ON_TEXT, (size_t)n) != 0))
        (void)va_fail(error, VA_EFORMAT, "%s is damaged, so privacy mode is on", path);
    return 1;
}

int va_privacy_read(const char *folder, va_error *error)
{
    char path[PATH_MAX]; /* not on the heap: out of memory would be on, too */

    *error = (va_error){0};
    if (snprintf(path, sizeof path, "%s/%s", folder, VA_PRIVACY_FILE) < (int)sizeof path)
        return read_switch(path, error);
    (void)va_fail(error, VA_ELIMIT, "the path of the switch is too long, so privacy mode is on");
    return 1;
}

int va_privacy_write(const char *folder, int on, va_error *error)
{
    const char *text = on ? ON_TEXT : OFF_TEXT;
    char *path = va_paths_join(folder, VA_PRIVACY_FILE);
    if (path == NULL)
        return va_fail_memory(error);
    int r = va_file_write(path, text, strlen(text), 0600, error);
    va_free(path);
    return r;
}
