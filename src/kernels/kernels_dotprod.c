/* kernels_dotprod.c - NEON with the dot product of ARMv8.2 (sdot); everything but gemm_s8 is inherited from NEON. */
#include "kernels/kernels_arm.h"

#include <arm_neon.h>
#include <assert.h>
#include <string.h>

/* 4 k of one row: lane selects them among the 16 (or 4, repeated) values of x. */
#define STEP(sum, x, w, lane)                                  \
    do {                                                       \
        (sum)[0] = vdotq_laneq_s32((sum)[0], (w)[0], x, lane); \
        (sum)[1] = vdotq_laneq_s32((sum)[1], (w)[1], x, lane); \
        (sum)[2] = vdotq_laneq_s32((sum)[2], (w)[2], x, lane); \
        (sum)[3] = vdotq_laneq_s32((sum)[3], (w)[3], x, lane); \
    } while (0)

/* 4 k of all rows and 16 columns */
#define STEP_ROWS(lane)                                                                                   \
    do {                                                                                                  \
        const int8x16_t columns[4] = {vld1q_s8(w), vld1q_s8(w + 16), vld1q_s8(w + 32), vld1q_s8(w + 48)}; \
        VA_UNROLL                                                                                         \
        for (int i = 0; i < rows; i++)                                                                    \
            STEP(sum[i], v[i], columns, lane);                                                            \
        w += 4 * VA_PANEL;                                                                                \
    } while (0)

/* rows (1 to 4) x 16 columns */
VA_INLINE void tile_s8(const int rows, const int8_t *x, size_t ldx, const int8_t *w, int k, int32_t *acc, size_t ldacc)
{
    int32x4_t sum[4][4];
    int8x16_t v[4];
    int kk = 0;

    VA_UNROLL
    for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = sum[i][2] = sum[i][3] = vdupq_n_s32(0);
    for (; kk + 16 <= k; kk += 16) {
        VA_UNROLL
        for (int i = 0; i < rows; i++)
            v[i] = vld1q_s8(x + (size_t)i * ldx + kk);
        STEP_ROWS(0);
        STEP_ROWS(1);
        STEP_ROWS(2);
        STEP_ROWS(3);
    }
    for (; kk < k; kk += 4) {
        VA_UNROLL
        for (int i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, x + (size_t)i * ldx + kk, sizeof(four));
            v[i] = vreinterpretq_s8_s32(vdupq_n_s32(four));
        }
        STEP_ROWS(0);
    }
    VA_UNROLL
    for (int i = 0; i < rows; i++) {
        int32_t *to = acc + (size_t)i * ldacc;
        vst1q_s32(to, sum[i][0]);
        vst1q_s32(to + 4, sum[i][1]);
        vst1q_s32(to + 8, sum[i][2]);
        vst1q_s32(to + 12, sum[i][3]);
    }
}

static void panel_s8(const int8_t *x, size_t ldx, int m, const int8_t *w, int k, int32_t *acc, size_t ldacc)
{
    for (; m >= 4; m -= 4, x += 4 * ldx, acc += 4 * ldacc)
        tile_s8(4, x, ldx, w, k, acc, ldacc);
    if (m == 3)
        tile_s8(3, x, ldx, w, k, acc, ldacc);
    else if (m == 2)
        tile_s8(2, x, ldx, w, k, acc, ldacc);
    else if (m == 1)
        tile_s8(1, x, ldx, w, k, acc, ldacc);
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

const struct va_kernels va_kernels_dotprod = {
    .name = "dotprod",
    .required = VA_CPU_NEON | VA_CPU_DOTPROD,
    .dots_s8 = 1,
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
