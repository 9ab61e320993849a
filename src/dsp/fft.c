#include "dsp/fft.h"

#include <kiss_fftr.h>

#include "base/memory.h"

enum { MAX_SAMPLES = 65536 };

_Static_assert(sizeof(kiss_fft_cpx) == 2 * sizeof(float), "bins are pairs of floats");

struct va_fft {
    kiss_fftr_cfg plan;
};

int va_fft_new(int n, va_fft **ret_fft, va_error *error)
{
    size_t bytes = 0;

    if (n < 2 || n > MAX_SAMPLES || n % 2 != 0)
        return va_fail(error, VA_EINVAL, "a Fourier transform of %d samples", n);
    va_fft *fft = va_calloc(1, sizeof *fft);
    kiss_fftr_alloc(n, 0, NULL, &bytes);
    void *memory = va_alloc(bytes, 1);
    if (fft == NULL || memory == NULL) {
        va_free(memory);
        va_free(fft);
        return va_fail_memory(error);
    }
    fft->plan = kiss_fftr_alloc(n, 0, memory, &bytes);
    *ret_fft = fft;
    return 0;
}

void va_fft_free(va_fft *fft)
{
    if (fft == NULL)
        return;
    va_free(fft->plan);
    va_free(fft);
}

void va_fft_real(va_fft *fft, const float *samples, float *ret_bins)
{
    kiss_fftr(fft->plan, samples, (kiss_fft_cpx *)(void *)ret_bins);
}
