/* whisper.cpp's ggml file: numbers, mel filters, the vocabulary's raw bytes, then tensors in any order. Little-endian, not aligned. */
#include <stdio.h>

#include "base/memory.h"
#include "whisper/import_source.h"

enum { MAGIC = 0x67676d6c, N_HPARAMS = 11, MEL_BINS = 201, MAX_TOKENS = 51866, MAX_TOKEN_BYTES = 1024, MAX_NAME_BYTES = 128 };

/* In the order of the file. */
enum { N_VOCAB, N_AUDIO_CTX, N_AUDIO_STATE, N_AUDIO_HEAD, N_AUDIO_LAYER, N_TEXT_CTX, N_TEXT_STATE, N_TEXT_HEAD, N_TEXT_LAYER, N_MELS };

static int truncated(const struct va_import_source *source, const char *where, va_error *error)
{
    return va_fail(error, VA_EFORMAT, "%s: truncated or damaged in its %s", source->path, where);
}

static int read_hparams(struct va_import_cursor *cursor, struct va_import_source *source, va_error *error)
{
    uint32_t magic, v[N_HPARAMS];
    int32_t *h = source->hparams;

    if (va_import_take_u32(cursor, &magic) < 0 || magic != MAGIC)
        return va_fail(error, VA_EFORMAT, "%s: neither a CTranslate2 folder nor a ggml file of whisper.cpp", source->path);
    for (int i = 0; i < N_HPARAMS; i++)
        if (va_import_take_u32(cursor, &v[i]) < 0)
            return truncated(source, "header", error);
    if (v[N_AUDIO_STATE] != v[N_TEXT_STATE] || v[N_AUDIO_HEAD] != v[N_TEXT_HEAD])
        return va_fail(error, VA_EFORMAT, "%s: encoder and decoder differ in width: not a Whisper model", source->path);
    h[VA_HPARAM_VOCAB] = (int32_t)v[N_VOCAB];
    h[VA_HPARAM_WIDTH] = (int32_t)v[N_TEXT_STATE];
    h[VA_HPARAM_HEADS] = (int32_t)v[N_TEXT_HEAD];
    h[VA_HPARAM_ENC_LAYERS] = (int32_t)v[N_AUDIO_LAYER];
    h[VA_HPARAM_DEC_LAYERS] = (int32_t)v[N_TEXT_LAYER];
    h[VA_HPARAM_MELS] = (int32_t)v[N_MELS];
    h[VA_HPARAM_AUDIO_CTX] = (int32_t)v[N_AUDIO_CTX];
    h[VA_HPARAM_TEXT_CTX] = (int32_t)v[N_TEXT_CTX];
    return va_import_check_hparams(source, error);
}

/* Whisper's mel filters are computed, not read (dsp/log_mel.h). */
static int skip_filters(struct va_import_cursor *cursor, const struct va_import_source *source, va_error *error)
{
    uint32_t mels, bins;

    if (va_import_take_u32(cursor, &mels) < 0 || va_import_take_u32(cursor, &bins) < 0)
        return truncated(source, "mel filters", error);
    if (mels != (uint32_t)source->hparams[VA_HPARAM_MELS] || bins != MEL_BINS)
        return va_fail(error, VA_EFORMAT, "%s: %u x %u mel filters: not a Whisper model", source->path, mels, bins);
    return va_import_take(cursor, sizeof(float) * mels * bins) == NULL ? truncated(source, "mel filters", error) : 0;
}

static int read_vocabulary(struct va_import_cursor *cursor, struct va_import_source *source, va_error *error)
{
    int n_text = source->hparams[VA_HPARAM_VOCAB] >= 51865 ? 50257 : 50256, r;
    uint32_t n, length;

    if (va_import_take_u32(cursor, &n) < 0)
        return truncated(source, "vocabulary", error);
    if (n < (uint32_t)n_text || n > MAX_TOKENS)
        return va_fail(error, VA_EFORMAT, "%s: %u tokens: not a Whisper vocabulary", source->path, n);
    if ((r = va_import_vocab_start(source, error)) < 0)
        return r;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *bytes;
        if (va_import_take_u32(cursor, &length) < 0 || length > MAX_TOKEN_BYTES || (bytes = va_import_take(cursor, length)) == NULL)
            return truncated(source, "vocabulary", error);
        if (i < (uint32_t)n_text && (r = va_import_vocab_add(source, bytes, length, error)) < 0)
            return r;
    }
    return 0;
}

static int type_of(uint32_t number, enum va_import_type *ret_type)
{
    switch (number) {
    case 0:
        *ret_type = VA_IMPORT_F32;
        return 0;
    case 1:
        *ret_type = VA_IMPORT_F16;
        return 0;
    case 2:
        *ret_type = VA_IMPORT_Q4_0;
        return 0;
    case 3:
        *ret_type = VA_IMPORT_Q4_1;
        return 0;
    case 6:
        *ret_type = VA_IMPORT_Q5_0;
        return 0;
    case 7:
        *ret_type = VA_IMPORT_Q5_1;
        return 0;
    case 8:
        *ret_type = VA_IMPORT_Q8_0;
        return 0;
    default:
        return -1;
    }
}

static int read_tensor(struct va_import_cursor *cursor, const struct va_import_source *source, struct va_import_entry *ret_entry,
                       va_error *error)
{
    struct va_import_entry entry = {0};
    uint32_t rank, name_size, type, dim;

    if (va_import_take_u32(cursor, &rank) < 0 || va_import_take_u32(cursor, &name_size) < 0 || va_import_take_u32(cursor, &type) < 0 ||
        rank < 1 || rank > VA_IMPORT_MAX_RANK || name_size < 1 || name_size > MAX_NAME_BYTES)
        return truncated(source, "tensors", error);
    entry.rank = (int)rank;
    for (int i = entry.rank - 1; i >= 0; i--) {
        if (va_import_take_u32(cursor, &dim) < 0)
            return truncated(source, "tensors", error);
        entry.dim[i] = dim;
    }
    if ((entry.name = (const char *)va_import_take(cursor, name_size)) == NULL)
        return truncated(source, "tensors", error);
    entry.name_size = name_size;
    if (type_of(type, &entry.type) < 0)
        return va_fail(error, VA_EUNSUPPORTED, "%s: number format %u is not supported (f32, f16, q8_0, q5_0, q5_1, q4_0, q4_1 are)",
                       source->path, type);
    if (va_import_type_bytes(entry.type, entry.rank, entry.dim, &entry.bytes) < 0 ||
        (entry.data = va_import_take(cursor, entry.bytes)) == NULL)
        return truncated(source, "tensors", error);
    if (entry.rank == 2 && entry.dim[1] == 1) /* the conv biases are columns */
        entry.rank = 1;
    *ret_entry = entry;
    return 0;
}

/* The foreign names of item, divided by commas; "-" stands for zeros. NULL: unknown. */
static const char *pattern_of(const char *item, int is_inside)
{
    static const struct {
        const char *item, *pattern;
    } outside[] =
        {
            {"conv1.weight", "conv1.weight"}, {"conv1.bias", "conv1.bias"},          {"conv2.weight", "conv2.weight"},
            {"conv2.bias", "conv2.bias"},     {"positions", "positional_embedding"}, {"embedding.weight", "token_embedding.weight"},
        },
      inside[] = {
          {"attn_norm.gamma", "attn_ln.weight"},
          {"attn_norm.beta", "attn_ln.bias"},
          {"qkv.weight", "attn.query.weight,attn.key.weight,attn.value.weight"},
          {"qkv.bias", "attn.query.bias,-,attn.value.bias"},
          {"out.weight", "attn.out.weight"},
          {"out.bias", "attn.out.bias"},
          {"cross_norm.gamma", "cross_attn_ln.weight"},
          {"cross_norm.beta", "cross_attn_ln.bias"},
          {"cross_q.weight", "cross_attn.query.weight"},
          {"cross_q.bias", "cross_attn.query.bias"},
          {"cross_kv.weight", "cross_attn.key.weight,cross_attn.value.weight"},
          {"cross_kv.bias", "-,cross_attn.value.bias"},
          {"cross_out.weight", "cross_attn.out.weight"},
          {"cross_out.bias", "cross_attn.out.bias"},
          {"mlp_norm.gamma", "mlp_ln.weight"},
          {"mlp_norm.beta", "mlp_ln.bias"},
          {"mlp1.weight", "mlp.0.weight"},
          {"mlp1.bias", "mlp.0.bias"},
          {"mlp2.weight", "mlp.2.weight"},
          {"mlp2.bias", "mlp.2.bias"},
      };

    if (is_inside) {
        for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
            if (strcmp(item, inside[i].item) == 0)
                return inside[i].pattern;
    } else {
        for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
            if (strcmp(item, outside[i].item) == 0)
                return outside[i].pattern;
    }
    return NULL;
}

static int names(const struct va_import_key *key, char ret_names[][VA_IMPORT_NAME_SIZE])
{
    const char *part = key->decoder ? "decoder" : "encoder", *norm = key->decoder ? "ln" : "ln_post";
    const char *pattern = pattern_of(key->item, key->layer >= 0);
    int n = 0;

    if (key->layer < 0 && strcmp(key->item, "norm.gamma") == 0)
        return snprintf(ret_names[0], VA_IMPORT_NAME_SIZE, "%s.%s.weight", part, norm) > 0;
    if (key->layer < 0 && strcmp(key->item, "norm.beta") == 0)
        return snprintf(ret_names[0], VA_IMPORT_NAME_SIZE, "%s.%s.bias", part, norm) > 0;
    while (pattern != NULL && n < VA_IMPORT_MAX_PIECES) {
        int size = (int)strcspn(pattern, ",");
        if (pattern[0] == '-')
            ret_names[n][0] = '\0';
        else if (key->layer < 0)
            snprintf(ret_names[n], VA_IMPORT_NAME_SIZE, "%s.%.*s", part, size, pattern);
        else
            snprintf(ret_names[n], VA_IMPORT_NAME_SIZE, "%s.blocks.%d.%.*s", part, key->layer, size, pattern);
        n++;
        pattern = pattern[size] == ',' ? pattern + size + 1 : NULL;
    }
    return n;
}

int va_import_ggml_open(const char *path, struct va_import_source *source, va_error *error)
{
    int r;

    source->names = names;
    source->path = va_strdup(path);
    if (source->path == NULL)
        return va_fail_memory(error);
    if ((r = va_file_map(path, &source->map, error)) < 0)
        return r;
    struct va_import_cursor cursor = {source->map.data, source->map.data + source->map.size};
    if ((r = read_hparams(&cursor, source, error)) < 0 || (r = skip_filters(&cursor, source, error)) < 0 ||
        (r = read_vocabulary(&cursor, source, error)) < 0)
        return r;
    while (cursor.p != cursor.end) {
        struct va_import_entry entry;
        if ((r = read_tensor(&cursor, source, &entry, error)) < 0 || (r = va_import_index_add(&source->index, &entry, error)) < 0)
            return r;
    }
    return va_import_index_sort(&source->index, source->path, error);
}
