#include "wake/tflite.h"

#include <string.h>

#include "base/memory.h"

enum { MAX_GRAPHS = 2, MAX_BUFFERS = 4096, MAX_CODES = 256, MAX_ELEMENTS = 1 << 24, MAX_SCALES = 4096 };

/* Fields of the schema that are read. */
enum { MODEL_CODES = 1, MODEL_GRAPHS = 2, MODEL_BUFFERS = 4 };
enum { CODE_OLD = 0, CODE_NEW = 3 };
enum { GRAPH_TENSORS = 0, GRAPH_INPUTS = 1, GRAPH_OUTPUTS = 2, GRAPH_OPERATORS = 3 };
enum { TENSOR_SHAPE = 0, TENSOR_TYPE = 1, TENSOR_BUFFER = 2, TENSOR_QUANTIZATION = 4 };
enum { QUANTIZATION_SCALE = 2, QUANTIZATION_ZERO_POINT = 3, QUANTIZATION_AXIS = 6 };
enum { OPERATOR_CODE = 0, OPERATOR_INPUTS = 1, OPERATOR_OUTPUTS = 2, OPERATOR_OPTIONS = 4 };

/* While reading: the file, and the vectors that all graphs share. Positions are offsets from the start of the file. */
struct reader {
    const uint8_t *file;
    size_t size;
    struct va_tflite_vector codes, buffers; /* of tables */
};

static uint32_t load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int32_t load_s32(const uint8_t *p)
{
    return (int32_t)load_u32(p);
}

static int64_t load_s64(const uint8_t *p)
{
    return (int64_t)((uint64_t)load_u32(p + 4) << 32 | load_u32(p));
}

static int fits(const struct reader *r, size_t at, size_t bytes)
{
    return at <= r->size && bytes <= r->size - at;
}

/* Follows the offset that stands at `at`. -1: it leads out of the file. */
static int follow(const struct reader *r, size_t at, size_t *ret_at)
{
    if (!fits(r, at, 4))
        return -1;
    size_t to = at + load_u32(r->file + at);
    if (!fits(r, to, 4))
        return -1;
    *ret_at = to;
    return 0;
}

/* Where a field of the table is, `bytes` long; 0: it has none. -1: damaged. */
static int find_field(const struct reader *r, size_t table, int field, size_t bytes, size_t *ret_at)
{
    size_t slot = 4 + 2 * (size_t)field;

    *ret_at = 0;
    if (!fits(r, table, 4))
        return -1;
    int64_t vtable = (int64_t)table - load_s32(r->file + table);
    if (vtable < 0 || !fits(r, (size_t)vtable, 4))
        return -1;
    const uint8_t *p = r->file + vtable;
    size_t vtable_bytes = (size_t)p[0] | (size_t)p[1] << 8;
    if (!fits(r, (size_t)vtable, vtable_bytes))
        return -1;
    if (slot + 2 > vtable_bytes)
        return 0;
    size_t offset = (size_t)p[slot] | (size_t)p[slot + 1] << 8;
    if (offset == 0)
        return 0;
    if (!fits(r, table + offset, bytes))
        return -1;
    *ret_at = table + offset;
    return 0;
}

static int read_number(const struct reader *r, size_t table, int field, int bytes, int32_t otherwise, int32_t *ret_value)
{
    size_t at;

    if (find_field(r, table, field, (size_t)bytes, &at) < 0)
        return -1;
    *ret_value = at == 0 ? otherwise : bytes == 1 ? (int8_t)r->file[at] : load_s32(r->file + at);
    return 0;
}

/* A vector of elements of element_bytes; empty when the field is not there. */
static int read_vector(const struct reader *r, size_t table, int field, size_t element_bytes, struct va_tflite_vector *ret)
{
    size_t at;

    *ret = (struct va_tflite_vector){0};
    if (find_field(r, table, field, 4, &at) < 0)
        return -1;
    if (at == 0)
        return 0;
    if (follow(r, at, &at) < 0)
        return -1;
    size_t n = load_u32(r->file + at);
    if (n > (r->size - at - 4) / element_bytes)
        return -1;
    *ret = (struct va_tflite_vector){r->file + at + 4, n};
    return 0;
}

/* The i-th table of a vector of tables. */
static int table_at(const struct reader *r, const struct va_tflite_vector *tables, size_t i, size_t *ret_table)
{
    if (i >= tables->n)
        return -1;
    return follow(r, (size_t)(tables->data - r->file) + 4 * i, ret_table);
}

static size_t type_bytes(int type)
{
    return type == VA_TFLITE_INT32 ? 4 : type == VA_TFLITE_INT8 || type == VA_TFLITE_UINT8 ? 1 : 0;
}

static int read_shape(const struct reader *r, size_t table, struct va_tflite_tensor *ret)
{
    struct va_tflite_vector shape;

    if (read_vector(r, table, TENSOR_SHAPE, 4, &shape) < 0 || shape.n > VA_TFLITE_MAX_RANK)
        return -1;
    ret->rank = (int)shape.n;
    ret->count = 1;
    for (int i = 0; i < VA_TFLITE_MAX_RANK; i++) {
        ret->dim[i] = i < ret->rank ? load_s32(shape.data + 4 * i) : 1;
        if (ret->dim[i] < 0 || ret->dim[i] > MAX_ELEMENTS)
            return -1;
        ret->count *= (size_t)ret->dim[i];
        if (ret->count > MAX_ELEMENTS)
            return -1;
    }
    return 0;
}

/* Of the types that are not known, nothing is read. */
static int read_data(const struct reader *r, size_t table, struct va_tflite_tensor *ret)
{
    struct va_tflite_vector data;
    int32_t buffer;
    size_t at;

    if (read_number(r, table, TENSOR_BUFFER, 4, 0, &buffer) < 0)
        return -1;
    if (buffer == 0 || type_bytes(ret->type) == 0) /* buffer 0 stands for none */
        return 0;
    if (buffer < 0 || table_at(r, &r->buffers, (size_t)buffer, &at) < 0 || read_vector(r, at, 0, 1, &data) < 0)
        return -1;
    if (data.n == 0)
        return 0;
    if (data.n != ret->count * type_bytes(ret->type))
        return -1;
    ret->data = data.data;
    return 0;
}

static int read_tensor(const struct reader *r, size_t table, struct va_tflite_tensor *ret)
{
    struct va_tflite_vector zero_points;
    int32_t type, axis = 0;
    size_t at;

    *ret = (struct va_tflite_tensor){0};
    if (read_shape(r, table, ret) < 0 || read_number(r, table, TENSOR_TYPE, 1, 0, &type) < 0)
        return -1;
    ret->type = type;
    if (read_data(r, table, ret) < 0 || find_field(r, table, TENSOR_QUANTIZATION, 4, &at) < 0)
        return -1;
    if (at == 0)
        return 0;
    if (follow(r, at, &at) < 0 || read_vector(r, at, QUANTIZATION_SCALE, 4, &ret->scales) < 0 || ret->scales.n > MAX_SCALES ||
        read_vector(r, at, QUANTIZATION_ZERO_POINT, 8, &zero_points) < 0 || read_number(r, at, QUANTIZATION_AXIS, 4, 0, &axis) < 0)
        return -1;
    ret->axis = axis;
    ret->zero_point = zero_points.n == 0 ? 0 : load_s64(zero_points.data);
    for (size_t i = 1; i < zero_points.n; i++)
        if (load_s64(zero_points.data + 8 * i) != ret->zero_point)
            return -1;
    return 0;
}

/* Tensors of an operator: each is one of n_tensors, or -1. */
static int read_operands(const struct reader *r, size_t table, int field, size_t n_tensors, int *ret_n, int32_t *ret_operands)
{
    struct va_tflite_vector list;

    if (read_vector(r, table, field, 4, &list) < 0 || list.n > VA_TFLITE_MAX_TENSORS)
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        int32_t tensor = load_s32(list.data + 4 * i);
        if (tensor < -1 || (tensor >= 0 && (size_t)tensor >= n_tensors))
            return -1;
        if (i < VA_TFLITE_MAX_OPERANDS)
            ret_operands[i] = tensor;
    }
    *ret_n = (int)list.n;
    return 0;
}

static int read_operator(const struct reader *r, size_t table, size_t n_tensors, struct va_tflite_operator *ret)
{
    int32_t index, old_code, new_code;
    size_t at;

    *ret = (struct va_tflite_operator){0};
    if (read_number(r, table, OPERATOR_CODE, 4, 0, &index) < 0 || index < 0 || table_at(r, &r->codes, (size_t)index, &at) < 0 ||
        read_number(r, at, CODE_OLD, 1, 0, &old_code) < 0 || read_number(r, at, CODE_NEW, 4, 0, &new_code) < 0)
        return -1;
    ret->code = old_code > new_code ? old_code : new_code; /* old files have the first only, new ones 127 there when it is greater */
    if (read_operands(r, table, OPERATOR_INPUTS, n_tensors, &ret->n_inputs, ret->input) < 0 ||
        read_operands(r, table, OPERATOR_OUTPUTS, n_tensors, &ret->n_outputs, ret->output) < 0 ||
        find_field(r, table, OPERATOR_OPTIONS, 4, &at) < 0)
        return -1;
    return at == 0 ? 0 : follow(r, at, &ret->options);
}

static int damaged(va_error *error)
{
    return va_fail(error, VA_EFORMAT, "not a TensorFlow Lite file, or damaged");
}

static int read_graph(const struct reader *r, size_t table, struct va_tflite_graph *ret, va_error *error)
{
    struct va_tflite_vector tensors, operators;
    int32_t inputs[VA_TFLITE_MAX_OPERANDS], outputs[VA_TFLITE_MAX_OPERANDS];
    int n_inputs, n_outputs;
    size_t at;

    if (read_vector(r, table, GRAPH_TENSORS, 4, &tensors) < 0 || read_vector(r, table, GRAPH_OPERATORS, 4, &operators) < 0)
        return damaged(error);
    if (tensors.n > VA_TFLITE_MAX_TENSORS || operators.n > VA_TFLITE_MAX_OPERATORS)
        return va_fail(error, VA_ELIMIT, "the network has %zu tensors and %zu operators; at most %d and %d are read", tensors.n,
                       operators.n, VA_TFLITE_MAX_TENSORS, VA_TFLITE_MAX_OPERATORS);
    if ((ret->tensors = va_calloc(tensors.n, sizeof *ret->tensors)) == NULL ||
        (ret->operators = va_calloc(operators.n, sizeof *ret->operators)) == NULL)
        return va_fail_memory(error);
    ret->n_tensors = tensors.n;
    ret->n_operators = operators.n;
    for (size_t i = 0; i < tensors.n; i++)
        if (table_at(r, &tensors, i, &at) < 0 || read_tensor(r, at, &ret->tensors[i]) < 0)
            return damaged(error);
    for (size_t i = 0; i < operators.n; i++)
        if (table_at(r, &operators, i, &at) < 0 || read_operator(r, at, tensors.n, &ret->operators[i]) < 0)
            return damaged(error);
    if (read_operands(r, table, GRAPH_INPUTS, tensors.n, &n_inputs, inputs) < 0 ||
        read_operands(r, table, GRAPH_OUTPUTS, tensors.n, &n_outputs, outputs) < 0)
        return damaged(error);
    ret->input = n_inputs == 1 ? inputs[0] : -1;
    ret->output = n_outputs == 1 ? outputs[0] : -1;
    return 0;
}

int va_tflite_read(const uint8_t *file, size_t size, struct va_tflite *ret_model, va_error *error)
{
    struct reader reader = {.file = file, .size = size};
    struct va_tflite model = {.file = file, .size = size};
    struct va_tflite_vector graphs;
    size_t root, at;
    int r = 0;

    if (size < 8 || memcmp(file + 4, "TFL3", 4) != 0)
        return va_fail(error, VA_EFORMAT, "not a TensorFlow Lite file");
    if (follow(&reader, 0, &root) < 0 || read_vector(&reader, root, MODEL_CODES, 4, &reader.codes) < 0 ||
        read_vector(&reader, root, MODEL_BUFFERS, 4, &reader.buffers) < 0 || read_vector(&reader, root, MODEL_GRAPHS, 4, &graphs) < 0 ||
        graphs.n == 0)
        return damaged(error);
    if (graphs.n > MAX_GRAPHS || reader.buffers.n > MAX_BUFFERS || reader.codes.n > MAX_CODES)
        return va_fail(error, VA_ELIMIT,
                       "the network has %zu graphs, %zu buffers and %zu kinds of operators; at most %d, %d and %d are read", graphs.n,
                       reader.buffers.n, reader.codes.n, MAX_GRAPHS, MAX_BUFFERS, MAX_CODES);
    model.n_graphs = graphs.n;
    for (size_t i = 0; r == 0 && i < graphs.n; i++)
        r = table_at(&reader, &graphs, i, &at) < 0 ? damaged(error) : read_graph(&reader, at, &model.graph[i], error);
    if (r < 0) {
        va_tflite_free(&model);
        return r;
    }
    *ret_model = model;
    return 0;
}

void va_tflite_free(struct va_tflite *model)
{
    for (size_t i = 0; i < MAX_GRAPHS; i++) {
        va_free(model->graph[i].tensors);
        va_free(model->graph[i].operators);
    }
    *model = (struct va_tflite){0};
}

int va_tflite_option(const struct va_tflite *model, const struct va_tflite_operator *op, int field, int bytes, int32_t otherwise,
                     int32_t *ret_value, va_error *error)
{
    const struct reader reader = {.file = model->file, .size = model->size};

    if (op->options == 0)
        *ret_value = otherwise;
    else if (read_number(&reader, op->options, field, bytes, otherwise, ret_value) < 0)
        return damaged(error);
    return 0;
}

float va_tflite_scale(const struct va_tflite_tensor *tensor, size_t i)
{
    uint32_t bits = load_u32(tensor->scales.data + 4 * i);
    float scale;

    memcpy(&scale, &bits, sizeof scale);
    return scale;
}

int32_t va_tflite_int32(const struct va_tflite_tensor *tensor, size_t i)
{
    return load_s32(tensor->data + 4 * i);
}
