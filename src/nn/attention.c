#include "nn/attention.h"

#include <math.h>
#include <string.h>

static const float score_scale = 0.125f; /* 1 / sqrt(64) */

void va_attention_pack_keys(const float *k, int m, int first_key, float *packed)
{
    for (int i = 0; i < m; i++) {
        int key = first_key + i;
        float *column = packed + (size_t)(key / VA_PANEL) * VA_KEY_PANEL_SIZE + key % VA_PANEL;
        for (int j = 0; j < VA_HEAD; j++)
            column[j * VA_PANEL] = k[(size_t)i * VA_HEAD + (size_t)j];
    }
}

/* scores [rows][keys] = q . K^T for one block of keys. */
static void score_block(const struct va_kernels *kernels, const float *q, size_t ldq, int rows, const float *keys, int n_keys,
                        float *scores)
{
    for (int p = 0; p * VA_PANEL < n_keys; p++)
        kernels->gemm_f32(q, ldq, rows, keys + (size_t)p * VA_KEY_PANEL_SIZE, VA_PANEL, VA_HEAD, scores + p * VA_PANEL, VA_ATTENTION_KEYS,
                          0);
}

/* Queries of at most VA_ATTENTION_QUERIES rows. */
static void attend_block(const struct va_kernels *kernels, float *q, size_t ldq, int rows, const float *keys, const float *v, int n_keys,
                         struct va_attention_scratch *scratch)
{
    float top[VA_ATTENTION_QUERIES], sum[VA_ATTENTION_QUERIES];

    for (int i = 0; i < rows; i++) {
        top[i] = -INFINITY;
        sum[i] = 0.0f;
    }
    memset(scratch->out, 0, sizeof scratch->out);
    for (int first = 0; first < n_keys; first += VA_ATTENTION_KEYS) {
        int n = n_keys - first < VA_ATTENTION_KEYS ? n_keys - first : VA_ATTENTION_KEYS;
        score_block(kernels, q, ldq, rows, keys + (size_t)(first / VA_PANEL) * VA_KEY_PANEL_SIZE, n, scratch->scores);
        for (int i = 0; i < rows; i++) {
            float *row = scratch->scores + i * VA_ATTENTION_KEYS;
            float block_top = kernels->max(row, n) * score_scale;
            if (block_top > top[i]) {
                float shrink = expf(top[i] - block_top);
                sum[i] *= shrink;
                kernels->scale(scratch->out + i * VA_HEAD, VA_HEAD, shrink);
                top[i] = block_top;
            }
            sum[i] += kernels->exp_sum(row, n, score_scale, top[i]);
        }
        for (int c = 0; c < VA_HEAD; c += VA_PANEL)
            kernels->gemm_f32(scratch->scores, VA_ATTENTION_KEYS, rows, v + (size_t)first * VA_HEAD + c, VA_HEAD, n, scratch->out + c,
                              VA_HEAD, 1);
    }
    for (int i = 0; i < rows; i++) {
        kernels->scale(scratch->out + i * VA_HEAD, VA_HEAD, 1.0f / sum[i]);
        memcpy(q + (size_t)i * ldq, scratch->out + i * VA_HEAD, VA_HEAD * sizeof(float));
    }
}

void va_attention_heads(const struct va_kernels *kernels, float *q, size_t ldq, int n_queries, const float *keys, const float *v,
                        int n_keys, struct va_attention_scratch *scratch)
{
    for (int i = 0; i < n_queries; i += VA_ATTENTION_QUERIES) {
        int rows = n_queries - i < VA_ATTENTION_QUERIES ? n_queries - i : VA_ATTENTION_QUERIES;
        attend_block(kernels, q + (size_t)i * ldq, ldq, rows, keys, v, n_keys, scratch);
    }
}

void va_attention_query(const struct va_kernels *kernels, const float *q, const struct va_attention_cache *cache, float *scores, float *raw,
                        float *out)
{
    int n = cache->n;

    if (cache->half)
        kernels->scores_f16(q, cache->k, cache->index, n, scores);
    else
        kernels->scores_f32(q, cache->k, cache->index, n, scores);
    if (raw != NULL)
        memcpy(raw, scores, (size_t)n * sizeof *raw);
    float top = kernels->max(scores, n) * score_scale;
    float sum = kernels->exp_sum(scores, n, score_scale, top);
    if (cache->half)
        kernels->mix_f16(scores, cache->v, cache->index, n, out);
    else
        kernels->mix_f32(scores, cache->v, cache->index, n, out);
    kernels->scale(out, VA_HEAD, 1.0f / sum);
}
