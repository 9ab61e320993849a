/* The worker pool over the engine: on a tiny random model, and on a real one where it is there. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tiny_model.h"
#include "whisper_fixture.h"

#define SECONDS(s) ((size_t)((s)*VA_SAMPLE_RATE_HZ))
#define CLIPS 6

struct fixture {
    char path[64];
    va_model *model;
    float *pcm; /* 40 s of noise bursts */
};

static int set_up(void **state)
{
    static struct fixture fixture;
    snprintf(fixture.path, sizeof fixture.path, "/tmp/va-workers-%d.vam", (int)getpid());
    tiny_model_write(fixture.path, VA_PRECISION_S8, 51865, NULL);
    assert_int_equal(va_model_open(fixture.path, NULL, &fixture.model, NULL), 0);
    fixture.pcm = va_alloc(SECONDS(40), sizeof(float));
    tiny_model_noise(fixture.pcm, SECONDS(40));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    va_model_free(fixture->model);
    va_free(fixture->pcm);
    return unlink(fixture->path);
}

static va_transcribe_options quick_options(void)
{
    va_transcribe_options options;
    va_transcribe_options_init(&options);
    options.language = "en";
    options.temperature_fallback = 0;
    options.avg_logprob_threshold = -1e9f;
    return options;
}

static va_workers *make_workers(const va_model *model, int n)
{
    va_workers_options options;
    va_workers *workers;
    va_error error;
    va_workers_options_init(&options);
    options.workers = n;
    options.threads = 1;
    if (va_workers_new(model, &options, &workers, &error) < 0)
        fail_msg("%s", error.text);
    return workers;
}

static void test_workers_hear_what_one_context_hears(void **state)
{
    struct fixture *fixture = *state;
    const va_transcribe_options options = quick_options();
    char *texts[CLIPS];
    va_context *context;
    va_workers *workers = make_workers(fixture->model, 3);

    assert_int_equal(va_context_new(fixture->model, 1, &context, NULL), 0);
    for (size_t i = 0; i < CLIPS; i++) {
        va_task task = {.id = i, .pcm = fixture->pcm + i * SECONDS(2), .n_samples = SECONDS(1 + i), .options = &options};
        va_transcript *transcript;
        assert_int_equal(va_workers_submit(workers, &task, NULL), 0);
        assert_int_equal(va_transcribe(context, task.pcm, task.n_samples, &options, &transcript, NULL), 0);
        texts[i] = va_strdup(transcript->text);
        va_transcript_free(transcript);
    }
    va_context_free(context);
    for (int i = 0; i < CLIPS; i++) {
        va_task_result result;
        assert_int_equal(va_workers_get_result(workers, -1, &result), 0);
        assert_int_equal(result.status, 0);
        assert_true(result.id < CLIPS && texts[result.id] != NULL);
        assert_string_equal(result.transcript->text, texts[result.id]);
        va_transcript_free(result.transcript);
        va_free(texts[result.id]);
        texts[result.id] = NULL; /* each once */
    }
    va_workers_free(workers);
}

/* A recording without end: only cancelling ends its transcription. */
static int64_t read_for_ever(void *user, float *pcm, size_t capacity)
{
    const struct fixture *fixture = user;
    size_t n = capacity < SECONDS(40) ? capacity : SECONDS(40);
    memcpy(pcm, fixture->pcm, n * sizeof *pcm);
    return (int64_t)n;
}

static void release_nothing(void *user)
{
}

static void test_cancelling_a_transcription_under_way(void **state)
{
    struct fixture *fixture = *state;
    const va_transcribe_options options = quick_options();
    va_workers *workers = make_workers(fixture->model, 1);
    va_workers_status status;
    va_task_result result;
    const va_task endless = {.id = 1, .read = read_for_ever, .options = &options, .user = fixture};
    const va_task clip = {.id = 2,
                          .priority = VA_PRIORITY_UPLOAD,
                          .pcm = fixture->pcm,
                          .n_samples = SECONDS(1),
                          .options = &options,
                          .release = release_nothing};

    assert_int_equal(va_workers_submit(workers, &endless, NULL), 0);
    assert_int_equal(va_workers_submit(workers, &clip, NULL), 0);
    do
        va_workers_get_status(workers, &status);
    while (status.running == 0);
    assert_int_equal(va_workers_get_result(workers, 0, &result), VA_ETIMEOUT);
    assert_int_equal(va_workers_cancel(workers, 1), 0);
    assert_int_equal(va_workers_get_result(workers, -1, &result), 0);
    assert_int_equal(result.id, 1);
    assert_int_equal(result.status, VA_ECANCELLED);
    assert_string_equal(result.error.text, "cancelled");
    assert_int_equal(va_workers_get_result(workers, -1, &result), 0);
    assert_int_equal(result.id, 2);
    assert_int_equal(result.status, 0);
    va_transcript_free(result.transcript);
    va_workers_free(workers);
}

static void test_wrong_options_are_the_results(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    va_workers *workers = make_workers(fixture->model, 1);
    const va_task task = {.id = 1, .pcm = fixture->pcm, .n_samples = SECONDS(1), .options = &options};
    va_task_result result;

    options.language = "klingon";
    assert_int_equal(va_workers_submit(workers, &task, NULL), 0);
    assert_int_equal(va_workers_get_result(workers, -1, &result), 0);
    assert_int_equal(result.status, VA_EINVAL);
    assert_non_null(strstr(result.error.text, "klingon"));
    va_workers_free(workers);
}

static void test_out_of_memory_at_every_allocation(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    int done = 0;

    options.prompt = "words";
    for (size_t n = 1; !done; n++) {
        const va_task task = {.id = n, .pcm = fixture->pcm, .n_samples = SECONDS(0.5), .options = &options};
        va_workers_options workers_options;
        va_workers *workers = NULL;
        va_task_result result = {0};
        va_error error;
        va_workers_options_init(&workers_options);
        workers_options.threads = 2;
        va_memory_fail_after(n);
        int r = va_workers_new(fixture->model, &workers_options, &workers, &error);
        if (r == 0)
            r = va_workers_submit(workers, &task, &error);
        if (r == 0) {
            assert_int_equal(va_workers_get_result(workers, -1, &result), 0);
            r = result.status;
        }
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
        done = r == 0;
        va_transcript_free(result.transcript);
        va_workers_free(workers);
        assert_true(n < 10000);
    }
}

static void test_a_real_model(void **state)
{
    char path[FIXTURE_PATH_SIZE];
    va_model *model;
    va_error error;
    size_t n;

    fixture_model("base", "", path);
    float *pcm = fixture_recording(&n);
    if (va_model_open(path, NULL, &model, &error) < 0)
        fail_msg("%s", error.text);
    va_workers *workers = make_workers(model, 2);
    for (uint64_t i = 0; i < 2; i++) {
        const va_task task = {.id = i, .priority = VA_PRIORITY_UPLOAD, .pcm = pcm, .n_samples = n};
        assert_int_equal(va_workers_submit(workers, &task, &error), 0);
    }
    va_free(pcm);
    for (int i = 0; i < 2; i++) {
        va_task_result result;
        assert_int_equal(va_workers_get_result(workers, -1, &result), 0);
        assert_int_equal(result.status, 0);
        assert_non_null(strstr(result.transcript->text, "what you can do for your country"));
        va_transcript_free(result.transcript);
    }
    va_workers_free(workers);
    va_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_hear_what_one_context_hears),
        cmocka_unit_test(test_cancelling_a_transcription_under_way),
        cmocka_unit_test(test_wrong_options_are_the_results),
        cmocka_unit_test(test_out_of_memory_at_every_allocation),
        cmocka_unit_test(test_a_real_model),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
