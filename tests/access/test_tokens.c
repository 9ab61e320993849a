#include "access/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "temporary.h"

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

static void mode_is(const char *name, unsigned mode)
{
    struct stat info;

    assert_int_equal(stat(temporary_path(folder, name), &info), 0);
    assert_int_equal(info.st_mode & 07777, mode);
}

static struct va_tokens *load(void)
{
    struct va_tokens *tokens = NULL;

    assert_int_equal(va_tokens_load(folder, &tokens, &error), 0);
    return tokens;
}

static void what_is_added_is_kept_without_the_token(void **state)
{
    char text[VA_TOKEN_TEXT_BYTES], other[VA_TOKEN_TEXT_BYTES], *file;
    struct va_token token, second;
    size_t size;

    assert_int_equal(va_tokens_add(folder, "Ada's phone", VA_SCOPE_STATUS | VA_SCOPE_CONTROL, 0, &token, text, &error), 0);
    assert_int_equal(va_tokens_add(folder,
                                   "k\xc3\xbc"
                                   "che",
                                   VA_SCOPE_ALL, 30, &second, other, &error),
                     0);
    assert_int_equal(strlen(text), 67);
    assert_memory_equal(text, "va_", 3);
    assert_string_not_equal(text, other);
    mode_is("access", 0700);
    mode_is("access/tokens", 0600);

    assert_int_equal(va_file_read(temporary_path(folder, "access/tokens"), 100000, &file, &size, &error), 0);
    assert_null(strstr(file, text + 3));
    va_free(file);

    struct va_tokens *tokens = load();
    assert_int_equal(tokens->n, 2);
    assert_memory_equal(&tokens->token[0], &token, sizeof token);
    assert_memory_equal(&tokens->token[1], &second, sizeof second);
    assert_int_equal(second.expires_unix_s - second.created_unix_s, 30 * 86400);
    va_free(tokens);
}

static void names_are_taken_once_and_revoked(void **state)
{
    char text[VA_TOKEN_TEXT_BYTES] = "untouched";
    struct va_token token, gone;
    const uint8_t digest[32] = {1};

    assert_int_equal(va_tokens_revoke(folder, "a", &gone, &error), VA_ENOTFOUND);
    assert_int_equal(va_tokens_add_certificate(folder, "a", VA_SCOPE_STATUS, 0, digest, &token, &error), 0);
    assert_int_equal(va_tokens_add(folder, "a", VA_SCOPE_STATUS, 0, &gone, text, &error), VA_ESTATE);
    assert_int_equal(va_tokens_add(folder, token.id, VA_SCOPE_STATUS, 0, &gone, text, &error), VA_ESTATE);
    assert_string_equal(text, "untouched");
    assert_int_equal(va_tokens_revoke(folder, token.id, &gone, &error), 0);
    assert_string_equal(gone.name, "a");
    assert_int_equal(va_tokens_add(folder, "a", VA_SCOPE_STATUS, 0, &token, text, &error), 0);
    assert_int_equal(va_tokens_revoke(folder, "a", &gone, &error), 0);
    struct va_tokens *tokens = load();
    assert_int_equal(tokens->n, 0);
    va_free(tokens);
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const char *const names[] = {"",      " a",        "a ",   "a\nb",
                                        "a\x7f", "a\xc2\x9b", "\xff", "123456789012345678901234567890123456789012345678"};
    char text[VA_TOKEN_TEXT_BYTES];
    struct va_token token;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(va_tokens_add(folder, names[i], VA_SCOPE_STATUS, 0, &token, text, &error), VA_EINVAL);
    assert_int_equal(va_tokens_add(folder, "a", 0, 0, &token, text, &error), VA_EINVAL);
    assert_int_equal(va_tokens_add(folder, "a", 64, 0, &token, text, &error), VA_EINVAL);
    assert_int_equal(va_tokens_add(folder, "a", 1, -1, &token, text, &error), VA_EINVAL);
    assert_int_equal(va_tokens_add(folder, "a", 1, VA_TOKEN_MAX_DAYS + 1, &token, text, &error), VA_EINVAL);
}

static void what_others_may_change_is_not_believed(void **state)
{
    struct va_tokens *tokens = NULL;
    char text[VA_TOKEN_TEXT_BYTES];
    struct va_token token;

    assert_int_equal(va_tokens_add(folder, "a", VA_SCOPE_STATUS, 0, &token, text, &error), 0);
    assert_int_equal(chmod(temporary_path(folder, "access/tokens"), 0620), 0);
    assert_int_equal(va_tokens_load(folder, &tokens, &error), VA_EDENIED);
    assert_non_null(strstr(error.text, "0600"));
    assert_int_equal(rename(temporary_path(folder, "access/tokens"), temporary_path(folder, "elsewhere")), 0);
    assert_int_equal(chmod(temporary_path(folder, "elsewhere"), 0600), 0);
    assert_int_equal(symlink(temporary_path(folder, "elsewhere"), temporary_path(folder, "access/tokens")), 0);
    assert_int_equal(va_tokens_load(folder, &tokens, &error), VA_EDENIED);
}

/* Several programs add at once: no token is lost. */
static void programs_at_once_lose_nothing(void **state)
{
    enum { PROGRAMS = 4, EACH = 8 };
    pid_t pids[PROGRAMS];
    char name[32], text[VA_TOKEN_TEXT_BYTES];
    struct va_token token;

    for (int i = 0; i < PROGRAMS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            int r = 0;
            for (int j = 0; j < EACH && r == 0; j++) {
                snprintf(name, sizeof name, "%d of %d", j, i);
                r = va_tokens_add(folder, name, VA_SCOPE_STATUS, 0, &token, text, &error);
            }
            _exit(r == 0 ? 0 : 1);
        }
        assert_true(pids[i] > 0);
    }
    for (int i = 0; i < PROGRAMS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    struct va_tokens *tokens = load();
    assert_int_equal(tokens->n, PROGRAMS * EACH);
    va_free(tokens);
}

static void when_it_was_used_is_kept_apart(void **state)
{
    char text[VA_TOKEN_TEXT_BYTES];
    struct va_token token;

    assert_int_equal(va_tokens_add(folder, "a", VA_SCOPE_STATUS, 0, &token, text, &error), 0);
    struct va_tokens *tokens = load();
    assert_int_equal(tokens->token[0].used_unix_s, 0);
    tokens->token[0].used_unix_s = 7200;
    assert_int_equal(va_tokens_write_used(folder, tokens, &error), 0);
    va_free(tokens);
    tokens = load();
    assert_int_equal(tokens->token[0].used_unix_s, 7200);
    va_free(tokens);
    mode_is("access/used", 0600);
}

static void lines_that_are_damaged_are_named(void **state)
{
    static const char good[] = "token 0a1b2c3d status 1 0 0000000000000000000000000000000000000000000000000000000000000000 a\n";
    static struct va_tokens tokens;
    char text[sizeof good + 8];

    assert_int_equal(va_tokens_parse(good, sizeof good - 1, &tokens, &error), 0);
    assert_int_equal(tokens.n, 1);
    for (size_t n = 1; n < sizeof good - 3; n++) {
        assert_int_equal(va_tokens_parse(good, n, &tokens, &error), VA_EFORMAT);
        snprintf(text, sizeof text, "#\n%s", good);
        text[2 + n] = '\0';
        assert_int_equal(va_tokens_parse(text, 2 + sizeof good - 1, &tokens, &error), VA_EFORMAT);
        assert_non_null(strstr(error.text, "line 2"));
    }
}

static void scopes_are_read_and_written(void **state)
{
    char text[VA_SCOPES_TEXT_BYTES];
    unsigned scopes = 0;

    assert_int_equal(va_scopes_parse("control,status", &scopes, &error), 0);
    assert_int_equal(scopes, VA_SCOPE_STATUS | VA_SCOPE_CONTROL);
    va_scopes_text(scopes, text);
    assert_string_equal(text, "status,control");
    assert_int_equal(va_scopes_parse("all", &scopes, &error), 0);
    va_scopes_text(scopes, text);
    assert_string_equal(text, "status,transcribe,control,history,admin");
    assert_int_equal(va_scopes_parse("", &scopes, &error), VA_EINVAL);
    assert_int_equal(va_scopes_parse("status,", &scopes, &error), VA_EINVAL);
    assert_int_equal(va_scopes_parse("statu", &scopes, &error), VA_EINVAL);
    assert_int_equal(scopes, VA_SCOPE_ALL);
}

static void memory_may_run_out(void **state)
{
    char text[VA_TOKEN_TEXT_BYTES];
    struct va_token token;
    int r = VA_ENOMEM;

    for (size_t n = 1; n < 100 && r == VA_ENOMEM; n++) {
        va_memory_fail_after(n);
        r = va_tokens_add(folder, "a", VA_SCOPE_STATUS, 0, &token, text, &error);
        va_memory_fail_after(0);
    }
    assert_int_equal(r, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_added_is_kept_without_the_token, start, stop),
        cmocka_unit_test_setup_teardown(names_are_taken_once_and_revoked, start, stop),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(what_others_may_change_is_not_believed, start, stop),
        cmocka_unit_test_setup_teardown(programs_at_once_lose_nothing, start, stop),
        cmocka_unit_test_setup_teardown(when_it_was_used_is_kept_apart, start, stop),
        cmocka_unit_test(lines_that_are_damaged_are_named),
        cmocka_unit_test(scopes_are_read_and_written),
        cmocka_unit_test_setup_teardown(memory_may_run_out, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
