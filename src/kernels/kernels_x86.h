/* kernels_x86.h - what the x86 sets share: the intrinsics, and the AVX2 entries that the VNNI sets inherit.
 *
 * With VA_KERNELS_EMULATED (tests only) the same sources are compiled against SIMDe into sets named va_emulated_*, so that their logic
 * can be compared with the reference on a processor without the instructions. */
#ifndef VA_KERNELS_X86_H
#define VA_KERNELS_X86_H

#include "kernels/kernels_internal.h"

#ifdef VA_KERNELS_EMULATED
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>
#include "emulated_avx512.h"
#define _mm256_dpbusd_avx_epi32 simde_mm256_dpbusd_epi32
#define VA_SET(name) va_emulated_##name
#else
#include <immintrin.h>
#define VA_SET(name) va_kernels_##name
#endif

#ifdef VA_KERNELS_EMULATED
extern const struct va_kernels va_emulated_avx2, va_emulated_avxvnni, va_emulated_avx512vnni;
#endif

void VA_SET(avx2_quantize_row)(const float *x, int k, int8_t *ret_q, float *ret_step);
void VA_SET(avx2_quantize_rest)(const float *x, int k, const int8_t *q, float step, int8_t *ret_rest, float *ret_step);
void VA_SET(avx2_dequantize)(const int32_t *acc, size_t ldacc, int terms, int m, int n, const float *x_step, const float *w_step,
                             const float *bias, float *out, size_t ldout);
void VA_SET(avx2_gemm_f32)(const float *a, size_t lda, int m, const float *b, size_t ldb, int k, float *c, size_t ldc, int accumulate);
void VA_SET(avx2_add)(float *y, const float *x, int n);
void VA_SET(avx2_gelu)(float *x, int n);
void VA_SET(avx2_layer_norm)(const float *x, const float *gamma, const float *beta, int n, float *out);
float VA_SET(avx2_max)(const float *x, int n);
float VA_SET(avx2_exp_sum)(float *x, int n, float scale, float shift);
float VA_SET(avx2_sum_exp)(const float *x, int n, float shift);
void VA_SET(avx2_scale)(float *x, int n, float s);
void VA_SET(avx2_multiply)(float *y, const float *x, int n);
void VA_SET(avx2_scores_f32)(const float *q, const float *rows, const int32_t *index, int n, float *scores);
void VA_SET(avx2_scores_f16)(const float *q, const uint16_t *rows, const int32_t *index, int n, float *scores);
void VA_SET(avx2_mix_f32)(const float *p, const float *rows, const int32_t *index, int n, float *out);
void VA_SET(avx2_mix_f16)(const float *p, const uint16_t *rows, const int32_t *index, int n, float *out);
void VA_SET(avx2_to_f16)(const float *x, int n, uint16_t *out);

#endif
