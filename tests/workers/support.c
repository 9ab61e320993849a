#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "doubles/doubles.h"

va_model *model;
va_workers *workers;
const float silence[1000];
static _Atomic int n_ended;

int setup_all(void **state)
{
    return va_model_open("", NULL, &model, NULL);
}

int teardown_all(void **state)
{
    va_model_free(model);
    return 0;
}

va_workers_options some_options(void)
{
    va_workers_options options;
    va_workers_options_init(&options);
    options.max_waiting = 3;
    options.max_waiting_live = 2;
    options.max_waiting_commands = 1;
    return options;
}

int start(void **state)
{
    const va_workers_options options = some_options();
    doubles_reset();
    n_ended = 0;
    return va_workers_new(model, &options, &workers, NULL);
}

int stop(void **state)
{
    doubles.gate_closed = 0;
    va_workers_free(workers);
    return doubles.contexts; /* none is left */
}

/* ---- tasks ---- */

static void on_done(void *user, const va_task_result *result)
{
    struct outcome *outcome = user;
    assert_int_equal(outcome->releases, 0);
    outcome->status = result->status;
    outcome->id = result->id;
    assert_int_equal(result->error.code, result->status);
    assert_true((result->status < 0) == (result->error.text[0] != '\0') && (result->status == 0) == (result->transcript != NULL));
    if (result->status == 0)
        snprintf(outcome->text, sizeof outcome->text, "%s", result->transcript->text);
    va_transcript_free(result->transcript);
    outcome->order = ++n_ended;
    outcome->dones++;
}

void on_release(void *user)
{
    ((struct outcome *)user)->releases++;
}

int submit_with(uint64_t id, int priority, struct outcome *outcome, const va_transcribe_options *options, va_error *error)
{
    const va_task task = {.id = id,
                          .priority = priority,
                          .pcm = silence,
                          .n_samples = (size_t)id,
                          .options = options,
                          .done = on_done,
                          .release = on_release,
                          .user = outcome};
    return va_workers_submit(workers, &task, error);
}

static int64_t read_nothing(void *user, float *pcm, size_t capacity)
{
    return 0;
}

int submit_long(uint64_t id, struct outcome *outcome)
{
    const va_task task = {
        .id = id, .priority = VA_PRIORITY_UPLOAD, .read = read_nothing, .done = on_done, .release = on_release, .user = outcome};
    return va_workers_submit(workers, &task, NULL);
}

int submit(uint64_t id, int priority, struct outcome *outcome)
{
    va_error error = {0};
    int r = submit_with(id, priority, outcome, NULL, &error);
    assert_int_equal(error.code, r);
    return r;
}

int submit_plain(uint64_t id, int priority)
{
    const va_task task = {.id = id, .priority = priority, .pcm = silence, .n_samples = (size_t)id};
    return va_workers_submit(workers, &task, NULL);
}

void expect_result(uint64_t id, int status, const char *text)
{
    va_task_result result;
    assert_int_equal(va_workers_get_result(workers, 10000, &result), 0);
    assert_int_equal(result.id, id);
    assert_int_equal(result.status, status);
    if (status == 0)
        assert_string_equal(result.transcript->text, text);
    else
        assert_null(result.transcript);
    va_transcript_free(result.transcript);
}

void expect_status(size_t running, size_t waiting, size_t finished)
{
    va_workers_status status;
    va_workers_get_status(workers, &status);
    assert_int_equal(status.workers, 2);
    assert_int_equal(status.max_waiting, 3);
    assert_int_equal(status.running, running);
    assert_int_equal(status.waiting, waiting);
    assert_int_equal(status.finished, finished);
}

void occupy_with(int priority, struct outcome *outcomes)
{
    doubles.gate_closed = 1;
    assert_int_equal(submit(1, priority, &outcomes[0]), 0);
    assert_int_equal(submit(1, priority, &outcomes[1]), 0);
    assert_true(doubles_wait(&doubles.running, 2));
}

void occupy(struct outcome *outcomes)
{
    occupy_with(VA_PRIORITY_LIVE, outcomes);
}

void expect_done(struct outcome *outcome, int status)
{
    assert_true(doubles_wait(&outcome->releases, 1));
    assert_int_equal(outcome->dones, 1);
    assert_int_equal(outcome->status, status);
}
