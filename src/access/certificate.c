#include "access/certificate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "access/certificate_file.h"
#include "access/folder.h"
#include "access/secret_text.h"
#include "access/x509.h"
#include "base/memory.h"

#define CA_KEY "ca.key"
#define CA_DAYS 3653
#define SERVER_DAYS 397 /* what browsers accept at most */
#define RENEW_BEFORE_S (30 * 86400)
#define SUBJECT_BYTES 64

struct authority {
    X509 *certificate;
    EVP_PKEY *key; /* NULL: it is not there */
};

static void free_authority(struct authority *ca)
{
    X509_free(ca->certificate);
    EVP_PKEY_free(ca->key);
}

static void make_subject(const char *what, char ret_subject[SUBJECT_BYTES])
{
    char own[VA_HOST_NAME_BYTES];

    va_host_own(own);
    snprintf(ret_subject, SUBJECT_BYTES, "%.40s %s", own, what);
}

static int check_names(const char *const *names, size_t n_names, va_error *error)
{
    for (size_t i = 0; i < n_names; i++)
        if (!va_host_is_name(names[i]) && !va_host_is_address(names[i]))
            return va_fail(error, VA_EINVAL, "'%.80s' is neither a DNS name nor an address", names[i]);
    return 0;
}

static int fail_names(va_error *error)
{
    return va_fail(error, VA_ELIMIT, "a certificate has at most %d names", VA_CERTIFICATE_MAX_NAMES);
}

/* ---- the CA ---- */

static int any_name(void *user, const char *name)
{
    return !va_host_is_address(name);
}

/* key NULL: a new one, which is on the disk before the certificate is. */
static int make_authority(const char *folder, const char *const *names, size_t n_names, EVP_PKEY *key, struct authority *ret_ca,
                          va_error *error)
{
    struct va_host_names *may = va_calloc(1, sizeof *may);
    struct authority ca = {.key = key};
    char subject[SUBJECT_BYTES];
    int r = may == NULL ? va_fail_memory(error) : 0;

    if (r == 0)
        va_host_names_gather(may, any_name, NULL);
    for (size_t i = 0; r == 0 && i < n_names; i++)
        if (va_host_names_add(may, names[i]) < 0)
            r = fail_names(error);
    if (r == 0 && key == NULL && (r = va_x509_make_key(&ca.key, error)) == 0)
        r = va_key_file_write(folder, CA_KEY, ca.key, error);
    if (r == 0) {
        make_subject("CA", subject);
        const struct va_x509_options options = {
            .kind = VA_X509_CA, .name = subject, .days = CA_DAYS, .names = may, .key = ca.key, .issuer_key = ca.key};
        r = va_x509_make(&options, &ca.certificate, error);
    }
    if (r == 0)
        r = va_certificate_file_write(folder, VA_CERTIFICATE_CA, ca.certificate, error);
    va_free(may);
    if (r == 0) {
        *ret_ca = ca;
        return 0;
    }
    X509_free(ca.certificate);
    if (key == NULL)
        EVP_PKEY_free(ca.key);
    return r;
}

/* A damaged CA is not replaced: devices trust it, and somebody may have a copy. */
static int open_authority(const char *folder, const char *const *names, size_t n_names, struct authority *ret_ca, va_error *error)
{
    struct authority ca = {0};
    int r = va_certificate_file_read(folder, VA_CERTIFICATE_CA, &ca.certificate, error);
    int is_missing = r == VA_ENOTFOUND;

    if (r == 0 || is_missing) {
        r = va_key_file_read(folder, CA_KEY, &ca.key, error);
        if (r == VA_ENOTFOUND)
            r = 0;
    }
    if (r == 0 && is_missing) {
        r = make_authority(folder, names, n_names, ca.key, &ca, error);
    } else if (r == 0 && ca.key != NULL && X509_check_private_key(ca.certificate, ca.key) != 1) {
        (void)va_x509_fail(error, CA_KEY);
        r = va_fail(error, VA_EFORMAT,
                    "%.120s/" VA_TLS_SUB ": ca.key is not the key of ca.pem; 'voice-assistant tls renew --ca' makes both", folder);
    }
    if (r < 0)
        free_authority(&ca);
    else
        *ret_ca = ca;
    return r;
}

/* ---- the machine's certificate ---- */

static int may_sign(void *user, const char *name)
{
    return va_x509_may_sign(user, name);
}

static int gather_names(const struct authority *ca, const char *const *names, size_t n_names, struct va_host_names *ret_names,
                        va_error *error)
{
    va_host_names_gather(ret_names, may_sign, ca->certificate);
    for (size_t i = 0; i < n_names; i++) {
        if (!va_x509_may_sign(ca->certificate, names[i]))
            return va_fail(
                error, VA_ESTATE,
                "the CA may not sign '%.60s', which it was not made with; 'voice-assistant tls renew --ca' makes a new one, which "
                "devices must then be given",
                names[i]);
        if (va_host_names_add(ret_names, names[i]) < 0)
            return fail_names(error);
    }
    return 0;
}

static int is_good(X509 *server, EVP_PKEY *key, const struct authority *ca, const struct va_host_names *names)
{
    EVP_PKEY *signer = X509_get0_pubkey(ca->certificate);
    int64_t now_unix_s = (int64_t)time(NULL);

    return X509_check_private_key(server, key) == 1 && X509_verify(server, signer) == 1 &&
           va_x509_ends_unix_s(server) - now_unix_s > RENEW_BEFORE_S && va_x509_begins_unix_s(server) <= now_unix_s &&
           va_x509_has_names(server, names);
}

static int make_server(const char *folder, const struct authority *ca, EVP_PKEY *key, const struct va_host_names *names, va_error *error)
{
    X509 *server = NULL;
    char subject[SUBJECT_BYTES];

    if (ca->key == NULL)
        return va_fail(error, VA_ESTATE, "%.120s/" VA_TLS_SUB "/" CA_KEY " is missing, and a certificate is to be signed", folder);
    if (va_x509_ends_unix_s(ca->certificate) <= (int64_t)time(NULL))
        return va_fail(error, VA_ESTATE, "the CA has ended; 'voice-assistant tls renew --ca' makes a new one");
    make_subject("server", subject);
    const struct va_x509_options options = {.kind = VA_X509_SERVER,
                                            .name = subject,
                                            .days = SERVER_DAYS,
                                            .names = names,
                                            .key = key,
                                            .issuer = ca->certificate,
                                            .issuer_key = ca->key};
    int r = va_x509_make(&options, &server, error);
    if (r == 0)
        r = va_certificate_file_write(folder, VA_CERTIFICATE_SERVER, server, error);
    X509_free(server);
    return r;
}

static int prepare_server(const char *folder, const struct authority *ca, const char *const *names, size_t n_names, int must_renew,
                          va_error *error)
{
    struct va_host_names *all = va_calloc(1, sizeof *all);
    EVP_PKEY *key = NULL;
    X509 *server = NULL;
    int r = all == NULL ? va_fail_memory(error) : gather_names(ca, names, n_names, all, error);

    if (r == 0) {
        r = va_key_file_read(folder, VA_CERTIFICATE_SERVER_KEY, &key, error);
        if (r == VA_ENOTFOUND || r == VA_EFORMAT) {
            r = va_x509_make_key(&key, error);
            if (r == 0)
                r = va_key_file_write(folder, VA_CERTIFICATE_SERVER_KEY, key, error);
        }
    }
    if (r == 0) {
        r = va_certificate_file_read(folder, VA_CERTIFICATE_SERVER, &server, error);
        if (r == VA_ENOTFOUND || r == VA_EFORMAT || (r == 0 && (must_renew || !is_good(server, key, ca, all))))
            r = make_server(folder, ca, key, all, error);
    }
    X509_free(server);
    EVP_PKEY_free(key);
    va_free(all);
    return r;
}

static int prepare(const char *folder, const char *const *names, size_t n_names, int must_renew, int new_ca, va_error *error)
{
    struct authority ca = {0};
    int lock, r = check_names(names, n_names, error);

    if (r < 0 || (r = va_folder_lock(folder, VA_TLS_SUB, &lock, error)) < 0)
        return r;
    r = new_ca ? make_authority(folder, names, n_names, NULL, &ca, error) : open_authority(folder, names, n_names, &ca, error);
    if (r == 0)
        r = prepare_server(folder, &ca, names, n_names, must_renew, error);
    free_authority(&ca);
    va_folder_unlock(lock);
    return r;
}

int va_certificate_prepare(const char *folder, const char *const *names, size_t n_names, va_error *error)
{
    return prepare(folder, names, n_names, 0, 0, error);
}

int va_certificate_renew(const char *folder, const char *const *names, size_t n_names, int new_ca, va_error *error)
{
    return prepare(folder, names, n_names, 1, new_ca, error);
}

void va_certificate_host(const char *const *names, size_t n_names, char ret_host[256])
{
    char own[VA_HOST_NAME_BYTES];

    va_host_own(own);
    if (n_names > 0)
        snprintf(ret_host, 256, "%s", names[0]);
    else if (strcmp(own, "localhost") == 0)
        snprintf(ret_host, 256, "%s", own);
    else
        snprintf(ret_host, 256, "%.240s.local", own);
}

/* ---- for others ---- */

static int digest_of(const X509 *certificate, uint8_t ret_sha256[VA_DIGEST_BYTES], va_error *error)
{
    return X509_digest(certificate, EVP_sha256(), ret_sha256, NULL) == 1 ? 0 : va_x509_fail(error, "certificate");
}

int va_certificate_describe(const char *folder, const char *file, struct va_certificate_info *ret_info, va_error *error)
{
    struct va_certificate_info info = {0};
    uint8_t digest[VA_DIGEST_BYTES];
    X509 *certificate = NULL;
    int r = va_certificate_file_read(folder, file, &certificate, error);

    if (r == 0)
        r = digest_of(certificate, digest, error);
    if (r == 0) {
        va_hex_write(digest, sizeof digest, info.sha256);
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, info.subject, sizeof info.subject);
        info.begins_unix_s = va_x509_begins_unix_s(certificate);
        info.ends_unix_s = va_x509_ends_unix_s(certificate);
        va_x509_names_text(certificate, info.names, sizeof info.names);
        *ret_info = info;
    }
    X509_free(certificate);
    return r;
}

static int write_pkcs12(BIO *bio, const char *name, const char *password, X509 *client, EVP_PKEY *key, X509 *ca)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    PKCS12 *file = NULL;

    if (others != NULL && sk_X509_push(others, ca) > 0)
        file = PKCS12_create(password, name, key, client, others, 0, 0, 0, 0, 0);
    int r = file != NULL ? i2d_PKCS12_bio(bio, file) : 0;
    PKCS12_free(file);
    sk_X509_free(others);
    return r;
}

int va_certificate_make_client(const char *folder, const char *name, const char *password, struct va_buffer *out, uint8_t ret_sha256[32],
                               int64_t *ret_ends_unix_s, va_error *error)
{
    struct authority ca = {0};
    uint8_t digest[VA_DIGEST_BYTES];
    EVP_PKEY *key = NULL;
    X509 *client = NULL;
    BIO *bio = BIO_new(BIO_s_secmem());
    int r = bio == NULL ? va_fail_memory(error) : va_certificate_file_read(folder, VA_CERTIFICATE_CA, &ca.certificate, error);

    if (r == 0)
        r = va_key_file_read(folder, CA_KEY, &ca.key, error);
    if (r == 0)
        r = va_x509_make_key(&key, error);
    if (r == 0) {
        const struct va_x509_options options = {.kind = VA_X509_CLIENT,
                                                .name = name,
                                                .days = VA_CERTIFICATE_CLIENT_DAYS,
                                                .key = key,
                                                .issuer = ca.certificate,
                                                .issuer_key = ca.key};
        r = va_x509_make(&options, &client, error);
    }
    if (r == 0)
        r = digest_of(client, digest, error);
    if (r == 0) {
        int is_ok = password != NULL
                        ? write_pkcs12(bio, name, password, client, key, ca.certificate)
                        : PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 && PEM_write_bio_X509(bio, client) == 1;
        r = is_ok != 1 ? va_x509_fail(error, "cannot write the certificate") : va_bio_append(bio, out, error);
    }
    if (r == 0) {
        memcpy(ret_sha256, digest, sizeof digest);
        *ret_ends_unix_s = va_x509_ends_unix_s(client);
    }
    BIO_free(bio);
    X509_free(client);
    EVP_PKEY_free(key);
    free_authority(&ca);
    return r;
}
