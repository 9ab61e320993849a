#include "nn/container.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "nn/container_file.h"

struct va_container {
    struct va_map map;
    size_t count;
    struct va_tensor *tensors;       /* [count], in file order */
    const struct va_tensor **sorted; /* [count], by name */
};

int va_container_tensor_bytes(uint32_t type, uint32_t rank, const uint64_t *dims, uint64_t *ret_bytes)
{
    static const uint8_t sizes[] = {[VA_TENSOR_F32] = 4, [VA_TENSOR_S8] = 1, [VA_TENSOR_S32] = 4, [VA_TENSOR_U8] = 1, [VA_TENSOR_F16] = 2};
    uint64_t bytes;

    if (type >= sizeof sizes || rank > 4)
        return -1;
    bytes = sizes[type];
    for (uint32_t i = 0; i < 4; i++) {
        if (i >= rank && dims[i] != 1)
            return -1;
        if (__builtin_mul_overflow(bytes, dims[i], &bytes))
            return -1;
    }
    *ret_bytes = bytes;
    return 0;
}

int va_container_name_good(const char name[VA_CONTAINER_NAME_SIZE])
{
    size_t n = strnlen(name, VA_CONTAINER_NAME_SIZE);
    if (n == 0 || n == VA_CONTAINER_NAME_SIZE)
        return 0;
    for (size_t i = 0; i < VA_CONTAINER_NAME_SIZE; i++)
        if (i < n ? name[i] <= ' ' || name[i] > '~' : name[i] != '\0')
            return 0;
    return 1;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct va_tensor *const *)a)->name, (*(const struct va_tensor *const *)b)->name);
}

static int check_header(const char *path, const struct va_map *map, enum va_container_kind kind, va_error *error)
{
    static const uint8_t zeros[AT_HASH - AT_ZEROS];
    const uint8_t *p = map->data;

    if (map->size < HEADER_SIZE || memcmp(p + AT_MAGIC, VA_CONTAINER_MAGIC, sizeof VA_CONTAINER_MAGIC) != 0)
        return va_fail(error, VA_EFORMAT, "%s: not a prepared model file; make one with 'voice-assistant model import' or 'model fetch'",
                       path);
    if (load_u32(p + AT_VERSION) != VA_CONTAINER_VERSION)
        return va_fail(
            error, VA_EFORMAT,
            "%s: prepared by another version (format %u, this program reads %u): import it again with 'voice-assistant model import' "
            "or 'model fetch'",
            path, load_u32(p + AT_VERSION), VA_CONTAINER_VERSION);
    if (kind != VA_CONTAINER_ANY && load_u32(p + AT_KIND) != (uint32_t)kind)
        return va_fail(error, VA_EFORMAT, "%s: holds another kind of model (%u, not %u)", path, load_u32(p + AT_KIND), (unsigned)kind);
    if (load_u64(p + AT_FILE_SIZE) != map->size)
        return va_fail(error, VA_EFORMAT, "%s: damaged: it has %zu bytes and should have %llu", path, map->size,
                       (unsigned long long)load_u64(p + AT_FILE_SIZE));
    if (load_u32(p + AT_ZERO) != 0 || memcmp(p + AT_ZEROS, zeros, sizeof zeros) != 0)
        return va_fail(error, VA_EFORMAT, "%s: damaged header", path);

    uint64_t table = load_u64(p + AT_TABLE), count = load_u32(p + AT_COUNT);
    if (table < HEADER_SIZE || table % VA_CONTAINER_ALIGNMENT != 0 || table > map->size || count > MAX_TENSORS ||
        count * ENTRY_SIZE != map->size - table)
        return va_fail(error, VA_EFORMAT, "%s: damaged table of tensors", path);
    return 0;
}

/* Tensors stand in the file in the order of the table: end is where the one before ended, so none can overlap. */
static int read_entry(const char *path, const struct va_map *map, size_t i, uint64_t *end, struct va_tensor *ret_tensor, va_error *error)
{
    uint64_t table = load_u64(map->data + AT_TABLE), bytes, stop;
    const uint8_t *p = map->data + table + i * ENTRY_SIZE;
    uint32_t type = load_u32(p + ENTRY_TYPE), rank = load_u32(p + ENTRY_RANK);
    uint64_t offset = load_u64(p + ENTRY_OFFSET);
    struct va_tensor tensor = {.type = (enum va_tensor_type)type, .rank = (int)rank};

    memcpy(tensor.name, p + ENTRY_NAME, sizeof tensor.name);
    if (!va_container_name_good(tensor.name))
        return va_fail(error, VA_EFORMAT, "%s: damaged: tensor %zu has no proper name", path, i);
    for (int j = 0; j < 4; j++)
        tensor.dim[j] = load_u64(p + ENTRY_DIMS + 8 * j);
    if (va_container_tensor_bytes(type, rank, tensor.dim, &bytes) < 0 || bytes != load_u64(p + ENTRY_BYTES) ||
        load_u64(p + ENTRY_ZERO) != 0)
        return va_fail(error, VA_EFORMAT, "%s: damaged: type or shape of %s", path, tensor.name);
    if (offset < *end || offset % VA_CONTAINER_ALIGNMENT != 0 || __builtin_add_overflow(offset, bytes, &stop) || stop > table)
        return va_fail(error, VA_EFORMAT, "%s: damaged: place of %s", path, tensor.name);
    tensor.data = map->data + offset;
    tensor.bytes = bytes;
    *end = stop;
    *ret_tensor = tensor;
    return 0;
}

int va_container_open(const char *path, enum va_container_kind kind, va_container **ret_container, va_error *error)
{
    uint64_t end = HEADER_SIZE;
    va_container *c = va_calloc(1, sizeof *c);
    int r;

    if (c == NULL)
        return va_fail_memory(error);
    if ((r = va_file_map(path, &c->map, error)) < 0)
        goto fail;
    if ((r = check_header(path, &c->map, kind, error)) < 0)
        goto fail;
    c->count = load_u32(c->map.data + AT_COUNT);
    c->tensors = va_calloc(c->count, sizeof *c->tensors);
    c->sorted = va_calloc(c->count, sizeof *c->sorted);
    if (c->tensors == NULL || c->sorted == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    for (size_t i = 0; i < c->count; i++) {
        if ((r = read_entry(path, &c->map, i, &end, &c->tensors[i], error)) < 0)
            goto fail;
        c->sorted[i] = &c->tensors[i];
    }
    qsort(c->sorted, c->count, sizeof *c->sorted, by_name);
    for (size_t i = 1; i < c->count; i++)
        if (strcmp(c->sorted[i - 1]->name, c->sorted[i]->name) == 0) {
            r = va_fail(error, VA_EFORMAT, "%s: damaged: %s is there twice", path, c->sorted[i]->name);
            goto fail;
        }
    *ret_container = c;
    return 0;

fail:
    va_container_free(c);
    return r;
}

void va_container_free(va_container *container)
{
    if (container == NULL)
        return;
    va_file_unmap(&container->map);
    va_free(container->tensors);
    va_free(container->sorted);
    va_free(container);
}

enum va_container_kind va_container_kind(const va_container *container)
{
    return (enum va_container_kind)load_u32(container->map.data + AT_KIND);
}

size_t va_container_count(const va_container *container)
{
    return container->count;
}

const struct va_tensor *va_container_at(const va_container *container, size_t i)
{
    return &container->tensors[i];
}

static int compare_key(const void *key, const void *element)
{
    return strcmp(key, (*(const struct va_tensor *const *)element)->name);
}

int va_container_get(const va_container *container, const char *name, enum va_tensor_type type, int rank, const uint64_t *dims,
                     const struct va_tensor **ret_tensor, va_error *error)
{
    const struct va_tensor *const *found = bsearch(name, container->sorted, container->count, sizeof *container->sorted, compare_key);

    if (found == NULL)
        return va_fail(error, VA_EFORMAT, "the model file lacks %s", name);
    const struct va_tensor *tensor = *found;
    if (tensor->type != type || tensor->rank != rank)
        return va_fail(error, VA_EFORMAT, "the model file has %s with type %d and rank %d, not %d and %d", name, (int)tensor->type,
                       tensor->rank, (int)type, rank);
    for (int i = 0; i < rank; i++)
        if (dims[i] != 0 && dims[i] != tensor->dim[i])
            return va_fail(error, VA_EFORMAT, "the model file has %s with %llu at dimension %d, not %llu", name,
                           (unsigned long long)tensor->dim[i], i, (unsigned long long)dims[i]);
    *ret_tensor = tensor;
    return 0;
}

const uint8_t *va_container_hash(const va_container *container)
{
    return container->map.data + AT_HASH;
}

const uint8_t *va_container_source_hash(const va_container *container)
{
    return container->map.data + AT_SOURCE_HASH;
}

uint64_t va_container_source_size(const va_container *container)
{
    return load_u64(container->map.data + AT_SOURCE_SIZE);
}

uint64_t va_container_file_size(const va_container *container)
{
    return container->map.size;
}

const void *va_container_payload(const va_container *container, size_t *ret_size)
{
    *ret_size = container->map.size - HEADER_SIZE;
    return container->map.data + HEADER_SIZE;
}
