#include "wake/import_layer.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

enum { ACTIVATION_NONE = 0, ACTIVATION_RELU = 1, PADDING_VALID = 1 };

/* TensorFlow Lite on x86 rounds a depthwise convolution in blocks of this many channels in one way and what is left in another. */
enum { DEPTHWISE_BLOCK = 8 };

static int other(va_error *error, const char *what)
{
    return va_fail(error, VA_EUNSUPPORTED, "not a streaming microWakeWord network: %s", what);
}

/* Fields of the options by operator; -1: it has none. */
struct option_fields {
    int activation, padding, depth_multiplier, dilation_w, dilation_h, format;
};

static int check_options(const struct va_wake_source *s, int *ret_relu, va_error *error)
{
    static const struct option_fields conv = {3, 0, -1, 4, 5, -1}, depthwise = {4, 0, 3, 5, 6, -1}, full = {0, -1, -1, -1, -1, 1};
    const struct option_fields *f = s->op->code == VA_TFLITE_CONV_2D           ? &conv
                                    : s->op->code == VA_TFLITE_FULLY_CONNECTED ? &full
                                                                               : &depthwise;
    /* Field, its size, what stands there when it is left out; then what is fine. */
    const struct {
        int field, bytes, otherwise, least, most;
    } wanted[] = {{f->activation, 1, 0, ACTIVATION_NONE, ACTIVATION_RELU},
                  {f->padding, 1, 0, s->rows > 1 ? PADDING_VALID : 0, PADDING_VALID},
                  {f->depth_multiplier, 4, 0, 1, 1},
                  {f->dilation_w, 4, 1, 1, 1},
                  {f->dilation_h, 4, 1, 1, 1},
                  {f->format, 1, 0, 0, 0}};
    int32_t value;

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (wanted[i].field < 0)
            continue;
        int r = va_tflite_option(s->model, s->op, wanted[i].field, wanted[i].bytes, wanted[i].otherwise, &value, error);
        if (r < 0)
            return r;
        if (value < wanted[i].least || value > wanted[i].most)
            return other(error, "a layer has an option of another kind");
        if (i == 0)
            *ret_relu = value == ACTIVATION_RELU;
    }
    return 0;
}

/* Outputs of the operator, or -1: its weights have another shape. */
static int outputs_of(const struct va_wake_source *s)
{
    const struct va_tflite_tensor *w = s->weight;
    const int32_t *d = w->dim;
    size_t seen = (size_t)s->rows * (size_t)s->channels;

    if (w->type != VA_TFLITE_INT8 || w->data == NULL || w->zero_point != 0 || d[0] < 1)
        return -1;
    if (s->op->code == VA_TFLITE_DEPTHWISE_CONV_2D)
        return w->rank == 4 && d[0] == 1 && d[1] == s->rows && d[2] == 1 && d[3] == s->channels ? s->channels : -1;
    if (s->channel != 0 || s->channels != s->window_channels)
        return -1;
    if (s->op->code == VA_TFLITE_CONV_2D)
        return w->rank == 4 && d[1] == s->rows && d[2] == 1 && d[3] == s->channels ? d[0] : -1;
    return w->rank == 2 && (size_t)d[1] == seen ? d[0] : -1;
}

static int check_shapes(const struct va_wake_source *s, int *ret_out, va_error *error)
{
    int out = outputs_of(s), axis = s->op->code == VA_TFLITE_DEPTHWISE_CONV_2D ? 3 : 0;

    if (out < 0 || s->out->count != (size_t)out)
        return other(error, "a layer has weights or an output of another shape");
    if (s->bias != NULL && (s->bias->type != VA_TFLITE_INT32 || s->bias->data == NULL || s->bias->count != (size_t)out))
        return other(error, "a layer has a bias of another shape");
    if (s->weight->scales.n != 1 && (s->weight->scales.n != (size_t)out || s->weight->axis != axis))
        return other(error, "a layer has scales of another shape");
    if (s->window_rows > VA_WAKE_MAX_ROWS || s->window_channels > VA_WAKE_MAX_WIDTH || out > VA_WAKE_MAX_WIDTH)
        return va_fail(error, VA_ELIMIT, "a layer has %d rows of %d channels and %d outputs; at most %d, %d and %d are possible",
                       s->window_rows, s->window_channels, out, VA_WAKE_MAX_ROWS, VA_WAKE_MAX_WIDTH, VA_WAKE_MAX_WIDTH);
    *ret_out = out;
    return 0;
}

static int begin(const struct va_wake_source *s, int depthwise, int out, int32_t least, struct va_wake_draft_layer *layer, va_error *error)
{
    size_t window = (size_t)s->window_rows * (size_t)s->window_channels;

    if (layer->weight != NULL) { /* an earlier group of channels did */
        if (layer->field[VA_WAKE_FIELD_LEAST] != least)
            return other(error, "groups of channels differ in their activation");
        return 0;
    }
    if ((layer->weight = va_calloc(depthwise ? window : window * (size_t)out, 1)) == NULL ||
        (layer->bias = va_calloc((size_t)out, sizeof *layer->bias)) == NULL ||
        (layer->requant = va_calloc((size_t)out, 3 * sizeof *layer->requant)) == NULL)
        return va_fail_memory(error);
    layer->field[VA_WAKE_FIELD_KIND] = depthwise ? VA_WAKE_DEPTHWISE : VA_WAKE_DENSE;
    layer->field[VA_WAKE_FIELD_ROWS] = s->window_rows;
    layer->field[VA_WAKE_FIELD_STEP] = s->step;
    layer->field[VA_WAKE_FIELD_IN] = s->window_channels;
    layer->field[VA_WAKE_FIELD_OUT] = out;
    layer->field[VA_WAKE_FIELD_INITIAL] = s->zero;
    layer->field[VA_WAKE_FIELD_ZERO] = (int32_t)s->out->zero_point;
    layer->field[VA_WAKE_FIELD_LEAST] = least;
    return 0;
}

/* scale = multiplier / 2^31 / 2^shift, as TensorFlow Lite takes it apart. */
static int add_requant(double scale, int32_t *ret_multiplier, int32_t *ret_shift, va_error *error)
{
    int exponent;
    double fraction = frexp(scale, &exponent);
    int64_t multiplier = (int64_t)floor(fraction * 2147483648.0 + 0.5);

    if (multiplier == (int64_t)1 << 31) {
        multiplier /= 2;
        exponent++;
    }
    if (!(scale > 0.0) || exponent > 0)
        return other(error, "a layer multiplies its sums by more than 1, or by nothing");
    *ret_multiplier = exponent < -31 ? 0 : (int32_t)multiplier;
    *ret_shift = exponent < -31 ? 0 : -exponent;
    return 0;
}

/* Output j of the operator, which is output `to` of the layer: all but its weights. sum: of its weights. */
static int add_output(const struct va_wake_source *s, int j, int to, int64_t sum, struct va_wake_draft_layer *layer, va_error *error)
{
    int out = layer->field[VA_WAKE_FIELD_OUT];
    double scale = (double)s->scale * va_tflite_scale(s->weight, s->weight->scales.n == 1 ? 0 : (size_t)j) / va_tflite_scale(s->out, 0);
    int64_t bias = (s->bias == NULL ? 0 : va_tflite_int32(s->bias, (size_t)j)) - s->zero * sum;

    if (llabs(bias) > VA_WAKE_MAX_BIAS)
        return va_fail(error, VA_ELIMIT, "a layer has a bias that is too large");
    layer->bias[to] = (int32_t)bias;
    layer->requant[2 * out + to] = s->op->code == VA_TFLITE_DEPTHWISE_CONV_2D && j >= s->channels / DEPTHWISE_BLOCK * DEPTHWISE_BLOCK;
    return add_requant(scale, &layer->requant[to], &layer->requant[out + to], error);
}

int va_wake_layer_add(const struct va_wake_source *s, struct va_wake_draft_layer *layer, va_error *error)
{
    int depthwise = s->op->code == VA_TFLITE_DEPTHWISE_CONV_2D, out, relu = 0, r;

    if ((r = check_options(s, &relu, error)) < 0 || (r = check_shapes(s, &out, error)) < 0 ||
        (r = begin(s, depthwise, depthwise ? s->window_channels : out, relu ? (int32_t)s->out->zero_point : -128, layer, error)) < 0)
        return r;
    int skipped = s->window_rows - s->rows, seen = s->rows * s->channels;
    for (int j = 0; r == 0 && j < out; j++) {
        int64_t sum = 0;
        for (int i = 0; i < (depthwise ? s->rows : seen); i++) {
            int8_t w = (int8_t)s->weight->data[depthwise ? i * s->channels + j : j * seen + i];
            if (depthwise)
                layer->weight[(skipped + i) * s->window_channels + s->channel + j] = w;
            else
                layer->weight[j * (skipped * s->channels + seen) + skipped * s->channels + i] = w;
            sum += w;
        }
        r = add_output(s, j, s->channel + j, sum, layer, error);
    }
    return r;
}
