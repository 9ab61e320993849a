/* The engine from end to end on a tiny random model: everything but its ear. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tiny_model.h"
#include "whisper/model.h"

#define SECONDS(s) ((size_t)((s)*VA_SAMPLE_RATE_HZ))

struct fixture {
    char path[64], english_path[64], float_path[64];
    va_model *model, *english;
    float *pcm; /* 70 s of noise bursts */
};

static int set_up(void **state)
{
    static struct fixture fixture;
    snprintf(fixture.path, sizeof fixture.path, "/tmp/va-tiny-%d.vam", (int)getpid());
    snprintf(fixture.english_path, sizeof fixture.english_path, "/tmp/va-tiny-en-%d.vam", (int)getpid());
    snprintf(fixture.float_path, sizeof fixture.float_path, "/tmp/va-tiny-f32-%d.vam", (int)getpid());
    tiny_model_write(fixture.path, VA_PRECISION_S8, 51865, NULL);
    tiny_model_write(fixture.english_path, VA_PRECISION_S8, 51864, NULL);
    tiny_model_write(fixture.float_path, VA_PRECISION_F32, 51865, NULL);
    assert_int_equal(va_model_open(fixture.path, NULL, &fixture.model, NULL), 0);
    assert_int_equal(va_model_open(fixture.english_path, NULL, &fixture.english, NULL), 0);
    fixture.pcm = va_alloc(SECONDS(70), sizeof(float));
    tiny_model_noise(fixture.pcm, SECONDS(70));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    va_model_free(fixture->model);
    va_model_free(fixture->english);
    va_free(fixture->pcm);
    unlink(fixture->path);
    unlink(fixture->english_path);
    unlink(fixture->float_path);
    return 0;
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

static va_transcript *transcribe(const va_model *model, int threads, const float *pcm, size_t n, const va_transcribe_options *options)
{
    va_context *context;
    va_transcript *transcript;
    va_error error;
    assert_int_equal(va_context_new(model, threads, &context, &error), 0);
    if (va_transcribe(context, pcm, n, options, &transcript, &error) < 0)
        fail_msg("%s", error.text);
    va_context_free(context);
    return transcript;
}

static void test_text_does_not_depend_on_threads(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    options.timestamps = VA_TIMESTAMPS_WORD;
    va_transcript *one = transcribe(fixture->model, 1, fixture->pcm, SECONDS(12.3), &options);
    assert_true(strlen(one->text) > 0);
    for (int threads = 2; threads <= 5; threads++) {
        va_transcript *many = transcribe(fixture->model, threads, fixture->pcm, SECONDS(12.3), &options);
        assert_string_equal(one->text, many->text);
        assert_float_equal(one->confidence, many->confidence, 0.0f);
        assert_int_equal(one->n_segments, many->n_segments);
        va_transcript_free(many);
    }
    va_transcript_free(one);
}

static void assert_same(const va_transcript *a, const va_transcript *b)
{
    assert_string_equal(a->text, b->text);
    assert_float_equal(a->confidence, b->confidence, 0.0f);
    assert_int_equal(a->n_segments, b->n_segments);
}

/* Right, wrong from some token on, too long, empty: a guess never shows in the result. */
static void test_guess_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    options.timestamps = VA_TIMESTAMPS_NONE;
    va_transcript *free_one = transcribe(fixture->model, 1, fixture->pcm, SECONDS(4), &options);
    assert_true(free_one->n_segments == 1 && free_one->segments[0].n_tokens > 3);
    int32_t tokens[448] = {0};
    size_t n = free_one->segments[0].n_tokens;
    memcpy(tokens, free_one->segments[0].tokens, n * sizeof *tokens);
    options.guess = tokens;
    const size_t lengths[] = {1, n - 1, n, n + 5, 400};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (size_t wrong = 0; wrong <= lengths[i]; wrong += lengths[i] / 3 + 1) {
            int32_t kept = tokens[wrong];
            tokens[wrong] = 1000;
            options.n_guess = lengths[i];
            va_transcript *guessed = transcribe(fixture->model, 2, fixture->pcm, SECONDS(4), &options);
            assert_same(free_one, guessed);
            va_transcript_free(guessed);
            tokens[wrong] = kept;
        }
    options.beam_size = 3;
    options.n_guess = 0;
    va_transcript *beams = transcribe(fixture->model, 1, fixture->pcm, SECONDS(4), &options);
    options.n_guess = n;
    va_transcript *guessed = transcribe(fixture->model, 1, fixture->pcm, SECONDS(4), &options);
    assert_same(beams, guessed);
    va_transcript_free(beams);
    va_transcript_free(guessed);
    va_transcript_free(free_one);

    va_context *context;
    va_transcript *none;
    tokens[0] = 51865;
    assert_int_equal(va_context_new(fixture->model, 1, &context, NULL), 0);
    assert_int_equal(va_transcribe(context, fixture->pcm, SECONDS(4), &options, &none, NULL), VA_EINVAL);
    va_context_free(context);
}

/* The random model repeats itself: a short clip is then tried with the full window, which does too; a full window is not. */
static void test_clip_that_loops_is_tried_again(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    options.timestamps = VA_TIMESTAMPS_NONE;
    va_transcript *clip = transcribe(fixture->model, 1, fixture->pcm, SECONDS(4), &options);
    va_transcript *window = transcribe(fixture->model, 1, fixture->pcm, SECONDS(29), &options);
    assert_int_equal(clip->n_windows, 1);
    assert_int_equal(clip->n_retried, 1);
    assert_int_equal(window->n_windows, 1);
    assert_int_equal(window->n_retried, 0);
    va_transcript_free(clip);
    va_transcript_free(window);
}

static void test_contexts_share_a_model(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    va_context *a, *b;
    va_transcript *first, *second;
    assert_int_equal(va_context_new(fixture->model, 1, &a, NULL), 0);
    assert_int_equal(va_context_new(fixture->model, 1, &b, NULL), 0);
    assert_int_equal(va_transcribe(a, fixture->pcm, SECONDS(3), &options, &first, NULL), 0);
    assert_int_equal(va_transcribe(b, fixture->pcm + 40000, SECONDS(5), &options, &second, NULL), 0);
    va_transcript_free(second);
    assert_int_equal(va_transcribe(b, fixture->pcm, SECONDS(3), &options, &second, NULL), 0);
    assert_string_equal(first->text, second->text); /* nothing is left of the call before */
    va_transcript_free(first);
    va_transcript_free(second);
    va_context_free(a);
    va_context_free(b);
}

static void test_segments_are_in_order_and_inside(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    options.timestamps = VA_TIMESTAMPS_WORD;
    va_transcript *transcript = transcribe(fixture->model, 2, fixture->pcm, SECONDS(70), &options);
    double last = 0.0;
    assert_float_equal(transcript->duration_s, 70.0, 1e-6);
    assert_true(transcript->n_segments > 1);
    for (size_t i = 0; i < transcript->n_segments; i++) {
        const va_segment *segment = &transcript->segments[i];
        assert_true(segment->start_s >= last - 1e-9 && segment->end_s >= segment->start_s && segment->end_s <= 70.0 + 0.02);
        assert_true(segment->confidence >= 0.0f && segment->confidence <= 1.0f);
        assert_true(segment->n_tokens > 0 && segment->n_words > 0);
        float sum = 0.0f;
        for (size_t t = 0; t < segment->n_tokens; t++)
            sum += segment->logprobs[t];
        assert_float_equal(sum / (float)segment->n_tokens, segment->avg_logprob, 1e-4);
        for (size_t w = 0; w < segment->n_words; w++)
            assert_true(segment->words[w].end_s >= segment->words[w].start_s && segment->words[w].probability <= 1.0f);
        last = segment->start_s;
    }
    va_transcript_free(transcript);
}

static void test_beams_and_temperatures(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    va_transcript *greedy = transcribe(fixture->model, 1, fixture->pcm, SECONDS(4), &options);
    options.beam_size = 5;
    va_transcript *beam = transcribe(fixture->model, 1, fixture->pcm, SECONDS(4), &options);
    assert_true(beam->n_segments > 0 && greedy->n_segments > 0);
    options.temperature_fallback = 1;
    options.avg_logprob_threshold = 0.0f; /* no text is good enough: every temperature is tried */
    options.no_speech_threshold = 1.0f;
    options.seed = 7;
    va_transcript *sampled = transcribe(fixture->model, 1, fixture->pcm, SECONDS(4), &options);
    va_transcript *again = transcribe(fixture->model, 3, fixture->pcm, SECONDS(4), &options);
    assert_string_equal(sampled->text, again->text);
    if (sampled->n_segments > 0)
        assert_float_equal(sampled->segments[0].temperature, 1.0f, 1e-6);
    va_transcript_free(greedy);
    va_transcript_free(beam);
    va_transcript_free(sampled);
    va_transcript_free(again);
}

static void test_no_audio_and_silence_give_no_text(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    float *silence = va_calloc(SECONDS(40), sizeof(float));
    const size_t lengths[] = {0, 1, 1599, 1600, SECONDS(30), SECONDS(40)};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        va_transcript *transcript = transcribe(fixture->model, 1, silence, lengths[i], &options);
        assert_string_equal(transcript->text, "");
        assert_int_equal(transcript->n_segments, 0);
        assert_float_equal(transcript->duration_s, (double)lengths[i] / VA_SAMPLE_RATE_HZ, 1e-9);
        va_transcript_free(transcript);
    }
    va_free(silence);
}

static void test_samples_that_are_not_numbers(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    float *pcm = va_alloc(SECONDS(2), sizeof *pcm);
    memcpy(pcm, fixture->pcm, SECONDS(2) * sizeof *pcm);
    pcm[100] = NAN;
    pcm[200] = INFINITY;
    pcm[300] = -1e30f;
    va_transcript_free(transcribe(fixture->model, 1, pcm, SECONDS(2), &options));
    va_free(pcm);
}

static void test_languages(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    options.language = "auto";
    va_transcript *transcript = transcribe(fixture->model, 1, fixture->pcm, SECONDS(2), &options);
    assert_true(va_language_index(transcript->language) >= 0);
    assert_true(transcript->language_probability > 0.0f && transcript->language_probability <= 1.0f);
    va_transcript_free(transcript);
    options.language = "de";
    options.translate = 1;
    transcript = transcribe(fixture->model, 1, fixture->pcm, SECONDS(2), &options);
    assert_string_equal(transcript->language, "de");
    va_transcript_free(transcript);
}

static void expect_refusal(const va_model *model, const va_transcribe_options *options, int code, const float *pcm)
{
    va_context *context;
    va_transcript *transcript = NULL;
    va_error error = {0};
    assert_int_equal(va_context_new(model, 1, &context, NULL), 0);
    assert_int_equal(va_transcribe(context, pcm, SECONDS(1), options, &transcript, &error), code);
    assert_null(transcript);
    assert_int_equal(error.code, code);
    assert_true(error.text[0] != '\0');
    va_context_free(context);
}

static void test_wrong_options_are_refused(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    options.beam_size = 0;
    expect_refusal(fixture->model, &options, VA_EINVAL, fixture->pcm);
    options.beam_size = 9;
    expect_refusal(fixture->model, &options, VA_EINVAL, fixture->pcm);
    options = quick_options();
    options.language = "klingon";
    expect_refusal(fixture->model, &options, VA_EINVAL, fixture->pcm);
    options = quick_options();
    options.timestamps = 3;
    expect_refusal(fixture->model, &options, VA_EINVAL, fixture->pcm);
    options = quick_options();
    options.language = "de";
    expect_refusal(fixture->english, &options, VA_EUNSUPPORTED, fixture->pcm);
    va_context *context = NULL;
    assert_int_equal(va_context_new(fixture->model, 0, &context, NULL), VA_EINVAL);
    assert_int_equal(va_context_new(fixture->model, 65, &context, NULL), VA_EINVAL);
    assert_null(context);
}

static int cancel_at_zero(void *user, double done_s, double total_s)
{
    return --*(int *)user == 0;
}

static void test_cancelling(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    options.progress = cancel_at_zero;
    for (int n = 1; n <= 5; n++) { /* before the window, before each of two layers, after each step */
        int calls = n;
        options.progress_user = &calls;
        expect_refusal(fixture->model, &options, VA_ECANCELLED, fixture->pcm);
        assert_int_equal(calls, 0);
    }
}

static int64_t failing_read(void *user, float *pcm, size_t capacity)
{
    return VA_EIO;
}

static void test_reader_failure_is_passed_on(void **state)
{
    struct fixture *fixture = *state;
    va_context *context;
    va_transcript *transcript = NULL;
    assert_int_equal(va_context_new(fixture->model, 1, &context, NULL), 0);
    assert_int_equal(va_transcribe_stream(context, failing_read, NULL, 0, NULL, &transcript, NULL), VA_EIO);
    assert_null(transcript);
    va_context_free(context);
}

static void test_long_prompts_are_cut(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    char prompt[2001];
    memset(prompt, 'x', sizeof prompt - 1);
    prompt[sizeof prompt - 1] = '\0';
    options.prompt = prompt;
    options.condition_on_previous_text = 1;
    va_transcript_free(transcribe(fixture->model, 1, fixture->pcm, SECONDS(40), &options));
    va_transcript_free(transcribe(fixture->english, 1, fixture->pcm, SECONDS(2), &options));
}

static void test_every_instruction_set_gives_the_same_text(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    char *text = NULL;
    for (int i = 0; va_kernels_at(i) != NULL; i++) {
        va_model_options model_options = {.kernels = va_kernels_at(i)->name};
        va_model *model;
        if (va_model_open(fixture->path, &model_options, &model, NULL) == VA_EUNSUPPORTED)
            continue; /* not on this processor */
        va_transcript *transcript = transcribe(model, 2, fixture->pcm, SECONDS(1.5), &options);
        assert_string_equal(va_model_kernels(model), va_kernels_at(i)->name);
        if (text == NULL)
            text = va_strdup(transcript->text);
        assert_string_equal(text, transcript->text);
        va_transcript_free(transcript);
        va_model_free(model);
    }
    va_free(text);
}

static void test_hostile_headers_are_refused(void **state)
{
    static const struct {
        int index;
        int32_t value;
    } lies[] = {{VA_HPARAM_VOCAB, 1000},
                {VA_HPARAM_WIDTH, 65},
                {VA_HPARAM_WIDTH, 128},
                {VA_HPARAM_WIDTH, -64},
                {VA_HPARAM_HEADS, 2},
                {VA_HPARAM_ENC_LAYERS, 0},
                {VA_HPARAM_ENC_LAYERS, 3},
                {VA_HPARAM_DEC_LAYERS, 1000000},
                {VA_HPARAM_MELS, 128},
                {VA_HPARAM_AUDIO_CTX, 0},
                {VA_HPARAM_TEXT_CTX, 449},
                {VA_HPARAM_PRECISION, 2},
                {VA_HPARAM_PRECISION, VA_PRECISION_F32}};
    char path[64];
    snprintf(path, sizeof path, "/tmp/va-tiny-hostile-%d.vam", (int)getpid());
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        int32_t hparams[VA_WHISPER_HPARAMS] = TINY_MODEL_HPARAMS;
        va_model *model = NULL;
        va_error error = {0};
        hparams[lies[i].index] = lies[i].value;
        tiny_model_write(path, VA_PRECISION_S8, 51865, hparams);
        assert_int_equal(va_model_open(path, NULL, &model, &error), VA_EFORMAT);
        assert_null(model);
        assert_true(error.text[0] != '\0');
    }
    unlink(path);
}

static void test_out_of_memory_at_every_allocation(void **state)
{
    struct fixture *fixture = *state;
    va_transcribe_options options = quick_options();
    options.timestamps = VA_TIMESTAMPS_WORD;
    options.prompt = "words";
    int done = 0;
    for (size_t n = 1; !done; n++) {
        va_model *model = NULL;
        va_context *context = NULL;
        va_transcript *transcript = NULL;
        va_error error;
        va_memory_fail_after(n);
        int r = va_model_open(fixture->path, NULL, &model, &error);
        if (r == 0)
            r = va_context_new(model, 2, &context, &error);
        if (r == 0)
            r = va_transcribe(context, fixture->pcm, SECONDS(0.5), &options, &transcript, &error);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
        done = r == 0;
        va_transcript_free(transcript);
        va_context_free(context);
        va_model_free(model);
        assert_true(n < 10000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_does_not_depend_on_threads),
        cmocka_unit_test(test_guess_changes_nothing),
        cmocka_unit_test(test_clip_that_loops_is_tried_again),
        cmocka_unit_test(test_contexts_share_a_model),
        cmocka_unit_test(test_segments_are_in_order_and_inside),
        cmocka_unit_test(test_beams_and_temperatures),
        cmocka_unit_test(test_no_audio_and_silence_give_no_text),
        cmocka_unit_test(test_samples_that_are_not_numbers),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_wrong_options_are_refused),
        cmocka_unit_test(test_cancelling),
        cmocka_unit_test(test_reader_failure_is_passed_on),
        cmocka_unit_test(test_long_prompts_are_cut),
        cmocka_unit_test(test_every_instruction_set_gives_the_same_text),
        cmocka_unit_test(test_hostile_headers_are_refused),
        cmocka_unit_test(test_out_of_memory_at_every_allocation),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
