/* kernels_internal.h - what the instruction sets share with the table. Declarations only: a function defined in a header and
 * compiled with AVX-512 could be the copy the linker keeps for every processor. */
#ifndef VA_KERNELS_INTERNAL_H
#define VA_KERNELS_INTERNAL_H

#include "kernels/kernels.h"

#define VA_HEAD 64              /* values of an attention row */
#define VA_QUANTIZE_MIN 1e-30f  /* a row whose largest value is below counts as zeros: 127 / max stays finite */

/* Rows of x [m][k] bytes that stay in the second-level cache while all panels of w pass; a multiple of every tile. */
#define VA_BLOCK_ROWS(k) (65536 / (k) / 12 * 12 + 12)

extern const struct va_kernels va_kernels_c, va_kernels_avx2, va_kernels_avxvnni, va_kernels_avx512vnni, va_kernels_neon, va_kernels_dotprod;

#endif
