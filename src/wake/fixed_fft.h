/* fixed_fft.h - the power spectrum of 512 real samples in 16 bit fixed point.
 *
 * 256 complex points in four stages of radix 4, then the split into the spectrum of real samples. Each stage divides by 4, rounds every
 * product and keeps 16 bits, at the places where kissfft with FIXED_POINT=16 does: the integers are the same, in any order of the
 * butterflies. Here they stand in rows of 16, for the vectors of the processor.
 * Source of the arithmetic: mborgerding/kissfft (_kiss_fft_guts.h, kiss_fft.c, kiss_fftr.c). One thread at a time; no allocation. */
#ifndef VA_WAKE_FIXED_FFT_H
#define VA_WAKE_FIXED_FFT_H

#include <stdint.h>

enum { VA_FIXED_FFT_SAMPLES = 512, VA_FIXED_FFT_POINTS = VA_FIXED_FFT_SAMPLES / 2, VA_FIXED_FFT_LANES = 16 };

/* Complex numbers by parts. */
struct va_fixed_row {
    int16_t re[VA_FIXED_FFT_LANES], im[VA_FIXED_FFT_LANES];
};
struct va_fixed_points {
    int16_t re[VA_FIXED_FFT_POINTS], im[VA_FIXED_FFT_POINTS];
};

struct va_fixed_fft {
    struct va_fixed_row twiddles[4][4][3];                                        /* stage, row of butterflies, input 1 to 3 */
    int16_t split_re[VA_FIXED_FFT_POINTS / 2], split_im[VA_FIXED_FFT_POINTS / 2]; /* turns by a quarter and 1 to 128 of 512 */
    struct va_fixed_points points, next;
};

void va_fixed_fft_init(struct va_fixed_fft *fft);

/* samples [512] -> ret_power [256]: re^2 + im^2 of the spectrum / 512 in bins 1 to 255; bin 0 is left at 0. */
void va_fixed_fft_power(struct va_fixed_fft *fft, const int16_t *samples, uint32_t *ret_power);

#endif
