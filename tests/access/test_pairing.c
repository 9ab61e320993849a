#include "access/pairing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/access.h"
#include "base/clock.h"
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

static int claim(const char *code, const char *name, struct va_token *ret_token)
{
    char text[VA_TOKEN_TEXT_BYTES];

    return va_pairing_claim(folder, code, name, ret_token, text, &error);
}

static void a_code_gives_one_token(void **state)
{
    const struct va_access_options options = {.folder = folder};
    const struct va_peer phone = {.address = "192.0.2.7", .is_tls = 1};
    char code[VA_PAIRING_CODE_BYTES], text[VA_TOKEN_TEXT_BYTES], *file;
    struct va_identity identity;
    struct va_token token;
    struct stat info;
    va_access *rights;
    size_t size;
    int wait_s;

    assert_int_equal(va_pairing_make(folder, code, &error), 0);
    assert_int_equal(strlen(code), 14);
    assert_int_equal(stat(temporary_path(folder, "access/pairing"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(va_file_read(temporary_path(folder, "access/pairing"), 10000, &file, &size, &error), 0);
    assert_null(strstr(file, code));
    va_free(file);

    assert_int_equal(va_pairing_claim(folder, code, "phone", &token, text, &error), 0);
    assert_int_equal(token.scopes, VA_PAIRING_SCOPES);
    assert_int_equal(va_access_open(&options, &rights, &error), 0);
    assert_int_equal(va_access_check(rights, &phone, text, &identity, &wait_s), 0);
    assert_string_equal(identity.name, "phone");
    assert_int_equal(identity.scopes & VA_SCOPE_ADMIN, 0);
    va_access_free(rights);
    assert_int_equal(claim(code, "phone", &token), VA_EDENIED);
}

static void how_it_is_typed_does_not_matter(void **state)
{
    char code[VA_PAIRING_CODE_BYTES], typed[40];
    struct va_token token;

    for (int i = 0; i < 20; i++) { /* so that 0 and 1 occur */
        size_t n = 0;
        assert_int_equal(va_pairing_make(folder, code, &error), 0);
        for (const char *p = code; *p != '\0'; p++)
            if (*p != '-') {
                typed[n++] = (char)(*p == '0' ? 'o' : *p == '1' ? 'l' : *p >= 'A' ? *p + 32 : *p);
                typed[n++] = ' ';
            }
        typed[n] = '\0';
        assert_int_equal(claim(typed, "phone", &token), 0);
    }
}

static void wrong_ones_are_refused(void **state)
{
    static const char *const wrong[] = {"", "0000-0000-0000", "0000-0000-000", "0000-0000-00000", "UUUU-UUUU-UUUU", "\xff\xff"};
    char code[VA_PAIRING_CODE_BYTES];
    struct va_token token;

    assert_int_equal(claim("0000-0000-0000", "phone", &token), VA_EDENIED);
    assert_int_equal(va_pairing_make(folder, code, &error), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(claim(wrong[i], "phone", &token), VA_EDENIED);
    assert_int_equal(claim(code, "", &token), VA_EINVAL);
    assert_int_equal(claim(code, "phone", &token), 0);
}

static void old_codes_are_refused(void **state)
{
    static const int64_t ends[] = {-1, VA_PAIRING_S + 60}; /* over, and later than any code made now */
    char code[VA_PAIRING_CODE_BYTES], line[128], *file;
    struct va_token token;
    size_t size;

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(va_pairing_make(folder, code, &error), 0);
        const char *path = temporary_path(folder, "access/pairing");
        assert_int_equal(va_file_read(path, 10000, &file, &size, &error), 0);
        snprintf(line, sizeof line, "%lld %s", (long long)(va_clock_unix_s() + (double)ends[i]), strchr(file, ' ') + 1);
        assert_int_equal(temporary_write(path, line), 0);
        va_free(file);
        assert_int_equal(claim(code, "phone", &token), VA_EDENIED);
    }
}

static void names_that_are_taken_get_a_number(void **state)
{
    static const char wide[] = "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                               "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4";
    char code[VA_PAIRING_CODE_BYTES];
    struct va_token token;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(va_pairing_make(folder, code, &error), 0);
        assert_int_equal(claim(code, "phone", &token), 0);
    }
    assert_string_equal(token.name, "phone 3");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(va_pairing_make(folder, code, &error), 0);
        assert_int_equal(claim(code, wide, &token), 0);
    }
    assert_true(va_token_is_name(token.name));
    assert_string_equal(token.name + strlen(token.name) - 2, " 2");
}

static void codes_are_bounded_and_the_newest_count(void **state)
{
    char first[VA_PAIRING_CODE_BYTES], code[VA_PAIRING_CODE_BYTES];
    struct va_token token;

    assert_int_equal(va_pairing_make(folder, first, &error), 0);
    for (int i = 0; i < VA_PAIRING_MAX; i++)
        assert_int_equal(va_pairing_make(folder, code, &error), 0);
    assert_int_equal(claim(first, "phone", &token), VA_EDENIED);
    assert_int_equal(claim(code, "phone", &token), 0);
    assert_int_equal(temporary_write(temporary_path(folder, "access/pairing"), "what"), 0);
    assert_int_equal(va_pairing_make(folder, code, &error), 0);
    assert_int_equal(claim(code, "phone", &token), 0);
}

/* However many ask at once, one gets a token. */
static void one_of_many_gets_it(void **state)
{
    enum { PROGRAMS = 6 };
    char code[VA_PAIRING_CODE_BYTES];
    struct va_token token;
    int got = 0;

    assert_int_equal(va_pairing_make(folder, code, &error), 0);
    for (int i = 0; i < PROGRAMS; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(claim(code, "phone", &token) == 0 ? 0 : 1);
        assert_true(pid > 0);
    }
    for (int i = 0; i < PROGRAMS; i++) {
        int status;
        assert_true(wait(&status) > 0);
        got += status == 0;
    }
    assert_int_equal(got, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_code_gives_one_token, start, stop),
        cmocka_unit_test_setup_teardown(how_it_is_typed_does_not_matter, start, stop),
        cmocka_unit_test_setup_teardown(wrong_ones_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(old_codes_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(names_that_are_taken_get_a_number, start, stop),
        cmocka_unit_test_setup_teardown(codes_are_bounded_and_the_newest_count, start, stop),
        cmocka_unit_test_setup_teardown(one_of_many_gets_it, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
