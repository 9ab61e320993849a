/* fft.h - the Fourier transform of real samples (kissfft does it). One object per thread; no allocation after _new. */
#ifndef VA_DSP_FFT_H
#define VA_DSP_FFT_H

#include "base/error.h"

typedef struct va_fft va_fft;

/* n: samples; even, 2..65536. */
VA_MUST_CHECK int va_fft_new(int n, va_fft **ret_fft, va_error *error);
void va_fft_free(va_fft *fft);

/* samples [n] -> ret_bins [n / 2 + 1][2]: real and imaginary part of sum(x[t] exp(-2 pi i f t / n)), f = 0 .. n / 2. */
void va_fft_real(va_fft *fft, const float *samples, float *ret_bins);

#endif
