#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio/pcm_reader.h"
#include "base/file.h"
#include "base/memory.h"

#define COPY_BYTES 65536

/* An unlinked file: nothing of the audio outlives the descriptor. */
static int open_temporary(int *ret_fd, va_error *error)
{
    const char *folder = getenv("TMPDIR");

    if (folder == NULL || folder[0] == '\0')
        folder = "/tmp";
    return va_file_open_unnamed(folder, ret_fd, error);
}

static int copy_to_temporary(int from, const char *name, uint64_t max_bytes, va_error *error)
{
    uint64_t total = 0;
    int r, to = -1;
    char *buffer = va_alloc(COPY_BYTES, 1);

    if (buffer == NULL)
        return va_fail_memory(error);
    r = open_temporary(&to, error);
    while (r >= 0) {
        ssize_t n = read(from, buffer, COPY_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = va_fail_errno(error, "%s", name);
        if (n <= 0)
            break;
        total += (uint64_t)n;
        if (total > max_bytes)
            r = va_fail(error, VA_ELIMIT, "%s: more than %llu bytes", name, (unsigned long long)max_bytes);
        else if (va_file_write_all(to, buffer, (size_t)n) < 0)
            r = va_fail_errno(error, "%s: copying to a temporary file", name);
    }
    va_free(buffer);
    if (r >= 0)
        return to;
    if (to >= 0)
        close(to);
    return r;
}

int va_audio_open_seekable(const char *path, uint64_t max_bytes, int *ret_fd, va_error *error)
{
    int is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    struct stat info;
    int r;

    int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &info) < 0) {
        r = va_fail_errno(error, "%s", name);
        goto fail;
    }
    if (S_ISREG(info.st_mode) && (!is_stdin || lseek(fd, 0, SEEK_CUR) == 0)) {
        *ret_fd = fd;
        return 0;
    }
    if (!is_stdin && !S_ISFIFO(info.st_mode)) {
        r = va_fail(error, VA_EUNSUPPORTED, "%s: a %s, not an audio file", name, S_ISDIR(info.st_mode) ? "folder" : "device");
        goto fail;
    }
    r = copy_to_temporary(fd, name, max_bytes, error);
    if (r < 0)
        goto fail;
    close(fd);
    *ret_fd = r;
    return 0;

fail:
    if (fd >= 0)
        close(fd);
    return r;
}

/* A plausible MPEG audio frame header. */
static int is_mpeg(const uint8_t *p)
{
    return p[0] == 0xff && (p[1] & 0xe0) == 0xe0 && (p[1] & 0x18) != 0x08 && (p[1] & 0x06) != 0 && (p[2] & 0xf0) != 0xf0 &&
           (p[2] & 0x0c) != 0x0c;
}

int va_audio_sniff(int fd, const char *name, enum va_audio_format *ret_format, uint64_t *ret_start, va_error *error)
{
    uint8_t head[12] = {0}, after[4] = {0};
    uint64_t start = 0;

    ssize_t n = pread(fd, head, sizeof head, 0);
    if (n < 0)
        return va_fail_errno(error, "%s", name);
    if (n == 0)
        return va_fail(error, VA_EFORMAT, "%s: empty", name);
    if (memcmp(head, "ID3", 3) == 0) {
        start =
            10 + ((uint64_t)(head[6] & 0x7f) << 21 | (uint64_t)(head[7] & 0x7f) << 14 | (uint64_t)(head[8] & 0x7f) << 7 | (head[9] & 0x7f));
        if (pread(fd, after, sizeof after, (off_t)start) < 0)
            return va_fail_errno(error, "%s", name);
    } else {
        memcpy(after, head, sizeof after);
    }

    if (memcmp(after, "fLaC", 4) == 0) {
        *ret_format = VA_AUDIO_FLAC;
    } else if (start > 0 || is_mpeg(head)) {
        *ret_format = VA_AUDIO_MP3;
    } else if (memcmp(head, "OggS", 4) == 0) {
        *ret_format = VA_AUDIO_OGG;
    } else if ((memcmp(head, "RIFF", 4) == 0 || memcmp(head, "RIFX", 4) == 0 || memcmp(head, "RF64", 4) == 0) &&
               memcmp(head + 8, "WAVE", 4) == 0) {
        *ret_format = VA_AUDIO_WAV;
    } else {
        return va_fail(error, VA_EUNSUPPORTED, "%s: not a format handled here (WAV, FLAC, Ogg Vorbis, Ogg Opus, MP3)", name);
    }
    *ret_start = start;
    return 0;
}
