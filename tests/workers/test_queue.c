/* What the worker pool accepts, in which order it works and what comes back, over a stand-in for the engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "doubles/doubles.h"
#include "support.h"

static void results_are_fetched_in_order(void **state)
{
    struct outcome outcomes[2] = {0};

    occupy(outcomes);
    for (uint64_t i = 2; i < 5; i++)
        assert_int_equal(submit_plain(i, VA_PRIORITY_UPLOAD), 0);
    assert_int_equal(va_workers_cancel(workers, 4), 0);
    assert_int_equal(va_workers_cancel(workers, 2), 0);
    expect_result(4, VA_ECANCELLED, NULL);
    doubles.gate_closed = 0;
    expect_result(2, VA_ECANCELLED, NULL);
    expect_result(3, 0, "heard 3");
    expect_done(&outcomes[0], 0);
    expect_done(&outcomes[1], 0);
}

static void a_result_may_not_come_in_time(void **state)
{
    va_task_result result = {.id = 77};
    va_workers_status status;

    assert_int_equal(va_workers_get_result(workers, 0, &result), VA_ETIMEOUT);
    assert_int_equal(va_workers_get_result(workers, 20, &result), VA_ETIMEOUT);
    doubles.gate_closed = 1;
    assert_int_equal(submit_plain(5, VA_PRIORITY_UPLOAD), 0);
    assert_int_equal(va_workers_get_result(workers, 999, &result), VA_ETIMEOUT);
    assert_int_equal(result.id, 77);
    doubles.gate_closed = 0;
    assert_int_equal(va_workers_get_result(workers, -1, &result), 0);
    assert_int_equal(result.id, 5);
    assert_true(result.run_ms > 0);
    va_transcript_free(result.transcript);
    va_workers_get_status(workers, &status);
    assert_true(status.mean_run_ms > 0);
}

static void the_queue_is_bounded(void **state)
{
    struct outcome outcomes[10] = {0};
    va_error error;

    occupy(outcomes);
    for (uint64_t i = 2; i < 5; i++)
        assert_int_equal(submit(i, VA_PRIORITY_UPLOAD, &outcomes[i]), 0);
    assert_int_equal(submit_with(9, VA_PRIORITY_UPLOAD, &outcomes[9], NULL, &error), VA_EBUSY);
    assert_string_equal(error.text, "3 transcriptions are waiting already");
    assert_int_equal(submit(5, VA_PRIORITY_LIVE, &outcomes[5]), 0);
    assert_int_equal(submit(6, VA_PRIORITY_LIVE, &outcomes[6]), 0);
    assert_int_equal(submit(9, VA_PRIORITY_LIVE, &outcomes[9]), VA_EBUSY);
    expect_status(2, 5, 0);
    doubles.gate_closed = 0;
    for (int i = 0; i < 7; i++)
        expect_done(&outcomes[i], 0);
    assert_int_equal(outcomes[9].dones + outcomes[9].releases, 0);
    assert_string_equal(outcomes[6].text, "heard 6");
    assert_int_equal(outcomes[6].id, 6);
}

static void results_not_fetched_fill_the_queue(void **state)
{
    va_task_result result;

    for (int i = 0; i < 5; i++) /* three places and two workers */
        assert_int_equal(submit_plain(3, VA_PRIORITY_UPLOAD), 0);
    assert_int_equal(submit_plain(3, VA_PRIORITY_UPLOAD), VA_EBUSY);
    assert_int_equal(submit_plain(4, VA_PRIORITY_LIVE), 0); /* has places of its own */
    for (int i = 0; i < 6; i++) {
        assert_int_equal(va_workers_get_result(workers, 10000, &result), 0);
        va_transcript_free(result.transcript);
    }
    assert_int_equal(va_workers_get_result(workers, 0, &result), VA_ETIMEOUT);
    for (uint64_t i = 10; i < 50; i++) { /* a place is free as soon as its result is fetched */
        assert_int_equal(submit_plain(i, VA_PRIORITY_UPLOAD), 0);
        assert_int_equal(va_workers_get_result(workers, 10000, &result), 0);
        assert_int_equal(result.id, i);
        va_transcript_free(result.transcript);
    }
}

static void live_tasks_come_first(void **state)
{
    struct outcome outcomes[8] = {0};

    occupy(outcomes);
    for (uint64_t i = 2; i < 5; i++)
        assert_int_equal(submit(i, VA_PRIORITY_UPLOAD, &outcomes[i]), 0);
    assert_int_equal(submit(5, VA_PRIORITY_LIVE, &outcomes[5]), 0);
    assert_int_equal(submit(6, VA_PRIORITY_LIVE, &outcomes[6]), 0);
    doubles.gate_closed = 1;
    assert_int_equal(va_workers_cancel(workers, 1), 0); /* both workers get free: they take the live tasks */
    assert_true(doubles_wait(&doubles.begun, 4));
    expect_status(2, 3, 0);
    assert_int_equal(va_workers_cancel(workers, 5), 0);
    expect_done(&outcomes[5], VA_ECANCELLED);
    assert_true(doubles_wait(&doubles.begun, 5));
    assert_int_equal(va_workers_cancel(workers, 2), 0); /* the first of the uploads */
    expect_done(&outcomes[2], VA_ECANCELLED);
    doubles.gate_closed = 0;
    for (int i = 0; i < 7; i++)
        assert_true(doubles_wait(&outcomes[i].releases, 1));
    assert_int_equal(doubles.cancelled, 4);
}

static int64_t read_some(void *user, float *pcm, size_t capacity)
{
    struct outcome *outcome = user;
    size_t n = outcome->left < capacity ? outcome->left : capacity;
    if (outcome->read_fails < 0)
        return outcome->read_fails;
    memset(pcm, 0, n * sizeof *pcm);
    outcome->left -= n;
    return (int64_t)n;
}

static void audio_is_copied_or_read(void **state)
{
    struct outcome outcomes[2] = {{.left = 700}, {.read_fails = VA_EFORMAT}};
    char language[] = "de", prompt[] = "kitchen";
    float *pcm = va_calloc(800, sizeof *pcm);
    va_transcribe_options options;
    va_task task = {.id = 8, .pcm = pcm, .n_samples = 800, .options = &options};

    va_transcribe_options_init(&options);
    options.language = language;
    options.prompt = prompt;
    assert_int_equal(va_workers_submit(workers, &task, NULL), 0);
    va_free(pcm);
    memset(language, 'x', 2);
    memset(prompt, 'x', 3);
    memset(&options, 0xff, sizeof options);
    expect_result(8, 0, "heard 800");
    assert_string_equal(doubles.last_language, "de");
    assert_string_equal(doubles.last_prompt, "kitchen");

    task = (va_task){.id = 9, .read = read_some, .release = on_release, .user = &outcomes[0]};
    assert_int_equal(va_workers_submit(workers, &task, NULL), 0);
    expect_result(9, 0, "heard 700");
    assert_int_equal(outcomes[0].releases, 1);
    task.user = &outcomes[1];
    assert_int_equal(va_workers_submit(workers, &task, NULL), 0);
    expect_result(9, VA_EFORMAT, NULL);
    assert_int_equal(outcomes[1].releases, 1);
    assert_int_equal(va_workers_submit(workers, &(va_task){.id = 10}, NULL), 0); /* no audio is audio, too */
    expect_result(10, 0, "heard 0");
}

static void nonsense_is_refused(void **state)
{
    static const struct {
        int workers, threads;
        size_t waiting;
        int keep_s;
    } wrong[] = {{0, 1, 1, 1}, {17, 1, 1, 1}, {1, -1, 1, 1}, {1, 65, 1, 1}, {1, 1, SIZE_MAX, 1}, {1, 1, 1, -2}, {1, 1, 1, INT32_MAX}};
    struct outcome outcome = {0};
    va_error error;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        va_workers_options options = some_options();
        va_workers *none = NULL;
        options.workers = wrong[i].workers;
        options.threads = wrong[i].threads;
        options.max_waiting = wrong[i].waiting;
        options.keep_context_s = wrong[i].keep_s;
        assert_int_equal(va_workers_new(model, &options, &none, &error), VA_EINVAL);
        assert_true(none == NULL && error.text[0] != '\0');
    }
    assert_int_equal(submit(1, 3, &outcome), VA_EINVAL);
    assert_int_equal(submit(1, -1, &outcome), VA_EINVAL);
    va_task task = {.n_samples = 1};
    assert_int_equal(va_workers_submit(workers, &task, &error), VA_EINVAL);
    task = (va_task){.pcm = silence, .read = read_some, .user = &outcome};
    assert_int_equal(va_workers_submit(workers, &task, &error), VA_EINVAL);
    assert_int_equal(outcome.dones + outcome.releases, 0);
    va_workers_free(NULL);
}

static void idle_workers_give_memory_back(void **state)
{
    va_workers_options options = some_options();
    struct outcome outcomes[3] = {0};
    va_workers *others = workers;

    options.keep_context_s = 0;
    assert_int_equal(va_workers_new(model, &options, &workers, NULL), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(submit(6, VA_PRIORITY_UPLOAD, &outcomes[i]), 0);
        expect_done(&outcomes[i], 0);
        for (int wait = 0; wait < 5000 && doubles.contexts > 2; wait++)
            usleep(1000);
        assert_int_equal(doubles.contexts, 2); /* those of the others */
    }
    doubles.fail_contexts = 1;
    assert_int_equal(submit_plain(7, VA_PRIORITY_LIVE), 0);
    expect_result(7, VA_ENOMEM, NULL);
    doubles.fail_contexts = 0;
    assert_int_equal(submit_plain(7, VA_PRIORITY_LIVE), 0); /* and can work again */
    expect_result(7, 0, "heard 7");
    va_workers_free(workers);
    options.keep_context_s = -1;
    assert_int_equal(va_workers_new(model, &options, &workers, NULL), 0);
    assert_int_equal(submit_plain(7, VA_PRIORITY_LIVE), 0);
    expect_result(7, 0, "heard 7");
    assert_int_equal(doubles.contexts, 4);
    va_workers_free(workers);
    workers = others;
}

static void out_of_memory(void **state)
{
    va_workers *old = workers;
    va_transcribe_options options;
    int done = 0, lost = 0;

    va_transcribe_options_init(&options);
    options.language = "en";
    options.prompt = "words";
    const va_task task = {.id = 4, .pcm = silence, .n_samples = 4, .options = &options};
    for (size_t n = 1; !done; n++) {
        va_task_result result = {0};
        va_error error = {0};
        va_memory_fail_after(n);
        workers = NULL;
        int r = va_workers_new(model, NULL, &workers, &error);
        assert_int_equal(workers == NULL, r < 0);
        if (r == 0)
            r = va_workers_submit(workers, &task, &error);
        if (r == 0) { /* accepted: a result comes, whatever happens */
            assert_int_equal(va_workers_get_result(workers, 10000, &result), 0);
            r = result.status;
            error = result.error;
            lost += r < 0;
        }
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
        assert_int_equal(error.code, r);
        done = r == 0;
        va_transcript_free(result.transcript);
        va_workers_free(workers);
        assert_true(n < 100);
    }
    assert_true(lost > 0);
    workers = old;
    assert_int_equal(doubles.contexts, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(results_are_fetched_in_order),
        TEST(a_result_may_not_come_in_time),
        TEST(the_queue_is_bounded),
        TEST(results_not_fetched_fill_the_queue),
        TEST(live_tasks_come_first),
        TEST(audio_is_copied_or_read),
        TEST(nonsense_is_refused),
        TEST(idle_workers_give_memory_back),
        TEST(out_of_memory),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
