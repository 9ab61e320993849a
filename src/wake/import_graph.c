#include "wake/import_graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "wake/features.h"
#include "wake/import_layer.h"

enum value_kind { VALUE_NONE, VALUE_VARIABLE, VALUE_STATE, VALUE_VIEW, VALUE_PART, VALUE_PROBABILITY };

/* What a tensor of the graph stands for. */
struct value {
    enum value_kind kind;
    int layer;                   /* VIEW, PART: whose input it is, or whose output */
    int rows, channel, channels; /* VIEW: the last rows of some channels; PART: these channels; STATE, VARIABLE: what is kept */
    int32_t variable;            /* STATE; VIEW: of the input's state, or -1 */
    int reads, joins, writes;    /* VARIABLE: how often */
};

struct builder {
    const struct va_tflite *model;
    const struct va_tflite_graph *graph;
    struct value *values; /* [n_tensors] */
    struct va_wake_draft *draft;
    va_error *error;

    /* The input of the next layer. */
    int rows, step, channels;
    int32_t variable; /* that its older rows are kept in, or -1 */
    float scale;
    int32_t zero;
    int parts; /* channels of it that went through a depthwise operator so far */
};

static int other(const struct builder *b, const char *what)
{
    return va_fail(b->error, VA_EUNSUPPORTED, "not a streaming microWakeWord network: %s", what);
}

static const struct va_tflite_tensor *tensor_of(const struct builder *b, int32_t i)
{
    return &b->graph->tensors[i];
}

/* An int8 tensor with one scale. */
static int is_activation(const struct va_tflite_tensor *t)
{
    return t->type == VA_TFLITE_INT8 && t->scales.n == 1 && va_tflite_scale(t, 0) > 0.0f && isfinite(va_tflite_scale(t, 0)) &&
           t->zero_point >= -128 && t->zero_point <= 127;
}

static int has_scale(const struct va_tflite_tensor *t, float scale, int32_t zero)
{
    return is_activation(t) && va_tflite_scale(t, 0) == scale && t->zero_point == zero;
}

static int is_whole(const struct builder *b, const struct value *v)
{
    return v->kind == VALUE_VIEW && v->layer == b->draft->n_layers && v->rows == b->rows && v->channel == 0 && v->channels == b->channels;
}

static struct value view(const struct builder *b, int rows, int channel, int channels)
{
    return (struct value){
        .kind = VALUE_VIEW, .layer = b->draft->n_layers, .rows = rows, .channel = channel, .channels = channels, .variable = b->variable};
}

/* The tensor is what the next layer gets, a number of new rows. */
static int begin_layer(struct builder *b, int32_t tensor, int rows, int channels)
{
    const struct va_tflite_tensor *t = tensor_of(b, tensor);

    if (!is_activation(t) || t->count != (size_t)rows * (size_t)channels)
        return other(b, "a tensor between layers is not int8, or of another size");
    b->rows = b->step = rows;
    b->channels = channels;
    b->variable = -1;
    b->scale = va_tflite_scale(t, 0);
    b->zero = (int32_t)t->zero_point;
    b->parts = 0;
    b->values[tensor] = view(b, rows, 0, channels);
    return 0;
}

static int read_variable(struct builder *b, const struct va_tflite_operator *op)
{
    const struct va_tflite_tensor *t = tensor_of(b, op->output[0]);
    struct value *variable = &b->values[op->input[0]];

    if (variable->kind != VALUE_VARIABLE || t->rank < 3 || variable->reads++ > 0)
        return other(b, "a variable is used in another way");
    variable->channels = t->dim[t->rank - 1];
    variable->rows = t->dim[1];
    if (variable->rows == 0 || t->count != (size_t)variable->rows * (size_t)variable->channels)
        return other(b, "a variable has another shape");
    b->values[op->output[0]] =
        (struct value){.kind = VALUE_STATE, .rows = variable->rows, .channels = variable->channels, .variable = op->input[0]};
    return 0;
}

static int write_variable(struct builder *b, const struct va_tflite_operator *op)
{
    struct value *variable = &b->values[op->input[0]];
    const struct value *v = &b->values[op->input[1]];

    if (variable->kind != VALUE_VARIABLE || v->kind != VALUE_VIEW || v->variable != op->input[0] || v->rows != variable->rows ||
        v->channel != 0 || v->channels != variable->channels)
        return other(b, "a variable keeps something else than the last rows");
    variable->writes++;
    return 0;
}

/* What is kept, and the new rows behind it. */
static int join_state(struct builder *b, const struct va_tflite_operator *op, int32_t axis)
{
    const struct value *state = &b->values[op->input[0]], *rows = &b->values[op->input[1]];

    if (op->n_inputs != 2 || !is_whole(b, rows) || b->variable >= 0 || state->channels != b->channels ||
        (axis != 1 && axis != 1 - tensor_of(b, op->output[0])->rank) || !has_scale(tensor_of(b, op->input[0]), b->scale, b->zero) ||
        !has_scale(tensor_of(b, op->output[0]), b->scale, b->zero))
        return other(b, "a state is joined in another way");
    b->variable = state->variable;
    b->values[state->variable].joins++;
    b->rows += state->rows;
    b->values[op->output[0]] = view(b, b->rows, 0, b->channels);
    return 0;
}

/* The groups of channels of a depthwise layer. */
static int join_parts(struct builder *b, const struct va_tflite_operator *op, int32_t axis)
{
    const struct va_tflite_tensor *out = tensor_of(b, op->output[0]);
    int channels = 0;

    for (int i = 0; i < op->n_inputs; i++) {
        const struct value *part = &b->values[op->input[i]];
        if (part->kind != VALUE_PART || part->layer != b->draft->n_layers || part->channel != channels || !is_activation(out) ||
            !has_scale(tensor_of(b, op->input[i]), va_tflite_scale(out, 0), (int32_t)out->zero_point))
            return other(b, "groups of channels are joined in another way");
        channels += part->channels;
    }
    if (channels != b->channels || (axis != -1 && axis != out->rank - 1))
        return other(b, "groups of channels are joined in another way");
    b->draft->n_layers++;
    return begin_layer(b, op->output[0], 1, channels);
}

static int join(struct builder *b, const struct va_tflite_operator *op)
{
    int32_t axis, activation;
    int r;

    if ((r = va_tflite_option(b->model, op, 0, 4, 0, &axis, b->error)) < 0 ||
        (r = va_tflite_option(b->model, op, 1, 1, 0, &activation, b->error)) < 0)
        return r;
    if (activation != 0 || op->n_inputs > VA_TFLITE_MAX_OPERANDS)
        return other(b, "a joining operator does more than to join");
    return b->values[op->input[0]].kind == VALUE_STATE ? join_state(b, op, axis) : join_parts(b, op, axis);
}

/* Only the last rows can be taken. */
static int slice(struct builder *b, const struct va_tflite_operator *op)
{
    const struct value *v = &b->values[op->input[0]];
    int rank = tensor_of(b, op->input[0])->rank, all = (1 << rank) - 1;
    int32_t mask[5];
    int r;

    for (int i = 0; i < 5; i++)
        if ((r = va_tflite_option(b->model, op, i, 4, 0, &mask[i], b->error)) < 0)
            return r;
    const struct va_tflite_tensor *begin = tensor_of(b, op->input[1]), *stride = tensor_of(b, op->input[3]);
    if (v->kind != VALUE_VIEW || v->layer != b->draft->n_layers || rank < 3 || begin->type != VA_TFLITE_INT32 || begin->data == NULL ||
        begin->count != (size_t)rank || stride->type != VA_TFLITE_INT32 || stride->data == NULL || stride->count != (size_t)rank ||
        (mask[0] & all) != (all & ~2) || (mask[1] & all) != all || mask[2] != 0 || mask[3] != 0 || mask[4] != 0)
        return other(b, "a slice is not of the last rows");
    for (int i = 0; i < rank; i++)
        if (va_tflite_int32(stride, (size_t)i) != 1)
            return other(b, "a slice is not of the last rows");
    int32_t from = va_tflite_int32(begin, 1);
    if (from >= 0 || from < -v->rows)
        return other(b, "a slice is not of the last rows");
    b->values[op->output[0]] = view(b, -from, v->channel, v->channels);
    return 0;
}

static int split(struct builder *b, const struct va_tflite_operator *op)
{
    const struct va_tflite_tensor *sizes = tensor_of(b, op->input[1]), *axis = tensor_of(b, op->input[2]);
    const struct value *v = &b->values[op->input[0]];
    int channel = 0, rank = tensor_of(b, op->input[0])->rank;

    if (!is_whole(b, v) || sizes->type != VA_TFLITE_INT32 || sizes->data == NULL || sizes->count != (size_t)op->n_outputs ||
        op->n_outputs > VA_TFLITE_MAX_OPERANDS || axis->type != VA_TFLITE_INT32 || axis->data == NULL || axis->count != 1 ||
        (va_tflite_int32(axis, 0) != -1 && va_tflite_int32(axis, 0) != rank - 1))
        return other(b, "a split is not of channels");
    for (int i = 0; i < op->n_outputs; i++) {
        int32_t n = va_tflite_int32(sizes, (size_t)i);
        if (n < 1 || n > b->channels - channel)
            return other(b, "a split is not of channels");
        b->values[op->output[i]] = view(b, b->rows, channel, n);
        channel += n;
    }
    return 0;
}

static int reshape(struct builder *b, const struct va_tflite_operator *op)
{
    const struct value *v = &b->values[op->input[0]];

    if (!is_whole(b, v) || tensor_of(b, op->output[0])->count != tensor_of(b, op->input[0])->count)
        return other(b, "a reshape changes what rows and channels are");
    b->values[op->output[0]] = *v;
    return 0;
}

/* A convolution, depthwise or not, or a fully connected layer, of one output row. */
static int add_layer(struct builder *b, const struct va_tflite_operator *op)
{
    const struct value *v = &b->values[op->input[0]];
    struct va_wake_source source = {.model = b->model,
                                    .op = op,
                                    .weight = tensor_of(b, op->input[1]),
                                    .bias = op->n_inputs > 2 && op->input[2] >= 0 ? tensor_of(b, op->input[2]) : NULL,
                                    .out = tensor_of(b, op->output[0]),
                                    .window_rows = b->rows,
                                    .window_channels = b->channels,
                                    .step = b->step,
                                    .rows = v->rows,
                                    .channel = v->channel,
                                    .channels = v->channels,
                                    .scale = b->scale,
                                    .zero = b->zero};
    int is_part = op->code == VA_TFLITE_DEPTHWISE_CONV_2D && v->channels < b->channels, r;

    if (v->kind != VALUE_VIEW || v->layer != b->draft->n_layers)
        return other(b, "a layer's input is not the output of the layer before");
    if (b->draft->n_layers == VA_WAKE_MAX_LAYERS)
        return va_fail(b->error, VA_ELIMIT, "the network has more than %d layers", VA_WAKE_MAX_LAYERS);
    if (!is_activation(source.out))
        return other(b, "a layer's output is not int8");
    if (is_part ? v->channel != b->parts : b->parts != 0)
        return other(b, "groups of channels come in another order");
    if ((r = va_wake_layer_add(&source, &b->draft->layer[b->draft->n_layers], b->error)) < 0)
        return r;
    if (is_part) {
        b->parts += v->channels;
        b->values[op->output[0]] =
            (struct value){.kind = VALUE_PART, .layer = b->draft->n_layers, .channel = v->channel, .channels = v->channels};
        return 0;
    }
    int out = b->draft->layer[b->draft->n_layers++].field[VA_WAKE_FIELD_OUT];
    return begin_layer(b, op->output[0], 1, out);
}

static int end_in_sigmoid(struct builder *b, const struct va_tflite_operator *op)
{
    const struct va_tflite_tensor *out = tensor_of(b, op->output[0]);

    if (!is_whole(b, &b->values[op->input[0]]) || b->rows != 1 || b->channels != 1 || b->draft->n_layers == 0 ||
        !has_scale(out, 1.0f / 256.0f, -128))
        return other(b, "its output is not one sigmoid");
    for (int i = 0; i < 256; i++) {
        double x = (i - 128 - b->zero) * (double)b->scale, y = round(256.0 / (1.0 + exp(-x)));
        b->draft->sigmoid[i] = (uint8_t)(y > 255.0 ? 255.0 : y);
    }
    b->values[op->output[0]].kind = VALUE_PROBABILITY;
    return 0;
}

static int to_uint8(struct builder *b, const struct va_tflite_operator *op)
{
    const struct va_tflite_tensor *out = tensor_of(b, op->output[0]);

    if (b->values[op->input[0]].kind != VALUE_PROBABILITY || out->type != VA_TFLITE_UINT8 || out->scales.n != 1 ||
        va_tflite_scale(out, 0) != 1.0f / 256.0f || out->zero_point != 0)
        return other(b, "its output is not one sigmoid");
    b->values[op->output[0]].kind = VALUE_PROBABILITY;
    return 0;
}

static const struct rule {
    int code, inputs, outputs; /* at least */
    int (*apply)(struct builder *b, const struct va_tflite_operator *op);
} rules[] = {
    {VA_TFLITE_READ_VARIABLE, 1, 1, read_variable},
    {VA_TFLITE_ASSIGN_VARIABLE, 2, 0, write_variable},
    {VA_TFLITE_CONCATENATION, 1, 1, join},
    {VA_TFLITE_STRIDED_SLICE, 4, 1, slice},
    {VA_TFLITE_SPLIT_V, 3, 1, split},
    {VA_TFLITE_RESHAPE, 1, 1, reshape},
    {VA_TFLITE_CONV_2D, 2, 1, add_layer},
    {VA_TFLITE_DEPTHWISE_CONV_2D, 2, 1, add_layer},
    {VA_TFLITE_FULLY_CONNECTED, 2, 1, add_layer},
    {VA_TFLITE_LOGISTIC, 1, 1, end_in_sigmoid},
    {VA_TFLITE_QUANTIZE, 1, 1, to_uint8},
};

/* Of the operands that count, none is missing. The bias of a layer may be. */
static int has_operands(const struct va_tflite_operator *op, int inputs, int outputs)
{
    int all = op->code == VA_TFLITE_CONCATENATION ? op->n_inputs : inputs;

    if (op->n_inputs < inputs || op->n_outputs < outputs)
        return 0;
    for (int i = 0; i < all && i < VA_TFLITE_MAX_OPERANDS; i++)
        if (op->input[i] < 0)
            return 0;
    for (int i = 0; i < op->n_outputs && i < VA_TFLITE_MAX_OPERANDS; i++)
        if (op->output[i] < 0)
            return 0;
    return 1;
}

static int apply(struct builder *b, const struct va_tflite_operator *op)
{
    char text[64];

    if (op->code == VA_TFLITE_CALL_ONCE)
        return 0;
    if (op->code == VA_TFLITE_VAR_HANDLE && has_operands(op, 0, 1)) {
        b->values[op->output[0]] = (struct value){.kind = VALUE_VARIABLE};
        return 0;
    }
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].code == op->code)
            return has_operands(op, rules[i].inputs, rules[i].outputs) ? rules[i].apply(b, op) : other(b, "an operator lacks operands");
    snprintf(text, sizeof text, "it has operator %d of TensorFlow Lite", op->code);
    return other(b, text);
}

/* The variables begin as zeros, which is what the prepared network does. */
static int check_start(const struct builder *b)
{
    for (size_t i = 0; b->model->n_graphs > 1 && i < b->model->graph[1].n_tensors; i++) {
        const struct va_tflite_tensor *t = &b->model->graph[1].tensors[i];
        for (size_t j = 0; t->type == VA_TFLITE_INT8 && t->data != NULL && j < t->count; j++)
            if ((int8_t)t->data[j] != t->zero_point)
                return other(b, "its state does not begin as zeros");
    }
    return 0;
}

static int check_end(const struct builder *b)
{
    if (b->graph->output < 0 || b->values[b->graph->output].kind != VALUE_PROBABILITY)
        return other(b, "its output is not one sigmoid");
    for (size_t i = 0; i < b->graph->n_tensors; i++) {
        const struct value *v = &b->values[i];
        if (v->kind == VALUE_VARIABLE && (v->reads != 1 || v->joins != 1 || v->writes != 1))
            return other(b, "a variable is used in another way");
    }
    return 0;
}

static int build(struct builder *b)
{
    const struct va_tflite_tensor *input;
    int r;

    if (b->graph->input < 0)
        return other(b, "it has not one input");
    input = tensor_of(b, b->graph->input);
    if (input->rank < 3 || input->dim[input->rank - 1] != VA_WAKE_CHANNELS || input->dim[1] < 1 || input->dim[1] > VA_WAKE_MAX_STEP)
        return other(b, "its input is not frames of 40 channels");
    if ((r = begin_layer(b, b->graph->input, input->dim[1], VA_WAKE_CHANNELS)) < 0)
        return r;
    b->draft->step = b->step;
    b->draft->input_scale = b->scale;
    b->draft->input_zero = b->zero;
    for (size_t i = 0; i < b->graph->n_operators; i++)
        if ((r = apply(b, &b->graph->operators[i])) < 0)
            return r;
    if ((r = check_start(b)) < 0)
        return r;
    return check_end(b);
}

int va_wake_draft_make(const struct va_tflite *model, struct va_wake_draft *draft, va_error *error)
{
    struct builder b = {.model = model, .graph = &model->graph[0], .draft = draft, .error = error, .variable = -1};
    int r;

    b.values = va_calloc(b.graph->n_tensors, sizeof *b.values);
    r = b.values == NULL ? va_fail_memory(error) : build(&b);
    va_free(b.values);
    return r;
}

void va_wake_draft_free(struct va_wake_draft *draft)
{
    for (int i = 0; i < VA_WAKE_MAX_LAYERS; i++) {
        va_free(draft->layer[i].weight);
        va_free(draft->layer[i].bias);
        va_free(draft->layer[i].requant);
    }
    *draft = (struct va_wake_draft){0};
}
