/* memory_file.h - a file in memory that parsers can open by path. */
#ifndef VA_FUZZ_MEMORY_FILE_H
#define VA_FUZZ_MEMORY_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct memory_file {
    int fd;
    char path[32];
};

static inline void memory_file_new(struct memory_file *file)
{
    file->fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (file->fd < 0)
        abort();
    snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
}

static inline void memory_file_set(const struct memory_file *file, const void *data, size_t size)
{
    if (ftruncate(file->fd, 0) < 0 || pwrite(file->fd, data, size, 0) != (ssize_t)size)
        abort();
}

#endif
