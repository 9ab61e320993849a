#include "audio/source.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio/source_kind.h"

/* What follows prefix in name, or NULL. */
static const char *after(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(name, prefix, n) == 0 ? name + n : NULL;
}

static int open_path(const char *path, int in_real_time, va_audio_source **ret_source, va_error *error)
{
    struct stat info;

    if (stat(path, &info) < 0)
        return va_fail_errno(error, "%s", path);
    if (!S_ISFIFO(info.st_mode))
        return va_source_file_open(path, in_real_time, ret_source, error);
    /* Not blocking: a named pipe whose writer has not come yet must not hold up the opening. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return va_fail_errno(error, "%s", path);
    return va_source_pipe_open(fd, 1, ret_source, error);
}

int va_audio_source_open(const char *name, va_audio_source **ret_source, va_error *error)
{
    const char *path;

    if (strcmp(name, "none") == 0)
        return va_fail(error, VA_ENOTFOUND, "no audio source is configured");
    if (strcmp(name, "-") == 0) {
        int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
            return va_fail_errno(error, "standard input");
        return va_source_pipe_open(fd, 0, ret_source, error);
    }
    if ((path = after(name, "file:")) != NULL)
        return open_path(path, 1, ret_source, error);
    if ((path = after(name, "file-fast:")) != NULL)
        return open_path(path, 0, ret_source, error);
    return va_source_alsa_open(name, ret_source, error);
}

void va_audio_source_free(va_audio_source *source)
{
    if (source != NULL)
        source->free(source);
}

int64_t va_audio_source_read(va_audio_source *source, float *pcm, size_t capacity)
{
    return source->read(source, pcm, capacity);
}

const struct va_audio_source_info *va_audio_source_info(const va_audio_source *source)
{
    return &source->info;
}

void va_source_count_clipped(va_audio_source *source, const float *pcm, size_t n)
{
    for (size_t i = 0; i < n; i++)
        source->info.clipped += pcm[i] >= VA_SOURCE_FULL_SCALE || pcm[i] <= -VA_SOURCE_FULL_SCALE;
}
