#include "whisper/words.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "nn/attention.h"

#define MEDIAN_WIDTH 7

struct va_aligner {
    const va_model *model;
    float *capture; /* [alignment heads][rows][encoder frames], up to text_ctx rows */
    float *matrix;  /* [rows][frames] */
    float *cost;    /* [2][frames + 1] */
    uint8_t *step;  /* [rows + 1][frames + 1] */
};

int va_aligner_new(const va_model *model, va_aligner **ret_aligner, va_error *error)
{
    size_t rows = (size_t)model->text_ctx, frames = (size_t)model->audio_ctx;
    va_aligner *aligner = va_calloc(1, sizeof *aligner);
    if (aligner == NULL)
        return va_fail_memory(error);
    aligner->model = model;
    aligner->capture = va_alloc_aligned((size_t)model->n_alignment * rows * frames, sizeof *aligner->capture);
    aligner->matrix = va_alloc_aligned(rows * frames, sizeof *aligner->matrix);
    aligner->cost = va_alloc(2 * (frames + 1), sizeof *aligner->cost);
    aligner->step = va_alloc((rows + 1) * (frames + 1), sizeof *aligner->step);
    if (aligner->capture == NULL || aligner->matrix == NULL || aligner->cost == NULL || aligner->step == NULL) {
        va_aligner_free(aligner);
        return va_fail_memory(error);
    }
    *ret_aligner = aligner;
    return 0;
}

void va_aligner_free(va_aligner *aligner)
{
    if (aligner == NULL)
        return;
    va_free(aligner->capture);
    va_free(aligner->matrix);
    va_free(aligner->cost);
    va_free(aligner->step);
    va_free(aligner);
}

/* Softmax over the frames of each row of one head, and each frame normalised over the rows. weights [rows][stride], of which `frames`
 * count. */
static void normalise_head(const va_model *model, float *weights, size_t stride, int rows, int frames)
{
    for (int r = 0; r < rows; r++) {
        float *row = weights + (size_t)r * stride;
        float top = model->kernels->max(row, frames) * 0.125f;
        model->kernels->scale(row, frames, 1.0f / model->kernels->exp_sum(row, frames, 0.125f, top));
    }
    for (int t = 0; t < frames; t++) {
        double sum = 0.0, squares = 0.0;
        for (int r = 0; r < rows; r++)
            sum += weights[(size_t)r * stride + (size_t)t];
        double mean = sum / rows;
        for (int r = 0; r < rows; r++) {
            double difference = weights[(size_t)r * stride + (size_t)t] - mean;
            squares += difference * difference;
        }
        double deviation = sqrt(squares / rows) + 1e-12;
        for (int r = 0; r < rows; r++) {
            float *w = &weights[(size_t)r * stride + (size_t)t];
            *w = (float)((*w - mean) / deviation);
        }
    }
}

/* Median of MEDIAN_WIDTH values around t, mirrored at the ends. */
static float median_at(const float *row, int frames, int t)
{
    float window[MEDIAN_WIDTH] = {0};
    for (int i = 0; i < MEDIAN_WIDTH; i++) {
        int at = t + i - MEDIAN_WIDTH / 2;
        if (at < 0)
            at = -at;
        if (at >= frames)
            at = 2 * frames - 2 - at;
        float value = row[at < 0 ? 0 : at];
        int place = i;
        for (; place > 0 && window[place - 1] > value; place--)
            window[place] = window[place - 1];
        window[place] = value;
    }
    return window[MEDIAN_WIDTH / 2];
}

/* Cheapest monotonic path through cost = -matrix [rows][frames]; ret_frames [rows]: the frame where it first reaches each row. */
static void warp(va_aligner *aligner, const float *matrix, int rows, int frames, int *ret_frames)
{
    size_t width = (size_t)frames + 1;
    uint8_t *step = aligner->step; /* 0 diagonal, 1 down (next row), 2 right (next frame) */
    float *above = aligner->cost, *here = aligner->cost + width;
    for (size_t t = 0; t < width; t++)
        above[t] = t == 0 ? 0.0f : INFINITY;
    for (int r = 1; r <= rows; r++) {
        here[0] = INFINITY;
        for (int t = 1; t <= frames; t++) {
            float diagonal = above[t - 1], down = above[t], right = here[t - 1];
            uint8_t choice = diagonal < down && diagonal < right ? 0 : down < diagonal && down < right ? 1 : 2;
            here[t] = (choice == 0 ? diagonal : choice == 1 ? down : right) - matrix[(size_t)(r - 1) * (size_t)frames + (size_t)(t - 1)];
            step[(size_t)r * width + (size_t)t] = choice;
        }
        float *swap = above;
        above = here;
        here = swap;
    }
    for (int r = rows, t = frames; r > 0 && t > 0;) {
        ret_frames[r - 1] = t - 1;
        uint8_t choice = step[(size_t)r * width + (size_t)t];
        if (choice != 2)
            r--;
        if (choice != 1)
            t--;
    }
}

/* Raw attention products of every alignment head for the sequence, into the aligner's capture [heads][rows][encoder frames]. */
static void capture_attention(va_aligner *aligner, va_search *search, const va_encoder *encoder, const int32_t *sequence, int rows)
{
    static const struct va_token_set none;
    memset(aligner->capture, 0,
           (size_t)aligner->model->n_alignment * (size_t)rows * (size_t)va_encoder_frames(encoder) * sizeof *aligner->capture);
    va_decoder_capture(va_search_decoder(search), aligner->capture, rows);
    (void)va_search_feed(search, encoder, sequence, rows, &none);
    va_decoder_capture(va_search_decoder(search), NULL, 0);
}

int va_words_align(va_aligner *aligner, va_search *search, const va_encoder *encoder, const int32_t *start, int n_start,
                   const int32_t *tokens, int n, int frames, int *ret_frames, va_error *error)
{
    const va_model *model = aligner->model;
    int32_t sequence[VA_SEARCH_MAX_TOKENS];
    int rows = n_start + 1 + n + 1;
    size_t stride = (size_t)va_encoder_frames(encoder), width = (size_t)frames;
    if (rows > model->text_ctx || n < 1 || frames < 1 || width > stride || model->n_alignment < 1)
        return va_fail(error, VA_EINVAL, "nothing to align");
    memcpy(sequence, start, (size_t)n_start * sizeof *sequence);
    sequence[n_start] = model->special->no_timestamps;
    memcpy(sequence + n_start + 1, tokens, (size_t)n * sizeof *sequence);
    sequence[rows - 1] = model->special->end;

    capture_attention(aligner, search, encoder, sequence, rows);
    memset(aligner->matrix, 0, (size_t)rows * width * sizeof *aligner->matrix);
    for (int h = 0; h < model->n_alignment; h++) {
        float *head = aligner->capture + (size_t)h * (size_t)rows * stride;
        normalise_head(model, head, stride, rows, frames);
        for (int i = 0; i < rows; i++)
            for (int t = 0; t < frames; t++)
                aligner->matrix[(size_t)i * width + (size_t)t] +=
                    median_at(head + (size_t)i * stride, frames, t) / (float)model->n_alignment;
    }
    /* The row of a token's predecessor looks where the token is: rows n_start (<|notimestamps|>) .. up to the last text token. */
    warp(aligner, aligner->matrix + (size_t)n_start * width, n + 1, frames, ret_frames);
    return 0;
}
