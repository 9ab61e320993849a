/* Golden numbers of the float32 network on a known recording (docs/whisper.md says where they come from), against the float32 path
 * within 1e-3 and the int8 path by tokens and relative error. Needs prepared models and the shared recording; skipped where absent. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "dsp/log_mel.h"
#include "whisper/rules.h"
#include "whisper/search.h"
#include "whisper_fixture.h"

struct golden {
    const char *model;
    int32_t prompt[4];
    int n_prompt;
    int first_row_index[3]; /* encoder rows looked at */
    float first_row[3][4];  /* their first four values */
    double mean_abs, norm;  /* of all encoder values */
    int32_t top[5];
    float top_logits[5];
    int32_t tokens[32];
    int n_tokens;
    float avg_logprob, no_speech;
};

static const struct golden base = {
    .model = "base",
    .prompt = {50258, 50259, 50359, 50363},
    .n_prompt = 4,
    .first_row_index = {0, 749, 1499},
    .first_row = {{-1.65234f, 0.68353f, -0.69972f, -1.14216f},
                  {0.34499f, -0.09781f, 0.34694f, -1.54645f},
                  {-0.84529f, -0.46746f, 0.71794f, 0.09070f}},
    .mean_abs = 0.73043,
    .norm = 1281.83,
    .top = {400, 293, 407, 359, 503},
    .top_logits = {32.788f, 31.486f, 29.680f, 28.920f, 28.821f},
    .tokens = {400, 370, 452, 7177, 6280, 11,  1029, 406, 437, 428, 1941, 393, 360,
               337, 291, 11,  1029, 437,  291, 393,  360, 337, 428, 1941, 13},
    .n_tokens = 25,
    .avg_logprob = -0.0955f,
    .no_speech = 0.0444f,
};

static const struct golden tiny_en = {
    .model = "tiny.en",
    .prompt = {50257, 50362},
    .n_prompt = 2,
    .first_row_index = {0, 1499, 1499},
    .first_row = {{-0.94163f, -0.01246f, 0.51257f, 0.01369f},
                  {-0.10844f, 0.14907f, -0.66831f, 0.76962f},
                  {-0.10844f, 0.14907f, -0.66831f, 0.76962f}},
    .mean_abs = 0.63371,
    .norm = 839.77,
    .top = {843, 290, 1406, 366, 532},
    .top_logits = {20.525f, 18.695f, 18.015f, 17.307f, 16.341f},
    .tokens = {843, 523, 616, 5891, 3399, 1265, 407, 644, 534, 1499, 460, 466, 329, 345, 11, 1265, 644, 345, 460, 466, 329, 534, 1499, 13},
    .n_tokens = 24,
    .avg_logprob = -0.1329f,
    .no_speech = 0.0293f,
};

struct engine {
    va_model *model;
    va_pool *pool;
    va_encoder *encoder;
    va_search *search;
};

static void engine_open(struct engine *engine, const char *path, const char *kernels, int threads)
{
    va_model_options options = {.kernels = kernels};
    va_error error;
    if (va_model_open(path, &options, &engine->model, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(va_pool_new(threads, &engine->pool, &error), 0);
    assert_int_equal(va_encoder_new(engine->model, engine->pool, &engine->encoder, &error), 0);
    assert_int_equal(va_search_new(engine->model, engine->pool, 5, &engine->search, &error), 0);
}

static void engine_close(struct engine *engine)
{
    va_search_free(engine->search);
    va_encoder_free(engine->encoder);
    va_pool_free(engine->pool);
    va_model_free(engine->model);
}

static void encode(struct engine *engine)
{
    size_t n;
    float *pcm = fixture_recording(&n), top;
    float *mel = va_alloc_aligned((size_t)3000 * VA_MEL_BANDS, sizeof(float));
    va_log_mel *log_mel;
    assert_int_equal(va_log_mel_new(&log_mel, NULL), 0);
    va_log_mel_compute(log_mel, pcm, n, 3000, mel, &top);
    va_log_mel_scale(mel, 3000, top, 0.0f);
    assert_int_equal(va_encoder_run(engine->encoder, mel, 1500, VA_TAIL_NOTHING, NULL, NULL), 0);
    va_log_mel_free(log_mel);
    va_free(mel);
    va_free(pcm);
}

static struct va_search_result search(struct engine *engine, const struct golden *golden, int beams)
{
    struct va_rules rules = {.model = engine->model};
    struct va_search_options options = {.prompt = golden->prompt,
                                        .n_prompt = golden->n_prompt,
                                        .start = 0,
                                        .beams = beams,
                                        .max_tokens = 100,
                                        .filter = va_rules_apply,
                                        .filter_user = &rules};
    struct va_search_result result;
    assert_int_equal(va_search_run(engine->search, engine->encoder, &options, &result), 0);
    return result;
}

static void check_tokens(struct engine *engine, const struct golden *golden, float tolerance)
{
    struct va_search_result result = search(engine, golden, 1);
    assert_int_equal(result.best->n, golden->n_tokens);
    assert_memory_equal(result.best->tokens, golden->tokens, (size_t)golden->n_tokens * sizeof(int32_t));
    assert_float_equal(result.avg_logprob, golden->avg_logprob, tolerance);
    assert_float_equal(result.no_speech_prob, golden->no_speech, tolerance);
}

static void check_float(const struct golden *golden, const char *kernels)
{
    struct engine engine;
    char path[FIXTURE_PATH_SIZE];
    fixture_need_recording();
    fixture_model(golden->model, "-f32", path);
    engine_open(&engine, path, kernels, 2);
    encode(&engine);

    const float *rows = va_encoder_rows(engine.encoder);
    size_t d = (size_t)engine.model->width;
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < 1500 * d; i++) {
        sum += fabs(rows[i]);
        squares += (double)rows[i] * rows[i];
    }
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            assert_float_equal(rows[(size_t)golden->first_row_index[i] * d + (size_t)j], golden->first_row[i][j], 1e-3f);
    assert_float_equal(sum / (1500.0 * (double)d), golden->mean_abs, 1e-4);
    assert_float_equal(sqrt(squares), golden->norm, 0.05);

    const float *logits = va_search_feed(engine.search, engine.encoder, golden->prompt, golden->n_prompt, NULL);
    for (int i = 0; i < 5; i++)
        assert_float_equal(logits[golden->top[i]], golden->top_logits[i], 1e-3f);
    check_tokens(&engine, golden, 1e-3f);
    engine_close(&engine);
}

static void check_s8(const struct golden *golden, double max_error)
{
    struct engine exact, fast;
    char exact_path[FIXTURE_PATH_SIZE], fast_path[FIXTURE_PATH_SIZE];
    fixture_need_recording();
    fixture_model(golden->model, "-f32", exact_path);
    fixture_model(golden->model, "", fast_path);
    engine_open(&exact, exact_path, NULL, 1);
    engine_open(&fast, fast_path, NULL, 1);
    encode(&exact);
    encode(&fast);

    const float *a = va_encoder_rows(exact.encoder), *b = va_encoder_rows(fast.encoder);
    double difference = 0.0, norm = 0.0;
    for (size_t i = 0; i < (size_t)1500 * (size_t)exact.model->width; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        norm += (double)a[i] * a[i];
    }
    print_message("%s: encoder relative L2 error of int8 %.4f\n", golden->model, sqrt(difference / norm));
    assert_true(sqrt(difference / norm) < max_error);
    check_tokens(&fast, golden, 0.05f);
    engine_close(&exact);
    engine_close(&fast);
}

/* Logits of some tokens have the bits that they have among all. */
static void check_some_logits(const char *suffix)
{
    struct engine engine;
    char path[FIXTURE_PATH_SIZE];
    struct va_token_set wanted = {{0}};
    fixture_need_recording();
    fixture_model(base.model, suffix, path);
    engine_open(&engine, path, NULL, 2);
    encode(&engine);
    size_t bytes = (size_t)engine.model->n_vocab * sizeof(float);
    float *all = va_alloc(bytes, 1);
    memcpy(all, va_search_feed(engine.search, engine.encoder, base.prompt, base.n_prompt, NULL), bytes);
    for (int i = 0; i < base.n_tokens; i++)
        va_token_set_add(&wanted, base.tokens[i]);
    (void)va_search_feed(engine.search, engine.encoder, base.tokens, 4, NULL); /* other logits in their place */
    const float *some = va_search_feed(engine.search, engine.encoder, base.prompt, base.n_prompt, &wanted);
    for (int i = 0; i < base.n_tokens; i++)
        assert_memory_equal(&some[base.tokens[i]], &all[base.tokens[i]], sizeof(float));
    va_free(all);
    engine_close(&engine);
}

static void test_some_logits_base(void **state)
{
    check_some_logits("");
    check_some_logits("-f32");
}

static void test_float_base(void **state)
{
    check_float(&base, NULL);
}

static void test_float_tiny_en(void **state)
{
    check_float(&tiny_en, NULL);
}

static void test_float_reference_kernels(void **state)
{
    check_float(&tiny_en, "c");
}

static void test_s8_base(void **state)
{
    check_s8(&base, 0.09);
}

static void test_s8_tiny_en(void **state)
{
    check_s8(&tiny_en, 0.09);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float_base), cmocka_unit_test(test_float_tiny_en), cmocka_unit_test(test_float_reference_kernels),
        cmocka_unit_test(test_s8_base),    cmocka_unit_test(test_s8_tiny_en),    cmocka_unit_test(test_some_logits_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
