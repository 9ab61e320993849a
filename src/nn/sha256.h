/* sha256.h - SHA-256 over pieces (OpenSSL beneath). One thread at a time for each. */
#ifndef VA_NN_SHA256_H
#define VA_NN_SHA256_H

#include "base/error.h"

#define VA_SHA256_SIZE 32
#define VA_SHA256_TEXT_SIZE 65

typedef struct va_sha256 va_sha256;

VA_MUST_CHECK int va_sha256_new(va_sha256 **ret_hash, va_error *error);
void va_sha256_free(va_sha256 *hash);
VA_MUST_CHECK int va_sha256_update(va_sha256 *hash, const void *data, size_t size, va_error *error);
/* Once, after the last update. */
VA_MUST_CHECK int va_sha256_final(va_sha256 *hash, uint8_t ret_digest[VA_SHA256_SIZE], va_error *error);

/* All of it in one go. */
VA_MUST_CHECK int va_sha256_of(const void *data, size_t size, uint8_t ret_digest[VA_SHA256_SIZE], va_error *error);

/* Lower-case hexadecimal digits. */
void va_sha256_text(const uint8_t digest[VA_SHA256_SIZE], char ret_text[VA_SHA256_TEXT_SIZE]);

#endif
