#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/utf8.h"

#define MAX_BYTES 4096

static int read_open(int fd, const char *path, char **ret_text, va_error *error)
{
    char bytes[MAX_BYTES + 1];
    struct stat status;
    ssize_t n;

    if (fstat(fd, &status) != 0)
        return va_fail_errno(error, "cannot read %.150s", path);
    if (!S_ISREG(status.st_mode))
        return va_fail(error, VA_EINVAL, "%.150s is not a file", path);
    if ((status.st_mode & 077) != 0)
        return va_fail(error, VA_EDENIED, "others may read or change %.120s: make its mode 0600", path);
    while ((n = read(fd, bytes, sizeof bytes)) < 0 && errno == EINTR)
        ;
    if (n < 0)
        return va_fail_errno(error, "cannot read %.150s", path);
    size_t end = 0;
    while (end < (size_t)n && (unsigned char)bytes[end] >= 0x20 && bytes[end] != 0x7f)
        end++;
    int is_line = end < sizeof bytes && (end == (size_t)n || bytes[end] == '\n' || bytes[end] == '\r') && va_utf8_valid(bytes, end);
    char *text = end > 0 && is_line ? va_strndup(bytes, end) : NULL;
    explicit_bzero(bytes, sizeof bytes);
    if (end == 0 || !is_line)
        return va_fail(error, VA_EFORMAT, "%.150s must have one line of text, of %d bytes at most", path, MAX_BYTES);
    if (text == NULL)
        return va_fail_memory(error);
    *ret_text = text;
    return 0;
}

int va_secret_read(const char *path, char **ret_text, va_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return va_fail_errno(error, "cannot read %.150s", path);
    int r = read_open(fd, path, ret_text, error);
    close(fd);
    return r;
}

void va_secret_free(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    va_free(text);
}
