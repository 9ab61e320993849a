/* kernels_internal.h - what the instruction sets share with the table. Declarations only: a function defined in a header and
 * compiled with AVX-512 could be the copy the linker keeps for every processor. */
#ifndef VA_KERNELS_INTERNAL_H
#define VA_KERNELS_INTERNAL_H

#include "kernels/kernels.h"

#define VA_HEAD 64             /* values of an attention row */
#define VA_QUANTIZE_MIN 1e-30f /* a row whose largest value is below counts as zeros: 127 / max stays finite */

/* A helper compiled anew for its constant arguments, and a loop over its accumulators: unrolled early enough for them to live in registers
 * (clang does so by itself). */
#define VA_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define VA_UNROLL
#else
#define VA_UNROLL _Pragma("GCC unroll 16")
#endif

/* Rows of x [m][k] bytes that stay in the second-level cache while all panels of w pass; a multiple of every tile. */
#define VA_BLOCK_ROWS(k) (65536 / (k) / 12 * 12 + 12)

/* 1 / step of a quantised row; 0, which makes the rest zeros, for a row of zeros or with an infinity. */
float va_inverse_step(float step);

/* Coefficients, highest power first, of the polynomials that all vector sets share (kernels.c).
 *
 * GELU: gelu(x) = max(x, 0) - h(|x|), where h(a) = a * erfc(a / sqrt 2) / 2 is a bump below 0.17 that is 0 (within 1e-7) from 5.5 on.
 * h(a) = (5.5 - a) * polynomial of a / 2.75 - 1: within 5.4e-7, 8e-7 with rounding; exactly 0 at 5.5, so that x stays x and 0 stays 0. */
enum { VA_GELU_TERMS = 14 };
extern const float va_gelu_bump[VA_GELU_TERMS];

extern const struct va_kernels va_kernels_c, va_kernels_avx2, va_kernels_avxvnni, va_kernels_avx512vnni, va_kernels_neon,
    va_kernels_dotprod;

#endif
