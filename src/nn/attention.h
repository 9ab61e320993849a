/* attention.h - softmax(q . K^T / 8) . V for heads of 64.
 *
 * Two shapes: many queries over all keys (the encoder), and one query over cached rows (the decoder). In both, a second run of keys may
 * follow, whose every key stands for several (the thinned silence of whisper/silence.h). Pure; any thread. */
#ifndef VA_NN_ATTENTION_H
#define VA_NN_ATTENTION_H

#include "kernels/kernels.h"

#define VA_HEAD 64 /* values of a head, in every Whisper size */

/* Keys of one head, packed for the encoder: panels of 16 keys, [keys / 16][64][16]. */
#define VA_KEY_PANEL_SIZE (VA_HEAD * VA_PANEL)

/* Writes k [m][64] as keys first_key .. first_key + m - 1 of packed. */
void va_attention_pack_keys(const float *k, int m, int first_key, float *packed);

#define VA_ATTENTION_QUERIES 24
#define VA_ATTENTION_KEYS 256
struct va_attention_scratch {
    float scores[VA_ATTENTION_QUERIES * VA_ATTENTION_KEYS] __attribute__((aligned(64)));
    float out[VA_ATTENTION_QUERIES * VA_HEAD] __attribute__((aligned(64)));
};

/* A run of keys and values of one head. */
struct va_attention_keys {
    const float *k; /* packed; the last panel's unused columns must be finite */
    const float *v; /* [first + n][64] */
    int first, n;   /* keys first .. first + n - 1 are attended to; n >= 1 */
    float bias;     /* added to every scaled score: ln w makes a key count as w keys */
};

/* One head: n_queries rows q (stride ldq) are replaced by their attention over all runs [n_runs] together. Walks over the keys once,
 * keeping a running maximum and sum (online softmax: arXiv 1805.02867, 2205.14135), so that no n_queries x n_keys matrix is stored. */
void va_attention_heads(const struct va_kernels *kernels, float *q, size_t ldq, int n_queries, const struct va_attention_keys *runs,
                        int n_runs, struct va_attention_scratch *scratch);

/* Cached rows of one head, float32 or float16, and a second run of them (n_tail may be 0). */
struct va_attention_cache {
    const void *k, *v;           /* rows of 64 values */
    int half;                    /* 1: float16 */
    const int32_t *index;        /* [n] row numbers, or NULL for 0 .. n-1 */
    int n;                       /* >= 1 */
    const void *tail_k, *tail_v; /* [n_tail] rows */
    int n_tail;
    float tail_bias; /* as va_attention_keys.bias, for the tail */
};

/* One query over the cache: out [64]. scores [n + n_tail] is scratch, and holds the raw products q . k (before the division by 8) of the
 * first n in raw [n] when raw is not NULL. */
void va_attention_query(const struct va_kernels *kernels, const float *q, const struct va_attention_cache *cache, float *scores, float *raw,
                        float *out);

#endif
