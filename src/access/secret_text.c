#include "access/secret_text.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

int va_random_bytes(void *ret_data, size_t n, va_error *error)
{
    for (size_t done = 0; done < n;) {
        ssize_t r = getrandom((char *)ret_data + done, n - done, 0);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return va_fail_errno(error, "the system gives no random numbers");
        done += (size_t)r;
    }
    return 0;
}

int va_digest(const void *data, size_t n, uint8_t ret_digest[VA_DIGEST_BYTES], va_error *error)
{
    return EVP_Digest(data, n, ret_digest, NULL, EVP_sha256(), NULL) == 1 ? 0 : va_fail_memory(error);
}

void va_hex_write(const uint8_t *data, size_t n, char *ret_text)
{
    for (size_t i = 0; i < n; i++) {
        ret_text[2 * i] = "0123456789abcdef"[data[i] >> 4];
        ret_text[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
    }
    ret_text[2 * n] = '\0';
}

int va_hex_read(const char *text, size_t n, uint8_t *ret_data)
{
    static const char digits[] = "0123456789abcdef";

    if (strlen(text) != 2 * n || strspn(text, digits) != 2 * n)
        return VA_EFORMAT;
    for (size_t i = 0; i < n; i++)
        ret_data[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) << 4 | (strchr(digits, text[2 * i + 1]) - digits));
    return 0;
}
