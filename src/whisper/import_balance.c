#include "whisper/import_balance.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"

#define DEVIATIONS 3.0f
#define SMALLEST 1e-5f /* a column of zeros has no scale of its own */

static int find(struct va_import_source *source, int decoder, int layer, const char *item, const char *part, int rank, const uint64_t *dims,
                struct va_import_view *ret_view, va_error *error)
{
    char name[32];
    snprintf(name, sizeof name, "%s.%s", item, part);
    const struct va_import_key key = {decoder, layer, name};
    return va_import_find(source, &key, rank, dims, ret_view, error);
}

/* largest [k]: of |w| in each column. row: scratch [k]. */
static int largest_weights(const struct va_import_view *view, uint64_t n, uint64_t k, float *row, float *largest)
{
    for (uint64_t j = 0; j < k; j++)
        largest[j] = SMALLEST;
    for (uint64_t i = 0; i < n; i++) {
        if (va_import_read_f32(view, i, 1, row) < 0)
            return VA_EFORMAT;
        for (uint64_t j = 0; j < k; j++)
            largest[j] = fmaxf(largest[j], fabsf(row[j]));
    }
    return 0;
}

static int scale_from(const struct va_import_view *gamma, const struct va_import_view *beta, const struct va_import_view *weight,
                      uint64_t n, uint64_t k, float *scratch, float *ret_scale)
{
    float *g = scratch, *b = scratch + k, *largest = scratch + 2 * k, *row = scratch + 3 * k;
    double mean_log = 0.0;

    if (va_import_read_f32(gamma, 0, k, g) < 0 || va_import_read_f32(beta, 0, k, b) < 0 || largest_weights(weight, n, k, row, largest) < 0)
        return VA_EFORMAT;
    for (uint64_t j = 0; j < k; j++) {
        float activation = fmaxf(DEVIATIONS * fabsf(g[j]) + fabsf(b[j]), SMALLEST);
        ret_scale[j] = sqrtf(activation / largest[j]);
        mean_log += log(ret_scale[j]) / (double)k;
    }
    /* Only the proportions matter; around 1 they leave the norm's numbers in their usual range. */
    for (uint64_t j = 0; j < k; j++)
        ret_scale[j] *= (float)exp(-mean_log);
    return 0;
}

int va_import_balance(struct va_import_source *source, int decoder, int layer, const char *norm, const char *linear, uint64_t n, uint64_t k,
                      float *ret_scale, va_error *error)
{
    const uint64_t matrix[2] = {n, k};
    struct va_import_view gamma, beta, weight;
    int r;

    if ((r = find(source, decoder, layer, norm, "gamma", 1, &k, &gamma, error)) < 0 ||
        (r = find(source, decoder, layer, norm, "beta", 1, &k, &beta, error)) < 0 ||
        (r = find(source, decoder, layer, linear, "weight", 2, matrix, &weight, error)) < 0)
        return r;
    if (va_import_is_s8(&weight)) {
        for (uint64_t j = 0; j < k; j++)
            ret_scale[j] = 1.0f;
        return 0;
    }
    float *scratch = va_alloc(4 * k, sizeof *scratch);
    if (scratch == NULL)
        return va_fail_memory(error);
    r = scale_from(&gamma, &beta, &weight, n, k, scratch, ret_scale);
    va_free(scratch);
    return r < 0 ? va_fail(error, r, "%s: %s or %s of layer %d holds a number that is not finite", source->path, norm, linear, layer) : 0;
}
