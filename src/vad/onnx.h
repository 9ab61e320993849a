/* onnx.h - finds a tensor of weights by its name in an ONNX file.
 *
 * An ONNX file is one protobuf message. Only the way to the weights is read: ModelProto.graph -> GraphProto.initializer -> TensorProto,
 * with float32 values in raw_data; operators and all else are skipped. Every length is checked against what is left. Pure; any thread.
 * Source of the format: onnx/onnx, onnx/onnx.proto. */
#ifndef VA_VAD_ONNX_H
#define VA_VAD_ONNX_H

#include "base/error.h"

#define VA_ONNX_MAX_RANK 4

/* VA_EFORMAT: not ONNX, damaged, or the tensor is missing, there twice, not float32, or of another
 * shape than dims [rank]. ret_values: little-endian floats, one after the other, anywhere in the file (not aligned). */
VA_MUST_CHECK int va_onnx_find(const uint8_t *file, size_t size, const char *name, int rank, const uint64_t *dims,
                               const uint8_t **ret_values, va_error *error);

#endif
