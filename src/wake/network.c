#include "wake/network.h"

#include <math.h>
#include <string.h>

/* A feature of the front end stands for so much of the network's input. */
static const double FEATURE_SCALE = 10.0 / 256.0;

static size_t window_bytes(const struct va_wake_layer *layer)
{
    return (size_t)layer->field[VA_WAKE_FIELD_ROWS] * (size_t)layer->field[VA_WAKE_FIELD_IN];
}

void va_wake_network_reset(const struct va_wake_network *network, int8_t *state)
{
    for (int i = 0; i < network->n_layers; i++) {
        memset(state, network->layer[i].field[VA_WAKE_FIELD_INITIAL], window_bytes(&network->layer[i]));
        state += window_bytes(&network->layer[i]);
    }
}

void va_wake_network_quantize(const struct va_wake_network *network, const uint16_t frame[VA_WAKE_CHANNELS],
                              int8_t ret_frame[VA_WAKE_CHANNELS])
{
    for (int i = 0; i < VA_WAKE_CHANNELS; i++) {
        double value = rint(frame[i] * FEATURE_SCALE / network->input_scale + network->input_zero);
        ret_frame[i] = (int8_t)(value > 127.0 ? 127.0 : value < -128.0 ? -128.0 : value);
    }
}

/* sum * multiplier / 2^31 / 2^shift, rounded in both steps. Halves go up; in the second step, with `away`, away from zero. */
static int32_t scale_down(int32_t sum, int32_t multiplier, int32_t shift, int32_t away)
{
    int64_t product = (int64_t)sum * multiplier;
    int32_t high = (int32_t)((product + (1 << 30)) >> 31);
    int64_t half = shift == 0 ? 0 : (int64_t)1 << (shift - 1);

    return (int32_t)((high + half - (away && high < 0 && shift > 0)) >> shift);
}

static void finish(const struct va_wake_layer *layer, const int32_t *sums, int8_t *out)
{
    int32_t zero = layer->field[VA_WAKE_FIELD_ZERO], least = layer->field[VA_WAKE_FIELD_LEAST];

    for (int i = 0; i < layer->field[VA_WAKE_FIELD_OUT]; i++) {
        int32_t value = scale_down(sums[i], layer->multiplier[i], layer->shift[i], layer->away[i]) + zero;
        out[i] = (int8_t)(value > 127 ? 127 : value < least ? least : value);
    }
}

static int32_t dot(const int8_t *restrict a, const int8_t *restrict b, int n)
{
    int32_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void run_layer(const struct va_wake_layer *layer, const int8_t *window, int8_t *out)
{
    int rows = layer->field[VA_WAKE_FIELD_ROWS], in = layer->field[VA_WAKE_FIELD_IN], n = layer->field[VA_WAKE_FIELD_OUT];
    int32_t sums[VA_WAKE_MAX_WIDTH];

    if (layer->field[VA_WAKE_FIELD_KIND] == VA_WAKE_DENSE) {
        for (int i = 0; i < n; i++)
            sums[i] = layer->bias[i] + dot(window, layer->weight + (ptrdiff_t)i * rows * in, rows * in);
    } else {
        memcpy(sums, layer->bias, (size_t)n * sizeof *sums);
        for (int row = 0; row < rows; row++)
            for (int i = 0; i < n; i++)
                sums[i] += window[row * n + i] * layer->weight[row * n + i];
    }
    finish(layer, sums, out);
}

uint8_t va_wake_network_run(const struct va_wake_network *network, int8_t *state, const int8_t *frames)
{
    int8_t row[VA_WAKE_MAX_WIDTH];
    const int8_t *input = frames;

    for (int i = 0; i < network->n_layers; i++) {
        const struct va_wake_layer *layer = &network->layer[i];
        size_t bytes = window_bytes(layer), fresh = (size_t)layer->field[VA_WAKE_FIELD_STEP] * (size_t)layer->field[VA_WAKE_FIELD_IN];
        memmove(state, state + fresh, bytes - fresh);
        memcpy(state + bytes - fresh, input, fresh);
        run_layer(layer, state, row);
        state += bytes;
        input = row;
    }
    return network->sigmoid[input[0] + 128];
}
