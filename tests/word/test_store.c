/* Where words are kept, by name. */
#include "word/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/memory.h"
#include "temporary.h"

static char folder[256];

static int set_up(void **state)
{
    return temporary_make(folder);
}

static int tear_down(void **state)
{
    return temporary_remove(folder);
}

static void test_names(void **state)
{
    static const char *const bad[] = {"", "-x", "a b", "a/b", "..", ".hidden", "a.vam", "\xc3\xa4"};
    char long_name[VA_WORD_MAX_NAME + 2], *path = NULL;
    va_error error;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(va_word_path(folder, bad[i], &path, &error), VA_EINVAL);
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(va_word_path(folder, long_name, &path, &error), VA_EINVAL);
    long_name[VA_WORD_MAX_NAME] = '\0';
    assert_int_equal(va_word_path(folder, long_name, &path, &error), 0);
    va_free(path);
    assert_int_equal(va_word_path(folder, "My-word_2", &path, &error), 0);
    assert_string_equal(path, temporary_path(folder, "My-word_2"));
    va_free(path);
}

static void test_the_user_s_own_folder(void **state)
{
    char *path, *made;

    setenv("STATE_DIRECTORY", folder, 1);
    assert_int_equal(va_word_path(NULL, "word", &path, NULL), 0);
    assert_string_equal(path, temporary_path(folder, "words/word"));
    unsetenv("STATE_DIRECTORY");
    va_free(path);
    const char *words = temporary_path(folder, "words");
    assert_int_equal(va_word_path_for_writing(words, "word", &made, NULL), 0);
    struct stat status;
    assert_int_equal(stat(words, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    va_free(made);
}

static void test_list_and_remove(void **state)
{
    static struct va_word_names names;
    char words[300];
    char *path;
    va_error error;

    snprintf(words, sizeof words, "%s/some", folder);
    assert_int_equal(va_word_list(words, &names, &error), 0);
    assert_int_equal(names.n, 0);
    static const char *const made[] = {"c", "a", "b", "a.Xy12zZ"};
    assert_int_equal(va_word_path_for_writing(words, "a", &path, &error), 0);
    va_free(path);
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        assert_int_equal(temporary_write(temporary_path(words, made[i]), "x"), 0);
    assert_int_equal(va_word_list(words, &names, &error), 0);
    assert_int_equal(names.n, 3);
    assert_string_equal(names.names[0], "a");
    assert_string_equal(names.names[2], "c");
    assert_int_equal(va_word_remove(words, "b", &error), 0);
    assert_int_equal(va_word_remove(words, "b", &error), VA_ENOTFOUND);
    assert_int_equal(va_word_remove(words, "../a", &error), VA_EINVAL);
    assert_int_equal(va_word_list(words, &names, &error), 0);
    assert_int_equal(names.n, 2);
    assert_int_equal(va_word_list(temporary_path(words, "a"), &names, &error), VA_EIO);
}

static void test_more_than_are_listed(void **state)
{
    static struct va_word_names names;
    char name[16];

    assert_int_equal(va_file_make_folder(temporary_path(folder, "many"), 0700, NULL), 0);
    for (int i = 0; i < VA_WORD_MAX_STORED + 3; i++) {
        snprintf(name, sizeof name, "many/w%d", i);
        assert_int_equal(temporary_write(temporary_path(folder, name), "x"), 0);
    }
    assert_int_equal(va_word_list(temporary_path(folder, "many"), &names, NULL), 0);
    assert_int_equal(names.n, VA_WORD_MAX_STORED);
}

static void test_out_of_memory(void **state)
{
    static struct va_word_names names;
    va_error error;
    char *path = NULL;

    for (size_t n = 1; n <= 2; n++) {
        va_memory_fail_after(n);
        assert_int_equal(va_word_path(folder, "w", &path, &error), VA_ENOMEM);
        va_memory_fail_after(0);
    }
    va_memory_fail_after(1);
    assert_int_equal(va_word_list(folder, &names, &error), VA_ENOMEM);
    va_memory_fail_after(0);
    assert_null(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),           cmocka_unit_test(test_the_user_s_own_folder),
        cmocka_unit_test(test_list_and_remove), cmocka_unit_test(test_more_than_are_listed),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
