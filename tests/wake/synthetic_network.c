/* The network that tests import: input [1, 3, 40] -> variable of 2 rows, convolution 5 x 40 -> 10, ReLU -> variable of 3 rows,
 * depthwise in two groups, 4 channels of 4 rows and 6 of the last 2 -> 1 x 10 -> 9, ReLU -> variable of 1 row, flattened 2 x 9 -> 1 ->
 * sigmoid. */
#include "synthetic_tflite.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "wake/import.h"

static int8_t weight_1[10 * 5 * 40], weight_2[4 * 4], weight_3[2 * 6], weight_4[9 * 10], weight_5[18];
static int32_t bias_1[10], bias_2[4], bias_3[6], bias_4[9], bias_5[1];
static int8_t zeros[2 * 40];

static const int32_t rows_shape[] = {1, 3, 1, 40}, nothing[4] = {0}, ones[] = {1, 1, 1, 1}, flat[] = {1, 18}, sizes[] = {4, 6},
                     last[] = {-1};
static const int32_t keep_2[] = {0, -2, 0, 0}, keep_3[] = {0, -3, 0, 0}, keep_1[] = {0, -1, 0, 0};

static void fill(int8_t *weights, size_t n, uint32_t state)
{
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        weights[i] = (int8_t)(state >> 24);
    }
}

static void fill_bias(int32_t *bias, int n, int32_t step)
{
    for (int i = 0; i < n; i++)
        bias[i] = (i - n / 2) * step;
}

static int32_t add(struct synthetic_tflite *m, struct synthetic_tflite_tensor t)
{
    m->tensor[m->n_tensors] = t;
    return m->n_tensors++;
}

static int32_t add_ints(struct synthetic_tflite *m, int rank, int32_t n, const int32_t *values)
{
    return add(m, (struct synthetic_tflite_tensor){
                      .type = VA_TFLITE_INT32, .rank = rank, .dim = {n}, .data = values, .bytes = (size_t)n * sizeof *values});
}

static int32_t add_rows(struct synthetic_tflite *m, int32_t rows, int32_t channels, float scale, int64_t zero)
{
    return add(m, (struct synthetic_tflite_tensor){
                      .type = VA_TFLITE_INT8, .rank = 4, .dim = {1, rows, 1, channels}, .n_scales = 1, .scale = scale, .zero_point = zero});
}

static int32_t add_weight(struct synthetic_tflite *m, struct synthetic_tflite_tensor shape, const int8_t *data, int n_scales, int axis)
{
    shape.type = VA_TFLITE_INT8;
    shape.data = data;
    shape.bytes = 1;
    for (int i = 0; i < shape.rank; i++)
        shape.bytes *= (size_t)shape.dim[i];
    shape.n_scales = n_scales;
    shape.scale = 0.003f;
    shape.axis = axis;
    return add(m, shape);
}

static struct synthetic_tflite_operator *add_op(struct synthetic_tflite *m, int code, int32_t out, int n_inputs, int32_t a, int32_t b,
                                                int32_t c)
{
    struct synthetic_tflite_operator *op = &m->operator[m->n_operators++];
    *op =
        (struct synthetic_tflite_operator){.code = code, .n_inputs = n_inputs, .n_outputs = out >= 0, .input = {a, b, c}, .output = {out}};
    return op;
}

static void set_option(struct synthetic_tflite_operator *op, int field, int bytes, int32_t value)
{
    op->option[op->n_options].field = field;
    op->option[op->n_options].bytes = bytes;
    op->option[op->n_options++].value = value;
}

/* The last rows from begin on. */
static void add_slice(struct synthetic_tflite *m, int32_t out, int32_t in, int32_t begin, int32_t end, int32_t strides)
{
    struct synthetic_tflite_operator *op = add_op(m, VA_TFLITE_STRIDED_SLICE, out, 4, in, begin, end);
    op->input[3] = strides;
    set_option(op, 0, 4, 13);
    set_option(op, 1, 4, 15);
}

/* Variable, its state before the new rows, and what is kept of both. */
static int32_t add_state(struct synthetic_tflite *m, int32_t in, int32_t rows, int32_t fresh, int32_t channels, float scale,
                         const int32_t *begin, int32_t end, int32_t strides)
{
    int32_t variable = add(m, (struct synthetic_tflite_tensor){.type = 13});
    int32_t state = add_rows(m, rows, channels, scale, -128), window = add_rows(m, rows + fresh, channels, scale, -128);
    int32_t kept = add_rows(m, rows, channels, scale, -128), from = add_ints(m, 1, 4, begin);

    add_op(m, VA_TFLITE_VAR_HANDLE, variable, 0, 0, 0, 0);
    add_op(m, VA_TFLITE_READ_VARIABLE, state, 1, variable, 0, 0);
    set_option(add_op(m, VA_TFLITE_CONCATENATION, window, 2, state, in, 0), 0, 4, 1);
    add_slice(m, kept, window, from, end, strides);
    add_op(m, VA_TFLITE_ASSIGN_VARIABLE, -1, 2, variable, kept, 0);
    return window;
}

static int32_t add_depthwise(struct synthetic_tflite *m, int32_t in, int32_t weight, int32_t bias, int32_t channels)
{
    int32_t out = add_rows(m, 1, channels, 0.05f, 7);
    struct synthetic_tflite_operator *op = add_op(m, VA_TFLITE_DEPTHWISE_CONV_2D, out, 3, in, weight, bias);
    set_option(op, 0, 1, 1);
    set_option(op, 3, 4, 1);
    return out;
}

static void fill_all(void)
{
    fill(weight_1, sizeof weight_1, 1);
    fill(weight_2, sizeof weight_2, 2);
    fill(weight_3, sizeof weight_3, 3);
    fill(weight_4, sizeof weight_4, 4);
    fill(weight_5, sizeof weight_5, 5);
    fill_bias(bias_1, 10, 1000);
    fill_bias(bias_2, 4, 300);
    fill_bias(bias_3, 6, -300);
    fill_bias(bias_4, 9, 500);
    fill_bias(bias_5, 1, 0);
    memset(zeros, -128, sizeof zeros);
}

/* Two groups of channels, joined, and the layer behind them. Returns its output. */
static int32_t add_groups(struct synthetic_tflite *m, int32_t in, int32_t begin, int32_t zero, int32_t strides)
{
    int32_t window2 = add_state(m, in, 3, 1, 10, 0.3f, keep_3, zero, strides);
    int32_t split_sizes = add_ints(m, 1, 2, sizes), axis = add_ints(m, 0, 1, last);
    int32_t part1 = add_rows(m, 4, 4, 0.3f, -128), part2 = add_rows(m, 4, 6, 0.3f, -128), short2 = add_rows(m, 2, 6, 0.3f, -128);
    struct synthetic_tflite_operator *split = add_op(m, VA_TFLITE_SPLIT_V, part1, 3, window2, split_sizes, axis);
    split->n_outputs = 2;
    split->output[1] = part2;
    add_slice(m, short2, part2, begin, zero, strides);
    int32_t w2 = add_weight(m, (struct synthetic_tflite_tensor){.rank = 4, .dim = {1, 4, 1, 4}}, weight_2, 4, 3),
            b2 = add_ints(m, 1, 4, bias_2);
    int32_t w3 = add_weight(m, (struct synthetic_tflite_tensor){.rank = 4, .dim = {1, 2, 1, 6}}, weight_3, 1, 0),
            b3 = add_ints(m, 1, 6, bias_3);
    int32_t group1 = add_depthwise(m, part1, w2, b2, 4), group2 = add_depthwise(m, short2, w3, b3, 6);
    int32_t out2 = add_rows(m, 1, 10, 0.05f, 7);
    set_option(add_op(m, VA_TFLITE_CONCATENATION, out2, 2, group1, group2, 0), 0, 4, -1);
    int32_t w4 = add_weight(m, (struct synthetic_tflite_tensor){.rank = 4, .dim = {9, 1, 1, 10}}, weight_4, 9, 0),
            b4 = add_ints(m, 1, 9, bias_4);
    int32_t out3 = add_rows(m, 1, 9, 0.02f, -128);
    set_option(add_op(m, VA_TFLITE_CONV_2D, out3, 3, out2, w4, b4), 3, 1, 1);
    return out3;
}

static void add_end(struct synthetic_tflite *m, int32_t in, int32_t zero, int32_t strides)
{
    int32_t window4 = add_state(m, in, 1, 1, 9, 0.02f, keep_1, zero, strides);
    int32_t flattened = add_rows(m, 2, 9, 0.02f, -128), flat_shape = add_ints(m, 1, 2, flat);
    m->tensor[flattened].rank = 2;
    m->tensor[flattened].dim[1] = 18;
    add_op(m, VA_TFLITE_RESHAPE, flattened, 2, window4, flat_shape, 0);
    int32_t w5 = add_weight(m, (struct synthetic_tflite_tensor){.rank = 2, .dim = {1, 18}}, weight_5, 1, 0), b5 = add_ints(m, 1, 1, bias_5);
    int32_t logit = add_rows(m, 1, 1, 0.05f, 10), odds = add_rows(m, 1, 1, 1.0f / 256.0f, -128);
    m->output = add_rows(m, 1, 1, 1.0f / 256.0f, 0);
    m->tensor[m->output].type = VA_TFLITE_UINT8;
    add_op(m, VA_TFLITE_FULLY_CONNECTED, logit, 3, flattened, w5, b5);
    add_op(m, VA_TFLITE_LOGISTIC, odds, 1, logit, 0, 0);
    add_op(m, VA_TFLITE_QUANTIZE, m->output, 1, odds, 0, 0);
}

void synthetic_network(struct synthetic_tflite *m)
{
    fill_all();
    *m = (struct synthetic_tflite){0};
    m->input = add(m, (struct synthetic_tflite_tensor){
                          .type = VA_TFLITE_INT8, .rank = 3, .dim = {1, 3, 40}, .n_scales = 1, .scale = 0.10196079f, .zero_point = -128});
    int32_t rows = add_rows(m, 3, 40, 0.10196079f, -128), new_shape = add_ints(m, 1, 4, rows_shape);
    add_op(m, VA_TFLITE_CALL_ONCE, -1, 0, 0, 0, 0);
    add_op(m, VA_TFLITE_RESHAPE, rows, 2, m->input, new_shape, 0);
    /* The places that the header names: the first variable is tensor 3. */
    int32_t variable = add(m, (struct synthetic_tflite_tensor){.type = 13});
    int32_t state = add_rows(m, 2, 40, 0.10196079f, -128), window = add_rows(m, 5, 40, 0.10196079f, -128);
    int32_t kept = add_rows(m, 2, 40, 0.10196079f, -128);
    int32_t w1 = add_weight(m, (struct synthetic_tflite_tensor){.rank = 4, .dim = {10, 5, 1, 40}}, weight_1, 10, 0);
    int32_t b1 = add_ints(m, 1, 10, bias_1), out1 = add_rows(m, 1, 10, 0.3f, -128);
    int32_t begin = add_ints(m, 1, 4, keep_2), zero = add_ints(m, 1, 4, nothing), strides = add_ints(m, 1, 4, ones);
    add_op(m, VA_TFLITE_VAR_HANDLE, variable, 0, 0, 0, 0);
    add_op(m, VA_TFLITE_READ_VARIABLE, state, 1, variable, 0, 0);
    set_option(add_op(m, VA_TFLITE_CONCATENATION, window, 2, state, rows, 0), 0, 4, 1);
    add_slice(m, kept, window, begin, zero, strides);
    add_op(m, VA_TFLITE_ASSIGN_VARIABLE, -1, 2, variable, kept, 0);
    struct synthetic_tflite_operator *conv = add_op(m, VA_TFLITE_CONV_2D, out1, 3, window, w1, b1);
    set_option(conv, 0, 1, 1);
    set_option(conv, 2, 4, 3);
    set_option(conv, 3, 1, 1);

    add_end(m, add_groups(m, out1, begin, zero, strides), zero, strides);
    m->start[0] = (struct synthetic_tflite_tensor){.type = 13};
    m->start[1] = m->tensor[state];
    m->start[1].data = zeros;
    m->start[1].bytes = sizeof zeros;
    m->n_start = 2;
}

void synthetic_loudness(struct synthetic_tflite *m)
{
    static const int32_t flat_120[] = {1, 120};
    static int8_t weight[120];
    static int32_t bias[] = {-11765};

    memset(weight, 1, sizeof weight);
    *m = (struct synthetic_tflite){0};
    m->input = add(m, (struct synthetic_tflite_tensor){
                          .type = VA_TFLITE_INT8, .rank = 3, .dim = {1, 3, 40}, .n_scales = 1, .scale = 0.10196079f, .zero_point = -128});
    int32_t flat_shape = add_ints(m, 1, 2, flat_120), rows = add_rows(m, 3, 40, 0.10196079f, -128);
    int32_t w = add_weight(m, (struct synthetic_tflite_tensor){.rank = 2, .dim = {1, 120}}, weight, 1, 0), b = add_ints(m, 1, 1, bias);
    int32_t logit = add_rows(m, 1, 1, 0.1f, 0), odds = add_rows(m, 1, 1, 1.0f / 256.0f, -128);

    m->tensor[w].scale = 0.01f;
    m->output = odds;
    add_op(m, VA_TFLITE_RESHAPE, rows, 2, m->input, flat_shape, 0);
    add_op(m, VA_TFLITE_FULLY_CONNECTED, logit, 3, rows, w, b);
    add_op(m, VA_TFLITE_LOGISTIC, odds, 1, logit, 0, 0);
}

int synthetic_import(const struct synthetic_tflite *model, const char *folder, const char *json, const char *out_path)
{
    struct va_buffer file;
    char source[320], description[320];

    snprintf(source, sizeof source, "%s/word.tflite", folder);
    snprintf(description, sizeof description, "%s/word.json", folder);
    va_buffer_init(&file, SYNTHETIC_TFLITE_MAX_BYTES);
    int r = synthetic_tflite_write(model, &file) < 0 || va_file_write(source, file.data, file.size, 0600, NULL) < 0 ||
            va_file_write(description, json, strlen(json), 0600, NULL) < 0 || va_wake_import(source, NULL, out_path, NULL) < 0;
    va_buffer_free(&file);
    return r;
}
