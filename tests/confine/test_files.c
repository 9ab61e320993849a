/* Which files a service can still open, make and remove: each attempt in a process of its own. */
#include "confine/service.h"

static int open_as(const char *path, int flags)
{
    return number_of(open(path, flags | O_CLOEXEC, 0600));
}

static int own_read(void)
{
    return open_as(own, O_RDONLY);
}
static int own_truncate(void)
{
    return open_as(own, O_RDWR | O_TRUNC);
}
static int own_list(void)
{
    return open_as(folder, O_RDONLY | O_DIRECTORY);
}
static int own_unnamed(void)
{
    return open_as(folder, O_RDWR | O_TMPFILE);
}
static int system_read(void)
{
    return open_as("/proc/self/status", O_RDONLY);
}
static int null_write(void)
{
    return open_as("/dev/null", O_WRONLY);
}
static int foreign_read(void)
{
    return open_as(foreign, O_RDONLY);
}
static int foreign_write(void)
{
    return open_as(foreign, O_WRONLY);
}
static int foreign_list(void)
{
    return open_as(other, O_RDONLY | O_DIRECTORY);
}
static int foreign_remove(void)
{
    return number_of(unlink(foreign));
}
static int foreign_truncate(void)
{
    return number_of(truncate(foreign, 0));
}
static int foreign_folder(void)
{
    return number_of(rmdir(other));
}
static int etc_write(void)
{
    return open_as("/etc/va-confine-test", O_WRONLY | O_CREAT);
}
static int usr_write(void)
{
    return open_as("/usr/va-confine-test", O_WRONLY | O_CREAT);
}
static int passwords_read(void)
{
    return open_as("/etc/passwd", O_RDONLY);
}
static int disk_open(void)
{
    return open_as("/dev/full", O_RDONLY);
}

static int own_replace(void)
{
    va_error error;
    int r = va_file_write(own, "new", 3, 0600, &error);
    return r == 0 ? 0 : errno;
}

static int foreign_rename(void)
{
    char path[64];

    snprintf(path, sizeof path, "%s/taken", folder);
    return number_of(rename(foreign, path));
}

static int leave_rename(void)
{
    char path[64];

    snprintf(path, sizeof path, "%s/left", other);
    return number_of(rename(own, path));
}

static int own_folder(void)
{
    char path[64];

    snprintf(path, sizeof path, "%s/sub", folder);
    return mkdir(path, 0700) != 0 ? errno : number_of(rmdir(path));
}

static void test_files(void **state)
{
    static const struct row rows[] = {{"read own", own_read, 0},
                                      {"truncate own", own_truncate, 0},
                                      {"list own", own_list, 0},
                                      {"unnamed", own_unnamed, 0},
                                      {"replace own", own_replace, 0},
                                      {"folder in own", own_folder, 0},
                                      {"read /proc", system_read, 0},
                                      {"write /dev/null", null_write, 0},
                                      {"read foreign", foreign_read, EACCES},
                                      {"write foreign", foreign_write, EACCES},
                                      {"list foreign", foreign_list, EACCES},
                                      {"remove foreign", foreign_remove, EACCES},
                                      {"remove folder", foreign_folder, EACCES},
                                      {"write /etc", etc_write, EACCES},
                                      {"write /usr", usr_write, EACCES},
                                      {"read /etc", passwords_read, EACCES},
                                      {"open a device", disk_open, EACCES},
                                      {"truncate foreign", foreign_truncate, ENOSYS}};

    check(rows, COUNT(rows), 1);
    assert_int_not_equal(try(va_confine_service, &plan, 1, foreign_rename), 0);
    assert_int_not_equal(try(va_confine_service, &plan, 1, leave_rename), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_files)};

    return cmocka_run_group_tests(tests, make_plan, free_plan);
}
