#include "whisper/import.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "nn/container.h"
#include "nn/pack.h"
#include "nn/sha256.h"
#include "whisper/import_balance.h"
#include "whisper/import_source.h"
#include "whisper/silence.h"

struct importer {
    struct va_import_source *source;
    va_container_writer *writer;
    enum va_precision precision;
    va_import_progress_fn progress;
    void *user;
    double total, done;   /* weights */
    const float *balance; /* [k] of the norm and the linear layer being added, see import_balance.h; or NULL */
    va_error *error;
};

enum {
    ITEM_SIZE = 24 /* "cross_norm.gamma" */
};

enum flags {
    NO_BIAS = 1,
    CONV = 2 /* [n][k / 3][3] -> [n][3][k / 3], and always float */
};

static int report(struct importer *im, uint64_t weights)
{
    im->done += (double)weights;
    if (im->progress != NULL && im->progress(im->user, im->done / im->total) != 0)
        return va_fail(im->error, VA_ECANCELLED, "cancelled");
    return 0;
}

static void tensor_name(const struct va_import_key *key, const char *suffix, char ret_name[VA_CONTAINER_NAME_SIZE])
{
    const char *part = key->decoder ? "decoder" : "encoder";
    if (key->layer < 0)
        snprintf(ret_name, VA_CONTAINER_NAME_SIZE, "%s.%s%s", part, key->item, suffix);
    else
        snprintf(ret_name, VA_CONTAINER_NAME_SIZE, "%s.%d.%s%s", part, key->layer, key->item, suffix);
}

static int not_finite(struct importer *im, const char *name)
{
    return va_fail(im->error, VA_EFORMAT, "%s: %s holds a number that is not finite", im->source->path, name);
}

/* A float tensor [n] or [n, k], as it is; n is filled with zeros up to rows. */
static int add_plain(struct importer *im, const struct va_import_key *key, int rank, uint64_t n, uint64_t k, uint64_t rows)
{
    const uint64_t dims[2] = {n, k}, out_dims[2] = {rows, k};
    struct va_import_view view;
    char name[VA_CONTAINER_NAME_SIZE];
    int r;

    tensor_name(key, "", name);
    if ((r = va_import_find(im->source, key, rank, dims, &view, im->error)) < 0)
        return r;
    float *values = va_calloc(rows * k, sizeof *values);
    if (values == NULL)
        return va_fail_memory(im->error);
    if (va_import_read_f32(&view, 0, n, values) < 0)
        r = not_finite(im, name);
    for (uint64_t i = 0; r == 0 && im->balance != NULL && i < n; i++)
        values[i] /= im->balance[i];
    if (r == 0)
        r = va_container_writer_add(im->writer, name, VA_TENSOR_F32, rank, out_dims, values, im->error);
    va_free(values);
    return r;
}

struct packed {
    void *data;
    float *step;  /* [rows], int8 only */
    int32_t *sum; /* [rows], int8 only */
};

/* Packs one panel (n rows, at most 16) from row first on. scratch: [2 * 16 * k] floats. */
static int pack_panel(const struct importer *im, const struct va_import_view *view, int to_s8, int flags, uint64_t first, int n, int k,
                      float *scratch, struct packed *packed)
{
    size_t at = (size_t)first * (size_t)k;

    if (to_s8 && va_import_is_s8(view)) {
        if (va_import_read_s8(view, first, (uint64_t)n, (int8_t *)scratch, packed->step + first) < 0)
            return -1;
        va_pack_s8_quantized((int8_t *)scratch, n, k, (int8_t *)packed->data + at, packed->sum + first);
        return 0;
    }
    if (va_import_read_f32(view, first, (uint64_t)n, scratch) < 0)
        return -1;
    if (flags & CONV) {
        float *ordered = scratch + (size_t)VA_PANEL * (size_t)k;
        for (int row = 0; row < n; row++)
            for (int in = 0; in < k / 3; in++)
                for (int tap = 0; tap < 3; tap++)
                    ordered[row * k + tap * (k / 3) + in] = scratch[row * k + in * 3 + tap];
        scratch = ordered;
    }
    for (int i = 0; im->balance != NULL && i < n * k; i++)
        scratch[i] *= im->balance[i % k];
    if (to_s8)
        va_pack_s8(scratch, n, k, (int8_t *)packed->data + at, packed->step + first, packed->sum + first);
    else
        va_pack_f32(scratch, n, k, (float *)packed->data + at);
    return 0;
}

static int write_packed(struct importer *im, const char *item, const struct va_import_key *key, int to_s8, uint64_t rows, uint64_t k,
                        const struct packed *packed)
{
    const uint64_t dims[2] = {rows, k};
    struct va_import_key base = {key->decoder, key->layer, item};
    char name[VA_CONTAINER_NAME_SIZE];
    int r;

    tensor_name(&base, ".weight", name);
    r = va_container_writer_add(im->writer, name, to_s8 ? VA_TENSOR_S8 : VA_TENSOR_F32, 2, dims, packed->data, im->error);
    if (r < 0 || !to_s8)
        return r;
    tensor_name(&base, ".step", name);
    if ((r = va_container_writer_add(im->writer, name, VA_TENSOR_F32, 1, dims, packed->step, im->error)) < 0)
        return r;
    tensor_name(&base, ".sum", name);
    return va_container_writer_add(im->writer, name, VA_TENSOR_S32, 1, dims, packed->sum, im->error);
}

/* A matrix [n, k] with its bias, in panels. */
static int add_linear(struct importer *im, int decoder, int layer, const char *item, uint64_t n, uint64_t k, int flags)
{
    uint64_t rows = (n + VA_PANEL - 1) / VA_PANEL * VA_PANEL;
    int to_s8 = im->precision == VA_PRECISION_S8 && !(flags & CONV), r;
    const uint64_t dims[3] = {n, flags & CONV ? k / 3 : k, 3};
    char weight[ITEM_SIZE], bias[ITEM_SIZE], name[VA_CONTAINER_NAME_SIZE];
    snprintf(weight, sizeof weight, "%s.weight", item);
    snprintf(bias, sizeof bias, "%s.bias", item);
    const struct va_import_key key = {decoder, layer, weight}, bias_key = {decoder, layer, bias};
    struct va_import_view view;

    if ((r = va_import_find(im->source, &key, flags & CONV ? 3 : 2, dims, &view, im->error)) < 0)
        return r;
    float *scratch = va_alloc(2 * VA_PANEL * k, sizeof *scratch);
    struct packed packed = {va_alloc(rows * k, to_s8 ? 1 : sizeof(float)), va_calloc(rows, sizeof(float)),
                            va_calloc(rows, sizeof(int32_t))};
    if (scratch == NULL || packed.data == NULL || packed.step == NULL || packed.sum == NULL) {
        r = va_fail_memory(im->error);
        goto fail;
    }
    for (uint64_t first = 0; first < n; first += VA_PANEL) {
        int panel_rows = n - first < VA_PANEL ? (int)(n - first) : VA_PANEL;
        if (pack_panel(im, &view, to_s8, flags, first, panel_rows, (int)k, scratch, &packed) < 0) {
            tensor_name(&key, "", name);
            r = not_finite(im, name);
            goto fail;
        }
    }
    im->balance = NULL; /* the bias stays as it is */
    r = write_packed(im, item, &key, to_s8, rows, k, &packed);
    if (r == 0 && !(flags & NO_BIAS))
        r = add_plain(im, &bias_key, 1, n, 1, rows);
    if (r == 0)
        r = report(im, n * k);
fail:
    va_free(scratch);
    va_free(packed.data);
    va_free(packed.step);
    va_free(packed.sum);
    return r;
}

static int add_norm(struct importer *im, int decoder, int layer, const char *item, uint64_t d)
{
    char gamma[ITEM_SIZE], beta[ITEM_SIZE];
    snprintf(gamma, sizeof gamma, "%s.gamma", item);
    snprintf(beta, sizeof beta, "%s.beta", item);
    int r = add_plain(im, &(struct va_import_key){decoder, layer, gamma}, 1, d, 1, d);
    return r < 0 ? r : add_plain(im, &(struct va_import_key){decoder, layer, beta}, 1, d, 1, d);
}

/* A norm and the linear layer [n, d] that alone reads its output, balanced against each other for int8. */
static int add_norm_and_linear(struct importer *im, int decoder, int layer, const char *norm, const char *linear, uint64_t n, uint64_t d)
{
    float *balance = va_alloc(d, sizeof *balance);
    int r = 0;

    if (balance == NULL)
        return va_fail_memory(im->error);
    if (im->precision == VA_PRECISION_S8) {
        r = va_import_balance(im->source, decoder, layer, norm, linear, n, d, balance, im->error);
        im->balance = balance;
    }
    if (r == 0)
        r = add_norm(im, decoder, layer, norm, d);
    if (r == 0)
        r = add_linear(im, decoder, layer, linear, n, d, 0);
    im->balance = NULL;
    va_free(balance);
    return r;
}

static int add_layer(struct importer *im, int decoder, int layer)
{
    uint64_t d = (uint64_t)im->source->hparams[VA_HPARAM_WIDTH];
    int r;

    if ((r = add_norm_and_linear(im, decoder, layer, "attn_norm", "qkv", 3 * d, d)) < 0 ||
        (r = add_linear(im, decoder, layer, "out", d, d, 0)) < 0)
        return r;
    if (decoder && ((r = add_norm_and_linear(im, decoder, layer, "cross_norm", "cross_q", d, d)) < 0 ||
                    (r = add_linear(im, decoder, layer, "cross_kv", 2 * d, d, 0)) < 0 ||
                    (r = add_linear(im, decoder, layer, "cross_out", d, d, 0)) < 0))
        return r;
    if ((r = add_norm_and_linear(im, decoder, layer, "mlp_norm", "mlp1", 4 * d, d)) < 0)
        return r;
    return add_linear(im, decoder, layer, "mlp2", d, 4 * d, 0);
}

static int add_network(struct importer *im)
{
    const int32_t *h = im->source->hparams;
    uint64_t d = (uint64_t)h[VA_HPARAM_WIDTH], mels = (uint64_t)h[VA_HPARAM_MELS];
    int r;

    if ((r = add_linear(im, 0, -1, "conv1", d, 3 * mels, CONV)) < 0 || (r = add_linear(im, 0, -1, "conv2", d, 3 * d, CONV)) < 0 ||
        (r = add_plain(im, &(struct va_import_key){0, -1, "positions"}, 2, (uint64_t)h[VA_HPARAM_AUDIO_CTX], d,
                       (uint64_t)h[VA_HPARAM_AUDIO_CTX])) < 0)
        return r;
    for (int layer = 0; layer < h[VA_HPARAM_ENC_LAYERS]; layer++)
        if ((r = add_layer(im, 0, layer)) < 0)
            return r;
    if ((r = add_norm(im, 0, -1, "norm", d)) < 0 ||
        (r = add_linear(im, 1, -1, "embedding", (uint64_t)h[VA_HPARAM_VOCAB], d, NO_BIAS)) < 0 ||
        (r = add_plain(im, &(struct va_import_key){1, -1, "positions"}, 2, (uint64_t)h[VA_HPARAM_TEXT_CTX], d,
                       (uint64_t)h[VA_HPARAM_TEXT_CTX])) < 0)
        return r;
    for (int layer = 0; layer < h[VA_HPARAM_DEC_LAYERS]; layer++)
        if ((r = add_layer(im, 1, layer)) < 0)
            return r;
    return add_norm(im, 1, -1, "norm", d);
}

static int add_list(struct importer *im, const char *name, const struct va_import_list *list, int rank)
{
    const uint64_t dims[2] = {list->n / (uint64_t)rank, 2};
    return va_container_writer_add(im->writer, name, VA_TENSOR_S32, rank, dims, list->values, im->error);
}

static int add_tables(struct importer *im)
{
    struct va_import_source *source = im->source;
    const struct va_import_list hparams = {source->hparams, VA_WHISPER_HPARAMS}, ends = {source->vocab_ends, (size_t)source->n_text};
    const uint64_t bytes = source->vocab_bytes.size;
    int r;

    if ((r = add_list(im, "hparams", &hparams, 1)) < 0 ||
        (r = va_container_writer_add(im->writer, "vocab.bytes", VA_TENSOR_U8, 1, &bytes, source->vocab_bytes.data, im->error)) < 0 ||
        (r = add_list(im, "vocab.ends", &ends, 1)) < 0 || (r = add_list(im, "tokens.suppress", &source->suppress, 1)) < 0 ||
        (r = add_list(im, "tokens.suppress_begin", &source->suppress_begin, 1)) < 0)
        return r;
    return add_list(im, "alignment_heads", &source->heads, 2);
}

static int open_source(const char *path, struct va_import_source *source, va_error *error)
{
    struct stat info;

    if (stat(path, &info) < 0)
        return va_fail_errno(error, "%s", path);
    return S_ISDIR(info.st_mode) ? va_import_ct2_open(path, source, error) : va_import_ggml_open(path, source, error);
}

int va_whisper_import(const char *source_path, enum va_precision precision, const char *out_path, va_import_progress_fn progress,
                      void *user, va_error *error)
{
    struct va_import_source source = {0};
    struct importer im = {.source = &source, .precision = precision, .progress = progress, .user = user, .error = error};
    uint8_t digest[VA_SHA256_SIZE];
    char *unfinished = va_asprintf("%s.unfinished", out_path);
    int r = unfinished == NULL ? va_fail_memory(error) : 0;

    if (r < 0 || (r = open_source(source_path, &source, error)) < 0)
        goto fail;
    if ((r = va_import_complete_lists(&source, error)) < 0)
        goto fail;
    if ((r = va_sha256_of(source.map.data, source.map.size, digest, error)) < 0)
        goto fail;
    const int32_t *h = source.hparams;
    double d = h[VA_HPARAM_WIDTH];
    im.total =
        d * (3.0 * h[VA_HPARAM_MELS] + 3 * d + h[VA_HPARAM_VOCAB] + d * (12.0 * h[VA_HPARAM_ENC_LAYERS] + 16.0 * h[VA_HPARAM_DEC_LAYERS]));
    source.hparams[VA_HPARAM_PRECISION] = (int32_t)precision;
    if ((r = va_container_writer_new(unfinished, VA_CONTAINER_WHISPER, digest, source.map.size, &im.writer, error)) < 0)
        goto fail;
    if ((r = add_tables(&im)) < 0)
        goto fail;
    if ((r = add_network(&im)) < 0)
        goto fail;
    if ((r = va_container_writer_finish(im.writer, error)) < 0)
        goto fail;
    va_container_writer_free(im.writer);
    im.writer = NULL;
    r = va_silence_complete(unfinished, out_path, error);
    unlink(unfinished);
fail:
    va_container_writer_free(im.writer);
    va_free(unfinished);
    va_import_source_free(&source);
    return r;
}
