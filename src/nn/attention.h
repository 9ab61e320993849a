/* attention.h - softmax(q . K^T / 8) . V for heads of 64.
 *
 * Two shapes: many queries over all keys (the encoder), and one query over cached rows (the decoder). Pure; any thread. */
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

/* One head: n_queries rows q (stride ldq) are replaced by their attention over n_keys keys (packed; the last panel's unused columns
 * must be finite) and values v [n_keys][64]. Walks over the keys once, keeping a running maximum and sum (online softmax:
 * arXiv 1805.02867, 2205.14135), so that no n_queries x n_keys matrix is stored. */
void va_attention_heads(const struct va_kernels *kernels, float *q, size_t ldq, int n_queries, const float *keys, const float *v,
                        int n_keys, struct va_attention_scratch *scratch);

/* Cached rows of one head, float32 or float16. */
struct va_attention_cache {
    const void *k, *v;    /* rows of 64 values */
    int half;             /* 1: float16 */
    const int32_t *index; /* [n] row numbers, or NULL for 0 .. n-1 */
    int n;
};

/* One query over the cache: out [64]. scores [n] is scratch, and holds the raw products q . k (before the division by 8) in raw
 * [n] when raw is not NULL. */
void va_attention_query(const struct va_kernels *kernels, const float *q, const struct va_attention_cache *cache, float *scores, float *raw,
                        float *out);

#endif
