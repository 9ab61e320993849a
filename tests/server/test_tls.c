/* TLS between two ends in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include <cmocka.h>

#include "access/certificate.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "server/tls.h"

static char folder[] = "/tmp/va-tls-XXXXXX";
static char certificate[64], key[64], ca[64];
static va_tls *tls;
static va_tls_session *session;
static SSL_CTX *context;
static SSL *client;

static int start(void **state)
{
    const struct va_tls_options options = {certificate, key, ca};
    va_error error = {0};

    if (va_tls_open(&options, &tls, &error) < 0)
        fail_msg("%s", error.text);
    session = va_tls_session_new(tls, 0);
    context = SSL_CTX_new(TLS_client_method());
    client = SSL_new(context);
    SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client);
    return session == NULL;
}

static int stop(void **state)
{
    SSL_free(client);
    SSL_CTX_free(context);
    va_tls_session_free(session);
    va_tls_free(tls);
    return 0;
}

/* What each has to say goes to the other. Returns what the session makes of it. */
static int exchange(void)
{
    char data[16384];
    size_t n;
    int got, r = 0;

    SSL_do_handshake(client);
    while ((got = BIO_read(SSL_get_wbio(client), data, sizeof data)) > 0)
        assert_int_equal(va_tls_session_feed(session, data, (size_t)got), 0);
    r = va_tls_session_shake(session);
    const char *output = va_tls_session_output(session, &n);
    if (n > 0)
        assert_int_equal(BIO_write(SSL_get_rbio(client), output, (int)n), n);
    va_tls_session_sent(session, n);
    return r;
}

static void a_conversation(void **state)
{
    static const unsigned char protocols[] = "\x02h2";
    char data[100], digest[65];

    SSL_set_alpn_protos(client, protocols, sizeof protocols - 1);
    assert_int_equal(exchange(), 0);
    assert_int_equal(exchange(), 1);
    assert_true(va_tls_session_is_http2(session));
    assert_int_equal(va_tls_session_certificate(session, digest), VA_ENOTFOUND);
    assert_int_equal(va_tls_session_read(session, data, sizeof data), 0);
    assert_int_equal(SSL_write(client, "hello", 5), 5);
    exchange();
    assert_int_equal(va_tls_session_read(session, data, sizeof data), 5);
    assert_memory_equal(data, "hello", 5);
    assert_int_equal(va_tls_session_write(session, "welcome", 7), 7);
    exchange();
    assert_int_equal(SSL_read(client, data, sizeof data), 7);
    va_tls_session_end(session);
    exchange();
    assert_int_equal(SSL_read(client, data, sizeof data), 0);
    SSL_shutdown(client);
    exchange();
    assert_int_equal(va_tls_session_read(session, data, sizeof data), VA_ECANCELLED);
}

static void what_is_no_handshake(void **state)
{
    assert_int_equal(va_tls_session_feed(session, "GET / HTTP/1.1\r\n\r\n", 18), 0);
    assert_int_equal(va_tls_session_shake(session), VA_EFORMAT);
}

static void a_damaged_record(void **state)
{
    char data[100];

    exchange();
    assert_int_equal(exchange(), 1);
    assert_int_equal(va_tls_session_feed(session, "\x17\x03\x03\x00\x20 not what was agreed on, not at all", 37), 0);
    assert_int_equal(va_tls_session_read(session, data, sizeof data), VA_EFORMAT);
}

static void old_versions(void **state)
{
    SSL_set_security_level(client, 0);
    SSL_set_max_proto_version(client, TLS1_1_VERSION);
    assert_int_equal(exchange(), VA_EFORMAT);
}

static void names(void **state)
{
    assert_true(va_tls_knows_name(tls, "localhost"));
    assert_true(va_tls_knows_name(tls, "127.0.0.1"));
    assert_true(va_tls_knows_name(tls, "::1"));
    assert_true(va_tls_knows_name(tls, "assistant.lan"));
    assert_false(va_tls_knows_name(tls, "example.org"));
    assert_false(va_tls_knows_name(tls, ""));
}

static void files_that_do_not_serve(void **state)
{
    const struct va_tls_options rows[] = {
        {"/nowhere.pem", key, NULL}, {certificate, "/nowhere.key", NULL}, {certificate, ca, NULL}, {certificate, key, key}};
    va_tls *other = NULL;
    va_error error;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(va_tls_open(&rows[i], &other, &error), VA_EFORMAT);
    for (size_t n = 1; n < 5; n++) {
        const struct va_tls_options fine = {certificate, key, ca};
        va_memory_fail_after(n);
        assert_int_equal(va_tls_open(&fine, &other, &error), VA_ENOMEM);
        va_memory_fail_after(0);
    }
    assert_null(other);
}

static int count(const char *path, const char *part)
{
    char *text;
    size_t size;
    int n = 0;

    assert_int_equal(va_file_read(path, 100000, &text, &size, NULL), 0);
    for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
        n++;
    va_free(text);
    return n;
}

/* However often somebody calls. */
static void a_certificate_that_is_damaged_is_said_once(void **state)
{
    struct va_log_options options = {.level = VA_LOG_INFO, .max_bytes = 100000};
    char log[64], *before;
    double now_s = 0;
    size_t size;

    snprintf(log, sizeof log, "%s/log", folder);
    options.path = log;
    assert_int_equal(va_log_open(&options, NULL), 0);
    assert_int_equal(va_file_read(certificate, 100000, &before, &size, NULL), 0);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(va_file_write(certificate, "damage", (size_t)(4 + i), 0644, NULL), 0);
        for (int calls = 0; calls < 3; calls++) {
            va_tls_session *other = va_tls_session_new(tls, now_s += 100);
            assert_non_null(other);
            va_tls_session_free(other);
        }
        assert_int_equal(count(log, "the old one stays"), i);
    }
    assert_int_equal(va_file_write(certificate, before, size, 0644, NULL), 0);
    va_tls_session_free(va_tls_session_new(tls, now_s + 100));
    assert_int_equal(count(log, "has been read again"), 1);
    va_free(before);
    va_log_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_conversation, start, stop),
        cmocka_unit_test_setup_teardown(what_is_no_handshake, start, stop),
        cmocka_unit_test_setup_teardown(a_damaged_record, start, stop),
        cmocka_unit_test_setup_teardown(old_versions, start, stop),
        cmocka_unit_test_setup_teardown(names, start, stop),
        cmocka_unit_test_setup_teardown(files_that_do_not_serve, start, stop),
        cmocka_unit_test_setup_teardown(a_certificate_that_is_damaged_is_said_once, start, stop),
    };
    const char *const more[] = {"assistant.lan"};
    va_error error;

    if (mkdtemp(folder) == NULL || va_certificate_prepare(folder, more, 1, &error) < 0)
        return 1;
    snprintf(certificate, sizeof certificate, "%s/tls/server.pem", folder);
    snprintf(key, sizeof key, "%s/tls/server.key", folder);
    snprintf(ca, sizeof ca, "%s/tls/ca.pem", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return va_file_remove_tree(folder, NULL) < 0 ? 1 : failed;
}
