/* Who need not wait for whom, over a stand-in for the engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "doubles/doubles.h"
#include "support.h"

static void commands_come_before_uploads(void **state)
{
    struct outcome outcomes[6] = {0};

    occupy_with(VA_PRIORITY_LIVE, outcomes); /* nothing interrupts these */
    assert_int_equal(submit(2, VA_PRIORITY_UPLOAD, &outcomes[2]), 0);
    assert_int_equal(submit(3, VA_PRIORITY_COMMAND, &outcomes[3]), 0);
    assert_int_equal(submit(3, VA_PRIORITY_COMMAND, &outcomes[5]), VA_EBUSY); /* places of its own */
    assert_int_equal(submit(4, VA_PRIORITY_LIVE, &outcomes[4]), 0);
    assert_int_equal(va_workers_cancel(workers, 1), 0);
    assert_true(doubles_wait(&doubles.begun, 4));
    expect_status(2, 1, 0); /* the upload still waits */
    doubles.gate_closed = 0;
    for (int i = 0; i < 5; i++)
        expect_done(&outcomes[i], i < 2 ? VA_ECANCELLED : 0);
}

static void what_is_urgent_interrupts(void **state)
{
    struct outcome outcomes[5] = {0};

    occupy_with(VA_PRIORITY_UPLOAD, outcomes);
    assert_int_equal(submit(2, VA_PRIORITY_LIVE, &outcomes[2]), 0);
    assert_int_equal(submit(3, VA_PRIORITY_COMMAND, &outcomes[3]), 0);
    assert_true(doubles_wait(&doubles.running, 4)); /* although both workers are at work */
    expect_status(4, 0, 0);
    assert_int_equal(doubles.contexts, 4);
    assert_int_equal(submit(4, VA_PRIORITY_LIVE, &outcomes[4]), 0);
    expect_status(4, 1, 0); /* no third one in one worker */
    assert_int_equal(va_workers_cancel(workers, 2), 0);
    expect_done(&outcomes[2], VA_ECANCELLED);
    assert_true(doubles_wait(&doubles.begun, 5));
    doubles.gate_closed = 0;
    for (int i = 0; i < 5; i++)
        expect_done(&outcomes[i], i == 2 ? VA_ECANCELLED : 0);
    assert_int_equal(doubles.contexts, 2);
}

static void short_uploads_interrupt_long_ones(void **state)
{
    struct outcome outcomes[5] = {0};

    doubles.gate_closed = 1;
    for (int i = 0; i < 3; i++) /* the third waits */
        assert_int_equal(submit_long(1, &outcomes[i]), 0);
    assert_true(doubles_wait(&doubles.running, 2));
    assert_int_equal(submit(3, VA_PRIORITY_UPLOAD, &outcomes[3]), 0);
    assert_true(doubles_wait(&doubles.running, 3));
    assert_int_equal(va_workers_cancel(workers, 3), 0);
    expect_done(&outcomes[3], VA_ECANCELLED);
    expect_status(2, 1, 0);
    doubles.gate_closed = 0;
    for (int i = 0; i < 3; i++)
        expect_done(&outcomes[i], 0);
}

static void short_uploads_wait_for_short_ones(void **state)
{
    struct outcome outcomes[3] = {0};

    occupy_with(VA_PRIORITY_UPLOAD, outcomes);
    assert_int_equal(submit(2, VA_PRIORITY_UPLOAD, &outcomes[2]), 0);
    usleep(20000); /* some looks of the two at work */
    expect_status(2, 1, 0);
    doubles.gate_closed = 0;
    for (int i = 0; i < 3; i++)
        expect_done(&outcomes[i], 0);
}

/* One that comes after another would take all the time. */
static void long_uploads_go_on_too(void **state)
{
    const va_workers_options options = {.workers = 1, .max_waiting = 50};
    struct outcome outcomes[21] = {0};
    va_workers *others = workers;

    assert_int_equal(va_workers_new(model, &options, &workers, NULL), 0);
    doubles.gate_closed = 1;
    assert_int_equal(submit_long(1, &outcomes[0]), 0);
    assert_true(doubles_wait(&doubles.running, 1));
    assert_int_equal(submit(2, VA_PRIORITY_UPLOAD, &outcomes[1]), 0);
    assert_true(doubles_wait(&doubles.running, 2));
    usleep(100000);
    for (int i = 2; i < 21; i++)
        assert_int_equal(submit(3, VA_PRIORITY_UPLOAD, &outcomes[i]), 0);
    doubles.gate_closed = 0; /* the long one has nothing more to do, and comes to it before the others get their turn */
    for (int i = 0; i < 21; i++)
        expect_done(&outcomes[i], 0);
    assert_int_equal(outcomes[1].order, 1);
    assert_int_equal(outcomes[0].order, 2);
    va_workers_free(workers);
    workers = others;
}

static void an_interruption_can_fail(void **state)
{
    struct outcome outcomes[3] = {0};

    occupy_with(VA_PRIORITY_UPLOAD, outcomes);
    doubles.fail_contexts = 1;
    assert_int_equal(submit(2, VA_PRIORITY_LIVE, &outcomes[2]), 0);
    expect_done(&outcomes[2], VA_ENOMEM);
    doubles.fail_contexts = 0;
    doubles.gate_closed = 0;
    for (int i = 0; i < 2; i++)
        expect_done(&outcomes[i], 0);
}

/* What a recording that is given up has left in memory goes with it, whatever it has interrupted. */
static void interruptions_are_forgotten(void **state)
{
    struct outcome outcomes[3] = {0};

    occupy_with(VA_PRIORITY_UPLOAD, outcomes);
    assert_int_equal(submit(2, VA_PRIORITY_LIVE, &outcomes[2]), 0);
    assert_true(doubles_wait(&doubles.running, 3));
    assert_int_equal(doubles.contexts, 3);
    assert_int_equal(va_workers_cancel(workers, 2), 0);
    assert_int_equal(va_workers_forget(workers, 10000), 0);
    assert_int_equal(doubles.contexts, 2);
    doubles.gate_closed = 0;
    for (int i = 0; i < 2; i++)
        expect_done(&outcomes[i], 0);
}

static _Atomic int seen_nice;

static void see_nice(void *user, const va_task_result *result)
{
    va_transcript_free(result->transcript);
    errno = 0;
    seen_nice = getpriority(PRIO_PROCESS, 0);
    *(_Atomic int *)user = 1;
}

static void workers_are_nice(void **state)
{
    va_workers_options options = {.workers = 1, .max_waiting = 1, .nice = 5};
    va_workers *nice_workers, *none = NULL;
    _Atomic int done = 0;
    int own = getpriority(PRIO_PROCESS, 0), expected = own + 5 > 19 ? 19 : own + 5;
    const va_task task = {.priority = VA_PRIORITY_UPLOAD, .pcm = silence, .n_samples = 1, .done = see_nice, .user = (void *)&done};

    assert_int_equal(va_workers_new(model, &options, &nice_workers, NULL), 0);
    assert_int_equal(va_workers_submit(nice_workers, &task, NULL), 0);
    assert_true(doubles_wait(&done, 1));
    assert_int_equal(seen_nice, expected);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
    va_workers_free(nice_workers);
    options.nice = 20;
    assert_int_equal(va_workers_new(model, &options, &none, NULL), VA_EINVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commands_come_before_uploads),      TEST(what_is_urgent_interrupts), TEST(short_uploads_interrupt_long_ones),
        TEST(short_uploads_wait_for_short_ones), TEST(long_uploads_go_on_too),    TEST(an_interruption_can_fail),
        TEST(interruptions_are_forgotten),       TEST(workers_are_nice),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
