/* kernels.h - the inner loops, one table of functions per instruction set.
 *
 * kernels_c.c is the readable reference and the definition of truth. Integer kernels accumulate exactly in int32, so every
 * instruction set gives the same bits; quantize_row does too. Other float kernels agree with the reference within the
 * tolerance beside them. All kernels are pure: no state, any thread; they return void and check nothing but by assert.
 *
 * Packings (made by nn/pack.h, read by every instruction set):
 *   s8 weight panel   [k/4][16 columns][4 k]  int8; k a multiple of 4. A matrix is n/16 panels one after the other.
 *   f32 weight panel  [k][16 columns]         float
 * Weights and activations are in -127..127 (never -128), so that pairs of products fit int16 sums of 2 * 127 * 127 = 32258.
 */
#ifndef VA_KERNELS_H
#define VA_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define VA_PANEL 16 /* columns of a packed panel */

struct va_kernels {
    const char *name;  /* "c", "avx2", "avxvnni", "avx512vnni", "neon", "dotprod" */
    unsigned required; /* VA_CPU_* flags */
    int dots_s8;       /* 1: has an instruction for int8 dot products, several times faster than float32: what may be either is then int8 */

    /* x [k] -> q [k] = x * (127 / max|x|) rounded to nearest even, ret_step = max|x| / 127. A row whose
     * max|x| is below 1e-30 gives q = 0, step = 0. Bit-equal on all sets (no fused multiply-add). NaN gives q = 0 and does not count
     * for the max; a row with an infinity gives q = 0, step = infinity. k >= 1. */
    void (*quantize_row)(const float *x, int k, int8_t *ret_q, float *ret_step);

    /* What q and step (of quantize_row) left of x: (x * (1 / step) - q) * 254 rounded to nearest even, within -127..127 -> ret_rest [k],
     * ret_step = step / 254. NaN, and a step that is 0 or infinite, give 0. Bit-equal on all sets. k >= 1. */
    void (*quantize_rest)(const float *x, int k, const int8_t *q, float step, int8_t *ret_rest, float *ret_step);

    /* acc [m][n_panels * 16] = x [m][k] . w. x has row stride ldx (bytes), acc row stride ldacc (int32).
     * w: n_panels s8 panels; w_sum [n_panels * 16]: sum of each column's weights (for sets that add 128 to x). k >= 4, k % 4 == 0.
     * Exact. m >= 1; kernels are good both for m = 1 (decoder, bound by reading w once) and for large m (encoder): they
     * block the rows themselves, so any m does, and read w in its order for few; threads should take parts of the panels for few rows, of
     * the rows (multiples of 12) for many. */
    void (*gemm_s8)(const int8_t *x, size_t ldx, int m, const int8_t *w, const int32_t *w_sum, int k, int n_panels, int32_t *acc,
                    size_t ldacc);

    /* out [m][n] = sum of acc [i * terms + t][j] * (x_step[i * terms + t] * w_step[j]) over t, + bias[j] (bias may be NULL). terms is 1
     * or 2. Bit-equal on all sets (in this order, no fused multiply-add). */
    void (*dequantize)(const int32_t *acc, size_t ldacc, int terms, int m, int n, const float *x_step, const float *w_step,
                       const float *bias, float *out, size_t ldout);

    /* c [m][16] (row stride ldc) = a [m][k] (row stride lda) . b [k][16] (row stride ldb: 16 for packed panels, more for rows of a
     * larger matrix), added to c when accumulate. Sums in float in order of k (fused multiply-add allowed): 1e-5 relative to |a||b|. */
    void (*gemm_f32)(const float *a, size_t lda, int m, const float *b, size_t ldb, int k, float *c, size_t ldc, int accumulate);

    /* y += x; x += bias: both [n] */
    void (*add)(float *y, const float *x, int n);

    /* In place x [n] -> GELU in its erf form, absolute error below 2e-6 for |x| < 10; beyond, x within 1e-6 relative above and 0 within
     * 1e-20 below. */
    void (*gelu)(float *x, int n);

    /* out [n] = (x - mean) / sqrt(var + 1e-5) * gamma + beta; biased variance, two passes. 1e-5. out may be x. */
    void (*layer_norm)(const float *x, const float *gamma, const float *beta, int n, float *out);

    /* max of x [n]; n >= 1. Exact. */
    float (*max)(const float *x, int n);

    /* x [n] -> exp(x * scale - shift) in place, returns the sum. x * scale is rounded before the subtraction. x * scale - shift <= ~0;
     * -infinity gives 0, values below -87 may. 2e-6 relative. */
    float (*exp_sum)(float *x, int n, float scale, float shift);

    /* Sum of exp(x - shift) without storing. 2e-6 relative. */
    float (*sum_exp)(const float *x, int n, float shift);

    /* x [n] *= s */
    void (*scale)(float *x, int n, float s);

    /* y *= x: both [n] */
    void (*multiply)(float *y, const float *x, int n);

    /* Attention of one query over n cached rows of 64 values. Row i is at rows + index[i] * 64 (index NULL: i).
     * scores [n] = q . row. */
    void (*scores_f32)(const float *q /* [64] */, const float *rows, const int32_t *index, int n, float *scores);
    void (*scores_f16)(const float *q /* [64] */, const uint16_t *rows, const int32_t *index, int n, float *scores);
    /* out [64] = sum of p[i] * row. */
    void (*mix_f32)(const float *p, const float *rows, const int32_t *index, int n, float *out);
    void (*mix_f16)(const float *p, const uint16_t *rows, const int32_t *index, int n, float *out);

    /* IEEE binary16, round to nearest even, with subnormals, infinities and quiet NaNs. Exact. */
    void (*to_f16)(const float *x, int n, uint16_t *out);
};

enum {
    VA_CPU_AVX2 = 1u << 0, /* with FMA and F16C */
    VA_CPU_AVXVNNI = 1u << 1,
    VA_CPU_AVX512VNNI = 1u << 2, /* with AVX-512 F, BW, DQ, VL */
    VA_CPU_NEON = 1u << 3,
    VA_CPU_DOTPROD = 1u << 4,
};

/* What this processor and its operating system offer (CPUID and XGETBV, or hwcaps). */
unsigned va_cpu_flags(void);

/* The best set for this processor, or the one named; NULL when it is unknown or this processor cannot run it. */
const struct va_kernels *va_kernels_select(const char *name);

/* The i-th set compiled in, best first, whatever the processor; NULL after the last. */
const struct va_kernels *va_kernels_at(int i);

#endif
