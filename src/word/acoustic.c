#include "word/acoustic.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

#define STRETCH_COST 0.05f /* of a step that leaves out a row on one side */
#define LEAST_DEVIATION 1e-3f
#define FAR 1e9f
enum { MAX_ROWS = 1500 };

/* Standardised and of length 1: out [d]. */
static void normalise(const va_word_model *word, const float *row, float *out)
{
    int d = word->model->width;
    float sum = 1e-12f;

    for (int k = 0; k < d; k++) {
        out[k] = (row[k] - word->mean[k]) * word->scale[k];
        sum += out[k] * out[k];
    }
    word->model->kernels->scale(out, d, 1.0f / sqrtf(sum));
}

static void measure_spread(va_word_model *word, const struct va_word_rows *samples, int n)
{
    int d = word->model->width;

    for (int k = 0; k < d; k++) {
        double sum = 0.0, squares = 0.0, count = 0.0;
        for (int s = 0; s < n; s++)
            for (int i = 0; i < samples[s].frames; i++) {
                double x = samples[s].rows[(size_t)i * (size_t)d + (size_t)k];
                sum += x;
                squares += x * x;
                count += 1.0;
            }
        double mean = sum / count, variance = fmax(squares / count - mean * mean, 0.0);
        word->mean[k] = (float)mean;
        word->scale[k] = 1.0f / ((float)sqrt(variance) + LEAST_DEVIATION);
    }
}

int va_word_make_templates(va_word_model *word, const struct va_word_rows *samples, int n, va_error *error)
{
    size_t d = (size_t)word->model->width, column = 0;
    float row[VA_WHISPER_MAX_WIDTH];

    word->n_templates = n;
    word->n_columns = 0;
    for (int s = 0; s < n; s++) {
        int frames = samples[s].end - samples[s].first;
        word->frames[s] = frames < VA_WORD_MAX_FRAMES ? frames : VA_WORD_MAX_FRAMES;
        word->n_columns += word->frames[s];
    }
    word->n_columns = (word->n_columns + VA_PANEL - 1) / VA_PANEL * VA_PANEL;
    va_free(word->mean);
    va_free(word->scale);
    va_free(word->panels);
    word->mean = va_alloc_aligned(d, sizeof(float));
    word->scale = va_alloc_aligned(d, sizeof(float));
    word->panels = va_alloc_aligned((size_t)word->n_columns * d, sizeof(float));
    if (word->mean == NULL || word->scale == NULL || word->panels == NULL)
        return va_fail_memory(error);
    measure_spread(word, samples, n);
    memset(word->panels, 0, (size_t)word->n_columns * d * sizeof(float));
    for (int s = 0; s < n; s++)
        for (int i = 0; i < word->frames[s]; i++, column++) {
            float *panel = word->panels + column / VA_PANEL * d * VA_PANEL + column % VA_PANEL;
            normalise(word, samples[s].rows + (size_t)(samples[s].first + i) * d, row);
            for (size_t k = 0; k < d; k++)
                panel[k * VA_PANEL] = row[k];
        }
    return 0;
}

/* The way to a cell of the warping's table that costs least. */
struct way {
    float cost;
    int start;
};

static void take_cheaper(struct way *way, const struct way *from, float cost)
{
    if (from->cost + cost < way->cost)
        *way = (struct way){from->cost + cost, from->start};
}

/* cosines [frames] with row stride `stride`, columns 0 .. n - 1 the template's rows. It may begin and end anywhere; steps go on by one row
 * of each, or by two of one of them. */
static struct va_word_place warp(const float *cosines, size_t stride, int n, int frames)
{
    struct way table[3][MAX_ROWS], *before = table[0], *last = table[1], *now = table[2];
    struct va_word_place best = {.distance = FAR};

    for (int i = 0; i < n; i++) {
        for (int j = 0; j < frames; j++) {
            const float *cosine = cosines + (size_t)j * stride + i;
            float cost = 1.0f - *cosine;
            now[j] = (struct way){FAR, 0};
            if (i == 0)
                now[j] = (struct way){cost, j};
            if (i >= 1 && j >= 1)
                take_cheaper(&now[j], &last[j - 1], cost);
            if (i >= 1 && j >= 2)
                take_cheaper(&now[j], &last[j - 2], cost + STRETCH_COST);
            if (i >= 2 && j >= 1)
                take_cheaper(&now[j], &before[j - 1], cost + (1.0f - cosine[-1]) + STRETCH_COST);
        }
        struct way *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    for (int j = 0; j < frames; j++)
        if (last[j].cost < best.distance * (float)n)
            best = (struct va_word_place){last[j].cost / (float)n, last[j].start, j + 1};
    best.distance = fminf(best.distance, 2.0f);
    return best;
}

int va_word_find(const va_word_model *word, const float *rows, int frames, struct va_word_place *ret_places, va_error *error)
{
    size_t d = (size_t)word->model->width, stride = (size_t)word->n_columns, column = 0;
    float *query = va_alloc_aligned((size_t)frames * d, sizeof(float));
    float *cosines = va_alloc_aligned((size_t)frames * stride, sizeof(float));
    int r = query == NULL || cosines == NULL ? va_fail_memory(error) : 0;

    for (int i = 0; r == 0 && i < frames; i++)
        normalise(word, rows + (size_t)i * d, query + (size_t)i * d);
    for (size_t c = 0; r == 0 && c < stride; c += VA_PANEL)
        word->model->kernels->gemm_f32(query, d, frames, word->panels + c * d, VA_PANEL, (int)d, cosines + c, stride, 0);
    for (int t = 0; r == 0 && t < word->n_templates; t++) {
        ret_places[t] = warp(cosines + column, stride, word->frames[t], frames);
        column += (size_t)word->frames[t];
    }
    va_free(query);
    va_free(cosines);
    return r;
}

struct va_word_place va_word_agree(const struct va_word_place *places, int n)
{
    struct va_word_place best = {.distance = 2.0f}, second = best;

    for (int i = 0; i < n; i++) {
        if (places[i].distance < best.distance) {
            second = best;
            best = places[i];
        } else if (places[i].distance < second.distance) {
            second = places[i];
        }
    }
    best.distance = (best.distance + second.distance) / 2.0f;
    return best;
}
