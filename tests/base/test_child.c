#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/child.h"
#include "base/memory.h"

/* Starts sh -c SCRIPT with a text as its input (NULL: none) and reads what it prints, at most some seconds. Returns the exit status. */
static int run(const char *script, const char *input, int joins_its_errors, char ret_output[256])
{
    const char *const arguments[] = {"-c", script};
    int fd = -1;
    size_t size = 0;
    struct va_child child;
    va_error error;

    if (input != NULL) {
        fd = memfd_create("input", MFD_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, input, strlen(input)), strlen(input));
        lseek(fd, 0, SEEK_SET);
    }
    const struct va_child_options options = {
        .executable = "/bin/sh", .arguments = arguments, .n_arguments = 2, .input = fd, .joins_its_errors = joins_its_errors};
    assert_int_equal(va_child_start(&options, &child, &error), 0);
    for (;;) {
        struct pollfd poll_fd = {.fd = child.output, .events = POLLIN};
        assert_int_equal(poll(&poll_fd, 1, 20000), 1);
        ssize_t n = read(child.output, ret_output + size, 255 - size);
        if (n <= 0)
            break;
        size += (size_t)n;
    }
    ret_output[size] = '\0';
    struct pollfd poll_fd = {.fd = child.fd, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, 20000), 1);
    if (fd >= 0)
        close(fd);
    return va_child_finish(&child);
}

static void test_input_output_and_errors(void **state)
{
    char output[256];

    assert_int_equal(run("cat; echo problem >&2; exit 7", "one two", 0, output), 7);
    assert_string_equal(output, "one two");
    assert_int_equal(run("cat; echo problem >&2", NULL, 1, output), 0);
    assert_string_equal(output, "problem\n");
    assert_int_equal(run("kill -9 $$", NULL, 1, output), 128 + 9);
}

static void test_finish_ends_what_runs(void **state)
{
    const char *const arguments[] = {"600"};
    const struct va_child_options options = {.executable = "/bin/sleep", .arguments = arguments, .n_arguments = 1, .input = -1};
    struct va_child child;
    va_error error;

    assert_int_equal(va_child_start(&options, &child, &error), 0);
    assert_int_equal(va_child_finish(&child), 128 + 9);
    assert_int_equal(fcntl(child.output, F_GETFD), -1);
}

static void test_failures(void **state)
{
    struct va_child_options options = {.executable = "/bin/no-such-program", .input = -1};
    struct va_child child;
    char path[VA_CHILD_PATH_BYTES];
    va_error error;

    assert_int_equal(va_child_start(&options, &child, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "no-such-program"));
    options.executable = "/bin/true";
    va_memory_fail_after(1);
    assert_int_equal(va_child_start(&options, &child, &error), VA_ENOMEM);
    va_memory_fail_after(0);
    assert_int_equal(va_child_find("sh", path, &error), 0);
    assert_int_equal(path[0], '/');
    assert_int_equal(va_child_find("a/b", path, &error), VA_EINVAL);
    assert_int_equal(va_child_find("", path, &error), VA_EINVAL);
    assert_int_equal(va_child_find("/etc/passwd", path, &error), VA_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_input_output_and_errors),
        cmocka_unit_test(test_finish_ends_what_runs),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
