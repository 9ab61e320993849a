#include "access/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/limiter.h"
#include "access/secret_text.h"
#include "access/tokens.h"
#include "base/memory.h"
#include "temporary.h"

static const struct va_peer phone = {.address = "192.0.2.7", .is_tls = 1};
static const struct va_peer here = {.address = "127.0.0.1", .is_loopback = 1};
static const struct va_peer here_tls = {.address = "127.0.0.1", .is_loopback = 1, .is_tls = 1};

static char folder[256];
static va_access *rights;
static va_error error;

static int open_access(int local_open)
{
    const struct va_access_options options = {.folder = folder, .local_open = local_open};

    return va_access_open(&options, &rights, &error);
}

static int start(void **state)
{
    return temporary_make(folder) < 0 ? -1 : open_access(1);
}

static int stop(void **state)
{
    va_access_free(rights);
    rights = NULL;
    return temporary_remove(folder);
}

static int ask(const struct va_peer *peer, const char *token, struct va_identity *ret_identity)
{
    int retry_after_s = 0;
    int r = va_access_check(rights, peer, token, ret_identity, &retry_after_s);

    assert_true((r == VA_EBUSY) == (retry_after_s > 0));
    return r;
}

static void make(const char *name, unsigned scopes, int days, char ret_text[VA_TOKEN_TEXT_BYTES])
{
    struct va_token token;

    assert_int_equal(va_tokens_add(folder, name, scopes, days, &token, ret_text, &error), 0);
}

static void a_token_counts_from_its_making_to_its_revocation(void **state)
{
    char a[VA_TOKEN_TEXT_BYTES], b[VA_TOKEN_TEXT_BYTES];
    struct va_identity identity = {0};
    struct va_token gone;

    assert_int_equal(ask(&phone, NULL, &identity), VA_EDENIED);
    make("a", VA_SCOPE_STATUS, 0, a);
    make("b", VA_SCOPE_CONTROL, 1, b);
    assert_int_equal(ask(&phone, a, &identity), 0);
    assert_string_equal(identity.name, "a");
    assert_int_equal(identity.scopes, VA_SCOPE_STATUS);
    assert_int_equal(ask(&phone, b, &identity), 0);
    assert_string_equal(identity.name, "b");
    assert_int_equal(va_tokens_revoke(folder, "a", &gone, &error), 0);
    assert_int_equal(ask(&phone, a, &identity), VA_EDENIED);
    assert_int_equal(ask(&phone, b, &identity), 0);
}

/* For whoever was let in and stays. */
static void what_was_let_in_holds_until_then(void **state)
{
    char a[VA_TOKEN_TEXT_BYTES], digest[VA_DIGEST_TEXT_BYTES], line[300];
    struct va_identity first, second, local;
    struct va_token gone;
    uint8_t bytes[VA_DIGEST_BYTES];

    make("a", VA_SCOPE_STATUS, 0, a);
    assert_int_equal(ask(&phone, a, &first), 0);
    assert_int_equal(ask(&here, NULL, &local), 0);
    assert_int_equal(va_access_holds(rights, &first), 1);
    assert_int_equal(va_tokens_revoke(folder, "a", &gone, &error), 0);
    assert_int_equal(va_access_holds(rights, &first), 0);
    make("a", VA_SCOPE_STATUS, 0, a); /* of the same name, but another */
    assert_int_equal(ask(&phone, a, &second), 0);
    assert_int_equal(va_access_holds(rights, &first), 0);
    assert_int_equal(va_access_holds(rights, &second), 1);
    assert_int_equal(va_digest(a, strlen(a), bytes, &error), 0);
    va_hex_write(bytes, sizeof bytes, digest);
    snprintf(line, sizeof line, "token %s status 1000 2000 %s a\n", second.id, digest);
    assert_int_equal(temporary_write(temporary_path(folder, "access/tokens"), line), 0);
    assert_int_equal(va_access_holds(rights, &second), 0); /* it has expired */
    assert_int_equal(temporary_write(temporary_path(folder, "access/tokens"), "damaged"), 0);
    assert_int_equal(va_access_holds(rights, &second), 0);
    assert_int_equal(va_access_holds(rights, &local), 1);
}

static void what_is_nearly_right_is_wrong(void **state)
{
    char token[VA_TOKEN_TEXT_BYTES], other[VA_TOKEN_TEXT_BYTES + 8], huge[1000];
    struct va_identity identity = {.scopes = 7, .name = "untouched"};

    make("a", VA_SCOPE_ALL, 0, token);
    snprintf(other, sizeof other, "%s ", token);
    assert_int_equal(ask(&phone, other, &identity), VA_EDENIED);
    assert_int_equal(ask(&phone, token + 3, &identity), VA_EDENIED);
    assert_int_equal(ask(&phone, "", &identity), VA_EDENIED);
    memset(huge, 'a', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    assert_int_equal(ask(&phone, huge, &identity), VA_EDENIED);
    snprintf(other, sizeof other, "%s", token);
    other[66] = (char)(other[66] == '0' ? '1' : '0');
    assert_int_equal(ask(&phone, other, &identity), VA_EDENIED);
    assert_string_equal(identity.name, "untouched");
}

static void what_has_expired_is_wrong(void **state)
{
    char token[VA_TOKEN_TEXT_BYTES], digest[VA_DIGEST_TEXT_BYTES], line[300];
    struct va_identity identity;
    uint8_t bytes[VA_DIGEST_BYTES];

    make("a", VA_SCOPE_ALL, 0, token);
    assert_int_equal(va_digest(token, strlen(token), bytes, &error), 0);
    va_hex_write(bytes, sizeof bytes, digest);
    snprintf(line, sizeof line, "token 0a1b2c3d all 1000 2000 %s old\n", digest);
    assert_int_equal(temporary_write(temporary_path(folder, "access/tokens"), line), 0);
    assert_int_equal(ask(&phone, token, &identity), VA_EDENIED);
}

static void too_many_wrong_ones_must_wait_but_a_right_one_passes(void **state)
{
    static const struct va_peer other = {.address = "192.0.2.8", .is_tls = 1};
    char token[VA_TOKEN_TEXT_BYTES];
    struct va_identity identity;
    int wait_s = 0;

    make("a", VA_SCOPE_ALL, 0, token);
    for (int i = 0; i < VA_LIMITER_TRIES; i++)
        assert_int_equal(ask(&phone, "va_wrong", &identity), VA_EDENIED);
    assert_int_equal(ask(&phone, "va_wrong", &identity), VA_EBUSY);
    assert_int_equal(va_access_try(rights, &phone, &wait_s), VA_EBUSY);
    assert_true(wait_s > 0);
    assert_int_equal(ask(&phone, NULL, &identity), VA_EDENIED);
    assert_int_equal(ask(&other, "va_wrong", &identity), VA_EDENIED);
    assert_int_equal(ask(&phone, token, &identity), 0);
}

static void this_machine_is_open_or_not(void **state)
{
    char token[VA_TOKEN_TEXT_BYTES];
    struct va_identity identity;

    make("a", VA_SCOPE_STATUS, 0, token);
    assert_int_equal(ask(&here, NULL, &identity), 0);
    assert_int_equal(identity.scopes, VA_SCOPE_ALL);
    assert_string_equal(identity.name, "local");
    assert_int_equal(ask(&here, "unused", &identity), 0);
    assert_int_equal(ask(&here, token, &identity), 0);
    assert_int_equal(identity.scopes, VA_SCOPE_ALL);
    assert_string_equal(identity.name, "a");
    assert_int_equal(ask(&here_tls, NULL, &identity), VA_EDENIED);

    va_access_free(rights);
    assert_int_equal(open_access(0), 0);
    assert_int_equal(ask(&here, NULL, &identity), VA_EDENIED);
    assert_int_equal(ask(&here, token, &identity), 0);
    assert_int_equal(identity.scopes, VA_SCOPE_STATUS);
}

static void a_certificate_counts_when_it_is_listed(void **state)
{
    const uint8_t digest[32] = {0xab, 1};
    char text[VA_DIGEST_TEXT_BYTES];
    struct va_peer peer = phone;
    struct va_identity identity;
    struct va_token token;

    va_hex_write(digest, sizeof digest, text);
    peer.certificate_sha256 = text;
    assert_int_equal(ask(&peer, NULL, &identity), VA_EDENIED);
    assert_int_equal(va_tokens_add_certificate(folder, "tablet", VA_SCOPE_HISTORY, 0, digest, &token, &error), 0);
    assert_int_equal(ask(&peer, NULL, &identity), 0);
    assert_int_equal(identity.scopes, VA_SCOPE_HISTORY);
    /* Its fingerprint is no secret, so it is no token. */
    assert_int_equal(ask(&phone, text, &identity), VA_EDENIED);
    assert_int_equal(ask(&peer, "va_wrong", &identity), VA_EDENIED);
}

static void a_damaged_file_lets_nobody_in_until_it_is_mended(void **state)
{
    char token[VA_TOKEN_TEXT_BYTES], *text;
    struct va_identity identity;
    va_access *other = NULL;
    size_t size;

    make("a", VA_SCOPE_ALL, 0, token);
    assert_int_equal(ask(&phone, token, &identity), 0);
    const char *path = temporary_path(folder, "access/tokens");
    assert_int_equal(va_file_read(path, 10000, &text, &size, &error), 0);
    assert_int_equal(temporary_write(path, "token"), 0);
    assert_int_equal(ask(&phone, token, &identity), VA_EDENIED);
    const struct va_access_options options = {.folder = folder};
    assert_int_equal(va_access_open(&options, &other, &error), VA_EFORMAT);
    assert_null(other);
    assert_int_equal(temporary_write(path, text), 0);
    assert_int_equal(ask(&phone, token, &identity), 0);
    va_free(text);
}

static void who_was_let_in_is_active(void **state)
{
    static const struct va_peer here_too = {.address = "::1", .is_loopback = 1};
    char token[VA_TOKEN_TEXT_BYTES];
    struct va_identity identity;

    make("a", VA_SCOPE_ALL, 0, token);
    assert_int_equal(va_access_active(rights), 0);
    assert_int_equal(ask(&phone, "va_wrong", &identity), VA_EDENIED);
    assert_int_equal(va_access_active(rights), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(&here, NULL, &identity), 0);
        assert_int_equal(ask(&here_too, NULL, &identity), 0);
        assert_int_equal(ask(&phone, token, &identity), 0);
        assert_int_equal(ask(&here, token, &identity), 0);
    }
    assert_int_equal(va_access_active(rights), 3);
}

static void the_hour_of_use_is_written(void **state)
{
    struct va_tokens *tokens = NULL;
    char token[VA_TOKEN_TEXT_BYTES];
    struct va_identity identity;

    make("a", VA_SCOPE_ALL, 0, token);
    assert_int_equal(ask(&phone, token, &identity), 0);
    assert_int_equal(va_tokens_load(folder, &tokens, &error), 0);
    assert_true(tokens->token[0].used_unix_s > 0);
    assert_int_equal(tokens->token[0].used_unix_s % 3600, 0);
    va_free(tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_counts_from_its_making_to_its_revocation, start, stop),
        cmocka_unit_test_setup_teardown(what_was_let_in_holds_until_then, start, stop),
        cmocka_unit_test_setup_teardown(what_is_nearly_right_is_wrong, start, stop),
        cmocka_unit_test_setup_teardown(what_has_expired_is_wrong, start, stop),
        cmocka_unit_test_setup_teardown(too_many_wrong_ones_must_wait_but_a_right_one_passes, start, stop),
        cmocka_unit_test_setup_teardown(this_machine_is_open_or_not, start, stop),
        cmocka_unit_test_setup_teardown(a_certificate_counts_when_it_is_listed, start, stop),
        cmocka_unit_test_setup_teardown(a_damaged_file_lets_nobody_in_until_it_is_mended, start, stop),
        cmocka_unit_test_setup_teardown(who_was_let_in_is_active, start, stop),
        cmocka_unit_test_setup_teardown(the_hour_of_use_is_written, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
