/* A thread takes no signals; who starts it takes those that it took before. Waiting for one ends. */
#include "base/thread.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

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

struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int has_come;
};

static void *come(void *arg)
{
    struct meeting *meeting = arg;

    pthread_mutex_lock(&meeting->lock);
    meeting->has_come = 1;
    pthread_cond_signal(&meeting->changed);
    pthread_mutex_unlock(&meeting->lock);
    return NULL;
}

static void waiting_ends(void **state)
{
    struct meeting meeting = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    int r = 0;

    pthread_mutex_lock(&meeting.lock);
    assert_int_equal(va_thread_start(&thread, come, &meeting), 0);
    while (r == 0 && !meeting.has_come)
        r = va_thread_wait_until(&meeting.changed, &meeting.lock, va_clock_after(60));
    assert_int_equal(r, 0);
    uint64_t until_ns = va_clock_after(0.01);
    while (va_thread_wait_until(&meeting.changed, &meeting.lock, until_ns) == 0)
        ;
    assert_true(va_clock_ns() >= until_ns);
    assert_int_equal(va_thread_wait_until(&meeting.changed, &meeting.lock, 0), VA_ETIMEOUT);
    pthread_mutex_unlock(&meeting.lock);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_takes_no_signals),
        cmocka_unit_test(waiting_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
