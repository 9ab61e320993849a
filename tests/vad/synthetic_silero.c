#include "synthetic_silero.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

const struct synthetic_tensor synthetic_tensors[SYNTHETIC_TENSORS] = {
    {"model.stft.forward_basis_buffer", 3, {258, 1, 256}, 0.0f},
    {"model.encoder.0.reparam_conv.weight", 3, {128, 129, 3}, 0.2f},
    {"model.encoder.0.reparam_conv.bias", 1, {128}, 0.3f},
    {"model.encoder.1.reparam_conv.weight", 3, {64, 128, 3}, 0.15f},
    {"model.encoder.1.reparam_conv.bias", 1, {64}, 0.3f},
    {"model.encoder.2.reparam_conv.weight", 3, {64, 64, 3}, 0.2f},
    {"model.encoder.2.reparam_conv.bias", 1, {64}, 0.3f},
    {"model.encoder.3.reparam_conv.weight", 3, {128, 64, 3}, 0.3f},
    {"model.encoder.3.reparam_conv.bias", 1, {128}, 0.3f},
    {"model.decoder.rnn.weight_ih", 2, {512, 128}, 0.2f},
    {"model.decoder.rnn.weight_hh", 2, {512, 128}, 0.3f},
    {"model.decoder.rnn.bias_ih", 1, {512}, 0.3f},
    {"model.decoder.rnn.bias_hh", 1, {512}, 0.3f},
    {"model.decoder.decoder.2.weight", 3, {1, 128, 1}, 0.6f},
    {"model.decoder.decoder.2.bias", 1, {1}, 0.3f},
};

size_t synthetic_tensor_size(int i)
{
    size_t n = 1;
    for (int j = 0; j < synthetic_tensors[i].rank; j++)
        n *= (size_t)synthetic_tensors[i].dim[j];
    return n;
}

static void transform_values(float *ret)
{
    for (int row = 0; row < 258; row++)
        for (int t = 0; t < 256; t++) {
            double window = 0.5 - 0.5 * cos(2 * M_PI * t / 256), angle = 2 * M_PI * (row % 129) * t / 256;
            ret[row * 256 + t] = (float)(window * (row < 129 ? cos(angle) : -sin(angle)));
        }
}

void synthetic_tensor_values(int i, float *ret_values)
{
    uint32_t state = 12345u + (uint32_t)i;
    if (synthetic_tensors[i].scale == 0.0f) {
        transform_values(ret_values);
        return;
    }
    for (size_t j = 0; j < synthetic_tensor_size(i); j++) {
        state = state * 1664525u + 1013904223u;
        ret_values[j] = synthetic_tensors[i].scale * ((float)(state >> 8) / 8388608.0f - 1.0f);
    }
}

static int add_varint(struct va_buffer *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (uint8_t)(value & 127) | (value > 127 ? 128 : 0);
        n++;
    } while ((value >>= 7) != 0);
    return va_buffer_append(out, bytes, n);
}

static int add_number(struct va_buffer *out, unsigned field, uint64_t value)
{
    return add_varint(out, field << 3) | add_varint(out, value);
}

static int add_bytes(struct va_buffer *out, unsigned field, const void *data, size_t size)
{
    return add_varint(out, field << 3 | 2) | add_varint(out, size) | va_buffer_append(out, data, size);
}

static int add_tensor(struct va_buffer *graph, int i, enum synthetic_fault fault)
{
    const struct synthetic_tensor *tensor = &synthetic_tensors[i];
    size_t n = synthetic_tensor_size(i);
    float *values = va_alloc(n, sizeof *values);
    struct va_buffer bytes;
    int r = values == NULL;
    va_buffer_init(&bytes, SYNTHETIC_SILERO_MAX_BYTES);
    if (r == 0) {
        synthetic_tensor_values(i, values);
        if (fault == SYNTHETIC_NAN)
            values[n - 1] = NAN;
        if (fault == SYNTHETIC_OTHER)
            values[0] += 0.001f;
        for (int j = 0; j < tensor->rank; j++)
            r |= add_number(&bytes, 1, tensor->dim[j]);
        if (fault == SYNTHETIC_SHAPE)
            r |= add_number(&bytes, 1, 1);
        r |= add_number(&bytes, 2, fault == SYNTHETIC_TYPE ? 11 : 1);
        r |= add_bytes(&bytes, 8, tensor->name, strlen(tensor->name));
        r |= add_bytes(&bytes, 9, values, (n - (fault == SYNTHETIC_SHORT)) * sizeof *values);
        r |= add_bytes(graph, 5, bytes.data, bytes.size);
    }
    va_buffer_free(&bytes);
    va_free(values);
    return r;
}

int synthetic_silero(enum synthetic_fault fault, int spoilt, struct va_buffer *out)
{
    struct va_buffer graph;
    int r = 0;
    va_buffer_init(&graph, SYNTHETIC_SILERO_MAX_BYTES);
    r |= add_bytes(&graph, 2, "graph", 5);
    for (int i = 0; i < SYNTHETIC_TENSORS; i++) {
        enum synthetic_fault here = i == spoilt ? fault : SYNTHETIC_GOOD;
        if (here != SYNTHETIC_MISSING)
            r |= add_tensor(&graph, i, here);
        if (here == SYNTHETIC_TWICE)
            r |= add_tensor(&graph, i, here);
    }
    r |= add_number(out, 1, 8) | add_bytes(out, 2, "test", 4) | add_bytes(out, 7, graph.data, graph.size);
    va_buffer_free(&graph);
    return r;
}
