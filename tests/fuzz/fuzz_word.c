/* Input: what the tensors of a word's file hold, one after the other; the file around them is right, so that their values are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fuzz.h"
#include "tiny_model.h"
#include "word/state.h"

enum { INFO = 4, MAX_VALUES = 64 * VA_PANEL * 64 };

struct input {
    const uint8_t *data;
    size_t size, at;
};

/* The next n values; what is missing is 1. */
static const int32_t *take(struct input *input, size_t n)
{
    static int32_t values[MAX_VALUES];
    size_t bytes = n * sizeof values[0], left = input->size - input->at;

    for (size_t i = 0; i < n; i++)
        values[i] = 1;
    memcpy(values, input->data + input->at, left < bytes ? left : bytes);
    input->at += left < bytes ? left : bytes;
    return values;
}

static void add(va_container_writer *writer, struct input *input, const char *name, enum va_tensor_type type, size_t rows, size_t columns)
{
    const uint64_t dims[2] = {rows, columns};
    FUZZ_CHECK(va_container_writer_add(writer, name, type, columns == 0 ? 1 : 2, dims, take(input, rows * (columns == 0 ? 1 : columns)),
                                       NULL) == 0);
}

static void write_word(const char *path, const va_model *model, struct input *input)
{
    va_container_writer *writer;
    int32_t info[INFO];
    size_t d = (size_t)model->width;

    memcpy(info, take(input, INFO), sizeof info);
    input->at = 0;
    size_t n_writings = (size_t)((uint32_t)info[1] % (VA_WORD_MAX_WRITINGS + 2)), n_templates = (size_t)((uint32_t)info[2] % 12);
    FUZZ_CHECK(va_container_writer_new(path, VA_CONTAINER_WORD, va_container_hash(model->container), 0, &writer, NULL) == 0);
    add(writer, input, "info", VA_TENSOR_S32, INFO, 0);
    add(writer, input, "noise", VA_TENSOR_F32, 1, 0);
    add(writer, input, "writings", VA_TENSOR_S32, n_writings, VA_SCORE_MAX_TOKENS);
    add(writer, input, "frames", VA_TENSOR_S32, n_templates, 0);
    add(writer, input, "mean", VA_TENSOR_F32, d, 0);
    add(writer, input, "scale", VA_TENSOR_F32, d, 0);
    add(writer, input, "panels", VA_TENSOR_F32, n_templates, d * VA_PANEL); /* right for templates of up to 16 rows each */
    FUZZ_CHECK(va_container_writer_finish(writer, NULL) == 0);
    va_container_writer_free(writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static va_model *model;
    struct input input = {data, size, 0};
    char path[64];
    va_word_model *word;
    va_error error;

    snprintf(path, sizeof path, "/tmp/va-fuzz-word-%d", (int)getpid());
    if (model == NULL) {
        tiny_model_write(path, VA_PRECISION_S8, 51865, NULL);
        FUZZ_CHECK(va_model_open(path, NULL, &model, NULL) == 0);
        FUZZ_CHECK(unlink(path) == 0);
    }
    write_word(path, model, &input);
    if (va_word_load(model, path, &word, &error) == 0) {
        FUZZ_CHECK(va_word_text(word) != NULL && va_word_span_samples(word) <= VA_WORD_MAX_SPAN);
        FUZZ_CHECK(word->n_writings >= 1 && word->n_columns % VA_PANEL == 0);
        va_word_free(word);
    }
    unlink(path);
    return 0;
}
