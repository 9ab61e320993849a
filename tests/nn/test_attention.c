#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "nn/attention.h"

static float uniform(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return (float)(int32_t)*random / 2147483648.0f;
}

static float *random_rows(int n, float scale, uint32_t seed)
{
    float *rows = va_alloc((size_t)n * VA_HEAD, sizeof *rows);
    for (int i = 0; i < n * VA_HEAD; i++)
        rows[i] = scale * uniform(&seed);
    return rows;
}

/* The definition, in double. */
static void reference(const float *q, const float *k, const float *v, const int32_t *index, int n, float *out)
{
    double *p = va_alloc((size_t)n, sizeof *p), top = -INFINITY, sum = 0.0;
    for (int i = 0; i < n; i++) {
        const float *row = k + (size_t)(index == NULL ? i : index[i]) * VA_HEAD;
        p[i] = 0.0;
        for (int j = 0; j < VA_HEAD; j++)
            p[i] += (double)q[j] * row[j] / 8.0;
        top = p[i] > top ? p[i] : top;
    }
    for (int i = 0; i < n; i++)
        sum += p[i] = exp(p[i] - top);
    for (int j = 0; j < VA_HEAD; j++) {
        double value = 0.0;
        for (int i = 0; i < n; i++)
            value += p[i] / sum * v[(size_t)(index == NULL ? i : index[i]) * VA_HEAD + (size_t)j];
        out[j] = (float)value;
    }
    va_free(p);
}

static void assert_rows_equal(const float *a, const float *b, float tolerance)
{
    for (int j = 0; j < VA_HEAD; j++)
        assert_float_equal(a[j], b[j], tolerance);
}

/* n keys, m queries; a large scale makes the softmax sharp and the running maximum grow from block to block. */
static void check_heads(int n, int m, float scale)
{
    const struct va_kernels *kernels = va_kernels_select(NULL);
    struct va_attention_scratch *scratch = va_alloc_aligned(1, sizeof *scratch);
    float *q = random_rows(m, scale, 1), *k = random_rows(n, scale, 2), *v = random_rows(n, 1.0f, 3), expected[VA_HEAD];
    float *keys = va_calloc((size_t)((n + VA_PANEL - 1) / VA_PANEL) * VA_KEY_PANEL_SIZE, sizeof *keys);
    float *got = va_alloc((size_t)m * 80, sizeof *got); /* rows of stride 80 */
    for (int i = 0; i < m; i++)
        memcpy(got + (size_t)i * 80, q + (size_t)i * VA_HEAD, VA_HEAD * sizeof *q);
    for (int i = 0; i < n; i += 7) /* in pieces */
        va_attention_pack_keys(k + (size_t)i * VA_HEAD, n - i < 7 ? n - i : 7, i, keys);
    const struct va_attention_keys run = {.k = keys, .v = v, .n = n};
    va_attention_heads(kernels, got, 80, m, &run, 1, scratch);
    for (int i = 0; i < m; i++) {
        reference(q + (size_t)i * VA_HEAD, k, v, NULL, n, expected);
        assert_rows_equal(got + (size_t)i * 80, expected, 2e-5f);
    }
    va_free(scratch);
    va_free(q);
    va_free(k);
    va_free(v);
    va_free(keys);
    va_free(got);
}

static void test_many_queries(void **state)
{
    static const int sizes[][2] = {{1, 1}, {2, 25}, {15, 3}, {16, 24}, {17, 48}, {255, 5}, {256, 7}, {257, 49}, {600, 30}, {1500, 25}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_heads(sizes[i][0], sizes[i][1], 0.5f);
        check_heads(sizes[i][0], sizes[i][1], 4.0f);
    }
}

/* Keys of two runs, the second's each counting as w, in both shapes of attention; against the definition with every key of the second run
 * repeated w times. */
static void check_two_runs(int n, int first, int n_tail, int w)
{
    const struct va_kernels *kernels = va_kernels_select(NULL);
    struct va_attention_scratch *scratch = va_alloc_aligned(1, sizeof *scratch);
    int tail_rows = first + n_tail, all = n + n_tail * w, m = 30;
    float *q = random_rows(m, 2.0f, 1), *k = random_rows(n, 2.0f, 2), *v = random_rows(n, 1.0f, 3);
    float *tail_k = random_rows(tail_rows, 2.0f, 4), *tail_v = random_rows(tail_rows, 1.0f, 5);
    float *all_k = va_alloc((size_t)all * VA_HEAD, sizeof *all_k), *all_v = va_alloc((size_t)all * VA_HEAD, sizeof *all_v);
    float *keys = va_calloc((size_t)((n + VA_PANEL - 1) / VA_PANEL) * VA_KEY_PANEL_SIZE, sizeof *keys);
    float *tail_keys = va_calloc((size_t)((tail_rows + VA_PANEL - 1) / VA_PANEL) * VA_KEY_PANEL_SIZE, sizeof *tail_keys);
    float *got = va_alloc((size_t)m * VA_HEAD, sizeof *got), *scores = va_alloc((size_t)(n + n_tail), sizeof *scores);
    float expected[VA_HEAD], one[VA_HEAD];

    memcpy(all_k, k, (size_t)n * VA_HEAD * sizeof *k);
    memcpy(all_v, v, (size_t)n * VA_HEAD * sizeof *v);
    for (int i = 0; i < n_tail * w; i++) {
        memcpy(all_k + (size_t)(n + i) * VA_HEAD, tail_k + (size_t)(first + i / w) * VA_HEAD, VA_HEAD * sizeof *k);
        memcpy(all_v + (size_t)(n + i) * VA_HEAD, tail_v + (size_t)(first + i / w) * VA_HEAD, VA_HEAD * sizeof *v);
    }
    va_attention_pack_keys(k, n, 0, keys);
    va_attention_pack_keys(tail_k, tail_rows, 0, tail_keys);
    memcpy(got, q, (size_t)m * VA_HEAD * sizeof *q);
    const struct va_attention_keys runs[] = {{.k = keys, .v = v, .n = n},
                                             {.k = tail_keys, .v = tail_v, .first = first, .n = n_tail, .bias = logf((float)w)}};
    va_attention_heads(kernels, got, VA_HEAD, m, runs, 2, scratch);
    const struct va_attention_cache cache = {.k = k,
                                             .v = v,
                                             .n = n,
                                             .tail_k = tail_k + (size_t)first * VA_HEAD,
                                             .tail_v = tail_v + (size_t)first * VA_HEAD,
                                             .n_tail = n_tail,
                                             .tail_bias = logf((float)w)};
    for (int i = 0; i < m; i++) {
        reference(q + (size_t)i * VA_HEAD, all_k, all_v, NULL, all, expected);
        assert_rows_equal(got + (size_t)i * VA_HEAD, expected, 2e-5f);
        va_attention_query(kernels, q + (size_t)i * VA_HEAD, &cache, scores, NULL, one);
        assert_rows_equal(one, expected, 2e-5f);
    }
    va_free(scratch);
    va_free(q);
    va_free(k);
    va_free(v);
    va_free(tail_k);
    va_free(tail_v);
    va_free(all_k);
    va_free(all_v);
    va_free(keys);
    va_free(tail_keys);
    va_free(got);
    va_free(scores);
}

static void test_keys_that_stand_for_several(void **state)
{
    check_two_runs(1, 0, 1, 1);
    check_two_runs(5, 3, 2, 8);
    check_two_runs(100, 13, 174, 8);
    check_two_runs(256, 16, 16, 3);
    check_two_runs(300, 17, 300, 2);
    check_two_runs(33, 255, 259, 2);
}

/* Rows as int8 keeps them. */
static float *rounded(const struct va_kernels *kernels, const float *rows, int n)
{
    float *copy = va_alloc((size_t)n * VA_HEAD, sizeof *copy), step;
    int8_t q[VA_HEAD];

    for (int i = 0; i < n; i++) {
        kernels->quantize_row(rows + (size_t)i * VA_HEAD, VA_HEAD, q, &step);
        for (int j = 0; j < VA_HEAD; j++)
            copy[i * VA_HEAD + j] = q[j] * step;
    }
    return copy;
}

/* int8 keys, and n_tail of float32 behind them; against the definition over what int8 keeps of queries, keys and values. */
static void check_s8(const struct va_kernels *kernels, int n, int m, int n_tail, float scale)
{
    struct va_attention_scratch *scratch = va_alloc_aligned(1, sizeof *scratch);
    struct va_attention_s8 *heads;
    float *any = random_rows(m, scale, 1), *k = random_rows(n + n_tail, scale, 2), *v = random_rows(n + n_tail, 1.0f, 3);
    float *q = rounded(kernels, any, m), *got = rounded(kernels, any, m); /* rounding again changes nothing */
    float *k_kept = rounded(kernels, k, n + n_tail), *v_kept = rounded(kernels, v, n + n_tail), expected[VA_HEAD];
    float *tail_keys = va_calloc((size_t)(n_tail / VA_PANEL + 1) * VA_KEY_PANEL_SIZE, sizeof *tail_keys);

    assert_int_equal(va_attention_s8_new(2, n, &heads), 0);
    for (int i = 0; i < n; i += VA_ATTENTION_KEYS)
        va_attention_pack_s8(kernels, k + (size_t)i * VA_HEAD, v + (size_t)i * VA_HEAD, i,
                             n - i < VA_ATTENTION_KEYS ? n - i : VA_ATTENTION_KEYS, &heads[1]);
    va_attention_pack_keys(k_kept + (size_t)n * VA_HEAD, n_tail, 0, tail_keys);
    const struct va_attention_keys runs[] = {{.s8 = &heads[1], .n = n}, {.k = tail_keys, .v = v_kept + (size_t)n * VA_HEAD, .n = n_tail}};
    va_attention_heads(kernels, got, VA_HEAD, m, runs, n_tail > 0 ? 2 : 1, scratch);
    for (int i = 0; i < m; i++) {
        reference(q + (size_t)i * VA_HEAD, k_kept, v_kept, NULL, n + n_tail, expected);
        assert_rows_equal(got + (size_t)i * VA_HEAD, expected, 5e-4f); /* weights are rounded by 1 / 65000 of their largest */
    }
    va_attention_s8_free(heads);
    va_free(scratch);
    va_free(any);
    va_free(k);
    va_free(v);
    va_free(q);
    va_free(got);
    va_free(k_kept);
    va_free(v_kept);
    va_free(tail_keys);
}

static void test_int8(void **state)
{
    static const int sizes[][3] = {{1, 1, 0},   {3, 25, 5},  {4, 2, 0},    {15, 3, 1},     {16, 24, 0},
                                   {17, 48, 9}, {255, 5, 0}, {256, 7, 33}, {257, 49, 300}, {1500, 25, 0}};
    const struct va_kernels *kernels;
    for (int set = 0; (kernels = va_kernels_at(set)) != NULL; set++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && (kernels->required & ~va_cpu_flags()) == 0; i++) {
            check_s8(kernels, sizes[i][0], sizes[i][1], sizes[i][2], 0.5f);
            check_s8(kernels, sizes[i][0], sizes[i][1], sizes[i][2], 4.0f);
        }
}

static void test_no_memory_for_int8(void **state)
{
    struct va_attention_s8 *heads = NULL;
    for (size_t n = 1; n <= 7; n++) {
        va_memory_fail_after(n);
        int r = va_attention_s8_new(3, 300, &heads);
        va_memory_fail_after(0);
        assert_int_equal(r, VA_ENOMEM);
        assert_null(heads);
    }
}

static void test_one_query_over_a_cache(void **state)
{
    const struct va_kernels *kernels = va_kernels_select(NULL);
    static const int sizes[] = {1, 2, 63, 448, 1500};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int n = sizes[s];
        float *q = random_rows(1, 1.0f, 4), *k = random_rows(n, 1.0f, 5), *v = random_rows(n, 1.0f, 6), out[VA_HEAD], expected[VA_HEAD];
        float *scores = va_alloc((size_t)n, sizeof *scores), *raw = va_alloc((size_t)n, sizeof *raw);
        uint16_t *half_k = va_alloc((size_t)n * VA_HEAD, sizeof *half_k), *half_v = va_alloc((size_t)n * VA_HEAD, sizeof *half_v);
        int32_t *index = va_alloc((size_t)n, sizeof *index);
        for (int i = 0; i < n; i++)
            index[i] = n - 1 - i;
        kernels->to_f16(k, n * VA_HEAD, half_k);
        kernels->to_f16(v, n * VA_HEAD, half_v);

        struct va_attention_cache cache = {.k = k, .v = v, .n = n};
        reference(q, k, v, NULL, n, expected);
        va_attention_query(kernels, q, &cache, scores, raw, out);
        assert_rows_equal(out, expected, 1e-5f);
        double product = 0.0;
        for (int j = 0; j < VA_HEAD; j++)
            product += (double)q[j] * k[j];
        assert_float_equal(raw[0], product, 1e-5);
        cache.index = index;
        va_attention_query(kernels, q, &cache, scores, NULL, out);
        assert_rows_equal(out, expected, 1e-5f);
        cache = (struct va_attention_cache){.k = half_k, .v = half_v, .half = 1, .index = index, .n = n};
        va_attention_query(kernels, q, &cache, scores, NULL, out);
        assert_rows_equal(out, expected, 2e-3f);
        va_free(q);
        va_free(k);
        va_free(v);
        va_free(scores);
        va_free(raw);
        va_free(half_k);
        va_free(half_v);
        va_free(index);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_queries), cmocka_unit_test(test_keys_that_stand_for_several),
                                       cmocka_unit_test(test_int8), cmocka_unit_test(test_no_memory_for_int8),
                                       cmocka_unit_test(test_one_query_over_a_cache)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
