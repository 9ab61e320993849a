#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

/* How long an idle helper watches for the next run before it sleeps: longer than the serial work between two layers. */
#define IDLE_SPIN_NS 50000
#define SPINS 256 /* looks between two looks at the clock */

/* A helper that finishes so long after the caller, beyond what its task may take, has lost its core to another program in the middle of it.
 * The caller sleeps, which leaves its own core to the helper, and then does without helpers for a while: a core that must be waited for is
 * worse than none. */
#define LATE_NS 200000
#define ALONE_NS 20000000

struct va_pool {
    int threads; /* with the caller's */
    int started;
    pthread_t ids[VA_POOL_MAX_THREADS];

    pthread_mutex_t lock;
    pthread_cond_t wake, ended;
    int sleeping;             /* helpers; under lock */
    _Atomic int caller_waits; /* asleep until the run has ended */

    /* One run. Its fields are read only by who has taken one of its tasks, and so do not change before that task is finished. */
    va_task_fn task;
    void *arg;
    int n_tasks;
    _Atomic uint64_t open;  /* number of the run << 32 | its tasks that nobody has taken */
    _Atomic int unfinished; /* tasks */
    uint64_t runs;
    uint64_t alone_until_ns;
    _Atomic int stop;
};

struct member {
    va_pool *pool;
    int index;
};

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* The number of tasks left with the one taken, 0: there is none. Whichever run is open: a helper may come late to one, or not at all. */
static uint32_t take(va_pool *pool)
{
    uint64_t open = atomic_load_explicit(&pool->open, memory_order_relaxed);
    while ((uint32_t)open > 0)
        if (atomic_compare_exchange_weak_explicit(&pool->open, &open, open - 1, memory_order_acquire, memory_order_relaxed))
            break;
    return (uint32_t)open;
}

/* Does tasks until none is left. Returns how many. */
static int work(va_pool *pool, int thread)
{
    uint32_t left;
    int n = 0;

    for (; (left = take(pool)) > 0; n++) {
        pool->task(pool->arg, pool->n_tasks - (int)left, thread);
        if (atomic_fetch_sub(&pool->unfinished, 1) == 1 && atomic_load(&pool->caller_waits)) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->ended);
            pthread_mutex_unlock(&pool->lock);
        }
    }
    return n;
}

static int has_work(va_pool *pool)
{
    return (uint32_t)atomic_load_explicit(&pool->open, memory_order_relaxed) > 0 || atomic_load_explicit(&pool->stop, memory_order_relaxed);
}

static int is_finished(va_pool *pool)
{
    return atomic_load(&pool->unfinished) == 0;
}

/* Watches for `condition` and returns 1, or 0 when it is time to sleep. */
static int spin(va_pool *pool, uint64_t limit_ns, int (*condition)(va_pool *pool))
{
    uint64_t start = va_clock_ns();
    do {
        for (int i = 0; i < SPINS; i++) {
            if (condition(pool))
                return 1;
            pause_cpu();
        }
    } while (va_clock_ns() - start < limit_ns);
    return 0;
}

static void wait_for_work(va_pool *pool)
{
    if (spin(pool, IDLE_SPIN_NS, has_work))
        return;
    pthread_mutex_lock(&pool->lock);
    pool->sleeping++;
    while (!has_work(pool))
        pthread_cond_wait(&pool->wake, &pool->lock);
    pool->sleeping--;
    pthread_mutex_unlock(&pool->lock);
}

static void wait_for_end(va_pool *pool)
{
    if (spin(pool, LATE_NS, is_finished))
        return;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->caller_waits, 1);
    while (!is_finished(pool))
        pthread_cond_wait(&pool->ended, &pool->lock);
    atomic_store(&pool->caller_waits, 0);
    pthread_mutex_unlock(&pool->lock);
}

static void *member_main(void *arg)
{
    struct member member = *(struct member *)arg;
    va_pool *pool = member.pool;

    va_free(arg);
    while (!atomic_load_explicit(&pool->stop, memory_order_relaxed)) {
        wait_for_work(pool);
        (void)work(pool, member.index);
    }
    return NULL;
}

static void wake_helpers(va_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->sleeping > 0)
        pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

int va_pool_new(int threads, va_pool **ret_pool, va_error *error)
{
    if (threads < 1 || threads > VA_POOL_MAX_THREADS)
        return va_fail(error, VA_EINVAL, "threads must be 1 to %d, not %d", VA_POOL_MAX_THREADS, threads);
    va_pool *pool = va_calloc(1, sizeof *pool);
    if (pool == NULL)
        return va_fail_memory(error);
    pool->threads = threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->ended, NULL);
    for (int i = 1; i < threads; i++) {
        struct member *member = va_alloc(1, sizeof *member);
        if (member == NULL) {
            va_pool_free(pool);
            return va_fail_memory(error);
        }
        *member = (struct member){pool, i};
        if (va_thread_start(&pool->ids[i], member_main, member) < 0) {
            va_free(member);
            va_pool_free(pool);
            return va_fail(error, VA_ENOMEM, "cannot start thread %d of %d", i + 1, threads);
        }
        pool->started++;
    }
    *ret_pool = pool;
    return 0;
}

void va_pool_free(va_pool *pool)
{
    if (pool == NULL)
        return;
    atomic_store(&pool->stop, 1);
    wake_helpers(pool);
    for (int i = 1; i <= pool->started; i++)
        pthread_join(pool->ids[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->ended);
    pthread_mutex_destroy(&pool->lock);
    va_free(pool);
}

int va_pool_threads(const va_pool *pool)
{
    return pool->threads;
}

void va_pool_run(va_pool *pool, int n_tasks, va_task_fn task, void *arg)
{
    uint64_t start = pool->threads == 1 ? 0 : va_clock_ns();
    if (pool->threads == 1 || n_tasks <= 1 || start < pool->alone_until_ns) {
        for (int i = 0; i < n_tasks; i++)
            task(arg, i, 0);
        return;
    }
    pool->task = task;
    pool->arg = arg;
    pool->n_tasks = n_tasks;
    atomic_store_explicit(&pool->unfinished, n_tasks, memory_order_relaxed);
    atomic_store_explicit(&pool->open, ++pool->runs << 32 | (uint32_t)n_tasks, memory_order_release);
    wake_helpers(pool);
    int own = work(pool, 0);
    if (is_finished(pool))
        return;
    uint64_t done = va_clock_ns();
    wait_for_end(pool);
    uint64_t now = va_clock_ns(), usual = own > 0 ? (done - start) / (uint64_t)own : 0;
    if (now - done > 2 * usual + LATE_NS)
        pool->alone_until_ns = now + ALONE_NS;
}

int va_pool_share(int n_pools)
{
    long threads = sysconf(_SC_NPROCESSORS_ONLN) / n_pools;
    return threads < 1 ? 1 : threads > VA_POOL_MAX_THREADS ? VA_POOL_MAX_THREADS : (int)threads;
}
