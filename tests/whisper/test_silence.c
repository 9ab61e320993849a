/* Virtual silence on the tiny random model, and on the real one where there is one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "dsp/log_mel.h"
#include "nn/container.h"
#include "tiny_model.h"
#include "whisper/encoder.h"
#include "whisper/silence.h"
#include "whisper_fixture.h"

#define FRAMES 1500

struct engine {
    va_model *model;
    va_pool *pool;
    va_encoder *encoder;
};

static void engine_open(struct engine *engine, const char *path)
{
    va_error error;
    if (va_model_open(path, NULL, &engine->model, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(va_pool_new(2, &engine->pool, NULL), 0);
    assert_int_equal(va_encoder_new(engine->model, engine->pool, &engine->encoder, NULL), 0);
}

static void engine_close(struct engine *engine)
{
    va_encoder_free(engine->encoder);
    va_pool_free(engine->pool);
    va_model_free(engine->model);
}

static char *tiny_path(enum va_precision precision)
{
    char *path = va_asprintf("/tmp/va-silence-%d.vam", (int)getpid());
    tiny_model_write(path, precision, 51865, NULL);
    return path;
}

/* |a - b| / |a| over n values. */
static double relative_error(const float *a, const float *b, size_t n)
{
    double difference = 0.0, norm = 0.0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        norm += (double)a[i] * a[i];
    }
    return sqrt(difference / norm);
}

/* The rows of a clip alone with virtual silence, beside those of the same clip in a full window. */
static double error_of_clip(struct engine *engine, const float *mel, int frames, int first_row, int end_row)
{
    size_t d = (size_t)engine->model->width, n = (size_t)(end_row - first_row) * d;
    float *full = va_alloc((size_t)FRAMES * d, sizeof *full);
    assert_int_equal(va_encoder_run(engine->encoder, mel, FRAMES, VA_TAIL_NOTHING, NULL, NULL), 0);
    memcpy(full, va_encoder_rows(engine->encoder), (size_t)FRAMES * d * sizeof *full);
    assert_int_equal(va_encoder_run(engine->encoder, mel, frames, VA_TAIL_SILENCE, NULL, NULL), 0);
    assert_int_equal(va_encoder_frames(engine->encoder), frames);
    double error = relative_error(full + (size_t)first_row * d, va_encoder_rows(engine->encoder) + (size_t)first_row * d, n);
    va_free(full);
    return error;
}

static void check_tiny(enum va_precision precision)
{
    struct engine engine;
    char *path = tiny_path(precision);
    float *mel = va_alloc((size_t)2 * FRAMES * VA_MEL_BANDS, sizeof *mel);
    engine_open(&engine, path);
    assert_int_equal(engine.model->silence.rows, VA_SILENCE_ROWS);
    assert_int_equal(engine.model->silence.stride, VA_SILENCE_STRIDE);
    for (int i = 0; i < 2 * FRAMES * VA_MEL_BANDS; i++)
        mel[i] = i < 150 * VA_MEL_BANDS ? sinf((float)i) : VA_SILENCE_MEL;
    static const int frames[] = {76, 77, 100, 256, 1000, 1499, 1500};
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        struct va_attention_cache cross;
        assert_true(error_of_clip(&engine, mel, frames[i], 0, 76) < 0.02);
        cross = va_encoder_cross(engine.encoder, 1, 0);
        assert_int_equal(cross.n, frames[i]);
        /* Speech and silence together weigh as much as a full window. */
        assert_float_equal((double)cross.n + cross.n_tail * exp(cross.tail_bias) * (cross.n_tail > 0), FRAMES,
                           cross.n_tail > 0 ? 0.01 : VA_SILENCE_STRIDE);
    }
    va_free(mel);
    engine_close(&engine);
    unlink(path);
    va_free(path);
}

static void test_rows_as_in_a_full_window(void **state)
{
    check_tiny(VA_PRECISION_S8);
    check_tiny(VA_PRECISION_F32);
}

/* What the file holds, beside what the network makes of silence. */
static void test_rows_of_the_file(void **state)
{
    struct engine engine;
    char *path = tiny_path(VA_PRECISION_F32);
    engine_open(&engine, path);
    size_t d = (size_t)engine.model->width;
    float *mel = va_alloc((size_t)2 * FRAMES * VA_MEL_BANDS, sizeof *mel);
    for (int i = 0; i < 2 * FRAMES * VA_MEL_BANDS; i++)
        mel[i] = VA_SILENCE_MEL;
    assert_int_equal(va_encoder_run(engine.encoder, mel, FRAMES, VA_TAIL_NOTHING, NULL, NULL), 0);
    struct va_attention_cache full = va_encoder_cross(engine.encoder, 1, 0);
    const float *kept_k = engine.model->silence.decoder[1].k, *kept_v = engine.model->silence.decoder[1].v;
    for (size_t row = 0; row < VA_SILENCE_ROWS; row++) {
        size_t first = row * VA_SILENCE_STRIDE, n = FRAMES - first < VA_SILENCE_STRIDE ? FRAMES - first : VA_SILENCE_STRIDE;
        for (size_t j = 0; j < d; j++) {
            assert_float_equal(kept_k[row * d + j], ((const float *)full.k)[(first + n / 2) * d + j], 1e-5f);
            assert_float_equal(kept_v[row * d + j], ((const float *)full.v)[(first + n / 2) * d + j], 1e-5f);
        }
    }
    va_free(mel);
    engine_close(&engine);
    unlink(path);
    va_free(path);
}

static void test_failures_leave_nothing(void **state)
{
    char *path = tiny_path(VA_PRECISION_S8), *out = va_asprintf("%s.out", path);
    va_error error;
    assert_int_equal(va_silence_complete("/nowhere.vam", out, &error), VA_ENOTFOUND);
    assert_int_equal(va_silence_complete(path, "/nowhere/out.vam", &error), VA_ENOTFOUND);
    int r = VA_ENOMEM;
    for (size_t i = 1; r == VA_ENOMEM; i++) {
        va_memory_fail_after(i);
        r = va_silence_complete(path, out, &error);
        va_memory_fail_after(0);
        assert_false(va_file_exists(out));
    }
    assert_int_equal(r, VA_EINVAL); /* it has its silence already: nothing is written twice */
    unlink(path);
    va_free(path);
    va_free(out);
}

/* A known recording, cut: what the decoder sees of it is what it would see in a full window. */
static void test_real_clip(void **state)
{
    struct engine engine;
    char path[FIXTURE_PATH_SIZE];
    size_t n;
    float top, *mel;
    va_log_mel *log_mel;
    fixture_need_recording();
    fixture_model("base", "", path);
    engine_open(&engine, path);
    float *pcm = fixture_recording(&n);
    n = n < 51200 ? n : 51200; /* 3.2 s: 160 frames */
    mel = va_alloc((size_t)2 * FRAMES * VA_MEL_BANDS, sizeof *mel);
    assert_int_equal(va_log_mel_new(&log_mel, NULL), 0);
    va_log_mel_compute(log_mel, pcm, n, (size_t)2 * FRAMES, mel, &top);
    va_log_mel_scale(mel, (size_t)2 * FRAMES, top, VA_SILENCE_TOP - top);
    double error = error_of_clip(&engine, mel, 176, 0, 160);
    print_message("encoder rows of 3.2 s, relative L2 error of virtual silence %.4f\n", error);
    assert_true(error < 0.2);
    va_log_mel_free(log_mel);
    va_free(pcm);
    va_free(mel);
    engine_close(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows_as_in_a_full_window), cmocka_unit_test(test_rows_of_the_file),
                                       cmocka_unit_test(test_failures_leave_nothing), cmocka_unit_test(test_real_clip)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
