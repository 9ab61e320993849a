#include "access/certificate_file.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "access/certificate.h"
#include "access/folder.h"
#include "access/private_key.h"
#include "access/x509.h"
#include "base/memory.h"

#define CERTIFICATE 0
#define KEY 1

static int read_pem(const char *folder, const char *name, int kind, void **ret_object, va_error *error)
{
    char *text = NULL;
    size_t size = 0;
    void *object = NULL;
    int r = va_folder_read(folder, VA_TLS_SUB, name, VA_CERTIFICATE_MAX_BYTES, &text, &size, error);

    if (r < 0)
        return r;
    BIO *bio = BIO_new_mem_buf(text, (int)size);
    if (bio != NULL)
        object = kind == KEY ? (void *)va_private_key_read(bio) : (void *)PEM_read_bio_X509(bio, NULL, va_no_password, NULL);
    BIO_free(bio);
    va_free(text);
    if (object == NULL) {
        (void)va_x509_fail(error, name);
        return va_fail(error, VA_EFORMAT, "%.160s/" VA_TLS_SUB "/%s holds no %s", folder, name, kind == KEY ? "key" : "certificate");
    }
    *ret_object = object;
    return 0;
}

int va_certificate_file_read(const char *folder, const char *name, X509 **ret_certificate, va_error *error)
{
    void *object = NULL;
    int r = read_pem(folder, name, CERTIFICATE, &object, error);

    if (r == 0)
        *ret_certificate = object;
    return r;
}

int va_key_file_read(const char *folder, const char *name, EVP_PKEY **ret_key, va_error *error)
{
    void *object = NULL;
    int r = read_pem(folder, name, KEY, &object, error);

    if (r == 0)
        *ret_key = object;
    return r;
}

static int write_pem(const char *folder, const char *name, X509 *certificate, EVP_PKEY *key, va_error *error)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    int r;

    if (bio == NULL)
        return va_fail_memory(error);
    if (key != NULL)
        r = PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    else
        r = PEM_write_bio_X509(bio, certificate);
    long n = BIO_get_mem_data(bio, &data);
    r = r != 1 || n <= 0 ? va_x509_fail(error, name) : va_folder_write(folder, VA_TLS_SUB, name, data, (size_t)n, error);
    if (n > 0)
        OPENSSL_cleanse(data, (size_t)n);
    BIO_free(bio);
    return r;
}

int va_certificate_file_write(const char *folder, const char *name, X509 *certificate, va_error *error)
{
    return write_pem(folder, name, certificate, NULL, error);
}

int va_key_file_write(const char *folder, const char *name, EVP_PKEY *key, va_error *error)
{
    return write_pem(folder, name, NULL, key, error);
}

int va_bio_append(BIO *bio, struct va_buffer *out, va_error *error)
{
    char *data = NULL;
    long n = BIO_get_mem_data(bio, &data);
    int r = n <= 0 ? VA_EFAILED : va_buffer_append(out, data, (size_t)n);

    return r < 0 ? va_fail(error, r, "certificate: %s", va_status_text(r)) : 0;
}
