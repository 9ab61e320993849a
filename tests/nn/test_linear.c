#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "nn/linear.h"
#include "nn/pack.h"

struct layer {
    struct va_linear w;
    float *weights; /* [n, k] as they were before packing */
    void *packed, *step, *sum, *bias;
};

static float uniform(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return (float)(int32_t)*random / 2147483648.0f;
}

static struct layer layer_new(int n, int k, int quantised)
{
    size_t rows = (size_t)VA_PACKED_ROWS(n);
    struct layer layer = {.weights = va_alloc((size_t)n * (size_t)k, sizeof(float)),
                          .packed = va_alloc_aligned(rows * (size_t)k, sizeof(float)),
                          .step = va_calloc(rows, sizeof(float)),
                          .sum = va_calloc(rows, sizeof(int32_t)),
                          .bias = va_calloc(rows, sizeof(float))};
    uint32_t random = (uint32_t)(n * 31 + k);
    for (int i = 0; i < n * k; i++)
        layer.weights[i] = uniform(&random);
    for (int i = 0; i < n; i++)
        ((float *)layer.bias)[i] = uniform(&random);
    layer.w = (struct va_linear){.n = n, .k = k, .bias = layer.bias};
    if (quantised) {
        va_pack_s8(layer.weights, n, k, layer.packed, layer.step, layer.sum);
        layer.w.s8 = layer.packed;
        layer.w.step = layer.step;
        layer.w.sum = layer.sum;
    } else {
        va_pack_f32(layer.weights, n, k, layer.packed);
        layer.w.f32 = layer.packed;
    }
    return layer;
}

static void layer_free(struct layer *layer)
{
    va_free(layer->weights);
    va_free(layer->packed);
    va_free(layer->step);
    va_free(layer->sum);
    va_free(layer->bias);
}

/* out [m][P(n)] by way of va_linear_forward, in `cuts` pieces of columns. */
static float *forward(const struct layer *layer, const float *x, int m, enum va_fineness fineness, int cuts)
{
    const struct va_kernels *kernels = va_kernels_select(NULL);
    size_t ldout = (size_t)VA_PACKED_ROWS(layer->w.n);
    float *out = va_calloc((size_t)m * ldout, sizeof *out), *step = va_calloc(2 * (size_t)m, sizeof *step);
    int8_t *q = va_calloc(2 * (size_t)m * (size_t)layer->w.k, 1);
    int panels = va_linear_panels(&layer->w);
    struct va_rows rows = va_rows_prepare(kernels, &layer->w, x, (size_t)layer->w.k, m, fineness, q, step);
    for (int c = 0; c < cuts; c++) {
        int first = panels * c / cuts, end = panels * (c + 1) / cuts;
        if (end > first)
            va_linear_forward(kernels, &layer->w, &rows, m, first, end - first, out + (size_t)first * VA_PANEL, ldout);
    }
    va_free(step);
    va_free(q);
    return out;
}

static void check(int n, int k, int m, int quantised)
{
    struct layer layer = layer_new(n, k, quantised);
    float *x = va_alloc((size_t)m * (size_t)k, sizeof *x);
    uint32_t random = 7;
    for (int i = 0; i < m * k; i++)
        x[i] = uniform(&random);
    float *whole = forward(&layer, x, m, VA_COARSE, 1), *cut = forward(&layer, x, m, VA_COARSE, 3);
    size_t ldout = (size_t)VA_PACKED_ROWS(n);
    assert_memory_equal(whole, cut, (size_t)m * ldout * sizeof *whole);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = ((float *)layer.bias)[j];
            for (int p = 0; p < k; p++)
                sum += (double)layer.weights[j * k + p] * x[i * k + p];
            /* Two roundings of at most 1/254 of the largest value each, over k products of uniform values. */
            double tolerance = quantised ? 0.02 * sqrt(k) : 1e-5 * k;
            assert_float_equal(whole[(size_t)i * ldout + (size_t)j], sum, tolerance);
        }
    for (int i = 0; i < m; i++)
        for (size_t j = (size_t)n; j < ldout; j++)
            assert_float_equal(whole[(size_t)i * ldout + j], 0.0f, 0.0f);
    va_free(whole);
    va_free(cut);
    va_free(x);
    layer_free(&layer);
}

static void test_products(void **state)
{
    static const int sizes[][3] = {{1, 4, 1}, {16, 64, 1}, {17, 64, 5}, {192, 64, 50}, {129, 256, 97}, {64, 512, 8}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check(sizes[i][0], sizes[i][1], sizes[i][2], 1);
        check(sizes[i][0], sizes[i][1], sizes[i][2], 0);
    }
}

/* With the second term only the weights are rounded: against them as they were packed the result is that of floats. */
static void test_fine_rows(void **state)
{
    static const int sizes[][3] = {{1, 4, 1}, {17, 64, 5}, {129, 256, 49}, {64, 512, 8}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int n = sizes[s][0], k = sizes[s][1], m = sizes[s][2];
        struct layer layer = layer_new(n, k, 1);
        float *x = va_alloc((size_t)m * (size_t)k, sizeof *x), *row = va_alloc((size_t)k, sizeof *row);
        uint32_t random = 9;
        for (int i = 0; i < m * k; i++)
            x[i] = uniform(&random);
        x[0] = 30.0f; /* a column that takes all the steps */
        float *whole = forward(&layer, x, m, VA_FINE, 1), *cut = forward(&layer, x, m, VA_FINE, 2);
        size_t ldout = (size_t)VA_PACKED_ROWS(n);
        assert_memory_equal(whole, cut, (size_t)m * ldout * sizeof *whole);
        for (int j = 0; j < n; j++) {
            va_linear_row(&layer.w, j, row);
            for (int i = 0; i < m; i++) {
                double sum = ((float *)layer.bias)[j];
                for (int p = 0; p < k; p++)
                    sum += (double)row[p] * x[i * k + p];
                assert_float_equal(whole[(size_t)i * ldout + (size_t)j], sum, (i == 0 ? 5e-4 : 2e-5) * sqrt(k));
            }
        }
        va_free(whole);
        va_free(cut);
        va_free(x);
        va_free(row);
        layer_free(&layer);
    }
}

static void test_rows_that_are_not_numbers(void **state)
{
    struct layer layer = layer_new(16, 64, 1);
    float x[64] = {0};
    x[1] = NAN;
    x[2] = INFINITY;
    va_free(forward(&layer, x, 1, VA_FINE, 1));
    memset(x, 0, sizeof x);
    float *out = forward(&layer, x, 1, VA_FINE, 1);
    for (int j = 0; j < 16; j++)
        assert_float_equal(out[j], ((float *)layer.bias)[j], 0.0f);
    va_free(out);
    layer_free(&layer);
}

static void test_rows_of_the_matrix(void **state)
{
    for (int quantised = 0; quantised < 2; quantised++) {
        struct layer layer = layer_new(37, 64, quantised);
        for (int j = 0; j < 37; j++) {
            float row[64];
            va_linear_row(&layer.w, j, row);
            for (int p = 0; p < 64; p++)
                assert_float_equal(row[p], layer.weights[j * 64 + p], quantised ? 1.0f / 200 : 0.0f);
        }
        layer_free(&layer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_products), cmocka_unit_test(test_fine_rows),
                                       cmocka_unit_test(test_rows_that_are_not_numbers), cmocka_unit_test(test_rows_of_the_matrix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
