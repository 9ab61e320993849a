/* How tasks and the worker pool end before their time, over a stand-in for the engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <unistd.h>

#include <cmocka.h>

#include "doubles/doubles.h"
#include "support.h"

static void cancelling_what_waits(void **state)
{
    struct outcome outcomes[4] = {0};

    occupy(outcomes);
    assert_int_equal(submit(2, VA_PRIORITY_UPLOAD, &outcomes[2]), 0);
    assert_int_equal(submit_plain(2, VA_PRIORITY_UPLOAD), 0);
    assert_int_equal(submit(3, VA_PRIORITY_UPLOAD, &outcomes[3]), 0);
    assert_int_equal(va_workers_cancel(workers, 2), 0);
    assert_int_equal(outcomes[2].dones, 1); /* at once, with all workers at work */
    assert_int_equal(outcomes[2].releases, 1);
    assert_int_equal(outcomes[2].status, VA_ECANCELLED);
    expect_status(2, 1, 1);
    assert_int_equal(va_workers_cancel(workers, 2), VA_ENOTFOUND);
    assert_int_equal(submit_plain(4, VA_PRIORITY_UPLOAD), 0);
    assert_int_equal(submit_plain(4, VA_PRIORITY_UPLOAD), VA_EBUSY); /* the result takes the third place */
    expect_result(2, VA_ECANCELLED, NULL);
    assert_int_equal(submit_plain(5, VA_PRIORITY_UPLOAD), 0);
    doubles.gate_closed = 0;
    for (int i = 0; i < 4; i++)
        expect_done(&outcomes[i], i == 2 ? VA_ECANCELLED : 0);
    for (int i = 0; i < 2; i++) {
        va_task_result result;
        assert_int_equal(va_workers_get_result(workers, 10000, &result), 0);
        va_transcript_free(result.transcript);
    }
    assert_int_equal(doubles.cancelled, 0);
}

static void cancelling_what_is_at_work(void **state)
{
    struct outcome outcomes[3] = {0};

    occupy(outcomes);
    assert_int_equal(va_workers_cancel(workers, 99), VA_ENOTFOUND);
    assert_int_equal(submit(2, VA_PRIORITY_UPLOAD, &outcomes[2]), 0);
    assert_int_equal(va_workers_cancel(workers, 1), 0);
    expect_done(&outcomes[0], VA_ECANCELLED);
    expect_done(&outcomes[1], VA_ECANCELLED);
    doubles.gate_closed = 0;
    expect_done(&outcomes[2], 0);
    assert_int_equal(va_workers_cancel(workers, 1), VA_ENOTFOUND);
}

static void wait_for_contexts(int n)
{
    for (int wait = 0; wait < 5000 && doubles.contexts > n; wait++)
        usleep(1000);
    assert_int_equal(doubles.contexts, n);
}

static void workers_forget(void **state)
{
    struct outcome outcomes[4] = {0};

    assert_int_equal(doubles.contexts, 2);
    assert_int_equal(va_workers_forget(workers, 10000), 0);
    assert_int_equal(doubles.contexts, 0);

    /* One at work keeps its context until it is done, and nobody waits for it. */
    doubles.gate_closed = 1;
    assert_int_equal(submit(1, VA_PRIORITY_UPLOAD, &outcomes[0]), 0);
    assert_true(doubles_wait(&doubles.running, 1));
    assert_int_equal(va_workers_forget(workers, 10000), 0);
    assert_int_equal(doubles.contexts, 1);

    /* One that is cancelled is waited for. */
    assert_int_equal(submit(2, VA_PRIORITY_LIVE, &outcomes[1]), 0);
    assert_true(doubles_wait(&doubles.running, 2));
    assert_int_equal(va_workers_cancel(workers, 2), 0);
    assert_int_equal(va_workers_forget(workers, 10000), 0);
    assert_int_equal(outcomes[1].dones, 1);
    assert_int_equal(doubles.contexts, 1);
    doubles.gate_closed = 0;
    expect_done(&outcomes[0], 0);
    wait_for_contexts(0);
    assert_int_equal(submit(3, VA_PRIORITY_LIVE, &outcomes[2]), 0);
    expect_done(&outcomes[2], 0);
}

static _Atomic int must_return;

static void hang(void *user, const va_task_result *result)
{
    (void)user;
    va_transcript_free(result->transcript);
    for (int wait = 0; wait < 5000 && !must_return; wait++)
        usleep(1000);
}

static void forget_from_within(void *user, const va_task_result *result)
{
    va_transcript_free(result->transcript);
    assert_int_equal(va_workers_forget(workers, 10000), 0);
    (*(_Atomic int *)user)++;
}

static void forgetting_does_not_wait_for_ever(void **state)
{
    _Atomic int calls = 0;
    va_task task = {
        .id = 1, .priority = VA_PRIORITY_LIVE, .pcm = silence, .n_samples = 10, .done = forget_from_within, .user = (void *)&calls};

    assert_int_equal(va_workers_submit(workers, &task, NULL), 0);
    assert_true(doubles_wait(&calls, 1));
    wait_for_contexts(0);
    must_return = 0;
    task.done = hang;
    assert_int_equal(va_workers_submit(workers, &task, NULL), 0);
    assert_true(doubles_wait(&doubles.begun, 2));
    for (int wait = 0; wait < 5000 && doubles.running > 0; wait++)
        usleep(1000);
    int r = 0;
    for (int wait = 0; wait < 5000 && r == 0; wait++) /* it hangs soon */
        r = va_workers_forget(workers, 1);
    assert_int_equal(r, VA_ETIMEOUT);
    must_return = 1;
    assert_int_equal(va_workers_forget(workers, 10000), 0);
    va_workers_shutdown(workers, 1);
    assert_int_equal(va_workers_forget(workers, 10000), 0);
}

static int say_stop(void *user, double done_s, double total_s)
{
    return atomic_load((_Atomic int *)user);
}

static void a_task_can_stop_itself(void **state)
{
    struct outcome outcomes[4] = {0};
    _Atomic int must_stop = 0;
    va_transcribe_options options;
    va_error error;

    va_transcribe_options_init(&options);
    options.progress = say_stop;
    options.progress_user = &must_stop;
    doubles.gate_closed = 1;
    for (int i = 0; i < 4; i++)
        assert_int_equal(submit_with(1, VA_PRIORITY_UPLOAD, &outcomes[i], &options, &error), 0);
    assert_true(doubles_wait(&doubles.running, 2));
    must_stop = 1;
    for (int i = 0; i < 4; i++)
        expect_done(&outcomes[i], VA_ECANCELLED);
    assert_int_equal(doubles.begun, 2); /* the waiting ones never began */
}

static void count_end(void *user, const va_task_result *result)
{
    va_transcript_free(result->transcript);
    atomic_fetch_add((_Atomic int *)user, 1);
}

static void *shut_down(void *arg)
{
    va_workers_shutdown(workers, *(int *)arg);
    return NULL;
}

static void shutdown_finishes_the_work(void **state)
{
    struct outcome outcomes[3] = {0};
    va_task_result result;
    pthread_t thread, another;
    _Atomic int ended = 0;
    const va_task late = {.id = 7, .pcm = silence, .n_samples = 1, .done = count_end, .user = &ended};
    int no = 0, r, accepted = 0;

    occupy(outcomes);
    assert_int_equal(submit(2, VA_PRIORITY_UPLOAD, &outcomes[2]), 0);
    assert_int_equal(submit_plain(3, VA_PRIORITY_LIVE), 0);
    assert_int_equal(pthread_create(&thread, NULL, shut_down, &no), 0);
    assert_int_equal(pthread_create(&another, NULL, shut_down, &no), 0);
    for (; (r = va_workers_submit(workers, &late, NULL)) == 0; accepted++) /* until one of them has begun */
        assert_int_equal(va_workers_cancel(workers, 7), 0);
    assert_int_equal(r, VA_ESTATE);
    assert_int_equal(ended, accepted);
    doubles.gate_closed = 0;
    pthread_join(thread, NULL);
    pthread_join(another, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(outcomes[i].dones, 1);
        assert_int_equal(outcomes[i].status, 0);
    }
    assert_int_equal(submit_plain(1, VA_PRIORITY_LIVE), VA_ESTATE);
    assert_int_equal(va_workers_cancel(workers, 3), VA_ENOTFOUND);
    expect_result(3, 0, "heard 3");
    assert_int_equal(va_workers_get_result(workers, -1, &result), VA_ESTATE);
    assert_int_equal(doubles.contexts, 0);
}

static void *fetch(void *arg)
{
    va_task_result result;
    int n = 0;
    while (va_workers_get_result(workers, -1, &result) == 0) {
        va_transcript_free(result.transcript);
        n++;
    }
    *(int *)arg = n;
    return NULL;
}

static void shutdown_can_cancel_the_work(void **state)
{
    struct outcome outcomes[4] = {0};
    pthread_t thread;
    int fetched = 0;

    assert_int_equal(pthread_create(&thread, NULL, fetch, &fetched), 0);
    occupy(outcomes);
    assert_int_equal(submit(2, VA_PRIORITY_UPLOAD, &outcomes[2]), 0);
    assert_int_equal(submit(3, VA_PRIORITY_LIVE, &outcomes[3]), 0);
    assert_int_equal(submit_plain(3, VA_PRIORITY_LIVE), 0);
    va_workers_shutdown(workers, 1); /* the gate stays closed */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(outcomes[i].releases, 1);
        assert_int_equal(outcomes[i].status, VA_ECANCELLED);
    }
    pthread_join(thread, NULL); /* told that nothing will come */
    assert_int_equal(fetched, 1);
}

static void free_ends_the_work(void **state)
{
    const va_workers_options options = some_options();
    struct outcome outcomes[3] = {0};

    occupy(outcomes);
    assert_int_equal(submit(2, VA_PRIORITY_UPLOAD, &outcomes[2]), 0);
    assert_int_equal(submit_plain(3, VA_PRIORITY_UPLOAD), 0);
    assert_int_equal(va_workers_cancel(workers, 3), 0); /* a result that nobody will fetch */
    assert_int_equal(submit_plain(4, VA_PRIORITY_UPLOAD), 0);
    va_workers_free(workers);
    for (int i = 0; i < 3; i++)
        assert_int_equal(outcomes[i].dones, 1);
    assert_int_equal(va_workers_new(model, &options, &workers, NULL), 0);
}

/* ---- everything at once ---- */

struct crowd {
    _Atomic int accepted, ended, fetched, refused;
};
static struct crowd crowd;

static void *submit_many(void *arg)
{
    uint64_t first = *(const uint64_t *)arg;
    for (uint64_t i = 0; i < 300; i++) {
        const va_task task = {.id = first + i % 7,
                              .priority = i % 3 == 0 ? VA_PRIORITY_LIVE : VA_PRIORITY_UPLOAD,
                              .pcm = silence,
                              .n_samples = 10,
                              .done = i % 2 == 0 ? count_end : NULL,
                              .user = &crowd.ended};
        va_workers_status status;
        int r = va_workers_submit(workers, &task, NULL);
        crowd.accepted += r == 0;
        crowd.refused += r == VA_EBUSY;
        va_workers_get_status(workers, &status);
        /* Each worker has one task, and one that it is interrupted for. */
        assert_true(status.running <= 2 * 2 && status.waiting <= 3 + 2 + 2 * 2);
        if (i % 5 == 0)
            (void)va_workers_cancel(workers, first + (i + 3) % 7);
    }
    return NULL;
}

static void *fetch_many(void *arg)
{
    va_task_result result;
    int r;
    while ((r = va_workers_get_result(workers, 1, &result)) != VA_ESTATE)
        if (r == 0) {
            va_transcript_free(result.transcript);
            crowd.fetched++;
        }
    return NULL;
}

static void nothing_is_lost_in_a_crowd(void **state)
{
    const uint64_t firsts[4] = {10, 20, 10, 30};
    pthread_t submitters[4], fetchers[2];

    crowd = (struct crowd){0};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&fetchers[i], NULL, fetch_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&submitters[i], NULL, submit_many, (void *)&firsts[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(submitters[i], NULL);
    va_workers_shutdown(workers, 0);
    for (int i = 0; i < 2; i++)
        pthread_join(fetchers[i], NULL);
    assert_true(crowd.accepted > 0);
    assert_int_equal(crowd.accepted + crowd.refused, 4 * 300);
    assert_int_equal(crowd.ended + crowd.fetched, crowd.accepted);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cancelling_what_waits),
        TEST(cancelling_what_is_at_work),
        TEST(a_task_can_stop_itself),
        TEST(shutdown_finishes_the_work),
        TEST(shutdown_can_cancel_the_work),
        TEST(free_ends_the_work),
        TEST(workers_forget),
        TEST(forgetting_does_not_wait_for_ever),
        TEST(nothing_is_lost_in_a_crowd),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
