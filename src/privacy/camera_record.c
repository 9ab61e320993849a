#include "privacy/camera_record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"

#define FILE_NAME "cameras"

int va_camera_is_name(const char *text, size_t n)
{
    if (n == 0 || n >= VA_CAMERA_NAME_BYTES || text[0] == '.')
        return 0;
    for (size_t i = 0; i < n; i++)
        if (text[i] < ' ' || text[i] > '~' || text[i] == '/')
            return 0;
    return 1;
}

/* The name at *at, which end must follow; moves *at behind that. */
static int take_name(const char *text, size_t size, size_t *at, char end, char ret_name[VA_CAMERA_NAME_BYTES])
{
    const char *start = text + *at, *found = memchr(start, end, size - *at);
    size_t n = found == NULL ? 0 : (size_t)(found - start);

    memcpy(ret_name, start, n < VA_CAMERA_NAME_BYTES ? n : 0);
    *at += n + 1;
    return found != NULL && n < VA_CAMERA_NAME_BYTES;
}

int va_camera_records_parse(const char *text, size_t size, struct va_camera_records *ret_records)
{
    struct va_camera_records records = {0};
    size_t at = 0;

    while (at < size) {
        struct va_camera_record *record = &records.record[records.n];
        if (records.n++ == VA_CAMERAS_MAX || !take_name(text, size, &at, '\t', record->name) ||
            !take_name(text, size, &at, '\t', record->bus) || !take_name(text, size, &at, '\t', record->device) ||
            !take_name(text, size, &at, '\n', record->driver))
            return VA_EFORMAT;
        /* The option's name may be a path, but it is only compared. */
        if (!va_camera_is_name(record->bus, strlen(record->bus)) || !va_camera_is_name(record->device, strlen(record->device)) ||
            !va_camera_is_name(record->driver, strlen(record->driver)))
            return VA_EFORMAT;
    }
    *ret_records = records;
    return 0;
}

int va_camera_records_read(const char *folder, struct va_camera_records *ret_records, va_error *error)
{
    char *path = va_paths_join(folder, FILE_NAME), *text = NULL;
    size_t size = 0;
    if (path == NULL)
        return va_fail_memory(error);
    int r = va_file_read(path, VA_CAMERA_FILE_BYTES, &text, &size, error);
    if (r == VA_ENOTFOUND) {
        *ret_records = (struct va_camera_records){0};
        r = 0;
    } else if (r == 0 && (r = va_camera_records_parse(text, size, ret_records)) < 0) {
        r = va_fail(error, r, "%s is damaged", path);
    }
    va_free(text);
    va_free(path);
    return r;
}

int va_camera_records_write(const char *folder, const struct va_camera_records *records, va_error *error)
{
    char text[VA_CAMERA_FILE_BYTES];
    size_t size = 0;
    char *path = va_paths_join(folder, FILE_NAME);
    if (path == NULL)
        return va_fail_memory(error);
    for (size_t i = 0; i < records->n; i++) {
        const struct va_camera_record *record = &records->record[i];
        size += (size_t)snprintf(text + size, sizeof text - size, "%s\t%s\t%s\t%s\n", record->name, record->bus, record->device,
                                 record->driver);
    }
    int r = 0;
    if (size > 0)
        r = va_file_write(path, text, size, 0600, error);
    else if (unlink(path) < 0 && errno != ENOENT)
        r = va_fail_errno(error, "cannot remove %s", path);
    va_free(path);
    return r;
}

struct va_camera_record *va_camera_records_find(struct va_camera_records *records, const char *name)
{
    for (size_t i = 0; i < records->n; i++)
        if (strcmp(records->record[i].name, name) == 0)
            return &records->record[i];
    return NULL;
}
