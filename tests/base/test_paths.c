#include "base/paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "temporary.h"

static char home[256];

static int set_up(void **state)
{
    static const char *const names[] = {"XDG_CONFIG_HOME", "XDG_DATA_HOME",  "XDG_STATE_HOME",
                                        "STATE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    return temporary_make(home) < 0 ? -1 : setenv("HOME", home, 1);
}

static int tear_down(void **state)
{
    return temporary_remove(home);
}

/* below: expected under the home when it starts without a slash */
static void check(enum va_folder folder, int is_root, const char *below)
{
    char *path = NULL, *expected = below[0] == '/' ? va_strdup(below) : va_paths_join(home, below);
    assert_int_equal(va_paths_folder_as(folder, is_root, &path, NULL), 0);
    assert_string_equal(path, expected);
    va_free(path);
    va_free(expected);
}

static void root_has_system_folders(void **state)
{
    setenv("XDG_DATA_HOME", "/elsewhere", 1);
    check(VA_FOLDER_CONFIG, 1, "/etc/voice-assistant");
    check(VA_FOLDER_DATA, 1, "/var/lib/voice-assistant");
    check(VA_FOLDER_LOG, 1, "/var/log/voice-assistant");
}

static void users_have_xdg_folders(void **state)
{
    check(VA_FOLDER_CONFIG, 0, ".config/voice-assistant");
    check(VA_FOLDER_DATA, 0, ".local/share/voice-assistant");
    check(VA_FOLDER_LOG, 0, ".local/state/voice-assistant");
    setenv("XDG_CONFIG_HOME", "/c", 1);
    setenv("XDG_DATA_HOME", "/d", 1);
    setenv("XDG_STATE_HOME", "relative/is/ignored", 1);
    check(VA_FOLDER_CONFIG, 0, "/c/voice-assistant");
    check(VA_FOLDER_DATA, 0, "/d/voice-assistant");
    check(VA_FOLDER_LOG, 0, ".local/state/voice-assistant");
}

static void an_own_folder_that_exists_is_used(void **state)
{
    assert_int_equal(va_file_make_folder(temporary_path(home, ".voice-assistant"), 0700, NULL), 0);
    setenv("XDG_CONFIG_HOME", "/c", 1);
    check(VA_FOLDER_CONFIG, 0, ".voice-assistant");
    check(VA_FOLDER_DATA, 0, ".voice-assistant");
    check(VA_FOLDER_LOG, 0, ".voice-assistant");
}

static void services_get_what_systemd_says(void **state)
{
    setenv("CONFIGURATION_DIRECTORY", "/etc/a", 1);
    setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b", 1);
    setenv("LOGS_DIRECTORY", "/var/log/a", 1);
    for (int is_root = 0; is_root < 2; is_root++) {
        check(VA_FOLDER_CONFIG, is_root, "/etc/a");
        check(VA_FOLDER_DATA, is_root, "/var/lib/a");
        check(VA_FOLDER_LOG, is_root, "/var/log/a");
    }
}

static void a_missing_home_comes_from_the_user_table(void **state)
{
    char *path = NULL;
    unsetenv("HOME");
    int r = va_paths_folder_as(VA_FOLDER_DATA, 0, &path, NULL);
    assert_true(r == VA_ENOTFOUND || (r == 0 && path[0] == '/'));
    va_free(path);
}

static void check_file(int (*find)(const char *name, char **ret_path, va_error *error), const char *name)
{
    char *path = NULL;
    assert_int_equal(find(name, &path, NULL), 0);
    assert_string_equal(path, temporary_path(home, name));
    va_free(path);
}

static void finds_files(void **state)
{
    setenv("CONFIGURATION_DIRECTORY", home, 1);
    setenv("STATE_DIRECTORY", home, 1);
    assert_int_equal(temporary_write(temporary_path(home, "there.yaml"), ""), 0);
    check_file(va_paths_config, "there.yaml");
    check_file(va_paths_config, "not-there.yaml");
    check_file(va_paths_data, "there.yaml");
    check_file(va_paths_data, "not-there.yaml");
}

static void joins(void **state)
{
    static const char *const rows[][3] = {{"/a", "b", "/a/b"}, {"/a/", "b", "/a/b"}, {"/", "b", "/b"}, {"a", "b/c", "a/b/c"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *path = va_paths_join(rows[i][0], rows[i][1]);
        assert_string_equal(path, rows[i][2]);
        va_free(path);
    }
}

static void survives_no_memory(void **state)
{
    for (int own = 0; own < 2; own++) {
        int r = VA_ENOMEM;
        for (size_t n = 1; r == VA_ENOMEM; n++) {
            char *path = NULL;
            va_memory_fail_after(n);
            r = va_paths_folder_as(VA_FOLDER_DATA, 0, &path, NULL);
            va_memory_fail_after(0);
            assert_true(r == 0 || path == NULL);
            va_free(path);
        }
        assert_int_equal(r, 0);
        r = VA_ENOMEM;
        for (size_t n = 1; r == VA_ENOMEM; n++) {
            char *path = NULL;
            va_memory_fail_after(n);
            r = va_paths_config("x", &path, NULL);
            va_memory_fail_after(0);
            va_free(path);
        }
        assert_int_equal(r, 0);
        assert_int_equal(va_file_make_folder(temporary_path(home, ".voice-assistant"), 0700, NULL), 0);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(root_has_system_folders),
        CASE(users_have_xdg_folders),
        CASE(an_own_folder_that_exists_is_used),
        CASE(services_get_what_systemd_says),
        CASE(a_missing_home_comes_from_the_user_table),
        CASE(finds_files),
        CASE(joins),
        CASE(survives_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
