/* access.h - who may do what: tokens with scopes, and client certificates. Any thread.
 *
 *     struct va_peer peer = {.address = "192.168.1.20", .is_tls = 1};
 *     if (va_access_check(access, &peer, token, &identity, &retry_after_s) == 0 && identity.scopes & VA_SCOPE_CONTROL) ... */
#ifndef VA_ACCESS_H
#define VA_ACCESS_H

#include "base/error.h"

enum va_scope {
    VA_SCOPE_STATUS = 1,     /* "status": see state, health, metrics, power */
    VA_SCOPE_TRANSCRIBE = 2, /* "transcribe": uploads, OpenAI's routes */
    VA_SCOPE_CONTROL = 4,    /* "control": run commands, microphone, live, events, latest text, privacy switch, power */
    VA_SCOPE_HISTORY = 8,    /* "history": read, export and delete the history */
    VA_SCOPE_ADMIN = 16      /* "admin": settings, tokens, pairing */
};
#define VA_SCOPE_ALL 31u

#define VA_ACCESS_NAME_BYTES 48
#define VA_TOKEN_ID_BYTES 9

typedef struct va_access va_access;

struct va_access_options {
    const char *folder; /* of data: access/tokens (0600) lies in it; read again when it changes on the disk */
    int local_open;     /* whoever is on the loopback without TLS has all scopes; else needs a token, too */
};

struct va_peer {
    const char *address; /* as text, IPv4 or IPv6 */
    int is_loopback, is_tls;
    const char *certificate_sha256; /* of a client certificate that the local CA signed, lower-case hex; or NULL */
};

struct va_identity {
    unsigned scopes;
    char name[VA_ACCESS_NAME_BYTES];
    char id[VA_TOKEN_ID_BYTES]; /* of the token or certificate; "": none was needed */
};

/* VA_EFORMAT: access/tokens is damaged; VA_EDENIED: others may read or change it. While it is either of these at run time, no token
 * is valid. */
VA_MUST_CHECK int va_access_open(const struct va_access_options *options, va_access **ret_access, va_error *error);
void va_access_free(va_access *access);

/* token: what came behind "Bearer ", or NULL. VA_EDENIED: there is none, or a wrong one, or the certificate is not listed either.
 * VA_EBUSY: a wrong one again, after too many from that address; ret_retry_after_s says how long to wait. A right one always passes. */
VA_MUST_CHECK int va_access_check(va_access *access, const struct va_peer *peer, const char *token, struct va_identity *ret_identity,
                                  int *ret_retry_after_s);

/* For what stays open: 0 when the identity's token was revoked or is over since. Any thread. */
int va_access_holds(va_access *access, const struct va_identity *identity);

/* For other secrets that peers may guess, such as pairing codes: counts a try of that address as a wrong one. VA_EBUSY: it is to wait. */
VA_MUST_CHECK int va_access_try(va_access *access, const struct va_peer *peer, int *ret_retry_after_s);

/* Distinct tokens, certificates and, without those, addresses that were let in during the last 60 s. */
int va_access_active(va_access *access);

#endif
