#include "whisper/import_source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

enum { MAX_ENTRIES = 65536, MAX_VOCAB_BYTES = 4 << 20 };

void va_import_source_free(struct va_import_source *source)
{
    va_free(source->path);
    va_file_unmap(&source->map);
    va_free(source->index.entries);
    va_buffer_free(&source->vocab_bytes);
    va_free(source->vocab_ends);
    va_free(source->suppress.values);
    va_free(source->suppress_begin.values);
    va_free(source->heads.values);
}

int va_import_index_add(struct va_import_index *index, const struct va_import_entry *entry, va_error *error)
{
    if (index->n == MAX_ENTRIES)
        return va_fail(error, VA_EFORMAT, "more than %d tensors", MAX_ENTRIES);
    if (index->n == index->capacity) {
        size_t capacity = index->capacity == 0 ? 64 : 2 * index->capacity;
        struct va_import_entry *entries = va_realloc(index->entries, capacity, sizeof *entries);
        if (entries == NULL)
            return va_fail_memory(error);
        index->entries = entries;
        index->capacity = capacity;
    }
    index->entries[index->n++] = *entry;
    return 0;
}

static int compare_names(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static int by_name(const void *a, const void *b)
{
    const struct va_import_entry *x = a, *y = b;
    return compare_names(x->name, x->name_size, y->name, y->name_size);
}

int va_import_index_sort(struct va_import_index *index, const char *path, va_error *error)
{
    if (index->n == 0)
        return va_fail(error, VA_EFORMAT, "%s: no tensors", path);
    qsort(index->entries, index->n, sizeof *index->entries, by_name);
    for (size_t i = 1; i < index->n; i++)
        if (by_name(&index->entries[i - 1], &index->entries[i]) == 0)
            return va_fail(error, VA_EFORMAT, "%s: tensor %.*s is there twice", path, (int)index->entries[i].name_size,
                           index->entries[i].name);
    return 0;
}

static int compare_key(const void *key, const void *element)
{
    const struct va_import_entry *entry = element;
    return compare_names(key, strlen(key), entry->name, entry->name_size);
}

const struct va_import_entry *va_import_index_get(const struct va_import_index *index, const char *name)
{
    return bsearch(name, index->entries, index->n, sizeof *index->entries, compare_key);
}

int va_import_type_bytes(enum va_import_type type, int rank, const uint64_t *dims, uint64_t *ret_bytes)
{
    static const struct {
        uint8_t block, bytes;
    } sizes[] = {
        [VA_IMPORT_F32] = {1, 4},    [VA_IMPORT_F16] = {1, 2},    [VA_IMPORT_BF16] = {1, 2},   [VA_IMPORT_S8] = {1, 1},
        [VA_IMPORT_S16] = {1, 2},    [VA_IMPORT_S32] = {1, 4},    [VA_IMPORT_Q4_0] = {32, 18}, [VA_IMPORT_Q4_1] = {32, 20},
        [VA_IMPORT_Q5_0] = {32, 22}, [VA_IMPORT_Q5_1] = {32, 24}, [VA_IMPORT_Q8_0] = {32, 34},
    };
    uint64_t elements = 1;

    for (int i = 0; i < rank; i++)
        if (dims[i] == 0 || __builtin_mul_overflow(elements, dims[i], &elements))
            return -1;
    if (sizes[type].block > 1 && (rank == 0 || dims[rank - 1] % sizes[type].block != 0))
        return -1;
    return __builtin_mul_overflow(elements / sizes[type].block, (uint64_t)sizes[type].bytes, ret_bytes) ? -1 : 0;
}

int va_import_check_hparams(const struct va_import_source *source, va_error *error)
{
    const int32_t *h = source->hparams;
    int d = h[VA_HPARAM_WIDTH], heads = h[VA_HPARAM_HEADS];

    if (h[VA_HPARAM_MELS] == 128)
        return va_fail(error, VA_EUNSUPPORTED, "%s: Whisper models with 128 mel bands (large-v3) are not supported", source->path);
    if (h[VA_HPARAM_VOCAB] < 51864 || h[VA_HPARAM_VOCAB] > 51866)
        return va_fail(error, VA_EFORMAT, "%s: %d tokens: not a Whisper vocabulary", source->path, h[VA_HPARAM_VOCAB]);
    if (d < 64 || d > 1280 || d % 64 != 0 || heads != d / 64)
        return va_fail(error, VA_EFORMAT, "%s: width %d with %d heads: not a Whisper model", source->path, d, heads);
    if (h[VA_HPARAM_ENC_LAYERS] < 1 || h[VA_HPARAM_ENC_LAYERS] > 32 || h[VA_HPARAM_DEC_LAYERS] < 1 || h[VA_HPARAM_DEC_LAYERS] > 32)
        return va_fail(error, VA_EFORMAT, "%s: %d and %d layers: not a Whisper model", source->path, h[VA_HPARAM_ENC_LAYERS],
                       h[VA_HPARAM_DEC_LAYERS]);
    if (h[VA_HPARAM_MELS] != 80 || h[VA_HPARAM_AUDIO_CTX] != 1500 || h[VA_HPARAM_TEXT_CTX] != 448)
        return va_fail(error, VA_EFORMAT, "%s: %d mel bands, %d audio and %d text positions: not a Whisper model", source->path,
                       h[VA_HPARAM_MELS], h[VA_HPARAM_AUDIO_CTX], h[VA_HPARAM_TEXT_CTX]);
    return 0;
}

int va_import_vocab_start(struct va_import_source *source, va_error *error)
{
    int n = source->hparams[VA_HPARAM_VOCAB] >= 51865 ? 50257 : 50256;

    va_buffer_init(&source->vocab_bytes, MAX_VOCAB_BYTES);
    source->n_text = 0;
    source->vocab_ends = va_calloc((size_t)n, sizeof *source->vocab_ends);
    return source->vocab_ends == NULL ? va_fail_memory(error) : 0;
}

int va_import_vocab_add(struct va_import_source *source, const void *bytes, size_t n, va_error *error)
{
    int r = va_buffer_append(&source->vocab_bytes, bytes, n);
    if (r == VA_ENOMEM)
        return va_fail_memory(error);
    if (r < 0)
        return va_fail(error, VA_EFORMAT, "%s: the vocabulary is too large", source->path);
    source->vocab_ends[source->n_text++] = (int32_t)source->vocab_bytes.size;
    return 0;
}

static void key_text(const struct va_import_key *key, char ret_text[VA_IMPORT_NAME_SIZE])
{
    const char *part = key->decoder ? "decoder" : "encoder";
    if (key->layer < 0)
        snprintf(ret_text, VA_IMPORT_NAME_SIZE, "%s.%s", part, key->item);
    else
        snprintf(ret_text, VA_IMPORT_NAME_SIZE, "%s.%d.%s", part, key->layer, key->item);
}

static int find_scale(const struct va_import_source *source, const char *name, uint64_t rows, const uint8_t **ret_scale, va_error *error)
{
    char scale_name[VA_IMPORT_NAME_SIZE + 8];
    snprintf(scale_name, sizeof scale_name, "%s_scale", name);
    const struct va_import_entry *entry = va_import_index_get(&source->index, scale_name);

    if (entry == NULL)
        return va_fail(error, VA_EFORMAT, "%s: tensor %s is missing", source->path, scale_name);
    if (entry->type != VA_IMPORT_F32 || entry->rank != 1 || entry->dim[0] != rows)
        return va_fail(error, VA_EFORMAT, "%s: tensor %s has a wrong type or shape", source->path, scale_name);
    *ret_scale = entry->data;
    return 0;
}

static int find_piece(const struct va_import_source *source, const char *name, int rank, const uint64_t *dims,
                      struct va_import_piece *ret_piece, va_error *error)
{
    const struct va_import_entry *entry = va_import_index_get(&source->index, name);

    if (entry == NULL)
        return va_fail(error, VA_EFORMAT, "%s: tensor %s is missing", source->path, name);
    int good = entry->rank == rank && entry->type != VA_IMPORT_S16 && entry->type != VA_IMPORT_S32;
    for (int i = 0; good && i < rank; i++)
        good = entry->dim[i] == dims[i];
    if (!good)
        return va_fail(error, VA_EFORMAT, "%s: tensor %s has a wrong type or shape", source->path, name);
    ret_piece->type = entry->type;
    ret_piece->data = entry->data;
    return entry->type == VA_IMPORT_S8 ? find_scale(source, name, dims[0], &ret_piece->scale, error) : 0;
}

int va_import_find(const struct va_import_source *source, const struct va_import_key *key, int rank, const uint64_t *dims,
                   struct va_import_view *ret_view, va_error *error)
{
    char names[VA_IMPORT_MAX_PIECES][VA_IMPORT_NAME_SIZE], text[VA_IMPORT_NAME_SIZE];
    uint64_t piece_dims[VA_IMPORT_MAX_RANK];
    struct va_import_view view = {.n_pieces = source->names(key, names)};

    if (view.n_pieces == 0) {
        key_text(key, text);
        return va_fail(error, VA_EUNSUPPORTED, "%s: no name is known for %s", source->path, text);
    }
    memcpy(piece_dims, dims, (size_t)rank * sizeof *dims);
    piece_dims[0] /= (uint64_t)view.n_pieces;
    view.row_elements = 1;
    for (int i = 1; i < rank; i++)
        view.row_elements *= dims[i];
    view.piece_elements = piece_dims[0] * view.row_elements;
    for (int i = 0; i < view.n_pieces; i++) {
        if (names[i][0] == '\0')
            continue;
        int r = find_piece(source, names[i], rank, piece_dims, &view.piece[i], error);
        if (r < 0)
            return r;
    }
    *ret_view = view;
    return 0;
}

int va_import_is_s8(const struct va_import_view *view)
{
    for (int i = 0; i < view->n_pieces; i++)
        if (view->piece[i].data == NULL || view->piece[i].type != VA_IMPORT_S8)
            return 0;
    return 1;
}

/* The place of a row, and 1 over its scale. */
static const struct va_import_piece *locate(const struct va_import_view *view, uint64_t row, uint64_t *ret_element, float *ret_step)
{
    uint64_t piece_rows = view->piece_elements / view->row_elements, inner = row % piece_rows;
    const struct va_import_piece *piece = &view->piece[row / piece_rows];
    float scale = 1;

    if (piece->scale != NULL)
        memcpy(&scale, piece->scale + inner * sizeof scale, sizeof scale);
    *ret_element = inner * view->row_elements;
    *ret_step = 1 / scale;
    return piece;
}

int va_import_read_f32(const struct va_import_view *view, uint64_t first, uint64_t n, float *ret_rows)
{
    for (uint64_t i = 0; i < n; i++) {
        float *row = ret_rows + i * view->row_elements, step;
        uint64_t element, bytes;
        const struct va_import_piece *piece = locate(view, first + i, &element, &step);
        if (piece->data == NULL) {
            memset(row, 0, view->row_elements * sizeof *row);
            continue;
        }
        if (va_import_type_bytes(piece->type, 1, &view->row_elements, &bytes) < 0)
            return -1;
        va_import_to_f32(piece->type, piece->data + element / view->row_elements * bytes, view->row_elements, row);
        for (uint64_t j = 0; j < view->row_elements; j++) {
            row[j] *= step;
            if (!isfinite(row[j]))
                return -1;
        }
    }
    return 0;
}

int va_import_read_s8(const struct va_import_view *view, uint64_t first, uint64_t n, int8_t *ret_rows, float *ret_steps)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t element;
        const struct va_import_piece *piece = locate(view, first + i, &element, &ret_steps[i]);
        if (!isfinite(ret_steps[i]) || ret_steps[i] <= 0)
            return -1;
        memcpy(ret_rows + i * view->row_elements, piece->data + element, view->row_elements);
    }
    return 0;
}
