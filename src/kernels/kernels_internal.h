/* kernels_internal.h - what the instruction sets share with the table. Declarations only: a function defined in a header and
 * compiled with AVX-512 could be the copy the linker keeps for every processor. */
#ifndef VA_KERNELS_INTERNAL_H
#define VA_KERNELS_INTERNAL_H

#include "kernels/kernels.h"

#define VA_HEAD 64              /* values of an attention row */
#define VA_QUANTIZE_MIN 1e-30f  /* a row whose largest value is below counts as zeros: 127 / max stays finite */

extern const struct va_kernels va_kernels_c;

#endif
