#include "synthetic_tflite.h"

#include <string.h>

/* Bytes of a FlatBuffer from front to back: what a table points to comes behind it, its place there is filled in then. */
struct writer {
    struct va_buffer *out;
    int failed;
};

static size_t here(const struct writer *w)
{
    return w->out->size;
}

static void put(struct writer *w, const void *data, size_t size)
{
    w->failed |= va_buffer_append(w->out, data, size) < 0;
}

static void put_u32(struct writer *w, uint32_t value)
{
    put(w, &value, sizeof value);
}

static void align(struct writer *w, size_t to)
{
    static const uint8_t zeros[8];
    put(w, zeros, (to - here(w) % to) % to);
}

static void point(struct writer *w, size_t slot, size_t to)
{
    uint32_t offset = (uint32_t)(to - slot);
    if (!w->failed)
        memcpy(w->out->data + slot, &offset, sizeof offset);
}

/* A table whose fields 0 .. n - 1 all take 4 bytes of values; absent ones have a 0 in `there`. Returns where its values begin. */
static size_t put_table(struct writer *w, int n, const uint8_t *there, const uint32_t *values)
{
    align(w, 4);
    size_t vtable = here(w), vtable_bytes = 4 + 2 * (size_t)n + (n % 2 == 0 ? 0 : 2);
    uint16_t entries[2 + 16] = {(uint16_t)(4 + 2 * n), (uint16_t)(4 + 4 * n)};
    for (int i = 0; i < n; i++)
        entries[2 + i] = there[i] ? (uint16_t)(4 + 4 * i) : 0;
    put(w, entries, vtable_bytes);
    put_u32(w, (uint32_t)(here(w) - vtable));
    size_t first = here(w);
    put(w, values, 4 * (size_t)n);
    return first;
}

static void put_vector(struct writer *w, size_t slot, const void *data, size_t n, size_t element_bytes)
{
    align(w, 8);
    put_u32(w, 0); /* so that what follows the count is aligned to 8 */
    point(w, slot, here(w));
    put_u32(w, (uint32_t)n);
    put(w, data, n * element_bytes);
}

/* A vector of n offsets, to be filled in; returns where the first is. */
static size_t put_offsets(struct writer *w, size_t slot, size_t n)
{
    static const uint32_t none[128];
    put_vector(w, slot, none, n, 4);
    return here(w) - 4 * n;
}

static void put_tensor(struct writer *w, size_t slot, const struct synthetic_tflite_tensor *t, uint32_t buffer)
{
    uint8_t there[5] = {1, 1, 1, 0, t->n_scales > 0}, quantization[7] = {0, 0, 1, 1, 0, 0, 1};
    uint32_t values[5] = {0, (uint8_t)t->type, buffer}, numbers[7] = {0, 0, 0, 0, 0, 0, (uint32_t)t->axis};
    float scales[256];
    size_t at = put_table(w, 5, there, values);

    point(w, slot, at - 4);
    put_vector(w, at, t->dim, (size_t)t->rank, 4);
    if (t->n_scales == 0)
        return;
    size_t q = put_table(w, 7, quantization, numbers);
    point(w, at + 16, q - 4);
    for (int i = 0; i < t->n_scales; i++)
        scales[i] = t->scale;
    put_vector(w, q + 8, scales, (size_t)t->n_scales, 4);
    put_vector(w, q + 12, &t->zero_point, 1, 8);
}

static void put_operator(struct writer *w, size_t slot, const struct synthetic_tflite_operator *op, uint32_t code)
{
    uint8_t there[5] = {1, 1, 1, 1, op->n_options > 0}, has[8] = {0};
    uint32_t values[5] = {code, 0, 0, 1}, options[8] = {0};
    size_t at = put_table(w, 5, there, values);

    point(w, slot, at - 4);
    put_vector(w, at + 4, op->input, (size_t)op->n_inputs, 4);
    put_vector(w, at + 8, op->output, (size_t)op->n_outputs, 4);
    if (op->n_options == 0)
        return;
    for (int i = 0; i < op->n_options; i++) {
        has[op->option[i].field] = 1;
        options[op->option[i].field] = (uint32_t)op->option[i].value; /* one of 1 byte is the first of 4 */
    }
    point(w, at + 16, put_table(w, 8, has, options) - 4);
}

static void put_graph(struct writer *w, size_t slot, const struct synthetic_tflite_tensor *tensors, int n_tensors, uint32_t first_buffer,
                      const struct synthetic_tflite *model, int n_operators)
{
    static const uint8_t there[4] = {1, 1, 1, 1};
    static const uint32_t none[4];
    size_t at = put_table(w, 4, there, none);

    point(w, slot, at - 4);
    size_t offsets = put_offsets(w, at, (size_t)n_tensors);
    for (int i = 0; i < n_tensors; i++)
        put_tensor(w, offsets + 4 * (size_t)i, &tensors[i], tensors[i].data == NULL ? 0 : first_buffer + (uint32_t)i);
    put_vector(w, at + 4, &model->input, n_operators > 0, 4);
    put_vector(w, at + 8, &model->output, n_operators > 0, 4);
    offsets = put_offsets(w, at + 12, (size_t)n_operators);
    for (int i = 0; i < n_operators; i++)
        put_operator(w, offsets + 4 * (size_t)i, &model->operator[i], (uint32_t)i);
}

static void put_buffer(struct writer *w, size_t slot, const void *data, size_t size)
{
    static const uint8_t there[1] = {1};
    static const uint32_t none[1];
    size_t at = put_table(w, 1, there, none);

    point(w, slot, at - 4);
    put_vector(w, at, data, size, 1);
}

int synthetic_tflite_write(const struct synthetic_tflite *model, struct va_buffer *out)
{
    static const uint8_t there[5] = {1, 1, 1, 0, 1}, code_there[4] = {1, 0, 0, 1};
    static const uint32_t none[5];
    struct writer w = {.out = out};
    size_t graphs = model->n_start > 0 ? 2 : 1;

    put(&w, "\0\0\0\0TFL3", 8);
    size_t at = put_table(&w, 5, there, none);
    point(&w, 0, at - 4);
    size_t offsets = put_offsets(&w, at + 4, (size_t)model->n_operators); /* a code for each operator */
    for (int i = 0; i < model->n_operators; i++) {
        int code = model->operator[i].code;
        const uint32_t values[4] = {(uint32_t)(code > 127 ? 127 : code), 0, 0, (uint32_t)code};
        point(&w, offsets + 4 * (size_t)i, put_table(&w, 4, code_there, values) - 4);
    }
    offsets = put_offsets(&w, at + 8, graphs);
    put_graph(&w, offsets, model->tensor, model->n_tensors, 1, model, model->n_operators);
    if (graphs == 2)
        put_graph(&w, offsets + 4, model->start, model->n_start, 1 + (uint32_t)model->n_tensors, model, 0);
    offsets = put_offsets(&w, at + 16, 1 + (size_t)(model->n_tensors + model->n_start));
    put_buffer(&w, offsets, NULL, 0);
    for (int i = 0; i < model->n_tensors + model->n_start; i++) {
        const struct synthetic_tflite_tensor *t = i < model->n_tensors ? &model->tensor[i] : &model->start[i - model->n_tensors];
        put_buffer(&w, offsets + 4 * (size_t)(i + 1), t->data, t->data == NULL ? 0 : t->bytes);
    }
    return w.failed ? -1 : 0;
}

struct synthetic_tflite_operator *synthetic_find(struct synthetic_tflite *model, int code)
{
    for (int i = 0; i < model->n_operators; i++)
        if (model->operator[i].code == code)
            return &model->operator[i];
    return NULL;
}
