#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "synthetic_silero.h"
#include "temporary.h"
#include "vad/silero.h"
#include "vad/silero_import.h"

enum { CHUNK = VA_VAD_CHUNK_SAMPLES, CHUNKS = 24 };

static char folder[256];
static float *tensors[SYNTHETIC_TENSORS];
static va_vad_model *model;
static float pcm[CHUNKS][CHUNK];

static int set_up(void **state)
{
    struct va_buffer onnx;
    va_error error;

    va_buffer_init(&onnx, SYNTHETIC_SILERO_MAX_BYTES);
    if (temporary_make(folder) < 0 || synthetic_silero(SYNTHETIC_GOOD, 0, &onnx) < 0 ||
        va_file_write(temporary_path(folder, "x.onnx"), onnx.data, onnx.size, 0600, &error) < 0 ||
        va_silero_import(temporary_path(folder, "x.onnx"), temporary_path(folder, "x.vam"), &error) < 0 ||
        va_vad_model_open(temporary_path(folder, "x.vam"), &model, &error) < 0)
        return -1;
    va_buffer_free(&onnx);
    for (int i = 0; i < SYNTHETIC_TENSORS; i++) {
        if ((tensors[i] = va_alloc(synthetic_tensor_size(i), sizeof(float))) == NULL)
            return -1;
        synthetic_tensor_values(i, tensors[i]);
    }
    uint32_t random = 1;
    for (int i = 0; i < CHUNKS * CHUNK; i++) {
        random = random * 1664525u + 1013904223u;
        float loudness = 0.02f + 0.3f * (float)(i / CHUNK % 5 == 2);
        pcm[i / CHUNK][i % CHUNK] = loudness * ((float)(random >> 8) / 8388608.0f - 1.0f + sinf((float)i * 0.05f));
    }
    return 0;
}

static int tear_down(void **state)
{
    va_vad_model_free(model);
    for (int i = 0; i < SYNTHETIC_TENSORS; i++)
        va_free(tensors[i]);
    return temporary_remove(folder);
}

static va_silero *new_silero(const struct va_kernels *kernels)
{
    va_silero *silero;
    va_error error;
    assert_int_equal(va_silero_new(model, kernels, &silero, &error), 0);
    return silero;
}

/* x [in][length] -> y [n][(length - 1) / stride + 1], kernel 3, padding 1, ReLU */
static void slow_conv(int index, int n, int in, int length, int stride, const double *x, double *y)
{
    const float *weight = tensors[1 + 2 * index], *bias = tensors[2 + 2 * index];
    int out_length = (length - 1) / stride + 1;
    for (int i = 0; i < n; i++)
        for (int t = 0; t < out_length; t++) {
            double sum = bias[i];
            for (int j = 0; j < in; j++)
                for (int tap = 0; tap < 3; tap++) {
                    int at = t * stride + tap - 1;
                    if (at >= 0 && at < length)
                        sum += weight[(i * in + j) * 3 + tap] * x[j * length + at];
                }
            y[i * out_length + t] = sum > 0 ? sum : 0;
        }
}

struct slow {
    double context[64], h[128], c[128];
};

/* The published graph in double, operator by operator. */
static double slow_process(struct slow *s, const float *chunk)
{
    static double x[640], magnitude[129 * 4], a[128 * 4], b[64 * 2], c[64], d[128];
    double gates[512], sum = tensors[14][0];

    memcpy(x, s->context, sizeof s->context);
    for (int i = 0; i < 512; i++)
        x[64 + i] = chunk[i];
    memcpy(s->context, x + 512, sizeof s->context);
    for (int i = 0; i < 64; i++)
        x[576 + i] = x[574 - i];
    for (int f = 0; f < 129; f++)
        for (int t = 0; t < 4; t++) {
            double re = 0, im = 0;
            for (int i = 0; i < 256; i++) {
                re += tensors[0][f * 256 + i] * x[t * 128 + i];
                im += tensors[0][(f + 129) * 256 + i] * x[t * 128 + i];
            }
            magnitude[f * 4 + t] = sqrt(re * re + im * im);
        }
    slow_conv(0, 128, 129, 4, 1, magnitude, a);
    slow_conv(1, 64, 128, 4, 2, a, b);
    slow_conv(2, 64, 64, 2, 2, b, c);
    slow_conv(3, 128, 64, 1, 1, c, d);
    for (int i = 0; i < 512; i++) {
        gates[i] = tensors[11][i] + tensors[12][i];
        for (int j = 0; j < 128; j++)
            gates[i] += tensors[9][i * 128 + j] * d[j] + tensors[10][i * 128 + j] * s->h[j];
    }
    for (int i = 0; i < 128; i++) {
        s->c[i] = s->c[i] / (1 + exp(-gates[128 + i])) + tanh(gates[256 + i]) / (1 + exp(-gates[i]));
        s->h[i] = tanh(s->c[i]) / (1 + exp(-gates[384 + i]));
        sum += tensors[13][i] * (s->h[i] > 0 ? s->h[i] : 0);
    }
    return 1 / (1 + exp(-sum));
}

static void test_every_set_is_the_graph(void **state)
{
    for (int i = 0; va_kernels_at(i) != NULL; i++) {
        const struct va_kernels *kernels = va_kernels_select(va_kernels_at(i)->name);
        if (kernels == NULL)
            continue;
        va_silero *silero = new_silero(kernels);
        struct slow slow = {0};
        double least = 1, most = 0;
        for (int j = 0; j < CHUNKS; j++) {
            double expected = slow_process(&slow, pcm[j]), p = (double)va_silero_process(silero, pcm[j]);
            if (fabs(p - expected) > 2e-5)
                fail_msg("%s, chunk %d: %g instead of %g", kernels->name, j, p, expected);
            least = fmin(least, p);
            most = fmax(most, p);
        }
        assert_true(most - least > 0.05); /* else it would compare nothing */
        va_silero_free(silero);
    }
}

static void test_state(void **state)
{
    static const float silence[CHUNK];
    va_silero *silero = new_silero(va_kernels_select(NULL));
    float first[CHUNKS], again;
    for (int i = 0; i < CHUNKS; i++)
        first[i] = va_silero_process(silero, pcm[i]);
    again = va_silero_process(silero, pcm[0]);
    assert_true(again != first[0]); /* it remembers */
    va_silero_reset(silero);
    for (int i = 0; i < CHUNKS; i++)
        assert_true(va_silero_process(silero, pcm[i]) == first[i]);

    /* a chunk skipped is the context of the next, and nothing else */
    float with_context[2];
    for (int i = 0; i < 2; i++) {
        va_silero_reset(silero);
        va_silero_skip(silero, pcm[0]);
        va_silero_skip(silero, i == 0 ? pcm[1] : silence);
        with_context[i] = va_silero_process(silero, pcm[2]);
    }
    assert_true(with_context[0] != with_context[1]);
    assert_true(with_context[1] == (va_silero_reset(silero), va_silero_process(silero, pcm[2])));
    va_silero_free(silero);
}

static void test_not_finite(void **state)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 3e38f};
    va_silero *silero = new_silero(va_kernels_select(NULL));
    float first = va_silero_process(silero, pcm[0]), chunk[CHUNK];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memcpy(chunk, pcm[1], sizeof chunk);
        chunk[CHUNK - 1] = chunk[7] = bad[i];
        assert_true(va_silero_process(silero, chunk) == 0.0f);
        assert_true(va_silero_process(silero, pcm[0]) == first);
    }
    va_silero_free(silero);
}

static void test_files(void **state)
{
    va_vad_model *other;
    va_error error;
    assert_int_equal(va_vad_model_open(temporary_path(folder, "x.onnx"), &other, &error), VA_EFORMAT);
    assert_int_equal(va_vad_model_open(temporary_path(folder, "nothing"), &other, &error), VA_ENOTFOUND);
}

static void test_out_of_memory(void **state)
{
    int r = VA_ENOMEM;
    for (size_t n = 1; r != 0; n++) {
        va_vad_model *other = NULL;
        va_silero *silero = NULL;
        va_memory_fail_after(n);
        if ((r = va_vad_model_open(temporary_path(folder, "x.vam"), &other, NULL)) == 0)
            r = va_silero_new(other, va_kernels_select(NULL), &silero, NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
        va_silero_free(silero);
        va_vad_model_free(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_set_is_the_graph),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
