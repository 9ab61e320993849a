/* linear.h - y = x . W^T + b on packed weights, int8 or float32 behind one interface.
 *
 * Rows are independent and columns are too, so work may be cut anywhere (by rows in the encoder, by columns in the decoder) and
 * gives the same bits. Pure; any thread. */
#ifndef VA_NN_LINEAR_H
#define VA_NN_LINEAR_H

#include "kernels/kernels.h"

/* Views into a mapped model file. Exactly one of s8 and f32 is set. */
struct va_linear {
    int n, k;           /* outputs (rows of W), inputs; k % 4 == 0 */
    const int8_t *s8;   /* [P(n) / 16] s8 panels */
    const float *f32;   /* [P(n) / 16] f32 panels */
    const float *step;  /* [P(n)] s8 only */
    const int32_t *sum; /* [P(n)] s8 only */
    const float *bias;  /* [P(n)] or NULL */
};

/* How finely an int8 linear's input is quantised. VA_FINE adds a second int8 row for what the first one's rounding left, which takes
 * the input's error away: twice the products for the same weights, so it is nearly free where reading the weights is the work. */
enum va_fineness { VA_COARSE = 1, VA_FINE = 2 };

/* m rows of input, as int8 linears (q, step) or float ones (f) want them. */
struct va_rows {
    const float *f; /* [m] rows of stride ldf */
    size_t ldf;
    enum va_fineness fineness;
    const int8_t *q;   /* [m * fineness][k]: with VA_FINE, a row and what it left, in turn */
    const float *step; /* [m * fineness] */
};

/* Rows of float input, made ready for w: quantised into q [m * fineness][k] and step [m * fineness] when w is int8, else passed on. */
struct va_rows va_rows_prepare(const struct va_kernels *kernels, const struct va_linear *w, const float *x, size_t ldx, int m,
                               enum va_fineness fineness, int8_t *q, float *step);

/* out [m][n_panels * 16] (row stride ldout) = x . W^T + b for the columns of panels first_panel ..; columns beyond n get 0. */
void va_linear_forward(const struct va_kernels *kernels, const struct va_linear *w, const struct va_rows *x, int m, int first_panel,
                       int n_panels, float *out, size_t ldout);

/* Row j of W as floats [k] (the token embedding). */
void va_linear_row(const struct va_linear *w, int j, float *ret_row);

static inline int va_linear_panels(const struct va_linear *w)
{
    return (w->n + VA_PANEL - 1) / VA_PANEL;
}

#endif
