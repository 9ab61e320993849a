#include "audio/buffer_pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

static va_buffer_pool *new_pool(size_t samples, size_t n)
{
    va_buffer_pool *pool = NULL;
    va_error error;
    assert_int_equal(va_buffer_pool_new(samples, n, &pool, &error), 0);
    return pool;
}

static void check_zero(const float *buffer, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(buffer[i] == 0.0f);
}

static void test_acquire_release(void **state)
{
    va_buffer_pool *pool = new_pool(16000, 10);
    float *taken[10];

    assert_int_equal(va_buffer_pool_samples(pool), 16000);
    assert_int_equal(va_buffer_pool_available(pool), 10);
    for (size_t i = 0; i < 10; i++) {
        taken[i] = va_buffer_pool_acquire(pool);
        assert_non_null(taken[i]);
        check_zero(taken[i], 16000);
        for (size_t k = 0; k < i; k++)
            assert_true(taken[k] + 16000 <= taken[i] || taken[i] + 16000 <= taken[k]);
        memset(taken[i], 0x55, 16000 * sizeof *taken[i]);
        assert_int_equal(va_buffer_pool_available(pool), 9 - i);
    }
    for (size_t i = 0; i < 10; i++) {
        va_buffer_pool_release(pool, taken[i]);
        check_zero(taken[i], 16000); /* still the pool's memory */
    }
    assert_int_equal(va_buffer_pool_available(pool), 10);
    assert_int_equal(va_buffer_pool_fallbacks(pool), 0);
    va_buffer_pool_release(pool, NULL);
    va_buffer_pool_free(pool);
}

static void test_exhausted(void **state)
{
    va_buffer_pool *pool = new_pool(100, 2);
    float *taken[4];

    for (size_t i = 0; i < 4; i++) {
        taken[i] = va_buffer_pool_acquire(pool);
        assert_non_null(taken[i]);
        check_zero(taken[i], 100);
        memset(taken[i], 1, 100 * sizeof *taken[i]);
    }
    assert_int_equal(va_buffer_pool_fallbacks(pool), 2);
    va_memory_fail_after(1);
    assert_null(va_buffer_pool_acquire(pool));
    va_memory_fail_after(0);
    for (size_t i = 4; i > 0; i--)
        va_buffer_pool_release(pool, taken[i - 1]);
    assert_int_equal(va_buffer_pool_available(pool), 2); /* the other two were freed */
    float *again = va_buffer_pool_acquire(pool);
    check_zero(again, 100);
    va_buffer_pool_release(pool, again);
    va_buffer_pool_free(pool);
}

static void *take_and_give(void *arg)
{
    va_buffer_pool *pool = arg;

    for (int i = 0; i < 500; i++) {
        float *buffer = va_buffer_pool_acquire(pool);
        if (buffer == NULL || buffer[0] != 0.0f || buffer[63] != 0.0f)
            return arg; /* the sign of failure */
        buffer[0] = buffer[63] = 1.0f;
        va_buffer_pool_release(pool, buffer);
    }
    return NULL;
}

static void test_threads(void **state)
{
    va_buffer_pool *pool = new_pool(64, 3);
    pthread_t threads[6];
    void *complaint;

    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, pool), 0);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(pthread_join(threads[i], &complaint), 0);
        assert_null(complaint);
    }
    assert_int_equal(va_buffer_pool_available(pool), 3);
    va_buffer_pool_free(pool);
}

static void test_errors(void **state)
{
    va_buffer_pool *pool = NULL;
    va_error error;

    assert_int_equal(va_buffer_pool_new(0, 10, &pool, &error), VA_EINVAL);
    assert_int_equal(va_buffer_pool_new(10, 0, &pool, &error), VA_EINVAL);
    assert_int_equal(va_buffer_pool_new(SIZE_MAX / 2, 3, &pool, &error), VA_EINVAL);
    assert_int_equal(va_buffer_pool_new(SIZE_MAX / 4, 1, &pool, &error), VA_ENOMEM);
    for (size_t n = 1; n <= 3; n++) {
        va_memory_fail_after(n);
        assert_int_equal(va_buffer_pool_new(10, 10, &pool, &error), VA_ENOMEM);
    }
    va_memory_fail_after(0);
    assert_null(pool);
    va_buffer_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_acquire_release), cmocka_unit_test(test_exhausted),
                                       cmocka_unit_test(test_threads), cmocka_unit_test(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
