/* container_file.h - where things are in a prepared file; shared by reader and writer only. */
#ifndef VA_NN_CONTAINER_FILE_H
#define VA_NN_CONTAINER_FILE_H

#include <endian.h>
#include <string.h>

#include "nn/container.h"

/* Tensors are used in place. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "prepared files are read in place and need a little-endian processor");

#define VA_CONTAINER_MAGIC "VAMODEL" /* with its NUL */

enum {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_KIND = 12,
    AT_FILE_SIZE = 16,
    AT_TABLE = 24,
    AT_COUNT = 32,
    AT_ZERO = 36,
    AT_SOURCE_SIZE = 40,
    AT_ZEROS = 48,
    AT_HASH = 64,
    AT_SOURCE_HASH = 96,
    HEADER_SIZE = 128,

    ENTRY_NAME = 0,
    ENTRY_TYPE = 64,
    ENTRY_RANK = 68,
    ENTRY_DIMS = 72,
    ENTRY_OFFSET = 104,
    ENTRY_BYTES = 112,
    ENTRY_ZERO = 120,
    ENTRY_SIZE = 128,

    MAX_TENSORS = 65536
};

static inline uint32_t load_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t load_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store_u32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline void store_u64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

/* Bytes of a tensor, or -1 when type, rank or dims [4] make no sense or the size overflows. */
int va_container_tensor_bytes(uint32_t type, uint32_t rank, const uint64_t *dims, uint64_t *ret_bytes);

/* 1 when name is 1..63 printable ASCII characters and NUL to the end of its 64 bytes. */
int va_container_name_good(const char name[VA_CONTAINER_NAME_SIZE]);

/* What the hash covers: all behind the hashes. */
const void *va_container_payload(const va_container *container, size_t *ret_size);

#endif
