/* In the steady state a transcription allocates nothing but the transcript that it hands over: one block. malloc and its kin are the
 * program's own here, so that the heap use of every library counts. */
#include <voice_assistant.h>

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tiny_model.h"
#include "whisper/steering.h"

#define SECONDS(s) ((size_t)((s)*VA_SAMPLE_RATE_HZ))

/* Blocks of what a context makes at the first need: room for word times; for more beams; longer lists, which double (five, each twice). */
#define ALIGNER 5
#define BEAMS 16
#define GROWTH 10

static _Atomic int allocations;

/* Sanitizers have a malloc of their own. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS 1

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_realloc(old, size);
}

__attribute__((visibility("default"))) void *aligned_alloc(size_t alignment, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_memalign(alignment, size);
}

__attribute__((visibility("default"))) int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    *ret_memory = __libc_memalign(alignment, size);
    return *ret_memory == NULL ? ENOMEM : 0;
}
#else
#define COUNTS 0
#endif

struct fixture {
    char path[64];
    va_model *model;
    float *pcm; /* 70 s of noise bursts */
};

static int set_up(void **state)
{
    static struct fixture fixture;
    snprintf(fixture.path, sizeof fixture.path, "/tmp/va-steady-%d.vam", (int)getpid());
    tiny_model_write(fixture.path, VA_PRECISION_S8, 51865, NULL);
    assert_int_equal(va_model_open(fixture.path, NULL, &fixture.model, NULL), 0);
    fixture.pcm = malloc(SECONDS(70) * sizeof(float));
    tiny_model_noise(fixture.pcm, SECONDS(70));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    va_model_free(fixture->model);
    free(fixture->pcm);
    unlink(fixture->path);
    return 0;
}

static va_context *context_of(const struct fixture *fixture)
{
    va_context *context;
#if !COUNTS
    print_message("skipped: allocations are counted with glibc's malloc only\n");
    skip();
#endif
    assert_int_equal(va_context_new(fixture->model, 2, &context, NULL), 0);
    return context;
}

static va_transcribe_options options_of(int timestamps)
{
    va_transcribe_options options;
    va_transcribe_options_init(&options);
    options.timestamps = timestamps;
    options.temperature_fallback = 0;
    options.no_speech_threshold = 1.0f;
    return options;
}

/* Allocations of one call. */
static int count(va_context *context, const struct fixture *fixture, size_t n, const va_transcribe_options *options,
                 va_transcript **ret_transcript)
{
    int before = atomic_load(&allocations);
    int r = va_transcribe(context, fixture->pcm, n, options, ret_transcript, NULL);
    int made = atomic_load(&allocations) - before;
    assert_int_equal(r, 0);
    return made;
}

/* The second call of its kind; the first takes at most `first`. */
static void expect_one(const struct fixture *fixture, size_t n, const va_transcribe_options *options, int first,
                       va_transcript **ret_transcript)
{
    va_context *context = context_of(fixture);
    va_transcript *transcript;
    assert_true(count(context, fixture, n, options, &transcript) <= first);
    va_transcript_free(transcript);
    assert_int_equal(count(context, fixture, n, options, ret_transcript), 1);
    va_context_free(context);
}

static void test_kinds_of_timestamps(void **state)
{
    for (int timestamps = VA_TIMESTAMPS_NONE; timestamps <= VA_TIMESTAMPS_WORD; timestamps++) {
        va_transcribe_options options = options_of(timestamps);
        va_transcript *transcript;
        expect_one(*state, SECONDS(12.3), &options, timestamps == VA_TIMESTAMPS_WORD ? 1 + ALIGNER : 1, &transcript);
        assert_true(transcript->n_segments > 0);
        assert_true(transcript->segments[0].n_words > 0 || timestamps != VA_TIMESTAMPS_WORD);
        va_transcript_free(transcript);
    }
}

static void test_prompt_and_language(void **state)
{
    va_transcribe_options options = options_of(VA_TIMESTAMPS_NONE);
    va_transcript *transcript;
    options.language = "en";
    options.prompt = "turn on the light in the kitchen, set a timer for five minutes";
    expect_one(*state, SECONDS(3), &options, 1, &transcript);
    va_transcript_free(transcript);
}

static void test_beams(void **state)
{
    va_transcribe_options options = options_of(VA_TIMESTAMPS_SEGMENT);
    va_transcript *transcript;
    options.beam_size = 8;
    expect_one(*state, SECONDS(3), &options, 1 + BEAMS, &transcript);
    va_transcript_free(transcript);
}

static void test_window_decoded_again_at_every_temperature(void **state)
{
    va_transcribe_options options = options_of(VA_TIMESTAMPS_NONE);
    va_transcript *transcript;
    options.temperature_fallback = 1;
    options.avg_logprob_threshold = 0.0f; /* no text is good enough */
    expect_one(*state, SECONDS(4), &options, 1 + BEAMS, &transcript);
    assert_int_equal(transcript->n_retried, 1);
    assert_true(transcript->n_segments == 0 || transcript->segments[0].temperature > 0.9f);
    va_transcript_free(transcript);
}

static void test_many_windows(void **state)
{
    va_transcribe_options options = options_of(VA_TIMESTAMPS_WORD);
    va_transcript *transcript;
    options.condition_on_previous_text = 1;
    expect_one(*state, SECONDS(70), &options, 1 + ALIGNER + GROWTH, &transcript);
    assert_true(transcript->n_windows >= 3);
    va_transcript_free(transcript);
}

static void test_nothing_said(void **state)
{
    va_transcribe_options options = options_of(VA_TIMESTAMPS_NONE);
    va_transcript *transcript;
    expect_one(*state, 0, &options, 1, &transcript);
    assert_string_equal(transcript->text, "");
    va_transcript_free(transcript);
}

static int wants(const struct va_steering *steering, const char *text, float sum_logprob, float mean_logprob)
{
    return 1;
}

static int allow_letters(const struct va_steering *steering, const int32_t *tokens, int n, struct va_token_set *ret_allowed)
{
    if (n < 3)
        va_token_set_add_range(ret_allowed, 'a', 'z' + 1);
    else
        va_token_set_add(ret_allowed, 50257);
    return 1;
}

/* The search among the commands takes its beams at the first need, and nothing later. */
static void test_steering(void **state)
{
    const struct va_steering steering = {.wants = wants, .allowed = allow_letters, .max_loss = 1e6f, .beams = 5};
    va_transcribe_options options = options_of(VA_TIMESTAMPS_NONE);
    va_transcript *transcript;
    options.steering = &steering;
    options.prompt = "turn on the light in the kitchen, set a timer for five minutes";
    expect_one(*state, SECONDS(3), &options, 1 + BEAMS, &transcript);
    assert_non_null(transcript->command_text);
    assert_int_equal(strlen(transcript->command_text), 3);
    assert_int_equal(transcript->command_n_tokens, 3);
    va_transcript_free(transcript);
}

/* What was heard is no prompt of the search among the commands, when windows are conditioned on each other. */
static void test_steering_does_not_hear_itself(void **state)
{
    const struct va_steering steering = {.wants = wants, .allowed = allow_letters, .max_loss = 1e6f, .beams = 5};
    va_context *context = context_of(*state);
    va_transcribe_options options = options_of(VA_TIMESTAMPS_NONE);
    va_transcript *alone, *conditioned;
    options.steering = &steering;
    (void)count(context, *state, SECONDS(3), &options, &alone);
    options.condition_on_previous_text = 1;
    (void)count(context, *state, SECONDS(3), &options, &conditioned);
    assert_string_equal(conditioned->command_text, alone->command_text);
    assert_memory_equal(&conditioned->command_loss, &alone->command_loss, sizeof alone->command_loss);
    va_transcript_free(alone);
    va_transcript_free(conditioned);
    va_context_free(context);
}

/* What one kind of work has left is room enough for the others. */
static void test_one_context_for_everything(void **state)
{
    const struct fixture *fixture = *state;
    va_context *context = context_of(fixture);
    va_transcribe_options options = options_of(VA_TIMESTAMPS_WORD);
    va_transcript *transcript;
    options.beam_size = 5;
    (void)count(context, fixture, SECONDS(2), &options, &transcript);
    va_transcript_free(transcript);
    for (int timestamps = VA_TIMESTAMPS_NONE; timestamps <= VA_TIMESTAMPS_WORD; timestamps++) {
        options = options_of(timestamps);
        options.temperature_fallback = 1;
        assert_int_equal(count(context, fixture, SECONDS(5), &options, &transcript), 1);
        va_transcript_free(transcript);
    }
    va_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_of_timestamps),
        cmocka_unit_test(test_prompt_and_language),
        cmocka_unit_test(test_beams),
        cmocka_unit_test(test_window_decoded_again_at_every_temperature),
        cmocka_unit_test(test_many_windows),
        cmocka_unit_test(test_nothing_said),
        cmocka_unit_test(test_steering),
        cmocka_unit_test(test_steering_does_not_hear_itself),
        cmocka_unit_test(test_one_context_for_everything),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
