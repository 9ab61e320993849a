#include "vad/onnx.h"

#include <string.h>

/* Numbers of the fields that are read. */
enum { MODEL_GRAPH = 7, GRAPH_INITIALIZER = 5, TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW_DATA = 9 };
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };
enum { TYPE_FLOAT = 1 };

/* What is left of a message. */
struct message {
    const uint8_t *p, *end;
};

struct field {
    uint64_t number;
    unsigned wire;
    uint64_t value;       /* of WIRE_VARINT */
    struct message bytes; /* of WIRE_BYTES */
};

struct tensor {
    struct message name, values;
    uint64_t type, dim[VA_ONNX_MAX_RANK];
    int rank; /* more than VA_ONNX_MAX_RANK: too many */
};

static int read_varint(struct message *m, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && m->p < m->end; shift += 7) {
        uint8_t byte = *m->p++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return 0;
        }
    }
    return -1;
}

static int skip(struct message *m, uint64_t n)
{
    if (n > (uint64_t)(m->end - m->p))
        return -1;
    m->p += n;
    return 0;
}

/* 1 and the next field, 0 at the end, -1: damaged. */
static int next_field(struct message *m, struct field *ret)
{
    uint64_t key, n;

    if (m->p == m->end)
        return 0;
    if (read_varint(m, &key) < 0)
        return -1;
    *ret = (struct field){.number = key >> 3, .wire = (unsigned)(key & 7)};
    switch (ret->wire) {
    case WIRE_VARINT:
        return read_varint(m, &ret->value) < 0 ? -1 : 1;
    case WIRE_64:
        return skip(m, 8) < 0 ? -1 : 1;
    case WIRE_32:
        return skip(m, 4) < 0 ? -1 : 1;
    case WIRE_BYTES:
        if (read_varint(m, &n) < 0)
            return -1;
        ret->bytes.p = m->p;
        if (skip(m, n) < 0)
            return -1;
        ret->bytes.end = m->p;
        return 1;
    default: /* groups, which ONNX never had */
        return -1;
    }
}

static void add_dim(struct tensor *tensor, uint64_t dim)
{
    if (tensor->rank < VA_ONNX_MAX_RANK)
        tensor->dim[tensor->rank] = dim;
    if (tensor->rank <= VA_ONNX_MAX_RANK)
        tensor->rank++;
}

static int read_tensor(struct message m, struct tensor *ret)
{
    struct field field;
    uint64_t dim;
    int more;

    *ret = (struct tensor){0};
    while ((more = next_field(&m, &field)) > 0) {
        if (field.number == TENSOR_DIMS && field.wire == WIRE_VARINT)
            add_dim(ret, field.value);
        else if (field.number == TENSOR_DIMS && field.wire == WIRE_BYTES)
            while (field.bytes.p != field.bytes.end) {
                if (read_varint(&field.bytes, &dim) < 0)
                    return -1;
                add_dim(ret, dim);
            }
        else if (field.number == TENSOR_TYPE && field.wire == WIRE_VARINT)
            ret->type = field.value;
        else if (field.number == TENSOR_NAME && field.wire == WIRE_BYTES)
            ret->name = field.bytes;
        else if (field.number == TENSOR_RAW_DATA && field.wire == WIRE_BYTES)
            ret->values = field.bytes;
    }
    return more;
}

/* How many tensors of the graph have this name, or -1: damaged. ret: the last of them. */
static int find_in_graph(struct message graph, const char *name, struct tensor *ret)
{
    size_t size = strlen(name);
    struct tensor tensor;
    struct field field;
    int n = 0, more;

    while ((more = next_field(&graph, &field)) > 0) {
        if (field.number != GRAPH_INITIALIZER || field.wire != WIRE_BYTES)
            continue;
        if (read_tensor(field.bytes, &tensor) < 0)
            return -1;
        if ((size_t)(tensor.name.end - tensor.name.p) == size && memcmp(tensor.name.p, name, size) == 0) {
            *ret = tensor;
            n += n < 2;
        }
    }
    return more < 0 ? -1 : n;
}

static int has_shape(const struct tensor *tensor, int rank, const uint64_t *dims)
{
    uint64_t bytes = sizeof(float);

    if (tensor->type != TYPE_FLOAT || tensor->rank != rank)
        return 0;
    for (int i = 0; i < rank; i++)
        if (tensor->dim[i] != dims[i] || __builtin_mul_overflow(bytes, dims[i], &bytes))
            return 0;
    return (uint64_t)(tensor->values.end - tensor->values.p) == bytes;
}

int va_onnx_find(const uint8_t *file, size_t size, const char *name, int rank, const uint64_t *dims, const uint8_t **ret_values,
                 va_error *error)
{
    struct message model = {file, file + size};
    struct tensor tensor = {0};
    struct field field;
    int graphs = 0, n = 0, more;

    while ((more = next_field(&model, &field)) > 0)
        if (field.number == MODEL_GRAPH && field.wire == WIRE_BYTES && graphs++ == 0)
            n = find_in_graph(field.bytes, name, &tensor);
    if (more < 0 || graphs != 1 || n < 0)
        return va_fail(error, VA_EFORMAT, "not an ONNX file, or damaged");
    if (n != 1)
        return va_fail(error, VA_EFORMAT, "tensor %s is %s", name, n == 0 ? "missing" : "there twice");
    if (!has_shape(&tensor, rank, dims))
        return va_fail(error, VA_EFORMAT, "tensor %s has a wrong type or shape", name);
    *ret_values = tensor.values.p;
    return 0;
}
