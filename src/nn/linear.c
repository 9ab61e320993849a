#include "nn/linear.h"

#include "nn/pack.h"

/* A tile of int32 sums stays in the first-level cache between the product and its conversion: 48 rows of 64 columns are 12 kB. Fewer rows
 * have more columns, so that the stream of weights is seldom interrupted. */
#define TILE_ROWS 48
#define TILE_COLUMNS (4 * VA_PANEL)

struct va_rows va_rows_prepare(const struct va_kernels *kernels, const struct va_linear *w, const float *x, size_t ldx, int m,
                               enum va_fineness fineness, int8_t *q, float *step)
{
    size_t k = (size_t)w->k, terms = (size_t)fineness;

    if (w->s8 == NULL)
        return (struct va_rows){.f = x, .ldf = ldx};
    for (size_t i = 0; i < (size_t)m; i++) {
        int8_t *row = q + i * terms * k;
        kernels->quantize_row(x + i * ldx, w->k, row, &step[i * terms]);
        if (fineness == VA_FINE)
            kernels->quantize_rest(x + i * ldx, w->k, row, step[i * terms], row + k, &step[i * terms + 1]);
    }
    return (struct va_rows){.fineness = fineness, .q = q, .step = step};
}

static void forward_s8(const struct va_kernels *kernels, const struct va_linear *w, const struct va_rows *x, int m, int first_panel,
                       int n_panels, float *out, size_t ldout)
{
    int32_t acc[TILE_ROWS * TILE_COLUMNS] __attribute__((aligned(64)));
    size_t k = (size_t)w->k;
    int terms = (int)x->fineness;
    int most = m * terms < TILE_ROWS ? m : TILE_ROWS / terms;                                 /* rows of a tile */
    int wide = TILE_ROWS / (most * terms) * TILE_COLUMNS / VA_PANEL, ldacc = wide * VA_PANEL; /* its panels */

    for (int p = 0; p < n_panels; p += wide) {
        int panels = n_panels - p < wide ? n_panels - p : wide;
        size_t column = (size_t)(first_panel + p) * VA_PANEL;
        const float *bias = w->bias == NULL ? NULL : w->bias + column;
        for (int i = 0; i < m; i += most) {
            int rows = m - i < most ? m - i : most;
            kernels->gemm_s8(x->q + (size_t)(i * terms) * k, k, rows * terms, w->s8 + column * k, w->sum + column, w->k, panels, acc,
                             (size_t)ldacc);
            kernels->dequantize(acc, (size_t)ldacc, terms, rows, panels * VA_PANEL, x->step + i * terms, w->step + column, bias,
                                out + (size_t)i * ldout + (size_t)p * VA_PANEL, ldout);
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
