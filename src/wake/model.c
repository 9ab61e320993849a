#include "wake/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "nn/container.h"

struct va_wake_model {
    va_container *container;
    struct va_wake_network network;
    const char *word, *languages;
    float cutoff;
    int window;
};

static int bad(va_error *error, const char *what)
{
    return va_fail(error, VA_EFORMAT, "not a sound wake word model: %s", what);
}

static int get_text(const va_container *container, const char *name, const char **ret_text, va_error *error)
{
    static const uint64_t any = 0;
    const struct va_tensor *tensor;
    int r = va_container_get(container, name, VA_TENSOR_U8, 1, &any, &tensor, error);

    if (r < 0)
        return r;
    if (tensor->bytes == 0 || tensor->bytes > VA_WAKE_MAX_TEXT || ((const char *)tensor->data)[tensor->bytes - 1] != '\0')
        return bad(error, name);
    *ret_text = tensor->data;
    return 0;
}

/* The chain of layers, as network.c takes it for granted. */
static int check_layer(const struct va_wake_layer *layer, int in, int step, va_error *error)
{
    const int32_t *f = layer->field;

    if ((f[VA_WAKE_FIELD_KIND] != VA_WAKE_DENSE && f[VA_WAKE_FIELD_KIND] != VA_WAKE_DEPTHWISE) || f[VA_WAKE_FIELD_IN] != in ||
        f[VA_WAKE_FIELD_STEP] != step || f[VA_WAKE_FIELD_ROWS] < step || f[VA_WAKE_FIELD_ROWS] > VA_WAKE_MAX_ROWS ||
        f[VA_WAKE_FIELD_OUT] < 1 || f[VA_WAKE_FIELD_OUT] > VA_WAKE_MAX_WIDTH ||
        (f[VA_WAKE_FIELD_KIND] == VA_WAKE_DEPTHWISE && f[VA_WAKE_FIELD_OUT] != in) || f[VA_WAKE_FIELD_LEAST] < -128 ||
        f[VA_WAKE_FIELD_LEAST] > 127 || f[VA_WAKE_FIELD_ZERO] < -128 || f[VA_WAKE_FIELD_ZERO] > 127)
        return bad(error, "layers");
    return 0;
}

static int get_layer(const va_container *container, int i, struct va_wake_layer *layer, va_error *error)
{
    const int32_t *f = layer->field;
    const uint64_t out = (uint64_t)f[VA_WAKE_FIELD_OUT], requant_dims[2] = {3, out};
    const uint64_t window = (uint64_t)f[VA_WAKE_FIELD_ROWS] * (uint64_t)f[VA_WAKE_FIELD_IN];
    const uint64_t dims[2] = {f[VA_WAKE_FIELD_KIND] == VA_WAKE_DENSE ? out : (uint64_t)f[VA_WAKE_FIELD_ROWS],
                              f[VA_WAKE_FIELD_KIND] == VA_WAKE_DENSE ? window : (uint64_t)f[VA_WAKE_FIELD_IN]};
    const struct va_tensor *weight, *bias, *requant;
    char name[VA_CONTAINER_NAME_SIZE];
    int r;

    snprintf(name, sizeof name, "%d.weight", i);
    if ((r = va_container_get(container, name, VA_TENSOR_S8, 2, dims, &weight, error)) < 0)
        return r;
    snprintf(name, sizeof name, "%d.bias", i);
    if ((r = va_container_get(container, name, VA_TENSOR_S32, 1, &out, &bias, error)) < 0)
        return r;
    snprintf(name, sizeof name, "%d.requant", i);
    if ((r = va_container_get(container, name, VA_TENSOR_S32, 2, requant_dims, &requant, error)) < 0)
        return r;
    layer->weight = weight->data;
    layer->bias = bias->data;
    layer->multiplier = requant->data;
    layer->shift = layer->multiplier + out;
    layer->away = layer->shift + out;
    for (uint64_t j = 0; j < out; j++)
        if (layer->multiplier[j] < 0 || layer->shift[j] < 0 || layer->shift[j] > 31 || layer->bias[j] < -VA_WAKE_MAX_BIAS ||
            layer->bias[j] > VA_WAKE_MAX_BIAS)
            return bad(error, name);
    return 0;
}

static int get_network(va_wake_model *m, va_error *error)
{
    static const uint64_t table_dims[2] = {0, VA_WAKE_FIELDS}, sigmoid_size = 256;
    struct va_wake_network *network = &m->network;
    const struct va_tensor *table, *sigmoid;
    int r, in = VA_WAKE_CHANNELS, step = network->step;

    if ((r = va_container_get(m->container, "layers", VA_TENSOR_S32, 2, table_dims, &table, error)) < 0 ||
        (r = va_container_get(m->container, "sigmoid", VA_TENSOR_U8, 1, &sigmoid_size, &sigmoid, error)) < 0)
        return r;
    if (table->dim[0] < 1 || table->dim[0] > VA_WAKE_MAX_LAYERS)
        return bad(error, "layers");
    network->n_layers = (int)table->dim[0];
    network->sigmoid = sigmoid->data;
    for (int i = 0; i < network->n_layers; i++) {
        struct va_wake_layer *layer = &network->layer[i];
        memcpy(layer->field, (const int32_t *)table->data + (size_t)i * VA_WAKE_FIELDS, sizeof layer->field);
        if ((r = check_layer(layer, in, step, error)) < 0 || (r = get_layer(m->container, i, layer, error)) < 0)
            return r;
        network->state_bytes += (size_t)layer->field[VA_WAKE_FIELD_ROWS] * (size_t)in;
        in = layer->field[VA_WAKE_FIELD_OUT];
        step = 1;
    }
    return in == 1 ? 0 : bad(error, "layers");
}

static int get_numbers(va_wake_model *m, va_error *error)
{
    static const uint64_t one = 1, two = 2, numbers_size = VA_WAKE_NUMBERS;
    const struct va_tensor *cutoff, *numbers, *input;
    const float *in;
    int r;

    if ((r = va_container_get(m->container, "cutoff", VA_TENSOR_F32, 1, &one, &cutoff, error)) < 0 ||
        (r = va_container_get(m->container, "input", VA_TENSOR_F32, 1, &two, &input, error)) < 0 ||
        (r = va_container_get(m->container, "numbers", VA_TENSOR_S32, 1, &numbers_size, &numbers, error)) < 0)
        return r;
    m->cutoff = *(const float *)cutoff->data;
    m->window = ((const int32_t *)numbers->data)[VA_WAKE_NUMBER_WINDOW];
    m->network.step = ((const int32_t *)numbers->data)[VA_WAKE_NUMBER_STEP];
    in = input->data;
    if (!(m->cutoff > 0.0f && m->cutoff < 1.0f) || m->window < 1 || m->window > VA_WAKE_MAX_WINDOW || m->network.step < 1 ||
        m->network.step > VA_WAKE_MAX_STEP || !(in[0] > 0.0f && isfinite(in[0])) || !(in[1] >= -128.0f && in[1] <= 127.0f))
        return bad(error, "numbers");
    m->network.input_scale = in[0];
    m->network.input_zero = (int32_t)in[1];
    return 0;
}

int va_wake_model_open(const char *path, va_wake_model **ret_model, va_error *error)
{
    va_wake_model *model = va_calloc(1, sizeof *model);
    int r;

    if (model == NULL)
        return va_fail_memory(error);
    if ((r = va_container_open(path, VA_CONTAINER_WAKE, &model->container, error)) < 0 ||
        (r = get_text(model->container, "word", &model->word, error)) < 0 ||
        (r = get_text(model->container, "languages", &model->languages, error)) < 0 || (r = get_numbers(model, error)) < 0 ||
        (r = get_network(model, error)) < 0) {
        va_wake_model_free(model);
        return r;
    }
    *ret_model = model;
    return 0;
}

void va_wake_model_free(va_wake_model *model)
{
    if (model == NULL)
        return;
    va_container_free(model->container);
    va_free(model);
}

const char *va_wake_model_word(const va_wake_model *model)
{
    return model->word;
}

const char *va_wake_model_languages(const va_wake_model *model)
{
    return model->languages;
}

float va_wake_model_cutoff(const va_wake_model *model)
{
    return model->cutoff;
}

int va_wake_model_window(const va_wake_model *model)
{
    return model->window;
}

const struct va_wake_network *va_wake_model_network(const va_wake_model *model)
{
    return &model->network;
}
