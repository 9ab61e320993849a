/* folder.h - files below the data folder that decide who comes in, and the lock under which they are changed; inside src/access only. */
#ifndef VA_ACCESS_FOLDER_H
#define VA_ACCESS_FOLDER_H

#include "base/error.h"

/* FOLDER/SUB, made with mode 0700, and locked until va_folder_unlock. VA_EIO, VA_EDENIED, VA_ENOMEM. */
VA_MUST_CHECK int va_folder_lock(const char *folder, const char *sub, int *ret_lock, va_error *error);
void va_folder_unlock(int lock);

/* FOLDER/SUB/NAME when it is nobody else's to read or change, NUL-terminated; va_free it. VA_EDENIED otherwise, VA_ENOTFOUND. */
VA_MUST_CHECK int va_folder_read(const char *folder, const char *sub, const char *name, size_t max, char **ret_text, size_t *ret_size,
                                 va_error *error);

/* Replaces it, with mode 0600. */
VA_MUST_CHECK int va_folder_write(const char *folder, const char *sub, const char *name, const void *data, size_t size, va_error *error);

#endif
