/* kernels_avx2.c - AVX2 with FMA and F16C. */
#include "kernels/kernels_x86.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* ---- int8 ---- */

/* |x| of 8 floats */
VA_INLINE __m256 magnitude(__m256 x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

VA_INLINE float max_lanes(__m256 x)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    m = _mm_max_ss(m, _mm_shuffle_ps(m, m, 1));
    return _mm_cvtss_f32(m);
}

/* 8 floats * scale -> int32, to nearest even; NaN -> 0 */
VA_INLINE __m256i scaled_to_int(const float *x, __m256 scale)
{
    const __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x), scale);
    return _mm256_and_si256(_mm256_cvtps_epi32(v), _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_ORD_Q)));
}

void VA_SET(avx2_quantize_row)(const float *x, int k, int8_t *ret_q, float *ret_step)
{
    __m256 max0 = _mm256_setzero_ps(), max1 = max0;
    int i = 0;

    assert(k >= 1);
    for (; i + 16 <= k; i += 16) { /* of a NaN and a number, max_ps gives the second operand */
        max0 = _mm256_max_ps(magnitude(_mm256_loadu_ps(x + i)), max0);
        max1 = _mm256_max_ps(magnitude(_mm256_loadu_ps(x + i + 8)), max1);
    }
    float max = max_lanes(_mm256_max_ps(max0, max1));
    for (; i < k; i++)
        if (fabsf(x[i]) > max)
            max = fabsf(x[i]);
    if (max < VA_QUANTIZE_MIN) {
        memset(ret_q, 0, (size_t)k);
        *ret_step = 0.0f;
        return;
    }
    const float scale = 127.0f / max;
    const __m256 scales = _mm256_set1_ps(scale);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7); /* undoes the lane-wise packs */
    for (i = 0; i + 32 <= k; i += 32) {
        const __m256i a = _mm256_packs_epi32(scaled_to_int(x + i, scales), scaled_to_int(x + i + 8, scales));
        const __m256i b = _mm256_packs_epi32(scaled_to_int(x + i + 16, scales), scaled_to_int(x + i + 24, scales));
        _mm256_storeu_si256((__m256i *)(void *)(ret_q + i), _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order));
    }
    for (; i < k; i++) {
        const float v = x[i] * scale;
        ret_q[i] = isnan(v) ? 0 : (int8_t)lrintf(v);
    }
    *ret_step = max / 127.0f;
}

/* 8 of what quantize_rest computes, as int32 */
VA_INLINE __m256i rest_to_int(const float *x, const int8_t *q, __m256 scale)
{
    const __m256 most = _mm256_set1_ps(127.0f), least = _mm256_set1_ps(-127.0f);
    const __m256 quantized = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)q)));
    const __m256 rest = _mm256_mul_ps(_mm256_sub_ps(_mm256_mul_ps(_mm256_loadu_ps(x), scale), quantized), _mm256_set1_ps(254.0f));
    const __m256i rounded = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(rest, least), most));
    return _mm256_and_si256(rounded, _mm256_castps_si256(_mm256_cmp_ps(rest, rest, _CMP_ORD_Q)));
}

void VA_SET(avx2_quantize_rest)(const float *x, int k, const int8_t *q, float step, int8_t *ret_rest, float *ret_step)
{
    const float scale = va_inverse_step(step);
    const __m256 scales = _mm256_set1_ps(scale);
    int i = 0;

    for (; i + 16 <= k; i += 16) {
        const __m256i words = _mm256_packs_epi32(rest_to_int(x + i, q + i, scales), rest_to_int(x + i + 8, q + i + 8, scales));
        const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(words, words), _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5));
        _mm_storeu_si128((__m128i *)(void *)(ret_rest + i), _mm256_castsi256_si128(bytes));
    }
    for (; i < k; i++) {
        const float v = (x[i] * scale - (float)q[i]) * 254.0f;
        ret_rest[i] = isnan(v) ? 0 : (int8_t)lrintf(v < -127.0f ? -127.0f : v > 127.0f ? 127.0f : v);
    }
    *ret_step = step / 254.0f;
}

/* One step of 4 k: the products of 8 columns with x, whose sign is that of the weights: |w| (unsigned) * (x with the sign of w) is at most
 * 2 * 127 * 127 a pair, so vpmaddubsw does not saturate. Measured against widening to int16 once a tile (and once a block): a quarter
 * faster in large shapes on Zen 1, two fifths for one row. */
VA_INLINE __m256i products_s8(__m256i magnitude, __m256i x)
{
    return _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, x), _mm256_set1_epi16(1));
}

/* rows x 16 columns. x gets the sign of w by vpsignb, or, when flip, by inverting the bits of x where w is negative. That is -x - 1, so
 * that start [2] must hold the sum of |w| over the negative weights of each column. vpsignb needs the units that multiply, of which there
 * are two, and vpxor does not: 72 against 93 GMAC/s on Zen 4. */
VA_INLINE void tile_s8(const int rows, const int flip, const int8_t *x, size_t ldx, const int8_t *w, int k, const __m256i *start,
                       int32_t *acc, size_t ldacc)
{
    __m256i sum[4][2];

    VA_UNROLL
    for (int i = 0; i < rows; i++) {
        sum[i][0] = flip ? start[0] : _mm256_setzero_si256();
        sum[i][1] = flip ? start[1] : _mm256_setzero_si256();
    }
    for (int kk = 0; kk < k; kk += 4) {
        const __m256i w0 = _mm256_loadu_si256((const __m256i *)(const void *)(w + (size_t)kk * VA_PANEL));
        const __m256i w1 = _mm256_loadu_si256((const __m256i *)(const void *)(w + (size_t)kk * VA_PANEL + 32));
        const __m256i u0 = _mm256_abs_epi8(w0), u1 = _mm256_abs_epi8(w1);
        const __m256i s0 = flip ? _mm256_cmpgt_epi8(_mm256_setzero_si256(), w0) : w0;
        const __m256i s1 = flip ? _mm256_cmpgt_epi8(_mm256_setzero_si256(), w1) : w1;
        VA_UNROLL
        for (int i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, x + (size_t)i * ldx + kk, sizeof(four));
            const __m256i v = _mm256_set1_epi32(four);
            const __m256i v0 = flip ? _mm256_xor_si256(v, s0) : _mm256_sign_epi8(v, s0);
            const __m256i v1 = flip ? _mm256_xor_si256(v, s1) : _mm256_sign_epi8(v, s1);
            sum[i][0] = _mm256_add_epi32(sum[i][0], products_s8(u0, v0));
            sum[i][1] = _mm256_add_epi32(sum[i][1], products_s8(u1, v1));
        }
    }
    VA_UNROLL
    for (int i = 0; i < rows; i++) {
        _mm256_storeu_si256((__m256i *)(void *)(acc + (size_t)i * ldacc), sum[i][0]);
        _mm256_storeu_si256((__m256i *)(void *)(acc + (size_t)i * ldacc + 8), sum[i][1]);
    }
}

/* The sums of |w| over the negative weights of a panel's columns. */
VA_INLINE void negative_sums(const int8_t *w, int k, __m256i *ret_sums)
{
    const __m256i zero = _mm256_setzero_si256(), one = _mm256_set1_epi8(1);

    ret_sums[0] = ret_sums[1] = zero;
    for (int kk = 0; kk < k; kk += 4)
        VA_UNROLL
    for (int half = 0; half < 2; half++) {
        const __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(w + (size_t)kk * VA_PANEL + 32 * half));
        ret_sums[half] = _mm256_add_epi32(ret_sums[half], products_s8(_mm256_max_epi8(_mm256_sub_epi8(zero, v), zero), one));
    }
}

enum { ROWS = 4, MANY_ROWS = 8 }; /* of a tile; from so many on a panel's sums are worth taking */

static void panel_s8(const int8_t *x, size_t ldx, int m, const int8_t *w, int k, int32_t *acc, size_t ldacc)
{
    if (m >= MANY_ROWS) {
        __m256i start[2];
        negative_sums(w, k, start);
        for (; m >= ROWS; m -= ROWS, x += ROWS * ldx, acc += ROWS * ldacc)
            tile_s8(ROWS, 1, x, ldx, w, k, start, acc, ldacc);
    }
    for (; m >= ROWS; m -= ROWS, x += ROWS * ldx, acc += ROWS * ldacc)
        tile_s8(ROWS, 0, x, ldx, w, k, NULL, acc, ldacc);
    if (m == 3)
        tile_s8(3, 0, x, ldx, w, k, NULL, acc, ldacc);
    else if (m == 2)
        tile_s8(2, 0, x, ldx, w, k, NULL, acc, ldacc);
    else if (m == 1)
        tile_s8(1, 0, x, ldx, w, k, NULL, acc, ldacc);
}

static void gemm_s8(const int8_t *x, size_t ldx, int m, const int8_t *w, const int32_t *w_sum, int k, int n_panels, int32_t *acc,
                    size_t ldacc)
{
    const int block = VA_BLOCK_ROWS(k);

    (void)w_sum;
    assert(m >= 1 && k >= 4 && k % 4 == 0);
    for (; m > 0; m -= block, x += (size_t)block * ldx, acc += (size_t)block * ldacc)
        for (int p = 0; p < n_panels; p++)
            panel_s8(x, ldx, m < block ? m : block, w + (size_t)p * VA_PANEL * (size_t)k, k, acc + (size_t)p * VA_PANEL, ldacc);
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

void VA_SET(avx2_dequantize)(const int32_t *acc, size_t ldacc, int terms, int m, int n, const float *x_step, const float *w_step,
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

VA_INLINE float sum_lanes(__m256 x)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_shuffle_ps(s, s, 1));
    return _mm_cvtss_f32(s);
}

VA_INLINE double sum_doubles(__m256d x)
{
    const __m128d s = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

/* sum += the 8 floats of x */
VA_INLINE __m256d add_wide(__m256d sum, __m256 x)
{
    return _mm256_add_pd(sum, _mm256_add_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(x)), _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1))));
}

VA_INLINE void tile_f32(const int rows, const float *a, size_t lda, const float *b, size_t ldb, int k, float *c, size_t ldc, int accumulate)
{
    __m256 sum[6][2];

    VA_UNROLL
    for (int i = 0; i < rows; i++) {
        sum[i][0] = accumulate ? _mm256_loadu_ps(c + (size_t)i * ldc) : _mm256_setzero_ps();
        sum[i][1] = accumulate ? _mm256_loadu_ps(c + (size_t)i * ldc + 8) : _mm256_setzero_ps();
    }
    for (int kk = 0; kk < k; kk++) {
        const __m256 b0 = _mm256_loadu_ps(b + (size_t)kk * ldb), b1 = _mm256_loadu_ps(b + (size_t)kk * ldb + 8);
        VA_UNROLL
        for (int i = 0; i < rows; i++) {
            const __m256 v = _mm256_broadcast_ss(a + (size_t)i * lda + kk);
            sum[i][0] = _mm256_fmadd_ps(v, b0, sum[i][0]);
            sum[i][1] = _mm256_fmadd_ps(v, b1, sum[i][1]);
        }
    }
    VA_UNROLL
    for (int i = 0; i < rows; i++) {
        _mm256_storeu_ps(c + (size_t)i * ldc, sum[i][0]);
        _mm256_storeu_ps(c + (size_t)i * ldc + 8, sum[i][1]);
    }
}

void VA_SET(avx2_gemm_f32)(const float *a, size_t lda, int m, const float *b, size_t ldb, int k, float *c, size_t ldc, int accumulate)
{
    for (; m >= 6; m -= 6, a += 6 * lda, c += 6 * ldc)
        tile_f32(6, a, lda, b, ldb, k, c, ldc, accumulate);
    for (; m >= 2; m -= 2, a += 2 * lda, c += 2 * ldc)
        tile_f32(2, a, lda, b, ldb, k, c, ldc, accumulate);
    if (m == 1)
        tile_f32(1, a, lda, b, ldb, k, c, ldc, accumulate);
}

void VA_SET(avx2_add)(float *y, const float *x, int n)
{
    for (int i = 0; i < n; i++)
        y[i] += x[i];
}

void VA_SET(avx2_scale)(float *x, int n, float s)
{
    for (int i = 0; i < n; i++)
        x[i] *= s;
}

void VA_SET(avx2_multiply)(float *y, const float *x, int n)
{
    for (int i = 0; i < n; i++)
        y[i] *= x[i];
}

/* See va_gelu_bump. */
VA_INLINE __m256 gelu_of(__m256 x)
{
    const __m256 end = _mm256_set1_ps(5.5f);
    const __m256 a = _mm256_min_ps(magnitude(x), end);
    const __m256 t = _mm256_fmadd_ps(a, _mm256_set1_ps(1.0f / 2.75f), _mm256_set1_ps(-1.0f));
    __m256 p = _mm256_set1_ps(va_gelu_bump[0]);

    VA_UNROLL
    for (int i = 1; i < VA_GELU_TERMS; i++)
        p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(va_gelu_bump[i]));
    return _mm256_fnmadd_ps(_mm256_sub_ps(end, a), p, _mm256_max_ps(x, _mm256_setzero_ps()));
}

void VA_SET(avx2_gelu)(float *x, int n)
{
    int i = 0;

    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(x + i, gelu_of(_mm256_loadu_ps(x + i)));
    if (i < n) {
        float tail[8] = {0};
        memcpy(tail, x + i, (size_t)(n - i) * sizeof(*x));
        _mm256_storeu_ps(tail, gelu_of(_mm256_loadu_ps(tail)));
        memcpy(x + i, tail, (size_t)(n - i) * sizeof(*x));
    }
}

void VA_SET(avx2_layer_norm)(const float *x, const float *gamma, const float *beta, int n, float *out)
{
    __m256d sum = _mm256_setzero_pd(), squares = _mm256_setzero_pd();
    double tail = 0.0;
    int i = 0;

    assert(n >= 1);
    for (; i + 16 <= n; i += 16)
        sum = add_wide(sum, _mm256_add_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(x + i + 8)));
    for (; i < n; i++)
        tail += (double)x[i];
    const float mean = (float)((sum_doubles(sum) + tail) / n);
    const __m256 means = _mm256_set1_ps(mean);
    for (i = 0, tail = 0.0; i + 16 <= n; i += 16) {
        const __m256 a = _mm256_sub_ps(_mm256_loadu_ps(x + i), means), b = _mm256_sub_ps(_mm256_loadu_ps(x + i + 8), means);
        squares = add_wide(squares, _mm256_fmadd_ps(a, a, _mm256_mul_ps(b, b)));
    }
    for (; i < n; i++)
        tail += (double)(x[i] - mean) * (double)(x[i] - mean);
    const float inverse = (float)(1.0 / sqrt((sum_doubles(squares) + tail) / n + 1e-5));
    const __m256 inverses = _mm256_set1_ps(inverse);
    for (i = 0; i + 8 <= n; i += 8) {
        const __m256 v = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), means), inverses);
        _mm256_storeu_ps(out + i, _mm256_fmadd_ps(v, _mm256_loadu_ps(gamma + i), _mm256_loadu_ps(beta + i)));
    }
    for (; i < n; i++)
        out[i] = (x[i] - mean) * inverse * gamma[i] + beta[i];
}

float VA_SET(avx2_max)(const float *x, int n)
{
    __m256 m0 = _mm256_set1_ps(x[0]), m1 = m0;
    int i = 0;

    assert(n >= 1);
    for (; i + 16 <= n; i += 16) {
        m0 = _mm256_max_ps(m0, _mm256_loadu_ps(x + i));
        m1 = _mm256_max_ps(m1, _mm256_loadu_ps(x + i + 8));
    }
    float max = max_lanes(_mm256_max_ps(m0, m1));
    for (; i < n; i++)
        if (x[i] > max)
            max = x[i];
    return max;
}

/* exp(x) for x <= 88: 2^n * (1 + r + r^2 p(r)), n = round(x / ln 2), |r| <= ln 2 / 2, p fitted within 1.1e-7 relative; ln 2 in two parts,
 * so that r is exact to 1e-10. n is rounded by adding 1.5 * 2^23, which leaves it in the low bits as well. 0 below -87.3, where the result
 * would leave the normal numbers. */
VA_INLINE __m256 exp_of(__m256 x)
{
    const __m256 lowest = _mm256_set1_ps(-87.3f), magic = _mm256_set1_ps(0x1.8p23f);
    const __m256 shifted = _mm256_fmadd_ps(_mm256_max_ps(x, lowest), _mm256_set1_ps(1.44269504f), magic);
    const __m256 n = _mm256_sub_ps(shifted, magic);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693145752f), x);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(1.42860677e-6f), r);
    __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(0.00831247866f), r, _mm256_set1_ps(0.0418905541f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.166671157f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.499992281f));
    p = _mm256_fmadd_ps(_mm256_mul_ps(r, r), p, _mm256_add_ps(r, _mm256_set1_ps(1.0f)));
    const __m256i y = _mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(shifted), 23));
    return _mm256_and_ps(_mm256_castsi256_ps(y), _mm256_cmp_ps(x, lowest, _CMP_GT_OQ));
}

/* The last n < 8 of a row: -inf, whose exponential is 0, fills up. */
VA_INLINE __m256 load_tail(const float *x, int n)
{
    float tail[8] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY};

    memcpy(tail, x, (size_t)n * sizeof(*x));
    return _mm256_loadu_ps(tail);
}

float VA_SET(avx2_exp_sum)(float *x, int n, float scale, float shift)
{
    const __m256 scales = _mm256_set1_ps(scale), shifts = _mm256_set1_ps(shift);
    __m256d sum = _mm256_setzero_pd();
    int i = 0;

    /* The product is rounded before the subtraction as in the reference: a fused one would differ by more than the tolerance. */
    for (; i + 16 <= n; i += 16) {
        const __m256 a = exp_of(_mm256_sub_ps(_mm256_mul_ps(_mm256_loadu_ps(x + i), scales), shifts));
        const __m256 b = exp_of(_mm256_sub_ps(_mm256_mul_ps(_mm256_loadu_ps(x + i + 8), scales), shifts));
        _mm256_storeu_ps(x + i, a);
        _mm256_storeu_ps(x + i + 8, b);
        sum = add_wide(sum, _mm256_add_ps(a, b));
    }
    for (; i < n; i += 8) {
        const int count = n - i < 8 ? n - i : 8;
        float tail[8] = {0};
        memcpy(tail, x + i, (size_t)count * sizeof(*x));
        _mm256_storeu_ps(tail, exp_of(_mm256_sub_ps(_mm256_mul_ps(_mm256_loadu_ps(tail), scales), shifts)));
        memset(tail + count, 0, (size_t)(8 - count) * sizeof(*tail));
        memcpy(x + i, tail, (size_t)count * sizeof(*x));
        sum = add_wide(sum, _mm256_loadu_ps(tail));
    }
    return (float)sum_doubles(sum);
}

float VA_SET(avx2_sum_exp)(const float *x, int n, float shift)
{
    const __m256 shifts = _mm256_set1_ps(shift);
    __m256d sum = _mm256_setzero_pd();
    int i = 0;

    for (; i + 16 <= n; i += 16)
        sum = add_wide(sum, _mm256_add_ps(exp_of(_mm256_sub_ps(_mm256_loadu_ps(x + i), shifts)),
                                          exp_of(_mm256_sub_ps(_mm256_loadu_ps(x + i + 8), shifts))));
    for (; i < n; i += 8)
        sum = add_wide(sum, exp_of(_mm256_sub_ps(load_tail(x + i, n - i < 8 ? n - i : 8), shifts)));
    return (float)sum_doubles(sum);
}

/* ---- attention rows ---- */

VA_INLINE size_t row_at(const int32_t *index, int i)
{
    return (size_t)(index ? index[i] : i) * VA_HEAD;
}

/* Values 8 j .. 8 j + 7 of a row of floats or of halves. */
VA_INLINE __m256 load_row(const int half, const void *rows, size_t at, int j)
{
    if (half)
        return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)((const uint16_t *)rows + at + j * 8)));
    return _mm256_loadu_ps((const float *)rows + at + j * 8);
}

VA_INLINE void scores(const int half, const float *q, const void *rows, const int32_t *index, int n, float *out)
{
    __m256 query[VA_HEAD / 8];
    int i = 0;

    VA_UNROLL
    for (int j = 0; j < VA_HEAD / 8; j++)
        query[j] = _mm256_loadu_ps(q + j * 8);
    for (; i + 4 <= n; i += 4) {
        const size_t at[4] = {row_at(index, i), row_at(index, i + 1), row_at(index, i + 2), row_at(index, i + 3)};
        __m256 sum[4];
        VA_UNROLL
        for (int r = 0; r < 4; r++)
            sum[r] = _mm256_mul_ps(query[0], load_row(half, rows, at[r], 0));
        VA_UNROLL
        for (int j = 1; j < VA_HEAD / 8; j++)
            VA_UNROLL
        for (int r = 0; r < 4; r++)
            sum[r] = _mm256_fmadd_ps(query[j], load_row(half, rows, at[r], j), sum[r]);
        const __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(sum[0], sum[1]), _mm256_hadd_ps(sum[2], sum[3]));
        _mm_storeu_ps(out + i, _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
    }
    for (; i < n; i++) {
        const size_t at = row_at(index, i);
        __m256 sum = _mm256_mul_ps(query[0], load_row(half, rows, at, 0));
        VA_UNROLL
        for (int j = 1; j < VA_HEAD / 8; j++)
            sum = _mm256_fmadd_ps(query[j], load_row(half, rows, at, j), sum);
        out[i] = sum_lanes(sum);
    }
}

VA_INLINE void mix(const int half, const float *p, const void *rows, const int32_t *index, int n, float *out)
{
    __m256 sum[VA_HEAD / 8];

    VA_UNROLL
    for (int j = 0; j < VA_HEAD / 8; j++)
        sum[j] = _mm256_setzero_ps();
    for (int i = 0; i < n; i++) {
        const size_t at = row_at(index, i);
        const __m256 weight = _mm256_broadcast_ss(p + i);
        VA_UNROLL
        for (int j = 0; j < VA_HEAD / 8; j++)
            sum[j] = _mm256_fmadd_ps(weight, load_row(half, rows, at, j), sum[j]);
    }
    VA_UNROLL
    for (int j = 0; j < VA_HEAD / 8; j++)
        _mm256_storeu_ps(out + j * 8, sum[j]);
}

void VA_SET(avx2_scores_f32)(const float *q, const float *rows, const int32_t *index, int n, float *out)
{
    scores(0, q, rows, index, n, out);
}

void VA_SET(avx2_scores_f16)(const float *q, const uint16_t *rows, const int32_t *index, int n, float *out)
{
    scores(1, q, rows, index, n, out);
}

void VA_SET(avx2_mix_f32)(const float *p, const float *rows, const int32_t *index, int n, float *out)
{
    mix(0, p, rows, index, n, out);
}

void VA_SET(avx2_mix_f16)(const float *p, const uint16_t *rows, const int32_t *index, int n, float *out)
{
    mix(1, p, rows, index, n, out);
}

void VA_SET(avx2_to_f16)(const float *x, int n, uint16_t *out)
{
    int i = 0;

    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(out + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
    if (i < n) {
        float tail[8] = {0};
        uint16_t halves[8];
        memcpy(tail, x + i, (size_t)(n - i) * sizeof(*x));
        _mm_storeu_si128((__m128i *)(void *)halves, _mm256_cvtps_ph(_mm256_loadu_ps(tail), _MM_FROUND_TO_NEAREST_INT));
        memcpy(out + i, halves, (size_t)(n - i) * sizeof(*out));
    }
}

const struct va_kernels VA_SET(avx2) = {
    .name = "avx2",
    .required = VA_CPU_AVX2,
    .quantize_row = VA_SET(avx2_quantize_row),
    .quantize_rest = VA_SET(avx2_quantize_rest),
    .gemm_s8 = gemm_s8,
    .dequantize = VA_SET(avx2_dequantize),
    .gemm_f32 = VA_SET(avx2_gemm_f32),
    .add = VA_SET(avx2_add),
    .gelu = VA_SET(avx2_gelu),
    .layer_norm = VA_SET(avx2_layer_norm),
    .max = VA_SET(avx2_max),
    .exp_sum = VA_SET(avx2_exp_sum),
    .sum_exp = VA_SET(avx2_sum_exp),
    .scale = VA_SET(avx2_scale),
    .multiply = VA_SET(avx2_multiply),
    .scores_f32 = VA_SET(avx2_scores_f32),
    .scores_f16 = VA_SET(avx2_scores_f16),
    .mix_f32 = VA_SET(avx2_mix_f32),
    .mix_f16 = VA_SET(avx2_mix_f16),
    .to_f16 = VA_SET(avx2_to_f16),
};
