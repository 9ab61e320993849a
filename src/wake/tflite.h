/* tflite.h - reads the operators, tensors and weights of a TensorFlow Lite file.
 *
 * The file is a FlatBuffer: tables that point to each other by offsets. Only what a small streaming network of int8 needs is read, and
 * every offset, count and size is checked against the file on the way; names, signatures and metadata are skipped. What is read points
 * into the file, which must outlive it. Immutable once read; any thread.
 * Source of the format: tensorflow, tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3. */
#ifndef VA_WAKE_TFLITE_H
#define VA_WAKE_TFLITE_H

#include "base/error.h"

enum { VA_TFLITE_MAX_TENSORS = 1024, VA_TFLITE_MAX_OPERATORS = 1024, VA_TFLITE_MAX_RANK = 4, VA_TFLITE_MAX_OPERANDS = 8 };

/* Numbers of the schema: the types and operators that a wake word network has. Others may occur in a file. */
enum { VA_TFLITE_INT32 = 2, VA_TFLITE_UINT8 = 3, VA_TFLITE_INT8 = 9 };
enum {
    VA_TFLITE_CONCATENATION = 2,
    VA_TFLITE_CONV_2D = 3,
    VA_TFLITE_DEPTHWISE_CONV_2D = 4,
    VA_TFLITE_FULLY_CONNECTED = 9,
    VA_TFLITE_LOGISTIC = 14,
    VA_TFLITE_RESHAPE = 22,
    VA_TFLITE_STRIDED_SLICE = 45,
    VA_TFLITE_SPLIT_V = 102,
    VA_TFLITE_QUANTIZE = 114,
    VA_TFLITE_CALL_ONCE = 129,
    VA_TFLITE_VAR_HANDLE = 142,
    VA_TFLITE_READ_VARIABLE = 143,
    VA_TFLITE_ASSIGN_VARIABLE = 144
};

/* A vector in the file, maybe not aligned; n = 0: there is none. */
struct va_tflite_vector {
    const uint8_t *data;
    size_t n; /* elements */
};

struct va_tflite_tensor {
    int type, rank;                  /* rank 0: a scalar */
    int32_t dim[VA_TFLITE_MAX_RANK]; /* >= 0; unused ones are 1 */
    size_t count;                    /* elements: at most 2^24 */
    const uint8_t *data;             /* constants: as many bytes as type and count say, not aligned; else NULL */
    struct va_tflite_vector scales;  /* f32; empty: not quantised */
    int64_t zero_point;              /* the first, 0 when there is none */
    int axis;                        /* that the scales belong to, when there are several */
};

struct va_tflite_operator {
    int code;
    int n_inputs, n_outputs; /* all of them; those beyond the maximum are not kept */
    int32_t input[VA_TFLITE_MAX_OPERANDS], output[VA_TFLITE_MAX_OPERANDS];
    size_t options; /* where the table of its options is; 0: none */
};

struct va_tflite_graph {
    size_t n_tensors, n_operators;
    struct va_tflite_tensor *tensors;
    struct va_tflite_operator *operators; /* in the order of execution; operands are tensors of this graph, or -1 */
    int32_t input, output;                /* the only ones, or -1 */
};

struct va_tflite {
    const uint8_t *file;
    size_t size;
    size_t n_graphs;                 /* 1 or 2 */
    struct va_tflite_graph graph[2]; /* the network; what sets its state at first */
};

/* VA_EFORMAT: not such a file, or damaged; VA_ELIMIT: too large a network; VA_ENOMEM. ret_model is to be freed only on success. */
VA_MUST_CHECK int va_tflite_read(const uint8_t *file, size_t size, struct va_tflite *ret_model, va_error *error);
void va_tflite_free(struct va_tflite *model);

/* A number among an operator's options, by its field of the schema, of 1 or 4 bytes. VA_EFORMAT: damaged. */
VA_MUST_CHECK int va_tflite_option(const struct va_tflite *model, const struct va_tflite_operator *op, int field, int bytes,
                                   int32_t otherwise, int32_t *ret_value, va_error *error);

float va_tflite_scale(const struct va_tflite_tensor *tensor, size_t i);   /* i < scales.n */
int32_t va_tflite_int32(const struct va_tflite_tensor *tensor, size_t i); /* of constants of VA_TFLITE_INT32; i < count */

#endif
