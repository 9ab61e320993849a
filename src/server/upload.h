/* upload.h - an unlinked, bounded file that takes an upload, and the budget all uploads share. */
#ifndef VA_SERVER_UPLOAD_H
#define VA_SERVER_UPLOAD_H

#include <stdatomic.h>

#include "base/error.h"

struct va_upload {
    int fd; /* -1: none */
    uint64_t size;
    _Atomic uint64_t *total; /* bytes of all uploads on disk */
    uint64_t max_total;
};

/* total is shared between uploads and threads. */
void va_upload_init(struct va_upload *upload, _Atomic uint64_t *total, uint64_t max_total);

/* A file without a name in folder: it vanishes with its last descriptor, also when the program is killed. */
VA_MUST_CHECK int va_upload_open(struct va_upload *upload, const char *folder, va_error *error);

/* VA_EBUSY: the shared budget is used up. VA_ELIMIT: the disk is full. VA_EIO. */
VA_MUST_CHECK int va_upload_write(struct va_upload *upload, const char *data, size_t n, va_error *error);

/* Hands the descriptor over, at its start; the bytes stay counted until va_upload_close. */
int va_upload_take(struct va_upload *upload);

void va_upload_close(struct va_upload *upload);

#endif
