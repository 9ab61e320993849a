/* Words scored as what comes next, with a model that hears gibberish. */
#include "whisper/score.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tiny_model.h"
#include "whisper/context.h"
#include "whisper/rules.h"

enum { SECOND = VA_SAMPLE_RATE_HZ };

struct fixture {
    va_model *model;
    va_context *context;
    float pcm[SECOND];
};

static int set_up(void **state)
{
    static struct fixture fixture;
    char path[64];

    snprintf(path, sizeof path, "/tmp/va-score-%d.vam", (int)getpid());
    tiny_model_write(path, VA_PRECISION_S8, 51865, NULL);
    assert_int_equal(va_model_open(path, NULL, &fixture.model, NULL), 0);
    assert_int_equal(va_context_new(fixture.model, 1, &fixture.context, NULL), 0);
    tiny_model_noise(fixture.pcm, SECOND);
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

static void test_scores_alone_and_together(void **state)
{
    struct fixture *fixture = *state;
    va_context *context = fixture->context;
    static struct va_token_sequence many[VA_SCORE_MAX_SEQUENCES];
    static float together[VA_SCORE_MAX_SEQUENCES], ends[VA_SCORE_MAX_SEQUENCES];
    int32_t prompt[VA_SCORE_MAX_PROMPT];
    float alone;

    assert_int_equal(va_context_need_scorer(context, NULL), 0);
    int n_prompt = va_start_tokens(fixture->model, 0, prompt);
    assert_int_equal(n_prompt, VA_START_TOKENS);
    va_context_encode(context, fixture->pcm, SECOND);
    for (int s = 0; s < VA_SCORE_MAX_SEQUENCES; s++) {
        many[s].n = 1 + s % VA_SCORE_MAX_TOKENS;
        for (int i = 0; i < many[s].n; i++)
            many[s].tokens[i] = 300 + 37 * s + i;
    }
    va_scorer_run(context->scorer, context->search, context->encoder, prompt, n_prompt, 0, many, VA_SCORE_MAX_SEQUENCES, 0, together);
    va_scorer_run(context->scorer, context->search, context->encoder, prompt, n_prompt, 0, many, VA_SCORE_MAX_SEQUENCES, 1, ends);
    for (int s = 0; s < VA_SCORE_MAX_SEQUENCES; s++) {
        va_scorer_run(context->scorer, context->search, context->encoder, prompt, n_prompt, 0, &many[s], 1, 0, &alone);
        assert_true(fabsf(alone - together[s]) <= 1e-3f * fabsf(alone));
        assert_true(together[s] <= ends[s] && ends[s] < 0.0f);
    }
    /* What stands in the prompt is the beginning of a longer sequence. */
    const struct va_token_sequence longer = {{1000, 1001, 1002}, 3}, rest = {{1002}, 1}, begin = {{1000, 1001}, 2};
    float whole, first, last;
    va_scorer_run(context->scorer, context->search, context->encoder, prompt, n_prompt, 0, &longer, 1, 1, &whole);
    va_scorer_run(context->scorer, context->search, context->encoder, prompt, n_prompt, 0, &begin, 1, 1, &first);
    prompt[n_prompt] = 1000;
    prompt[n_prompt + 1] = 1001;
    va_scorer_run(context->scorer, context->search, context->encoder, prompt, n_prompt + 2, 2, &rest, 1, 1, &last);
    assert_true(fabsf(whole - first - last) <= 1e-3f * fabsf(whole));
}

static void test_what_continues_a_word(void **state)
{
    struct fixture *fixture = *state;
    int32_t ids[8];

    assert_int_equal(va_context_need_scorer(fixture->context, NULL), 0);
    const va_scorer *scorer = fixture->context->scorer;
    assert_int_equal(va_tokenizer_encode(fixture->model->tokenizer, "a", ids, 8), 1);
    assert_true(va_scorer_continues(scorer, ids[0]));
    assert_int_equal(va_tokenizer_encode(fixture->model->tokenizer, ".", ids, 8), 1);
    assert_false(va_scorer_continues(scorer, ids[0]));
    assert_true(va_tokenizer_encode(fixture->model->tokenizer, " a", ids, 8) >= 1);
    assert_false(va_scorer_continues(scorer, ids[0]));
    assert_false(va_scorer_continues(scorer, fixture->model->special->end));
}

static void test_the_scorer_agrees_with_the_search(void **state)
{
    struct fixture *fixture = *state;
    va_context *context = fixture->context;
    int32_t prompt[VA_START_TOKENS];
    struct va_rules rules = {.model = fixture->model};
    struct va_search_options options = {.prompt = prompt,
                                        .n_prompt = va_start_tokens(fixture->model, 0, prompt),
                                        .beams = 1,
                                        .max_tokens = VA_SCORE_MAX_TOKENS,
                                        .filter = va_rules_apply,
                                        .filter_user = &rules};
    struct va_search_result result;
    struct va_token_sequence heard = {.n = 0};
    float sum = 0.0f, logprob;

    assert_int_equal(va_context_need_scorer(context, NULL), 0);
    va_context_encode(context, fixture->pcm, SECOND);
    assert_int_equal(va_search_run(context->search, context->encoder, &options, &result), 0);
    assert_true(result.best->n > 0 && result.n_found >= 1);
    for (heard.n = 0; heard.n < result.best->n && heard.n < VA_SCORE_MAX_TOKENS; heard.n++) {
        heard.tokens[heard.n] = result.best->tokens[heard.n];
        sum += result.best->logprobs[heard.n];
    }
    va_scorer_run(context->scorer, context->search, context->encoder, prompt, options.n_prompt, 0, &heard, 1, 1, &logprob);
    assert_true(fabsf(logprob - sum) <= 1e-3f * fabsf(sum));
}

static void test_start_tokens_of_an_english_model(void **state)
{
    char path[64];
    int32_t tokens[VA_START_TOKENS];
    va_model *model;

    snprintf(path, sizeof path, "/tmp/va-score-en-%d.vam", (int)getpid());
    tiny_model_write(path, VA_PRECISION_S8, 51864, NULL);
    assert_int_equal(va_model_open(path, NULL, &model, NULL), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(va_start_tokens(model, 0, tokens), 2);
    assert_int_equal(tokens[0], model->special->start);
    assert_int_equal(tokens[1], model->special->no_timestamps);
    va_model_free(model);
}

/* What is encoded is the same as what a transcription encodes, so that a text that it found has the same probability. */
static void test_any_length_is_encoded(void **state)
{
    static float longest[VA_WINDOW_SAMPLES];
    struct fixture *fixture = *state;
    va_context *context = fixture->context;

    va_context_encode(context, fixture->pcm, SECOND - 100);
    assert_int_equal(va_encoder_frames(context->encoder), 50 + VA_MARGIN_FRAMES);
    va_context_encode(context, fixture->pcm, 0); /* silence does not fit the cache: the whole window */
    assert_int_equal(va_encoder_frames(context->encoder), VA_WINDOW_FRAMES);
    tiny_model_noise(longest, VA_WINDOW_SAMPLES);
    va_context_encode(context, longest, VA_WINDOW_SAMPLES);
    assert_int_equal(va_encoder_frames(context->encoder), VA_WINDOW_FRAMES);
    longest[5] = NAN;
    va_context_encode(context, longest, SECOND);
    assert_true(isfinite(va_encoder_rows(context->encoder)[0]));
}

static void test_out_of_memory(void **state)
{
    struct fixture *fixture = *state;
    va_scorer *scorer = NULL;
    size_t n;

    for (n = 1;; n++) {
        va_memory_fail_after(n);
        int r = va_scorer_new(fixture->model, &scorer, NULL);
        va_memory_fail_after(0);
        if (r == 0)
            break;
        assert_int_equal(r, VA_ENOMEM);
        assert_null(scorer);
    }
    assert_int_equal(n, 5);
    va_scorer_free(scorer);
    va_scorer_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_alone_and_together),
        cmocka_unit_test(test_what_continues_a_word),
        cmocka_unit_test(test_the_scorer_agrees_with_the_search),
        cmocka_unit_test(test_start_tokens_of_an_english_model),
        cmocka_unit_test(test_any_length_is_encoded),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
