#include "privacy/privacy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "temporary.h"

static char folder[256];

static int start(void **state)
{
    return temporary_make(folder);
}

static int stop(void **state)
{
    return temporary_remove(folder);
}

static const char *path(void)
{
    return temporary_path(folder, VA_PRIVACY_FILE);
}

static void what_is_written_is_read(void **state)
{
    va_error error;
    struct stat info;

    assert_int_equal(va_privacy_read(folder, &error), 0);
    assert_int_equal(error.code, 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(va_privacy_write(folder, i & 1, &error), 0);
        assert_int_equal(va_privacy_read(folder, &error), i & 1);
        assert_int_equal(error.code, 0);
        assert_int_equal(stat(path(), &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
    }
    /* Not even the folder is there. */
    assert_int_equal(va_privacy_read(temporary_path(folder, "none"), &error), 0);
    assert_int_equal(error.code, 0);
    assert_int_equal(va_privacy_write(temporary_path(folder, "none"), 1, &error), VA_ENOTFOUND);
}

static void what_is_damaged_is_on(void **state)
{
    static const char *const texts[] = {"", "o", "of", "off", "off\n\n", "OFF\n", "on", "on\n ", "0\n", "offoffoffoffoff\n"};
    va_error error;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(temporary_write(path(), texts[i]), 0);
        assert_int_equal(va_privacy_read(folder, &error), 1);
        assert_int_equal(error.code, VA_EFORMAT);
        assert_non_null(strstr(error.text, "damaged"));
    }
    assert_int_equal(va_privacy_write(folder, 0, &error), 0);
    assert_int_equal(va_privacy_read(folder, &error), 0);
}

static void what_is_no_file_is_on(void **state)
{
    va_error error;

    assert_int_equal(mkdir(path(), 0700), 0);
    assert_int_equal(va_privacy_read(folder, &error), 1);
    assert_true(error.code < 0);
    assert_int_equal(va_privacy_write(folder, 0, &error), VA_EIO);
    assert_int_equal(rmdir(path()), 0);

    assert_int_equal(mkfifo(path(), 0600), 0);
    assert_int_equal(va_privacy_read(folder, &error), 1);
    assert_int_equal(unlink(path()), 0);

    assert_int_equal(temporary_write(temporary_path(folder, "elsewhere"), "off\n"), 0);
    assert_int_equal(symlink("elsewhere", path()), 0);
    assert_int_equal(va_privacy_read(folder, &error), 1);
    /* Writing replaces the link. */
    assert_int_equal(va_privacy_write(folder, 0, &error), 0);
    assert_int_equal(va_privacy_read(folder, &error), 0);
}

static void a_path_may_be_too_long(void **state)
{
    static char path[5000];
    va_error error;

    memset(path, 'x', sizeof path - 1);
    assert_int_equal(va_privacy_read(path, &error), 1);
    assert_int_equal(error.code, VA_ELIMIT);
}

static void out_of_memory(void **state)
{
    va_error error;

    for (size_t n = 1; n < 3; n++) {
        va_memory_fail_after(n);
        assert_int_equal(va_privacy_write(folder, 1, &error), VA_ENOMEM);
        va_memory_fail_after(0);
        assert_int_equal(va_privacy_read(folder, &error), 0);
    }
}

static _Atomic int cameras;

static void count(void *user, unsigned news)
{
    *(_Atomic int *)user += (news & VA_PRIVACY_SWITCH) != 0;
    cameras += (news & VA_PRIVACY_CAMERA) != 0;
}

static struct va_privacy_watch_options options_for(const char *path, _Atomic int *calls)
{
    return (struct va_privacy_watch_options){.folder = path, .root = folder, .changed = count, .user = (void *)calls};
}

static int wait_for(_Atomic int *value, int n)
{
    for (int i = 0; i < 10000 && *value < n; i++)
        usleep(1000);
    return *value >= n;
}

static void a_write_of_another_is_told(void **state)
{
    va_privacy_watch *watch;
    _Atomic int calls = 0;
    const struct va_privacy_watch_options options = options_for(folder, &calls);
    va_error error;

    assert_int_equal(va_privacy_watch_new(&options, &watch, &error), 0);
    assert_int_equal(temporary_write(temporary_path(folder, "other"), "x"), 0);
    assert_int_equal(va_privacy_write(folder, 1, &error), 0);
    assert_true(wait_for(&calls, 1));
    int before = calls;
    FILE *file = fopen(path(), "w"); /* in place, as a shell does */
    assert_non_null(file);
    fputs("off\n", file);
    assert_int_equal(fclose(file), 0);
    assert_true(wait_for(&calls, before + 1));
    va_privacy_watch_free(watch);
    before = calls;
    assert_int_equal(va_privacy_write(folder, 1, &error), 0);
    assert_int_equal(calls, before);
}

static void a_new_camera_is_told(void **state)
{
    va_privacy_watch *watch;
    _Atomic int calls = 0;
    const struct va_privacy_watch_options options = options_for(folder, &calls);
    va_error error;

    assert_int_equal(mkdir(temporary_path(folder, "dev"), 0700), 0);
    assert_int_equal(va_privacy_watch_new(&options, &watch, &error), 0);
    cameras = 0;
    assert_int_equal(mkfifo(temporary_path(folder, "dev/tty"), 0600), 0);
    assert_int_equal(mkfifo(temporary_path(folder, "dev/video0"), 0600), 0);
    assert_true(wait_for(&cameras, 1));
    va_privacy_watch_free(watch);
    assert_int_equal(cameras, 1);
    assert_int_equal(calls, 0);
}

static void a_watch_can_fail(void **state)
{
    va_privacy_watch *watch = NULL;
    va_error error;

    struct va_privacy_watch_options options = options_for(temporary_path(folder, "none"), NULL);
    assert_int_equal(va_privacy_watch_new(&options, &watch, &error), VA_ENOTFOUND);
    options.folder = folder;
    for (size_t n = 1; n < 3; n++) {
        va_memory_fail_after(n);
        assert_int_equal(va_privacy_watch_new(&options, &watch, &error), VA_ENOMEM);
        va_memory_fail_after(0);
    }
    assert_null(watch);
    va_privacy_watch_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read), TEST(what_is_damaged_is_on),      TEST(what_is_no_file_is_on), TEST(a_path_may_be_too_long),
        TEST(out_of_memory),           TEST(a_write_of_another_is_told), TEST(a_new_camera_is_told),  TEST(a_watch_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
