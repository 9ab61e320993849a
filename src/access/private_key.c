#include "access/private_key.h"

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>

int va_no_password(char *buffer, int size, int is_writing, void *user)
{
    return -1;
}

/* As the program writes its own: OpenSSL takes four times as long when it must find out what a key is. */
static EVP_PKEY *read_own_kind(BIO *bio)
{
    EVP_PKEY *key = NULL;
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(&key, "PEM", "PrivateKeyInfo", "EC", EVP_PKEY_KEYPAIR, NULL, NULL);

    if (decoder != NULL && OSSL_DECODER_CTX_set_pem_password_cb(decoder, va_no_password, NULL) == 1)
        (void)OSSL_DECODER_from_bio(decoder, bio);
    OSSL_DECODER_CTX_free(decoder);
    return key;
}

EVP_PKEY *va_private_key_read(BIO *bio)
{
    ERR_set_mark();
    EVP_PKEY *key = read_own_kind(bio);
    ERR_pop_to_mark();

    return key == NULL && BIO_seek(bio, 0) >= 0 ? PEM_read_bio_PrivateKey(bio, NULL, va_no_password, NULL) : key;
}
