/* certificate_file.h - keys and certificates as PEM files in FOLDER/tls; inside src/access only. Any thread. */
#ifndef VA_ACCESS_CERTIFICATE_FILE_H
#define VA_ACCESS_CERTIFICATE_FILE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buffer.h"

#define VA_TLS_SUB "tls"

/* VA_ENOTFOUND; VA_EDENIED: others may read or change it; VA_EFORMAT. */
VA_MUST_CHECK int va_certificate_file_read(const char *folder, const char *name, X509 **ret_certificate, va_error *error);
VA_MUST_CHECK int va_key_file_read(const char *folder, const char *name, EVP_PKEY **ret_key, va_error *error);
VA_MUST_CHECK int va_certificate_file_write(const char *folder, const char *name, X509 *certificate, va_error *error);
VA_MUST_CHECK int va_key_file_write(const char *folder, const char *name, EVP_PKEY *key, va_error *error);

/* What was written into a memory BIO, appended to out. */
VA_MUST_CHECK int va_bio_append(BIO *bio, struct va_buffer *out, va_error *error);

#endif
