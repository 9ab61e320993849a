#include "nn/attention.h"

#include <math.h>
#include <string.h>

static const float score_scale = 0.125f; /* 1 / sqrt(64) */

/* Steps of the values' columns: theirs are in the weights. */
#define SIXTEEN_ONES 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
static const float unit_steps[VA_HEAD] = {SIXTEEN_ONES, SIXTEEN_ONES, SIXTEEN_ONES, SIXTEEN_ONES};

void va_attention_pack_keys(const float *k, int m, int first_key, float *packed)
{
    for (int i = 0; i < m; i++) {
        int key = first_key + i;
        float *column = packed + (size_t)(key / VA_PANEL) * VA_KEY_PANEL_SIZE + key % VA_PANEL;
        for (int j = 0; j < VA_HEAD; j++)
            column[j * VA_PANEL] = k[(size_t)i * VA_HEAD + (size_t)j];
    }
}

/* Softmax under way over some queries. */
struct running {
    float top[VA_ATTENTION_QUERIES]; /* largest score so far */
    float sum[VA_ATTENTION_QUERIES]; /* of exp(score - top) */
};

/* scores [rows][block] = q . K^T for the keys from `at` on; `at` is a multiple of VA_PANEL. */
static void score_f32(const struct va_kernels *kernels, const float *q, size_t ldq, int rows, const struct va_attention_keys *run, int at,
                      int block, struct va_attention_scratch *scratch)
{
    for (int p = 0; p * VA_PANEL < block; p++)
        kernels->gemm_f32(q, ldq, rows, run->k + (size_t)(at / VA_PANEL + p) * VA_KEY_PANEL_SIZE, VA_PANEL, VA_HEAD,
                          scratch->scores + p * VA_PANEL, VA_ATTENTION_KEYS, 0);
}

/* The same in int8, of the queries in scratch; `at` is a multiple of VA_ATTENTION_KEYS. */
static void score_s8(const struct va_kernels *kernels, int rows, const struct va_attention_s8 *s8, int at, int block,
                     struct va_attention_scratch *scratch)
{
    int panels = (block + VA_PANEL - 1) / VA_PANEL, most = VA_HEAD / VA_PANEL; /* of a tile */

    for (int p = 0; p < panels; p += most) {
        int tile = panels - p < most ? panels - p : most;
        size_t key = (size_t)(at + p * VA_PANEL);
        kernels->gemm_s8(scratch->q, VA_HEAD, rows, s8->k + key * VA_HEAD, s8->k_sum + key, VA_HEAD, tile, scratch->acc, VA_HEAD);
        kernels->dequantize(scratch->acc, VA_HEAD, 1, rows, tile * VA_PANEL, scratch->q_step, s8->k_step + key, NULL,
                            scratch->scores + p * VA_PANEL, VA_ATTENTION_KEYS);
    }
}

/* scores [n] of query i -> exp(score - top), with what was summed so far brought to the same top. */
static void weigh_row(const struct va_kernels *kernels, float *scores, int n, float bias, struct running *running, int i,
                      struct va_attention_scratch *scratch)
{
    float block_top = kernels->max(scores, n) * score_scale + bias;
    if (block_top > running->top[i]) {
        float shrink = expf(running->top[i] - block_top);
        running->sum[i] *= shrink;
        kernels->scale(scratch->out + i * VA_HEAD, VA_HEAD, shrink);
        running->top[i] = block_top;
    }
    running->sum[i] += kernels->exp_sum(scores, n, score_scale, running->top[i] - bias);
}

/* out += the weights, scores [rows][n], . V for the keys from `at` on. */
static void mix_f32(const struct va_kernels *kernels, int rows, const struct va_attention_keys *run, int at, int n, const float *weights,
                    struct va_attention_scratch *scratch)
{
    for (int c = 0; c < VA_HEAD; c += VA_PANEL)
        kernels->gemm_f32(weights, VA_ATTENTION_KEYS, rows, run->v + (size_t)at * VA_HEAD + c, VA_HEAD, n, scratch->out + c, VA_HEAD, 1);
}

/* The same in int8; changes the weights, which are scratch->scores. */
static void mix_s8(const struct va_kernels *kernels, int rows, const struct va_attention_s8 *s8, int at, int n,
                   struct va_attention_scratch *scratch)
{
    int padded = (n + 3) / 4 * 4;

    for (int i = 0; i < rows; i++) {
        float *weights = scratch->scores + i * VA_ATTENTION_KEYS, *step = scratch->weight_step + 2 * i;
        int8_t *q = scratch->weights + 2 * i * VA_ATTENTION_KEYS, *rest = q + VA_ATTENTION_KEYS;
        kernels->multiply(weights, s8->v_step + at, n);
        kernels->quantize_row(weights, n, q, &step[0]);
        kernels->quantize_rest(weights, n, q, step[0], rest, &step[1]);
        memset(q + n, 0, (size_t)(padded - n));
        memset(rest + n, 0, (size_t)(padded - n));
    }
    kernels->gemm_s8(scratch->weights, VA_ATTENTION_KEYS, 2 * rows, s8->v + (size_t)at * VA_HEAD,
                     s8->v_sum + at / VA_ATTENTION_KEYS * VA_HEAD, padded, VA_HEAD / VA_PANEL, scratch->acc, VA_HEAD);
    kernels->dequantize(scratch->acc, VA_HEAD, 2, rows, VA_HEAD, scratch->weight_step, unit_steps, NULL, scratch->mixed, VA_HEAD);
    kernels->add(scratch->out, scratch->mixed, rows * VA_HEAD);
}

/* Adds one run's share to scratch->out. Blocks begin at whole panels, so that the first may hold keys that are passed over. */
static void attend_run(const struct va_kernels *kernels, const float *q, size_t ldq, int rows, const struct va_attention_keys *run,
                       struct running *running, struct va_attention_scratch *scratch)
{
    int end = run->first + run->n;
    for (int at = run->first / VA_PANEL * VA_PANEL; at < end; at += VA_ATTENTION_KEYS) {
        int block = end - at < VA_ATTENTION_KEYS ? end - at : VA_ATTENTION_KEYS;
        int skip = run->first > at ? run->first - at : 0, n = block - skip;
        if (run->s8 != NULL)
            score_s8(kernels, rows, run->s8, at, block, scratch);
        else
            score_f32(kernels, q, ldq, rows, run, at, block, scratch);
        for (int i = 0; i < rows; i++)
            weigh_row(kernels, scratch->scores + i * VA_ATTENTION_KEYS + skip, n, run->bias, running, i, scratch);
        if (run->s8 != NULL)
            mix_s8(kernels, rows, run->s8, at, n, scratch);
        else
            mix_f32(kernels, rows, run, at + skip, n, scratch->scores + skip, scratch);
    }
}

/* Queries of at most VA_ATTENTION_QUERIES rows. */
static void attend_block(const struct va_kernels *kernels, float *q, size_t ldq, int rows, const struct va_attention_keys *runs, int n_runs,
                         struct va_attention_scratch *scratch)
{
    struct running running;

    for (int i = 0; i < rows; i++) {
        running.top[i] = -INFINITY;
        running.sum[i] = 0.0f;
    }
    memset(scratch->out, 0, sizeof scratch->out);
    if (runs[0].s8 != NULL)
        for (int i = 0; i < rows; i++)
            kernels->quantize_row(q + (size_t)i * ldq, VA_HEAD, scratch->q + i * VA_HEAD, &scratch->q_step[i]);
    for (int r = 0; r < n_runs; r++)
        attend_run(kernels, q, ldq, rows, &runs[r], &running, scratch);
    for (int i = 0; i < rows; i++) {
        kernels->scale(scratch->out + i * VA_HEAD, VA_HEAD, 1.0f / running.sum[i]);
        memcpy(q + (size_t)i * ldq, scratch->out + i * VA_HEAD, VA_HEAD * sizeof(float));
    }
}

void va_attention_heads(const struct va_kernels *kernels, float *q, size_t ldq, int n_queries, const struct va_attention_keys *runs,
                        int n_runs, struct va_attention_scratch *scratch)
{
    for (int i = 0; i < n_queries; i += VA_ATTENTION_QUERIES) {
        int rows = n_queries - i < VA_ATTENTION_QUERIES ? n_queries - i : VA_ATTENTION_QUERIES;
        attend_block(kernels, q + (size_t)i * ldq, ldq, rows, runs, n_runs, scratch);
    }
}

static void score_rows(const struct va_kernels *kernels, int half, const float *q, const void *k, const int32_t *index, int n,
                       float *scores)
{
    if (half)
        kernels->scores_f16(q, k, index, n, scores);
    else
        kernels->scores_f32(q, k, index, n, scores);
}

static void mix_rows(const struct va_kernels *kernels, int half, const float *p, const void *v, const int32_t *index, int n, float *out)
{
    if (half)
        kernels->mix_f16(p, v, index, n, out);
    else
        kernels->mix_f32(p, v, index, n, out);
}

void va_attention_query(const struct va_kernels *kernels, const float *q, const struct va_attention_cache *cache, float *scores, float *raw,
                        float *out)
{
    int n = cache->n, n_tail = cache->n_tail;
    float *tail = scores + n, mixed[VA_HEAD];

    score_rows(kernels, cache->half, q, cache->k, cache->index, n, scores);
    if (raw != NULL)
        memcpy(raw, scores, (size_t)n * sizeof *raw);
    float top = kernels->max(scores, n) * score_scale;
    if (n_tail > 0) {
        score_rows(kernels, cache->half, q, cache->tail_k, NULL, n_tail, tail);
        float tail_top = kernels->max(tail, n_tail) * score_scale + cache->tail_bias;
        top = tail_top > top ? tail_top : top;
    }
    float sum = kernels->exp_sum(scores, n, score_scale, top);
    mix_rows(kernels, cache->half, scores, cache->v, cache->index, n, out);
    if (n_tail > 0) {
        sum += kernels->exp_sum(tail, n_tail, score_scale, top - cache->tail_bias);
        mix_rows(kernels, cache->half, tail, cache->tail_v, NULL, n_tail, mixed);
        kernels->add(out, mixed, VA_HEAD);
    }
    kernels->scale(out, VA_HEAD, 1.0f / sum);
}
