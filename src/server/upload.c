#include "server/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

void va_upload_init(struct va_upload *upload, _Atomic uint64_t *total, uint64_t max_total)
{
    *upload = (struct va_upload){.fd = -1, .total = total, .max_total = max_total};
}

int va_upload_open(struct va_upload *upload, const char *folder, va_error *error)
{
    return va_file_open_unnamed(folder, &upload->fd, error);
}

int va_upload_write(struct va_upload *upload, const char *data, size_t n, va_error *error)
{
    upload->size += n;
    if (atomic_fetch_add(upload->total, n) + n > upload->max_total)
        return va_fail(error, VA_EBUSY, "too many uploads at the same time");
    if (va_file_write_all(upload->fd, data, n) == 0)
        return 0;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
        return va_fail(error, VA_ELIMIT, "the disk is full");
    return va_fail_errno(error, "cannot keep an upload");
}

int va_upload_take(struct va_upload *upload)
{
    int fd = upload->fd;
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) < 0)
        return -1;
    upload->fd = -1;
    return fd;
}

void va_upload_close(struct va_upload *upload)
{
    if (upload->fd >= 0)
        close(upload->fd);
    upload->fd = -1;
    if (upload->total != NULL)
        atomic_fetch_sub(upload->total, upload->size);
    upload->size = 0;
}
