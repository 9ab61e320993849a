#include "nn/sha256.h"

#include <openssl/evp.h>

#include "base/memory.h"

struct va_sha256 {
    EVP_MD_CTX *context;
};

int va_sha256_new(va_sha256 **ret_hash, va_error *error)
{
    va_sha256 *hash = va_calloc(1, sizeof *hash);
    if (hash == NULL)
        return va_fail_memory(error);
    hash->context = EVP_MD_CTX_new();
    if (hash->context == NULL) {
        va_sha256_free(hash);
        return va_fail_memory(error);
    }
    if (EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1) {
        va_sha256_free(hash);
        return va_fail(error, VA_EFAILED, "the cryptographic library offers no SHA-256");
    }
    *ret_hash = hash;
    return 0;
}

void va_sha256_free(va_sha256 *hash)
{
    if (hash == NULL)
        return;
    EVP_MD_CTX_free(hash->context);
    va_free(hash);
}

int va_sha256_update(va_sha256 *hash, const void *data, size_t size, va_error *error)
{
    if (EVP_DigestUpdate(hash->context, data, size) != 1)
        return va_fail(error, VA_EFAILED, "computing SHA-256 failed");
    return 0;
}

int va_sha256_final(va_sha256 *hash, uint8_t ret_digest[VA_SHA256_SIZE], va_error *error)
{
    if (EVP_DigestFinal_ex(hash->context, ret_digest, NULL) != 1)
        return va_fail(error, VA_EFAILED, "computing SHA-256 failed");
    return 0;
}

int va_sha256_of(const void *data, size_t size, uint8_t ret_digest[VA_SHA256_SIZE], va_error *error)
{
    va_sha256 *hash;
    int r = va_sha256_new(&hash, error);
    if (r < 0)
        return r;
    r = va_sha256_update(hash, data, size, error);
    if (r == 0)
        r = va_sha256_final(hash, ret_digest, error);
    va_sha256_free(hash);
    return r;
}

void va_sha256_text(const uint8_t digest[VA_SHA256_SIZE], char ret_text[VA_SHA256_TEXT_SIZE])
{
    for (int i = 0; i < VA_SHA256_SIZE; i++) {
        ret_text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        ret_text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    ret_text[2 * VA_SHA256_SIZE] = '\0';
}
