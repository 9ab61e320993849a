#include "nn/pack.h"

#include <math.h>
#include <string.h>

/* Where element (row, i) of a packed matrix stands. */
static size_t s8_at(int k, int row, int i)
{
    return (size_t)(row / VA_PANEL) * VA_PANEL * (size_t)k + (size_t)(i / 4) * VA_PANEL * 4 + (size_t)(row % VA_PANEL) * 4 +
           (size_t)(i % 4);
}

static size_t f32_at(int k, int row, int i)
{
    return (size_t)(row / VA_PANEL) * VA_PANEL * (size_t)k + (size_t)i * VA_PANEL + (size_t)(row % VA_PANEL);
}

void va_pack_s8(const float *w, int n, int k, int8_t *ret_data, float *ret_step, int32_t *ret_sum)
{
    for (int row = 0; row < VA_PACKED_ROWS(n); row++) {
        const float *from = row < n ? w + (size_t)row * (size_t)k : NULL;
        float max = 0;
        for (int i = 0; from != NULL && i < k; i++)
            max = fmaxf(max, fabsf(from[i]));
        float inverse = 127.0f / max;
        if (!isfinite(inverse)) { /* no row, or all (as good as) zero */
            from = NULL;
            max = 0;
        }
        int32_t sum = 0;
        for (int i = 0; i < k; i++) {
            int8_t q = from != NULL ? (int8_t)lrintf(from[i] * inverse) : 0;
            ret_data[s8_at(k, row, i)] = q;
            sum += q;
        }
        ret_step[row] = max / 127.0f;
        ret_sum[row] = sum;
    }
}

void va_pack_s8_quantized(const int8_t *w, int n, int k, int8_t *ret_data, int32_t *ret_sum)
{
    for (int row = 0; row < VA_PACKED_ROWS(n); row++) {
        int32_t sum = 0;
        for (int i = 0; i < k; i++) {
            int8_t q = row < n ? w[(size_t)row * (size_t)k + (size_t)i] : 0;
            if (q == -128)
                q = -127;
            ret_data[s8_at(k, row, i)] = q;
            sum += q;
        }
        ret_sum[row] = sum;
    }
}

void va_pack_f32(const float *w, int n, int k, float *ret_data)
{
    for (int row = 0; row < VA_PACKED_ROWS(n); row++)
        for (int i = 0; i < k; i++)
            ret_data[f32_at(k, row, i)] = row < n ? w[(size_t)row * (size_t)k + (size_t)i] : 0.0f;
}

void va_unpack_s8_row(const int8_t *data, const float *step, int k, int j, float *ret_row)
{
    for (int i = 0; i < k; i++)
        ret_row[i] = (float)data[s8_at(k, j, i)] * step[j];
}

void va_unpack_f32_row(const float *data, int k, int j, float *ret_row)
{
    for (int i = 0; i < k; i++)
        ret_row[i] = data[f32_at(k, j, i)];
}
