/* test_private_key.c - keys of the program's own kind and of others are read; nobody is asked for a password. */
#include "access/private_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>

enum form { PKCS8, TRADITIONAL, ENCRYPTED };

static EVP_PKEY *read_back(EVP_PKEY *key, enum form form)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int r = form == TRADITIONAL ? PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL)
                                : PEM_write_bio_PKCS8PrivateKey(bio, key, form == ENCRYPTED ? EVP_aes_128_cbc() : NULL, "secret",
                                                                form == ENCRYPTED ? 6 : 0, NULL, NULL);
    char *data = NULL;
    long n = BIO_get_mem_data(bio, &data);

    assert_int_equal(r, 1);
    BIO *file = BIO_new_mem_buf(data, (int)n);
    EVP_PKEY *again = va_private_key_read(file);
    BIO_free(file);
    BIO_free(bio);
    return again;
}

static void keys_of_all_kinds(void **state)
{
    EVP_PKEY *keys[] = {EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_RSA_gen(1024), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        for (enum form form = PKCS8; form <= (i < 3 ? TRADITIONAL : PKCS8); form++) {
            EVP_PKEY *again = read_back(keys[i], form);
            assert_non_null(again);
            assert_int_equal(EVP_PKEY_eq(keys[i], again), 1);
            assert_int_equal(ERR_peek_error(), 0);
            EVP_PKEY_free(again);
        }
        assert_null(read_back(keys[i], ENCRYPTED));
        assert_int_not_equal(ERR_peek_error(), 0);
        ERR_clear_error();
        EVP_PKEY_free(keys[i]);
    }
}

static void what_is_no_key(void **state)
{
    static const char *const texts[] = {"", "-----BEGIN PRIVATE KEY-----\n",
                                        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        BIO *bio = BIO_new_mem_buf(texts[i], -1);
        assert_null(va_private_key_read(bio));
        assert_int_not_equal(ERR_peek_error(), 0);
        ERR_clear_error();
        BIO_free(bio);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_all_kinds),
        cmocka_unit_test(what_is_no_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
