#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int count_files(const char *path)
{
    char command[600];
    int n = -1;
    snprintf(command, sizeof command, "ls -A '%s' | wc -l", path);
    FILE *pipe = popen(command, "r");
    if (pipe != NULL && fscanf(pipe, "%d", &n) != 1)
        n = -1;
    if (pipe != NULL)
        pclose(pipe);
    return n;
}

static void reads_what_was_written(void **state)
{
    char *path = va_asprintf("%s/a", folder), *data, big[10000];
    size_t size;
    va_error error;
    struct stat info;

    memset(big, 'x', sizeof big);
    assert_int_equal(va_file_write(path, "first", 5, 0640, &error), 0);
    assert_int_equal(va_file_write(path, big, sizeof big, 0600, &error), 0);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(va_file_read(path, sizeof big, &data, &size, &error), 0);
    assert_int_equal(size, sizeof big);
    assert_memory_equal(data, big, size);
    assert_int_equal(data[size], '\0');
    va_free(data);
    assert_int_equal(va_file_read(path, sizeof big - 1, &data, &size, &error), VA_ELIMIT);
    assert_int_equal(va_file_write(path, "", 0, 0600, &error), 0);
    assert_int_equal(va_file_read(path, 0, &data, &size, &error), 0);
    assert_int_equal(size, 0);
    assert_string_equal(data, "");
    va_free(data);
    assert_int_equal(count_files(folder), 1); /* no temporary file stays */
    va_free(path);
}

static void reads_files_without_a_size(void **state)
{
    char *data;
    size_t size;
    assert_int_equal(va_file_read("/proc/self/status", 1 << 20, &data, &size, NULL), 0);
    assert_true(size > 100);
    va_free(data);
    assert_int_equal(va_file_read("/proc/self/status", 10, &data, &size, NULL), VA_ELIMIT);
    assert_int_equal(va_file_read("/dev/zero", 100000, &data, &size, NULL), VA_ELIMIT);
}

static void says_what_is_wrong(void **state)
{
    char *data = NULL;
    size_t size = 7;
    va_error error;
    struct va_map map = {0};
    const char *missing = temporary_path(folder, "missing/file");

    assert_int_equal(va_file_read(missing, 10, &data, &size, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "missing/file"));
    assert_null(data);
    assert_int_equal(size, 7);
    assert_int_equal(va_file_read(folder, 100000, &data, &size, &error), VA_EIO);
    assert_int_equal(va_file_write(missing, "x", 1, 0600, &error), VA_ENOTFOUND);
    assert_int_equal(va_file_write(folder, "x", 1, 0600, &error), VA_EIO); /* a folder is in the way */
    assert_int_equal(va_file_map(missing, &map, &error), VA_ENOTFOUND);
    assert_int_equal(va_file_map(folder, &map, &error), VA_EFORMAT);
    const char *empty = temporary_path(folder, "empty"), *pipe = temporary_path(folder, "pipe");
    assert_int_equal(temporary_write(empty, ""), 0);
    assert_int_equal(va_file_map(empty, &map, &error), VA_EFORMAT);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(va_file_map(pipe, &map, &error), VA_EFORMAT); /* and does not wait */
    assert_null(map.data);
}

static void maps(void **state)
{
    const char *path = temporary_path(folder, "map");
    struct va_map map;
    assert_int_equal(temporary_write(path, "content"), 0);
    assert_int_equal(va_file_map(path, &map, NULL), 0);
    assert_int_equal(map.size, 7);
    assert_memory_equal(map.data, "content", 7);
    va_file_unmap(&map);
    assert_null(map.data);
    va_file_unmap(&map);
}

static void makes_folders(void **state)
{
    const char *path = temporary_path(folder, "a/b//c/"), *file = temporary_path(folder, "file"), *below = temporary_path(folder, "file/x");
    va_error error;
    assert_int_equal(va_file_make_folder(path, 0700, &error), 0);
    assert_int_equal(va_file_make_folder(path, 0700, &error), 0);
    assert_true(va_file_exists(path));
    assert_int_equal(temporary_write(file, "x"), 0);
    assert_true(va_file_make_folder(file, 0700, &error) < 0);
    assert_non_null(strstr(error.text, "in the way"));
    assert_true(va_file_make_folder(below, 0700, &error) < 0);
    assert_int_equal(va_file_make_folder("", 0700, &error), VA_EINVAL);
    assert_int_equal(va_file_make_folder("/", 0700, &error), 0);
    assert_false(va_file_exists(below));
}

static void removes_trees_but_not_through_links(void **state)
{
    const char *outside = temporary_path(folder, "outside"), *kept = temporary_path(folder, "outside/kept");
    const char *tree = temporary_path(folder, "tree");
    char path[600];
    va_error error;

    assert_int_equal(va_file_make_folder(outside, 0700, &error), 0);
    assert_int_equal(temporary_write(kept, "x"), 0);
    snprintf(path, sizeof path, "%s/x/y/z", tree);
    assert_int_equal(va_file_make_folder(path, 0700, &error), 0);
    snprintf(path, sizeof path, "%s/x/y/file", tree);
    assert_int_equal(temporary_write(path, "x"), 0);
    snprintf(path, sizeof path, "%s/x/link", tree);
    assert_int_equal(symlink(outside, path), 0);
    snprintf(path, sizeof path, "%s/x/dangling", tree);
    assert_int_equal(symlink("/nowhere/at/all", path), 0);
    assert_int_equal(va_file_remove_tree(tree, &error), 0);
    assert_false(va_file_exists(tree));
    assert_true(va_file_exists(kept));

    /* the link itself goes, with or without a slash at its end */
    snprintf(path, sizeof path, "%s/link", folder);
    for (int slash = 0; slash < 2; slash++) {
        char name[700];
        snprintf(name, sizeof name, "%s%s", path, slash ? "//" : "");
        assert_int_equal(symlink(outside, path), 0);
        assert_int_equal(va_file_remove_tree(name, &error), 0);
        assert_int_equal(access(path, F_OK), -1);
        assert_true(va_file_exists(kept));
    }
    assert_int_equal(va_file_remove_tree(kept, &error), 0);
    assert_int_equal(va_file_remove_tree(kept, &error), 0); /* missing is fine */
    assert_int_equal(va_file_remove_tree(outside, &error), 0);
}

static void bounds_depth_of_removal(void **state)
{
    char *path = va_asprintf("%s/deep", folder), *top = va_strdup(path);
    va_error error;
    for (int i = 0; i < 200; i++) {
        char *longer = va_asprintf("%s/d", path);
        va_free(path);
        path = longer;
    }
    assert_int_equal(va_file_make_folder(path, 0700, &error), 0);
    assert_int_equal(va_file_remove_tree(top, &error), VA_ELIMIT);
    path[strlen(top) + 2 * 100] = '\0'; /* the lower half first */
    assert_int_equal(va_file_remove_tree(path, &error), 0);
    assert_int_equal(va_file_remove_tree(top, &error), 0);
    va_free(path);
    va_free(top);
}

static void survives_no_memory(void **state)
{
    const char *path = temporary_path(folder, "memory");
    assert_int_equal(temporary_write(path, "x"), 0);
    for (size_t n = 1; n < 3; n++) {
        char *data = NULL;
        size_t size;
        va_memory_fail_after(n);
        int r = va_file_read(n == 1 ? path : "/proc/self/maps", 1 << 24, &data, &size, NULL);
        int w = va_file_write(path, "y", 1, 0600, NULL), m = va_file_make_folder(folder, 0700, NULL), t = va_file_remove_tree(path, NULL);
        va_memory_fail_after(0);
        assert_true(r == VA_ENOMEM || r == 0);
        va_free(data);
        assert_int_equal(w, VA_ENOMEM);
        assert_int_equal(m, VA_ENOMEM);
        assert_int_equal(t, VA_ENOMEM);
        assert_true(va_file_exists(path));
    }
}

static void assert_owner(const char *path, uid_t owner)
{
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    assert_int_equal(info.st_uid, owner);
}

static void what_root_writes_belongs_to_the_owner_of_the_folder(void **state)
{
    char *file = va_asprintf("%s/service/a", folder), *inner = va_asprintf("%s/service/b/c", folder), *own = va_asprintf("%s/a", folder);
    char *service = va_asprintf("%s/service", folder);
    va_error error;

    if (geteuid() != 0)
        skip();
    assert_int_equal(va_file_make_folder(service, 0700, &error), 0);
    assert_owner(service, 0);
    assert_int_equal(chown(service, 12345, 12345), 0);
    assert_int_equal(va_file_write(file, "x", 1, 0600, &error), 0);
    assert_owner(file, 12345);
    assert_int_equal(va_file_make_folder(inner, 0700, &error), 0);
    assert_owner(inner, 12345);
    assert_int_equal(va_file_write(own, "x", 1, 0600, &error), 0);
    assert_owner(own, 0);
    va_free(file);
    va_free(inner);
    va_free(own);
    va_free(service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_what_was_written, set_up, tear_down),
        cmocka_unit_test(reads_files_without_a_size),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(maps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(makes_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removes_trees_but_not_through_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bounds_depth_of_removal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_root_writes_belongs_to_the_owner_of_the_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
