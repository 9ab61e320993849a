#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/broken_pipe.h"

static int is_pending(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE);
}

static void write_to_nobody(void)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(write(fds[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    close(fds[1]);
}

static void test_a_broken_pipe_is_an_error(void **state)
{
    struct va_broken_pipe before;

    va_broken_pipe_block(&before);
    write_to_nobody();
    assert_true(is_pending());
    errno = EPIPE;
    va_broken_pipe_restore(&before);
    assert_int_equal(errno, EPIPE);
    assert_false(is_pending());
    va_broken_pipe_block(&before);
    va_broken_pipe_restore(&before);
}

static void test_a_signal_that_waited_before_stays(void **state)
{
    struct va_broken_pipe outer, inner;

    va_broken_pipe_block(&outer);
    write_to_nobody();
    va_broken_pipe_block(&inner);
    write_to_nobody();
    va_broken_pipe_restore(&inner);
    assert_true(is_pending());
    va_broken_pipe_restore(&outer);
    assert_false(is_pending());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_broken_pipe_is_an_error),
        cmocka_unit_test(test_a_signal_that_waited_before_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
