/* log_mel.h - Whisper's front end: 80 log-mel bands, a frame every 160 samples.
 *
 * Periodic Hann window of 400, 201 bins of power spectrum, Slaney mel filters from 0 to 8000 Hz, log10.
 * The clamp at (maximum - 8) and the scaling need the maximum over the window, so they are a second step (va_log_mel_scale).
 * Source of the algorithm: openai/whisper, whisper/audio.py. One object per thread; no allocation after _new. */
#ifndef VA_DSP_LOG_MEL_H
#define VA_DSP_LOG_MEL_H

#include "base/error.h"

#define VA_MEL_BANDS 80
#define VA_MEL_HOP_SAMPLES 160
#define VA_MEL_WINDOW_SAMPLES 400

typedef struct va_log_mel va_log_mel;

VA_MUST_CHECK int va_log_mel_new(va_log_mel **ret_mel, va_error *error);
void va_log_mel_free(va_log_mel *mel);

/* pcm [n_samples] f32 16 kHz, taken as followed by zeros up to n_frames * 160 samples and then mirrored (and mirrored before its
 * start) by 200 samples, as a window of that length would be. ret_mel [n_frames][80] time-major: log10(max(mel power, 1e-10)).
 * ret_max: the largest value. */
void va_log_mel_compute(va_log_mel *mel, const float *pcm, size_t n_samples, size_t n_frames, float *ret_mel, float *ret_max);

/* In place over [n_frames][80]: (max(v, max - 8) + shift + 4) / 4. shift: 0 as published; 2 x in log10 is as if pcm were 10^x times louder.
 */
void va_log_mel_scale(float *mel, size_t n_frames, float max, float shift);

/* The filter bank [80][201], bit-identical to the published table. */
void va_log_mel_filters(float ret_filters[VA_MEL_BANDS * 201]);

#endif
