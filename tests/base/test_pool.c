#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

#define MAX_TASKS 257

struct work {
    int threads;
    int counts[MAX_TASKS]; /* how often each task ran: only its own thread writes it */
    uint64_t sums[MAX_TASKS];
    int bad_thread;
};

static void task(void *arg, int i, int thread)
{
    struct work *work = arg;
    uint64_t sum = 0;
    if (thread < 0 || thread >= work->threads)
        __atomic_store_n(&work->bad_thread, 1, __ATOMIC_RELAXED);
    for (uint64_t j = 0; j < 50; j++)
        sum = sum * 31 + (uint64_t)i + j;
    work->counts[i]++;
    work->sums[i] = sum;
}

static void runs_every_task_once(void **state)
{
    static const int sizes[] = {0, 1, 2, 3, 7, 8, 9, 64, MAX_TASKS};
    struct work reference = {.threads = 1};
    for (int i = 0; i < MAX_TASKS; i++)
        task(&reference, i, 0);
    for (int threads = 1; threads <= 8; threads++) {
        va_pool *pool = NULL;
        assert_int_equal(va_pool_new(threads, &pool, NULL), 0);
        assert_int_equal(va_pool_threads(pool), threads);
        for (int run = 0; run < 300; run++) {
            int n = sizes[run % (int)(sizeof sizes / sizeof sizes[0])];
            struct work work = {.threads = threads};
            va_pool_run(pool, n, task, &work);
            for (int i = 0; i < MAX_TASKS; i++)
                assert_int_equal(work.counts[i], i < n);
            assert_memory_equal(work.sums, reference.sums, (size_t)n * sizeof work.sums[0]);
            assert_int_equal(work.bad_thread, 0);
        }
        va_pool_free(pool);
    }
}

static void wakes_sleeping_threads(void **state)
{
    va_pool *pool = NULL;
    assert_int_equal(va_pool_new(4, &pool, NULL), 0);
    for (int run = 0; run < 20; run++) {
        struct work work = {.threads = 4};
        usleep(2000); /* far longer than they spin */
        va_pool_run(pool, 16, task, &work);
        for (int i = 0; i < 16; i++)
            assert_int_equal(work.counts[i], 1);
    }
    va_pool_free(pool);
}

static void slow_helper_task(void *arg, int i, int thread)
{
    if (thread > 0)
        usleep(5000);
    task(arg, i, thread);
}

/* The caller sleeps until a helper is done that is far behind, and then goes on alone for a while. */
static void waits_for_a_late_helper(void **state)
{
    va_pool *pool = NULL;
    assert_int_equal(va_pool_new(2, &pool, NULL), 0);
    for (int run = 0; run < 50; run++) {
        struct work work = {.threads = 2};
        va_pool_run(pool, 64, slow_helper_task, &work);
        for (int i = 0; i < 64; i++)
            assert_int_equal(work.counts[i], 1);
    }
    va_pool_free(pool);
}

/* Each thread may use its own scratch memory without a lock. */
static void scratch_task(void *arg, int i, int thread)
{
    uint64_t *scratch = (uint64_t *)arg + thread * 16;
    scratch[0] += (uint64_t)i;
}

static void gives_each_thread_its_index(void **state)
{
    uint64_t scratch[8 * 16] = {0}, sum = 0;
    va_pool *pool = NULL;
    assert_int_equal(va_pool_new(8, &pool, NULL), 0);
    for (int run = 0; run < 100; run++)
        va_pool_run(pool, 101, scratch_task, scratch);
    for (int thread = 0; thread < 8; thread++)
        sum += scratch[thread * 16];
    assert_int_equal(sum, 100 * 5050);
    va_pool_free(pool);
}

static void refuses_odd_sizes(void **state)
{
    va_pool *pool = NULL;
    va_error error;
    assert_int_equal(va_pool_new(0, &pool, &error), VA_EINVAL);
    assert_int_equal(va_pool_new(-1, &pool, &error), VA_EINVAL);
    assert_int_equal(va_pool_new(VA_POOL_MAX_THREADS + 1, &pool, &error), VA_EINVAL);
    assert_non_null(strstr(error.text, "1 to 64"));
    assert_null(pool);
    va_pool_free(NULL);
    assert_int_equal(va_pool_new(VA_POOL_MAX_THREADS, &pool, NULL), 0);
    va_pool_free(pool); /* never used */
}

static void survives_no_memory(void **state)
{
    int r = VA_ENOMEM;
    for (size_t n = 1; r == VA_ENOMEM; n++) {
        va_pool *pool = NULL;
        va_memory_fail_after(n);
        r = va_pool_new(4, &pool, NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || (r == VA_ENOMEM && pool == NULL));
        va_pool_free(pool);
    }
}

static void shares_the_cores(void **state)
{
    int all = va_pool_share(1);

    assert_in_range(all, 1, VA_POOL_MAX_THREADS);
    assert_int_equal(va_pool_share(100000), 1); /* never none */
    assert_true(va_pool_share(2) <= all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_every_task_once),    cmocka_unit_test(wakes_sleeping_threads),
        cmocka_unit_test(waits_for_a_late_helper), cmocka_unit_test(gives_each_thread_its_index),
        cmocka_unit_test(refuses_odd_sizes),       cmocka_unit_test(survives_no_memory),
        cmocka_unit_test(shares_the_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
