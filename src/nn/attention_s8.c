#include <string.h>

#include "base/memory.h"
#include "nn/attention.h"

int va_attention_s8_new(int heads, int keys, struct va_attention_s8 **ret_heads)
{
    size_t n = (size_t)heads, padded = (size_t)(keys + VA_PANEL - 1) / VA_PANEL * VA_PANEL;
    size_t blocks = (size_t)(keys + VA_ATTENTION_KEYS - 1) / VA_ATTENTION_KEYS;
    struct va_attention_s8 *all = va_calloc(n, sizeof *all);

    if (all == NULL)
        return VA_ENOMEM;
    all->k = va_alloc_aligned(n * padded * VA_HEAD, sizeof *all->k);
    all->v = va_alloc_aligned(n * padded * VA_HEAD, sizeof *all->v);
    all->k_step = va_alloc_aligned(n * padded, sizeof *all->k_step);
    all->v_step = va_alloc_aligned(n * padded, sizeof *all->v_step);
    all->k_sum = va_alloc_aligned(n * padded, sizeof *all->k_sum);
    all->v_sum = va_alloc_aligned(n * blocks * VA_HEAD, sizeof *all->v_sum);
    if (all->k == NULL || all->v == NULL || all->k_step == NULL || all->v_step == NULL || all->k_sum == NULL || all->v_sum == NULL) {
        va_attention_s8_free(all);
        return VA_ENOMEM;
    }
    for (size_t h = 1; h < n; h++)
        all[h] = (struct va_attention_s8){.k = all->k + h * padded * VA_HEAD,
                                          .v = all->v + h * padded * VA_HEAD,
                                          .k_step = all->k_step + h * padded,
                                          .v_step = all->v_step + h * padded,
                                          .k_sum = all->k_sum + h * padded,
                                          .v_sum = all->v_sum + h * blocks * VA_HEAD};
    *ret_heads = all;
    return 0;
}

void va_attention_s8_free(struct va_attention_s8 *heads)
{
    if (heads == NULL)
        return;
    va_free(heads->k);
    va_free(heads->v);
    va_free(heads->k_step);
    va_free(heads->v_step);
    va_free(heads->k_sum);
    va_free(heads->v_sum);
    va_free(heads);
}

/* Key i of a block, whose row of bytes goes to column i % 16 of a panel. */
static void pack_key(const int8_t *row, int key, const struct va_attention_s8 *s8)
{
    int8_t *column = s8->k + (size_t)(key / VA_PANEL) * VA_KEY_PANEL_SIZE + 4 * (key % VA_PANEL);
    int32_t sum = 0;

    for (int j = 0; j < VA_HEAD; j += 4)
        memcpy(column + j * VA_PANEL, row + j, 4);
    for (int j = 0; j < VA_HEAD; j++)
        sum += row[j];
    s8->k_sum[key] = sum;
}

/* Four values, which are four of k in each of four panels of 16 columns. */
static void pack_values(const int8_t rows[4][VA_HEAD], int8_t *v, size_t panel_bytes, int32_t *sum)
{
    for (int c = 0; c < VA_HEAD; c += VA_PANEL)
        for (int j = 0; j < VA_PANEL; j++)
            for (int i = 0; i < 4; i++)
                v[(size_t)(c / VA_PANEL) * panel_bytes + (size_t)(4 * j + i)] = rows[i][c + j];
    for (int j = 0; j < VA_HEAD; j++)
        sum[j] += rows[0][j] + rows[1][j] + rows[2][j] + rows[3][j];
}

void va_attention_pack_s8(const struct va_kernels *kernels, const float *k, const float *v, int first, int n,
                          const struct va_attention_s8 *s8)
{
    int8_t rows[4][VA_HEAD] = {{0}};
    int32_t *sum = s8->v_sum + first / VA_ATTENTION_KEYS * VA_HEAD;
    size_t panel_bytes = (size_t)((n + 3) / 4 * 4) * VA_PANEL;

    for (int i = 0; i < n; i++) {
        kernels->quantize_row(k + (size_t)i * VA_HEAD, VA_HEAD, rows[0], &s8->k_step[first + i]);
        pack_key(rows[0], first + i, s8);
    }
    memset(rows, 0, sizeof rows);
    for (int i = n; i % VA_PANEL != 0; i++) {
        s8->k_step[first + i] = 0.0f;
        pack_key(rows[0], first + i, s8);
    }
    memset(sum, 0, VA_HEAD * sizeof *sum);
    for (int i = 0; i < n; i += 4) {
        for (int j = 0; j < 4; j++) {
            if (i + j < n)
                kernels->quantize_row(v + (size_t)(i + j) * VA_HEAD, VA_HEAD, rows[j], &s8->v_step[first + i + j]);
            else
                memset(rows[j], 0, sizeof rows[j]);
        }
        pack_values(rows, s8->v + (size_t)first * VA_HEAD + (size_t)i * VA_PANEL, panel_bytes, sum);
    }
}
