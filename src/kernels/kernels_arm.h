/* kernels_arm.h - the NEON entries that the dot-product set inherits. */
#ifndef VA_KERNELS_ARM_H
#define VA_KERNELS_ARM_H

#include "kernels/kernels_internal.h"

void va_kernels_neon_quantize_row(const float *x, int k, int8_t *ret_q, float *ret_step);
void va_kernels_neon_quantize_rest(const float *x, int k, const int8_t *q, float step, int8_t *ret_rest, float *ret_step);
void va_kernels_neon_dequantize(const int32_t *acc, size_t ldacc, int terms, int m, int n, const float *x_step, const float *w_step,
                                const float *bias, float *out, size_t ldout);
void va_kernels_neon_gemm_f32(const float *a, size_t lda, int m, const float *b, size_t ldb, int k, float *c, size_t ldc, int accumulate);
void va_kernels_neon_add(float *y, const float *x, int n);
void va_kernels_neon_gelu(float *x, int n);
void va_kernels_neon_layer_norm(const float *x, const float *gamma, const float *beta, int n, float *out);
float va_kernels_neon_max(const float *x, int n);
float va_kernels_neon_exp_sum(float *x, int n, float scale, float shift);
float va_kernels_neon_sum_exp(const float *x, int n, float shift);
void va_kernels_neon_scale(float *x, int n, float s);
void va_kernels_neon_multiply(float *y, const float *x, int n);
void va_kernels_neon_scores_f32(const float *q, const float *rows, const int32_t *index, int n, float *scores);
void va_kernels_neon_scores_f16(const float *q, const uint16_t *rows, const int32_t *index, int n, float *scores);
void va_kernels_neon_mix_f32(const float *p, const float *rows, const int32_t *index, int n, float *out);
void va_kernels_neon_mix_f16(const float *p, const uint16_t *rows, const int32_t *index, int n, float *out);
void va_kernels_neon_to_f16(const float *x, int n, uint16_t *out);

#endif
