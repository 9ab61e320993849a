/* attention.h - softmax(q . K^T / 8) . V for heads of 64.
 *
 * Two shapes: many queries over all keys (the encoder), in float32 or in int8, and one query over cached rows (the decoder). In both, a
 * second run of keys may follow, whose every key stands for several (the thinned silence of whisper/silence.h). Pure; any thread. */
#ifndef VA_NN_ATTENTION_H
#define VA_NN_ATTENTION_H

#include "base/error.h"
#include "kernels/kernels.h"

#define VA_HEAD 64 /* values of a head, in every Whisper size */

/* Keys of one head, packed for the encoder in float32: panels of 16 keys, [keys / 16][64][16]. */
#define VA_KEY_PANEL_SIZE (VA_HEAD * VA_PANEL)

/* Writes k [m][64] as keys first_key .. first_key + m - 1 of packed. */
void va_attention_pack_keys(const float *k, int m, int first_key, float *packed);

#define VA_ATTENTION_QUERIES 24
#define VA_ATTENTION_KEYS 256

/* Keys and values of one head in int8, each row with a step of its own; n keys, P(n) is n rounded up to a multiple of 16. Against float32,
 * queries, keys and values lose what one int8 row rounds away; the softmax's weights, of which many are small, have two terms
 * (VA_FINE), and the step of a value is multiplied into them. */
struct va_attention_s8 {
    int8_t *k;      /* [P(n) / 16] s8 panels of k = 64 */
    float *k_step;  /* [P(n)] */
    int32_t *k_sum; /* [P(n)] */
    int8_t *v; /* [blocks of VA_ATTENTION_KEYS][4] s8 panels of 16 of the 64 columns; k: the block's keys, rounded up to a multiple of 4 */
    float *v_step;  /* [n] */
    int32_t *v_sum; /* [blocks][64] */
};

/* Room for keys of so many heads: ret_heads [heads], freed as one. VA_ENOMEM. */
VA_MUST_CHECK int va_attention_s8_new(int heads, int keys, struct va_attention_s8 **ret_heads);
void va_attention_s8_free(struct va_attention_s8 *heads);

/* Writes one block: k and v [n][64], which are keys first .. first + n - 1; first is a multiple of VA_ATTENTION_KEYS, and n is that
 * number, or less for the last block. */
void va_attention_pack_s8(const struct va_kernels *kernels, const float *k, const float *v, int first, int n,
                          const struct va_attention_s8 *s8);

struct va_attention_scratch {
    float scores[VA_ATTENTION_QUERIES * VA_ATTENTION_KEYS] __attribute__((aligned(64)));
    float out[VA_ATTENTION_QUERIES * VA_HEAD] __attribute__((aligned(64)));
    /* of int8 keys and values */
    int32_t acc[VA_ATTENTION_QUERIES * 2 * VA_HEAD] __attribute__((aligned(64)));
    float mixed[VA_ATTENTION_QUERIES * VA_HEAD] __attribute__((aligned(64)));
    int8_t q[VA_ATTENTION_QUERIES * VA_HEAD] __attribute__((aligned(64)));
    int8_t weights[VA_ATTENTION_QUERIES * 2 * VA_ATTENTION_KEYS] __attribute__((aligned(64)));
    float q_step[VA_ATTENTION_QUERIES], weight_step[VA_ATTENTION_QUERIES * 2];
};

/* A run of keys and values of one head. */
struct va_attention_keys {
    const struct va_attention_s8 *s8; /* NULL: float32, that is k and v */
    const float *k;                   /* packed; the last panel's unused columns must be finite */
    const float *v;                   /* [first + n][64] */
    int first, n;                     /* keys first .. first + n - 1 are attended to; n >= 1; first is 0 with s8 */
    float bias;                       /* added to every scaled score: ln w makes a key count as w keys */
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
