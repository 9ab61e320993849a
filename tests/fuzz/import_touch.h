/* import_touch.h - reads all that an opened foreign model offers. */
#ifndef VA_FUZZ_IMPORT_TOUCH_H
#define VA_FUZZ_IMPORT_TOUCH_H

#include "base/memory.h"
#include "whisper/import_source.h"

/* Changes to a good file: u32 offset, u8 count (0..15), bytes; again and again. */
static inline void import_patch(uint8_t *file, size_t file_size, const uint8_t *data, size_t size)
{
    while (size >= 5) {
        size_t at = va_import_u32(data) % file_size, n = data[4] & 15;
        data += 5;
        size -= 5;
        for (size_t i = 0; i < n && i < size && at + i < file_size; i++)
            file[at + i] = data[i];
        data += n < size ? n : size;
        size -= n < size ? n : size;
    }
}

static inline void import_touch_tensor(const struct va_import_source *source, const struct va_import_key *key, int rank, uint64_t rows,
                                       uint64_t k)
{
    const uint64_t dims[3] = {rows, rank == 3 ? k / 3 : k, 3};
    struct va_import_view view;
    va_error error;

    if (va_import_find(source, key, rank, dims, &view, &error) < 0)
        return;
    uint64_t n = rows < 40 ? rows : 40;
    float *values = va_alloc(n * k, sizeof *values), *steps = va_alloc(n, sizeof *steps);
    if (values != NULL && steps != NULL) {
        (void)!va_import_read_f32(&view, 0, n, values);
        (void)!va_import_read_f32(&view, rows - n, n, values);
        if (va_import_is_s8(&view))
            (void)!va_import_read_s8(&view, rows - n, n, (int8_t *)values, steps);
    }
    va_free(values);
    va_free(steps);
}

static inline void import_touch_lists(struct va_import_source *source)
{
    va_error error;
    (void)!va_import_complete_lists(source, &error);
}

static inline void import_touch(const struct va_import_source *source)
{
    static const struct {
        const char *item;
        int layer, rank, rows, k; /* rows and k in widths; k 0: 1 */
    } items[] = {
        {"qkv.weight", 0, 2, 3, 1},    {"qkv.bias", 0, 1, 3, 0},       {"out.weight", 0, 2, 1, 1},    {"mlp1.weight", 0, 2, 4, 1},
        {"mlp2.weight", 0, 2, 1, 4},   {"attn_norm.beta", 0, 1, 1, 0}, {"cross_q.bias", 0, 1, 1, 0},  {"cross_kv.weight", 0, 2, 2, 1},
        {"cross_kv.bias", 0, 1, 2, 0}, {"norm.gamma", -1, 1, 1, 0},    {"conv2.weight", -1, 3, 1, 3}, {"conv1.bias", -1, 1, 1, 0},
    };
    uint64_t d = (uint64_t)source->hparams[VA_HPARAM_WIDTH];
    for (int decoder = 0; decoder < 2; decoder++)
        for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
            const struct va_import_key key = {decoder, items[i].layer, items[i].item};
            import_touch_tensor(source, &key, items[i].rank, (uint64_t)items[i].rows * d, items[i].k == 0 ? 1 : (uint64_t)items[i].k * d);
        }
    import_touch_tensor(source, &(struct va_import_key){1, -1, "embedding.weight"}, 2, (uint64_t)source->hparams[VA_HPARAM_VOCAB], d);
    import_touch_tensor(source, &(struct va_import_key){0, -1, "positions"}, 2, 1500, d);
}

#endif
