#include "access/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "access/certificate_file.h"
#include "access/x509.h"
#include "base/memory.h"
#include "temporary.h"

#define DAY_S 86400

static const char *const extra[] = {"voice.example.org", "203.0.113.9"};
static char folder[256];
static va_error error;

static int start(void **state)
{
    return temporary_make(folder);
}

static int stop(void **state)
{
    return temporary_remove(folder);
}

static X509 *certificate(const char *name)
{
    X509 *certificate = NULL;

    assert_int_equal(va_certificate_file_read(folder, name, &certificate, &error), 0);
    return certificate;
}

/* What a client finds: 0, or X509_V_ERR_*. */
static int verify(const char *host, const char *address)
{
    X509 *ca = certificate("ca.pem"), *server = certificate("server.pem");
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();

    assert_int_equal(X509_STORE_add_cert(store, ca), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, server, NULL), 1);
    X509_VERIFY_PARAM *wanted = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(wanted, X509_V_FLAG_X509_STRICT);
    assert_int_equal(X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER), 1);
    if (host != NULL)
        assert_int_equal(X509_VERIFY_PARAM_set1_host(wanted, host, 0), 1);
    if (address != NULL)
        assert_int_equal(X509_VERIFY_PARAM_set1_ip_asc(wanted, address), 1);
    int r = X509_verify_cert(context) == 1 ? 0 : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(server);
    X509_free(ca);
    return r;
}

static void fingerprint(const char *file, char ret_sha256[65])
{
    struct va_certificate_info info;

    assert_int_equal(va_certificate_describe(folder, file, &info, &error), 0);
    memcpy(ret_sha256, info.sha256, 65);
}

static void what_is_missing_is_made(void **state)
{
    static const char *const files[] = {"tls/ca.pem", "tls/ca.key", "tls/server.pem", "tls/server.key"};
    struct va_certificate_info ca, server;
    struct stat info;

    assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(stat(temporary_path(folder, files[i]), &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
    }
    assert_int_equal(stat(temporary_path(folder, "tls"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(va_certificate_describe(folder, VA_CERTIFICATE_CA, &ca, &error), 0);
    assert_int_equal(va_certificate_describe(folder, VA_CERTIFICATE_SERVER, &server, &error), 0);
    assert_in_range((ca.ends_unix_s - (int64_t)time(NULL)) / DAY_S, 3650, 3653);
    assert_in_range((server.ends_unix_s - (int64_t)time(NULL)) / DAY_S, 396, 397);
    assert_non_null(strstr(server.names, "localhost"));
    assert_int_equal(verify("localhost", NULL), 0);
    assert_int_equal(verify(NULL, "127.0.0.1"), 0);
    assert_int_equal(verify(NULL, "::1"), 0);
    assert_int_equal(verify("voice.example.org", NULL), X509_V_ERR_HOSTNAME_MISMATCH);
}

static void what_is_good_stays(void **state)
{
    char ca[65], server[65], again[65];

    assert_int_equal(va_certificate_prepare(folder, extra, 2, &error), 0);
    fingerprint("ca.pem", ca);
    fingerprint("server.pem", server);
    assert_int_equal(va_certificate_prepare(folder, extra, 2, &error), 0);
    fingerprint("ca.pem", again);
    assert_string_equal(ca, again);
    fingerprint("server.pem", again);
    assert_string_equal(server, again);
    assert_int_equal(verify("voice.example.org", NULL), 0);
    assert_int_equal(verify(NULL, "203.0.113.9"), 0);
}

/* Zeros that need not be written are none of another name. */
static void an_address_may_be_written_at_length(void **state)
{
    static const char *const names[] = {"FD00:0:0:0::1", "fd00::1"};
    char server[65], again[65];

    assert_int_equal(va_certificate_prepare(folder, names, 2, &error), 0);
    fingerprint("server.pem", server);
    assert_int_equal(va_certificate_prepare(folder, names, 2, &error), 0);
    fingerprint("server.pem", again);
    assert_string_equal(server, again);
    assert_int_equal(verify(NULL, "fd00::1"), 0);
}

static void other_names_make_another_certificate_of_the_same_ca(void **state)
{
    static const char *const lan[] = {"kitchen.lan"}, *const world[] = {"www.example.com"}, *const none[] = {"*.lan"};
    char ca[65], server[65], again[65];

    assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), 0);
    fingerprint("ca.pem", ca);
    fingerprint("server.pem", server);
    assert_int_equal(va_certificate_prepare(folder, lan, 1, &error), 0);
    fingerprint("ca.pem", again);
    assert_string_equal(ca, again);
    fingerprint("server.pem", again);
    assert_string_not_equal(server, again);
    assert_int_equal(verify("kitchen.lan", NULL), 0);

    assert_int_equal(va_certificate_prepare(folder, world, 1, &error), VA_ESTATE);
    assert_non_null(strstr(error.text, "www.example.com"));
    assert_int_equal(va_certificate_prepare(folder, none, 1, &error), VA_EINVAL);
    assert_int_equal(verify("kitchen.lan", NULL), 0);
    assert_int_equal(va_certificate_renew(folder, world, 1, 1, &error), 0);
    fingerprint("ca.pem", again);
    assert_string_not_equal(ca, again);
    assert_int_equal(verify("www.example.com", NULL), 0);
}

/* Writes a machine's certificate as it may lie there. */
static void put_server(const char *issuer_key, int days)
{
    struct va_host_names names = {0};
    X509 *ca = certificate("ca.pem"), *server = NULL;
    EVP_PKEY *key = NULL, *signer = NULL;

    assert_int_equal(va_host_names_add(&names, "localhost"), 0);
    assert_int_equal(va_key_file_read(folder, "server.key", &key, &error), 0);
    assert_int_equal(va_key_file_read(folder, issuer_key, &signer, &error), 0);
    const struct va_x509_options options = {
        .kind = VA_X509_SERVER, .name = "a", .days = days, .names = &names, .key = key, .issuer = ca, .issuer_key = signer};
    assert_int_equal(va_x509_make(&options, &server, &error), 0);
    assert_int_equal(va_certificate_file_write(folder, "server.pem", server, &error), 0);
    X509_free(ca);
    X509_free(server);
    EVP_PKEY_free(key);
    EVP_PKEY_free(signer);
}

static void what_ends_soon_or_is_damaged_is_made_anew(void **state)
{
    struct va_certificate_info info;

    assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), 0);
    put_server("ca.key", 29);
    assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), 0);
    assert_int_equal(va_certificate_describe(folder, "server.pem", &info, &error), 0);
    assert_true(info.ends_unix_s - (int64_t)time(NULL) > 300 * DAY_S);

    put_server("server.key", 300); /* of another signer */
    assert_int_not_equal(verify("localhost", NULL), 0);
    assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), 0);
    assert_int_equal(verify("localhost", NULL), 0);

    /* As a cut of the power leaves them, at each step. */
    static const char *const lost[] = {"tls/server.pem", "tls/server.key", "tls/ca.pem"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(unlink(temporary_path(folder, lost[i])), 0);
        assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), 0);
        assert_int_equal(verify("localhost", NULL), 0);
    }
    assert_int_equal(temporary_write(temporary_path(folder, "tls/server.pem"), "-----BEGIN"), 0);
    assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), 0);
    assert_int_equal(verify("localhost", NULL), 0);
}

static void a_ca_that_devices_trust_is_never_replaced_unasked(void **state)
{
    char ca[65], again[65];

    assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), 0);
    fingerprint("ca.pem", ca);
    /* Without its key all goes on, but nothing new is signed. */
    assert_int_equal(unlink(temporary_path(folder, "tls/ca.key")), 0);
    assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), 0);
    assert_int_equal(va_certificate_renew(folder, NULL, 0, 0, &error), VA_ESTATE);
    fingerprint("ca.pem", again);
    assert_string_equal(ca, again);
    assert_int_equal(temporary_write(temporary_path(folder, "tls/ca.pem"), "what"), 0);
    assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), VA_EFORMAT);
    assert_int_equal(va_certificate_renew(folder, NULL, 0, 1, &error), 0);
    /* A key that others may read is no secret. */
    assert_int_equal(chmod(temporary_path(folder, "tls/ca.key"), 0644), 0);
    assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), VA_EDENIED);
}

static void the_ca_signs_for_a_home_only(void **state)
{
    static const char *const yes[] = {"a.local", "localhost", "a.b.lan", "10.1.2.3", "172.31.0.1", "192.168.1.1", "fd00::1", "127.0.0.9"};
    static const char *const no[] = {"example.org", "alocal", "local.org", "11.0.0.1", "172.32.0.1", "8.8.8.8", "2001:db8::1", ""};

    assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), 0);
    X509 *ca = certificate("ca.pem");
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_true(va_x509_may_sign(ca, yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(va_x509_may_sign(ca, no[i]));
    X509_free(ca);

    /* And clients see to it, too. */
    struct va_host_names names = {0};
    EVP_PKEY *key = NULL, *signer = NULL;
    X509 *server = NULL;
    ca = certificate("ca.pem");
    assert_int_equal(va_host_names_add(&names, "www.example.com"), 0);
    assert_int_equal(va_key_file_read(folder, "server.key", &key, &error), 0);
    assert_int_equal(va_key_file_read(folder, "ca.key", &signer, &error), 0);
    const struct va_x509_options options = {
        .kind = VA_X509_SERVER, .name = "a", .days = 9, .names = &names, .key = key, .issuer = ca, .issuer_key = signer};
    assert_int_equal(va_x509_make(&options, &server, &error), 0);
    assert_int_equal(va_certificate_file_write(folder, "server.pem", server, &error), 0);
    assert_int_equal(verify("www.example.com", NULL), X509_V_ERR_PERMITTED_VIOLATION);
    X509_free(ca);
    X509_free(server);
    EVP_PKEY_free(key);
    EVP_PKEY_free(signer);
}

static void a_device_gets_a_certificate(void **state)
{
    struct va_buffer file;
    uint8_t sha256[32], digest[32];
    EVP_PKEY *key = NULL;
    X509 *client = NULL;
    STACK_OF(X509) *others = NULL;
    int64_t ends;

    va_buffer_init(&file, VA_CERTIFICATE_MAX_BYTES);
    assert_int_equal(va_certificate_make_client(folder, "tablet", NULL, &file, sha256, &ends, &error), VA_ENOTFOUND);
    assert_int_equal(va_certificate_prepare(folder, NULL, 0, &error), 0);
    assert_int_equal(va_certificate_make_client(folder, "tablet", "secret", &file, sha256, &ends, &error), 0);
    const unsigned char *p = (const unsigned char *)file.data;
    PKCS12 *archive = d2i_PKCS12(NULL, &p, (long)file.size);
    assert_non_null(archive);
    assert_int_equal(PKCS12_parse(archive, "secret", &key, &client, &others), 1);
    assert_int_equal(X509_digest(client, EVP_sha256(), digest, NULL), 1);
    assert_memory_equal(digest, sha256, 32);
    assert_int_equal(sk_X509_num(others), 1);
    assert_int_equal(X509_check_purpose(client, X509_PURPOSE_SSL_CLIENT, 0), 1);
    assert_int_equal(X509_check_purpose(client, X509_PURPOSE_SSL_SERVER, 0), 0);
    assert_int_equal(X509_verify(client, X509_get0_pubkey(sk_X509_value(others, 0))), 1);
    PKCS12_free(archive);
    X509_free(client);
    EVP_PKEY_free(key);
    sk_X509_pop_free(others, X509_free);

    va_buffer_clear(&file);
    assert_int_equal(va_certificate_make_client(folder, "tablet", NULL, &file, sha256, &ends, &error), 0);
    assert_non_null(strstr(file.data, "-----BEGIN PRIVATE KEY-----"));
    assert_non_null(strstr(file.data, "-----BEGIN CERTIFICATE-----"));
    va_buffer_clear(&file);
    assert_int_equal(va_certificate_ca_pem(folder, &file, &error), 0);
    assert_memory_equal(file.data, "-----BEGIN CERTIFICATE-----", 27);
    va_buffer_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_missing_is_made, start, stop),
        cmocka_unit_test_setup_teardown(what_is_good_stays, start, stop),
        cmocka_unit_test_setup_teardown(an_address_may_be_written_at_length, start, stop),
        cmocka_unit_test_setup_teardown(other_names_make_another_certificate_of_the_same_ca, start, stop),
        cmocka_unit_test_setup_teardown(what_ends_soon_or_is_damaged_is_made_anew, start, stop),
        cmocka_unit_test_setup_teardown(a_ca_that_devices_trust_is_never_replaced_unasked, start, stop),
        cmocka_unit_test_setup_teardown(the_ca_signs_for_a_home_only, start, stop),
        cmocka_unit_test_setup_teardown(a_device_gets_a_certificate, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
