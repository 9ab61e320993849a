#include "nn/linear.h"

#include <string.h>

#include "nn/pack.h"

/* A tile of int32 sums stays in the first-level cache between the product and its conversion: 48 rows of 64 columns are 12 kB. */
#define TILE_ROWS 48
#define TILE_PANELS 4

struct va_rows va_rows_prepare(const struct va_kernels *kernels, const struct va_linear *w, const float *x, size_t ldx, int m, int8_t *q,
                               float *step)
{
    if (w->s8 == NULL)
        return (struct va_rows){.f = x, .ldf = ldx};
    for (int i = 0; i < m; i++)
        kernels->quantize_row(x + (size_t)i * ldx, w->k, q + (size_t)i * (size_t)w->k, &step[i]);
    return (struct va_rows){.q = q, .step = step};
}

static void forward_s8(const struct va_kernels *kernels, const struct va_linear *w, const struct va_rows *x, int m, int first_panel,
                       int n_panels, float *out, size_t ldout)
{
    int32_t acc[TILE_ROWS * TILE_PANELS * VA_PANEL] __attribute__((aligned(64)));
    size_t k = (size_t)w->k;

    for (int p = 0; p < n_panels; p += TILE_PANELS) {
        int panels = n_panels - p < TILE_PANELS ? n_panels - p : TILE_PANELS;
        size_t column = (size_t)(first_panel + p) * VA_PANEL;
        for (int i = 0; i < m; i += TILE_ROWS) {
            int rows = m - i < TILE_ROWS ? m - i : TILE_ROWS;
            kernels->gemm_s8(x->q + (size_t)i * k, k, rows, w->s8 + column * k, w->sum + column, w->k, panels, acc, TILE_PANELS * VA_PANEL);
            kernels->dequantize(acc, TILE_PANELS * VA_PANEL, rows, panels * VA_PANEL, x->step + i, w->step + column,
                                w->bias == NULL ? NULL : w->bias + column, out + (size_t)i * ldout + (size_t)p * VA_PANEL, ldout);
        }
    }
}

static void forward_f32(const struct va_kernels *kernels, const struct va_linear *w, const struct va_rows *x, int m, int first_panel,
                        int n_panels, float *out, size_t ldout)
{
    for (int p = 0; p < n_panels; p++) {
        size_t column = (size_t)(first_panel + p) * VA_PANEL;
        float *tile = out + (size_t)p * VA_PANEL;
        kernels->gemm_f32(x->f, x->ldf, m, w->f32 + column * (size_t)w->k, VA_PANEL, w->k, tile, ldout, 0);
        if (w->bias != NULL)
            for (int i = 0; i < m; i++)
                kernels->add(tile + (size_t)i * ldout, w->bias + column, VA_PANEL);
    }
}

void va_linear_forward(const struct va_kernels *kernels, const struct va_linear *w, const struct va_rows *x, int m, int first_panel,
                       int n_panels, float *out, size_t ldout)
{
    if (w->s8 != NULL)
        forward_s8(kernels, w, x, m, first_panel, n_panels, out, ldout);
    else
        forward_f32(kernels, w, x, m, first_panel, n_panels, out, ldout);
}

void va_linear_row(const struct va_linear *w, int j, float *ret_row)
{
    if (w->s8 != NULL)
        va_unpack_s8_row(w->s8, w->step, w->k, j, ret_row);
    else
        va_unpack_f32_row(w->f32, w->k, j, ret_row);
}
