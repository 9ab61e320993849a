/* file.h - files: bounded reading, mapping, and writing that leaves nothing half-made. Any thread. */
#ifndef VA_BASE_FILE_H
#define VA_BASE_FILE_H

#include "base/error.h"

/* The whole file, NUL-terminated (the NUL is not counted in ret_size). VA_ELIMIT when it is larger than max. Free with va_free. */
VA_MUST_CHECK int va_file_read(const char *path, size_t max, char **ret_data, size_t *ret_size, va_error *error);

/* Writes to a temporary file beside path, syncs it, and renames it into place. */
VA_MUST_CHECK int va_file_write(const char *path, const void *data, size_t size, unsigned mode, va_error *error);

/* Makes that path was made or renamed last through a power cut. Shortens path to its folder. */
void va_file_sync_parent(char *path);
/* For what root made at path: gives it to the owner of its folder. A service with a user of its own then can use what root put there for
 * it, such as a token. Does nothing for other users, and where the owner is root. va_file_write and va_file_make_folder do it. */
void va_file_hand_over(int fd, const char *path);
/* A file without a name in folder, mode 0600: nothing of it outlives its last descriptor. Closed on exec. */
VA_MUST_CHECK int va_file_open_unnamed(const char *folder, int *ret_fd, va_error *error);

/* All of data to fd, whatever interrupts it. VA_EIO, with errno as write left it. */
VA_MUST_CHECK int va_file_write_all(int fd, const void *data, size_t n);

struct va_map {
    const uint8_t *data;
    size_t size;
};

/* Maps a regular file read-only and shared. An empty file is VA_EFORMAT. */
VA_MUST_CHECK int va_file_map(const char *path, struct va_map *ret_map, va_error *error);
void va_file_unmap(struct va_map *map);

/* mkdir -p; existing folders are fine. */
VA_MUST_CHECK int va_file_make_folder(const char *path, unsigned mode, va_error *error);

/* Removes a file or a folder with all in it. Does not follow links. Missing is fine. */
VA_MUST_CHECK int va_file_remove_tree(const char *path, va_error *error);

int va_file_exists(const char *path);

#endif
