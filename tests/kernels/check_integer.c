/* check_integer.c - quantize_row, quantize_rest, gemm_s8, dequantize: bit for bit. */
#include "checkkern.h"

#include <math.h>
#include <string.h>

static const struct va_kernels *reference(void)
{
    return va_kernels_select("c");
}

static void compare_quantized(const struct va_kernels *set, const float *x, int k)
{
    int8_t *expected = slot_bytes(1, (size_t)k), *actual = slot_bytes(2, (size_t)k);
    float expected_step = -1.0f, actual_step = -1.0f;

    reference()->quantize_row(x, k, expected, &expected_step);
    set->quantize_row(x, k, actual, &actual_step);
    check_same(expected, actual, (size_t)k);
    check_same(&expected_step, &actual_step, sizeof(float));
    check_guards();
    for (int i = 0; i < k; i++)
        check(actual[i] >= -127, "[%d] is %d", i, actual[i]);
    const float step = random_below(4) ? actual_step : actual_step * 0.9f; /* one that the rest does not fit: it is cut at 127 */
    int8_t *expected_rest = slot_bytes(3, (size_t)k), *actual_rest = slot_bytes(4, (size_t)k);
    reference()->quantize_rest(x, k, expected, step, expected_rest, &expected_step);
    set->quantize_rest(x, k, expected, step, actual_rest, &actual_step);
    check_same(expected_rest, actual_rest, (size_t)k);
    check_same(&expected_step, &actual_step, sizeof(float));
    check_guards();
    for (int i = 0; i < k; i++)
        check(actual_rest[i] >= -127, "rest [%d] is %d", i, actual_rest[i]);
}

/* What the rounded values must be, whatever the code: within half a step, the largest at 127. */
static void check_quantized_meaning(const struct va_kernels *set)
{
    const float x[8] = {-3.0f, 1.5f, 0.0f, 2.99999f, 0.5f * 3.0f / 127.0f, 1.5f * 3.0f / 127.0f, -0.4f * 3.0f / 127.0f, -0.0f};
    const float ties[4] = {127.0f, 0.5f, 1.5f, -2.5f};
    int8_t q[8];
    float step;

    check_begin(set->name, "quantize_row", "meaning");
    set->quantize_row(x, 8, q, &step);
    check(q[0] == -127 && q[2] == 0 && q[3] == 127 && q[6] == 0 && q[7] == 0 && step == 3.0f / 127.0f, "extremes");
    check(fabsf((float)q[1] * step - 1.5f) <= step * 0.5001f, "error of more than half a step");
    int8_t rest[8];
    float rest_step;
    set->quantize_rest(x, 8, q, step, rest, &rest_step);
    for (int i = 0; i < 8; i++) {
        const double back = (double)q[i] * (double)step + (double)rest[i] * (double)rest_step;
        check(fabs(back - (double)x[i]) <= (double)rest_step * 0.51, "[%d] with its rest is %g, not %g", i, back, (double)x[i]);
    }
    set->quantize_row(ties, 4, q, &step);
    check(q[0] == 127 && q[1] == 0 && q[2] == 2 && q[3] == -2 && step == 1.0f, "ties are not to even");
}

static void check_quantize_special(const struct va_kernels *set)
{
    static const float specials[] = {NAN, -NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-31f, 1e-40f, 3.4e38f, -3.4e38f, 1.1e-30f};

    for (int s = 0; s < (int)(sizeof(specials) / sizeof(specials[0])); s++)
        for (int k = 1; k <= 70; k++) {
            check_begin(set->name, "quantize_row", "special %d k %d", s, k);
            float *x = slot_random(0, (size_t)k, REGIME_UNIFORM);
            x[random_below(k)] = specials[s]; /* one of them among others */
            compare_quantized(set, x, k);
            for (int i = 0; i < k; i++) /* nothing else */
                x[i] = specials[s];
            compare_quantized(set, x, k);
        }
}

static void check_quantize(const struct va_kernels *set)
{
    int k;

    for (int i = 0; (k = size_at(i)); i++)
        for (int regime = 0; regime < REGIME_COUNT; regime++) {
            check_begin(set->name, "quantize_row", "k %d regime %d", k, regime);
            compare_quantized(set, slot_random(0, (size_t)k, (enum regime)regime), k);
        }
    check_quantized_meaning(set);
    check_quantize_special(set);
}

/* The definition, without any packing order of loops. */
static int32_t product(const int8_t *row, const int8_t *w, int k, int column)
{
    const int8_t *panel = w + (size_t)(column / VA_PANEL) * VA_PANEL * (size_t)k;
    int32_t sum = 0;

    for (int kk = 0; kk < k; kk++)
        sum += row[kk] * panel[kk / 4 * VA_PANEL * 4 + column % VA_PANEL * 4 + kk % 4];
    return sum;
}

static void compare_gemm_s8(const struct va_kernels *set, int m, int k, int n_panels, enum regime regime)
{
    const int n = n_panels * VA_PANEL;
    const size_t ldx = (size_t)(k + random_below(7)), ldacc = (size_t)(n + random_below(5));
    const size_t acc_bytes = ((size_t)(m - 1) * ldacc + (size_t)n) * sizeof(int32_t);
    const int8_t *x = slot_random_s8(0, (size_t)(m - 1) * ldx + (size_t)k, regime);
    const int8_t *w = slot_random_s8(1, (size_t)n * (size_t)k, regime);
    int32_t *w_sum = slot_bytes(2, (size_t)n * sizeof(int32_t));
    int32_t *expected = slot_bytes(3, acc_bytes), *actual = slot_bytes(4, acc_bytes);
    int8_t *ones = slot_bytes(5, (size_t)k);

    check_begin(set->name, "gemm_s8", "m %d k %d panels %d ldx %zu ldacc %zu regime %d", m, k, n_panels, ldx, ldacc, (int)regime);
    memset(ones, 1, (size_t)k);
    for (int j = 0; j < n; j++)
        w_sum[j] = product(ones, w, k, j);
    reference()->gemm_s8(x, ldx, m, w, w_sum, k, n_panels, expected, ldacc);
    set->gemm_s8(x, ldx, m, w, w_sum, k, n_panels, actual, ldacc);
    check_same(expected, actual, acc_bytes); /* with the bytes between rows */
    check_guards();
    for (int t = 0; t < 4; t++) {
        const int i = random_below(m), j = random_below(n);
        check(actual[(size_t)i * ldacc + (size_t)j] == product(x + (size_t)i * ldx, w, k, j), "[%d, %d] is not the product", i, j);
    }
}

static void check_gemm_s8(const struct va_kernels *set)
{
    static const int model_k[] = {384, 512, 768, 1536, 2048, 3072};

    for (int regime = 0; regime < REGIME_COUNT; regime++) {
        for (int m = 1; m <= 65; m++)
            compare_gemm_s8(set, m, 4 * (1 + random_below(20)), 1 + random_below(9), (enum regime)regime);
        for (int k = 4; k <= 65 * 4; k += 4)
            compare_gemm_s8(set, 1 + random_below(14), k, 1 + random_below(9), (enum regime)regime);
        for (int i = 0; i < 6; i++) {
            compare_gemm_s8(set, 1, model_k[i], 7, (enum regime)regime);
            compare_gemm_s8(set, 65536 / model_k[i] + 15 + random_below(13), model_k[i], 1 + random_below(4), (enum regime)regime);
        }
    }
}

static void compare_dequantize(const struct va_kernels *set, int n, int terms, enum regime regime)
{
    const int m = 1 + random_below(5);
    const size_t ldacc = (size_t)(n + random_below(9)), ldout = (size_t)(n + random_below(9));
    const size_t n_acc = (size_t)(m * terms - 1) * ldacc + (size_t)n, n_out = (size_t)(m - 1) * ldout + (size_t)n;
    int32_t *acc = slot_bytes(0, n_acc * sizeof(int32_t));
    const float *x_step = slot_random(1, (size_t)(m * terms), regime), *w_step = slot_random(2, (size_t)n, regime);
    const float *bias = random_below(3) ? slot_random(3, (size_t)n, regime) : NULL;
    float *expected = slot_floats(4, n_out), *actual = slot_floats(5, n_out);

    check_begin(set->name, "dequantize", "m %d n %d terms %d regime %d bias %d", m, n, terms, (int)regime, bias != NULL);
    for (size_t i = 0; i < n_acc; i++)
        acc[i] = (int32_t)random_bits() >> random_below(32);
    reference()->dequantize(acc, ldacc, terms, m, n, x_step, w_step, bias, expected, ldout);
    set->dequantize(acc, ldacc, terms, m, n, x_step, w_step, bias, actual, ldout);
    check_same(expected, actual, n_out * sizeof(float)); /* with the gaps between rows */
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = bias ? (double)bias[j] : 0.0, magnitude = fabs(sum);
            for (int t = 0; t < terms; t++) {
                const int row = i * terms + t;
                const double product = (double)acc[(size_t)row * ldacc + (size_t)j] * (double)x_step[row] * (double)w_step[j];
                sum += product;
                magnitude += fabs(product);
            }
            check_near(sum, (double)actual[(size_t)i * ldout + (size_t)j], 1e-6 * magnitude, j);
        }
    check_guards();
}

static void check_dequantize(const struct va_kernels *set)
{
    int n;

    for (int i = 0; (n = size_at(i)); i++)
        for (int regime = 0; regime < REGIME_COUNT; regime++)
            for (int terms = 1; terms <= 2; terms++)
                compare_dequantize(set, n, terms, (enum regime)regime);
}

void check_integer(const struct va_kernels *set)
{
    check_quantize(set);
    check_gemm_s8(set);
    check_dequantize(set);
}
