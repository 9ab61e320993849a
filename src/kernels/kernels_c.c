/* kernels_c.c - the readable reference: what every other instruction set must compute. */
#include "kernels/kernels_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static void quantize_row(const float *x, int k, int8_t *ret_q, float *ret_step)
{
    float max = 0.0f;

    assert(k >= 1);
    for (int i = 0; i < k; i++)
        if (fabsf(x[i]) > max) /* never for NaN */
            max = fabsf(x[i]);
    if (max < VA_QUANTIZE_MIN) {
        memset(ret_q, 0, (size_t)k);
        *ret_step = 0.0f;
        return;
    }
    const float scale = 127.0f / max;
    for (int i = 0; i < k; i++) {
        const float v = x[i] * scale;
        ret_q[i] = isnan(v) ? 0 : (int8_t)lrintf(v);
    }
    *ret_step = max / 127.0f;
}

static void quantize_rest(const float *x, int k, const int8_t *q, float step, int8_t *ret_rest, float *ret_step)
{
    const float scale = va_inverse_step(step);

    for (int i = 0; i < k; i++) {
        const float v = (x[i] * scale - (float)q[i]) * 254.0f;
        ret_rest[i] = isnan(v) ? 0 : (int8_t)lrintf(v < -127.0f ? -127.0f : v > 127.0f ? 127.0f : v);
    }
    *ret_step = step / 254.0f;
}

static void gemm_s8(const int8_t *x, size_t ldx, int m, const int8_t *w, const int32_t *w_sum, int k, int n_panels, int32_t *acc,
                    size_t ldacc)
{
    (void)w_sum;
    assert(m >= 1 && k >= 4 && k % 4 == 0);
    for (int p = 0; p < n_panels; p++) {
        const int8_t *panel = w + (size_t)p * VA_PANEL * (size_t)k;
        for (int i = 0; i < m; i++) {
            const int8_t *row = x + (size_t)i * ldx;
            int32_t sum[VA_PANEL] = {0};
            for (int kk = 0; kk < k; kk += 4)
                for (int j = 0; j < VA_PANEL; j++)
                    for (int t = 0; t < 4; t++)
                        sum[j] += row[kk + t] * panel[kk * VA_PANEL + j * 4 + t];
            memcpy(acc + (size_t)i * ldacc + (size_t)p * VA_PANEL, sum, sizeof(sum));
        }
    }
}

static void dequantize(const int32_t *acc, size_t ldacc, int terms, int m, int n, const float *x_step, const float *w_step,
                       const float *bias, float *out, size_t ldout)
{
    assert(terms == 1 || terms == 2);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            const int32_t *from = acc + (size_t)(i * terms) * ldacc + j;
            float v = (float)from[0] * (x_step[i * terms] * w_step[j]);
            if (terms == 2)
                v += (float)from[ldacc] * (x_step[i * terms + 1] * w_step[j]);
            out[(size_t)i * ldout + (size_t)j] = bias ? v + bias[j] : v;
        }
}

static void gemm_f32(const float *a, size_t lda, int m, const float *b, size_t ldb, int k, float *c, size_t ldc, int accumulate)
{
    for (int i = 0; i < m; i++) {
        float sum[VA_PANEL] = {0};
        if (accumulate)
            memcpy(sum, c + (size_t)i * ldc, sizeof(sum));
        for (int kk = 0; kk < k; kk++)
            for (int j = 0; j < VA_PANEL; j++)
                sum[j] += a[(size_t)i * lda + (size_t)kk] * b[(size_t)kk * ldb + (size_t)j];
        memcpy(c + (size_t)i * ldc, sum, sizeof(sum));
    }
}

static void add(float *y, const float *x, int n)
{
    for (int i = 0; i < n; i++)
        y[i] += x[i];
}

static void gelu(float *x, int n)
{
    for (int i = 0; i < n; i++)
        x[i] = 0.5f * x[i] * erfcf(x[i] * -0.70710678f); /* erfc keeps its digits where 1 + erf cancels */
}

static void layer_norm(const float *x, const float *gamma, const float *beta, int n, float *out)
{
    double sum = 0.0, squares = 0.0;

    assert(n >= 1);
    for (int i = 0; i < n; i++)
        sum += (double)x[i];
    const float mean = (float)(sum / n);
    for (int i = 0; i < n; i++)
        squares += (double)(x[i] - mean) * (double)(x[i] - mean);
    const float inverse = (float)(1.0 / sqrt(squares / n + 1e-5));
    for (int i = 0; i < n; i++)
        out[i] = (x[i] - mean) * inverse * gamma[i] + beta[i];
}

static float max_of(const float *x, int n)
{
    float max = x[0];

    assert(n >= 1);
    for (int i = 1; i < n; i++)
        if (x[i] > max)
            max = x[i];
    return max;
}

static float exp_sum(float *x, int n, float scale, float shift)
{
    double sum = 0.0;

    for (int i = 0; i < n; i++) {
        x[i] = expf(x[i] * scale - shift);
        sum += (double)x[i];
    }
    return (float)sum;
}

static float sum_exp(const float *x, int n, float shift)
{
    double sum = 0.0;

    for (int i = 0; i < n; i++)
        sum += (double)expf(x[i] - shift);
    return (float)sum;
}

static void scale(float *x, int n, float s)
{
    for (int i = 0; i < n; i++)
        x[i] *= s;
}

static void multiply(float *y, const float *x, int n)
{
    for (int i = 0; i < n; i++)
        y[i] *= x[i];
}

static float from_half(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    const uint32_t exponent = (h >> 10) & 31, mantissa = h & 0x3ff;
    uint32_t bits;
    float value;

    if (exponent == 0) { /* subnormal: mantissa units of 2^-24 */
        value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    bits = sign | (exponent == 31 ? 0x7f800000 : (exponent + 112) << 23) | mantissa << 13;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static uint16_t to_half(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) /* NaN: quiet, with the upper part of its payload */
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x47800000) /* 65536 and more */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) /* below 2^-14: whole units of 2^-24 */
        return (uint16_t)(sign | (uint32_t)lrintf(fabsf(x) * 0x1p24f));
    /* Rebias the exponent, then round the 13 dropped bits to even; a carry into the exponent (up to infinity) is right. */
    const uint32_t rebiased = magnitude - (112u << 23);
    return (uint16_t)(sign | ((rebiased + 0xfff + (rebiased >> 13 & 1)) >> 13));
}

/* Attention rows are 64 values; index NULL means row i. */
static size_t row_at(const int32_t *index, int i)
{
    return (size_t)(index ? index[i] : i) * VA_HEAD;
}

static void scores_f32(const float *q, const float *rows, const int32_t *index, int n, float *scores)
{
    for (int i = 0; i < n; i++) {
        const float *row = rows + row_at(index, i);
        float sum = 0.0f;
        for (int d = 0; d < VA_HEAD; d++)
            sum += q[d] * row[d];
        scores[i] = sum;
    }
}

static void scores_f16(const float *q, const uint16_t *rows, const int32_t *index, int n, float *scores)
{
    for (int i = 0; i < n; i++) {
        const uint16_t *row = rows + row_at(index, i);
        float sum = 0.0f;
        for (int d = 0; d < VA_HEAD; d++)
            sum += q[d] * from_half(row[d]);
        scores[i] = sum;
    }
}

static void mix_f32(const float *p, const float *rows, const int32_t *index, int n, float *out)
{
    float sum[VA_HEAD] = {0};

    for (int i = 0; i < n; i++) {
        const float *row = rows + row_at(index, i);
        for (int d = 0; d < VA_HEAD; d++)
            sum[d] += p[i] * row[d];
    }
    memcpy(out, sum, sizeof(sum));
}

static void mix_f16(const float *p, const uint16_t *rows, const int32_t *index, int n, float *out)
{
    float sum[VA_HEAD] = {0};

    for (int i = 0; i < n; i++) {
        const uint16_t *row = rows + row_at(index, i);
        for (int d = 0; d < VA_HEAD; d++)
            sum[d] += p[i] * from_half(row[d]);
    }
    memcpy(out, sum, sizeof(sum));
}

static void to_f16(const float *x, int n, uint16_t *out)
{
    for (int i = 0; i < n; i++)
        out[i] = to_half(x[i]);
}

const struct va_kernels va_kernels_c = {
    .name = "c",
    .required = 0,
    .quantize_row = quantize_row,
    .quantize_rest = quantize_rest,
    .gemm_s8 = gemm_s8,
    .dequantize = dequantize,
    .gemm_f32 = gemm_f32,
    .add = add,
    .gelu = gelu,
    .layer_norm = layer_norm,
    .max = max_of,
    .exp_sum = exp_sum,
    .sum_exp = sum_exp,
    .scale = scale,
    .multiply = multiply,
    .scores_f32 = scores_f32,
    .scores_f16 = scores_f16,
    .mix_f32 = mix_f32,
    .mix_f16 = mix_f16,
    .to_f16 = to_f16,
};
