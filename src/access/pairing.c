#include "access/pairing.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "access/folder.h"
#include "access/secret_text.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"

#define SUB "access"
#define FILE_NAME "pairing"
#define MAX_FILE_BYTES 4096
#define N_SYMBOLS 12
#define MAX_NAMES 100

static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* without I, L, O, U */

int va_pairing_random(char ret_code[VA_PAIRING_CODE_BYTES], va_error *error)
{
    uint8_t bytes[N_SYMBOLS];
    int r = va_random_bytes(bytes, sizeof bytes, error);

    for (size_t i = 0, at = 0; r == 0 && i < N_SYMBOLS; i++) {
        if (i > 0 && i % 4 == 0)
            ret_code[at++] = '-';
        ret_code[at++] = symbols[bytes[i] % 32];
        ret_code[at] = '\0';
    }
    explicit_bzero(bytes, sizeof bytes);
    return r;
}

/* The hash of what was meant. VA_EDENIED: it cannot be a code. */
static int digest_code(const char *code, uint8_t ret_digest[VA_DIGEST_BYTES], va_error *error)
{
    char meant[N_SYMBOLS];
    size_t n = 0;

    for (const char *p = code; *p != '\0'; p++) {
        int c = toupper((unsigned char)*p);
        c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
        if (c == '-' || c == ' ')
            continue;
        if (strchr(symbols, c) == NULL || n == N_SYMBOLS)
            return va_fail(error, VA_EDENIED, "the code is wrong, used, or too old");
        meant[n++] = (char)c;
    }
    if (n < N_SYMBOLS)
        return va_fail(error, VA_EDENIED, "the code is wrong, used, or too old");
    int r = va_digest(meant, sizeof meant, ret_digest, error);
    explicit_bzero(meant, sizeof meant);
    return r;
}

/* ---- the file: lines "time hash" ---- */

static int parse_line(const char *line, size_t n, struct va_pairing *ret_pairing)
{
    char digest[VA_DIGEST_TEXT_BYTES];
    int64_t time = 0;
    size_t i = 0;

    for (; i < n && i < 12 && isdigit((unsigned char)line[i]); i++)
        time = time * 10 + (line[i] - '0');
    if (i == 0 || i >= n || line[i] != ' ' || n - i - 1 != sizeof digest - 1)
        return VA_EFORMAT;
    memcpy(digest, line + i + 1, sizeof digest - 1);
    digest[sizeof digest - 1] = '\0';
    ret_pairing->ends_unix_s = time;
    return va_hex_read(digest, sizeof ret_pairing->digest, ret_pairing->digest);
}

int va_pairings_parse(const char *text, size_t size, struct va_pairings *ret_pairings)
{
    struct va_pairings pairings = {0};

    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        if (end == NULL || pairings.n == VA_PAIRING_MAX ||
            parse_line(text + at, (size_t)(end - text) - at, &pairings.pairing[pairings.n]) < 0)
            return VA_EFORMAT;
        pairings.n++;
        at = (size_t)(end - text) + 1;
    }
    *ret_pairings = pairings;
    return 0;
}

/* Those that are still open. A damaged file holds none: codes are soon made again. */
static int load(const char *folder, int64_t now_unix_s, struct va_pairings *ret_pairings, va_error *error)
{
    struct va_pairings all = {0}, open = {0};
    char *text = NULL;
    size_t size = 0;
    int r = va_folder_read(folder, SUB, FILE_NAME, MAX_FILE_BYTES, &text, &size, error);

    if (r == 0 && va_pairings_parse(text, size, &all) < 0)
        all.n = 0;
    va_free(text);
    if (r < 0 && r != VA_ENOTFOUND && r != VA_ELIMIT)
        return r;
    for (size_t i = 0; i < all.n; i++) /* a clock that was set back makes no code live longer */
        if (all.pairing[i].ends_unix_s > now_unix_s && all.pairing[i].ends_unix_s <= now_unix_s + VA_PAIRING_S)
            open.pairing[open.n++] = all.pairing[i];
    *ret_pairings = open;
    return 0;
}

static int save(const char *folder, const struct va_pairings *pairings, va_error *error)
{
    char digest[VA_DIGEST_TEXT_BYTES];
    struct va_buffer text;
    int r = 0;

    va_buffer_init(&text, MAX_FILE_BYTES);
    for (size_t i = 0; r == 0 && i < pairings->n; i++) {
        va_hex_write(pairings->pairing[i].digest, sizeof pairings->pairing[i].digest, digest);
        r = va_buffer_printf(&text, "%lld %s\n", (long long)pairings->pairing[i].ends_unix_s, digest);
    }
    r = r < 0 ? va_fail(error, r, "pairing: %s", va_status_text(r)) : va_folder_write(folder, SUB, FILE_NAME, text.data, text.size, error);
    va_buffer_free(&text);
    return r;
}

/* ---- making, claiming ---- */

int va_pairing_make(const char *folder, char ret_code[VA_PAIRING_CODE_BYTES], va_error *error)
{
    int64_t now_unix_s = (int64_t)va_clock_unix_s();
    struct va_pairing made = {.ends_unix_s = now_unix_s + VA_PAIRING_S};
    struct va_pairings pairings;
    char code[VA_PAIRING_CODE_BYTES];
    int lock, r = va_pairing_random(code, error);

    if (r == 0)
        r = digest_code(code, made.digest, error);
    if (r < 0 || (r = va_folder_lock(folder, SUB, &lock, error)) < 0)
        return r;
    r = load(folder, now_unix_s, &pairings, error);
    if (r == 0) {
        if (pairings.n == VA_PAIRING_MAX)
            memmove(pairings.pairing, pairings.pairing + 1, --pairings.n * sizeof pairings.pairing[0]);
        pairings.pairing[pairings.n++] = made;
        r = save(folder, &pairings, error);
    }
    va_folder_unlock(lock);
    if (r == 0)
        memcpy(ret_code, code, sizeof code);
    explicit_bzero(code, sizeof code);
    return r;
}

/* Takes the code off the list: from then on nobody else can claim it. */
static int use_code(const char *folder, const char *code, va_error *error)
{
    int64_t now_unix_s = (int64_t)va_clock_unix_s();
    uint8_t digest[VA_DIGEST_BYTES];
    struct va_pairings pairings;
    size_t found = VA_PAIRING_MAX;
    int lock, r = digest_code(code, digest, error);

    if (r < 0 || (r = va_folder_lock(folder, SUB, &lock, error)) < 0)
        return r;
    if ((r = load(folder, now_unix_s, &pairings, error)) == 0) {
        for (size_t i = 0; i < pairings.n; i++)
            if (CRYPTO_memcmp(pairings.pairing[i].digest, digest, sizeof digest) == 0)
                found = i;
        if (found < pairings.n) {
            memmove(&pairings.pairing[found], &pairings.pairing[found + 1], (--pairings.n - found) * sizeof pairings.pairing[0]);
            r = save(folder, &pairings, error);
        } else {
            r = va_fail(error, VA_EDENIED, "the code is wrong, used, or too old");
        }
    }
    va_folder_unlock(lock);
    return r;
}

int va_pairing_claim(const char *folder, const char *code, const char *name, struct va_token *ret_token, char ret_text[VA_TOKEN_TEXT_BYTES],
                     va_error *error)
{
    char numbered[VA_ACCESS_NAME_BYTES + 8];
    int r;

    if (!va_token_is_name(name))
        return va_fail(error, VA_EINVAL, "a name has 1 to %d bytes, none of them a control character", VA_ACCESS_NAME_BYTES - 1);
    if ((r = use_code(folder, code, error)) < 0)
        return r;
    r = va_tokens_add(folder, name, VA_PAIRING_SCOPES, 0, ret_token, ret_text, error);
    for (int i = 2; r == VA_ESTATE && i < MAX_NAMES; i++) {
        size_t n = strlen(name) < VA_ACCESS_NAME_BYTES - 5 ? strlen(name) : VA_ACCESS_NAME_BYTES - 5;
        while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80) /* not within a character */
            n--;
        snprintf(numbered, sizeof numbered, "%.*s %d", (int)n, name, i);
        r = va_tokens_add(folder, numbered, VA_PAIRING_SCOPES, 0, ret_token, ret_text, error);
    }
    return r;
}
