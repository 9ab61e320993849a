#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/memory.h"

/* How long an idle thread watches for the next run before it sleeps: longer than the serial work between two layers. */
#define SPIN_NS 50000

struct va_pool {
    int threads; /* with the caller's */
    int started;
    pthread_t ids[VA_POOL_MAX_THREADS];

    pthread_mutex_t lock;
    pthread_cond_t wake;
    int sleeping; /* under lock */

    /* One run. `generation` is published last and read first. */
    va_task_fn task;
    void *arg;
    int n_tasks;
    _Atomic int next_task;
    _Atomic int running; /* threads that have not finished this run */
    _Atomic unsigned generation;
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

static void work(va_pool *pool, int thread)
{
    for (;;) {
        int i = atomic_fetch_add_explicit(&pool->next_task, 1, memory_order_relaxed);
        if (i >= pool->n_tasks)
            return;
        pool->task(pool->arg, i, thread);
    }
}

/* Waits until there is a run newer than `seen`. */
static unsigned wait_for_run(va_pool *pool, unsigned seen)
{
    unsigned now;
    uint64_t start = va_clock_ns();
    do {
        for (int i = 0; i < 64; i++) {
            now = atomic_load_explicit(&pool->generation, memory_order_acquire);
            if (now != seen)
                return now;
            pause_cpu();
        }
    } while (va_clock_ns() - start < SPIN_NS);

    pthread_mutex_lock(&pool->lock);
    pool->sleeping++;
    while ((now = atomic_load_explicit(&pool->generation, memory_order_acquire)) == seen)
        pthread_cond_wait(&pool->wake, &pool->lock);
    pool->sleeping--;
    pthread_mutex_unlock(&pool->lock);
    return now;
}

static void *member_main(void *arg)
{
    struct member member = *(struct member *)arg;
    va_pool *pool = member.pool;
    unsigned seen = 0;

    va_free(arg);
    for (;;) {
        seen = wait_for_run(pool, seen);
        if (atomic_load_explicit(&pool->stop, memory_order_relaxed))
            return NULL;
        work(pool, member.index);
        atomic_fetch_sub_explicit(&pool->running, 1, memory_order_release);
    }
}

static void publish(va_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
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
    for (int i = 1; i < threads; i++) {
        struct member *member = va_alloc(1, sizeof *member);
        if (member == NULL) {
            va_pool_free(pool);
            return va_fail_memory(error);
        }
        *member = (struct member){pool, i};
        if (pthread_create(&pool->ids[i], NULL, member_main, member) != 0) {
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
    publish(pool);
    for (int i = 1; i <= pool->started; i++)
        pthread_join(pool->ids[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    va_free(pool);
}

int va_pool_threads(const va_pool *pool)
{
    return pool->threads;
}

void va_pool_run(va_pool *pool, int n_tasks, va_task_fn task, void *arg)
{
    if (pool->threads == 1 || n_tasks <= 1) {
        for (int i = 0; i < n_tasks; i++)
            task(arg, i, 0);
        return;
    }
    pool->task = task;
    pool->arg = arg;
    pool->n_tasks = n_tasks;
    atomic_store_explicit(&pool->next_task, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->running, pool->threads - 1, memory_order_relaxed);
    publish(pool);
    work(pool, 0);
    /* The others finish their last task; on an overloaded machine they may have to be scheduled first. */
    uint64_t start = va_clock_ns();
    while (atomic_load_explicit(&pool->running, memory_order_acquire) > 0) {
        pause_cpu();
        if (va_clock_ns() - start > SPIN_NS)
            sched_yield();
    }
}
