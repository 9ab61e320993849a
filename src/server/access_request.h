/* access_request.h - the JSON bodies of requests about tokens and pairing, read and checked. Any thread. */
#ifndef VA_SERVER_ACCESS_REQUEST_H
#define VA_SERVER_ACCESS_REQUEST_H

#include "access/pairing.h"

struct va_token_request {
    char name[VA_ACCESS_NAME_BYTES];
    unsigned scopes;
    int days; /* 0: it does not end */
};

struct va_claim_request {
    char name[VA_ACCESS_NAME_BYTES];
    char code[64];
};

/* {"name", "scopes": ["status", ...], "expires_days"}; the latter two may be absent. VA_EFORMAT: no JSON object; VA_EINVAL. */
VA_MUST_CHECK int va_token_request_read(const char *body, size_t n, struct va_token_request *ret_request, va_error *error);

/* {"code", "name"} */
VA_MUST_CHECK int va_claim_request_read(const char *body, size_t n, struct va_claim_request *ret_request, va_error *error);

#endif
