/* The stream over the engine, on a tiny random model: its texts do not depend on anything but the audio. */
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
#include "ear_double.h"
#include "tiny_model.h"

enum { MAX_FINALS = 8 };

struct fixture {
    char path[64];
    va_model *model;
};

struct finals {
    int n, readies, partials;
    char *text[MAX_FINALS];
    double start_s[MAX_FINALS], end_s[MAX_FINALS];
};

static int set_up(void **state)
{
    static struct fixture fixture;
    snprintf(fixture.path, sizeof fixture.path, "/tmp/va-stream-%d.vam", (int)getpid());
    tiny_model_write(fixture.path, VA_PRECISION_S8, 51865, NULL);
    *state = &fixture;
    return va_model_open(fixture.path, NULL, &fixture.model, NULL);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    va_model_free(fixture->model);
    return unlink(fixture->path);
}

static va_transcribe_options quick_options(void)
{
    va_transcribe_options options;
    va_transcribe_options_init(&options);
    options.language = "en";
    options.timestamps = VA_TIMESTAMPS_NONE;
    options.temperature_fallback = 0;
    options.avg_logprob_threshold = -1e9f;
    return options;
}

static void note(void *user, const va_stream_event *event)
{
    struct finals *finals = user;
    finals->readies += event->kind == VA_STREAM_READY;
    finals->partials += event->kind == VA_STREAM_PARTIAL;
    if (event->kind != VA_STREAM_FINAL)
        return;
    assert_true(finals->n < MAX_FINALS);
    finals->start_s[finals->n] = event->start_s;
    finals->end_s[finals->n] = event->end_s;
    finals->text[finals->n++] = strdup(event->text);
}

static void forget(struct finals *finals)
{
    for (int i = 0; i < finals->n; i++)
        free(finals->text[i]);
    *finals = (struct finals){0};
}

static const char script[] = "20. 40# 7. 30# 30. 20# 30. 70# 30. 20#";

/* Pushes the script in pieces, each after pause_us. */
static int listen(const struct fixture *fixture, const char *played, int threads, int step_ms, size_t piece, unsigned pause_us,
                  struct finals *finals)
{
    const va_transcribe_options transcribe = quick_options();
    va_stream_options options;
    va_stream *stream = NULL;
    size_t n;
    float *pcm = play_script(played, &n);
    int r = pcm == NULL ? VA_ENOMEM : 0;

    va_stream_options_init(&options);
    options.transcribe = &transcribe;
    options.threads = threads;
    options.step_ms = step_ms;
    if (r == 0)
        r = va_stream_new(fixture->model, NULL, &options, note, finals, &stream, NULL);
    for (size_t at = 0; at < n && r == 0; at += piece) {
        r = va_stream_push(stream, pcm + at, n - at < piece ? n - at : piece, NULL);
        if (pause_us > 0)
            usleep(pause_us);
    }
    if (r == 0)
        r = va_stream_finish(stream, NULL);
    va_stream_free(stream);
    va_free(pcm);
    return r;
}

static void test_the_texts_depend_on_the_audio_only(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        int threads, step_ms;
        size_t piece;
        unsigned pause_us;
    } ways[] = {{1, 0, 1 << 20, 0}, {2, 100, 100, 0}, {1, 100, CHUNK, 4000}, {3, 300, 5000, 30000}};
    struct finals first = {0}, other = {0};

    assert_int_equal(listen(fixture, script, ways[0].threads, ways[0].step_ms, ways[0].piece, ways[0].pause_us, &first), 0);
    assert_int_equal(first.n, 4);
    assert_int_equal(first.partials, 0);
    for (size_t w = 1; w < sizeof ways / sizeof ways[0]; w++) {
        assert_int_equal(listen(fixture, script, ways[w].threads, ways[w].step_ms, ways[w].piece, ways[w].pause_us, &other), 0);
        assert_int_equal(other.n, first.n);
        for (int i = 0; i < first.n; i++) {
            assert_string_equal(other.text[i], first.text[i]);
            assert_true(other.start_s[i] == first.start_s[i] && other.end_s[i] == first.end_s[i]);
        }
        forget(&other);
    }
    forget(&first);
}

static void test_a_text_is_that_of_its_audio(void **state)
{
    struct fixture *fixture = *state;
    const va_transcribe_options options = quick_options();
    struct finals finals = {0};
    va_context *context;
    size_t n;
    float *pcm = play_script(script, &n);

    assert_int_equal(listen(fixture, script, 1, 100, CHUNK, 2000, &finals), 0);
    assert_int_equal(va_context_new(fixture->model, 1, &context, NULL), 0);
    for (int i = 0; i < finals.n; i++) {
        size_t start = (size_t)(finals.start_s[i] * VA_SAMPLE_RATE_HZ + 0.5), end = (size_t)(finals.end_s[i] * VA_SAMPLE_RATE_HZ + 0.5);
        va_transcript *transcript;
        assert_int_equal(va_transcribe(context, pcm + start, end - start, &options, &transcript, NULL), 0);
        assert_string_equal(finals.text[i], transcript->text);
        va_transcript_free(transcript);
    }
    va_context_free(context);
    va_free(pcm);
    forget(&finals);
}

static void test_wrong_options(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options transcribe = quick_options();
    va_stream_options options;
    va_stream *stream = NULL;
    va_error error;

    va_stream_options_init(&options);
    options.transcribe = &transcribe;
    transcribe.language = "klingon";
    assert_int_equal(va_stream_new(fixture->model, NULL, &options, note, NULL, &stream, &error), VA_EINVAL);
    assert_non_null(strstr(error.text, "klingon"));
    assert_null(stream);
}

static void test_out_of_memory_at_every_allocation(void **state)
{
    struct fixture *fixture = *state;
    int r = VA_ENOMEM;

    for (size_t n = 1; r == VA_ENOMEM; n++) {
        struct finals finals = {0};
        va_memory_fail_after(n);
        r = listen(fixture, "5. 8# 20. 8#", 1, 0, 1 << 20, 0, &finals);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
        forget(&finals);
        assert_true(n < 10000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_texts_depend_on_the_audio_only),
        cmocka_unit_test(test_a_text_is_that_of_its_audio),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_out_of_memory_at_every_allocation),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
