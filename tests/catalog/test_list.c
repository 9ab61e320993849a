/* Lists of folders with strange files in them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "catalog/catalog.h"
#include "temporary.h"

static char root[256];

static int set_up(void **state)
{
    return temporary_make(root);
}

static int tear_down(void **state)
{
    return temporary_remove(root);
}

/* A name that no command takes, or that is no text, may be there; what it is of is not the list's to tell. */
static void strange_names_are_not_listed(void **state)
{
    static const char *const names[] = {"\xff.vam", "a b.vam", "\x1b[2J.vam"};
    struct va_buffer text;
    va_error error = {0};

    va_buffer_init(&text, 1 << 16);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(temporary_write(temporary_path(root, names[i]), "junk"), 0);
    for (int json = 0; json < 2; json++) {
        va_buffer_clear(&text);
        if (va_catalog_list(root, json, &text, &error) != 0)
            fail_msg("%s", error.text);
        assert_null(strstr(text.data, "a b"));
        assert_null(strstr(text.data, "\x1b"));
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(unlink(temporary_path(root, names[i])), 0);
    va_buffer_free(&text);
}

/* Of a path that fills an error there is no room for the reason. */
static void a_long_path_leaves_no_reason(void **state)
{
    char folder[512];
    struct va_buffer text;
    va_error error;

    va_buffer_init(&text, 1 << 16);
    for (size_t length = sizeof error.text - 8; length < sizeof error.text + 2; length++) {
        size_t n = (size_t)snprintf(folder, sizeof folder, "%s/", root);
        memset(folder + n, 'd', length - n - strlen("/x.vam"));
        folder[length - strlen("/x.vam")] = '\0';
        assert_int_equal(va_file_make_folder(folder, 0700, NULL), 0);
        char *path = va_paths_join(folder, "x.vam");
        assert_int_equal(strlen(path), length);
        assert_int_equal(temporary_write(path, "junk"), 0);
        va_free(path);
        va_buffer_clear(&text);
        assert_int_equal(va_catalog_list(folder, 0, &text, &error), 0);
        const char *line = strstr(text.data, "x                unusable   ");
        assert_non_null(line);
        const char *reason = line + strlen("x                unusable   ");
        if (reason[0] != 'n' && reason[0] != '/') /* "not a prepared ...", cut off, or the path */
            fail_msg("%zu: %s", length, line);
        assert_int_equal(va_file_remove_tree(folder, NULL), 0);
    }
    va_buffer_free(&text);
}

/* And an error may be cut within a letter. */
static void a_folder_need_not_be_text(void **state)
{
    static const char letters[] = "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4";
    struct va_buffer text;
    va_error error;

    va_buffer_init(&text, 1 << 16);
    for (size_t shift = 0; shift < 2; shift++) {
        char folder[512];
        int n = snprintf(folder, sizeof folder, "%s/\xff%.*s", root, (int)shift, "x");
        assert_int_equal(va_file_make_folder(folder, 0700, &error), 0);
        for (int i = 0; i < 2; i++) {
            n += snprintf(folder + n, sizeof folder - (size_t)n, "/%s%s%s%s%s%s", letters, letters, letters, letters, letters, letters);
            assert_int_equal(va_file_make_folder(folder, 0700, &error), 0);
        }
        char *path = va_paths_join(folder, "own.vam");
        assert_int_equal(temporary_write(path, "junk"), 0);
        va_free(path);
        va_buffer_clear(&text);
        if (va_catalog_list(folder, 1, &text, &error) != 0)
            fail_msg("%s", error.text);
        assert_non_null(strstr(text.data, "\"unusable\""));
        assert_true(va_utf8_valid(text.data, text.size));
    }
    va_buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(strange_names_are_not_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_path_leaves_no_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_need_not_be_text, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
