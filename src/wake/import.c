#include "wake/import.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "nn/container.h"
#include "nn/sha256.h"
#include "wake/import_graph.h"

enum { MAX_FILE_BYTES = 16 << 20, MAX_DESCRIPTION_BYTES = 1 << 16, STEP_MS = 10 };

struct description {
    char word[VA_WAKE_MAX_TEXT], languages[VA_WAKE_MAX_TEXT];
    float cutoff;
    int window;
};

static int is_line(const char *text)
{
    return text != NULL && text[0] != '\0' && va_utf8_is_line(text, strlen(text));
}

static int read_languages(const char *path, const json_t *list, struct description *ret, va_error *error)
{
    size_t used = 0;

    if (list != NULL && !json_is_array(list))
        return va_fail(error, VA_EFORMAT, "%s: trained_languages is not a list", path);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *language = json_string_value(json_array_get(list, i));
        if (!is_line(language) || strlen(language) > 16 || strchr(language, ',') != NULL)
            return va_fail(error, VA_EFORMAT, "%s: trained_languages has an entry that is no language", path);
        int n = snprintf(ret->languages + used, sizeof ret->languages - used, "%s%s", used == 0 ? "" : ",", language);
        if ((size_t)n >= sizeof ret->languages - used)
            return va_fail(error, VA_ELIMIT, "%s: trained_languages is too long", path);
        used += (size_t)n;
    }
    return 0;
}

static int read_description(const char *path, const json_t *json, struct description *ret, va_error *error)
{
    const json_t *micro = json_object_get(json, "micro"), *cutoff = json_object_get(micro, "probability_cutoff");
    const json_t *window = json_object_get(micro, "sliding_window_size"), *step = json_object_get(micro, "feature_step_size");
    const char *word = json_string_value(json_object_get(json, "wake_word")), *type = json_string_value(json_object_get(json, "type"));

    if (type == NULL || strcmp(type, "micro") != 0)
        return va_fail(error, VA_EFORMAT, "%s: not the description of a microWakeWord model: \"type\" is not \"micro\"", path);
    if (!is_line(word) || strlen(word) >= sizeof ret->word)
        return va_fail(error, VA_EFORMAT, "%s: wake_word is not a line of text, at most %zu bytes", path, sizeof ret->word - 1);
    if (!json_is_number(cutoff) || !(json_number_value(cutoff) > 0.0 && json_number_value(cutoff) < 1.0))
        return va_fail(error, VA_EFORMAT, "%s: probability_cutoff is not a number between 0 and 1", path);
    if (!json_is_integer(window) || json_integer_value(window) < 1 || json_integer_value(window) > VA_WAKE_MAX_WINDOW)
        return va_fail(error, VA_EFORMAT, "%s: sliding_window_size is not a whole number, 1 .. %d", path, VA_WAKE_MAX_WINDOW);
    if (!json_is_integer(step) || json_integer_value(step) != STEP_MS)
        return va_fail(error, VA_EUNSUPPORTED, "%s: feature_step_size is not 10: a model of version 1, which cannot be used", path);
    memcpy(ret->word, word, strlen(word) + 1);
    ret->cutoff = (float)json_number_value(cutoff);
    ret->window = (int)json_integer_value(window);
    return read_languages(path, json_object_get(json, "trained_languages"), ret, error);
}

static int load_description(const char *path, struct description *ret, va_error *error)
{
    json_error_t problem;
    char *text;
    size_t size;
    int r = va_file_read(path, MAX_DESCRIPTION_BYTES, &text, &size, error);

    if (r < 0)
        return r;
    json_t *json = json_loadb(text, size, 0, &problem);
    va_free(text);
    if (json == NULL) {
        if (problem.text[0] == '\0' || json_error_code(&problem) == json_error_out_of_memory) /* not all of jansson says why */
            return va_fail_memory(error);
        return va_fail(error, VA_EFORMAT, "%s:%d: %s", path, problem.line, problem.text);
    }
    r = read_description(path, json, ret, error);
    json_decref(json);
    return r;
}

static char *description_beside(const char *source)
{
    size_t n = strlen(source);

    if (n > 7 && strcmp(source + n - 7, ".tflite") == 0)
        n -= 7;
    return va_asprintf("%.*s.json", (int)n, source);
}

static int add_layer(va_container_writer *writer, int i, const struct va_wake_draft_layer *layer, va_error *error)
{
    const int32_t *f = layer->field;
    const uint64_t out = (uint64_t)f[VA_WAKE_FIELD_OUT], requant_dims[2] = {3, out};
    const uint64_t rows = (uint64_t)f[VA_WAKE_FIELD_ROWS], in = (uint64_t)f[VA_WAKE_FIELD_IN];
    const uint64_t dense_dims[2] = {out, rows * in}, depthwise_dims[2] = {rows, in};
    char name[VA_CONTAINER_NAME_SIZE];
    int r;

    snprintf(name, sizeof name, "%d.weight", i);
    r = va_container_writer_add(writer, name, VA_TENSOR_S8, 2, f[VA_WAKE_FIELD_KIND] == VA_WAKE_DENSE ? dense_dims : depthwise_dims,
                                layer->weight, error);
    if (r < 0)
        return r;
    snprintf(name, sizeof name, "%d.bias", i);
    if ((r = va_container_writer_add(writer, name, VA_TENSOR_S32, 1, &out, layer->bias, error)) < 0)
        return r;
    snprintf(name, sizeof name, "%d.requant", i);
    return va_container_writer_add(writer, name, VA_TENSOR_S32, 2, requant_dims, layer->requant, error);
}

static int add_layers(va_container_writer *writer, const struct va_wake_draft *draft, va_error *error)
{
    int32_t fields[VA_WAKE_MAX_LAYERS][VA_WAKE_FIELDS];
    const uint64_t dims[2] = {(uint64_t)draft->n_layers, VA_WAKE_FIELDS};
    int r = 0;

    for (int i = 0; r == 0 && i < draft->n_layers; i++) {
        memcpy(fields[i], draft->layer[i].field, sizeof fields[i]);
        r = add_layer(writer, i, &draft->layer[i], error);
    }
    return r < 0 ? r : va_container_writer_add(writer, "layers", VA_TENSOR_S32, 2, dims, fields, error);
}

static int add_all(va_container_writer *writer, const struct va_wake_draft *draft, const struct description *d, va_error *error)
{
    static const uint64_t one = 1, two = 2, numbers_size = VA_WAKE_NUMBERS, sigmoid_size = 256;
    const uint64_t word_size = strlen(d->word) + 1, languages_size = strlen(d->languages) + 1;
    const int32_t numbers[VA_WAKE_NUMBERS] = {[VA_WAKE_NUMBER_WINDOW] = d->window, [VA_WAKE_NUMBER_STEP] = draft->step};
    const float input[2] = {draft->input_scale, (float)draft->input_zero};
    int r;

    if ((r = va_container_writer_add(writer, "word", VA_TENSOR_U8, 1, &word_size, d->word, error)) < 0 ||
        (r = va_container_writer_add(writer, "languages", VA_TENSOR_U8, 1, &languages_size, d->languages, error)) < 0 ||
        (r = va_container_writer_add(writer, "cutoff", VA_TENSOR_F32, 1, &one, &d->cutoff, error)) < 0 ||
        (r = va_container_writer_add(writer, "numbers", VA_TENSOR_S32, 1, &numbers_size, numbers, error)) < 0 ||
        (r = va_container_writer_add(writer, "input", VA_TENSOR_F32, 1, &two, input, error)) < 0 ||
        (r = va_container_writer_add(writer, "sigmoid", VA_TENSOR_U8, 1, &sigmoid_size, draft->sigmoid, error)) < 0)
        return r;
    return add_layers(writer, draft, error);
}

static int make_draft(const char *path, const struct va_map *map, struct va_wake_draft *draft, va_error *error)
{
    struct va_tflite model;
    va_error problem;
    int r;

    if (map->size > MAX_FILE_BYTES)
        return va_fail(error, VA_ELIMIT, "%s: too large for a wake word", path);
    if ((r = va_tflite_read(map->data, map->size, &model, &problem)) == 0) {
        r = va_wake_draft_make(&model, draft, &problem);
        va_tflite_free(&model);
    }
    if (r == VA_ENOMEM)
        return va_fail_memory(error);
    return r < 0 ? va_fail(error, r, "%s: %s", path, problem.text) : 0;
}

static int write_all(const struct va_map *map, const struct va_wake_draft *draft, const struct description *d, const char *out_path,
                     va_error *error)
{
    va_container_writer *writer = NULL;
    uint8_t digest[VA_SHA256_SIZE];
    int r;

    if ((r = va_sha256_of(map->data, map->size, digest, error)) == 0 &&
        (r = va_container_writer_new(out_path, VA_CONTAINER_WAKE, digest, map->size, &writer, error)) == 0 &&
        (r = add_all(writer, draft, d, error)) == 0)
        r = va_container_writer_finish(writer, error);
    va_container_writer_free(writer);
    return r;
}

int va_wake_import(const char *source, const char *description, const char *out_path, va_error *error)
{
    struct description d = {0};
    struct va_wake_draft *draft = NULL;
    struct va_map map = {0};
    char *beside = NULL;
    int r;

    if ((r = va_file_map(source, &map, error)) < 0)
        return r;
    if ((description == NULL && (description = beside = description_beside(source)) == NULL) ||
        (draft = va_calloc(1, sizeof *draft)) == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    if ((r = make_draft(source, &map, draft, error)) < 0)
        goto fail;
    if ((r = load_description(description, &d, error)) < 0)
        goto fail;
    r = write_all(&map, draft, &d, out_path, error);
fail:
    if (draft != NULL)
        va_wake_draft_free(draft);
    va_free(draft);
    va_free(beside);
    va_file_unmap(&map);
    return r;
}
