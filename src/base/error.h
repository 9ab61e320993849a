/* error.h - the one error idiom: 0 or a negative VA_E*, and a line for a person.
 *
 * Codes and va_error come from the public header, so that they mean the same inside and outside.
 * Any thread. Nothing here allocates. */
#ifndef VA_BASE_ERROR_H
#define VA_BASE_ERROR_H

#include <voice_assistant.h>

/* Fills error (when not NULL) and returns code: `return va_fail(error, VA_EFORMAT, "%s: bad magic", path);`
 * Control characters become '?', a long text is cut, and error->text may be among the arguments. */
int va_fail(va_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: appends strerror(errno) and picks the code from it (ENOENT -> VA_ENOTFOUND, ...). */
int va_fail_errno(va_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* VA_ENOMEM with its line. */
int va_fail_memory(va_error *error);

#endif
