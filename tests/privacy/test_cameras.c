/* Cameras in a tree that looks like /sys: two names of one USB camera, and one on a platform bus. */
#include "privacy/cameras.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "privacy/camera_record.h"
#include "temporary.h"

#define USB "/sys/devices/usb1/1-1/1-1:1.0"
#define CSI "/sys/devices/soc/fe801000.csi"

static char root[256], folder[300];

static void make_folder(const char *path)
{
    assert_int_equal(va_file_make_folder(temporary_path(root, path), 0755, NULL), 0);
}

static void make_link(const char *path, const char *target)
{
    assert_int_equal(symlink(target, temporary_path(root, path)), 0);
}

static void make_file(const char *path)
{
    assert_int_equal(temporary_write(temporary_path(root, path), ""), 0);
}

/* What was written to a file of a driver, which is emptied. */
static const char *told(const char *path)
{
    static char text[128];
    FILE *file = fopen(temporary_path(root, path), "r+");

    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    assert_int_equal(ftruncate(fileno(file), 0), 0);
    fclose(file);
    return text;
}

static int start(void **state)
{
    static const char *const folders[] = {USB,
                                          CSI,
                                          "/sys/bus/usb/devices",
                                          "/sys/bus/usb/drivers/uvcvideo",
                                          "/sys/bus/platform/devices",
                                          "/sys/bus/platform/drivers/unicam",
                                          "/sys/class/video4linux",
                                          "/sys/devices/virtual/video9",
                                          "/data"};
    static const char *const files[] = {"/sys/bus/usb/drivers/uvcvideo/bind", "/sys/bus/usb/drivers/uvcvideo/unbind",
                                        "/sys/bus/platform/drivers/unicam/bind", "/sys/bus/platform/drivers/unicam/unbind"};

    assert_int_equal(temporary_make(root), 0);
    snprintf(folder, sizeof folder, "%s/data", root);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        make_folder(folders[i]);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        make_file(files[i]);
    make_link(USB "/subsystem", "../../../../bus/usb");
    make_link(USB "/driver", "../../../../bus/usb/drivers/uvcvideo");
    make_link("/sys/bus/usb/devices/1-1:1.0", "../../../devices/usb1/1-1/1-1:1.0");
    make_link(CSI "/subsystem", "../../../bus/platform");
    make_link(CSI "/driver", "../../../bus/platform/drivers/unicam");
    make_link("/sys/bus/platform/devices/fe801000.csi", "../../../devices/soc/fe801000.csi");
    for (int i = 0; i < 2; i++) {
        char path[64];
        snprintf(path, sizeof path, USB "/video4linux/video%d", i);
        make_folder(path);
        snprintf(path, sizeof path, USB "/video4linux/video%d/device", i);
        make_link(path, "../../../1-1:1.0");
        snprintf(path, sizeof path, "/sys/class/video4linux/video%d", i);
        make_link(path, i == 0 ? "../../devices/usb1/1-1/1-1:1.0/video4linux/video0" : "../../devices/usb1/1-1/1-1:1.0/video4linux/video1");
    }
    make_link("/sys/class/video4linux/video9", "../../devices/virtual/video9");
    return 0;
}

static int stop(void **state)
{
    return temporary_remove(root);
}

/* What the kernel does when it has been told. */
static void unbind_usb(void)
{
    assert_int_equal(unlink(temporary_path(root, USB "/driver")), 0);
    assert_int_equal(va_file_remove_tree(temporary_path(root, USB "/video4linux"), NULL), 0);
    assert_int_equal(unlink(temporary_path(root, "/sys/class/video4linux/video0")), 0);
    assert_int_equal(unlink(temporary_path(root, "/sys/class/video4linux/video1")), 0);
}

static struct va_cameras_options options(const char *names)
{
    return (struct va_cameras_options){.root = root, .folder = folder, .names = names};
}

static void expect(const struct va_cameras *cameras, size_t i, const char *name, enum va_camera_state state, const char *reason)
{
    assert_true(i < cameras->n);
    assert_string_equal(cameras->camera[i].name, name);
    assert_string_equal(va_camera_state_text(cameras->camera[i].state), va_camera_state_text(state));
    if (reason[0] == '\0' ? cameras->camera[i].reason[0] != '\0' : strstr(cameras->camera[i].reason, reason) == NULL)
        fail_msg("%s: %s", name, cameras->camera[i].reason);
}

static void cameras_go_and_come_back(void **state)
{
    struct va_cameras_options both = options("/dev/video0, fe801000.csi");
    struct va_cameras cameras;

    va_cameras_look(&both, &cameras);
    expect(&cameras, 0, "/dev/video0", VA_CAMERA_BOUND, "");
    expect(&cameras, 1, "fe801000.csi", VA_CAMERA_BOUND, "");
    va_cameras_release(&both, &cameras);
    assert_int_equal(cameras.n, 2);
    assert_int_equal(cameras.n_failed, 0);
    expect(&cameras, 0, "/dev/video0", VA_CAMERA_RELEASED, "");
    expect(&cameras, 1, "fe801000.csi", VA_CAMERA_RELEASED, "");
    assert_string_equal(told("/sys/bus/usb/drivers/uvcvideo/unbind"), "1-1:1.0");
    assert_string_equal(told("/sys/bus/platform/drivers/unicam/unbind"), "fe801000.csi");
    unbind_usb();
    assert_int_equal(unlink(temporary_path(root, CSI "/driver")), 0);

    /* Again, as after a restart: nothing is left to do. */
    va_cameras_release(&both, &cameras);
    assert_int_equal(cameras.n_failed, 0);
    expect(&cameras, 0, "/dev/video0", VA_CAMERA_RELEASED, "");
    assert_string_equal(told("/sys/bus/usb/drivers/uvcvideo/unbind"), "");
    va_cameras_look(&both, &cameras);
    expect(&cameras, 0, "/dev/video0", VA_CAMERA_RELEASED, "");

    va_cameras_bind(&both, &cameras);
    assert_int_equal(cameras.n, 2);
    assert_int_equal(cameras.n_failed, 0);
    expect(&cameras, 0, "/dev/video0", VA_CAMERA_BOUND, "");
    assert_string_equal(told("/sys/bus/usb/drivers/uvcvideo/bind"), "1-1:1.0");
    assert_string_equal(told("/sys/bus/platform/drivers/unicam/bind"), "fe801000.csi");
    assert_false(va_file_exists(temporary_path(folder, "cameras")));

    /* Another unbound it: not ours to bind. */
    va_cameras_bind(&both, &cameras);
    expect(&cameras, 1, "fe801000.csi", VA_CAMERA_RELEASED, "");
    assert_string_equal(told("/sys/bus/platform/drivers/unicam/bind"), "");
}

static void a_camera_may_have_several_names(void **state)
{
    struct va_cameras_options all = options("/dev/video0,/dev/video1,1-1:1.0");
    struct va_cameras cameras;

    va_cameras_release(&all, &cameras);
    assert_int_equal(cameras.n_failed, 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(cameras.camera[i].state, VA_CAMERA_RELEASED);
    unbind_usb();
    va_cameras_bind(&all, &cameras);
    assert_int_equal(cameras.n_failed, 0);
    assert_int_equal(cameras.n, 3);
}

static void what_is_not_there_is_said(void **state)
{
    struct va_cameras_options none = options("/dev/video7,  , 2-9:1.0 ,");
    struct va_cameras cameras;

    va_cameras_release(&none, &cameras);
    assert_int_equal(cameras.n, 2);
    assert_int_equal(cameras.n_failed, 0);
    expect(&cameras, 0, "/dev/video7", VA_CAMERA_NOT_PRESENT, "");
    expect(&cameras, 1, "2-9:1.0", VA_CAMERA_NOT_PRESENT, "");
    va_cameras_bind(&none, &cameras);
    expect(&cameras, 1, "2-9:1.0", VA_CAMERA_NOT_PRESENT, "");
    none = options("");
    va_cameras_release(&none, &cameras);
    assert_int_equal(cameras.n, 0);
}

static void what_is_unplugged_meanwhile_is_forgotten(void **state)
{
    struct va_cameras_options one = options("/dev/video0");
    struct va_cameras cameras;

    va_cameras_release(&one, &cameras);
    unbind_usb();
    assert_int_equal(unlink(temporary_path(root, "/sys/bus/usb/devices/1-1:1.0")), 0);
    va_cameras_look(&one, &cameras);
    expect(&cameras, 0, "/dev/video0", VA_CAMERA_NOT_PRESENT, "");
    va_cameras_bind(&one, &cameras);
    assert_int_equal(cameras.n_failed, 0);
    expect(&cameras, 0, "/dev/video0", VA_CAMERA_NOT_PRESENT, "");
    assert_false(va_file_exists(temporary_path(folder, "cameras")));
}

static void nonsense_is_a_reason(void **state)
{
    struct va_cameras_options odd = options("/etc/passwd,../x,/dev/videox,/dev/video,/dev/video0/../video1,.,/dev/video9,"
                                            "a-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on");
    struct va_cameras cameras;

    va_cameras_release(&odd, &cameras);
    assert_int_equal(cameras.n, 8);
    assert_int_equal(cameras.n_failed, 8);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(cameras.camera[i].state, VA_CAMERA_UNKNOWN);
        assert_non_null(strstr(cameras.camera[i].reason, "neither"));
    }
    expect(&cameras, 6, "/dev/video9", VA_CAMERA_UNKNOWN, "no driver");
    assert_non_null(strstr(cameras.camera[7].reason, "too long"));
    assert_string_equal(told("/sys/bus/usb/drivers/uvcvideo/unbind"), "");
    odd = options("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,1-1:1.0,r");
    va_cameras_release(&odd, &cameras);
    assert_int_equal(cameras.n, VA_CAMERAS_MAX + 1);
    expect(&cameras, VA_CAMERAS_MAX, "1-1:1.0", VA_CAMERA_UNKNOWN, "too many");
}

static void nonsense_is_no_name_of_what_was_released(void **state)
{
    struct va_cameras_options odd = options("/dev/video0,a-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on");
    struct va_cameras cameras;

    va_cameras_release(&odd, &cameras);
    expect(&cameras, 0, "/dev/video0", VA_CAMERA_RELEASED, "");
    assert_non_null(strstr(cameras.camera[1].reason, "too long"));
    assert_int_equal(cameras.n_failed, 1);
}

static void a_driver_that_refuses_is_a_reason(void **state)
{
    struct va_cameras_options one = options("/dev/video0,fe801000.csi");
    struct va_cameras cameras;

    assert_int_equal(unlink(temporary_path(root, "/sys/bus/usb/drivers/uvcvideo/unbind")), 0);
    assert_int_equal(symlink("/dev/full", temporary_path(root, "/sys/bus/usb/drivers/uvcvideo/unbind")), 0);
    va_cameras_release(&one, &cameras);
    assert_int_equal(cameras.n_failed, 1);
    expect(&cameras, 0, "/dev/video0", VA_CAMERA_BOUND, "uvcvideo/unbind");
    expect(&cameras, 1, "fe801000.csi", VA_CAMERA_RELEASED, "");
    unbind_usb();
    assert_int_equal(unlink(temporary_path(root, CSI "/driver")), 0);

    /* What cannot be bound is tried again the next time. */
    assert_int_equal(unlink(temporary_path(root, "/sys/bus/usb/drivers/uvcvideo/bind")), 0);
    va_cameras_bind(&one, &cameras);
    assert_int_equal(cameras.n_failed, 1);
    expect(&cameras, 0, "/dev/video0", VA_CAMERA_RELEASED, "uvcvideo/bind");
    make_file("/sys/bus/usb/drivers/uvcvideo/bind");
    va_cameras_bind(&one, &cameras);
    assert_int_equal(cameras.n_failed, 0);
    assert_string_equal(told("/sys/bus/usb/drivers/uvcvideo/bind"), "1-1:1.0");
}

static void what_is_named_no_longer_is_bound_too(void **state)
{
    struct va_cameras_options before = options("/dev/video0"), now = options("fe801000.csi");
    struct va_cameras cameras;

    va_cameras_release(&before, &cameras);
    unbind_usb();
    va_cameras_bind(&now, &cameras);
    assert_int_equal(cameras.n, 2);
    expect(&cameras, 0, "/dev/video0", VA_CAMERA_BOUND, "");
    expect(&cameras, 1, "fe801000.csi", VA_CAMERA_BOUND, "");
    assert_string_equal(told("/sys/bus/usb/drivers/uvcvideo/bind"), "1-1:1.0");
}

static void without_its_file_it_is_released_all_the_same(void **state)
{
    struct va_cameras_options one = options("/dev/video0");
    struct va_cameras cameras;

    assert_int_equal(rmdir(folder), 0);
    va_cameras_release(&one, &cameras);
    expect(&cameras, 0, "/dev/video0", VA_CAMERA_RELEASED, "cameras");
    assert_string_equal(told("/sys/bus/usb/drivers/uvcvideo/unbind"), "1-1:1.0");
    assert_int_equal(cameras.n_failed, 1);
}

static void a_damaged_file_is_said(void **state)
{
    struct va_cameras_options one = options("1-1:1.0");
    struct va_cameras cameras;

    assert_int_equal(temporary_write(temporary_path(folder, "cameras"), "nonsense"), 0);
    assert_int_equal(unlink(temporary_path(root, USB "/driver")), 0);
    va_cameras_bind(&one, &cameras);
    expect(&cameras, 0, "1-1:1.0", VA_CAMERA_RELEASED, "damaged");
    va_cameras_release(&one, &cameras);
    expect(&cameras, 0, "1-1:1.0", VA_CAMERA_RELEASED, "");
    for (size_t n = 1; n < 8; n++) {
        va_memory_fail_after(n);
        va_cameras_bind(&one, &cameras);
        va_cameras_release(&one, &cameras);
        va_memory_fail_after(0);
    }
}

static void records_are_checked(void **state)
{
    static const char *const wrong[] = {
        "a",           "a\tb\tc\n",       "a\tb\tc\td", "a\tb\tc\td\ne", "a\tb\t../c\td\n", "a\t..\tc\td\n", "a\tb\tc\tx/y\n",
        "a\tb\t\td\n", "a\tb\tc\td\te\n", "\n"};
    struct va_camera_records records;
    char many[20 * 9];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(va_camera_records_parse(wrong[i], strlen(wrong[i]), &records), VA_EFORMAT);
    assert_int_equal(va_camera_records_parse("", 0, &records), 0);
    assert_int_equal(records.n, 0);
    for (size_t i = 0; i < 17; i++)
        memcpy(many + i * 8, "a\tb\tc\td\n", 8);
    assert_int_equal(va_camera_records_parse(many, 16 * 8, &records), 0);
    assert_int_equal(records.n, 16);
    assert_string_equal(records.record[15].driver, "d");
    assert_int_equal(va_camera_records_parse(many, 17 * 8, &records), VA_EFORMAT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cameras_go_and_come_back),
        TEST(a_camera_may_have_several_names),
        TEST(what_is_not_there_is_said),
        TEST(what_is_unplugged_meanwhile_is_forgotten),
        TEST(nonsense_is_a_reason),
        TEST(nonsense_is_no_name_of_what_was_released),
        TEST(a_driver_that_refuses_is_a_reason),
        TEST(what_is_named_no_longer_is_bound_too),
        TEST(without_its_file_it_is_released_all_the_same),
        TEST(a_damaged_file_is_said),
        TEST(records_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
