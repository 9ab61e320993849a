/* import_layer.h - the weights of one operator into a layer of a draft (import_graph.h). */
#ifndef VA_WAKE_IMPORT_LAYER_H
#define VA_WAKE_IMPORT_LAYER_H

#include "wake/import_graph.h"

/* An operator and what it sees: the last `rows` rows of the layer's input, of `channels` channels from `channel` on. */
struct va_wake_source {
    const struct va_tflite *model;
    const struct va_tflite_operator *op;                /* CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED */
    const struct va_tflite_tensor *weight, *bias, *out; /* bias may be NULL */
    int window_rows, window_channels, step;             /* of the layer's input */
    int rows, channel, channels;
    float scale; /* of the input */
    int32_t zero;
};

/* Makes the layer, or adds a group of channels to one that is depthwise. Rows that a group does not see get weights of zero. */
VA_MUST_CHECK int va_wake_layer_add(const struct va_wake_source *source, struct va_wake_draft_layer *layer, va_error *error);

#endif
