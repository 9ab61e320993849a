#include "whisper/silence.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "dsp/log_mel.h"
#include "nn/container.h"
#include "whisper/encoder.h"

#define FRAMES 1500
#define KEY_PANELS(rows) (((rows) + VA_PANEL - 1) / VA_PANEL)

struct maker {
    const va_model *model;
    va_container_writer *writer;
    float *keys;   /* [heads][KEY_PANELS(VA_SILENCE_ROWS)][64][16] */
    float *values; /* [heads][VA_SILENCE_ROWS][64] */
    int status;
    va_error *error;
};

static int add(struct maker *maker, const char *side, int layer, const char *part, enum va_tensor_type type, int rank, const uint64_t *dims,
               const void *data)
{
    char name[VA_CONTAINER_NAME_SIZE];
    snprintf(name, sizeof name, "silence.%s.%d.%s", side, layer, part);
    return va_container_writer_add(maker->writer, name, type, rank, dims, data, maker->error);
}

/* Where value j of a row is: in rows of 64 one after the other, or in panels of 16 keys. */
static size_t in_rows(int row, int j)
{
    return (size_t)row * VA_HEAD + (size_t)j;
}

static size_t in_panels(int row, int j)
{
    return (size_t)(row / VA_PANEL) * VA_KEY_PANEL_SIZE + (size_t)j * VA_PANEL + (size_t)(row % VA_PANEL);
}

/* The frame that row `row` is taken from: the middle one of those it stands for. */
static int middle(int row)
{
    int first = row * VA_SILENCE_STRIDE, n = FRAMES - first < VA_SILENCE_STRIDE ? FRAMES - first : VA_SILENCE_STRIDE;
    return first + n / 2;
}

/* One row in VA_SILENCE_STRIDE of full [FRAMES][64], laid out as `at` says. */
static void thin(const float *full, size_t (*at)(int row, int j), float *ret_thin)
{
    for (int row = 0; row < VA_SILENCE_ROWS; row++)
        for (int j = 0; j < VA_HEAD; j++)
            ret_thin[at(row, j)] = full[in_rows(middle(row), j)];
}

/* The self-attention's keys and values of one layer. */
static void add_encoder_layer(void *user, int layer, const float *keys, const float *values)
{
    struct maker *maker = user;
    uint64_t heads = (uint64_t)maker->model->heads;
    const uint64_t key_dims[] = {heads, KEY_PANELS(VA_SILENCE_ROWS), VA_HEAD, VA_PANEL}, value_dims[] = {heads, VA_SILENCE_ROWS, VA_HEAD};

    for (size_t h = 0; h < heads; h++) {
        thin(keys + h * FRAMES * VA_HEAD, in_panels, maker->keys + h * KEY_PANELS(VA_SILENCE_ROWS) * VA_KEY_PANEL_SIZE);
        thin(values + h * FRAMES * VA_HEAD, in_rows, maker->values + h * VA_SILENCE_ROWS * VA_HEAD);
    }
    if (maker->status == 0)
        maker->status = add(maker, "encoder", layer, "k", VA_TENSOR_F32, 4, key_dims, maker->keys);
    if (maker->status == 0)
        maker->status = add(maker, "encoder", layer, "v", VA_TENSOR_F32, 3, value_dims, maker->values);
}

/* Keys or values of one decoder layer's cross-attention: part [R][d] -> [heads][R][64]. by_head, half: scratch [R * d]. */
static int add_decoder_part(struct maker *maker, int layer, const char *name, const float *part, size_t stride, float *by_head,
                            uint16_t *half)
{
    const va_model *model = maker->model;
    size_t heads = (size_t)model->heads;
    const uint64_t dims[] = {heads, VA_SILENCE_ROWS, VA_HEAD};

    for (size_t h = 0; h < heads; h++)
        for (size_t row = 0; row < VA_SILENCE_ROWS; row++)
            memcpy(by_head + (h * VA_SILENCE_ROWS + row) * VA_HEAD, part + row * stride + h * VA_HEAD, VA_HEAD * sizeof *by_head);
    if (!model->half_cache)
        return add(maker, "decoder", layer, name, VA_TENSOR_F32, 3, dims, by_head);
    model->kernels->to_f16(by_head, (int)(heads * VA_SILENCE_ROWS * VA_HEAD), half);
    return add(maker, "decoder", layer, name, VA_TENSOR_F16, 3, dims, half);
}

/* The cross-attention's keys and values of all decoder layers. */
static int add_decoder(struct maker *maker, const float *encoder_rows)
{
    const va_model *model = maker->model;
    size_t d = (size_t)model->width, n = VA_SILENCE_ROWS * d;
    float *rows = va_alloc(n, sizeof *rows), *kv = va_alloc_aligned(2 * n, sizeof *kv), *part = va_alloc_aligned(n, sizeof *part);
    int8_t *q = va_alloc_aligned(VA_FINE * n, 1);
    float *step = va_alloc(VA_FINE * VA_SILENCE_ROWS, sizeof *step);
    uint16_t *half = va_alloc(n, sizeof *half);
    int r = 0;

    if (rows == NULL || kv == NULL || part == NULL || q == NULL || step == NULL || half == NULL) {
        r = va_fail_memory(maker->error);
        goto done;
    }
    for (int row = 0; row < VA_SILENCE_ROWS; row++)
        memcpy(rows + (size_t)row * d, encoder_rows + (size_t)middle(row) * d, d * sizeof *rows);
    for (int layer = 0; layer < model->dec_layers && r == 0; layer++) {
        const struct va_linear *w = &model->decoder[layer].cross_kv;
        struct va_rows in = va_rows_prepare(model->kernels, w, rows, d, VA_SILENCE_ROWS, VA_FINE, q, step);
        va_linear_forward(model->kernels, w, &in, VA_SILENCE_ROWS, 0, va_linear_panels(w), kv, 2 * d);
        r = add_decoder_part(maker, layer, "k", kv, 2 * d, part, half);
        if (r == 0)
            r = add_decoder_part(maker, layer, "v", kv + d, 2 * d, part, half);
    }
done:
    va_free(rows);
    va_free(kv);
    va_free(part);
    va_free(q);
    va_free(step);
    va_free(half);
    return r;
}

static int add_silence(const va_model *model, va_container_writer *writer, va_error *error)
{
    size_t d = (size_t)model->width;
    struct maker maker = {.model = model, .writer = writer, .error = error};
    va_pool *pool = NULL;
    va_encoder *encoder = NULL;
    float *mel = va_alloc_aligned((size_t)2 * FRAMES * VA_MEL_BANDS, sizeof *mel);
    int r;

    maker.keys = va_calloc(KEY_PANELS(VA_SILENCE_ROWS) * VA_PANEL * d, sizeof(float));
    maker.values = va_alloc(VA_SILENCE_ROWS * d, sizeof(float));
    if (mel == NULL || maker.keys == NULL || maker.values == NULL) {
        r = va_fail_memory(error);
        goto done;
    }
    if ((r = va_pool_new(1, &pool, error)) < 0 || (r = va_encoder_new(model, pool, &encoder, error)) < 0)
        goto done;
    for (size_t i = 0; i < (size_t)2 * FRAMES * VA_MEL_BANDS; i++)
        mel[i] = VA_SILENCE_MEL;
    va_encoder_watch(encoder, add_encoder_layer, &maker);
    r = va_encoder_run(encoder, mel, FRAMES, VA_TAIL_NOTHING, NULL, NULL);
    if (r == 0)
        r = maker.status;
    if (r == 0)
        r = add_decoder(&maker, va_encoder_rows(encoder));
done:
    va_encoder_free(encoder);
    va_pool_free(pool);
    va_free(maker.keys);
    va_free(maker.values);
    va_free(mel);
    return r;
}

int va_silence_complete(const char *network_path, const char *out_path, va_error *error)
{
    va_model *model = NULL;
    va_container_writer *writer = NULL;
    int r = va_model_open(network_path, NULL, &model, error);

    if (r < 0)
        return r;
    const va_container *network = model->container;
    if ((r = va_container_writer_new(out_path, VA_CONTAINER_WHISPER, va_container_source_hash(network), va_container_source_size(network),
                                     &writer, error)) < 0)
        goto fail;
    for (size_t i = 0; i < va_container_count(network) && r == 0; i++) {
        const struct va_tensor *tensor = va_container_at(network, i);
        r = va_container_writer_add(writer, tensor->name, tensor->type, tensor->rank, tensor->dim, tensor->data, error);
    }
    if (r == 0)
        r = add_silence(model, writer, error);
    if (r == 0)
        r = va_container_writer_finish(writer, error);
fail:
    va_container_writer_free(writer);
    va_model_free(model);
    return r;
}
