/* file.c - a word to a container and back. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "word/state.h"

/*   info      s32 [4]   language, writings, templates, samples of a span
 *   noise     f32 [1]   log-probability of the writings in noise
 *   writings  s32 [writings][8]  tokens, -1 behind the last
 * and of a word that has templates
 *   frames    s32 [templates]
 *   mean, scale  f32 [d]
 *   panels    f32 [columns / 16][d * 16]
 * The source hash is that of the model. */
enum { INFO_LANGUAGE, INFO_WRITINGS, INFO_TEMPLATES, INFO_SPAN, INFO_SIZE };

/* ---- writing ---- */

static int add(va_container_writer *writer, const char *name, enum va_tensor_type type, size_t rows, size_t columns, const void *data,
               va_error *error)
{
    const uint64_t dims[2] = {rows, columns};
    return va_container_writer_add(writer, name, type, columns == 0 ? 1 : 2, dims, data, error);
}

static int add_all(const va_word_model *word, va_container_writer *writer, va_error *error)
{
    const int32_t info[INFO_SIZE] = {word->language, word->n_writings, word->n_templates, (int32_t)word->span_samples};
    int32_t tokens[VA_WORD_MAX_WRITINGS][VA_SCORE_MAX_TOKENS], frames[VA_WORD_MAX_SAMPLES];
    size_t d = (size_t)word->model->width;

    for (int i = 0; i < word->n_writings; i++)
        for (int j = 0; j < VA_SCORE_MAX_TOKENS; j++)
            tokens[i][j] = j < word->writings[i].n ? word->writings[i].tokens[j] : -1;
    for (int i = 0; i < word->n_templates; i++)
        frames[i] = word->frames[i];
    int r = add(writer, "info", VA_TENSOR_S32, INFO_SIZE, 0, info, error);
    if (r == 0)
        r = add(writer, "noise", VA_TENSOR_F32, 1, 0, &word->noise_logprob, error);
    if (r == 0)
        r = add(writer, "writings", VA_TENSOR_S32, (size_t)word->n_writings, VA_SCORE_MAX_TOKENS, tokens, error);
    if (r < 0 || word->n_templates == 0)
        return r;
    r = add(writer, "frames", VA_TENSOR_S32, (size_t)word->n_templates, 0, frames, error);
    if (r == 0)
        r = add(writer, "mean", VA_TENSOR_F32, d, 0, word->mean, error);
    if (r == 0)
        r = add(writer, "scale", VA_TENSOR_F32, d, 0, word->scale, error);
    if (r == 0)
        r = add(writer, "panels", VA_TENSOR_F32, (size_t)word->n_columns / VA_PANEL, d * VA_PANEL, word->panels, error);
    return r;
}

int va_word_save(const va_word_model *word, const char *path, va_error *error)
{
    va_container_writer *writer;
    int r = va_container_writer_new(path, VA_CONTAINER_WORD, va_container_hash(word->model->container), 0, &writer, error);

    if (r < 0)
        return r;
    va_container_writer_keep_private(writer);
    r = add_all(word, writer, error);
    if (r == 0)
        r = va_container_writer_finish(writer, error);
    va_container_writer_free(writer);
    return r;
}

/* ---- reading ---- */

static int fail_value(const char *path, va_error *error)
{
    return va_fail(error, VA_EFORMAT, "%s: the word is damaged: a value is out of its range", path);
}

static int in_range(int32_t value, int32_t least, int32_t most)
{
    return value >= least && value <= most;
}

static int all_finite(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return 0;
    return 1;
}

/* A tensor's data; columns 0: of one dimension. NULL, and the error, when it is not there. */
static const void *get(const va_container *container, const char *name, enum va_tensor_type type, size_t rows, size_t columns,
                       va_error *error)
{
    const uint64_t dims[2] = {rows, columns};
    const struct va_tensor *tensor;
    return va_container_get(container, name, type, columns == 0 ? 1 : 2, dims, &tensor, error) < 0 ? NULL : tensor->data;
}

static int read_writings(va_word_model *word, const va_container *container, const char *path, va_error *error)
{
    const int32_t *tokens = get(container, "writings", VA_TENSOR_S32, (size_t)word->n_writings, VA_SCORE_MAX_TOKENS, error);

    if (tokens == NULL)
        return VA_EFORMAT;
    for (int i = 0; i < word->n_writings; i++, tokens += VA_SCORE_MAX_TOKENS) {
        struct va_token_sequence *writing = &word->writings[i];
        for (writing->n = 0; writing->n < VA_SCORE_MAX_TOKENS && tokens[writing->n] != -1; writing->n++) {
            if (!in_range(tokens[writing->n], 0, word->model->special->end - 1))
                return fail_value(path, error);
            writing->tokens[writing->n] = tokens[writing->n];
        }
        if (writing->n == 0)
            return fail_value(path, error);
    }
    return va_word_set_text(word, error);
}

static int read_templates(va_word_model *word, const va_container *container, const char *path, va_error *error)
{
    size_t d = (size_t)word->model->width, size;
    const int32_t *frames = get(container, "frames", VA_TENSOR_S32, (size_t)word->n_templates, 0, error);
    const float *mean = get(container, "mean", VA_TENSOR_F32, d, 0, error), *scale = get(container, "scale", VA_TENSOR_F32, d, 0, error);

    if (frames == NULL || mean == NULL || scale == NULL)
        return VA_EFORMAT;
    for (int i = 0; i < word->n_templates; i++) {
        if (!in_range(frames[i], 1, VA_WORD_MAX_FRAMES))
            return fail_value(path, error);
        word->frames[i] = frames[i];
        word->n_columns += frames[i];
    }
    word->n_columns = (word->n_columns + VA_PANEL - 1) / VA_PANEL * VA_PANEL;
    const float *panels = get(container, "panels", VA_TENSOR_F32, (size_t)word->n_columns / VA_PANEL, d * VA_PANEL, error);
    if (panels == NULL)
        return VA_EFORMAT;
    size = (size_t)word->n_columns * d;
    if (!all_finite(mean, d) || !all_finite(scale, d) || !all_finite(panels, size))
        return fail_value(path, error);
    word->mean = va_alloc_aligned(d, sizeof(float));
    word->scale = va_alloc_aligned(d, sizeof(float));
    word->panels = va_alloc_aligned(size, sizeof(float));
    if (word->mean == NULL || word->scale == NULL || word->panels == NULL)
        return va_fail_memory(error);
    memcpy(word->mean, mean, d * sizeof(float));
    memcpy(word->scale, scale, d * sizeof(float));
    memcpy(word->panels, panels, size * sizeof(float));
    return 0;
}

static int read_word(va_word_model *word, const va_container *container, const char *path, va_error *error)
{
    const int32_t *info = get(container, "info", VA_TENSOR_S32, INFO_SIZE, 0, error);
    const float *noise = get(container, "noise", VA_TENSOR_F32, 1, 0, error);
    int n_languages = word->model->special->multilingual ? word->model->special->n_languages : 1;

    if (info == NULL || noise == NULL)
        return VA_EFORMAT;
    if (!in_range(info[INFO_LANGUAGE], 0, n_languages - 1) || !in_range(info[INFO_WRITINGS], 1, VA_WORD_MAX_WRITINGS) ||
        !in_range(info[INFO_TEMPLATES], 0, VA_WORD_MAX_SAMPLES) || !in_range(info[INFO_SPAN], VA_WORD_SHORTEST, VA_WORD_MAX_SPAN) ||
        !isfinite(*noise))
        return fail_value(path, error);
    word->language = info[INFO_LANGUAGE];
    word->n_writings = info[INFO_WRITINGS];
    word->n_templates = info[INFO_TEMPLATES];
    word->span_samples = (size_t)info[INFO_SPAN];
    word->noise_logprob = *noise;
    int r = read_writings(word, container, path, error);
    return r < 0 || word->n_templates == 0 ? r : read_templates(word, container, path, error);
}

int va_word_load(const va_model *model, const char *path, va_word_model **ret_word, va_error *error)
{
    va_container *container;
    int r = va_container_open(path, VA_CONTAINER_WORD, &container, error);

    if (r < 0)
        return r;
    va_word_model *word = va_calloc(1, sizeof *word);
    if (word == NULL) {
        r = va_fail_memory(error);
    } else if (memcmp(va_container_source_hash(container), va_container_hash(model->container), 32) != 0) {
        r = va_fail(error, VA_EUNSUPPORTED, "%s: was enrolled with another model: enrol the word again", path);
    } else if ((r = va_container_verify(container, error)) == 0) {
        word->model = model;
        r = read_word(word, container, path, error);
    }
    va_container_free(container);
    if (r < 0) {
        va_word_free(word);
        return r;
    }
    *ret_word = word;
    return 0;
}
