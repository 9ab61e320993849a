#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "nn/pack.h"

static uint32_t seed = 1;

static float noise(void)
{
    seed = seed * 1664525 + 1013904223;
    return (float)(int32_t)seed / 2147483648.0f;
}

static const int shapes[][2] = {{1, 4}, {15, 4}, {16, 8}, {17, 12}, {31, 64}, {100, 20}, {384, 388}};

static void s8(void **state)
{
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        int n = shapes[s][0], k = shapes[s][1], rows = VA_PACKED_ROWS(n);
        float *w = va_alloc((size_t)(n * k), sizeof *w), *step = va_alloc((size_t)rows, sizeof *step),
              *row = va_alloc((size_t)k, sizeof *row);
        int8_t *data = va_alloc((size_t)(rows * k), 1);
        int32_t *sum = va_alloc((size_t)rows, sizeof *sum);
        for (int i = 0; i < n * k; i++)
            w[i] = noise() * powf(10, (float)(i / k % 9 - 4));
        va_pack_s8(w, n, k, data, step, sum);
        for (int j = 0; j < rows; j++) {
            float max = 0;
            int total = 0;
            va_unpack_s8_row(data, step, k, j, row);
            for (int i = 0; i < k; i++) {
                /* the packing of kernels.h, written out */
                int8_t q = data[(size_t)(j / 16) * 16 * (size_t)k + (size_t)(i / 4) * 64 + (size_t)(j % 16) * 4 + (size_t)(i % 4)];
                float want = j < n ? w[j * k + i] : 0;
                max = fmaxf(max, fabsf(want));
                total += q;
                assert_true(q >= -127);
                assert_float_equal(row[i], (float)q * step[j], 0);
                assert_true(fabsf(row[i] - want) <= 0.5001f * step[j]);
            }
            assert_float_equal(step[j], max / 127, 0);
            assert_int_equal(sum[j], total);
        }
        va_free(w);
        va_free(step);
        va_free(row);
        va_free(data);
        va_free(sum);
    }
}

static void s8_extremes(void **state)
{
    float w[5][4] = {
        {0, 0, 0, 0}, {FLT_MAX, -FLT_MAX, 1, 0}, {FLT_TRUE_MIN, 0, 0, 0}, {-0.0f, 1e-30f, -1e-30f, 5e-31f}, {127, 0.5f, 1.5f, -127}};
    float step[16], row[4];
    int8_t data[64];
    int32_t sum[16];
    va_pack_s8(&w[0][0], 5, 4, data, step, sum);
    assert_float_equal(step[0], 0, 0);
    va_unpack_s8_row(data, step, 4, 1, row);
    assert_float_equal(row[0], FLT_MAX, FLT_MAX * 1e-6f);
    assert_float_equal(row[1], -FLT_MAX, FLT_MAX * 1e-6f);
    assert_float_equal(step[2], 0, 0); /* too small for a step */
    assert_int_equal(sum[2], 0);
    va_unpack_s8_row(data, step, 4, 3, row);
    assert_float_equal(row[1], 1e-30f, 1e-36f);
    va_unpack_s8_row(data, step, 4, 4, row);
    const float want[] = {127, 0, 2, -127}; /* ties to even */
    assert_memory_equal(row, want, sizeof want);
    assert_int_equal(sum[4], 2);
}

static void s8_quantized(void **state)
{
    int8_t w[17 * 8], data[32 * 8];
    int32_t sum[32];
    float step[32], row[8];
    for (int i = 0; i < 17 * 8; i++)
        w[i] = (int8_t)(i * 37 - 128);
    for (int j = 0; j < 32; j++)
        step[j] = (float)(j + 1);
    va_pack_s8_quantized(w, 17, 8, data, sum);
    for (int j = 0; j < 32; j++) {
        int total = 0;
        va_unpack_s8_row(data, step, 8, j, row);
        for (int i = 0; i < 8; i++) {
            int want = j >= 17 ? 0 : w[j * 8 + i] == -128 ? -127 : w[j * 8 + i];
            assert_float_equal(row[i], (float)want * step[j], 0);
            total += want;
        }
        assert_int_equal(sum[j], total);
    }
}

static void f32(void **state)
{
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        int n = shapes[s][0], k = shapes[s][1], rows = VA_PACKED_ROWS(n);
        float *w = va_alloc((size_t)(n * k), sizeof *w), *data = va_alloc((size_t)(rows * k), sizeof *data),
              *row = va_alloc((size_t)k, sizeof *row);
        for (int i = 0; i < n * k; i++)
            w[i] = noise();
        va_pack_f32(w, n, k, data);
        for (int j = 0; j < rows; j++) {
            va_unpack_f32_row(data, k, j, row);
            for (int i = 0; i < k; i++) {
                assert_float_equal(row[i], j < n ? w[j * k + i] : 0, 0);
                assert_float_equal(row[i], data[(j / 16) * 16 * k + i * 16 + j % 16], 0);
            }
        }
        va_free(w);
        va_free(data);
        va_free(row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(s8), cmocka_unit_test(s8_extremes), cmocka_unit_test(s8_quantized),
                                       cmocka_unit_test(f32)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
