#include "synthetic.h"

#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"

enum { D = SYNTHETIC_WIDTH, POSITIONS = 1500, TEXT_POSITIONS = 448 };

struct tensor {
    const char *ct2, *parts[3]; /* parts: ggml names; "-" is zeros */
    int rank;
    int dim[3]; /* of the whole; 0 stands for the vocabulary */
};

static const struct tensor tensors[] = {
    {"decoder/embeddings/weight", {"decoder.token_embedding.weight"}, 2, {0, D}},
    {"decoder/layer_0/attention/layer_norm/beta", {"decoder.blocks.0.cross_attn_ln.bias"}, 1, {D}},
    {"decoder/layer_0/attention/layer_norm/gamma", {"decoder.blocks.0.cross_attn_ln.weight"}, 1, {D}},
    {"decoder/layer_0/attention/linear_0/bias", {"decoder.blocks.0.cross_attn.query.bias"}, 1, {D}},
    {"decoder/layer_0/attention/linear_0/weight", {"decoder.blocks.0.cross_attn.query.weight"}, 2, {D, D}},
    {"decoder/layer_0/attention/linear_1/bias", {"-", "decoder.blocks.0.cross_attn.value.bias"}, 1, {2 * D}},
    {"decoder/layer_0/attention/linear_1/weight",
     {"decoder.blocks.0.cross_attn.key.weight", "decoder.blocks.0.cross_attn.value.weight"},
     2,
     {2 * D, D}},
    {"decoder/layer_0/attention/linear_2/bias", {"decoder.blocks.0.cross_attn.out.bias"}, 1, {D}},
    {"decoder/layer_0/attention/linear_2/weight", {"decoder.blocks.0.cross_attn.out.weight"}, 2, {D, D}},
    {"decoder/layer_0/ffn/layer_norm/beta", {"decoder.blocks.0.mlp_ln.bias"}, 1, {D}},
    {"decoder/layer_0/ffn/layer_norm/gamma", {"decoder.blocks.0.mlp_ln.weight"}, 1, {D}},
    {"decoder/layer_0/ffn/linear_0/bias", {"decoder.blocks.0.mlp.0.bias"}, 1, {4 * D}},
    {"decoder/layer_0/ffn/linear_0/weight", {"decoder.blocks.0.mlp.0.weight"}, 2, {4 * D, D}},
    {"decoder/layer_0/ffn/linear_1/bias", {"decoder.blocks.0.mlp.2.bias"}, 1, {D}},
    {"decoder/layer_0/ffn/linear_1/weight", {"decoder.blocks.0.mlp.2.weight"}, 2, {D, 4 * D}},
    {"decoder/layer_0/self_attention/layer_norm/beta", {"decoder.blocks.0.attn_ln.bias"}, 1, {D}},
    {"decoder/layer_0/self_attention/layer_norm/gamma", {"decoder.blocks.0.attn_ln.weight"}, 1, {D}},
    {"decoder/layer_0/self_attention/linear_0/bias",
     {"decoder.blocks.0.attn.query.bias", "-", "decoder.blocks.0.attn.value.bias"},
     1,
     {3 * D}},
    {"decoder/layer_0/self_attention/linear_0/weight",
     {"decoder.blocks.0.attn.query.weight", "decoder.blocks.0.attn.key.weight", "decoder.blocks.0.attn.value.weight"},
     2,
     {3 * D, D}},
    {"decoder/layer_0/self_attention/linear_1/bias", {"decoder.blocks.0.attn.out.bias"}, 1, {D}},
    {"decoder/layer_0/self_attention/linear_1/weight", {"decoder.blocks.0.attn.out.weight"}, 2, {D, D}},
    {"decoder/layer_norm/beta", {"decoder.ln.bias"}, 1, {D}},
    {"decoder/layer_norm/gamma", {"decoder.ln.weight"}, 1, {D}},
    {"decoder/position_encodings/encodings", {"decoder.positional_embedding"}, 2, {TEXT_POSITIONS, D}},
    {"encoder/conv1/bias", {"encoder.conv1.bias"}, 1, {D}},
    {"encoder/conv1/weight", {"encoder.conv1.weight"}, 3, {D, 80, 3}},
    {"encoder/conv2/bias", {"encoder.conv2.bias"}, 1, {D}},
    {"encoder/conv2/weight", {"encoder.conv2.weight"}, 3, {D, D, 3}},
    {"encoder/layer_0/ffn/layer_norm/beta", {"encoder.blocks.0.mlp_ln.bias"}, 1, {D}},
    {"encoder/layer_0/ffn/layer_norm/gamma", {"encoder.blocks.0.mlp_ln.weight"}, 1, {D}},
    {"encoder/layer_0/ffn/linear_0/bias", {"encoder.blocks.0.mlp.0.bias"}, 1, {4 * D}},
    {"encoder/layer_0/ffn/linear_0/weight", {"encoder.blocks.0.mlp.0.weight"}, 2, {4 * D, D}},
    {"encoder/layer_0/ffn/linear_1/bias", {"encoder.blocks.0.mlp.2.bias"}, 1, {D}},
    {"encoder/layer_0/ffn/linear_1/weight", {"encoder.blocks.0.mlp.2.weight"}, 2, {D, 4 * D}},
    {"encoder/layer_0/self_attention/layer_norm/beta", {"encoder.blocks.0.attn_ln.bias"}, 1, {D}},
    {"encoder/layer_0/self_attention/layer_norm/gamma", {"encoder.blocks.0.attn_ln.weight"}, 1, {D}},
    {"encoder/layer_0/self_attention/linear_0/bias",
     {"encoder.blocks.0.attn.query.bias", "-", "encoder.blocks.0.attn.value.bias"},
     1,
     {3 * D}},
    {"encoder/layer_0/self_attention/linear_0/weight",
     {"encoder.blocks.0.attn.query.weight", "encoder.blocks.0.attn.key.weight", "encoder.blocks.0.attn.value.weight"},
     2,
     {3 * D, D}},
    {"encoder/layer_0/self_attention/linear_1/bias", {"encoder.blocks.0.attn.out.bias"}, 1, {D}},
    {"encoder/layer_0/self_attention/linear_1/weight", {"encoder.blocks.0.attn.out.weight"}, 2, {D, D}},
    {"encoder/layer_norm/beta", {"encoder.ln_post.bias"}, 1, {D}},
    {"encoder/layer_norm/gamma", {"encoder.ln_post.weight"}, 1, {D}},
    {"encoder/position_encodings/encodings", {"encoder.positional_embedding"}, 2, {POSITIONS, D}},
};
enum { N_TENSORS = sizeof tensors / sizeof tensors[0] };

float synthetic_weight(const char *ggml_name, uint64_t i)
{
    uint64_t h = 14695981039346656037u;
    for (const char *p = ggml_name; *p != '\0'; p++)
        h = (h ^ (uint8_t)*p) * 1099511628211u;
    h = (h ^ i) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
    return (float)((int)((h >> 32) % 255) - 127) / 128;
}

static int clamp(double v, int low, int high)
{
    return v < low ? low : v > high ? high : (int)v;
}

/* The number stored for v in a block type with a step of 1/16 or 1/8 and an offset of -1. */
static int block_value(enum va_import_type type, float v)
{
    switch (type) {
    case VA_IMPORT_Q5_0:
        return clamp(rint(v * 16) + 16, 0, 31);
    case VA_IMPORT_Q5_1:
        return clamp(rint((v + 1) * 16), 0, 31);
    case VA_IMPORT_Q4_0:
        return clamp(rint(v * 8) + 8, 0, 15);
    default:
        return clamp(rint((v + 1) * 8), 0, 15);
    }
}

float synthetic_rounded(enum va_import_type type, float v)
{
    switch (type) {
    case VA_IMPORT_Q5_0:
        return (float)(block_value(type, v) - 16) / 16;
    case VA_IMPORT_Q5_1:
        return (float)block_value(type, v) / 16 - 1;
    case VA_IMPORT_Q4_0:
        return (float)(block_value(type, v) - 8) / 8;
    case VA_IMPORT_Q4_1:
        return (float)block_value(type, v) / 8 - 1;
    default:
        return v; /* k / 128 is exact */
    }
}

static uint16_t half_of(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (v == 0)
        return 0;
    if (isnan(v))
        return 0x7e00;
    return (uint16_t)((bits >> 16 & 0x8000) | (((bits >> 23 & 255) - 112) << 10) | (bits >> 13 & 1023));
}

static int put(struct va_buffer *out, const void *data, size_t n)
{
    return va_buffer_append(out, data, n);
}

static int put_u32(struct va_buffer *out, uint32_t v)
{
    return put(out, &v, sizeof v);
}

static int put_f16(struct va_buffer *out, float v)
{
    uint16_t half = half_of(v);
    return put(out, &half, sizeof half);
}

static int put_block(struct va_buffer *out, enum va_import_type type, const float *v)
{
    uint8_t bytes[32] = {0}, nibbles[16];
    uint32_t high = 0;
    int five = type == VA_IMPORT_Q5_0 || type == VA_IMPORT_Q5_1, r = put_f16(out, type == VA_IMPORT_Q8_0 ? 1.0f / 128
                                                                                  : five                 ? 1.0f / 16
                                                                                                         : 1.0f / 8);

    if (type == VA_IMPORT_Q8_0) {
        for (int j = 0; j < 32; j++)
            bytes[j] = (uint8_t)(int8_t)(v[j] * 128);
        return r < 0 ? r : put(out, bytes, 32);
    }
    if (type == VA_IMPORT_Q5_1 || type == VA_IMPORT_Q4_1)
        r |= put_f16(out, -1);
    for (int j = 0; j < 16; j++) {
        int a = block_value(type, v[j]), b = block_value(type, v[j + 16]);
        nibbles[j] = (uint8_t)((a & 15) | (b & 15) << 4);
        high |= (uint32_t)(a >> 4) << j | (uint32_t)(b >> 4) << (j + 16);
    }
    if (five)
        r |= put_u32(out, high);
    return r < 0 ? r : put(out, nibbles, 16);
}

static int put_values(struct va_buffer *out, enum va_import_type type, const char *ggml_name, uint64_t n, int poison)
{
    float block[32];
    int r = 0;

    for (uint64_t i = 0; r == 0 && i < n; i++) {
        float v = ggml_name[0] == '-' ? 0 : synthetic_weight(ggml_name, i);
        int8_t q = (int8_t)(v * 128);
        uint32_t bits;
        if (poison && i == n / 2)
            v = NAN;
        memcpy(&bits, &v, sizeof bits);
        uint16_t top = (uint16_t)(bits >> 16);
        block[i % 32] = v;
        if (type == VA_IMPORT_F32)
            r = put(out, &v, sizeof v);
        else if (type == VA_IMPORT_F16)
            r = put_f16(out, v);
        else if (type == VA_IMPORT_BF16)
            r = put(out, &top, sizeof top);
        else if (type == VA_IMPORT_S8)
            r = put(out, &q, 1);
        else if (i % 32 == 31)
            r = put_block(out, type, block);
    }
    return r;
}

static int is(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

static int put_name(struct va_buffer *out, const char *name)
{
    uint16_t n = (uint16_t)(strlen(name) + 1);
    int r = put(out, &n, sizeof n);
    return r < 0 ? r : put(out, name, n);
}

/* name, rank, dims, type, bytes */
static int put_ct2_head(struct va_buffer *out, const char *name, int rank, const uint32_t *dims, enum va_import_type type, uint32_t bytes)
{
    static const uint8_t numbers[] = {
        [VA_IMPORT_F32] = 0, [VA_IMPORT_F16] = 4, [VA_IMPORT_BF16] = 5, [VA_IMPORT_S8] = 1, [VA_IMPORT_S16] = 2};
    uint8_t n = (uint8_t)rank;
    int r = put_name(out, name);
    if (r == 0)
        r = put(out, &n, 1);
    if (r == 0)
        r = put(out, dims, (size_t)rank * sizeof *dims);
    if (r == 0)
        r = put(out, &numbers[type], 1);
    return r == 0 ? put_u32(out, bytes) : r;
}

static int put_ct2_tensor(const struct synthetic *s, const struct tensor *t, struct va_buffer *out)
{
    uint32_t dims[3];
    uint64_t n = 1, bytes;
    int pieces = t->parts[2] != NULL ? 3 : t->parts[1] != NULL ? 2 : 1, r;
    int is_matrix = t->rank > 1 && strstr(t->ct2, "position") == NULL;
    enum va_import_type type = is_matrix || s->type == VA_IMPORT_BF16 ? s->type : s->type == VA_IMPORT_F32 ? VA_IMPORT_F32 : VA_IMPORT_F16;

    for (int i = 0; i < t->rank; i++)
        n *= dims[i] = (uint32_t)(t->dim[i] == 0 ? s->vocab : t->dim[i]);
    uint64_t whole = n;
    if (va_import_type_bytes(type, 1, &whole, &bytes) < 0)
        return -1;
    uint32_t rows = dims[0];
    if (is(s->reshaped, t->ct2)) {
        dims[0] /= 2;
        dims[t->rank - 1] *= 2;
    }
    if ((r = put_ct2_head(out, t->ct2, t->rank, dims, type, (uint32_t)bytes)) < 0)
        return r;
    for (int i = 0; r == 0 && i < pieces; i++)
        r = put_values(out, type, t->parts[i], n / (uint64_t)pieces, i == 0 && is(s->not_finite, t->ct2));
    if (r == 0 && type == VA_IMPORT_S8) {
        char name[96];
        float scale = 128;
        snprintf(name, sizeof name, "%s_scale", t->ct2);
        if (is(s->without, name))
            return 0;
        r = put_ct2_head(out, name, 1, &rows, VA_IMPORT_F32, rows * 4);
        for (uint32_t i = 0; r == 0 && i < rows; i++) {
            float v = i == 1 && is(s->not_finite, name) ? 0 : scale;
            r = put(out, &v, sizeof v);
        }
    }
    return r;
}

int synthetic_ct2(const struct synthetic *s, struct va_buffer *out)
{
    const int16_t heads = 1;
    size_t count_at;
    uint32_t n = 1;
    int r;

    if ((r = put_u32(out, 6)) < 0 || (r = put_name(out, "WhisperSpec")) < 0 || (r = put_u32(out, 3)) < 0)
        return r;
    count_at = out->size;
    if ((r = put_u32(out, 0)) < 0 || (r = put_ct2_head(out, "decoder/num_heads", 0, NULL, VA_IMPORT_S16, 2)) < 0 ||
        (r = put(out, &heads, sizeof heads)) < 0)
        return r;
    for (int i = 0; i < N_TENSORS; i++)
        for (int copy = 0; copy < (is(s->without, tensors[i].ct2) ? 0 : is(s->twice, tensors[i].ct2) ? 2 : 1); copy++) {
            char scale[96];
            if ((r = put_ct2_tensor(s, &tensors[i], out)) < 0)
                return r;
            snprintf(scale, sizeof scale, "%s_scale", tensors[i].ct2);
            n += s->type == VA_IMPORT_S8 && tensors[i].rank > 1 && strstr(scale, "position") == NULL && !is(s->without, scale) ? 2 : 1;
        }
    memcpy(out->data + count_at, &n, sizeof n);
    if ((r = put_u32(out, 1)) < 0 || (r = put_name(out, "decoder/projection/weight")) < 0)
        return r;
    return put_name(out, "decoder/embeddings/weight");
}

static int put_ggml_tensor(const struct synthetic *s, const struct tensor *t, const char *name, int pieces, struct va_buffer *out)
{
    static const uint8_t numbers[] = {[VA_IMPORT_F32] = 0,  [VA_IMPORT_F16] = 1,  [VA_IMPORT_Q4_0] = 2, [VA_IMPORT_Q4_1] = 3,
                                      [VA_IMPORT_Q5_0] = 6, [VA_IMPORT_Q5_1] = 7, [VA_IMPORT_Q8_0] = 8};
    int is_column = strstr(name, "conv") != NULL && t->rank == 1, rank = is_column ? 2 : t->rank, r;
    enum va_import_type type = t->rank == 1 || strstr(name, "positional") != NULL ? VA_IMPORT_F32
                               : t->rank == 3 && s->type != VA_IMPORT_F32         ? VA_IMPORT_F16
                                                                                  : s->type;
    uint32_t dims[3] = {1, 1, 1};
    uint64_t n = 1;

    for (int i = 0; i < t->rank; i++)
        n *= dims[i] = (uint32_t)(t->dim[i] == 0 ? s->vocab : t->dim[i]) / (i == 0 ? (uint32_t)pieces : 1);
    if (is(s->reshaped, name)) {
        dims[0] /= 2;
        dims[rank - 1] *= 2;
    }
    if ((r = put_u32(out, (uint32_t)rank)) < 0 || (r = put_u32(out, (uint32_t)strlen(name))) < 0 || (r = put_u32(out, numbers[type])) < 0)
        return r;
    for (int i = rank - 1; r == 0 && i >= 0; i--)
        r = put_u32(out, dims[i]);
    if (r == 0)
        r = put(out, name, strlen(name));
    return r == 0 ? put_values(out, type, name, n, is(s->not_finite, name)) : r;
}

static int put_ggml_head(const struct synthetic *s, struct va_buffer *out)
{
    static const float filters[80 * 201];
    int n_text = s->vocab >= 51865 ? 50257 : 50256, r = 0;
    const uint32_t head[] = {0x67676d6c, (uint32_t)s->vocab, POSITIONS, D, 1, 1, TEXT_POSITIONS, D, 1, 1, 80, 1, 80, 201};
    char token[16];

    if ((r = put(out, head, sizeof head)) < 0 || (r = put(out, filters, sizeof filters)) < 0 || (r = put_u32(out, 50257)) < 0)
        return r;
    for (int i = 0; r == 0 && i < 50257; i++) {
        int n = i < n_text ? synthetic_token(i, token) : 0;
        r = put_u32(out, (uint32_t)n);
        if (r == 0)
            r = put(out, token, (size_t)n);
    }
    return r;
}

int synthetic_ggml(const struct synthetic *s, struct va_buffer *out)
{
    int r = put_ggml_head(s, out);

    for (int i = 0; r == 0 && i < N_TENSORS; i++) {
        const struct tensor *t = &tensors[s->backwards ? N_TENSORS - 1 - i : i];
        int pieces = t->parts[2] != NULL ? 3 : t->parts[1] != NULL ? 2 : 1;
        for (int j = 0; j < pieces; j++) {
            const char *name = t->parts[j];
            if (name[0] == '-')
                continue;
            for (int copy = 0; r == 0 && copy < (is(s->without, name) ? 0 : is(s->twice, name) ? 2 : 1); copy++)
                r = put_ggml_tensor(s, t, name, pieces, out);
        }
    }
    return r;
}

int synthetic_token(int id, char ret_bytes[16])
{
    if (id < 256) {
        ret_bytes[0] = (char)id;
        return 1;
    }
    if (id == 50256)
        return 0;
    return snprintf(ret_bytes, 16, id == 300 ? " -" : id == 301 ? "♪♪" : id == 302 ? " ♩" : "t%d", id);
}

/* A byte in the printable alphabet of GPT-2, as UTF-8. */
static int put_printable(struct va_buffer *out, uint8_t byte, int json)
{
    unsigned point = byte;
    if (byte <= 32)
        point = 256u + byte;
    else if (byte >= 127 && byte <= 160)
        point = 256u + 33 + byte - 127;
    else if (byte == 173)
        point = 256 + 67;
    if (json && (point == '"' || point == '\\')) {
        const char escaped[] = {'\\', (char)point};
        return put(out, escaped, 2);
    }
    const char utf8[] = {(char)(point < 0x80 ? point : 0xc0 | point >> 6), (char)(0x80 | (point & 63))};
    return put(out, utf8, point < 0x80 ? 1 : 2);
}

int synthetic_vocabulary(int vocab, int json, struct va_buffer *out)
{
    int n_text = vocab >= 51865 ? 50257 : 50256, r = json ? put(out, "[", 1) : 0;
    char token[16];

    for (int i = 0; r == 0 && i < vocab; i++) {
        int n = i < n_text ? synthetic_token(i, token) : snprintf(token, sizeof token, "<|%d|>", i);
        if (json)
            r = put(out, i == 0 ? "\"" : ",\"", i == 0 ? 1 : 2);
        for (int j = 0; r == 0 && j < n; j++)
            r = put_printable(out, (uint8_t)token[j], json);
        if (r == 0)
            r = put(out, json ? "\"" : "\n", 1);
    }
    return r == 0 && json ? put(out, "]", 1) : r;
}

int synthetic_folder(const char *path, const struct synthetic *s)
{
    struct va_buffer model, vocabulary;
    char name[512];
    int r;

    va_buffer_init(&model, SYNTHETIC_MAX_BYTES);
    va_buffer_init(&vocabulary, SYNTHETIC_MAX_BYTES);
    if ((r = va_file_make_folder(path, 0700, NULL)) == 0 && (r = synthetic_ct2(s, &model)) == 0 &&
        (r = synthetic_vocabulary(s->vocab, 0, &vocabulary)) == 0) {
        snprintf(name, sizeof name, "%s/model.bin", path);
        r = va_file_write(name, model.data, model.size, 0600, NULL);
        snprintf(name, sizeof name, "%s/vocabulary.txt", path);
        if (r == 0)
            r = va_file_write(name, vocabulary.data, vocabulary.size, 0600, NULL);
    }
    va_buffer_free(&model);
    va_buffer_free(&vocabulary);
    return r;
}
