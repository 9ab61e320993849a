/* secret.h - tokens and passwords, from files that only their owner reads. Any thread. */
#ifndef VA_BASE_SECRET_H
#define VA_BASE_SECRET_H

#include "base/error.h"

/* The first line of a file that is nobody else's (mode 0600). VA_EDENIED otherwise; VA_ENOTFOUND, VA_EFORMAT, VA_EINVAL, VA_EIO. */
VA_MUST_CHECK int va_secret_read(const char *path, char **ret_text, va_error *error);
void va_secret_free(char *text); /* wipes it; NULL is fine */

#endif
