/* Words from their text, and judging, with a model that hears gibberish. */
#include "word/state.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tiny_model.h"

enum { SECOND = VA_SAMPLE_RATE_HZ };

struct fixture {
    va_model *model;
    va_context *context;
    float pcm[8 * SECOND];
};

static int set_up(void **state)
{
    static struct fixture fixture;
    char path[64];

    snprintf(path, sizeof path, "/tmp/va-word-%d.vam", (int)getpid());
    tiny_model_write(path, VA_PRECISION_S8, 51865, NULL);
    assert_int_equal(va_model_open(path, NULL, &fixture.model, NULL), 0);
    assert_int_equal(va_context_new(fixture.model, 1, &fixture.context, NULL), 0);
    tiny_model_noise(fixture.pcm, sizeof fixture.pcm / sizeof fixture.pcm[0]);
    *state = &fixture;
    return unlink(path);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    va_context_free(fixture->context);
    va_model_free(fixture->model);
    return 0;
}

static int has_writing(const struct fixture *fixture, const va_word_model *word, const char *text)
{
    struct va_buffer buffer;
    int found = 0;

    for (int i = 0; i < word->n_writings; i++) {
        va_buffer_init(&buffer, 1024);
        assert_int_equal(va_tokenizer_decode(fixture->model->tokenizer, word->writings[i].tokens, (size_t)word->writings[i].n, &buffer), 0);
        found += strcmp(buffer.data, text) == 0;
        va_buffer_free(&buffer);
    }
    return found;
}

static void test_writings(void **state)
{
    struct fixture *fixture = *state;
    va_word_model *word;

    assert_int_equal(va_word_from_text(fixture->context, "hey Bo", "en", &word, NULL), 0);
    assert_int_equal(word->n_writings, 5);
    static const char *const texts[] = {" hey Bo", " hey bo", " Hey bo", " Hey Bo", " Hey, Bo"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(has_writing(fixture, word, texts[i]), 1);
    assert_string_equal(va_word_text(word), "hey Bo");
    assert_true(isfinite(word->noise_logprob) && word->noise_logprob < 0.0f);
    assert_true(va_word_span_samples(word) <= VA_WORD_MAX_SPAN);
    va_word_free(word);
    /* One word: the same written twice counts once. */
    assert_int_equal(va_word_from_text(fixture->context, "Bo", NULL, &word, NULL), 0);
    assert_int_equal(word->n_writings, 2);
    va_word_free(word);
    va_word_free(NULL);
}

static void test_what_is_no_word(void **state)
{
    struct fixture *fixture = *state;
    char text[VA_WORD_MAX_TEXT + 2];
    va_word_model *word = NULL;
    va_error error;

    memset(text, 'q', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(va_word_from_text(fixture->context, text, "en", &word, &error), VA_EINVAL);
    text[VA_WORD_MAX_TEXT] = '\0';
    assert_int_equal(va_word_from_text(fixture->context, text, "en", &word, &error), VA_EINVAL); /* of too many tokens */
    assert_int_equal(va_word_from_text(fixture->context, "", "en", &word, &error), VA_EINVAL);
    assert_int_equal(va_word_from_text(fixture->context, " a", "en", &word, &error), VA_EINVAL);
    assert_int_equal(va_word_from_text(fixture->context, "a", "klingon", &word, &error), VA_EINVAL);
    assert_non_null(strstr(error.text, "klingon"));
    assert_null(word);
}

static void test_judging(void **state)
{
    struct fixture *fixture = *state;
    va_word_model *words[2];
    struct va_word_score scores[2], alone;
    va_error error;

    assert_int_equal(va_word_from_text(fixture->context, "hey Bo", "en", &words[0], NULL), 0);
    assert_int_equal(va_word_from_text(fixture->context, "Zenobia", "de", &words[1], NULL), 0);
    const va_word_model *const judged[2] = {words[0], words[1]};
    assert_int_equal(va_word_judge(fixture->context, judged, 2, fixture->pcm, 2 * SECOND, scores, &error), 0);
    for (int i = 0; i < 2; i++) {
        assert_true(scores[i].score > 0.0f && scores[i].score < 1.0f);
        assert_int_equal(scores[i].end_samples, 2 * SECOND);
        assert_int_equal(va_word_judge(fixture->context, &judged[i], 1, fixture->pcm, 2 * SECOND, &alone, &error), 0);
        assert_true(fabsf(alone.score - scores[i].score) < 1e-3f);
    }
    /* Too short for a word, too long for a span, not a number. */
    assert_int_equal(va_word_judge(fixture->context, judged, 2, fixture->pcm, 100, scores, &error), 0);
    assert_true(scores[0].score == 0.0f && scores[1].score == 0.0f);
    assert_int_equal(va_word_judge(fixture->context, judged, 2, NULL, 0, scores, &error), 0);
    assert_int_equal(va_word_judge(fixture->context, judged, 2, fixture->pcm, VA_WORD_MAX_SPAN + 1, scores, &error), VA_EINVAL);
    fixture->pcm[100] = NAN;
    fixture->pcm[101] = INFINITY;
    assert_int_equal(va_word_judge(fixture->context, judged, 2, fixture->pcm, SECOND, scores, &error), 0);
    assert_true(isfinite(scores[0].score));
    fixture->pcm[100] = fixture->pcm[101] = 0.0f;
    /* A long utterance has the best of its spans. */
    assert_int_equal(va_word_judge_utterance(fixture->context, judged, 2, fixture->pcm, 8 * SECOND, scores, &error), 0);
    assert_int_equal(va_word_judge(fixture->context, judged, 1, fixture->pcm, words[0]->span_samples, &alone, &error), 0);
    assert_true(scores[0].score >= alone.score - 1e-3f);
    assert_true(scores[0].end_samples <= 8 * SECOND);
    va_word_free(words[0]);
    va_word_free(words[1]);
}

static void test_sensitivity(void **state)
{
    const struct va_word_score sure = {0.9f, 0}, doubtful = {0.3f, 0};

    assert_true(va_word_is_said(&sure, 0.5f) && !va_word_is_said(&doubtful, 0.5f));
    assert_true(va_word_is_said(&doubtful, 0.8f) && !va_word_is_said(&sure, 0.0f));
}

static void test_another_model_s_word(void **state)
{
    struct fixture *fixture = *state;
    va_word_model *word;
    struct va_word_score score;
    const va_model other = *fixture->model;

    assert_int_equal(va_word_from_text(fixture->context, "Bo", "en", &word, NULL), 0);
    word->model = &other;
    const va_word_model *const judged = word;
    assert_int_equal(va_word_judge(fixture->context, &judged, 1, fixture->pcm, SECOND, &score, NULL), VA_EINVAL);
    va_word_free(word);
}

static void test_out_of_memory(void **state)
{
    struct fixture *fixture = *state;
    va_context *context;
    va_word_model *word = NULL;
    struct va_word_score score;
    va_error error;
    size_t n;

    assert_int_equal(va_context_new(fixture->model, 1, &context, NULL), 0);
    for (n = 1;; n++) {
        va_memory_fail_after(n);
        int r = va_word_from_text(context, "Bo", "en", &word, &error);
        va_memory_fail_after(0);
        if (r == 0)
            break;
        assert_int_equal(r, VA_ENOMEM);
        assert_null(word);
    }
    assert_true(n > 5);
    const va_word_model *const judged = word;
    for (n = 1;; n++) {
        va_memory_fail_after(n);
        int r = va_word_judge_utterance(context, &judged, 1, fixture->pcm, 3 * SECOND, &score, &error);
        va_memory_fail_after(0);
        if (r == 0)
            break;
        assert_int_equal(r, VA_ENOMEM);
    }
    assert_true(n > 2);
    va_word_free(word);
    va_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writings),    cmocka_unit_test(test_what_is_no_word),      cmocka_unit_test(test_judging),
        cmocka_unit_test(test_sensitivity), cmocka_unit_test(test_another_model_s_word), cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
