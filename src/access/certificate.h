/* certificate.h - the local CA, the machine's certificate, and certificates for devices. Any thread, and several programs at once.
 *
 * In the data folder, tls/: ca.pem, ca.key, server.pem, server.key, all of mode 0600. Each file is whole at any moment. Making the
 * machine's certificate anew replaces one file, server.pem; its key stays, so whoever reads both at any time has a pair.
 *
 * The CA may only sign names of a home network, of this machine, and those it was made with: on a phone that trusts it, whoever steals
 * its key is none of the sites of the world. */
#ifndef VA_ACCESS_CERTIFICATE_H
#define VA_ACCESS_CERTIFICATE_H

#include "base/buffer.h"

#define VA_CERTIFICATE_MAX_NAMES 64
#define VA_CERTIFICATE_CA "ca.pem" /* in FOLDER/tls */
#define VA_CERTIFICATE_SERVER "server.pem"
#define VA_CERTIFICATE_SERVER_KEY "server.key"
#define VA_CERTIFICATE_MAX_BYTES 65536
#define VA_CERTIFICATE_CLIENT_DAYS 825

/* Makes what is missing, and the machine's certificate anew 30 days before its end or when its names change: the machine's name, that with
 * .local, localhost, the loopback and private addresses of its interfaces, and names [n] (DNS names and addresses).
 * VA_ESTATE: the CA may not sign one of names, has ended, or its key is missing. VA_EINVAL: no name. VA_EFORMAT, VA_EDENIED, VA_EIO. */
VA_MUST_CHECK int va_certificate_prepare(const char *folder, const char *const *names, size_t n_names, va_error *error);

/* Makes the machine's certificate anew in any case; new_ca: the CA before it, so that all devices must be given the new one. */
VA_MUST_CHECK int va_certificate_renew(const char *folder, const char *const *names, size_t n_names, int new_ca, va_error *error);

struct va_certificate_info {
    char subject[128];
    char sha256[65]; /* lower-case hex */
    int64_t begins_unix_s, ends_unix_s;
    char names[VA_CERTIFICATE_MAX_NAMES * 16]; /* with ", " between; cut when they are many */
};

/* file: VA_CERTIFICATE_CA or _SERVER. VA_ENOTFOUND. */
VA_MUST_CHECK int va_certificate_describe(const char *folder, const char *file, struct va_certificate_info *ret_info, va_error *error);

/* The CA's certificate: DER (application/x-x509-ca-cert), PEM, and an Apple profile (.mobileconfig) with it. VA_ENOTFOUND. */
VA_MUST_CHECK int va_certificate_ca_der(const char *folder, struct va_buffer *out, va_error *error);
VA_MUST_CHECK int va_certificate_ca_pem(const char *folder, struct va_buffer *out, va_error *error);
VA_MUST_CHECK int va_certificate_ca_profile(const char *folder, struct va_buffer *out, va_error *error);

/* A key and certificate for a device, signed by the CA: PKCS #12 under password, with the CA in it; or PEM when password is NULL. They are
 * not kept. */
VA_MUST_CHECK int va_certificate_make_client(const char *folder, const char *name, const char *password, struct va_buffer *out,
                                             uint8_t ret_sha256[32], int64_t *ret_ends_unix_s, va_error *error);

/* The machine's name as others reach it: NAME.local, or the first of names when there is one. */
void va_certificate_host(const char *const *names, size_t n_names, char ret_host[256]);

#endif
