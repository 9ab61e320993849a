/* pairing.h - one-time codes that a new device shows for a token. Any thread, and several programs at once.
 *
 * A code has 60 random bits, is valid for minutes, and is taken off the list by whoever shows it first. Only hashes are kept, in
 * access/pairing (0600). Whoever takes codes from outside counts wrong ones (va_access_try). */
#ifndef VA_ACCESS_PAIRING_H
#define VA_ACCESS_PAIRING_H

#include "access/tokens.h"

#define VA_PAIRING_CODE_BYTES 15 /* "ABCD-EFGH-JKMN" */
#define VA_PAIRING_S 300
#define VA_PAIRING_MAX 16 /* open at once; the oldest goes first */
#define VA_PAIRING_SCOPES (VA_SCOPE_STATUS | VA_SCOPE_TRANSCRIBE | VA_SCOPE_CONTROL | VA_SCOPE_HISTORY)

struct va_pairing {
    int64_t ends_unix_s;
    uint8_t digest[32];
};

struct va_pairings {
    struct va_pairing pairing[VA_PAIRING_MAX]; /* [n] */
    size_t n;
};

/* Three groups of four without letters that look alike. */
VA_MUST_CHECK int va_pairing_random(char ret_code[VA_PAIRING_CODE_BYTES], va_error *error);

/* The text of the file. VA_EFORMAT. */
VA_MUST_CHECK int va_pairings_parse(const char *text, size_t size, struct va_pairings *ret_pairings);

VA_MUST_CHECK int va_pairing_make(const char *folder, char ret_code[VA_PAIRING_CODE_BYTES], va_error *error);

/* A token for the device: named as it says, or with a number behind when that is taken. Blanks, dashes and case of the code do not
 * matter. VA_EDENIED: the code is wrong, used, or too old. VA_EINVAL: no name; the code stays. */
VA_MUST_CHECK int va_pairing_claim(const char *folder, const char *code, const char *name, struct va_token *ret_token,
                                   char ret_text[VA_TOKEN_TEXT_BYTES], va_error *error);

/* For people: what stands in the way of other devices where the port with TLS is for this machine only. */
#define VA_ACCESS_LOCAL_HINT "Other devices cannot come yet: set server.tls_listen to :: and start the program again."

#endif
