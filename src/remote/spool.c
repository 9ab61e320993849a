#include "remote/spool.h"

#include <string.h>
#include <unistd.h>

#include "audio/decode.h"
#include "audio/flac.h"
#include "base/file.h"

/* A va_read_fn over samples in memory. */
struct samples {
    const float *pcm;
    size_t left;
};

static int64_t read_samples(void *user, float *pcm, size_t capacity)
{
    struct samples *samples = user;
    size_t n = samples->left < capacity ? samples->left : capacity;

    if (n > 0)
        memcpy(pcm, samples->pcm, n * sizeof *pcm);
    samples->pcm += n;
    samples->left -= n;
    return (int64_t)n;
}

int va_spool_fill(struct va_spool *spool, const char *folder, const va_task *task, int (*must_stop)(void *user), void *user,
                  va_error *error)
{
    struct samples samples = {task->pcm, task->n_samples};
    uint64_t n_samples;

    *spool = (struct va_spool){.fd = -1};
    int r = va_file_open_unnamed(folder, &spool->fd, error);
    if (r == 0 && task->read != NULL)
        r = va_flac_write(spool->fd, task->read, task->user, must_stop, user, &n_samples, error);
    else if (r == 0)
        r = va_flac_write(spool->fd, read_samples, &samples, must_stop, user, &n_samples, error);
    off_t end = r == 0 ? lseek(spool->fd, 0, SEEK_END) : 0;
    if (r == 0 && end <= 0)
        r = va_fail_errno(error, "the audio of a job");
    if (r < 0)
        va_spool_clear(spool);
    else
        spool->bytes = (uint64_t)end;
    return r;
}

void va_spool_clear(struct va_spool *spool)
{
    va_audio_decoder_free(spool->decoder);
    if (spool->fd >= 0)
        close(spool->fd);
    *spool = (struct va_spool){.fd = -1};
}

size_t va_spool_piece(const struct va_spool *spool, uint64_t offset, char *ret_piece, size_t capacity)
{
    ssize_t n = pread(spool->fd, ret_piece, capacity, (off_t)offset);
    return n > 0 ? (size_t)n : 0;
}

int64_t va_spool_read(void *user, float *pcm, size_t capacity)
{
    struct va_spool *spool = user;

    if (spool->decoder == NULL) {
        int fd = spool->fd;
        spool->fd = -1;
        if (lseek(fd, 0, SEEK_SET) < 0) {
            close(fd);
            return VA_EIO;
        }
        int r = va_audio_decoder_open_fd(fd, "the audio of a job", NULL, &spool->decoder, NULL);
        if (r < 0)
            return r;
    }
    return va_audio_decoder_read(spool->decoder, pcm, capacity);
}
