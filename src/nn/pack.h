/* pack.h - float weights to the packings that all kernels read (kernels/kernels.h). Pure; any thread. */
#ifndef VA_NN_PACK_H
#define VA_NN_PACK_H

#include "kernels/kernels.h"

/* Rows of a packed matrix: n rounded up to whole panels; the rows added are zero. */
#define VA_PACKED_ROWS(n) (((n) + VA_PANEL - 1) / VA_PANEL * VA_PANEL)

/* w [n, k] row-major -> ret_data [VA_PACKED_ROWS(n) * k] as s8 panels; step[j] = max|row| / 127 (q = rint(w / step), computed as
 * rint(w * (127 / max))); sum[j] = sum of the row's q. step and sum have VA_PACKED_ROWS(n) elements. k % 4 == 0. */
void va_pack_s8(const float *w, int n, int k, int8_t *ret_data, float *ret_step, int32_t *ret_sum);

/* The same from weights that are int8 already, with step[j] given: values of -128 become -127. */
void va_pack_s8_quantized(const int8_t *w, int n, int k, int8_t *ret_data, int32_t *ret_sum);

/* w [n, k] row-major -> ret_data [VA_PACKED_ROWS(n) * k] as f32 panels. */
void va_pack_f32(const float *w, int n, int k, float *ret_data);

/* Row j of the packed matrix back to floats [k]. */
void va_unpack_s8_row(const int8_t *data, const float *step, int k, int j, float *ret_row);
void va_unpack_f32_row(const float *data, int k, int j, float *ret_row);

#endif
