/* kernels_avx512vnni.c - AVX-512 with VNNI: vpdpbusd, and 512-bit versions of the float kernels. The rest is inherited from AVX2: what
 * measured no faster here (the float32 attention rows) or is one line of C (add, scale). */
#include "kernels/kernels_x86.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

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

VA_INLINE void tile_f32(const int rows, const float *a, size_t lda, const float *b, size_t ldb, int k, float *c, size_t ldc, int accumulate)
{
    __m512 sum[12];

    VA_UNROLL
    for (int i = 0; i < rows; i++)
        sum[i] = accumulate ? _mm512_loadu_ps(c + (size_t)i * ldc) : _mm512_setzero_ps();
    for (int kk = 0; kk < k; kk++) {
        const __m512 row = _mm512_loadu_ps(b + (size_t)kk * ldb);
        VA_UNROLL
        for (int i = 0; i < rows; i++)
            sum[i] = _mm512_fmadd_ps(_mm512_set1_ps(a[(size_t)i * lda + (size_t)kk]), row, sum[i]);
    }
    VA_UNROLL
    for (int i = 0; i < rows; i++)
        _mm512_storeu_ps(c + (size_t)i * ldc, sum[i]);
}

static void gemm_f32(const float *a, size_t lda, int m, const float *b, size_t ldb, int k, float *c, size_t ldc, int accumulate)
{
    for (; m >= 12; m -= 12, a += 12 * lda, c += 12 * ldc)
        tile_f32(12, a, lda, b, ldb, k, c, ldc, accumulate);
    for (; m >= 4; m -= 4, a += 4 * lda, c += 4 * ldc)
        tile_f32(4, a, lda, b, ldb, k, c, ldc, accumulate);
    for (; m >= 1; m--, a += lda, c += ldc)
        tile_f32(1, a, lda, b, ldb, k, c, ldc, accumulate);
}

/* The formulas are those of kernels_avx2.c, which also does the last values of a row. */
static void gelu(float *x, int n)
{
    const __m512 end = _mm512_set1_ps(5.5f);
    int i = 0;

    for (; i + 16 <= n; i += 16) {
        const __m512 v = _mm512_loadu_ps(x + i), a = _mm512_min_ps(_mm512_abs_ps(v), end);
        const __m512 t = _mm512_fmadd_ps(a, _mm512_set1_ps(1.0f / 2.75f), _mm512_set1_ps(-1.0f));
        __m512 p = _mm512_set1_ps(va_gelu_bump[0]);
        VA_UNROLL
        for (int j = 1; j < VA_GELU_TERMS; j++)
            p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(va_gelu_bump[j]));
        _mm512_storeu_ps(x + i, _mm512_fnmadd_ps(_mm512_sub_ps(end, a), p, _mm512_max_ps(v, _mm512_setzero_ps())));
    }
    VA_SET(avx2_gelu)(x + i, n - i);
}

VA_INLINE __m512 exp_of(__m512 x)
{
    const __m512 lowest = _mm512_set1_ps(-87.3f), magic = _mm512_set1_ps(0x1.8p23f);
    const __m512 shifted = _mm512_fmadd_ps(_mm512_max_ps(x, lowest), _mm512_set1_ps(1.44269504f), magic);
    const __m512 n = _mm512_sub_ps(shifted, magic);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693145752f), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(1.42860677e-6f), r);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(0.00831247866f), r, _mm512_set1_ps(0.0418905541f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.166671157f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.499992281f));
    p = _mm512_fmadd_ps(_mm512_mul_ps(r, r), p, _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
    const __m512i y = _mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(_mm512_castps_si512(shifted), 23));
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, lowest, _CMP_GT_OQ), _mm512_castsi512_ps(y));
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

static float exp_sum(float *x, int n, float scale, float shift)
{
    const __m512 scales = _mm512_set1_ps(scale), shifts = _mm512_set1_ps(shift);
    __m256d sum = _mm256_setzero_pd();
    int i = 0;

    for (; i + 16 <= n; i += 16) {
        const __m512 y = exp_of(_mm512_sub_ps(_mm512_mul_ps(_mm512_loadu_ps(x + i), scales), shifts));
        _mm512_storeu_ps(x + i, y);
        sum = add_wide(sum, y);
    }
    return (float)(sum_doubles(sum) + (double)VA_SET(avx2_exp_sum)(x + i, n - i, scale, shift));
}

static float sum_exp(const float *x, int n, float shift)
{
    const __m512 shifts = _mm512_set1_ps(shift);
    __m256d sum = _mm256_setzero_pd();
    int i = 0;

    for (; i + 16 <= n; i += 16)
        sum = add_wide(sum, exp_of(_mm512_sub_ps(_mm512_loadu_ps(x + i), shifts)));
    return (float)(sum_doubles(sum) + (double)VA_SET(avx2_sum_exp)(x + i, n - i, shift));
}

const struct va_kernels VA_SET(avx512vnni) = {
    .name = "avx512vnni",
    .required = VA_CPU_AVX2 | VA_CPU_AVX512VNNI,
    .quantize_row = VA_SET(avx2_quantize_row),
    .gemm_s8 = gemm_s8,
    .dequantize = VA_SET(avx2_dequantize),
    .gemm_f32 = gemm_f32,
    .add = VA_SET(avx2_add),
    .gelu = gelu,
    .layer_norm = VA_SET(avx2_layer_norm),
    .max = VA_SET(avx2_max),
    .exp_sum = exp_sum,
    .sum_exp = sum_exp,
    .scale = VA_SET(avx2_scale),
    .scores_f32 = VA_SET(avx2_scores_f32),
    .scores_f16 = VA_SET(avx2_scores_f16),
    .mix_f32 = VA_SET(avx2_mix_f32),
    .mix_f16 = VA_SET(avx2_mix_f16),
    .to_f16 = VA_SET(avx2_to_f16),
};
