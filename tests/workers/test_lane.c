/* Lanes beside the workers, over a stand-in for the engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "doubles/doubles.h"
#include "support.h"
#include "workers/lane.h"
#include "workers/state.h"

static va_lane *lane;

static int open_lane(void **state)
{
    return start(state) < 0 ? -1 : va_lane_open(workers, &lane, NULL);
}

static int close_lane(void **state)
{
    doubles.gate_closed = 0;
    va_workers_shutdown(workers, 1);
    va_lane_close(lane);
    return stop(state);
}

static va_transcript *some_transcript(void)
{
    va_transcript *transcript = va_calloc(1, sizeof *transcript);
    assert_non_null(transcript);
    transcript->text = "from afar";
    return transcript;
}

/* What occupied the workers ends. */
static void open_gate(struct outcome *outcomes)
{
    doubles.gate_closed = 0;
    expect_done(&outcomes[0], 0);
    expect_done(&outcomes[1], 0);
}

static void a_lane_takes_uploads_only(void **state)
{
    struct outcome outcomes[6] = {0};
    const va_task *task;

    occupy(outcomes);
    assert_int_equal(va_lane_take(lane, 1, &task), VA_ETIMEOUT);
    assert_int_equal(submit(2, VA_PRIORITY_LIVE, &outcomes[2]), 0);
    assert_int_equal(va_lane_take(lane, 1, &task), VA_ETIMEOUT);
    assert_int_equal(submit(3, VA_PRIORITY_UPLOAD, &outcomes[3]), 0);
    assert_int_equal(va_lane_take(lane, 1000, &task), 0);
    assert_int_equal(task->id, 3);
    expect_status(3, 1, 0);
    assert_false(va_lane_must_stop(lane));
    va_lane_end(lane, 0, some_transcript(), NULL, 5);
    expect_done(&outcomes[3], 0);
    assert_string_equal(outcomes[3].text, "from afar");
    open_gate(outcomes);
    expect_done(&outcomes[2], 0);
}

static void what_is_given_back_is_done_here(void **state)
{
    struct outcome outcomes[8] = {0};
    const va_task *task;

    occupy(outcomes);
    assert_int_equal(submit(4, VA_PRIORITY_UPLOAD, &outcomes[4]), 0);
    assert_int_equal(va_lane_take(lane, 1000, &task), 0);
    va_lane_give_back(lane, NULL);
    assert_int_equal(va_lane_take(lane, 1, &task), VA_ETIMEOUT);
    expect_status(2, 1, 0);
    open_gate(outcomes);
    expect_done(&outcomes[4], 0);
    assert_string_equal(outcomes[4].text, "heard 4");
}

static int64_t read_seven(void *user, float *pcm, size_t capacity)
{
    size_t *left = user, n = *left < capacity ? *left : capacity;
    memset(pcm, 0, n * sizeof *pcm);
    *left -= n;
    return (int64_t)n;
}

static void release_source(void *user)
{
    *(size_t *)user = 1000;
}

static void another_source_is_read_instead(void **state)
{
    struct outcome outcomes[8] = {0};
    const va_task *task;
    size_t left = 7;

    occupy(outcomes);
    assert_int_equal(submit(4, VA_PRIORITY_UPLOAD, &outcomes[4]), 0);
    assert_int_equal(va_lane_take(lane, 1000, &task), 0);
    va_lane_give_back(lane, &(struct va_lane_source){read_seven, &left, release_source});
    open_gate(outcomes);
    expect_done(&outcomes[4], 0);
    assert_string_equal(outcomes[4].text, "heard 7");
    assert_int_equal(left, 1000);
}

static void a_lane_learns_that_nobody_waits(void **state)
{
    struct outcome outcomes[8] = {0};
    const va_task *task;

    occupy(outcomes);
    assert_int_equal(submit(5, VA_PRIORITY_UPLOAD, &outcomes[5]), 0);
    assert_int_equal(va_lane_take(lane, 1000, &task), 0);
    assert_int_equal(va_workers_cancel(workers, 5), 0);
    assert_true(va_lane_must_stop(lane));
    va_lane_end(lane, VA_ECANCELLED, NULL, NULL, 0);
    expect_done(&outcomes[5], VA_ECANCELLED);
    open_gate(outcomes);
}

static void *shut_down(void *user)
{
    va_workers_shutdown(workers, 0);
    return NULL;
}

/* The workers stay until the lane has decided. */
static void shutting_down_waits_for_a_lane(void **state)
{
    struct outcome outcomes[8] = {0};
    const va_task *task;
    pthread_t thread;

    occupy(outcomes);
    assert_int_equal(submit(6, VA_PRIORITY_UPLOAD, &outcomes[6]), 0);
    assert_int_equal(va_lane_take(lane, 1000, &task), 0);
    doubles.gate_closed = 0;
    assert_int_equal(pthread_create(&thread, NULL, shut_down, NULL), 0);
    expect_done(&outcomes[0], 0);
    expect_done(&outcomes[1], 0);
    va_lane_give_back(lane, NULL);
    pthread_join(thread, NULL);
    assert_int_equal(outcomes[6].dones, 1);
    assert_string_equal(outcomes[6].text, "heard 6");
    assert_int_equal(va_lane_take(lane, 1000, &task), VA_ESTATE);
}

static void *take_and_end(void *user)
{
    const va_task *task;
    if (va_lane_take(lane, 20000, &task) == 0)
        va_lane_end(lane, 0, some_transcript(), NULL, 1);
    return NULL;
}

/* A waiting lane has an upload left to it even when workers are idle. */
static void a_waiting_lane_comes_first(void **state)
{
    struct outcome outcome = {0};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, take_and_end, NULL), 0);
    for (size_t n_idle = 0; n_idle == 0; usleep(1000)) {
        pthread_mutex_lock(&workers->lock);
        n_idle = workers->lanes_idle;
        pthread_mutex_unlock(&workers->lock);
    }
    assert_int_equal(submit(7, VA_PRIORITY_UPLOAD, &outcome), 0);
    pthread_join(thread, NULL);
    expect_done(&outcome, 0);
    assert_string_equal(outcome.text, "from afar");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lane_takes_uploads_only, open_lane, close_lane),
        cmocka_unit_test_setup_teardown(what_is_given_back_is_done_here, open_lane, close_lane),
        cmocka_unit_test_setup_teardown(another_source_is_read_instead, open_lane, close_lane),
        cmocka_unit_test_setup_teardown(a_lane_learns_that_nobody_waits, open_lane, close_lane),
        cmocka_unit_test_setup_teardown(shutting_down_waits_for_a_lane, open_lane, close_lane),
        cmocka_unit_test_setup_teardown(a_waiting_lane_comes_first, open_lane, close_lane),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
