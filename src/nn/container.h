/* container.h - the prepared model file: a table of named, typed, aligned tensors, mapped read-only.
 *
 *   header   64 bytes: magic "VAMODEL" and a zero byte, u32 version, u32 kind, u64 file size, u64 table offset, u32 tensors,
 *            u32 zero, u64 source size, u8[16] zero
 *   hashes   SHA-256 of everything after the hashes (32), SHA-256 of the source it was made from (32)
 *   data     each tensor at a multiple of 64
 *   table    one 128-byte entry a tensor: name[64] (NUL-padded), u32 type, u32 rank, u64 dim[4], u64 offset, u64 bytes, u64 zero
 *
 * Integers are little-endian. Opening checks header and table (every offset, count, size and name) and reads no data; verifying
 * also checks the hash. A reader refuses any version but its own. A va_container is immutable: any thread. */
#ifndef VA_NN_CONTAINER_H
#define VA_NN_CONTAINER_H

#include "base/error.h"

#define VA_CONTAINER_VERSION 2u
#define VA_CONTAINER_NAME_SIZE 64
#define VA_CONTAINER_ALIGNMENT 64

/* ANY stands in no file: it opens all of them. */
enum va_container_kind {
    VA_CONTAINER_ANY = 0,
    VA_CONTAINER_WHISPER = 1,
    VA_CONTAINER_VAD = 2,
    VA_CONTAINER_WAKE = 3,
    VA_CONTAINER_WORD = 4
};
enum va_tensor_type { VA_TENSOR_F32 = 0, VA_TENSOR_S8 = 1, VA_TENSOR_S32 = 2, VA_TENSOR_U8 = 3, VA_TENSOR_F16 = 4 };

typedef struct va_container va_container;

struct va_tensor {
    char name[VA_CONTAINER_NAME_SIZE];
    enum va_tensor_type type;
    int rank;         /* 0..4; 0 is a scalar */
    uint64_t dim[4];  /* dim[0] is the slowest; unused ones are 1 */
    const void *data; /* 64-byte aligned, in the mapping */
    uint64_t bytes;
};

/* VA_EFORMAT: not a prepared file, damaged, or of another version (the message says to import again). */
VA_MUST_CHECK int va_container_open(const char *path, enum va_container_kind kind, va_container **ret_container, va_error *error);
void va_container_free(va_container *container);
VA_MUST_CHECK int va_container_verify(const va_container *container, va_error *error);

enum va_container_kind va_container_kind(const va_container *container);
size_t va_container_count(const va_container *container);
const struct va_tensor *va_container_at(const va_container *container, size_t i);
/* Finds a tensor and checks its type, rank and dims [rank] (0 = any size). VA_EFORMAT says what is missing or differs. */
VA_MUST_CHECK int va_container_get(const va_container *container, const char *name, enum va_tensor_type type, int rank,
                                   const uint64_t *dims, const struct va_tensor **ret_tensor, va_error *error);
const uint8_t *va_container_hash(const va_container *container);        /* [32] */
const uint8_t *va_container_source_hash(const va_container *container); /* [32] */
uint64_t va_container_source_size(const va_container *container);
uint64_t va_container_file_size(const va_container *container);

/* Writing: tensors one after the other into a temporary file beside path; _finish syncs and renames, _free without it leaves nothing. */
typedef struct va_container_writer va_container_writer;
VA_MUST_CHECK int va_container_writer_new(const char *path, enum va_container_kind kind, const uint8_t source_hash[32],
                                          uint64_t source_size, va_container_writer **ret_writer, va_error *error);
VA_MUST_CHECK int va_container_writer_add(va_container_writer *writer, const char *name, enum va_tensor_type type, int rank,
                                          const uint64_t *dims, const void *data, va_error *error);
VA_MUST_CHECK int va_container_writer_finish(va_container_writer *writer, va_error *error);
/* The file will be its owner's alone to read: to be called before _finish. */
void va_container_writer_keep_private(va_container_writer *writer);
void va_container_writer_free(va_container_writer *writer);

#endif
