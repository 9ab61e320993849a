/* The text files of a CTranslate2 folder: config.json with lists of tokens, and the vocabulary in GPT-2's printable alphabet. */
#include <jansson.h>

#include "base/memory.h"
#include "whisper/import_source.h"

enum { MAX_CONFIG_BYTES = 1 << 20, MAX_VOCABULARY_BYTES = 8 << 20, MAX_TOKEN_BYTES = 1024, MAX_LIST = 4096 };

static int load_json(const char *path, size_t max, json_t **ret_json, va_error *error)
{
    json_error_t problem;
    char *text;
    size_t size;
    int r = va_file_read(path, max, &text, &size, error);

    if (r < 0)
        return r;
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
    va_free(text);
    if (json == NULL) {
        if (problem.text[0] == '\0' || json_error_code(&problem) == json_error_out_of_memory) /* not all of jansson says why */
            return va_fail_memory(error);
        return va_fail(error, VA_EFORMAT, "%s:%d: %s", path, problem.line, problem.text);
    }
    *ret_json = json;
    return 0;
}

/* A list of whole numbers in 0 .. end - 1. Absent: values stay NULL. */
static int read_list(const char *path, const json_t *config, const char *name, int end, struct va_import_list *ret_list, va_error *error)
{
    const json_t *list = json_object_get(config, name);

    if (list == NULL || json_is_null(list))
        return 0;
    if (!json_is_array(list) || json_array_size(list) > MAX_LIST)
        return va_fail(error, VA_EFORMAT, "%s: %s is not a list of tokens", path, name);
    size_t n = json_array_size(list);
    int32_t *values = va_alloc(n, sizeof *values);
    if (values == NULL)
        return va_fail_memory(error);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        json_int_t value = json_integer_value(item);
        if (!json_is_integer(item) || value < 0 || value >= end) {
            va_free(values);
            return va_fail(error, VA_EFORMAT, "%s: %s has an entry that is no token", path, name);
        }
        values[i] = (int32_t)value;
    }
    *ret_list = (struct va_import_list){values, n};
    return 0;
}

static int read_heads(const char *path, const json_t *config, const struct va_import_source *source, struct va_import_list *ret_list,
                      va_error *error)
{
    const json_t *list = json_object_get(config, "alignment_heads");

    if (list == NULL || json_is_null(list))
        return 0;
    if (!json_is_array(list) || json_array_size(list) > MAX_LIST)
        return va_fail(error, VA_EFORMAT, "%s: alignment_heads is not a list", path);
    size_t n = json_array_size(list);
    int32_t *values = va_alloc(2 * n, sizeof *values);
    if (values == NULL)
        return va_fail_memory(error);
    for (size_t i = 0; i < n; i++) {
        const json_t *layer = json_array_get(json_array_get(list, i), 0), *head = json_array_get(json_array_get(list, i), 1);
        if (!json_is_integer(layer) || !json_is_integer(head) || json_integer_value(layer) < 0 || json_integer_value(head) < 0 ||
            json_integer_value(layer) >= source->hparams[VA_HPARAM_DEC_LAYERS] ||
            json_integer_value(head) >= source->hparams[VA_HPARAM_HEADS]) {
            va_free(values);
            return va_fail(error, VA_EFORMAT, "%s: alignment_heads has an entry that is no head of this model", path);
        }
        values[2 * i] = (int32_t)json_integer_value(layer);
        values[2 * i + 1] = (int32_t)json_integer_value(head);
    }
    *ret_list = (struct va_import_list){values, 2 * n};
    return 0;
}

static int read_config(const char *path, struct va_import_source *source, va_error *error)
{
    json_t *config;
    int r = load_json(path, MAX_CONFIG_BYTES, &config, error), end = source->hparams[VA_HPARAM_VOCAB];

    if (r < 0)
        return r;
    r = read_list(path, config, "suppress_ids", end, &source->suppress, error);
    if (r == 0)
        r = read_list(path, config, "suppress_ids_begin", end, &source->suppress_begin, error);
    if (r == 0)
        r = read_heads(path, config, source, &source->heads, error);
    json_decref(config);
    return r;
}

/* A code point of the printable alphabet back to its byte, or -1: 33..126, 161..172 and 174..255 are themselves, the other bytes in
 * rising order are 256, 257 and so on. */
static int byte_of(unsigned point)
{
    if ((point >= 33 && point <= 126) || (point >= 161 && point <= 172) || (point >= 174 && point <= 255))
        return (int)point;
    if (point >= 256 && point < 256 + 33)
        return (int)point - 256;
    if (point >= 256 + 33 && point < 256 + 67)
        return (int)point - 256 - 33 + 127;
    return point == 256 + 67 ? 173 : -1;
}

/* Only code points below 324 occur: one or two bytes of UTF-8. Returns the size, or -1. */
static int decode_token(const char *text, size_t size, uint8_t ret_bytes[MAX_TOKEN_BYTES])
{
    const uint8_t *p = (const uint8_t *)text, *end = p + size;
    int n = 0;

    if (size > MAX_TOKEN_BYTES)
        return -1;
    while (p < end) {
        unsigned point = *p++;
        if (point >= 0x80) {
            if (point < 0xc2 || point > 0xdf || p == end || (*p & 0xc0) != 0x80)
                return -1;
            point = (point & 31) << 6 | (*p++ & 63);
        }
        int byte = byte_of(point);
        if (byte < 0)
            return -1;
        ret_bytes[n++] = (uint8_t)byte;
    }
    return n;
}

static int add_token(const char *path, struct va_import_source *source, const char *text, size_t size, va_error *error)
{
    uint8_t bytes[MAX_TOKEN_BYTES];
    int n = decode_token(text, size, bytes);
    if (n < 0)
        return va_fail(error, VA_EFORMAT, "%s: token %d is not in the alphabet of Whisper's vocabularies", path, source->n_text);
    return va_import_vocab_add(source, bytes, (size_t)n, error);
}

static int wrong_count(const char *path, size_t n, const struct va_import_source *source, va_error *error)
{
    return va_fail(error, VA_EFORMAT, "%s: %zu tokens, but the model has %d", path, n, source->hparams[VA_HPARAM_VOCAB]);
}

/* A line each, divided by newlines only: other line separators occur inside tokens. */
static int read_vocabulary_text(const char *path, struct va_import_source *source, int n_text, va_error *error)
{
    char *text;
    size_t size, lines = 0;
    int r = va_file_read(path, MAX_VOCABULARY_BYTES, &text, &size, error);

    if (r < 0)
        return r;
    for (size_t start = 0; r == 0 && start < size; lines++) {
        const char *newline = memchr(text + start, '\n', size - start);
        size_t length = newline != NULL ? (size_t)(newline - text) - start : size - start;
        if (source->n_text < n_text)
            r = add_token(path, source, text + start, length, error);
        start += length + 1;
    }
    va_free(text);
    if (r == 0 && lines != (size_t)source->hparams[VA_HPARAM_VOCAB])
        r = wrong_count(path, lines, source, error);
    return r;
}

static int read_vocabulary_json(const char *path, struct va_import_source *source, int n_text, va_error *error)
{
    json_t *list;
    int r = load_json(path, MAX_VOCABULARY_BYTES, &list, error);

    if (r < 0)
        return r;
    if (!json_is_array(list) || json_array_size(list) != (size_t)source->hparams[VA_HPARAM_VOCAB])
        r = wrong_count(path, json_array_size(list), source, error);
    for (int i = 0; r == 0 && i < n_text; i++) {
        const json_t *token = json_array_get(list, (size_t)i);
        if (!json_is_string(token))
            r = va_fail(error, VA_EFORMAT, "%s: token %d is not a string", path, i);
        else
            r = add_token(path, source, json_string_value(token), json_string_length(token), error);
    }
    json_decref(list);
    return r;
}

int va_import_ct2_text(const char *folder, struct va_import_source *source, va_error *error)
{
    int n_text = source->hparams[VA_HPARAM_VOCAB] >= 51865 ? 50257 : 50256;
    char *config = va_asprintf("%s/config.json", folder);
    char *text = va_asprintf("%s/vocabulary.txt", folder);
    char *json = va_asprintf("%s/vocabulary.json", folder);
    int r;

    if (config == NULL || text == NULL || json == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    if (va_file_exists(config) && (r = read_config(config, source, error)) < 0)
        goto fail;
    if ((r = va_import_vocab_start(source, error)) < 0)
        goto fail;
    if (va_file_exists(text))
        r = read_vocabulary_text(text, source, n_text, error);
    else if (va_file_exists(json))
        r = read_vocabulary_json(json, source, n_text, error);
    else
        r = va_fail(error, VA_ENOTFOUND, "%s: there is neither vocabulary.txt nor vocabulary.json", folder);
fail:
    va_free(config);
    va_free(text);
    va_free(json);
    return r;
}
