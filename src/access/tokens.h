/* tokens.h - the file access/tokens: what may come in, and with which scopes. Any thread, and several programs at once.
 *
 * A line for each token and client certificate. Of a token only its SHA-256 is kept, so the file lets nobody in. It has mode 0600, is
 * whole at any moment, and is changed under a lock. When each was last used stands in a file of its own, access/used, so that whoever
 * checks tokens never writes the one that decides. */
#ifndef VA_ACCESS_TOKENS_H
#define VA_ACCESS_TOKENS_H

#include "access/scopes.h"

#define VA_TOKENS_MAX 256
#define VA_TOKEN_TEXT_BYTES 68 /* "va_" and 64 hexadecimal digits */
#define VA_TOKEN_MAX_DAYS 36500

enum va_token_kind { VA_TOKEN_BEARER, VA_TOKEN_CERTIFICATE };

struct va_token {
    enum va_token_kind kind;
    char id[VA_TOKEN_ID_BYTES]; /* 8 hexadecimal digits */
    unsigned scopes;
    int64_t created_unix_s, expires_unix_s, used_unix_s; /* 0: never; used: to the hour */
    uint8_t digest[32];                                  /* SHA-256 of the token's text, or of the certificate */
    char name[VA_ACCESS_NAME_BYTES];                     /* UTF-8 without control characters; no two are the same */
};

struct va_tokens {
    struct va_token token[VA_TOKENS_MAX]; /* [n] */
    size_t n;
};

int va_token_is_name(const char *name);

/* The text of the file. VA_EFORMAT, with the line in error. */
VA_MUST_CHECK int va_tokens_parse(const char *text, size_t size, struct va_tokens *ret_tokens, va_error *error);

/* folder: of data. No file: no tokens. VA_EDENIED: others may read or change the file. va_free it. */
VA_MUST_CHECK int va_tokens_load(const char *folder, struct va_tokens **ret_tokens, va_error *error);

/* Makes a token and tells it, this once. days: it is valid; 0: for ever. VA_EINVAL: no such name, scopes or days; VA_ESTATE: the name is
 * taken; VA_ELIMIT: there are too many. */
VA_MUST_CHECK int va_tokens_add(const char *folder, const char *name, unsigned scopes, int days, struct va_token *ret_token,
                                char ret_text[VA_TOKEN_TEXT_BYTES], va_error *error);
VA_MUST_CHECK int va_tokens_add_certificate(const char *folder, const char *name, unsigned scopes, int64_t expires_unix_s,
                                            const uint8_t digest[32], struct va_token *ret_token, va_error *error);

/* By id or name. VA_ENOTFOUND. */
VA_MUST_CHECK int va_tokens_revoke(const char *folder, const char *which, struct va_token *ret_token, va_error *error);

/* Writes when they were used. */
VA_MUST_CHECK int va_tokens_write_used(const char *folder, const struct va_tokens *tokens, va_error *error);

#endif
