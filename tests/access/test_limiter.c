#include "access/limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct va_limiter limiter;

static int start(void **state)
{
    memset(&limiter, 0, sizeof limiter);
    return 0;
}

static struct va_limiter_key key(const char *address)
{
    struct va_limiter_key key;

    va_limiter_key(address, &key);
    return key;
}

static void tries_run_out_and_come_back(void **state)
{
    struct va_limiter_key one = key("192.0.2.1"), other = key("192.0.2.2");

    for (int i = 0; i < VA_LIMITER_TRIES; i++) {
        assert_int_equal(va_limiter_wait_s(&limiter, &one, 0, 100.0), 0);
        va_limiter_count(&limiter, &one, 0, 100.0);
    }
    assert_int_equal(va_limiter_wait_s(&limiter, &one, 0, 100.0), (int)VA_LIMITER_REFILL_S);
    assert_int_equal(va_limiter_wait_s(&limiter, &other, 0, 100.0), 0);
    assert_int_equal(va_limiter_wait_s(&limiter, &one, 0, 100.0 + VA_LIMITER_REFILL_S), 0);
    va_limiter_count(&limiter, &one, 0, 100.0 + VA_LIMITER_REFILL_S);
    assert_true(va_limiter_wait_s(&limiter, &one, 0, 100.0 + VA_LIMITER_REFILL_S) > 0);
}

static void this_machine_has_more(void **state)
{
    struct va_limiter_key local = key("127.0.0.1");

    for (int i = 0; i < VA_LIMITER_LOCAL_TRIES; i++) {
        assert_int_equal(va_limiter_wait_s(&limiter, &local, 1, 1.0), 0);
        va_limiter_count(&limiter, &local, 1, 1.0);
    }
    assert_true(va_limiter_wait_s(&limiter, &local, 1, 1.0) > 0);
}

static void addresses_of_one_host_are_one(void **state)
{
    struct va_limiter_key a = key("2001:db8:1:2::1"), b = key("2001:db8:1:2:ffff::9"), c = key("2001:db8:1:3::1");
    struct va_limiter_key v4 = key("192.0.2.1"), mapped = key("::ffff:192.0.2.1"), none = key(NULL), odd = key("what");

    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a, &c, sizeof a);
    assert_memory_equal(&v4, &mapped, sizeof v4);
    assert_memory_equal(&none, &odd, sizeof none);
}

static void the_table_is_bounded(void **state)
{
    char address[32];
    struct va_limiter_key first = key("10.0.0.0");

    for (int i = 0; i < VA_LIMITER_MAX + 10; i++) {
        snprintf(address, sizeof address, "10.0.%d.%d", i / 256, i % 256);
        struct va_limiter_key next = key(address);
        for (int j = 0; j < VA_LIMITER_TRIES; j++)
            va_limiter_count(&limiter, &next, 0, (double)i / 1000.0);
        assert_true(va_limiter_wait_s(&limiter, &next, 0, (double)i / 1000.0) > 0);
    }
    assert_int_equal(limiter.n, VA_LIMITER_MAX);
    assert_int_equal(va_limiter_wait_s(&limiter, &first, 0, 1.0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tries_run_out_and_come_back, start),
        cmocka_unit_test_setup(this_machine_has_more, start),
        cmocka_unit_test(addresses_of_one_host_are_one),
        cmocka_unit_test_setup(the_table_is_bounded, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
