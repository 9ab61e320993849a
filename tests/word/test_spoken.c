/* With the real models (VA_TEST_MODELS) and recordings of the shared data. */
#include "word/word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audio/decode.h"
#include "base/memory.h"
#include "shared_data.h"
#include "whisper_fixture.h"

enum { MAX_SECONDS = 20, RATE = VA_SAMPLE_RATE_HZ };

static const char *const samples[] = {"jarvis_00aba123-ae3a-4e0a-8603-9f7277b7d41f", "jarvis_01f46f97-7ea8-474a-9285-13b038477eec",
                                      "jarvis_087cffed-7626-46b0-9918-986fc42ab873", "jarvis_0949c233-f574-48b1-aef9-59c3f64f16a4",
                                      "jarvis_11dc475a-47a0-4079-9cad-a63bbdeca647"};
static const char *const others[] = {"jarvis_da0b32c6-6358-4807-b89a-694cfa5d6a86", "jarvis_b11246b2-2f91-4af7-95b2-d332d601ecc4"};

struct fixture {
    va_model *model;
    va_vad_model *vad;
    va_context *context;
    float *pcm[5]; /* the samples */
    struct va_word_sample samples[5];
};

/* A file of the wake words, or of another set when its name has a '/'; va_free. */
static float *load(const char *name, size_t *ret_n)
{
    char relative[256], path[512];
    va_audio_decoder *decoder;
    int64_t got;

    snprintf(relative, sizeof relative, strchr(name, '/') != NULL ? "%s.flac" : "wakeword_picovoice/%s.flac", name);
    assert_true(find_shared_data(relative, path));
    float *pcm = va_alloc((size_t)MAX_SECONDS * RATE, sizeof *pcm);
    assert_non_null(pcm);
    assert_int_equal(va_audio_decoder_open(path, NULL, &decoder, NULL), 0);
    *ret_n = 0;
    while ((got = va_audio_decoder_read(decoder, pcm + *ret_n, (size_t)MAX_SECONDS * RATE - *ret_n)) > 0)
        *ret_n += (size_t)got;
    va_audio_decoder_free(decoder);
    return pcm;
}

static void open_fixture(struct fixture *fixture, const char *model)
{
    char path[FIXTURE_PATH_SIZE], vad[FIXTURE_PATH_SIZE], data[512];

    *fixture = (struct fixture){0};
    fixture_model(model, "", path);
    fixture_model("vad", "", vad);
    if (!find_shared_data("wakeword_picovoice", data))
        skip();
    assert_int_equal(va_model_open(path, NULL, &fixture->model, NULL), 0);
    assert_int_equal(va_context_new(fixture->model, 2, &fixture->context, NULL), 0);
    assert_int_equal(va_vad_model_open(vad, &fixture->vad, NULL), 0);
    for (int i = 0; i < 5; i++) {
        fixture->pcm[i] = load(samples[i], &fixture->samples[i].n);
        fixture->samples[i].pcm = fixture->pcm[i];
    }
}

static void close_fixture(struct fixture *fixture)
{
    for (int i = 0; i < 5; i++)
        va_free(fixture->pcm[i]);
    va_vad_model_free(fixture->vad);
    va_context_free(fixture->context);
    va_model_free(fixture->model);
}

static struct va_word_score judge(const struct fixture *fixture, const va_word_model *word, const float *pcm, size_t n)
{
    struct va_word_score score;

    assert_int_equal(va_word_judge_utterance(fixture->context, &word, 1, pcm, n, &score, NULL), 0);
    return score;
}

static void assert_finds(const struct fixture *fixture, const va_word_model *word)
{
    size_t n, n_word;

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        float *pcm = load(others[i], &n);
        struct va_word_score score = judge(fixture, word, pcm, n);
        assert_true(score.score > 0.9f);
        assert_in_range(score.end_samples, n / 4, n);
        va_free(pcm);
    }
    static const char *const wrong[] = {"alexa_0", "computer_0f578372-6736-42b5-8b8d-c22ded52273d",
                                        "smarthome_ohf/real_activate_Mood_Lighting", "librispeech/test-other_2033-164914-0001"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        float *pcm = load(wrong[i], &n);
        assert_true(judge(fixture, word, pcm, n).score < 0.1f);
        va_free(pcm);
    }
    /* In front of a command, and in the middle of speech. */
    float *command = load("smarthome_ohf/real_activate_Mood_Lighting", &n), *said = load(others[0], &n_word);
    float *joined = va_alloc(2 * n + n_word, sizeof *joined);
    memcpy(joined, command, n * sizeof *joined);
    memcpy(joined + n, said, n_word * sizeof *joined);
    memcpy(joined + n + n_word, command, n * sizeof *joined);
    assert_true(judge(fixture, word, joined + n, n + n_word).score > 0.9f);
    struct va_word_score middle = judge(fixture, word, joined, 2 * n + n_word);
    assert_true(middle.score > 0.9f);
    assert_in_range(middle.end_samples, n, n + n_word);
    va_free(joined);
    va_free(command);
    va_free(said);
}

static void enrol_and_find(const char *model)
{
    struct fixture fixture;
    enum va_word_sample_state states[5];
    va_word_model *word;

    open_fixture(&fixture, model);
    assert_int_equal(va_word_enrol(fixture.context, fixture.vad, fixture.samples, 5, "en", states, &word, NULL), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(states[i], VA_WORD_SAMPLE_USED);
    assert_non_null(strcasestr(va_word_text(word), "jarvis"));
    assert_in_range(va_word_span_samples(word), RATE / 2, 3 * RATE);
    assert_finds(&fixture, word);
    va_word_free(word);
    close_fixture(&fixture);
}

static void test_enrolled_base(void **state)
{
    enrol_and_find("base");
}

static void test_enrolled_tiny(void **state)
{
    enrol_and_find("tiny.en");
}

static void test_from_text(void **state)
{
    struct fixture fixture;
    va_word_model *word;

    open_fixture(&fixture, "base");
    assert_int_equal(va_word_from_text(fixture.context, "jarvis", "en", &word, NULL), 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        size_t n;
        float *pcm = load(others[i], &n);
        assert_true(judge(&fixture, word, pcm, n).score > 0.5f);
        va_free(pcm);
    }
    assert_true(judge(&fixture, word, fixture.pcm[0], fixture.samples[0].n / 4).score < 0.5f); /* nothing is said yet */
    va_word_free(word);
    close_fixture(&fixture);
}

static void test_samples_of_no_use(void **state)
{
    static float silence[2 * RATE];
    struct fixture fixture;
    enum va_word_sample_state states[VA_WORD_MAX_SAMPLES + 1];
    struct va_word_sample given[VA_WORD_MAX_SAMPLES + 1] = {{0}};
    va_word_model *word = NULL;
    va_error error;
    size_t n_reading, n_alexa;

    open_fixture(&fixture, "tiny.en");
    float *reading = load("librispeech/test-other_2033-164914-0001", &n_reading), *alexa = load("alexa_0", &n_alexa);
    memcpy(given, fixture.samples, 3 * sizeof given[0]);
    given[3] = (struct va_word_sample){silence, 2 * RATE};
    given[4] = (struct va_word_sample){reading, n_reading};
    given[5] = (struct va_word_sample){alexa, n_alexa};
    given[6] = (struct va_word_sample){NULL, 0};
    assert_int_equal(va_word_enrol(fixture.context, fixture.vad, given, 7, NULL, states, &word, &error), 0);
    static const enum va_word_sample_state expected[] = {VA_WORD_SAMPLE_USED,   VA_WORD_SAMPLE_USED, VA_WORD_SAMPLE_USED,
                                                         VA_WORD_SAMPLE_SILENT, VA_WORD_SAMPLE_LONG, VA_WORD_SAMPLE_UNLIKE,
                                                         VA_WORD_SAMPLE_SILENT};
    for (int i = 0; i < 7; i++)
        assert_int_equal(states[i], expected[i]);
    va_word_free(word);
    word = NULL;
    assert_int_equal(va_word_enrol(fixture.context, fixture.vad, given + 1, 5, NULL, states, &word, &error), VA_EINVAL);
    assert_non_null(strstr(error.text, "1 without speech, 1 too long, 1 unlike"));
    assert_int_equal(va_word_enrol(fixture.context, fixture.vad, given, 2, "en", states, &word, &error), VA_EINVAL);
    assert_int_equal(va_word_enrol(fixture.context, fixture.vad, given, VA_WORD_MAX_SAMPLES + 1, "en", states, &word, &error), VA_EINVAL);
    assert_int_equal(va_word_enrol(fixture.context, fixture.vad, given, 3, "klingon", states, &word, &error), VA_EINVAL);
    assert_null(word);
    va_free(reading);
    va_free(alexa);
    close_fixture(&fixture);
}

static void test_out_of_memory(void **state)
{
    struct fixture fixture;
    enum va_word_sample_state states[3];
    va_word_model *word = NULL;
    va_error error;
    size_t n;

    open_fixture(&fixture, "tiny.en");
    for (n = 1;; n++) {
        va_memory_fail_after(n);
        int r = va_word_enrol(fixture.context, fixture.vad, fixture.samples, 3, "en", states, &word, &error);
        va_memory_fail_after(0);
        if (r == 0)
            break;
        assert_int_equal(r, VA_ENOMEM);
        assert_null(word);
    }
    assert_true(n > 20);
    va_word_free(word);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enrolled_base),     cmocka_unit_test(test_enrolled_tiny), cmocka_unit_test(test_from_text),
        cmocka_unit_test(test_samples_of_no_use), cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
