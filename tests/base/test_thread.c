/* A thread takes no signals; who starts it takes those that it took before. */
#include "base/thread.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void *look(void *arg)
{
    pthread_sigmask(SIG_SETMASK, NULL, arg);
    return arg;
}

static void a_thread_takes_no_signals(void **state)
{
    sigset_t seen, before, after;
    pthread_t thread;
    void *result;

    sigemptyset(&seen);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(va_thread_start(&thread, look, &seen), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &seen);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    static const int some[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1};
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        assert_int_equal(sigismember(&seen, some[i]), 1);
        assert_int_equal(sigismember(&after, some[i]), sigismember(&before, some[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_takes_no_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
