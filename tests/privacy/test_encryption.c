#include "privacy/encryption.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "temporary.h"

/* A tree such as sysfs is: /sys/dev/block/MAJOR:MINOR links to a device below /sys/devices. */
static char root[256];

static int start(void **state)
{
    return temporary_make(root);
}

static int stop(void **state)
{
    return temporary_remove(root);
}

static void make(const char *name)
{
    assert_int_equal(va_file_make_folder(temporary_path(root, name), 0755, NULL), 0);
}

static void write_file(const char *device, const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof path, "sys/devices/%s/%s", device, name);
    assert_int_equal(temporary_write(temporary_path(root, path), text), 0);
}

/* uuid NULL: it is not the device mapper's. */
static void make_device(const char *device, const char *uuid)
{
    char path[128];

    snprintf(path, sizeof path, "sys/devices/%s/slaves", device);
    make(path);
    if (uuid == NULL)
        return;
    snprintf(path, sizeof path, "sys/devices/%s/dm", device);
    make(path);
    write_file(device, "dm/uuid", uuid);
}

static void put_on(const char *device, const char *slave)
{
    char path[128], target[320];

    snprintf(path, sizeof path, "sys/devices/%s/slaves/%s", device, strrchr(slave, '/') != NULL ? strrchr(slave, '/') + 1 : slave);
    snprintf(target, sizeof target, "%s/sys/devices/%s", root, slave);
    assert_int_equal(symlink(target, temporary_path(root, path)), 0);
}

/* The folder, which is the tree's, is on this device. VA_EUNSUPPORTED: its filesystem has none. */
static int check_on(const char *device, va_error *error)
{
    struct stat info;
    char path[128], target[320];

    assert_int_equal(stat(root, &info), 0);
    if (major(info.st_dev) == 0)
        return VA_EUNSUPPORTED;
    make("sys/dev/block");
    snprintf(path, sizeof path, "sys/dev/block/%u:%u", major(info.st_dev), minor(info.st_dev));
    snprintf(target, sizeof target, "../../devices/%s", device);
    unlink(temporary_path(root, path));
    assert_int_equal(symlink(target, temporary_path(root, path)), 0);
    return va_encryption_check(root, root, error);
}

#define CHECK(device, want)                     \
    do {                                        \
        va_error error;                         \
        int got = check_on(device, &error);     \
        if (got == VA_EUNSUPPORTED) {           \
            print_message("no disk below it "); \
            skip();                             \
        }                                       \
        assert_int_equal(got, want);            \
    } while (0)

static void what_cryptsetup_maps_is_encrypted(void **state)
{
    static const struct {
        const char *uuid;
        int want;
    } cases[] = {
        {"CRYPT-LUKS2-0123456789abcdef-voice-assistant-data\n", 0},
        {"CRYPT-LUKS1-0123456789abcdef-data\n", 0},
        {"CRYPT-PLAIN-data\n", 0},
        {"CRYPT-BITLK-0123-data\n", 0},
        {"CRYPT-VERITY-0123-root\n", VA_EDENIED},
        {"CRYPT-INTEGRITY-0123-data\n", VA_EDENIED},
        {"CRYPT-\n", VA_EDENIED},
        {"CRYPT-LUKS2", VA_EDENIED},
        {"LVM-CRYPT-LUKS2-1\n", VA_EDENIED},
        {"crypt-luks2-1\n", VA_EDENIED},
        {"\n", VA_EDENIED},
        {"", VA_EDENIED},
    };

    make_device("dm-0", "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file("dm-0", "dm/uuid", cases[i].uuid);
        CHECK("dm-0", cases[i].want);
    }
}

static void a_plain_disk_is_not(void **state)
{
    make_device("sda", NULL);
    make("sys/devices/sda/sda1");
    write_file("sda/sda1", "partition", "1\n");
    CHECK("sda", VA_EDENIED);
    CHECK("sda/sda1", VA_EDENIED);
    /* The link leads nowhere. */
    CHECK("none", VA_EDENIED);
}

static void what_lies_on_it_counts(void **state)
{
    make_device("sda", NULL);
    make_device("dm-0", "CRYPT-LUKS2-1-a\n");
    make_device("dm-1", "CRYPT-LUKS2-2-b\n");
    make_device("dm-2", "LVM-1\n");
    put_on("dm-0", "sda");
    put_on("dm-2", "dm-0");
    CHECK("dm-2", 0);
    /* A mirror of two, and a partition of that. */
    make_device("md0", NULL);
    put_on("md0", "dm-2");
    put_on("md0", "dm-1");
    make("sys/devices/md0/md0p1");
    write_file("md0/md0p1", "partition", "1\n");
    CHECK("md0/md0p1", 0);
    /* One half of it is plain. */
    put_on("md0", "sda");
    CHECK("md0", VA_EDENIED);
    CHECK("md0/md0p1", VA_EDENIED);
}

static void below_it_does_not_count(void **state)
{
    /* A plain volume that others have encrypted volumes on. */
    make_device("dm-0", "LVM-1\n");
    make_device("dm-1", "CRYPT-LUKS2-1-a\n");
    put_on("dm-1", "dm-0");
    CHECK("dm-0", VA_EDENIED);
}

static void rings_end(void **state)
{
    make_device("dm-0", "LVM-1\n");
    put_on("dm-0", "dm-0");
    CHECK("dm-0", VA_EDENIED);
}

static void towers_end(void **state)
{
    char name[16], below[16];

    make_device("dm-0", "CRYPT-LUKS2-1-a\n");
    for (int i = 1; i <= 12; i++) {
        snprintf(name, sizeof name, "dm-%d", i);
        snprintf(below, sizeof below, "dm-%d", i - 1);
        make_device(name, "LVM-1\n");
        put_on(name, below);
    }
    CHECK("dm-8", 0);
    CHECK("dm-9", VA_EDENIED);
}

static void without_a_disk_it_is_not_known(void **state)
{
    va_error error;

    assert_int_equal(va_encryption_check(root, "/proc", &error), VA_EDENIED);
    assert_non_null(strstr(error.text, "/proc"));
    assert_int_equal(va_encryption_check(root, temporary_path(root, "none"), &error), VA_ENOTFOUND);
    /* Nothing is known of any device. */
    assert_int_equal(va_encryption_check(root, root, &error), VA_EDENIED);
    assert_int_equal(va_encryption_check("/dev/null", root, &error), VA_EDENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_cryptsetup_maps_is_encrypted, start, stop),
        cmocka_unit_test_setup_teardown(a_plain_disk_is_not, start, stop),
        cmocka_unit_test_setup_teardown(what_lies_on_it_counts, start, stop),
        cmocka_unit_test_setup_teardown(below_it_does_not_count, start, stop),
        cmocka_unit_test_setup_teardown(rings_end, start, stop),
        cmocka_unit_test_setup_teardown(towers_end, start, stop),
        cmocka_unit_test_setup_teardown(without_a_disk_it_is_not_known, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
