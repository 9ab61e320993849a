#include "whisper/encoder.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "dsp/log_mel.h"
#include "whisper/silence.h"

/* Rows done at a time by one thread: small enough that a block's hidden layer stays in the second-level cache, large enough that
 * the weights read for it are used often. A multiple of the kernels' tile of 6. */
#define BLOCK_ROWS 96
#define HEAD_PANELS (VA_HEAD / VA_PANEL)

/* Scratch of one thread. */
struct scratch {
    float *norm;   /* [BLOCK_ROWS][d] */
    float *hidden; /* [BLOCK_ROWS][4d] */
    int8_t *q;     /* [BLOCK_ROWS][4d] */
    float step[BLOCK_ROWS];
    float head[BLOCK_ROWS * VA_HEAD];
    struct va_attention_scratch attention;
};

struct va_encoder {
    const va_model *model;
    va_pool *pool;
    int frames;                 /* T of the last run */
    int tail_first, n_tail;     /* rows of the silence cache that follow; 0 of them: none */
    float tail_bias;            /* ln of the frames that one of them stands for */
    int block_rows;             /* of this run */
    int layer;                  /* the phase's layer */
    void *room;                 /* of most of the others: see lay_out */
    float *padded_mel;          /* [1 + 2T + 1][80]: a zero frame at each end */
    float *conv;                /* [1 + 2T + 1][d] conv1's output with a zero frame at each end */
    float *x;                   /* [T][d] residual stream, and after the run the encoder's rows */
    float *q;                   /* [T][d] queries, replaced by the attention's output */
    float *k, *v;               /* [heads][T][64] */
    float *keys;                /* [heads][ceil(T / 16)][64][16] the keys packed, where attention is in float32 */
    struct va_attention_s8 *s8; /* [heads] keys and values packed, where it is in int8 */
    void *cross;                /* [layers][K, V][heads][T][64] float16 or float32 */
    struct scratch *scratch;    /* [threads] */
    va_encoder_watch_fn watch;
    void *watch_user;
};

static size_t key_panels(int frames)
{
    return (size_t)(frames + VA_PANEL - 1) / VA_PANEL;
}

static size_t cross_element(const va_encoder *encoder)
{
    return encoder->model->half_cache ? sizeof(uint16_t) : sizeof(float);
}

/* 1: attention is in int8, as the linear layers are. Without an instruction for it, float32 takes as long and is exact. */
static int is_s8(const va_model *model)
{
    return model->encoder[0].qkv.s8 != NULL && model->kernels->dots_s8;
}

/* What a run of T frames works in, in one place that each phase uses anew: the frames lie where the queries and keys will be that they
 * lead to, and the cross-attention's keys and values, which come last, where everything else was. */
static void lay_out(va_encoder *encoder, int frames)
{
    size_t d = (size_t)encoder->model->width, t = (size_t)frames;

    encoder->frames = frames;
    encoder->conv = encoder->room;
    encoder->q = encoder->conv + (2 * t + 2) * d;
    encoder->padded_mel = encoder->q;
    encoder->k = encoder->q + t * d;
    encoder->v = encoder->k + t * d;
    encoder->keys = encoder->v + t * d;
    encoder->cross = encoder->room;
}

static size_t room_bytes(const va_encoder *encoder)
{
    const va_model *model = encoder->model;
    size_t t = (size_t)model->audio_ctx, d = (size_t)model->width;
    size_t keys = is_s8(model) ? 0 : key_panels(model->audio_ctx) * VA_PANEL;
    size_t layers = (5 * t + 2 + keys) * d * sizeof(float), cross = (size_t)model->dec_layers * 2 * t * d * cross_element(encoder);
    return layers > cross ? layers : cross;
}

int va_encoder_new(const va_model *model, va_pool *pool, va_encoder **ret_encoder, va_error *error)
{
    size_t d = (size_t)model->width;
    int threads = va_pool_threads(pool);
    va_encoder *encoder = va_calloc(1, sizeof *encoder);
    if (encoder == NULL)
        return va_fail_memory(error);
    encoder->model = model;
    encoder->pool = pool;
    encoder->x = va_alloc_aligned((size_t)model->audio_ctx * d, sizeof(float));
    encoder->room = va_alloc_aligned(room_bytes(encoder), 1);
    encoder->scratch = va_alloc_aligned((size_t)threads, sizeof *encoder->scratch);
    if (encoder->scratch != NULL)
        memset(encoder->scratch, 0, (size_t)threads * sizeof *encoder->scratch);
    if (encoder->x == NULL || encoder->room == NULL || encoder->scratch == NULL)
        goto fail;
    if (is_s8(model) && va_attention_s8_new(model->heads, model->audio_ctx, &encoder->s8) < 0)
        goto fail;
    for (int i = 0; i < threads; i++) {
        struct scratch *scratch = &encoder->scratch[i];
        scratch->norm = va_alloc_aligned(BLOCK_ROWS * d, sizeof(float));
        scratch->hidden = va_alloc_aligned(BLOCK_ROWS * 4 * d, sizeof(float));
        scratch->q = va_alloc_aligned(BLOCK_ROWS * 4 * d, sizeof(int8_t));
        if (scratch->norm == NULL || scratch->hidden == NULL || scratch->q == NULL)
            goto fail;
    }
    *ret_encoder = encoder;
    return 0;

fail:
    va_encoder_free(encoder);
    return va_fail_memory(error);
}

void va_encoder_free(va_encoder *encoder)
{
    if (encoder == NULL)
        return;
    for (int i = 0; encoder->scratch != NULL && i < va_pool_threads(encoder->pool); i++) {
        va_free(encoder->scratch[i].norm);
        va_free(encoder->scratch[i].hidden);
        va_free(encoder->scratch[i].q);
    }
    va_free(encoder->scratch);
    va_free(encoder->x);
    va_free(encoder->room);
    va_attention_s8_free(encoder->s8);
    va_free(encoder);
}

/* One task's rows: first .. first + *ret_rows - 1 of `total`. */
static int task_rows(int block, int task, int total, int *ret_rows)
{
    int first = task * block;
    *ret_rows = total - first < block ? total - first : block;
    return first;
}

static int n_blocks(int total, int block)
{
    return (total + block - 1) / block;
}

/* conv1 over frames of `mel`: a row of the product is three consecutive frames, so no copy is needed. Its first row is the second
 * of `conv`, after the zero frame. */
static void conv1_task(void *arg, int task, int thread)
{
    va_encoder *encoder = arg;
    const va_model *model = encoder->model;
    size_t d = (size_t)model->width;
    int rows, first = task_rows(2 * encoder->block_rows, task, 2 * encoder->frames, &rows);
    struct va_rows in = {.f = encoder->padded_mel + (size_t)first * VA_MEL_BANDS, .ldf = VA_MEL_BANDS};
    float *out = encoder->conv + (size_t)(first + 1) * d;

    va_linear_forward(model->kernels, &model->conv1, &in, rows, 0, va_linear_panels(&model->conv1), out, d);
    model->kernels->gelu(out, rows * (int)d);
}

/* conv2 has stride 2: row t starts at frame 2t - 1, which is frame 2t of the padded buffer. */
static void conv2_block(va_encoder *encoder, int first, int rows)
{
    const va_model *model = encoder->model;
    size_t d = (size_t)model->width;
    struct va_rows in = {.f = encoder->conv + (size_t)(2 * first) * d, .ldf = 2 * d};
    float *out = encoder->x + (size_t)first * d;

    va_linear_forward(model->kernels, &model->conv2, &in, rows, 0, va_linear_panels(&model->conv2), out, d);
    model->kernels->gelu(out, rows * (int)d);
    model->kernels->add(out, model->encoder_positions + (size_t)first * d, rows * (int)d);
}

static void norm_rows(const va_model *model, const struct va_norm *norm, const float *x, int rows, float *out)
{
    size_t d = (size_t)model->width;
    for (int i = 0; i < rows; i++)
        model->kernels->layer_norm(x + (size_t)i * d, norm->gamma, norm->beta, (int)d, out + (size_t)i * d);
}

/* x += W . in (+ bias), by way of the block's scratch. */
static void add_linear(const va_model *model, const struct va_linear *w, const float *in, int rows, float *x, struct scratch *scratch)
{
    size_t d = (size_t)model->width;
    struct va_rows prepared = va_rows_prepare(model->kernels, w, in, (size_t)w->k, rows, VA_COARSE, scratch->q, scratch->step);
    va_linear_forward(model->kernels, w, &prepared, rows, 0, va_linear_panels(w), scratch->norm, d);
    model->kernels->add(x, scratch->norm, rows * (int)d);
}

/* Norm, then queries, keys and values of a block. */
static void project_qkv(va_encoder *encoder, const struct va_encoder_layer *layer, int first, int rows, struct scratch *scratch)
{
    const va_model *model = encoder->model;
    const struct va_kernels *kernels = model->kernels;
    size_t d = (size_t)model->width;
    int panels = model->width / VA_PANEL;

    norm_rows(model, &layer->attn_norm, encoder->x + (size_t)first * d, rows, scratch->norm);
    struct va_rows in = va_rows_prepare(kernels, &layer->qkv, scratch->norm, d, rows, VA_COARSE, scratch->q, scratch->step);
    va_linear_forward(kernels, &layer->qkv, &in, rows, 0, panels, encoder->q + (size_t)first * d, d);
    for (int h = 0; h < model->heads; h++) {
        size_t at = ((size_t)h * (size_t)encoder->frames + (size_t)first) * VA_HEAD;
        va_linear_forward(kernels, &layer->qkv, &in, rows, panels + h * HEAD_PANELS, HEAD_PANELS, encoder->k + at, VA_HEAD);
        va_linear_forward(kernels, &layer->qkv, &in, rows, 2 * panels + h * HEAD_PANELS, HEAD_PANELS, encoder->v + at, VA_HEAD);
    }
}

/* One block of a head's keys and values, into the layout that attention reads. */
static void pack_task(void *arg, int task, int thread)
{
    va_encoder *encoder = arg;
    const va_model *model = encoder->model;
    size_t head = (size_t)(task % model->heads);
    int rows, first = task_rows(VA_ATTENTION_KEYS, task / model->heads, encoder->frames, &rows);
    size_t at = (head * (size_t)encoder->frames + (size_t)first) * VA_HEAD;

    if (is_s8(model))
        va_attention_pack_s8(model->kernels, encoder->k + at, encoder->v + at, first, rows, &encoder->s8[head]);
    else
        va_attention_pack_keys(encoder->k + at, rows, first, encoder->keys + head * key_panels(encoder->frames) * VA_KEY_PANEL_SIZE);
}

/* Everything between two attentions for one block: output projection and MLP of layer - 1 (or the second convolution), then the
 * projections of `layer` (or the final norm). */
static void rows_task(void *arg, int task, int thread)
{
    va_encoder *encoder = arg;
    const va_model *model = encoder->model;
    struct scratch *scratch = &encoder->scratch[thread];
    size_t d = (size_t)model->width;
    int rows, first = task_rows(encoder->block_rows, task, encoder->frames, &rows);
    float *x = encoder->x + (size_t)first * d;

    if (encoder->layer == 0) {
        conv2_block(encoder, first, rows);
    } else {
        const struct va_encoder_layer *done = &model->encoder[encoder->layer - 1];
        add_linear(model, &done->out, encoder->q + (size_t)first * d, rows, x, scratch);
        norm_rows(model, &done->mlp_norm, x, rows, scratch->norm);
        struct va_rows in = va_rows_prepare(model->kernels, &done->mlp1, scratch->norm, d, rows, VA_COARSE, scratch->q, scratch->step);
        va_linear_forward(model->kernels, &done->mlp1, &in, rows, 0, va_linear_panels(&done->mlp1), scratch->hidden, 4 * d);
        model->kernels->gelu(scratch->hidden, rows * 4 * (int)d);
        add_linear(model, &done->mlp2, scratch->hidden, rows, x, scratch);
    }
    if (encoder->layer < model->enc_layers)
        project_qkv(encoder, &model->encoder[encoder->layer], first, rows, scratch);
    else
        norm_rows(model, &model->encoder_norm, x, rows, x);
}

static void attention_task(void *arg, int task, int thread)
{
    va_encoder *encoder = arg;
    const va_model *model = encoder->model;
    const struct va_silence *silence = &model->silence;
    size_t d = (size_t)model->width, frames = (size_t)encoder->frames, head = (size_t)(task % model->heads);
    int rows, first = task_rows(encoder->block_rows, task / model->heads, encoder->frames, &rows);
    struct va_attention_keys runs[2] = {{.n = encoder->frames}};

    if (is_s8(model)) {
        runs[0].s8 = &encoder->s8[head];
    } else {
        runs[0].k = encoder->keys + head * key_panels(encoder->frames) * VA_KEY_PANEL_SIZE;
        runs[0].v = encoder->v + head * frames * VA_HEAD;
    }

    if (encoder->n_tail > 0)
        runs[1] = (struct va_attention_keys){.k = silence->encoder[encoder->layer].k + head * key_panels(silence->rows) * VA_KEY_PANEL_SIZE,
                                             .v = silence->encoder[encoder->layer].v + head * (size_t)silence->rows * VA_HEAD,
                                             .first = encoder->tail_first,
                                             .n = encoder->n_tail,
                                             .bias = encoder->tail_bias};
    va_attention_heads(model->kernels, encoder->q + (size_t)first * d + head * VA_HEAD, d, rows, runs, encoder->n_tail > 0 ? 2 : 1,
                       &encoder->scratch[thread].attention);
}

static char *cross_at(const va_encoder *encoder, int layer, int is_v, int head)
{
    const va_model *model = encoder->model;
    size_t block = (size_t)encoder->frames * VA_HEAD * cross_element(encoder);
    return (char *)encoder->cross + (((size_t)layer * 2 + (size_t)is_v) * (size_t)model->heads + (size_t)head) * block;
}

/* Cross-attention keys and values of one row block, all decoder layers. */
static void cross_task(void *arg, int task, int thread)
{
    va_encoder *encoder = arg;
    const va_model *model = encoder->model;
    struct scratch *scratch = &encoder->scratch[thread];
    size_t d = (size_t)model->width, element = cross_element(encoder);
    int rows, first = task_rows(encoder->block_rows, task, encoder->frames, &rows);
    struct va_rows in = va_rows_prepare(model->kernels, &model->decoder[0].cross_kv, encoder->x + (size_t)first * d, d, rows, VA_COARSE,
                                        scratch->q, scratch->step);

    for (int layer = 0; layer < model->dec_layers; layer++) {
        for (int part = 0; part < 2 * model->heads; part++) {
            va_linear_forward(model->kernels, &model->decoder[layer].cross_kv, &in, rows, part * HEAD_PANELS, HEAD_PANELS, scratch->head,
                              VA_HEAD);
            char *out = cross_at(encoder, layer, part >= model->heads, part % model->heads) + (size_t)first * VA_HEAD * element;
            if (model->half_cache)
                model->kernels->to_f16(scratch->head, rows * VA_HEAD, (uint16_t *)out);
            else
                memcpy(out, scratch->head, (size_t)rows * VA_HEAD * sizeof(float));
        }
    }
}

/* Short inputs are cut finer, so that every thread has work. */
static int choose_block(int frames, int threads)
{
    int block = (frames + threads - 1) / threads;
    block = (block + 5) / 6 * 6;
    return block > BLOCK_ROWS ? BLOCK_ROWS : block;
}

/* The cache's rows from the first that stands for silence only on. All of the window counts: the last row may stand for fewer frames, and
 * a row that stands partly for speech is left out. */
static void choose_tail(va_encoder *encoder, enum va_encoder_tail tail)
{
    const struct va_silence *silence = &encoder->model->silence;

    encoder->n_tail = 0;
    if (tail == VA_TAIL_NOTHING)
        return;
    encoder->tail_first = (encoder->frames + silence->stride - 1) / silence->stride;
    if (encoder->tail_first >= silence->rows)
        return;
    encoder->n_tail = silence->rows - encoder->tail_first;
    encoder->tail_bias = logf((float)(encoder->model->audio_ctx - encoder->frames) / (float)encoder->n_tail);
}

/* The frames with one more at each end: zeros as the convolution's padding, or the silence that follows. */
static void pad_mel(va_encoder *encoder, const float *mel, enum va_encoder_tail tail)
{
    size_t frames = (size_t)(2 * encoder->frames);
    float *end = encoder->padded_mel + (frames + 1) * VA_MEL_BANDS;

    memset(encoder->padded_mel, 0, VA_MEL_BANDS * sizeof(float));
    memcpy(encoder->padded_mel + VA_MEL_BANDS, mel, frames * VA_MEL_BANDS * sizeof(float));
    for (int band = 0; band < VA_MEL_BANDS; band++)
        end[band] = tail == VA_TAIL_SILENCE ? VA_SILENCE_MEL : 0.0f;
}

int va_encoder_run(va_encoder *encoder, const float *mel, int frames, enum va_encoder_tail tail, int (*cancelled)(void *user), void *user)
{
    const va_model *model = encoder->model;
    size_t d = (size_t)model->width;

    lay_out(encoder, frames);
    encoder->block_rows = choose_block(frames, va_pool_threads(encoder->pool));
    int blocks = n_blocks(frames, encoder->block_rows);

    choose_tail(encoder, tail);
    pad_mel(encoder, mel, tail);
    memset(encoder->conv, 0, d * sizeof(float));
    memset(encoder->conv + (size_t)(2 * frames + 1) * d, 0, d * sizeof(float));

    va_pool_run(encoder->pool, blocks, conv1_task, encoder);
    /* The last panel of keys is not full: what is beyond the frames must be finite. */
    for (int h = 0; h < model->heads && !is_s8(model); h++)
        memset(encoder->keys + ((size_t)(h + 1) * key_panels(frames) - 1) * VA_KEY_PANEL_SIZE, 0, VA_KEY_PANEL_SIZE * sizeof(float));
    for (encoder->layer = 0; encoder->layer < model->enc_layers; encoder->layer++) {
        if (cancelled != NULL && cancelled(user))
            return VA_ECANCELLED;
        va_pool_run(encoder->pool, blocks, rows_task, encoder);
        if (encoder->watch != NULL)
            encoder->watch(encoder->watch_user, encoder->layer, encoder->k, encoder->v);
        va_pool_run(encoder->pool, n_blocks(frames, VA_ATTENTION_KEYS) * model->heads, pack_task, encoder);
        va_pool_run(encoder->pool, blocks * model->heads, attention_task, encoder);
    }
    va_pool_run(encoder->pool, blocks, rows_task, encoder);
    va_pool_run(encoder->pool, blocks, cross_task, encoder);
    return 0;
}

void va_encoder_watch(va_encoder *encoder, va_encoder_watch_fn watch, void *user)
{
    encoder->watch = watch;
    encoder->watch_user = user;
}

const float *va_encoder_rows(const va_encoder *encoder)
{
    return encoder->x;
}

int va_encoder_frames(const va_encoder *encoder)
{
    return encoder->frames;
}

struct va_attention_cache va_encoder_cross(const va_encoder *encoder, int layer, int head)
{
    const struct va_silence *silence = &encoder->model->silence;
    struct va_attention_cache cache = {.k = cross_at(encoder, layer, 0, head),
                                       .v = cross_at(encoder, layer, 1, head),
                                       .half = encoder->model->half_cache,
                                       .n = encoder->frames};
    if (encoder->n_tail > 0) {
        size_t at = ((size_t)head * (size_t)silence->rows + (size_t)encoder->tail_first) * VA_HEAD * cross_element(encoder);
        cache.tail_k = (const char *)silence->decoder[layer].k + at;
        cache.tail_v = (const char *)silence->decoder[layer].v + at;
        cache.n_tail = encoder->n_tail;
        cache.tail_bias = encoder->tail_bias;
    }
    return cache;
}
