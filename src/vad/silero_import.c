#include "vad/silero_import.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "nn/container.h"
#include "nn/pack.h"
#include "nn/sha256.h"
#include "vad/onnx.h"
#include "vad/silero_layout.h"

enum { MAX_FILE_BYTES = 64 << 20 };

struct import {
    const char *path;
    struct va_map map;
    va_container_writer *writer;
    va_error *error;
};

/* Puts the path before what is wrong. */
static int explain(const struct import *im, int code, const va_error *problem)
{
    return va_fail(im->error, code, "%s: not Silero's model of 16 kHz: %s", im->path, problem->text);
}

/* A tensor of the file as floats, checked. va_free. */
static int read_floats(const struct import *im, const char *name, int rank, const uint64_t *dims, float **ret_values)
{
    const uint8_t *bytes;
    va_error problem;
    size_t n = 1;
    int r = va_onnx_find(im->map.data, im->map.size, name, rank, dims, &bytes, &problem);

    if (r < 0)
        return explain(im, r, &problem);
    for (int i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    float *values = va_alloc(n, sizeof *values);
    if (values == NULL)
        return va_fail_memory(im->error);
    memcpy(values, bytes, n * sizeof *values);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i])) {
            va_free(values);
            return va_fail(im->error, VA_EFORMAT, "%s: tensor %s is not finite", im->path, name);
        }
    *ret_values = values;
    return 0;
}

/* The network's first layer is a table of sines under a Hann window, which silero.c replaces by a Fourier transform. */
static int check_transform(const struct import *im)
{
    static const uint64_t dims[] = {2 * VA_SILERO_BINS, 1, VA_SILERO_WINDOW};
    float *table;
    double worst = 0.0;
    int r = read_floats(im, "model.stft.forward_basis_buffer", 3, dims, &table);

    if (r < 0)
        return r;
    for (int bin = 0; bin < VA_SILERO_BINS; bin++)
        for (int i = 0; i < VA_SILERO_WINDOW; i++) {
            double window = 0.5 - 0.5 * cos(2.0 * M_PI * i / VA_SILERO_WINDOW), angle = 2.0 * M_PI * bin * i / VA_SILERO_WINDOW;
            const float *real = table + bin * VA_SILERO_WINDOW + i, *imaginary = real + VA_SILERO_BINS * VA_SILERO_WINDOW;
            worst = fmax(worst, fmax(fabs(*real - window * cos(angle)), fabs(*imaginary + window * sin(angle))));
        }
    va_free(table);
    if (worst > 1e-6)
        return va_fail(im->error, VA_EFORMAT, "%s: not Silero's model of 16 kHz: its transform differs", im->path);
    return 0;
}

/* rows [n, k], bias [n] */
static int add_linear(const struct import *im, const char *name, int n, int k, const float *rows, const float *bias)
{
    const uint64_t dims[2] = {(uint64_t)n, (uint64_t)k};
    char full[VA_CONTAINER_NAME_SIZE];
    float *packed = va_alloc((size_t)n * (size_t)k, sizeof *packed);
    int r;

    if (packed == NULL)
        return va_fail_memory(im->error);
    va_pack_f32(rows, n, k, packed);
    snprintf(full, sizeof full, "%s.weight", name);
    r = va_container_writer_add(im->writer, full, VA_TENSOR_F32, 2, dims, packed, im->error);
    va_free(packed);
    if (r < 0)
        return r;
    snprintf(full, sizeof full, "%s.bias", name);
    return va_container_writer_add(im->writer, full, VA_TENSOR_F32, 1, dims, bias, im->error);
}

/* n outputs, `in` inputs of which the prepared file has in_padded; its taps first_tap .. first_tap + taps - 1 of 3. */
struct conv {
    const char *name;
    int n, in, in_padded, first_tap, taps;
};

static int add_conv(const struct import *im, int index, const struct conv *conv)
{
    const uint64_t dims[3] = {(uint64_t)conv->n, (uint64_t)conv->in, 3};
    int k = conv->taps * conv->in_padded, r;
    float *weight = NULL, *bias = NULL, *rows = NULL;
    char name[64];

    snprintf(name, sizeof name, "model.encoder.%d.reparam_conv.weight", index);
    if ((r = read_floats(im, name, 3, dims, &weight)) < 0)
        goto fail;
    snprintf(name, sizeof name, "model.encoder.%d.reparam_conv.bias", index);
    if ((r = read_floats(im, name, 1, dims, &bias)) < 0)
        goto fail;
    if ((rows = va_calloc((size_t)conv->n * (size_t)k, sizeof *rows)) == NULL) {
        r = va_fail_memory(im->error);
        goto fail;
    }
    for (int i = 0; i < conv->n; i++)
        for (int tap = 0; tap < conv->taps; tap++)
            for (int j = 0; j < conv->in; j++)
                rows[i * k + tap * conv->in_padded + j] = weight[(i * conv->in + j) * 3 + conv->first_tap + tap];
    r = add_linear(im, conv->name, conv->n, k, rows, bias);
fail:
    va_free(weight);
    va_free(bias);
    va_free(rows);
    return r;
}

static int add_lstm(const struct import *im)
{
    static const uint64_t dims[] = {VA_SILERO_GATES, VA_SILERO_WIDTH};
    const size_t width = VA_SILERO_WIDTH;
    float *from_input = NULL, *from_state = NULL, *bias = NULL, *bias2 = NULL, *rows = NULL;
    int r;

    if ((r = read_floats(im, "model.decoder.rnn.weight_ih", 2, dims, &from_input)) < 0 ||
        (r = read_floats(im, "model.decoder.rnn.weight_hh", 2, dims, &from_state)) < 0 ||
        (r = read_floats(im, "model.decoder.rnn.bias_ih", 1, dims, &bias)) < 0 ||
        (r = read_floats(im, "model.decoder.rnn.bias_hh", 1, dims, &bias2)) < 0)
        goto fail;
    if ((rows = va_alloc(VA_SILERO_GATES, VA_SILERO_LSTM_K * sizeof *rows)) == NULL) {
        r = va_fail_memory(im->error);
        goto fail;
    }
    for (size_t i = 0; i < VA_SILERO_GATES; i++) {
        memcpy(rows + i * VA_SILERO_LSTM_K, from_input + i * width, width * sizeof *rows);
        memcpy(rows + i * VA_SILERO_LSTM_K + width, from_state + i * width, width * sizeof *rows);
        bias[i] += bias2[i];
    }
    r = add_linear(im, "lstm", VA_SILERO_GATES, VA_SILERO_LSTM_K, rows, bias);
fail:
    va_free(from_input);
    va_free(from_state);
    va_free(bias);
    va_free(bias2);
    va_free(rows);
    return r;
}

static int add_out(const struct import *im)
{
    static const uint64_t dims[] = {1, VA_SILERO_WIDTH, 1};
    float *weight = NULL, *bias = NULL;
    int r;

    if ((r = read_floats(im, "model.decoder.decoder.2.weight", 3, dims, &weight)) == 0 &&
        (r = read_floats(im, "model.decoder.decoder.2.bias", 1, dims, &bias)) == 0 &&
        (r = va_container_writer_add(im->writer, "out.weight", VA_TENSOR_F32, 1, dims + 1, weight, im->error)) == 0)
        r = va_container_writer_add(im->writer, "out.bias", VA_TENSOR_F32, 1, dims, bias, im->error);
    va_free(weight);
    va_free(bias);
    return r;
}

static int add_network(const struct import *im)
{
    static const struct conv convs[] = {
        {"conv1", VA_SILERO_WIDTH, VA_SILERO_BINS, VA_SILERO_BINS_PADDED, 0, 3},
        {"conv2", VA_SILERO_NARROW, VA_SILERO_WIDTH, VA_SILERO_WIDTH, 0, 3},
        {"conv3", VA_SILERO_NARROW, VA_SILERO_NARROW, VA_SILERO_NARROW, 1, 2},
        {"conv4", VA_SILERO_WIDTH, VA_SILERO_NARROW, VA_SILERO_NARROW, 1, 1},
    };
    int r;

    for (int i = 0; i < 4; i++)
        if ((r = add_conv(im, i, &convs[i])) < 0)
            return r;
    if ((r = add_lstm(im)) < 0)
        return r;
    return add_out(im);
}

int va_silero_import(const char *source, const char *out_path, va_error *error)
{
    struct import im = {.path = source, .error = error};
    uint8_t digest[VA_SHA256_SIZE];
    int r;

    if ((r = va_file_map(source, &im.map, error)) < 0)
        return r;
    if (im.map.size > MAX_FILE_BYTES) {
        r = va_fail(error, VA_ELIMIT, "%s: too large for a speech detector", source);
        goto fail;
    }
    if ((r = check_transform(&im)) < 0)
        goto fail;
    if ((r = va_sha256_of(im.map.data, im.map.size, digest, error)) < 0)
        goto fail;
    if ((r = va_container_writer_new(out_path, VA_CONTAINER_VAD, digest, im.map.size, &im.writer, error)) < 0)
        goto fail;
    if ((r = add_network(&im)) < 0)
        goto fail;
    r = va_container_writer_finish(im.writer, error);
fail:
    va_container_writer_free(im.writer);
    va_file_unmap(&im.map);
    return r;
}
