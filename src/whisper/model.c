#include "whisper/model.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "dsp/log_mel.h"
#include "nn/attention.h"
#include "nn/pack.h"
#include "whisper/import.h"
#include "whisper/layout.h"

/* Reads tensors one after the other; after the first failure the rest do nothing. */
struct reader {
    const va_container *container;
    int precision;
    int status;
    va_error *error;
};

static const struct va_tensor *get(struct reader *reader, const char *name, enum va_tensor_type type, int rank, uint64_t dim0,
                                   uint64_t dim1)
{
    const struct va_tensor *tensor = NULL;
    const uint64_t dims[2] = {dim0, dim1};
    if (reader->status == 0)
        reader->status = va_container_get(reader->container, name, type, rank, dims, &tensor, reader->error);
    return reader->status == 0 ? tensor : NULL;
}

static const void *get_data(struct reader *reader, const char *name, enum va_tensor_type type, int rank, uint64_t dim0, uint64_t dim1)
{
    const struct va_tensor *tensor = get(reader, name, type, rank, dim0, dim1);
    return tensor == NULL ? NULL : tensor->data;
}

static const void *get_dims(struct reader *reader, const char *name, enum va_tensor_type type, int rank, const uint64_t *dims)
{
    const struct va_tensor *tensor = NULL;
    if (reader->status == 0)
        reader->status = va_container_get(reader->container, name, type, rank, dims, &tensor, reader->error);
    return reader->status == 0 ? tensor->data : NULL;
}

static const void *get_part(struct reader *reader, const char *name, const char *part, enum va_tensor_type type, int rank, uint64_t dim0,
                            uint64_t dim1)
{
    char full[2 * VA_CONTAINER_NAME_SIZE];
    snprintf(full, sizeof full, "%s.%s", name, part);
    return get_data(reader, full, type, rank, dim0, dim1);
}

static struct va_linear get_linear(struct reader *reader, const char *name, int n, int k, int as_float, int has_bias)
{
    struct va_linear w = {.n = n, .k = k};
    uint64_t rows = (uint64_t)VA_PACKED_ROWS(n);
    if (as_float || reader->precision == VA_PRECISION_F32) {
        w.f32 = get_part(reader, name, "weight", VA_TENSOR_F32, 2, rows, (uint64_t)k);
    } else {
        w.s8 = get_part(reader, name, "weight", VA_TENSOR_S8, 2, rows, (uint64_t)k);
        w.step = get_part(reader, name, "step", VA_TENSOR_F32, 1, rows, 0);
        w.sum = get_part(reader, name, "sum", VA_TENSOR_S32, 1, rows, 0);
    }
    if (has_bias)
        w.bias = get_part(reader, name, "bias", VA_TENSOR_F32, 1, rows, 0);
    return w;
}

static struct va_norm get_norm(struct reader *reader, const char *name, int width)
{
    struct va_norm norm;
    norm.gamma = get_part(reader, name, "gamma", VA_TENSOR_F32, 1, (uint64_t)width, 0);
    norm.beta = get_part(reader, name, "beta", VA_TENSOR_F32, 1, (uint64_t)width, 0);
    return norm;
}

/* "encoder.3.qkv" */
struct layer_name {
    char text[VA_CONTAINER_NAME_SIZE];
};

static struct layer_name layer_name(const char *side, int layer, const char *part)
{
    struct layer_name name;
    snprintf(name.text, sizeof name.text, "%s.%d.%s", side, layer, part);
    return name;
}

static void read_encoder(struct reader *reader, va_model *model)
{
    int d = model->width;

    model->conv1 = get_linear(reader, "encoder.conv1", d, 3 * VA_MEL_BANDS, 1, 1);
    model->conv2 = get_linear(reader, "encoder.conv2", d, 3 * d, 1, 1);
    model->encoder_positions = get_data(reader, "encoder.positions", VA_TENSOR_F32, 2, (uint64_t)model->audio_ctx, (uint64_t)d);
    for (int i = 0; i < model->enc_layers; i++) {
        struct va_encoder_layer *layer = &model->encoder[i];
        layer->attn_norm = get_norm(reader, layer_name("encoder", i, "attn_norm").text, d);
        layer->qkv = get_linear(reader, layer_name("encoder", i, "qkv").text, 3 * d, d, 0, 1);
        layer->out = get_linear(reader, layer_name("encoder", i, "out").text, d, d, 0, 1);
        layer->mlp_norm = get_norm(reader, layer_name("encoder", i, "mlp_norm").text, d);
        layer->mlp1 = get_linear(reader, layer_name("encoder", i, "mlp1").text, 4 * d, d, 0, 1);
        layer->mlp2 = get_linear(reader, layer_name("encoder", i, "mlp2").text, d, 4 * d, 0, 1);
    }
    model->encoder_norm = get_norm(reader, "encoder.norm", d);
}

static void read_decoder(struct reader *reader, va_model *model)
{
    int d = model->width;

    model->embedding = get_linear(reader, "decoder.embedding", model->n_vocab, d, 0, 0);
    model->decoder_positions = get_data(reader, "decoder.positions", VA_TENSOR_F32, 2, (uint64_t)model->text_ctx, (uint64_t)d);
    for (int i = 0; i < model->dec_layers; i++) {
        struct va_decoder_layer *layer = &model->decoder[i];
        layer->attn_norm = get_norm(reader, layer_name("decoder", i, "attn_norm").text, d);
        layer->qkv = get_linear(reader, layer_name("decoder", i, "qkv").text, 3 * d, d, 0, 1);
        layer->out = get_linear(reader, layer_name("decoder", i, "out").text, d, d, 0, 1);
        layer->cross_norm = get_norm(reader, layer_name("decoder", i, "cross_norm").text, d);
        layer->cross_q = get_linear(reader, layer_name("decoder", i, "cross_q").text, d, d, 0, 1);
        layer->cross_kv = get_linear(reader, layer_name("decoder", i, "cross_kv").text, 2 * d, d, 0, 1);
        layer->cross_out = get_linear(reader, layer_name("decoder", i, "cross_out").text, d, d, 0, 1);
        layer->mlp_norm = get_norm(reader, layer_name("decoder", i, "mlp_norm").text, d);
        layer->mlp1 = get_linear(reader, layer_name("decoder", i, "mlp1").text, 4 * d, d, 0, 1);
        layer->mlp2 = get_linear(reader, layer_name("decoder", i, "mlp2").text, d, 4 * d, 0, 1);
    }
    model->decoder_norm = get_norm(reader, "decoder.norm", d);
}

/* Rows are as many as the file has; a file under way has none. */
static int read_silence(struct reader *reader, va_model *model)
{
    struct va_silence *silence = &model->silence;
    enum va_tensor_type cache_type = model->half_cache ? VA_TENSOR_F16 : VA_TENSOR_F32;
    uint64_t heads = (uint64_t)model->heads;
    const struct va_tensor *first;
    const uint64_t any_rows[] = {heads, 0, VA_HEAD};

    if (reader->status < 0 || va_container_get(reader->container, "silence.encoder.0.v", VA_TENSOR_F32, 3, any_rows, &first, NULL) < 0)
        return reader->status;
    if (first->dim[1] < 1 || first->dim[1] > (uint64_t)model->audio_ctx)
        return va_fail(reader->error, VA_EFORMAT, "model has silence of an impossible length");
    const uint64_t rows = first->dim[1];
    const uint64_t row_dims[] = {heads, rows, VA_HEAD}, key_dims[] = {heads, (rows + VA_PANEL - 1) / VA_PANEL, VA_HEAD, VA_PANEL};
    for (int i = 0; i < model->enc_layers; i++) {
        silence->encoder[i].k = get_dims(reader, layer_name("silence.encoder", i, "k").text, VA_TENSOR_F32, 4, key_dims);
        silence->encoder[i].v = get_dims(reader, layer_name("silence.encoder", i, "v").text, VA_TENSOR_F32, 3, row_dims);
    }
    for (int i = 0; i < model->dec_layers; i++) {
        silence->decoder[i].k = get_dims(reader, layer_name("silence.decoder", i, "k").text, cache_type, 3, row_dims);
        silence->decoder[i].v = get_dims(reader, layer_name("silence.decoder", i, "v").text, cache_type, 3, row_dims);
    }
    silence->rows = (int)rows;
    silence->stride = (model->audio_ctx + silence->rows - 1) / silence->rows;
    return reader->status;
}

static int read_hparams(struct reader *reader, va_model *model)
{
    const int32_t *h = get_data(reader, "hparams", VA_TENSOR_S32, 1, VA_WHISPER_HPARAMS, 0);
    if (h == NULL)
        return reader->status;
    model->n_vocab = h[VA_HPARAM_VOCAB];
    model->width = h[VA_HPARAM_WIDTH];
    model->heads = h[VA_HPARAM_HEADS];
    model->enc_layers = h[VA_HPARAM_ENC_LAYERS];
    model->dec_layers = h[VA_HPARAM_DEC_LAYERS];
    model->audio_ctx = h[VA_HPARAM_AUDIO_CTX];
    model->text_ctx = h[VA_HPARAM_TEXT_CTX];
    reader->precision = h[VA_HPARAM_PRECISION];
    if (model->width < VA_HEAD || model->width > VA_WHISPER_MAX_WIDTH || model->width % VA_HEAD != 0 ||
        model->heads * VA_HEAD != model->width || model->enc_layers < 1 || model->enc_layers > VA_WHISPER_MAX_LAYERS ||
        model->dec_layers < 1 || model->dec_layers > VA_WHISPER_MAX_LAYERS || model->audio_ctx != 1500 || model->text_ctx != 448 ||
        h[VA_HPARAM_MELS] != VA_MEL_BANDS || (reader->precision != VA_PRECISION_S8 && reader->precision != VA_PRECISION_F32))
        return va_fail(reader->error, VA_EFORMAT, "model header names sizes that no supported Whisper has");
    model->half_cache = reader->precision == VA_PRECISION_S8;
    return 0;
}

static int check_token_list(const va_model *model, const int32_t *ids, int n, va_error *error)
{
    for (int i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= model->n_vocab)
            return va_fail(error, VA_EFORMAT, "model lists token %d beyond its vocabulary of %d", ids[i], model->n_vocab);
    return 0;
}

static int read_tokens(struct reader *reader, va_model *model)
{
    const struct va_tensor *bytes = get(reader, "vocab.bytes", VA_TENSOR_U8, 1, 0, 0);
    const struct va_tensor *ends = get(reader, "vocab.ends", VA_TENSOR_S32, 1, 0, 0);
    const struct va_tensor *suppress = get(reader, "tokens.suppress", VA_TENSOR_S32, 1, 0, 0);
    const struct va_tensor *begin = get(reader, "tokens.suppress_begin", VA_TENSOR_S32, 1, 0, 0);
    const struct va_tensor *alignment = get(reader, "alignment_heads", VA_TENSOR_S32, 2, 0, 2);
    if (reader->status < 0)
        return reader->status;
    if (suppress->dim[0] > 1024 || begin->dim[0] > 1024 || alignment->dim[0] > VA_WHISPER_MAX_ALIGNMENT_HEADS)
        return va_fail(reader->error, VA_EFORMAT, "model has token lists of impossible length");
    model->suppress = suppress->data;
    model->n_suppress = (int)suppress->dim[0];
    model->suppress_begin = begin->data;
    model->n_suppress_begin = (int)begin->dim[0];
    model->alignment = alignment->data;
    model->n_alignment = (int)alignment->dim[0];
    for (int i = 0; i < model->n_alignment; i++)
        if (model->alignment[2 * i] < 0 || model->alignment[2 * i] >= model->dec_layers || model->alignment[2 * i + 1] < 0 ||
            model->alignment[2 * i + 1] >= model->heads)
            return va_fail(reader->error, VA_EFORMAT, "model lists an alignment head that it does not have");
    int r = check_token_list(model, model->suppress, model->n_suppress, reader->error);
    if (r == 0)
        r = check_token_list(model, model->suppress_begin, model->n_suppress_begin, reader->error);
    if (r == 0)
        r = va_tokenizer_new(bytes->data, bytes->bytes, ends->data, (int)ends->dim[0], model->n_vocab, &model->tokenizer, reader->error);
    if (r == 0)
        model->special = va_tokenizer_special(model->tokenizer);
    return r;
}

int va_model_open(const char *path, const va_model_options *options, va_model **ret_model, va_error *error)
{
    const char *wanted = options == NULL ? NULL : options->kernels;
    va_model *model = va_calloc(1, sizeof *model);
    if (model == NULL)
        return va_fail_memory(error);
    int r;
    model->kernels = va_kernels_select(wanted != NULL && *wanted != '\0' ? wanted : NULL);
    if (model->kernels == NULL) {
        r = va_fail(error, VA_EUNSUPPORTED, "this processor cannot run the instruction set '%s'", wanted);
        goto fail;
    }
    r = va_container_open(path, VA_CONTAINER_WHISPER, &model->container, error);
    if (r < 0)
        goto fail;
    struct reader reader = {.container = model->container, .error = error};
    r = read_hparams(&reader, model);
    if (r < 0)
        goto fail;
    r = read_tokens(&reader, model);
    if (r < 0)
        goto fail;
    read_encoder(&reader, model);
    read_decoder(&reader, model);
    r = read_silence(&reader, model);
    if (r < 0)
        goto fail;
    *ret_model = model;
    return 0;

fail:
    va_model_free(model);
    return r;
}

void va_model_free(va_model *model)
{
    if (model == NULL)
        return;
    va_tokenizer_free(model->tokenizer);
    va_container_free(model->container);
    va_free(model);
}

int va_model_is_multilingual(const va_model *model)
{
    return model->special->multilingual;
}

const char *va_model_kernels(const va_model *model)
{
    return model->kernels->name;
}

const char *va_model_token(const va_model *model, int32_t token, size_t *ret_n)
{
    return (const char *)va_tokenizer_bytes(model->tokenizer, token, ret_n);
}
