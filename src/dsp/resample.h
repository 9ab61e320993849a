/* resample.h - any sample rate to 16 kHz. Flat to 7.2 kHz, -115 dB from 8.2 kHz on. One object per stream and thread. */
#ifndef VA_DSP_RESAMPLE_H
#define VA_DSP_RESAMPLE_H

#include "base/error.h"

typedef struct va_resampler va_resampler;

/* from_hz: 1000 .. 768000, else VA_EUNSUPPORTED. */
VA_MUST_CHECK int va_resampler_new(uint32_t from_hz, uint32_t to_hz, va_resampler **ret_resampler, va_error *error);
void va_resampler_free(va_resampler *resampler);

/* in [n_in] -> out [capacity]; ret_used and ret_made say how many samples were taken and given. The filter's delay is removed at
 * the start; after the input's end, call with in = NULL to drain until ret_made is 0, so that the lengths agree. */
void va_resampler_run(va_resampler *resampler, const float *in, size_t n_in, float *out, size_t capacity, size_t *ret_used,
                      size_t *ret_made);

#endif
