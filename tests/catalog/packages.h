/* packages.h - packages of our own making for the tests of fetching. */
#ifndef VA_TESTS_PACKAGES_H
#define VA_TESTS_PACKAGES_H

#include <zip.h>

#include "base/buffer.h"
#include "nn/sha256.h"
#include "temporary.h"

/* FOLDER/NAME: a zip file of n files. */
static inline int make_zip(const char *folder, const char *name, const char *const *files, const struct va_buffer *contents, size_t n)
{
    int code;
    zip_t *zip = zip_open(temporary_path(folder, name), ZIP_CREATE | ZIP_TRUNCATE, &code);
    if (zip == NULL)
        return -1;
    for (size_t i = 0; i < n; i++) {
        zip_source_t *source = zip_source_buffer(zip, contents[i].data, contents[i].size, 0);
        if (source == NULL || zip_file_add(zip, files[i], source, ZIP_FL_ENC_UTF_8) < 0)
            return -1;
    }
    return zip_close(zip);
}

/* SHA-256 of FOLDER/NAME. */
static inline int hash_file(const char *folder, const char *name, char ret_text[VA_SHA256_TEXT_SIZE])
{
    struct va_map map;
    uint8_t digest[VA_SHA256_SIZE];
    if (va_file_map(temporary_path(folder, name), &map, NULL) < 0 || va_sha256_of(map.data, map.size, digest, NULL) < 0)
        return -1;
    va_file_unmap(&map);
    va_sha256_text(digest, ret_text);
    return 0;
}

#endif
