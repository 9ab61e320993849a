#include "whisper/decoder.h"

#include <string.h>

#include "base/memory.h"
#include "nn/attention.h"
#include "nn/pack.h"

struct va_decoder {
    const va_model *model;
    va_pool *pool;
    int beams, slots;
    void *cache;   /* [layers][K, V][heads][slots][64] float16 or float32 */
    float *x;      /* [MAX_ROWS][d] residual stream */
    float *norm;   /* [MAX_ROWS][d] */
    float *qkv;    /* [MAX_ROWS][3d] */
    float *attend; /* [MAX_ROWS][d] attention's output */
    float *hidden; /* [MAX_ROWS][4d] */
    float *scores; /* [threads][audio_ctx rounded up] */
    int8_t *q;     /* [2 * MAX_ROWS][4d] */
    float step[2 * VA_DECODER_MAX_ROWS];
    int32_t *panels; /* [n_panels] of the embedding, whose logits are wanted */
    int n_panels;
    float *capture; /* see va_decoder_capture */
    int capture_capacity, captured;

    /* The run under way. */
    const va_encoder *encoder;
    const struct va_decoder_row *rows;
    int m, layer;
    enum va_fineness fineness;
    int is_prompt; /* no row's logits or attention are wanted: only its keys and values */
    const struct va_linear *linear;
    struct va_rows in;
    float *out;
    size_t ldout;
};

static size_t cache_element(const va_decoder *decoder)
{
    return decoder->model->half_cache ? sizeof(uint16_t) : sizeof(float);
}

static size_t score_stride(const va_model *model)
{
    return (size_t)(model->audio_ctx + 15) / 16 * 16;
}

int va_decoder_new(const va_model *model, va_pool *pool, int beams, va_decoder **ret_decoder, va_error *error)
{
    size_t d = (size_t)model->width, rows = VA_DECODER_MAX_ROWS;
    va_decoder *decoder = va_calloc(1, sizeof *decoder);
    if (decoder == NULL)
        return va_fail_memory(error);
    decoder->model = model;
    decoder->pool = pool;
    decoder->beams = beams;
    decoder->slots = model->text_ctx * beams;
    decoder->cache = va_alloc_aligned((size_t)model->dec_layers * 2 * (size_t)decoder->slots * d, cache_element(decoder));
    decoder->x = va_alloc_aligned(rows * d, sizeof(float));
    decoder->norm = va_alloc_aligned(rows * d, sizeof(float));
    decoder->qkv = va_alloc_aligned(rows * 3 * d, sizeof(float));
    decoder->attend = va_alloc_aligned(rows * d, sizeof(float));
    decoder->hidden = va_alloc_aligned(rows * 4 * d, sizeof(float));
    decoder->scores = va_alloc_aligned((size_t)va_pool_threads(pool) * score_stride(model), sizeof(float));
    decoder->q = va_alloc_aligned(2 * rows * 4 * d, sizeof(int8_t));
    decoder->panels = va_alloc((size_t)va_linear_panels(&model->embedding), sizeof *decoder->panels);
    if (decoder->cache == NULL || decoder->x == NULL || decoder->norm == NULL || decoder->qkv == NULL || decoder->attend == NULL ||
        decoder->hidden == NULL || decoder->scores == NULL || decoder->q == NULL || decoder->panels == NULL) {
        va_decoder_free(decoder);
        return va_fail_memory(error);
    }
    *ret_decoder = decoder;
    return 0;
}

void va_decoder_free(va_decoder *decoder)
{
    if (decoder == NULL)
        return;
    va_free(decoder->cache);
    va_free(decoder->x);
    va_free(decoder->norm);
    va_free(decoder->qkv);
    va_free(decoder->attend);
    va_free(decoder->hidden);
    va_free(decoder->scores);
    va_free(decoder->q);
    va_free(decoder->panels);
    va_free(decoder);
}

int va_decoder_beams(const va_decoder *decoder)
{
    return decoder->beams;
}

int va_decoder_logits_size(const va_decoder *decoder)
{
    return VA_PACKED_ROWS(decoder->model->n_vocab);
}

void va_decoder_capture(va_decoder *decoder, float *capture, int capacity)
{
    decoder->capture = capture;
    decoder->capture_capacity = capacity;
    decoder->captured = 0;
}

/* ---- linear layers: cut by columns, as the rows are few and reading the weights is the work ---- */

static void linear_task(void *arg, int task, int thread)
{
    va_decoder *decoder = arg;
    int tasks = va_pool_threads(decoder->pool), panels = va_linear_panels(decoder->linear);
    int first = (int)((int64_t)panels * task / tasks), end = (int)((int64_t)panels * (task + 1) / tasks);

    if (end > first)
        va_linear_forward(decoder->model->kernels, decoder->linear, &decoder->in, decoder->m, first, end - first,
                          decoder->out + (size_t)first * VA_PANEL, decoder->ldout);
}

/* out [m][n] = W . in + b for in [m][k], by tasks that each do a part of the columns. */
static void run_linear_by(va_decoder *decoder, va_task_fn task, const struct va_linear *w, const float *in, float *out, size_t ldout)
{
    decoder->linear = w;
    decoder->in = va_rows_prepare(decoder->model->kernels, w, in, (size_t)w->k, decoder->m, decoder->fineness, decoder->q, decoder->step);
    decoder->out = out;
    decoder->ldout = ldout;
    va_pool_run(decoder->pool, va_pool_threads(decoder->pool), task, decoder);
}

static void run_linear(va_decoder *decoder, const struct va_linear *w, const float *in, float *out, size_t ldout)
{
    run_linear_by(decoder, linear_task, w, in, out, ldout);
}

static void norm_rows(va_decoder *decoder, const struct va_norm *norm)
{
    size_t d = (size_t)decoder->model->width;
    for (int i = 0; i < decoder->m; i++)
        decoder->model->kernels->layer_norm(decoder->x + (size_t)i * d, norm->gamma, norm->beta, (int)d, decoder->norm + (size_t)i * d);
}

static void add_linear(va_decoder *decoder, const struct va_linear *w, const float *in)
{
    size_t d = (size_t)decoder->model->width;
    run_linear(decoder, w, in, decoder->norm, d);
    decoder->model->kernels->add(decoder->x, decoder->norm, decoder->m * (int)d);
}

/* ---- attention: one task a (row, head) ---- */

static char *cache_at(const va_decoder *decoder, int layer, int is_v, int head)
{
    size_t block = (size_t)decoder->slots * VA_HEAD * cache_element(decoder);
    return (char *)decoder->cache + (((size_t)layer * 2 + (size_t)is_v) * (size_t)decoder->model->heads + (size_t)head) * block;
}

static void store_row(const va_decoder *decoder, const float *row, char *cache, int slot)
{
    char *out = cache + (size_t)slot * VA_HEAD * cache_element(decoder);
    if (decoder->model->half_cache)
        decoder->model->kernels->to_f16(row, VA_HEAD, (uint16_t *)out);
    else
        memcpy(out, row, VA_HEAD * sizeof(float));
}

/* Nobody looks at what comes out of the last layer for a row of a prompt. */
static int is_last_of_prompt(const va_decoder *decoder)
{
    return decoder->is_prompt && decoder->layer == decoder->model->dec_layers - 1;
}

/* One head: the rows' new keys and values go to the cache, then each row attends to its hypothesis. */
static void self_attention_task(void *arg, int head, int thread)
{
    va_decoder *decoder = arg;
    size_t d = (size_t)decoder->model->width;
    char *k = cache_at(decoder, decoder->layer, 0, head), *v = cache_at(decoder, decoder->layer, 1, head);

    for (int i = 0; i < decoder->m; i++) {
        const float *qkv = decoder->qkv + (size_t)i * 3 * d + (size_t)head * VA_HEAD;
        int slot = decoder->rows[i].slots[decoder->rows[i].position];
        store_row(decoder, qkv + d, k, slot);
        store_row(decoder, qkv + 2 * d, v, slot);
    }
    for (int i = 0; i < decoder->m && !is_last_of_prompt(decoder); i++) {
        struct va_attention_cache cache = {
            .k = k, .v = v, .half = decoder->model->half_cache, .index = decoder->rows[i].slots, .n = decoder->rows[i].position + 1};
        va_attention_query(decoder->model->kernels, decoder->qkv + (size_t)i * 3 * d + (size_t)head * VA_HEAD, &cache,
                           decoder->scores + (size_t)thread * score_stride(decoder->model), NULL,
                           decoder->attend + (size_t)i * d + (size_t)head * VA_HEAD);
    }
}

static float *capture_at(const va_decoder *decoder, int head, int row)
{
    const va_model *model = decoder->model;
    if (decoder->capture == NULL || decoder->captured + row >= decoder->capture_capacity)
        return NULL;
    for (int i = 0; i < model->n_alignment; i++)
        if (model->alignment[2 * i] == decoder->layer && model->alignment[2 * i + 1] == head)
            return decoder->capture + ((size_t)i * (size_t)decoder->capture_capacity + (size_t)(decoder->captured + row)) *
                                          (size_t)va_encoder_frames(decoder->encoder);
    return NULL;
}

static void cross_attention_task(void *arg, int head, int thread)
{
    va_decoder *decoder = arg;
    size_t d = (size_t)decoder->model->width;
    struct va_attention_cache cache = va_encoder_cross(decoder->encoder, decoder->layer, head);
    for (int i = 0; i < decoder->m; i++)
        va_attention_query(decoder->model->kernels, decoder->qkv + (size_t)i * d + (size_t)head * VA_HEAD, &cache,
                           decoder->scores + (size_t)thread * score_stride(decoder->model), capture_at(decoder, head, i),
                           decoder->attend + (size_t)i * d + (size_t)head * VA_HEAD);
}

static void run_layer(va_decoder *decoder, const struct va_decoder_layer *layer)
{
    const va_model *model = decoder->model;
    size_t d = (size_t)model->width;

    norm_rows(decoder, &layer->attn_norm);
    run_linear(decoder, &layer->qkv, decoder->norm, decoder->qkv, 3 * d);
    va_pool_run(decoder->pool, model->heads, self_attention_task, decoder);
    if (is_last_of_prompt(decoder))
        return;
    add_linear(decoder, &layer->out, decoder->attend);

    norm_rows(decoder, &layer->cross_norm);
    run_linear(decoder, &layer->cross_q, decoder->norm, decoder->qkv, d);
    va_pool_run(decoder->pool, model->heads, cross_attention_task, decoder);
    add_linear(decoder, &layer->cross_out, decoder->attend);

    norm_rows(decoder, &layer->mlp_norm);
    run_linear(decoder, &layer->mlp1, decoder->norm, decoder->hidden, 4 * d);
    model->kernels->gelu(decoder->hidden, decoder->m * 4 * (int)d);
    add_linear(decoder, &layer->mlp2, decoder->hidden);
}

/* The rows that want logits move to the front of x; returns their number. */
static int keep_wanted(va_decoder *decoder)
{
    size_t d = (size_t)decoder->model->width;
    int kept = 0;
    for (int i = 0; i < decoder->m; i++) {
        if (!decoder->rows[i].logits)
            continue;
        if (kept != i)
            memcpy(decoder->x + (size_t)kept * d, decoder->x + (size_t)i * d, d * sizeof(float));
        kept++;
    }
    return kept;
}

/* ---- logits ---- */

static void choose_panels(va_decoder *decoder, const struct va_token_set *tokens)
{
    int all = va_linear_panels(&decoder->model->embedding);

    decoder->n_panels = 0;
    for (int p = 0; p < all; p++)
        if (tokens == NULL || va_token_set_panel(tokens, p) != 0)
            decoder->panels[decoder->n_panels++] = p;
}

/* As linear_task for the chosen panels: those that follow each other are done at once. */
static void logits_task(void *arg, int task, int thread)
{
    va_decoder *decoder = arg;
    int tasks = va_pool_threads(decoder->pool);
    int at = (int)((int64_t)decoder->n_panels * task / tasks), end = (int)((int64_t)decoder->n_panels * (task + 1) / tasks);

    while (at < end) {
        int first = decoder->panels[at], n = 1;
        while (at + n < end && decoder->panels[at + n] == first + n)
            n++;
        va_linear_forward(decoder->model->kernels, decoder->linear, &decoder->in, decoder->m, first, n,
                          decoder->out + (size_t)first * VA_PANEL, decoder->ldout);
        at += n;
    }
}

void va_decoder_run(va_decoder *decoder, const va_encoder *encoder, const struct va_decoder_row *rows, int m,
                    const struct va_token_set *tokens, float *ret_logits)
{
    const va_model *model = decoder->model;
    size_t d = (size_t)model->width;

    decoder->encoder = encoder;
    decoder->rows = rows;
    decoder->m = m;
    decoder->is_prompt = decoder->capture == NULL;
    for (int i = 0; i < m; i++) {
        decoder->is_prompt &= !rows[i].logits;
        float *x = decoder->x + (size_t)i * d;
        va_linear_row(&model->embedding, rows[i].token, x);
        model->kernels->add(x, model->decoder_positions + (size_t)rows[i].position * d, (int)d);
    }
    /* What is said before weighs little on what follows: rougher inputs do for a prompt. */
    decoder->fineness = decoder->is_prompt ? VA_COARSE : VA_FINE;
    for (decoder->layer = 0; decoder->layer < model->dec_layers; decoder->layer++)
        run_layer(decoder, &model->decoder[decoder->layer]);
    decoder->captured += m;
    decoder->m = keep_wanted(decoder);
    choose_panels(decoder, tokens);
    if (decoder->m > 0 && decoder->n_panels > 0) {
        norm_rows(decoder, &model->decoder_norm);
        run_linear_by(decoder, logits_task, &model->embedding, decoder->norm, ret_logits, (size_t)va_decoder_logits_size(decoder));
    }
}
