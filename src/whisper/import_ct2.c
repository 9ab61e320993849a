/* CTranslate2's model.bin: a list of named variables, little-endian, without any alignment. */
#include <stdio.h>

#include "base/memory.h"
#include "whisper/import_source.h"

/* A length that counts the NUL, the characters, the NUL. */
static int take_string(struct va_import_cursor *cursor, const char **ret_text, size_t *ret_size)
{
    const uint8_t *p = va_import_take(cursor, 2);
    if (p == NULL)
        return -1;
    size_t size = va_import_u16(p);
    if (size == 0 || (p = va_import_take(cursor, size)) == NULL || memchr(p, 0, size) != p + size - 1)
        return -1;
    *ret_text = (const char *)p;
    *ret_size = size - 1;
    return 0;
}

static int read_variable(struct va_import_cursor *cursor, struct va_import_entry *ret_entry)
{
    static const enum va_import_type types[] = {VA_IMPORT_F32, VA_IMPORT_S8, VA_IMPORT_S16, VA_IMPORT_S32, VA_IMPORT_F16, VA_IMPORT_BF16};
    struct va_import_entry entry = {0};
    uint32_t dim, n_bytes;
    const uint8_t *p;

    if (take_string(cursor, &entry.name, &entry.name_size) < 0 || (p = va_import_take(cursor, 1)) == NULL || *p > VA_IMPORT_MAX_RANK)
        return -1;
    entry.rank = *p;
    for (int i = 0; i < entry.rank; i++) {
        if (va_import_take_u32(cursor, &dim) < 0)
            return -1;
        entry.dim[i] = dim;
    }
    if ((p = va_import_take(cursor, 1)) == NULL || *p >= sizeof types / sizeof types[0] || va_import_take_u32(cursor, &n_bytes) < 0)
        return -1;
    entry.type = types[*p];
    if (va_import_type_bytes(entry.type, entry.rank, entry.dim, &entry.bytes) < 0 || entry.bytes != n_bytes)
        return -1;
    if ((entry.data = va_import_take(cursor, n_bytes)) == NULL)
        return -1;
    *ret_entry = entry;
    return 0;
}

static int read_index(struct va_import_source *source, va_error *error)
{
    struct va_import_cursor cursor = {source->map.data, source->map.data + source->map.size};
    uint32_t version, revision, n, n_aliases;
    const char *text;
    size_t size;
    int r;

    if (va_import_take_u32(&cursor, &version) < 0 || version == 0 || version > 1000)
        return va_fail(error, VA_EFORMAT, "%s: not a CTranslate2 model", source->path);
    if (version < 4 || version > 6)
        return va_fail(error, VA_EUNSUPPORTED, "%s: CTranslate2 format %u is not supported (4, 5 and 6 are)", source->path, version);
    if (take_string(&cursor, &text, &size) < 0)
        return va_fail(error, VA_EFORMAT, "%s: not a CTranslate2 model", source->path);
    if (strcmp(text, "WhisperSpec") != 0)
        return va_fail(error, VA_EUNSUPPORTED, "%s: a CTranslate2 model, but not a Whisper one", source->path);
    if (va_import_take_u32(&cursor, &revision) < 0 || va_import_take_u32(&cursor, &n) < 0)
        return va_fail(error, VA_EFORMAT, "%s: truncated", source->path);
    if (revision > 3)
        return va_fail(error, VA_EUNSUPPORTED, "%s: revision %u of CTranslate2's Whisper is not supported (up to 3 is)", source->path,
                       revision);
    for (uint32_t i = 0; i < n; i++) {
        struct va_import_entry entry;
        if (read_variable(&cursor, &entry) < 0)
            return va_fail(error, VA_EFORMAT, "%s: truncated or damaged at variable %u of %u", source->path, i, n);
        if ((r = va_import_index_add(&source->index, &entry, error)) < 0)
            return r;
    }
    /* The only alias of a Whisper model ties the output matrix to the embedding, as layout.h does. */
    if (va_import_take_u32(&cursor, &n_aliases) < 0)
        return va_fail(error, VA_EFORMAT, "%s: truncated", source->path);
    for (uint32_t i = 0; i < n_aliases; i++)
        if (take_string(&cursor, &text, &size) < 0 || take_string(&cursor, &text, &size) < 0)
            return va_fail(error, VA_EFORMAT, "%s: truncated", source->path);
    if (cursor.p != cursor.end)
        return va_fail(error, VA_EFORMAT, "%s: has bytes after its end", source->path);
    return va_import_index_sort(&source->index, source->path, error);
}

static int names(const struct va_import_key *key, char ret_names[][VA_IMPORT_NAME_SIZE])
{
    static const struct {
        const char *item, *ct2;
    } outside[] =
        {
            {"conv1.weight", "conv1/weight"},
            {"conv1.bias", "conv1/bias"},
            {"conv2.weight", "conv2/weight"},
            {"conv2.bias", "conv2/bias"},
            {"positions", "position_encodings/encodings"},
            {"embedding.weight", "embeddings/weight"},
            {"norm.gamma", "layer_norm/gamma"},
            {"norm.beta", "layer_norm/beta"},
        },
      inside[] = {
          {"attn_norm.gamma", "self_attention/layer_norm/gamma"},
          {"attn_norm.beta", "self_attention/layer_norm/beta"},
          {"qkv.weight", "self_attention/linear_0/weight"},
          {"qkv.bias", "self_attention/linear_0/bias"},
          {"out.weight", "self_attention/linear_1/weight"},
          {"out.bias", "self_attention/linear_1/bias"},
          {"cross_norm.gamma", "attention/layer_norm/gamma"},
          {"cross_norm.beta", "attention/layer_norm/beta"},
          {"cross_q.weight", "attention/linear_0/weight"},
          {"cross_q.bias", "attention/linear_0/bias"},
          {"cross_kv.weight", "attention/linear_1/weight"},
          {"cross_kv.bias", "attention/linear_1/bias"},
          {"cross_out.weight", "attention/linear_2/weight"},
          {"cross_out.bias", "attention/linear_2/bias"},
          {"mlp_norm.gamma", "ffn/layer_norm/gamma"},
          {"mlp_norm.beta", "ffn/layer_norm/beta"},
          {"mlp1.weight", "ffn/linear_0/weight"},
          {"mlp1.bias", "ffn/linear_0/bias"},
          {"mlp2.weight", "ffn/linear_1/weight"},
          {"mlp2.bias", "ffn/linear_1/bias"},
      };
    const char *part = key->decoder ? "decoder" : "encoder";

    if (key->layer < 0) {
        for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
            if (strcmp(key->item, outside[i].item) == 0)
                return snprintf(ret_names[0], VA_IMPORT_NAME_SIZE, "%s/%s", part, outside[i].ct2) > 0;
    } else {
        for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
            if (strcmp(key->item, inside[i].item) == 0)
                return snprintf(ret_names[0], VA_IMPORT_NAME_SIZE, "%s/layer_%d/%s", part, key->layer, inside[i].ct2) > 0;
    }
    return 0;
}

/* dim i of a tensor, or 0. */
static int32_t dim_of(const struct va_import_source *source, const char *name, int rank, int i)
{
    const struct va_import_entry *entry = va_import_index_get(&source->index, name);
    return entry != NULL && entry->rank == rank && entry->dim[i] <= INT32_MAX ? (int32_t)entry->dim[i] : 0;
}

static int count_layers(const struct va_import_source *source, const char *part)
{
    char name[VA_IMPORT_NAME_SIZE];
    for (int i = 0; i <= 32; i++) {
        snprintf(name, sizeof name, "%s/layer_%d/ffn/layer_norm/gamma", part, i);
        if (va_import_index_get(&source->index, name) == NULL)
            return i;
    }
    return 33;
}

/* A scalar attribute must be the one that our engine computes; it may be absent. */
static int check_attribute(const struct va_import_source *source, const char *name, int want, va_error *error)
{
    const struct va_import_entry *entry = va_import_index_get(&source->index, name);
    float value;

    if (entry == NULL)
        return 0;
    if (entry->rank != 0)
        return va_fail(error, VA_EFORMAT, "%s: %s is not a single number", source->path, name);
    va_import_to_f32(entry->type, entry->data, 1, &value);
    if (value != (float)want)
        return va_fail(error, VA_EUNSUPPORTED, "%s: %s is %g: only %d is supported", source->path, name, (double)value, want);
    return 0;
}

static int read_hparams(struct va_import_source *source, va_error *error)
{
    int32_t *h = source->hparams;
    int r;

    h[VA_HPARAM_VOCAB] = dim_of(source, "decoder/embeddings/weight", 2, 0);
    h[VA_HPARAM_WIDTH] = dim_of(source, "decoder/embeddings/weight", 2, 1);
    h[VA_HPARAM_HEADS] = h[VA_HPARAM_WIDTH] / 64;
    h[VA_HPARAM_ENC_LAYERS] = count_layers(source, "encoder");
    h[VA_HPARAM_DEC_LAYERS] = count_layers(source, "decoder");
    h[VA_HPARAM_MELS] = dim_of(source, "encoder/conv1/weight", 3, 1);
    h[VA_HPARAM_AUDIO_CTX] = dim_of(source, "encoder/position_encodings/encodings", 2, 0);
    h[VA_HPARAM_TEXT_CTX] = dim_of(source, "decoder/position_encodings/encodings", 2, 0);
    if ((r = va_import_check_hparams(source, error)) < 0)
        return r;

    const struct {
        const char *name;
        int want;
    } attributes[] = {
        {"encoder/num_heads", h[VA_HPARAM_HEADS]},
        {"decoder/num_heads", h[VA_HPARAM_HEADS]},
        {"decoder/activation", 3},
        {"decoder/pre_norm", 1},
        {"decoder/scale_embeddings", 0},
        {"decoder/start_from_zero_embedding", 0},
        {"decoder/alibi", 0},
    };
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
        if ((r = check_attribute(source, attributes[i].name, attributes[i].want, error)) < 0)
            return r;
    return 0;
}

int va_import_ct2_open(const char *folder, struct va_import_source *source, va_error *error)
{
    int r;

    source->names = names;
    source->path = va_asprintf("%s/model.bin", folder);
    if (source->path == NULL)
        return va_fail_memory(error);
    if ((r = va_file_map(source->path, &source->map, error)) < 0)
        return r;
    if ((r = read_index(source, error)) < 0)
        return r;
    if ((r = read_hparams(source, error)) < 0)
        return r;
    return va_import_ct2_text(folder, source, error);
}
