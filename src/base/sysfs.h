/* sysfs.h - the kernel's small files below a root folder. Any thread; nothing here allocates. */
#ifndef VA_BASE_SYSFS_H
#define VA_BASE_SYSFS_H

#include "base/error.h"

#define VA_SYSFS_PATH_BYTES 512

/* The text without the blank space at its end. 0, or negative: VA_ENOTFOUND, VA_EDENIED, VA_EIO ... */
VA_MUST_CHECK int va_sysfs_read(const char *root, const char *path, char *ret_text, size_t capacity, va_error *error);
/* A whole number. VA_EFORMAT as well. */
VA_MUST_CHECK int va_sysfs_read_number(const char *root, const char *path, int64_t *ret_value, va_error *error);
VA_MUST_CHECK int va_sysfs_write(const char *root, const char *path, const char *text, va_error *error);
VA_MUST_CHECK int va_sysfs_write_bytes(const char *root, const char *path, const void *bytes, size_t n, va_error *error);
/* Whether this user may write it. VA_ENOTFOUND, VA_EDENIED "needs permission to write ...". */
VA_MUST_CHECK int va_sysfs_check_writable(const char *root, const char *path, va_error *error);

/* Calls for each entry of a folder, in any order; ends when call returns non-zero, and returns that. 0 also without such a folder. */
int va_sysfs_each(const char *root, const char *folder, int (*call)(void *user, const char *name), void *user);

/* The path of `file` in an entry of a folder that has it and whose name begins with prefix: the first. 0, or VA_ENOTFOUND. */
int va_sysfs_first(const char *root, const char *folder, const char *prefix, const char *file, char ret_path[VA_SYSFS_PATH_BYTES]);

#endif
