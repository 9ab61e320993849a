/* The CA's certificate in the forms in which devices take it. */
#include "access/certificate.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "access/certificate_file.h"
#include "access/secret_text.h"
#include "access/x509.h"
#include "base/memory.h"

static int write_ca(const char *folder, int (*write)(BIO *bio, const X509 *certificate), struct va_buffer *out, va_error *error)
{
    X509 *certificate = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    int r = bio == NULL ? va_fail_memory(error) : va_certificate_file_read(folder, VA_CERTIFICATE_CA, &certificate, error);

    if (r == 0 && write(bio, certificate) != 1)
        r = va_x509_fail(error, VA_CERTIFICATE_CA);
    if (r == 0)
        r = va_bio_append(bio, out, error);
    X509_free(certificate);
    BIO_free(bio);
    return r;
}

int va_certificate_ca_der(const char *folder, struct va_buffer *out, va_error *error)
{
    return write_ca(folder, i2d_X509_bio, out, error);
}

int va_certificate_ca_pem(const char *folder, struct va_buffer *out, va_error *error)
{
    return write_ca(folder, PEM_write_bio_X509, out, error);
}

/* An identifier in the form of a UUID, always the same for a CA. */
static void make_uuid(const uint8_t digest[VA_DIGEST_BYTES], int which, char ret_text[37])
{
    char hex[VA_DIGEST_TEXT_BYTES];

    va_hex_write(digest, VA_DIGEST_BYTES, hex);
    const char *p = hex + 32 * which;
    snprintf(ret_text, 37, "%.8s-%.4s-8%.3s-8%.3s-%.12s", p, p + 8, p + 12, p + 15, p + 18);
}

int va_certificate_ca_profile(const char *folder, struct va_buffer *out, va_error *error)
{
    uint8_t digest[VA_DIGEST_BYTES];
    char outer[37], inner[37], *text = NULL;
    struct va_buffer der;

    va_buffer_init(&der, VA_CERTIFICATE_MAX_BYTES);
    int r = va_certificate_ca_der(folder, &der, error);
    if (r == 0)
        r = va_digest(der.data, der.size, digest, error);
    if (r == 0 && (text = va_alloc(4 * (der.size / 3 + 1) + 1, 1)) == NULL)
        r = va_fail_memory(error);
    if (r < 0)
        goto end;
    EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)der.data, (int)der.size);
    make_uuid(digest, 0, outer);
    make_uuid(digest, 1, inner);
    r = va_buffer_printf(out,
                         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                         "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
                         "<plist version=\"1.0\"><dict>\n"
                         "<key>PayloadType</key><string>Configuration</string>\n"
                         "<key>PayloadVersion</key><integer>1</integer>\n"
                         "<key>PayloadIdentifier</key><string>voice-assistant.%s</string>\n"
                         "<key>PayloadUUID</key><string>%s</string>\n"
                         "<key>PayloadDisplayName</key><string>voice-assistant</string>\n"
                         "<key>PayloadContent</key><array><dict>\n"
                         "<key>PayloadType</key><string>com.apple.security.root</string>\n"
                         "<key>PayloadVersion</key><integer>1</integer>\n"
                         "<key>PayloadIdentifier</key><string>voice-assistant.%s</string>\n"
                         "<key>PayloadUUID</key><string>%s</string>\n"
                         "<key>PayloadDisplayName</key><string>voice-assistant CA</string>\n"
                         "<key>PayloadContent</key><data>%s</data>\n"
                         "</dict></array>\n"
                         "</dict></plist>\n",
                         outer, outer, inner, inner, text);
    if (r < 0)
        (void)va_fail(error, r, "profile: %s", va_status_text(r));

end:
    va_free(text);
    va_buffer_free(&der);
    return r;
}
