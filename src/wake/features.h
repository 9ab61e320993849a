/* features.h - what the wake word network hears: 40 channels of the spectrum, a frame every 10 ms, in integers.
 *
 * Hann window of 30 ms, Fourier transform in 16 bit, 40 triangles on the mel scale from 125 to 7500 Hz, square root, a slow estimate of
 * the noise of each channel taken off, a gain by that estimate (PCAN), logarithm. The network was trained on exactly these integers and
 * keeps a state, so every bit counts: frames are equal to those of pymicro-features 2.0.2. A value x stands for x * 10/256 as the
 * network's input in float. The noise estimate starts at zero: the first second after a reset reads too loud.
 * Source of the algorithm: TensorFlow Lite "microfrontend" with the settings of pymicro-features (window 30 ms, step 10 ms, smoothing
 * 0.025 and 0.06 of 10 bits, at least 0.05 of a signal kept, PCAN strength 0.95 offset 80 in 21 bits, log scale 64); PCAN: Wang et al.,
 * Trainable frontend for robust and far-field keyword spotting (2017). */
#ifndef VA_WAKE_FEATURES_H
#define VA_WAKE_FEATURES_H

#include "base/error.h"

enum { VA_WAKE_STEP_SAMPLES = 160, VA_WAKE_WINDOW_SAMPLES = 480, VA_WAKE_CHANNELS = 40 };

typedef struct va_wake_features va_wake_features; /* one stream's state; one thread; no allocation after _new */

VA_MUST_CHECK int va_wake_features_new(va_wake_features **ret_features, va_error *error);
void va_wake_features_free(va_wake_features *features);
void va_wake_features_reset(va_wake_features *features);

/* Takes the next pcm [VA_WAKE_STEP_SAMPLES], 16 kHz. Returns 1 with a frame in ret_frame [VA_WAKE_CHANNELS], or 0 while the first window
 * fills. */
int va_wake_features_push(va_wake_features *features, const int16_t *pcm, uint16_t *ret_frame);

#endif
