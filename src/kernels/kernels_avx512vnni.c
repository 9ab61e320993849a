/* kernels_avx512vnni.c - AVX-512 with VNNI: vpdpbusd, and 512-bit versions of the float kernels that they make faster. The rest is
 * inherited from AVX2. Zen 4 has the same rate of multiply-adds for both widths; there 512 bits were slower in gemm_f32 (a tile of 6 x 16
 * with two chains 108, one of 12 x 16 106 and, with rows of 4 kB, 78 GFLOP/s against 114), in the float16 attention rows (23 and 28 against
 * 35 and 49 G/s: the conversion is the slow part) and in dequantize (14 against 18), and no faster in quantize_row. */
#include "kernels/kernels_x86.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The first n < 16 lanes: the rest of a row. */
VA_INLINE __mmask16 tail_mask(int n)
{
    return (__mmask16)((1u << n) - 1u);
}

/* sum += the 16 floats of x */
VA_INLINE __m256d add_wide(__m256d sum, __m512 x)
{
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1)));
    return _mm256_add_pd(sum,
                         _mm256_add_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(eight)), _mm256_cvtps_pd(_mm256_extractf128_ps(eight, 1))));
}

VA_INLINE double sum_doubles(__m256d x)
{
    const __m128d s = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

VA_INLINE float max_lanes(__m512 x)
{
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1)));
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    m = _mm_max_ss(m, _mm_shuffle_ps(m, m, 1));
    return _mm_cvtss_f32(m);
}

/* ---- int8 ---- */

enum { ROWS = 6, PANELS = 4 }; /* of the largest tile: 24 accumulators, 4 registers of weights */
enum { FEW_ROWS = 12 };        /* as many as one panel's accumulators are kept for: the weights are then read once, in their order */

/* rows x (panels * 16) columns. vpdpbusd multiplies unsigned by signed: 128 is added to x (its sign bit flipped) and 128 * w_sum taken off
 * before. Four products of 255 * 127 added to int32 without saturation: exact. */
VA_INLINE void tile_s8(const int rows, const int panels, const int8_t *x, size_t ldx, const int8_t *w, const int32_t *w_sum, int k,
                       int32_t *acc, size_t ldacc)
{
    const __m512i flip = _mm512_set1_epi8(-128);
    const size_t panel_bytes = (size_t)k * VA_PANEL;
    __m512i sum[ROWS][PANELS];

    VA_UNROLL
    for (int p = 0; p < panels; p++) {
        const __m512i start = _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(_mm512_loadu_si512(w_sum + p * VA_PANEL), 7));
        VA_UNROLL
        for (int i = 0; i < rows; i++)
            sum[i][p] = start;
    }
    for (int kk = 0; kk < k; kk += 4) {
        __m512i weights[PANELS];
        VA_UNROLL
        for (int p = 0; p < panels; p++)
            weights[p] = _mm512_loadu_si512(w + (size_t)p * panel_bytes + (size_t)kk * VA_PANEL);
        VA_UNROLL
        for (int i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, x + (size_t)i * ldx + kk, sizeof(four));
            const __m512i v = _mm512_xor_si512(_mm512_set1_epi32(four), flip);
            VA_UNROLL
            for (int p = 0; p < panels; p++)
                sum[i][p] = _mm512_dpbusd_epi32(sum[i][p], v, weights[p]);
        }
    }
    VA_UNROLL
    for (int i = 0; i < rows; i++)
        VA_UNROLL
    for (int p = 0; p < panels; p++)
        _mm512_storeu_si512(acc + (size_t)i * ldacc + (size_t)p * VA_PANEL, sum[i][p]);
}

/* m rows x (panels * 16) columns */
VA_INLINE void panels_s8(const int panels, const int8_t *x, size_t ldx, int m, const int8_t *w, const int32_t *w_sum, int k, int32_t *acc,
                         size_t ldacc)
{
    for (; m >= ROWS; m -= ROWS, x += ROWS * ldx, acc += ROWS * ldacc)
        tile_s8(ROWS, panels, x, ldx, w, w_sum, k, acc, ldacc);
    switch (m) {
    case 5:
        tile_s8(5, panels, x, ldx, w, w_sum, k, acc, ldacc);
        break;
    case 4:
        tile_s8(4, panels, x, ldx, w, w_sum, k, acc, ldacc);
        break;
    case 3:
        tile_s8(3, panels, x, ldx, w, w_sum, k, acc, ldacc);
        break;
    case 2:
        tile_s8(2, panels, x, ldx, w, w_sum, k, acc, ldacc);
        break;
    case 1:
        tile_s8(1, panels, x, ldx, w, w_sum, k, acc, ldacc);
        break;
    default:
        break;
    }
}

/* sum [rows] += 4 k of each row by those of 16 columns, to which 128 was added */
VA_INLINE void step_s8(const int rows, const int8_t *x, size_t ldx, __m512i weights, __m512i *sum)
{
    VA_UNROLL
    for (int i = 0; i < rows; i++) {
        int32_t four;
        memcpy(&four, x + (size_t)i * ldx, sizeof(four));
        sum[i] = _mm512_dpbusd_epi32(sum[i], weights, _mm512_set1_epi32(four));
    }
}

/* 128 times the sum of a row */
static int32_t row_correction(const int8_t *x, int k)
{
    int32_t sum = 0;

    for (int i = 0; i < k; i++)
        sum += x[i];
    return 128 * sum;
}

/* Few rows (1 to FEW_ROWS) x n_panels: bound by reading w, which one stream without gaps does best. Here 128 is added to w rather than to x
 * (one operation for all rows), and 128 * the row's sum taken off. Below four rows, steps of k have accumulators of their
 * own, so that the next vpdpbusd need not wait for the last. */
VA_INLINE void stream_s8(const int rows, const int8_t *x, size_t ldx, const int8_t *w, int k, int n_panels, int32_t *acc, size_t ldacc)
{
    const int chains = rows >= 4 ? 1 : rows >= 2 ? 2 : 4;
    const __m512i flip = _mm512_set1_epi8(-128);
    __m512i start[FEW_ROWS] = {_mm512_setzero_si512()}; /* the analyser does not see that sum takes only what is set */

    VA_UNROLL
    for (int i = 0; i < rows; i++)
        start[i] = _mm512_set1_epi32(-row_correction(x + (size_t)i * ldx, k));
    for (int p = 0; p < n_panels; p++) {
        __m512i sum[FEW_ROWS];
        int kk = 0;
        VA_UNROLL
        for (int i = 0; i < rows * chains; i++)
            sum[i] = i < rows ? start[i] : _mm512_setzero_si512();
        for (; kk + 4 * chains <= k; kk += 4 * chains, w += 4 * chains * VA_PANEL)
            VA_UNROLL
        for (int c = 0; c < chains; c++)
            step_s8(rows, x + kk + 4 * c, ldx, _mm512_xor_si512(_mm512_loadu_si512(w + c * 4 * VA_PANEL), flip), sum + c * rows);
        for (; kk < k; kk += 4, w += 4 * VA_PANEL)
            step_s8(rows, x + kk, ldx, _mm512_xor_si512(_mm512_loadu_si512(w), flip), sum);
        VA_UNROLL
        for (int i = 0; i < rows; i++) {
            VA_UNROLL
            for (int c = 1; c < chains; c++)
                sum[i] = _mm512_add_epi32(sum[i], sum[c * rows + i]);
            _mm512_storeu_si512(acc + (size_t)i * ldacc + (size_t)p * VA_PANEL, sum[i]);
        }
    }
}

#define STREAM(rows)                                         \
    case rows:                                               \
        stream_s8(rows, x, ldx, w, k, n_panels, acc, ldacc); \
        return

static void gemm_s8(const int8_t *x, size_t ldx, int m, const int8_t *w, const int32_t *w_sum, int k, int n_panels, int32_t *acc,
                    size_t ldacc)
{
    const size_t panel_bytes = (size_t)k * VA_PANEL;
    const int block = VA_BLOCK_ROWS(k);

    assert(m >= 1 && k >= 4 && k % 4 == 0);
    switch (m) {
        STREAM(1);
        STREAM(2);
        STREAM(3);
        STREAM(4);
        STREAM(5);
        STREAM(6);
        STREAM(7);
        STREAM(8);
        STREAM(9);
        STREAM(10);
        STREAM(11);
        STREAM(12);
    default:
        break;
    }
    for (; m > 0; m -= block, x += (size_t)block * ldx, acc += (size_t)block * ldacc) {
        const int rows = m < block ? m : block;
        int p = 0;
        for (; p + PANELS <= n_panels; p += PANELS)
            panels_s8(PANELS, x, ldx, rows, w + (size_t)p * panel_bytes, w_sum + p * VA_PANEL, k, acc + p * VA_PANEL, ldacc);
        for (; p < n_panels; p++)
            panels_s8(1, x, ldx, rows, w + (size_t)p * panel_bytes, w_sum + p * VA_PANEL, k, acc + p * VA_PANEL, ldacc);
    }
}

/* ---- float ---- */

/* See va_gelu_bump. */
VA_INLINE __m512 gelu_of(__m512 x)
{
    const __m512 end = _mm512_set1_ps(5.5f), a = _mm512_min_ps(_mm512_abs_ps(x), end);
    const __m512 t = _mm512_fmadd_ps(a, _mm512_set1_ps(1.0f / 2.75f), _mm512_set1_ps(-1.0f));
    __m512 p = _mm512_set1_ps(va_gelu_bump[0]);

    VA_UNROLL
    for (int i = 1; i < VA_GELU_TERMS; i++)
        p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(va_gelu_bump[i]));
    return _mm512_fnmadd_ps(_mm512_sub_ps(end, a), p, _mm512_max_ps(x, _mm512_setzero_ps()));
}

static void gelu(float *x, int n)
{
    int i = 0;

    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(x + i, gelu_of(_mm512_loadu_ps(x + i)));
    if (i < n)
        _mm512_mask_storeu_ps(x + i, tail_mask(n - i), gelu_of(_mm512_maskz_loadu_ps(tail_mask(n - i), x + i)));
}

/* Sums go from float to double after every four registers. */
static void layer_norm(const float *x, const float *gamma, const float *beta, int n, float *out)
{
    const __mmask16 tail = tail_mask(n % 16);
    __m256d sum = _mm256_setzero_pd(), squares = _mm256_setzero_pd();
    int i = 0;

    assert(n >= 1);
    for (; i + 64 <= n; i += 64)
        sum = add_wide(sum, _mm512_add_ps(_mm512_add_ps(_mm512_loadu_ps(x + i), _mm512_loadu_ps(x + i + 16)),
                                          _mm512_add_ps(_mm512_loadu_ps(x + i + 32), _mm512_loadu_ps(x + i + 48))));
    for (; i + 16 <= n; i += 16)
        sum = add_wide(sum, _mm512_loadu_ps(x + i));
    sum = add_wide(sum, _mm512_maskz_loadu_ps(tail, x + i));
    const __m512 mean = _mm512_set1_ps((float)(sum_doubles(sum) / n));
    for (i = 0; i + 64 <= n; i += 64) {
        __m512 four = _mm512_setzero_ps();
        VA_UNROLL
        for (int j = 0; j < 4; j++) {
            const __m512 v = _mm512_sub_ps(_mm512_loadu_ps(x + i + j * 16), mean);
            four = _mm512_fmadd_ps(v, v, four);
        }
        squares = add_wide(squares, four);
    }
    for (; i < n; i += 16) {
        const __mmask16 lanes = i + 16 <= n ? 0xffff : tail;
        const __m512 v = _mm512_maskz_mov_ps(lanes, _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, x + i), mean));
        squares = add_wide(squares, _mm512_mul_ps(v, v));
    }
    const __m512 inverse = _mm512_set1_ps((float)(1.0 / sqrt(sum_doubles(squares) / n + 1e-5)));
    for (i = 0; i < n; i += 16) {
        const __mmask16 lanes = i + 16 <= n ? 0xffff : tail;
        const __m512 v = _mm512_mul_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, x + i), mean), inverse);
        const __m512 scaled = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(lanes, gamma + i), _mm512_maskz_loadu_ps(lanes, beta + i));
        _mm512_mask_storeu_ps(out + i, lanes, scaled);
    }
}

static float max_of(const float *x, int n)
{
    __m512 max0 = _mm512_set1_ps(x[0]), max1 = max0;
    int i = 0;

    assert(n >= 1);
    for (; i + 32 <= n; i += 32) {
        max0 = _mm512_max_ps(max0, _mm512_loadu_ps(x + i));
        max1 = _mm512_max_ps(max1, _mm512_loadu_ps(x + i + 16));
    }
    for (; i < n; i += 16) {
        const __mmask16 lanes = i + 16 <= n ? 0xffff : tail_mask(n - i);
        max0 = _mm512_max_ps(max0, _mm512_mask_mov_ps(max1, lanes, _mm512_maskz_loadu_ps(lanes, x + i)));
    }
    return max_lanes(_mm512_max_ps(max0, max1));
}

/* exp(x) for x <= 88: as in kernels_avx2.c, but the power of two is applied by vscalefps; 0 below -87.3. */
VA_INLINE __m512 exp_of(__m512 x)
{
    const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693145752f), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(1.42860677e-6f), r);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(0.00831247866f), r, _mm512_set1_ps(0.0418905541f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.166671157f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.499992281f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
    return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.3f), _CMP_GT_OQ), p, n);
}

/* Both exponential sums go from float to double after every four registers. */
static float exp_sum(float *x, int n, float scale, float shift)
{
    const __m512 scales = _mm512_set1_ps(scale), shifts = _mm512_set1_ps(shift);
    __m256d sum = _mm256_setzero_pd();
    int i = 0;

    /* The product is rounded before the subtraction as in the reference: a fused one would differ by more than the tolerance. */
    for (; i + 64 <= n; i += 64) {
        __m512 y[4];
        VA_UNROLL
        for (int j = 0; j < 4; j++) {
            y[j] = exp_of(_mm512_sub_ps(_mm512_mul_ps(_mm512_loadu_ps(x + i + j * 16), scales), shifts));
            _mm512_storeu_ps(x + i + j * 16, y[j]);
        }
        sum = add_wide(sum, _mm512_add_ps(_mm512_add_ps(y[0], y[1]), _mm512_add_ps(y[2], y[3])));
    }
    for (; i < n; i += 16) {
        const __mmask16 lanes = i + 16 <= n ? 0xffff : tail_mask(n - i);
        const __m512 v = _mm512_sub_ps(_mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, x + i), scales), shifts);
        const __m512 y = _mm512_maskz_mov_ps(lanes, exp_of(v));
        _mm512_mask_storeu_ps(x + i, lanes, y);
        sum = add_wide(sum, y);
    }
    return (float)sum_doubles(sum);
}

static float sum_exp(const float *x, int n, float shift)
{
    const __m512 shifts = _mm512_set1_ps(shift);
    __m256d sum = _mm256_setzero_pd();
    int i = 0;

    for (; i + 64 <= n; i += 64) {
        __m512 y[4];
        VA_UNROLL
        for (int j = 0; j < 4; j++)
            y[j] = exp_of(_mm512_sub_ps(_mm512_loadu_ps(x + i + j * 16), shifts));
        sum = add_wide(sum, _mm512_add_ps(_mm512_add_ps(y[0], y[1]), _mm512_add_ps(y[2], y[3])));
    }
    for (; i < n; i += 16) {
        const __mmask16 lanes = i + 16 <= n ? 0xffff : tail_mask(n - i);
        sum = add_wide(sum, _mm512_maskz_mov_ps(lanes, exp_of(_mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, x + i), shifts))));
    }
    return (float)sum_doubles(sum);
}

const struct va_kernels VA_SET(avx512vnni) = {
    .name = "avx512vnni",
    .required = VA_CPU_AVX2 | VA_CPU_AVX512VNNI,
    .dots_s8 = 1,
    .quantize_row = VA_SET(avx2_quantize_row),
    .quantize_rest = VA_SET(avx2_quantize_rest),
    .gemm_s8 = gemm_s8,
    .dequantize = VA_SET(avx2_dequantize),
    .gemm_f32 = VA_SET(avx2_gemm_f32),
    .add = VA_SET(avx2_add),
    .gelu = gelu,
    .layer_norm = layer_norm,
    .max = max_of,
    .exp_sum = exp_sum,
    .sum_exp = sum_exp,
    .scale = VA_SET(avx2_scale),
    .multiply = VA_SET(avx2_multiply),
    .scores_f32 = VA_SET(avx2_scores_f32),
    .scores_f16 = VA_SET(avx2_scores_f16),
    .mix_f32 = VA_SET(avx2_mix_f32),
    .mix_f16 = VA_SET(avx2_mix_f16),
    .to_f16 = VA_SET(avx2_to_f16),
};
