/* check_float.c - the float kernels, against double arithmetic and the reference within the tolerances of kernels.h. */
#include "checkkern.h"

#include <math.h>
#include <string.h>

static const struct va_kernels *reference(void)
{
    return va_kernels_select("c");
}

static void compare_gemm_f32(const struct va_kernels *set, int m, int k, enum regime regime)
{
    const size_t lda = (size_t)(k + random_below(4)), ldb = (size_t)(VA_PANEL + random_below(2) * random_below(40));
    const size_t ldc = (size_t)(VA_PANEL + random_below(6)), n_c = (size_t)(m - 1) * ldc + VA_PANEL;
    const int accumulate = random_below(2);
    const float *a = slot_random(0, (size_t)(m - 1) * lda + (size_t)k, regime);
    const float *b = slot_random(1, (size_t)(k - 1) * ldb + VA_PANEL, regime);
    float *before = slot_random(2, n_c, regime), *actual = slot_floats(3, n_c), *expected = slot_floats(4, n_c);

    check_begin(set->name, "gemm_f32", "m %d k %d lda %zu ldb %zu ldc %zu accumulate %d regime %d", m, k, lda, ldb, ldc, accumulate,
                (int)regime);
    memcpy(actual, before, n_c * sizeof(float));
    memcpy(expected, before, n_c * sizeof(float));
    set->gemm_f32(a, lda, m, b, ldb, k, actual, ldc, accumulate);
    reference()->gemm_f32(a, lda, m, b, ldb, k, expected, ldc, accumulate);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < VA_PANEL; j++) {
            const size_t at = (size_t)i * ldc + (size_t)j;
            double sum = accumulate ? (double)before[at] : 0.0, magnitude = fabs(sum);
            for (int kk = 0; kk < k; kk++) {
                const double term = (double)a[(size_t)i * lda + (size_t)kk] * (double)b[(size_t)kk * ldb + (size_t)j];
                sum += term;
                magnitude += fabs(term);
            }
            check_near(sum, (double)actual[at], 1e-5 * magnitude, i * VA_PANEL + j);
            check_near((double)expected[at], (double)actual[at], 1e-5 * magnitude, i * VA_PANEL + j);
            before[at] = actual[at];
        }
    check_same(before, actual, n_c * sizeof(float)); /* the gaps between rows */
    check_guards();
}

static void check_gemm_f32(const struct va_kernels *set)
{
    int k;

    for (int i = 0; (k = size_at(i)); i++)
        for (int regime = 0; regime < REGIME_COUNT; regime++)
            compare_gemm_f32(set, 1 + random_below(k > 65 ? 8 : 40), k, (enum regime)regime);
    for (int m = 1; m <= 30; m++)
        compare_gemm_f32(set, m, 1 + random_below(64), REGIME_UNIFORM);
}

/* add, multiply, scale and max are one operation an element: bit for bit. */
static void check_simple(const struct va_kernels *set)
{
    int n;

    for (int i = 0; (n = size_at(i)); i++)
        for (int regime = 0; regime < REGIME_COUNT; regime++) {
            const size_t bytes = (size_t)n * sizeof(float);
            const float *x = slot_random(0, (size_t)n, (enum regime)regime), s = random_float((enum regime)regime);
            float *expected = slot_random(1, (size_t)n, (enum regime)regime), *actual = slot_floats(2, (size_t)n);

            memcpy(actual, expected, bytes);
            check_begin(set->name, "add", "n %d", n);
            reference()->add(expected, x, n);
            set->add(actual, x, n);
            check_same(expected, actual, bytes);
            check_begin(set->name, "multiply", "n %d", n);
            reference()->multiply(expected, x, n);
            set->multiply(actual, x, n);
            check_same(expected, actual, bytes);
            check_begin(set->name, "scale", "n %d", n);
            reference()->scale(expected, n, s);
            set->scale(actual, n, s);
            check_same(expected, actual, bytes);
            check_begin(set->name, "max", "n %d", n);
            expected[random_below(n)] = random_below(2) ? 2e8f : -2e8f;
            check_near((double)reference()->max(expected, n), (double)set->max(expected, n), 0.0, 0);
            expected[n - 1] = INFINITY;
            check_near(INFINITY, (double)set->max(expected, n), 0.0, 0);
            for (int j = 0; j < n; j++)
                expected[j] = -INFINITY;
            check_near(-INFINITY, (double)set->max(expected, n), 0.0, 0);
            check_guards();
        }
}

static void compare_gelu(const struct va_kernels *set, const float *x, int n)
{
    float *actual = slot_floats(1, (size_t)n);

    memcpy(actual, x, (size_t)n * sizeof(float));
    set->gelu(actual, n);
    check_guards();
    for (int i = 0; i < n; i++) {
        const double v = (double)x[i];
        if (v > 10.0)
            check_near(v, (double)actual[i], 1e-6 * v, i);
        else if (v < -10.0)
            check_near(0.0, (double)actual[i], 1e-20, i);
        else
            check_near(0.5 * v * erfc(-v * 0.70710678118654752), (double)actual[i], 2e-6, i);
    }
}

static void check_gelu(const struct va_kernels *set)
{
    int n;

    for (int i = 0; (n = size_at(i)); i++)
        for (int regime = 0; regime < REGIME_COUNT; regime++) {
            check_begin(set->name, "gelu", "n %d regime %d", n, regime);
            compare_gelu(set, slot_random(0, (size_t)n, (enum regime)regime), n);
        }
    check_begin(set->name, "gelu", "sweep");
    float *x = slot_floats(0, 24001);
    for (int i = 0; i < 24001; i++)
        x[i] = (float)(i - 12000) * 1e-3f;
    compare_gelu(set, x, 24001);
    x = slot_floats(0, 9);
    for (int i = 0; i < 9; i++)
        x[i] = i % 2 ? 3e38f : -3e38f;
    compare_gelu(set, x, 9);
}

static void compare_layer_norm(const struct va_kernels *set, const float *x, int n, enum regime regime, double tolerance)
{
    const float *gamma = slot_random(1, (size_t)n, REGIME_UNIFORM), *beta = slot_random(2, (size_t)n, regime);
    float *expected = slot_floats(3, (size_t)n), *actual = slot_floats(4, (size_t)n);
    double mean = 0.0, squares = 0.0;

    reference()->layer_norm(x, gamma, beta, n, expected);
    set->layer_norm(x, gamma, beta, n, actual);
    for (int i = 0; i < n; i++)
        mean += (double)x[i] / n;
    for (int i = 0; i < n; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean) / n;
    for (int i = 0; i < n; i++) {
        const double v = ((double)x[i] - mean) / sqrt(squares + 1e-5) * (double)gamma[i];
        const double allowed = tolerance * (1.0 + fabs(v) + fabs((double)beta[i]));
        check_near(v + (double)beta[i], (double)actual[i], allowed, i);
        check_near((double)expected[i], (double)actual[i], allowed, i);
    }
    memcpy(expected, x, (size_t)n * sizeof(float));
    set->layer_norm(expected, gamma, beta, n, expected); /* in place */
    check_same(actual, expected, (size_t)n * sizeof(float));
    check_guards();
}

static void check_layer_norm(const struct va_kernels *set)
{
    int n;

    for (int i = 0; (n = size_at(i)); i++) {
        for (int regime = 0; regime < REGIME_COUNT; regime++) {
            check_begin(set->name, "layer_norm", "n %d regime %d", n, regime);
            compare_layer_norm(set, slot_random(0, (size_t)n, (enum regime)regime), n, (enum regime)regime, 1e-5);
        }
        check_begin(set->name, "layer_norm", "n %d with an offset and an outlier", n);
        float *x = slot_random(0, (size_t)n, REGIME_UNIFORM);
        for (int j = 0; j < n; j++)
            x[j] += 8.0f;
        x[random_below(n)] = -60.0f;
        compare_layer_norm(set, x, n, REGIME_UNIFORM, 1e-5);
    }
}

/* exp of the argument as rounded by a float product and a float difference */
static double exp_rounded(float x, float scale, float shift)
{
    const volatile float scaled = x * scale;
    const volatile float argument = scaled - shift;

    return exp((double)argument);
}

static void compare_exp(const struct va_kernels *set, const float *x, int n, float scale, float shift)
{
    float *actual = slot_floats(1, (size_t)n);
    double sum = 0.0, sum_unscaled = 0.0;

    memcpy(actual, x, (size_t)n * sizeof(float));
    const float actual_sum = set->exp_sum(actual, n, scale, shift);
    for (int i = 0; i < n; i++) {
        const double expected = exp_rounded(x[i], scale, shift);
        check_near(expected, (double)actual[i], 2e-6 * expected + (expected < 1.7e-38 ? 1.7e-38 : 0.0), i);
        sum += expected;
        sum_unscaled += exp_rounded(x[i], 1.0f, shift);
    }
    check_near(sum, (double)actual_sum, 2e-6 * sum + n * 1.7e-38, n);
    check_near(sum_unscaled, (double)set->sum_exp(x, n, shift), 2e-6 * sum_unscaled + n * 1.7e-38, n);
    check_guards();
}

static void check_exp(const struct va_kernels *set)
{
    static const float ranges[] = {1e-6f, 1.0f, 30.0f, 120.0f};
    int n;

    for (int i = 0; (n = size_at(i)); i++)
        for (int r = 0; r < 4; r++) {
            check_begin(set->name, "exp_sum", "n %d range %g", n, (double)ranges[r]);
            float *x = slot_random(0, (size_t)n, REGIME_UNIFORM);
            for (int j = 0; j < n; j++)
                x[j] *= ranges[r];
            compare_exp(set, x, n, random_below(2) ? 0.125f : 1.0f, ranges[r]);
            x[random_below(n)] = -INFINITY; /* masked */
            compare_exp(set, x, n, 1.0f, ranges[r]);
        }
    check_begin(set->name, "exp_sum", "sweep");
    float *x = slot_floats(0, 60001);
    for (int j = 0; j <= 60000; j++)
        x[j] = (float)j * (-90.0f / 60000.0f);
    compare_exp(set, x, 60001, 1.0f, 0.0f);
    for (int j = 0; j <= 60000; j++)
        x[j] = -1.2345f; /* equal terms round in one direction */
    compare_exp(set, x, 60001, 1.0f, 0.1f);
}

static void compare_attention(const struct va_kernels *set, int n, enum regime regime, int indexed)
{
    enum { HEAD = 64 };
    const int n_rows = n + random_below(5);
    const float *q = slot_random(0, HEAD, regime), *p = slot_random(1, (size_t)n, regime);
    const float *rows = slot_random(2, (size_t)n_rows * HEAD, regime);
    uint16_t *halves = slot_bytes(3, (size_t)n_rows * HEAD * sizeof(uint16_t));
    int32_t *index = indexed ? slot_bytes(4, (size_t)n * sizeof(int32_t)) : NULL;
    float *scores[2] = {slot_floats(5, (size_t)n), slot_floats(6, (size_t)n)}, *mixed[2] = {slot_floats(7, HEAD), slot_floats(8, HEAD)};

    check_begin(set->name, "attention", "n %d regime %d indexed %d", n, (int)regime, indexed);
    for (int i = 0; index && i < n; i++)
        index[i] = random_below(n_rows);
    reference()->to_f16(rows, n_rows * HEAD, halves);
    for (int half = 0; half < 2; half++) {
        if (half) {
            reference()->scores_f16(q, halves, index, n, scores[0]);
            set->scores_f16(q, halves, index, n, scores[1]);
            reference()->mix_f16(p, halves, index, n, mixed[0]);
            set->mix_f16(p, halves, index, n, mixed[1]);
        } else {
            reference()->scores_f32(q, rows, index, n, scores[0]);
            set->scores_f32(q, rows, index, n, scores[1]);
            reference()->mix_f32(p, rows, index, n, mixed[0]);
            set->mix_f32(p, rows, index, n, mixed[1]);
        }
        double mix_magnitude[HEAD] = {0};
        for (int i = 0; i < n; i++) {
            double magnitude = 0.0;
            for (int d = 0; d < HEAD; d++) {
                const double value = fabs((double)rows[(index ? index[i] : i) * HEAD + d]);
                magnitude += fabs((double)q[d]) * value;
                mix_magnitude[d] += fabs((double)p[i]) * value;
            }
            check_near((double)scores[0][i], (double)scores[1][i], 1e-5 * magnitude, i);
        }
        for (int d = 0; d < HEAD; d++)
            check_near((double)mixed[0][d], (double)mixed[1][d], 1e-5 * mix_magnitude[d], d);
    }
    check_guards();
}

static void check_attention(const struct va_kernels *set)
{
    for (int regime = 0; regime < REGIME_COUNT; regime++)
        for (int indexed = 0; indexed < 2; indexed++) {
            for (int n = 1; n <= 65; n++)
                compare_attention(set, n, (enum regime)regime, indexed);
            compare_attention(set, 1500, (enum regime)regime, indexed);
        }
}

void check_float(const struct va_kernels *set)
{
    check_gemm_f32(set);
    check_simple(set);
    check_gelu(set);
    check_layer_norm(set);
    check_exp(set);
    check_attention(set);
}
