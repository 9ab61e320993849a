#include "tiny_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "nn/container.h"
#include "nn/pack.h"
#include "whisper/silence.h"

#define WIDTH 64

struct writer {
    va_container_writer *container;
    enum va_precision precision;
    uint64_t random;
};

static float uniform(struct writer *writer)
{
    writer->random = writer->random * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(writer->random >> 32) / 2147483648.0f;
}

static void add(struct writer *writer, const char *name, enum va_tensor_type type, int rank, uint64_t dim0, uint64_t dim1, const void *data)
{
    const uint64_t dims[2] = {dim0, dim1};
    assert_int_equal(va_container_writer_add(writer->container, name, type, rank, dims, data, NULL), 0);
}

static void add_part(struct writer *writer, const char *name, const char *part, enum va_tensor_type type, int rank, uint64_t dim0,
                     uint64_t dim1, const void *data)
{
    char full[64];
    snprintf(full, sizeof full, "%s.%s", name, part);
    add(writer, full, type, rank, dim0, dim1, data);
}

static void add_random(struct writer *writer, const char *name, uint64_t rows, uint64_t columns, float scale)
{
    float *values = va_alloc((size_t)(rows * columns), sizeof *values);
    for (size_t i = 0; i < rows * columns; i++)
        values[i] = scale * uniform(writer);
    add(writer, name, VA_TENSOR_F32, 2, rows, columns, values);
    va_free(values);
}

static void add_linear(struct writer *writer, const char *name, int n, int k, int as_float, int has_bias)
{
    size_t rows = (size_t)VA_PACKED_ROWS(n), size = rows * (size_t)k;
    float *weights = va_alloc((size_t)n * (size_t)k, sizeof *weights), *packed = va_calloc(size, sizeof *packed),
          *step = va_calloc(rows, sizeof *step);
    int8_t *quantised = va_calloc(size, 1);
    int32_t *sum = va_calloc(rows, sizeof *sum);
    for (size_t i = 0; i < (size_t)n * (size_t)k; i++)
        weights[i] = 0.3f * uniform(writer);
    if (as_float || writer->precision == VA_PRECISION_F32) {
        va_pack_f32(weights, n, k, packed);
        add_part(writer, name, "weight", VA_TENSOR_F32, 2, rows, (uint64_t)k, packed);
    } else {
        va_pack_s8(weights, n, k, quantised, step, sum);
        add_part(writer, name, "weight", VA_TENSOR_S8, 2, rows, (uint64_t)k, quantised);
        add_part(writer, name, "step", VA_TENSOR_F32, 1, rows, 1, step);
        add_part(writer, name, "sum", VA_TENSOR_S32, 1, rows, 1, sum);
    }
    memset(packed, 0, rows * sizeof *packed);
    if (has_bias)
        add_part(writer, name, "bias", VA_TENSOR_F32, 1, rows, 1, packed);
    va_free(weights);
    va_free(packed);
    va_free(step);
    va_free(quantised);
    va_free(sum);
}

static void add_norm(struct writer *writer, const char *name)
{
    float gamma[WIDTH], beta[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
        gamma[i] = 1.0f;
        beta[i] = 0.0f;
    }
    add_part(writer, name, "gamma", VA_TENSOR_F32, 1, WIDTH, 1, gamma);
    add_part(writer, name, "beta", VA_TENSOR_F32, 1, WIDTH, 1, beta);
}

static void add_layer(struct writer *writer, const char *side, int layer, int cross)
{
    static const struct {
        const char *name;
        int n, k, cross; /* k = 0: a norm */
    } parts[] = {
        {"attn_norm", 0, 0, 0},        {"qkv", 3 * WIDTH, WIDTH, 0},      {"out", WIDTH, WIDTH, 0},       {"cross_norm", 0, 0, 1},
        {"cross_q", WIDTH, WIDTH, 1},  {"cross_kv", 2 * WIDTH, WIDTH, 1}, {"cross_out", WIDTH, WIDTH, 1}, {"mlp_norm", 0, 0, 0},
        {"mlp1", 4 * WIDTH, WIDTH, 0}, {"mlp2", WIDTH, 4 * WIDTH, 0},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char name[64];
        if (parts[i].cross && !cross)
            continue;
        snprintf(name, sizeof name, "%s.%d.%s", side, layer, parts[i].name);
        if (parts[i].k == 0)
            add_norm(writer, name);
        else
            add_linear(writer, name, parts[i].n, parts[i].k, 0, 1);
    }
}

/* Tokens 0 .. 255 are the bytes; the others are a blank and their number in letters. */
static void add_vocabulary(struct writer *writer, int n_text)
{
    uint8_t *bytes = va_alloc((size_t)n_text, 8);
    uint32_t *ends = va_alloc((size_t)n_text, sizeof *ends), size = 0;
    for (int i = 0; i < n_text; i++) {
        if (i < 256) {
            bytes[size++] = (uint8_t)i;
        } else {
            bytes[size++] = ' ';
            for (int rest = i; rest > 0; rest /= 26)
                bytes[size++] = (uint8_t)('a' + rest % 26);
        }
        ends[i] = size;
    }
    add(writer, "vocab.bytes", VA_TENSOR_U8, 1, size, 1, bytes);
    add(writer, "vocab.ends", VA_TENSOR_S32, 1, (uint64_t)n_text, 1, ends);
    va_free(bytes);
    va_free(ends);
}

void tiny_model_write(const char *path, enum va_precision precision, int vocabulary, const int32_t *hparams)
{
    static const uint8_t source_hash[32] = {1};
    struct writer writer = {.precision = precision, .random = 1};
    char network[512];
    int32_t own[VA_WHISPER_HPARAMS] = TINY_MODEL_HPARAMS;
    const int32_t suppress[] = {220}, begin[] = {vocabulary == 51865 ? 50257 : 50256}, alignment[] = {1, 0};

    own[VA_HPARAM_VOCAB] = vocabulary;
    own[VA_HPARAM_PRECISION] = (int32_t)precision;
    snprintf(network, sizeof network, "%s.network", path);
    assert_int_equal(va_container_writer_new(network, VA_CONTAINER_WHISPER, source_hash, 1, &writer.container, NULL), 0);
    add(&writer, "hparams", VA_TENSOR_S32, 1, VA_WHISPER_HPARAMS, 1, hparams == NULL ? own : hparams);
    add_vocabulary(&writer, vocabulary == 51865 ? 50257 : 50256);
    add(&writer, "tokens.suppress", VA_TENSOR_S32, 1, 1, 1, suppress);
    add(&writer, "tokens.suppress_begin", VA_TENSOR_S32, 1, 1, 1, begin);
    add(&writer, "alignment_heads", VA_TENSOR_S32, 2, 1, 2, alignment);
    add_linear(&writer, "encoder.conv1", WIDTH, 240, 1, 1);
    add_linear(&writer, "encoder.conv2", WIDTH, 3 * WIDTH, 1, 1);
    add_random(&writer, "encoder.positions", 1500, WIDTH, 0.1f);
    add_norm(&writer, "encoder.norm");
    add_linear(&writer, "decoder.embedding", vocabulary, WIDTH, 0, 0);
    add_random(&writer, "decoder.positions", 448, WIDTH, 1.0f);
    add_norm(&writer, "decoder.norm");
    for (int i = 0; i < 2; i++) {
        add_layer(&writer, "encoder", i, 0);
        add_layer(&writer, "decoder", i, 1);
    }
    assert_int_equal(va_container_writer_finish(writer.container, NULL), 0);
    va_container_writer_free(writer.container);
    if (hparams == NULL) {
        assert_int_equal(va_silence_complete(network, path, NULL), 0);
        assert_int_equal(unlink(network), 0);
    } else { /* what does not open has no silence either */
        assert_int_equal(rename(network, path), 0);
    }
}

void tiny_model_noise(float *pcm, size_t n)
{
    uint32_t random = 1;
    for (size_t i = 0; i < n; i++) {
        random = random * 1664525u + 1013904223u;
        pcm[i] = 0.3f * sinf((float)(i / 8000)) * ((float)(random >> 8) / 8388608.0f - 1.0f);
    }
}
