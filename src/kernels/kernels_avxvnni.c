/* kernels_avxvnni.c - AVX2 with the 256-bit vpdpbusd; everything but gemm_s8 is inherited from AVX2. */
#include "kernels/kernels_x86.h"

#include <assert.h>
#include <string.h>

enum { ROWS = 3, PANELS = 2 }; /* of the largest tile: 12 accumulators; two panels share the sign flip of x */

/* rows x (panels * 16) columns; see kernels_avx512vnni.c for the arithmetic. */
VA_INLINE void tile_s8(const int rows, const int panels, const int8_t *x, size_t ldx, const int8_t *w, const int32_t *w_sum, int k,
                       int32_t *acc, size_t ldacc)
{
    const __m256i flip = _mm256_set1_epi8(-128);
    __m256i sum[ROWS][PANELS * 2];

    VA_UNROLL
    for (int p = 0; p < panels * 2; p++) {
        const __m256i sums = _mm256_loadu_si256((const __m256i *)(const void *)(w_sum + p * 8));
        VA_UNROLL
        for (int i = 0; i < rows; i++)
            sum[i][p] = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32(sums, 7));
    }
    for (int kk = 0; kk < k; kk += 4) {
        __m256i v[ROWS];
        VA_UNROLL
        for (int i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, x + (size_t)i * ldx + kk, sizeof(four));
            v[i] = _mm256_xor_si256(_mm256_set1_epi32(four), flip);
        }
        VA_UNROLL
        for (int p = 0; p < panels * 2; p++) {
            const int8_t *from = w + ((size_t)(p / 2) * (size_t)k + (size_t)kk) * VA_PANEL + (size_t)(p % 2) * 32;
            const __m256i weights = _mm256_loadu_si256((const __m256i *)(const void *)from);
            VA_UNROLL
            for (int i = 0; i < rows; i++)
                sum[i][p] = _mm256_dpbusd_avx_epi32(sum[i][p], v[i], weights);
        }
    }
    VA_UNROLL
    for (int i = 0; i < rows; i++)
        VA_UNROLL
    for (int p = 0; p < panels * 2; p++)
        _mm256_storeu_si256((__m256i *)(void *)(acc + (size_t)i * ldacc + (size_t)p * 8), sum[i][p]);
}

/* m rows x (panels * 16) columns */
VA_INLINE void panels_s8(const int panels, const int8_t *x, size_t ldx, int m, const int8_t *w, const int32_t *w_sum, int k, int32_t *acc,
                         size_t ldacc)
{
    for (; m >= ROWS; m -= ROWS, x += ROWS * ldx, acc += ROWS * ldacc)
        tile_s8(ROWS, panels, x, ldx, w, w_sum, k, acc, ldacc);
    if (m == 2)
        tile_s8(2, panels, x, ldx, w, w_sum, k, acc, ldacc);
    else if (m == 1)
        tile_s8(1, panels, x, ldx, w, w_sum, k, acc, ldacc);
}

static void gemm_s8(const int8_t *x, size_t ldx, int m, const int8_t *w, const int32_t *w_sum, int k, int n_panels, int32_t *acc,
                    size_t ldacc)
{
    const size_t panel_bytes = (size_t)k * VA_PANEL;
    const int block = VA_BLOCK_ROWS(k);

    assert(m >= 1 && k >= 4 && k % 4 == 0);
    for (; m > 0; m -= block, x += (size_t)block * ldx, acc += (size_t)block * ldacc) {
        const int rows = m < block ? m : block;
        int p = 0;
        for (; p + PANELS <= n_panels; p += PANELS)
            panels_s8(PANELS, x, ldx, rows, w + (size_t)p * panel_bytes, w_sum + p * VA_PANEL, k, acc + p * VA_PANEL, ldacc);
        for (; p < n_panels; p++)
            panels_s8(1, x, ldx, rows, w + (size_t)p * panel_bytes, w_sum + p * VA_PANEL, k, acc + p * VA_PANEL, ldacc);
    }
}

const struct va_kernels VA_SET(avxvnni) = {
    .name = "avxvnni",
    .required = VA_CPU_AVX2 | VA_CPU_AVXVNNI,
    .dots_s8 = 1,
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
