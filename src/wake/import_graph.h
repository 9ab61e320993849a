/* import_graph.h - a streaming microWakeWord network, from a graph of operators to a list of layers.
 *
 * Such a network is a chain. Each link keeps the last rows of its input in a variable, joins the new row to them, and makes one row of
 * them: by a convolution over all channels, or channel by channel, where the channels may be split in groups that see fewer rows each
 * (MixConv). The last link gives one value, whose sigmoid is the output. A graph of any other form is refused. */
#ifndef VA_WAKE_IMPORT_GRAPH_H
#define VA_WAKE_IMPORT_GRAPH_H

#include "wake/layout.h"
#include "wake/tflite.h"

struct va_wake_draft_layer {
    int32_t field[VA_WAKE_FIELDS];
    int8_t *weight; /* as in layout.h */
    int32_t *bias, *requant;
};

struct va_wake_draft {
    int n_layers, step;
    struct va_wake_draft_layer layer[VA_WAKE_MAX_LAYERS];
    float input_scale;
    int32_t input_zero;
    uint8_t sigmoid[256];
};

/* VA_EFORMAT or VA_EUNSUPPORTED say what is of another form. draft is to be freed in any case, and all zero before. */
VA_MUST_CHECK int va_wake_draft_make(const struct va_tflite *model, struct va_wake_draft *draft, va_error *error);
void va_wake_draft_free(struct va_wake_draft *draft);

#endif
