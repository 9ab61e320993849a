/* web.h - one HTTP request, bounded in time and size (libcurl beneath). Any thread. */
#ifndef VA_ACTION_WEB_H
#define VA_ACTION_WEB_H

#include "base/error.h"

#define VA_WEB_MAX_HEADERS 32

struct va_web_request {
    const char *method;         /* "GET", "POST", ... */
    const char *url;            /* http or https */
    const char *const *headers; /* [n_headers] "Name: value" */
    size_t n_headers;
    const char *body;          /* or NULL */
    const char *token;         /* for Authorization: Bearer, or NULL. It goes to no other host, should the answer be a redirect. */
    const char *user_password; /* "USER:PASSWORD", or NULL; likewise */
    const char *ca_file;       /* certificates to trust instead of the system's, or NULL */
    double timeout_s;          /* for all of it */
    size_t max_bytes;          /* of the answer */
    int cancel_fd;             /* ends it when it can be read; -1: none */
};

struct va_web_answer {
    int status;
    char *body; /* [size] and a NUL; va_free */
    size_t size;
};

/* An answer of any status is an answer. Redirects are followed five times, to the same scheme or to https.
 * VA_EINVAL: the URL; VA_EFAILED: no connection, bad certificate, not HTTP, cut off; VA_ETIMEOUT, VA_ELIMIT, VA_ECANCELLED, VA_ENOMEM. */
VA_MUST_CHECK int va_web_call(const struct va_web_request *request, struct va_web_answer *ret_answer, va_error *error);

/* http:// or https://, a host and no slot before the path. VA_EINVAL. */
VA_MUST_CHECK int va_web_check_url(const char *url, va_error *error);

#endif
