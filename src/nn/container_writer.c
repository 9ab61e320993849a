#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "nn/container_file.h"
#include "nn/sha256.h"

struct va_container_writer {
    char *path, *temporary;
    int fd, folder;
    mode_t mode;
    enum va_container_kind kind;
    uint8_t source_hash[VA_SHA256_SIZE];
    uint64_t source_size;
    uint64_t offset;        /* bytes so far */
    struct va_buffer table; /* entries so far */
    va_sha256 *hash;
};

int va_container_verify(const va_container *container, va_error *error)
{
    uint8_t digest[VA_SHA256_SIZE];
    size_t size;
    const void *data = va_container_payload(container, &size);
    int r = va_sha256_of(data, size, digest, error);
    if (r < 0)
        return r;
    if (memcmp(digest, va_container_hash(container), sizeof digest) != 0)
        return va_fail(error, VA_EFORMAT, "the model file is damaged: its content does not match its SHA-256; fetch or import it again");
    return 0;
}

/* The temporary file beside the path, with its header still zero. */
static int create(va_container_writer *w, va_error *error)
{
    static const uint8_t header[HEADER_SIZE];
    char *copy = va_strdup(w->path), *temporary = va_asprintf("%s.XXXXXX", w->path);
    int r = 0;

    if (copy == NULL || temporary == NULL) {
        r = va_fail_memory(error);
        goto done;
    }
    if ((w->folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || (w->fd = mkostemp(temporary, O_CLOEXEC)) < 0) {
        r = va_fail_errno(error, "cannot write %s", w->path);
        goto done;
    }
    va_file_hand_over(w->fd, w->path);
    w->temporary = temporary;
    temporary = NULL;
    if (write(w->fd, header, sizeof header) != (ssize_t)sizeof header)
        r = va_fail_errno(error, "cannot write %s", w->path);
done:
    va_free(temporary);
    va_free(copy);
    return r;
}

int va_container_writer_new(const char *path, enum va_container_kind kind, const uint8_t source_hash[32], uint64_t source_size,
                            va_container_writer **ret_writer, va_error *error)
{
    va_container_writer *w = va_calloc(1, sizeof *w);
    int r;

    if (w == NULL)
        return va_fail_memory(error);
    w->fd = w->folder = -1;
    w->mode = 0644;
    w->kind = kind;
    w->source_size = source_size;
    w->offset = HEADER_SIZE;
    memcpy(w->source_hash, source_hash, sizeof w->source_hash);
    va_buffer_init(&w->table, (size_t)MAX_TENSORS * ENTRY_SIZE);
    if ((w->path = va_strdup(path)) == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    if ((r = va_sha256_new(&w->hash, error)) < 0)
        goto fail;
    if ((r = create(w, error)) < 0)
        goto fail;
    *ret_writer = w;
    return 0;

fail:
    va_container_writer_free(w);
    return r;
}

void va_container_writer_free(va_container_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    if (writer->folder >= 0)
        close(writer->folder);
    if (writer->temporary != NULL)
        unlink(writer->temporary);
    va_sha256_free(writer->hash);
    va_buffer_free(&writer->table);
    va_free(writer->temporary);
    va_free(writer->path);
    va_free(writer);
}

void va_container_writer_keep_private(va_container_writer *writer)
{
    writer->mode = 0600;
}

static int write_hashed(va_container_writer *w, const void *data, uint64_t size, va_error *error)
{
    int r = va_sha256_update(w->hash, data, size, error);
    if (r < 0)
        return r;
    for (uint64_t done = 0; done < size;) {
        ssize_t n = write(w->fd, (const char *)data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return va_fail_errno(error, "cannot write %s", w->path);
        done += (uint64_t)n;
    }
    w->offset += size;
    return 0;
}

static int write_padding(va_container_writer *w, va_error *error)
{
    static const uint8_t zeros[VA_CONTAINER_ALIGNMENT];
    return write_hashed(w, zeros, -w->offset % VA_CONTAINER_ALIGNMENT, error);
}

int va_container_writer_add(va_container_writer *writer, const char *name, enum va_tensor_type type, int rank, const uint64_t *dims,
                            const void *data, va_error *error)
{
    uint8_t entry[ENTRY_SIZE] = {0};
    uint64_t all[4] = {1, 1, 1, 1}, bytes;
    int r;

    if (rank < 0 || rank > 4)
        return va_fail(error, VA_EINVAL, "%s: rank %d", name, rank);
    for (int i = 0; i < rank; i++)
        all[i] = dims[i];
    strncpy((char *)entry + ENTRY_NAME, name, VA_CONTAINER_NAME_SIZE - 1);
    if (strlen(name) >= VA_CONTAINER_NAME_SIZE || !va_container_name_good((const char *)entry + ENTRY_NAME))
        return va_fail(error, VA_EINVAL, "%s: not a name for a tensor", name);
    if (va_container_tensor_bytes((uint32_t)type, (uint32_t)rank, all, &bytes) < 0 || bytes > SIZE_MAX / 2)
        return va_fail(error, VA_EINVAL, "%s: type or shape", name);
    for (size_t i = 0; i < writer->table.size; i += ENTRY_SIZE)
        if (strcmp(writer->table.data + i, name) == 0)
            return va_fail(error, VA_EINVAL, "%s: written twice", name);

    if ((r = write_padding(writer, error)) < 0)
        return r;
    store_u32(entry + ENTRY_TYPE, (uint32_t)type);
    store_u32(entry + ENTRY_RANK, (uint32_t)rank);
    for (int i = 0; i < 4; i++)
        store_u64(entry + ENTRY_DIMS + 8 * i, all[i]);
    store_u64(entry + ENTRY_OFFSET, writer->offset);
    store_u64(entry + ENTRY_BYTES, bytes);
    if ((r = va_buffer_append(&writer->table, entry, sizeof entry)) < 0)
        return va_fail(error, r, "%s: %s", name, va_status_text(r));
    return write_hashed(writer, data, bytes, error);
}

int va_container_writer_finish(va_container_writer *writer, va_error *error)
{
    uint8_t header[HEADER_SIZE] = {0};
    uint64_t table;
    int r;

    if ((r = write_padding(writer, error)) < 0)
        return r;
    table = writer->offset;
    if ((r = write_hashed(writer, writer->table.data, writer->table.size, error)) < 0)
        return r;
    memcpy(header + AT_MAGIC, VA_CONTAINER_MAGIC, sizeof VA_CONTAINER_MAGIC);
    store_u32(header + AT_VERSION, VA_CONTAINER_VERSION);
    store_u32(header + AT_KIND, (uint32_t)writer->kind);
    store_u64(header + AT_FILE_SIZE, writer->offset);
    store_u64(header + AT_TABLE, table);
    store_u32(header + AT_COUNT, (uint32_t)(writer->table.size / ENTRY_SIZE));
    store_u64(header + AT_SOURCE_SIZE, writer->source_size);
    if ((r = va_sha256_final(writer->hash, header + AT_HASH, error)) < 0)
        return r;
    memcpy(header + AT_SOURCE_HASH, writer->source_hash, sizeof writer->source_hash);
    if (pwrite(writer->fd, header, sizeof header, 0) != (ssize_t)sizeof header || fchmod(writer->fd, writer->mode) < 0 ||
        fsync(writer->fd) < 0 || rename(writer->temporary, writer->path) < 0)
        return va_fail_errno(error, "cannot write %s", writer->path);
    va_free(writer->temporary);
    writer->temporary = NULL;
    fsync(writer->folder); /* the rename itself; the file is whole whether this works or not */
    return 0;
}
