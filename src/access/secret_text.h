/* secret_text.h - secrets that are made here, and what is kept of them; inside src/access only. Any thread. */
#ifndef VA_ACCESS_SECRET_TEXT_H
#define VA_ACCESS_SECRET_TEXT_H

#include "base/error.h"

#define VA_DIGEST_BYTES 32
#define VA_DIGEST_TEXT_BYTES 65

/* From the kernel. VA_EIO. */
VA_MUST_CHECK int va_random_bytes(void *ret_data, size_t n, va_error *error);

/* SHA-256. Of a secret of 256 random bits it is enough: there is nothing to guess, so nothing to slow down. */
VA_MUST_CHECK int va_digest(const void *data, size_t n, uint8_t ret_digest[VA_DIGEST_BYTES], va_error *error);

/* Lower-case hexadecimal digits; text has room for 2 * n + 1. Reading: VA_EFORMAT unless it is 2 * n of them. */
void va_hex_write(const uint8_t *data, size_t n, char *ret_text);
VA_MUST_CHECK int va_hex_read(const char *text, size_t n, uint8_t *ret_data);

#endif
