/* kernels_neon.c - NEON as every 64-bit ARM has it. */
#include "kernels/kernels_arm.h"

#include <arm_neon.h>
#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- int8 ---- */

/* 8 floats * scale -> int16, to nearest even; NaN -> 0 */
VA_INLINE int16x8_t scaled_to_int(const float *x, float scale)
{
    const int32x4_t a = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x), scale)), b = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4), scale));
    return vqmovn_high_s32(vqmovn_s32(a), b);
}

void va_kernels_neon_quantize_row(const float *x, int k, int8_t *ret_q, float *ret_step)
{
    float32x4_t max0 = vdupq_n_f32(0.0f), max1 = max0;
    int i = 0;

    assert(k >= 1);
    for (; i + 8 <= k; i += 8) { /* of a NaN and a number, vmaxnm gives the number */
        max0 = vmaxnmq_f32(max0, vabsq_f32(vld1q_f32(x + i)));
        max1 = vmaxnmq_f32(max1, vabsq_f32(vld1q_f32(x + i + 4)));
    }
    float max = vmaxnmvq_f32(vmaxnmq_f32(max0, max1));
    for (; i < k; i++)
        if (fabsf(x[i]) > max)
            max = fabsf(x[i]);
    if (max < VA_QUANTIZE_MIN) {
        memset(ret_q, 0, (size_t)k);
        *ret_step = 0.0f;
        return;
    }
    const float scale = 127.0f / max;
    for (i = 0; i + 16 <= k; i += 16)
        vst1q_s8(ret_q + i, vqmovn_high_s16(vqmovn_s16(scaled_to_int(x + i, scale)), scaled_to_int(x + i + 8, scale)));
    for (; i < k; i++) {
        const float v = x[i] * scale;
        ret_q[i] = isnan(v) ? 0 : (int8_t)lrintf(v);
    }
    *ret_step = max / 127.0f;
}

/* 4 of what quantize_rest computes; NaN -> 0 by the conversion */
VA_INLINE int32x4_t rest_to_int(const float *x, int16x4_t q, float scale)
{
    const float32x4_t quantized = vcvtq_f32_s32(vmovl_s16(q));
    const float32x4_t rest = vmulq_n_f32(vsubq_f32(vmulq_n_f32(vld1q_f32(x), scale), quantized), 254.0f);
    return vcvtnq_s32_f32(vminq_f32(vmaxq_f32(rest, vdupq_n_f32(-127.0f)), vdupq_n_f32(127.0f)));
}

void va_kernels_neon_quantize_rest(const float *x, int k, const int8_t *q, float step, int8_t *ret_rest, float *ret_step)
{
    const float scale = va_inverse_step(step);
    int i = 0;

    for (; i + 8 <= k; i += 8) {
        const int16x8_t words = vmovl_s8(vld1_s8(q + i));
        const int32x4_t low = rest_to_int(x + i, vget_low_s16(words), scale);
        const int32x4_t high = rest_to_int(x + i + 4, vget_high_s16(words), scale);
        vst1_s8(ret_rest + i, vqmovn_s16(vqmovn_high_s32(vqmovn_s32(low), high)));
    }
    for (; i < k; i++) {
        const float v = (x[i] * scale - (float)q[i]) * 254.0f;
        ret_rest[i] = isnan(v) ? 0 : (int8_t)lrintf(v < -127.0f ? -127.0f : v > 127.0f ? 127.0f : v);
    }
    *ret_step = step / 254.0f;
}

/* 4 values of x, 4 times */
VA_INLINE int8x16_t four_of(const int8_t *x)
{
    int32_t four;

    memcpy(&four, x, sizeof(four));
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

/* 4 columns x 4 k: sums of pairs of k go to sum[0] (columns 0, 0, 1, 1) and sum[1] (columns 2, 2, 3, 3). */
VA_INLINE void add_four(int32x4_t sum[2], int8x16_t x, int8x16_t w)
{
    sum[0] = vpadalq_s16(sum[0], vmull_s8(vget_low_s8(x), vget_low_s8(w)));
    sum[1] = vpadalq_s16(sum[1], vmull_high_s8(x, w));
}

/* The same of 8 k. Two products of 127 * 127 fit int16. */
VA_INLINE void add_eight(int32x4_t sum[2], int8x16_t x0, int8x16_t w0, int8x16_t x1, int8x16_t w1)
{
    sum[0] = vpadalq_s16(sum[0], vmlal_s8(vmull_s8(vget_low_s8(x0), vget_low_s8(w0)), vget_low_s8(x1), vget_low_s8(w1)));
    sum[1] = vpadalq_s16(sum[1], vmlal_high_s8(vmull_high_s8(x0, w0), x1, w1));
}

/* rows (1 or 2) x 16 columns */
VA_INLINE void tile_s8(const int rows, const int8_t *x, size_t ldx, const int8_t *w, int k, int32_t *acc, size_t ldacc)
{
    int32x4_t sum0[4][2], sum1[4][2];
    int kk = 0;

    VA_UNROLL
    for (int j = 0; j < 4; j++)
        sum0[j][0] = sum0[j][1] = sum1[j][0] = sum1[j][1] = vdupq_n_s32(0);
    for (; kk + 8 <= k; kk += 8, w += 8 * VA_PANEL) {
        const int8x16_t x00 = four_of(x + kk), x01 = four_of(x + kk + 4);
        const int8x16_t x10 = rows > 1 ? four_of(x + ldx + kk) : x00, x11 = rows > 1 ? four_of(x + ldx + kk + 4) : x01;
        VA_UNROLL
        for (int j = 0; j < 4; j++) {
            const int8x16_t w0 = vld1q_s8(w + j * 16), w1 = vld1q_s8(w + 4 * VA_PANEL + j * 16);
            add_eight(sum0[j], x00, w0, x01, w1);
            if (rows > 1)
                add_eight(sum1[j], x10, w0, x11, w1);
        }
    }
    if (kk < k) {
        VA_UNROLL
        for (int j = 0; j < 4; j++) {
            add_four(sum0[j], four_of(x + kk), vld1q_s8(w + j * 16));
            if (rows > 1)
                add_four(sum1[j], four_of(x + ldx + kk), vld1q_s8(w + j * 16));
        }
    }
    VA_UNROLL
    for (int j = 0; j < 4; j++) {
        vst1q_s32(acc + j * 4, vpaddq_s32(sum0[j][0], sum0[j][1]));
        if (rows > 1)
            vst1q_s32(acc + ldacc + j * 4, vpaddq_s32(sum1[j][0], sum1[j][1]));
    }
}

static void gemm_s8(const int8_t *x, size_t ldx, int m, const int8_t *w, const int32_t *w_sum, int k, int n_panels, int32_t *acc,
                    size_t ldacc)
{
    const int block = VA_BLOCK_ROWS(k);

    (void)w_sum;
    assert(m >= 1 && k >= 4 && k % 4 == 0);
    for (; m > 0; m -= block, x += (size_t)block * ldx, acc += (size_t)block * ldacc)
        for (int p = 0; p < n_panels; p++) {
            const int8_t *panel = w + (size_t)p * VA_PANEL * (size_t)k;
            const int rows = m < block ? m : block;
            int i = 0;
            for (; i + 2 <= rows; i += 2)
                tile_s8(2, x + (size_t)i * ldx, ldx, panel, k, acc + (size_t)i * ldacc + (size_t)p * VA_PANEL, ldacc);
            if (i < rows)
                tile_s8(1, x + (size_t)i * ldx, ldx, panel, k, acc + (size_t)i * ldacc + (size_t)p * VA_PANEL, ldacc);
        }
}

/* One row; two terms of it, the second at from + ldacc and x_step[1]. */
VA_INLINE void dequantize_row(const int two, const int biased, const int32_t *restrict from, size_t ldacc, int n, const float *x_step,
                              const float *restrict w_step, const float *restrict bias, float *restrict to)
{
    for (int j = 0; j < n; j++) {
        float v = (float)from[j] * (x_step[0] * w_step[j]);
        if (two)
            v += (float)from[ldacc + (size_t)j] * (x_step[1] * w_step[j]);
        to[j] = biased ? v + bias[j] : v;
    }
}

void va_kernels_neon_dequantize(const int32_t *acc, size_t ldacc, int terms, int m, int n, const float *x_step, const float *w_step,
                                const float *bias, float *out, size_t ldout)
{
    assert(terms == 1 || terms == 2);
    for (; m > 0; m--, acc += (size_t)terms * ldacc, x_step += terms, out += ldout) {
        if (terms == 2 && bias)
            dequantize_row(1, 1, acc, ldacc, n, x_step, w_step, bias, out);
        else if (terms == 2)
            dequantize_row(1, 0, acc, ldacc, n, x_step, w_step, NULL, out);
        else if (bias)
            dequantize_row(0, 1, acc, ldacc, n, x_step, w_step, bias, out);
        else
            dequantize_row(0, 0, acc, ldacc, n, x_step, w_step, NULL, out);
    }
}

/* ---- float ---- */

/* sum += the 4 floats of x */
VA_INLINE float64x2_t add_wide(float64x2_t sum, float32x4_t x)
{
    return vaddq_f64(sum, vaddq_f64(vcvt_f64_f32(vget_low_f32(x)), vcvt_high_f64_f32(x)));
}

VA_INLINE void tile_f32(const int rows, const float *a, size_t lda, const float *b, size_t ldb, int k, float *c, size_t ldc, int accumulate)
{
    float32x4_t sum[6][4];

    VA_UNROLL
    for (int i = 0; i < rows; i++) {
        const float *from = c + (size_t)i * ldc;
        sum[i][0] = accumulate ? vld1q_f32(from) : vdupq_n_f32(0.0f);
        sum[i][1] = accumulate ? vld1q_f32(from + 4) : vdupq_n_f32(0.0f);
        sum[i][2] = accumulate ? vld1q_f32(from + 8) : vdupq_n_f32(0.0f);
        sum[i][3] = accumulate ? vld1q_f32(from + 12) : vdupq_n_f32(0.0f);
    }
    for (int kk = 0; kk < k; kk++, a++, b += ldb) {
        const float32x4_t b0 = vld1q_f32(b), b1 = vld1q_f32(b + 4), b2 = vld1q_f32(b + 8), b3 = vld1q_f32(b + 12);
        VA_UNROLL
        for (int i = 0; i < rows; i++) {
            const float32x4_t v = vld1q_dup_f32(a + (size_t)i * lda);
            sum[i][0] = vfmaq_f32(sum[i][0], b0, v);
            sum[i][1] = vfmaq_f32(sum[i][1], b1, v);
            sum[i][2] = vfmaq_f32(sum[i][2], b2, v);
            sum[i][3] = vfmaq_f32(sum[i][3], b3, v);
        }
    }
    VA_UNROLL
    for (int i = 0; i < rows; i++) {
        float *to = c + (size_t)i * ldc;
        vst1q_f32(to, sum[i][0]);
        vst1q_f32(to + 4, sum[i][1]);
        vst1q_f32(to + 8, sum[i][2]);
        vst1q_f32(to + 12, sum[i][3]);
    }
}

void va_kernels_neon_gemm_f32(const float *a, size_t lda, int m, const float *b, size_t ldb, int k, float *c, size_t ldc, int accumulate)
{
    for (; m >= 6; m -= 6, a += 6 * lda, c += 6 * ldc)
        tile_f32(6, a, lda, b, ldb, k, c, ldc, accumulate);
    for (; m >= 2; m -= 2, a += 2 * lda, c += 2 * ldc)
        tile_f32(2, a, lda, b, ldb, k, c, ldc, accumulate);
    if (m == 1)
        tile_f32(1, a, lda, b, ldb, k, c, ldc, accumulate);
}

void va_kernels_neon_add(float *y, const float *x, int n)
{
    for (int i = 0; i < n; i++)
        y[i] += x[i];
}

void va_kernels_neon_scale(float *x, int n, float s)
{
    for (int i = 0; i < n; i++)
        x[i] *= s;
}

void va_kernels_neon_multiply(float *y, const float *x, int n)
{
    for (int i = 0; i < n; i++)
        y[i] *= x[i];
}

/* See va_gelu_bump. n (1 or 4) times 4 values side by side: each polynomial is one chain of multiply-adds. */
VA_INLINE void gelu_of(const int n, float *x)
{
    const float32x4_t end = vdupq_n_f32(5.5f);
    float32x4_t t[4], p[4];

    VA_UNROLL
    for (int j = 0; j < n; j++) {
        t[j] = vfmaq_n_f32(vdupq_n_f32(-1.0f), vminq_f32(vabsq_f32(vld1q_f32(x + j * 4)), end), 1.0f / 2.75f);
        p[j] = vdupq_n_f32(va_gelu_bump[0]);
    }
    VA_UNROLL
    for (int i = 1; i < VA_GELU_TERMS; i++) {
        VA_UNROLL
        for (int j = 0; j < n; j++)
            p[j] = vfmaq_f32(vdupq_n_f32(va_gelu_bump[i]), p[j], t[j]);
    }
    VA_UNROLL
    for (int j = 0; j < n; j++) {
        const float32x4_t v = vld1q_f32(x + j * 4);
        vst1q_f32(x + j * 4, vfmsq_f32(vmaxq_f32(v, vdupq_n_f32(0.0f)), vsubq_f32(end, vminq_f32(vabsq_f32(v), end)), p[j]));
    }
}

void va_kernels_neon_gelu(float *x, int n)
{
    int i = 0;

    for (; i + 16 <= n; i += 16)
        gelu_of(4, x + i);
    for (; i + 4 <= n; i += 4)
        gelu_of(1, x + i);
    if (i < n) {
        float tail[4] = {0};
        memcpy(tail, x + i, (size_t)(n - i) * sizeof(*x));
        gelu_of(1, tail);
        memcpy(x + i, tail, (size_t)(n - i) * sizeof(*x));
    }
}

void va_kernels_neon_layer_norm(const float *x, const float *gamma, const float *beta, int n, float *out)
{
    float64x2_t sum = vdupq_n_f64(0.0), squares = sum;
    double tail = 0.0;
    int i = 0;

    assert(n >= 1);
    for (; i + 8 <= n; i += 8)
        sum = add_wide(sum, vaddq_f32(vld1q_f32(x + i), vld1q_f32(x + i + 4)));
    for (; i < n; i++)
        tail += (double)x[i];
    const float mean = (float)((vaddvq_f64(sum) + tail) / n);
    const float32x4_t means = vdupq_n_f32(mean);
    for (i = 0, tail = 0.0; i + 8 <= n; i += 8) {
        const float32x4_t a = vsubq_f32(vld1q_f32(x + i), means), b = vsubq_f32(vld1q_f32(x + i + 4), means);
        squares = add_wide(squares, vfmaq_f32(vmulq_f32(b, b), a, a));
    }
    for (; i < n; i++)
        tail += (double)(x[i] - mean) * (double)(x[i] - mean);
    const float inverse = (float)(1.0 / sqrt((vaddvq_f64(squares) + tail) / n + 1e-5));
    for (i = 0; i + 4 <= n; i += 4) {
        const float32x4_t v = vmulq_n_f32(vsubq_f32(vld1q_f32(x + i), means), inverse);
        vst1q_f32(out + i, vfmaq_f32(vld1q_f32(beta + i), v, vld1q_f32(gamma + i)));
    }
    for (; i < n; i++)
        out[i] = (x[i] - mean) * inverse * gamma[i] + beta[i];
}

float va_kernels_neon_max(const float *x, int n)
{
    float32x4_t m0 = vdupq_n_f32(x[0]), m1 = m0;
    int i = 0;

    assert(n >= 1);
    for (; i + 8 <= n; i += 8) {
        m0 = vmaxq_f32(m0, vld1q_f32(x + i));
        m1 = vmaxq_f32(m1, vld1q_f32(x + i + 4));
    }
    float max = vmaxvq_f32(vmaxq_f32(m0, m1));
    for (; i < n; i++)
        if (x[i] > max)
            max = x[i];
    return max;
}

/* The formula of kernels_avx2.c. */
VA_INLINE float32x4_t exp_of(float32x4_t x)
{
    const float32x4_t lowest = vdupq_n_f32(-87.3f), magic = vdupq_n_f32(0x1.8p23f);
    const float32x4_t shifted = vfmaq_f32(magic, vmaxq_f32(x, lowest), vdupq_n_f32(1.44269504f));
    const float32x4_t n = vsubq_f32(shifted, magic);
    float32x4_t r = vfmsq_f32(x, n, vdupq_n_f32(0.693145752f));
    r = vfmsq_f32(r, n, vdupq_n_f32(1.42860677e-6f));
    float32x4_t p = vfmaq_f32(vdupq_n_f32(0.0418905541f), r, vdupq_n_f32(0.00831247866f));
    p = vfmaq_f32(vdupq_n_f32(0.166671157f), p, r);
    p = vfmaq_f32(vdupq_n_f32(0.499992281f), p, r);
    p = vfmaq_f32(vaddq_f32(r, vdupq_n_f32(1.0f)), vmulq_f32(r, r), p);
    const int32x4_t y = vaddq_s32(vreinterpretq_s32_f32(p), vshlq_n_s32(vreinterpretq_s32_f32(shifted), 23));
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_s32(y), vcgtq_f32(x, lowest)));
}

float va_kernels_neon_exp_sum(float *x, int n, float scale, float shift)
{
    const float32x4_t shifts = vdupq_n_f32(shift);
    float64x2_t sum = vdupq_n_f64(0.0);
    int i = 0;

    /* The product is rounded before the subtraction as in the reference: a fused one would differ by more than the tolerance. */
    for (; i + 8 <= n; i += 8) {
        const float32x4_t a = exp_of(vsubq_f32(vmulq_n_f32(vld1q_f32(x + i), scale), shifts));
        const float32x4_t b = exp_of(vsubq_f32(vmulq_n_f32(vld1q_f32(x + i + 4), scale), shifts));
        vst1q_f32(x + i, a);
        vst1q_f32(x + i + 4, b);
        sum = add_wide(sum, vaddq_f32(a, b));
    }
    for (; i < n; i += 4) {
        const int count = n - i < 4 ? n - i : 4;
        float tail[4] = {0};
        memcpy(tail, x + i, (size_t)count * sizeof(*x));
        vst1q_f32(tail, exp_of(vsubq_f32(vmulq_n_f32(vld1q_f32(tail), scale), shifts)));
        memset(tail + count, 0, (size_t)(4 - count) * sizeof(*tail));
        memcpy(x + i, tail, (size_t)count * sizeof(*x));
        sum = add_wide(sum, vld1q_f32(tail));
    }
    return (float)vaddvq_f64(sum);
}

float va_kernels_neon_sum_exp(const float *x, int n, float shift)
{
    const float32x4_t shifts = vdupq_n_f32(shift);
    float64x2_t sum = vdupq_n_f64(0.0);
    int i = 0;

    for (; i + 8 <= n; i += 8)
        sum = add_wide(sum, vaddq_f32(exp_of(vsubq_f32(vld1q_f32(x + i), shifts)), exp_of(vsubq_f32(vld1q_f32(x + i + 4), shifts))));
    for (; i < n; i += 4) {
        float tail[4] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
        memcpy(tail, x + i, (size_t)(n - i < 4 ? n - i : 4) * sizeof(*x));
        sum = add_wide(sum, exp_of(vsubq_f32(vld1q_f32(tail), shifts)));
    }
    return (float)vaddvq_f64(sum);
}

/* ---- attention rows ---- */

VA_INLINE size_t row_at(const int32_t *index, int i)
{
    return (size_t)(index ? index[i] : i) * VA_HEAD;
}

/* Values 4 j .. 4 j + 3 of a row of floats or of halves. */
VA_INLINE float32x4_t load_row(const int half, const void *rows, size_t at, int j)
{
    if (half)
        return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t *)rows + at + j * 4)));
    return vld1q_f32((const float *)rows + at + j * 4);
}

VA_INLINE void scores(const int half, const float *q, const void *rows, const int32_t *index, int n, float *out)
{
    float32x4_t query[VA_HEAD / 4];

    VA_UNROLL
    for (int j = 0; j < VA_HEAD / 4; j++)
        query[j] = vld1q_f32(q + j * 4);
    for (int i = 0; i < n; i++) {
        const size_t at = row_at(index, i);
        float32x4_t sum[4];
        VA_UNROLL
        for (int j = 0; j < 4; j++)
            sum[j] = vmulq_f32(query[j], load_row(half, rows, at, j));
        VA_UNROLL
        for (int j = 4; j < VA_HEAD / 4; j++)
            sum[j % 4] = vfmaq_f32(sum[j % 4], query[j], load_row(half, rows, at, j));
        out[i] = vaddvq_f32(vaddq_f32(vaddq_f32(sum[0], sum[1]), vaddq_f32(sum[2], sum[3])));
    }
}

VA_INLINE void mix(const int half, const float *p, const void *rows, const int32_t *index, int n, float *out)
{
    float32x4_t sum[VA_HEAD / 4];

    VA_UNROLL
    for (int j = 0; j < VA_HEAD / 4; j++)
        sum[j] = vdupq_n_f32(0.0f);
    for (int i = 0; i < n; i++) {
        const size_t at = row_at(index, i);
        const float32x4_t weight = vld1q_dup_f32(p + i);
        VA_UNROLL
        for (int j = 0; j < VA_HEAD / 4; j++)
            sum[j] = vfmaq_f32(sum[j], weight, load_row(half, rows, at, j));
    }
    VA_UNROLL
    for (int j = 0; j < VA_HEAD / 4; j++)
        vst1q_f32(out + j * 4, sum[j]);
}

void va_kernels_neon_scores_f32(const float *q, const float *rows, const int32_t *index, int n, float *out)
{
    scores(0, q, rows, index, n, out);
}

void va_kernels_neon_scores_f16(const float *q, const uint16_t *rows, const int32_t *index, int n, float *out)
{
    scores(1, q, rows, index, n, out);
}

void va_kernels_neon_mix_f32(const float *p, const float *rows, const int32_t *index, int n, float *out)
{
    mix(0, p, rows, index, n, out);
}

void va_kernels_neon_mix_f16(const float *p, const uint16_t *rows, const int32_t *index, int n, float *out)
{
    mix(1, p, rows, index, n, out);
}

void va_kernels_neon_to_f16(const float *x, int n, uint16_t *out)
{
    int i = 0;

    for (; i + 4 <= n; i += 4)
        vst1_u16(out + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x + i))));
    if (i < n) {
        float tail[4] = {0};
        uint16_t halves[4];
        memcpy(tail, x + i, (size_t)(n - i) * sizeof(*x));
        vst1_u16(halves, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(tail))));
        memcpy(out + i, halves, (size_t)(n - i) * sizeof(*out));
    }
}

const struct va_kernels va_kernels_neon = {
    .name = "neon",
    .required = VA_CPU_NEON,
    .quantize_row = va_kernels_neon_quantize_row,
    .quantize_rest = va_kernels_neon_quantize_rest,
    .gemm_s8 = gemm_s8,
    .dequantize = va_kernels_neon_dequantize,
    .gemm_f32 = va_kernels_neon_gemm_f32,
    .add = va_kernels_neon_add,
    .gelu = va_kernels_neon_gelu,
    .layer_norm = va_kernels_neon_layer_norm,
    .max = va_kernels_neon_max,
    .exp_sum = va_kernels_neon_exp_sum,
    .sum_exp = va_kernels_neon_sum_exp,
    .scale = va_kernels_neon_scale,
    .multiply = va_kernels_neon_multiply,
    .scores_f32 = va_kernels_neon_scores_f32,
    .scores_f16 = va_kernels_neon_scores_f16,
    .mix_f32 = va_kernels_neon_mix_f32,
    .mix_f16 = va_kernels_neon_mix_f16,
    .to_f16 = va_kernels_neon_to_f16,
};
