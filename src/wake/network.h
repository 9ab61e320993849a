/* network.h - one inference of a wake word network in int8: new frames go in, a probability comes out, the rest is state.
 *
 * Sums are exact; what becomes of them is rounded as TensorFlow Lite does it on x86, so that outputs are equal to those of the package
 * pymicro-wakeword bit by bit, on every processor. Pure but for the state that is given; no allocation.
 * Source of the algorithm: kahrendt/microWakeWord (the streaming network), tensorflow/lite (fixed-point multipliers). */
#ifndef VA_WAKE_NETWORK_H
#define VA_WAKE_NETWORK_H

#include "wake/features.h"
#include "wake/layout.h"

struct va_wake_layer {
    int32_t field[VA_WAKE_FIELDS];
    const int8_t *weight;
    const int32_t *bias, *multiplier, *shift, *away; /* [out] */
};

struct va_wake_network {
    int n_layers, step; /* frames an inference */
    struct va_wake_layer layer[VA_WAKE_MAX_LAYERS];
    double input_scale;
    int32_t input_zero;
    const uint8_t *sigmoid; /* [256] */
    size_t state_bytes;     /* of int8 */
};

/* state [state_bytes]: as before the first frame. */
void va_wake_network_reset(const struct va_wake_network *network, int8_t *state);

/* A frame of features as the network wants it, at most 127. */
void va_wake_network_quantize(const struct va_wake_network *network, const uint16_t frame[VA_WAKE_CHANNELS],
                              int8_t ret_frame[VA_WAKE_CHANNELS]);

/* frames [step][VA_WAKE_CHANNELS], quantised -> the probability in 256ths. */
uint8_t va_wake_network_run(const struct va_wake_network *network, int8_t *state, const int8_t *frames);

#endif
