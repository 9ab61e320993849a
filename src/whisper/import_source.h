/* import_source.h - a foreign Whisper model as import.c sees it, whatever its format: what kind of model it is, its vocabulary and
 * token lists, and its tensors by their names of layout.h.
 *
 * A format (import_ct2.c, import_ggml.c) fills an index of all tensors, the hparams and the vocabulary, and gives a function that
 * translates names; finding, checking and reading tensors is done here for all of them. One thread at a time. */
#ifndef VA_WHISPER_IMPORT_SOURCE_H
#define VA_WHISPER_IMPORT_SOURCE_H

#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "whisper/import.h"
#include "whisper/layout.h"

enum va_import_type {
    VA_IMPORT_F32,
    VA_IMPORT_F16,
    VA_IMPORT_BF16,
    VA_IMPORT_S8,   /* q / scale, one f32 scale a row, in a tensor NAME_scale */
    VA_IMPORT_S16,  /* only scalars */
    VA_IMPORT_S32,  /* only scalars */
    VA_IMPORT_Q4_0, /* blocks of 32 values, see import_float.c */
    VA_IMPORT_Q4_1,
    VA_IMPORT_Q5_0,
    VA_IMPORT_Q5_1,
    VA_IMPORT_Q8_0
};

#define VA_IMPORT_MAX_RANK 4

/* A tensor of the foreign file. Data lies anywhere: no alignment. */
struct va_import_entry {
    const char *name; /* [name_size], in the mapping */
    size_t name_size;
    int rank;
    uint64_t dim[VA_IMPORT_MAX_RANK]; /* dim[0] is the slowest */
    enum va_import_type type;
    const uint8_t *data;
    uint64_t bytes;
};

struct va_import_index {
    struct va_import_entry *entries; /* [n], sorted by name after _sort */
    size_t n, capacity;
};

/* "encoder.3.qkv.weight" is {0, 3, "qkv.weight"}; "decoder.norm.gamma" is {1, -1, "norm.gamma"}. */
struct va_import_key {
    int decoder;
    int layer; /* -1: not in a layer */
    const char *item;
};

#define VA_IMPORT_MAX_PIECES 3
#define VA_IMPORT_NAME_SIZE 80

/* The foreign names [VA_IMPORT_MAX_PIECES] of what one tensor is made of, stacked along dim[0] in equal shares; an empty name
 * stands for zeros. Returns how many, 0 when there is no such tensor. */
typedef int (*va_import_names_fn)(const struct va_import_key *key, char ret_names[][VA_IMPORT_NAME_SIZE]);

struct va_import_list {
    int32_t *values;
    size_t n;
};

struct va_import_source {
    char *path; /* of the file of weights, for messages */
    struct va_map map;
    struct va_import_index index;
    va_import_names_fn names;
    int32_t hparams[VA_WHISPER_HPARAMS];
    struct va_buffer vocab_bytes;
    int32_t *vocab_ends; /* [n_text] */
    int n_text;
    struct va_import_list suppress, suppress_begin, heads; /* heads: pairs; values NULL where the source says nothing */
};

/* One tensor of layout.h, found and checked. */
struct va_import_view {
    int n_pieces;
    uint64_t piece_elements, row_elements;
    struct va_import_piece {
        enum va_import_type type;
        const uint8_t *data;  /* NULL: zeros */
        const uint8_t *scale; /* S8: f32 [rows of the piece] */
    } piece[VA_IMPORT_MAX_PIECES];
};

/* Opens the formats; the caller frees source also on failure. */
VA_MUST_CHECK int va_import_ct2_open(const char *folder, struct va_import_source *source, va_error *error);
VA_MUST_CHECK int va_import_ggml_open(const char *path, struct va_import_source *source, va_error *error);
void va_import_source_free(struct va_import_source *source);

/* The config.json and vocabulary of a CTranslate2 folder, after hparams are known. */
VA_MUST_CHECK int va_import_ct2_text(const char *folder, struct va_import_source *source, va_error *error);

/* For the formats: adds an entry; sorts and refuses names that are there twice; looks one up (NULL: not there). */
VA_MUST_CHECK int va_import_index_add(struct va_import_index *index, const struct va_import_entry *entry, va_error *error);
VA_MUST_CHECK int va_import_index_sort(struct va_import_index *index, const char *path, va_error *error);
const struct va_import_entry *va_import_index_get(const struct va_import_index *index, const char *name);

/* Bytes of a tensor with these dims; -1 when there are none such or too many. */
int va_import_type_bytes(enum va_import_type type, int rank, const uint64_t *dims, uint64_t *ret_bytes);

/* For the formats: checks hparams, all but the vocabulary, for being a Whisper we know. */
VA_MUST_CHECK int va_import_check_hparams(const struct va_import_source *source, va_error *error);

/* For the formats: one token's raw bytes after the other. */
VA_MUST_CHECK int va_import_vocab_start(struct va_import_source *source, va_error *error);
VA_MUST_CHECK int va_import_vocab_add(struct va_import_source *source, const void *bytes, size_t n, va_error *error);

VA_MUST_CHECK int va_import_find(const struct va_import_source *source, const struct va_import_key *key, int rank, const uint64_t *dims,
                                 struct va_import_view *ret_view, va_error *error);

/* 1 when all pieces are int8 with a scale a row. */
int va_import_is_s8(const struct va_import_view *view);

/* n whole rows from row first on as floats [n * row_elements], or as int8 with the value of one step [n]. -1: not finite. */
int va_import_read_f32(const struct va_import_view *view, uint64_t first, uint64_t n, float *ret_rows);
int va_import_read_s8(const struct va_import_view *view, uint64_t first, uint64_t n, int8_t *ret_rows, float *ret_steps);

/* n values (for blocks: a multiple of 32) to floats, without scale. */
void va_import_to_f32(enum va_import_type type, const uint8_t *data, uint64_t n, float *ret);

/* Token lists and alignment heads that the source did not give, by the kind of model and its vocabulary. */
VA_MUST_CHECK int va_import_complete_lists(struct va_import_source *source, va_error *error);

static inline uint16_t va_import_u16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t va_import_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* What is left of a file that is read from front to back. */
struct va_import_cursor {
    const uint8_t *p, *end;
};

/* n bytes, or NULL when there are not so many. */
static inline const uint8_t *va_import_take(struct va_import_cursor *cursor, uint64_t n)
{
    if (n > (uint64_t)(cursor->end - cursor->p))
        return NULL;
    const uint8_t *p = cursor->p;
    cursor->p += n;
    return p;
}

static inline int va_import_take_u32(struct va_import_cursor *cursor, uint32_t *ret_value)
{
    const uint8_t *p = va_import_take(cursor, sizeof *ret_value);
    if (p == NULL)
        return -1;
    *ret_value = va_import_u32(p);
    return 0;
}

#endif
