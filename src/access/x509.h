/* x509.h - keys and certificates by OpenSSL; inside src/access only. Any thread. */
#ifndef VA_ACCESS_X509_H
#define VA_ACCESS_X509_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "access/host_names.h"

enum va_x509_kind { VA_X509_CA, VA_X509_SERVER, VA_X509_CLIENT };

struct va_x509_options {
    enum va_x509_kind kind;
    const char *name;                  /* of the subject */
    int days;                          /* cut to the issuer's end */
    const struct va_host_names *names; /* of a server; of a CA those it may sign beside a home network's */
    EVP_PKEY *key;                     /* the subject's */
    X509 *issuer;                      /* NULL: itself */
    EVP_PKEY *issuer_key;
};

/* VA_EFAILED: what the library says is in error. */
VA_MUST_CHECK int va_x509_make_key(EVP_PKEY **ret_key, va_error *error); /* P-256; free with EVP_PKEY_free */
VA_MUST_CHECK int va_x509_make(const struct va_x509_options *options, X509 **ret_certificate, va_error *error); /* free with X509_free */

/* May that CA sign a certificate for the name or address? */
int va_x509_may_sign(const X509 *ca, const char *name);

/* Are these the names of the certificate? */
int va_x509_has_names(const X509 *certificate, const struct va_host_names *names);

/* "one, two" of the certificate, cut to capacity. */
void va_x509_names_text(const X509 *certificate, char *ret_text, size_t capacity);

int64_t va_x509_begins_unix_s(const X509 *certificate);
int64_t va_x509_ends_unix_s(const X509 *certificate);

/* VA_EFAILED with what the library says. */
int va_x509_fail(va_error *error, const char *what);

#endif
