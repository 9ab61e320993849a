#include "audio/flac.h"

#include <errno.h>
#include <sndfile.h>
#include <string.h>

#define PIECE_SAMPLES 16384

int va_flac_write(int fd, va_read_fn read, void *read_user, int (*must_stop)(void *user), void *stop_user, uint64_t *ret_samples,
                  va_error *error)
{
    float pcm[PIECE_SAMPLES];
    SF_INFO info = {.samplerate = VA_SAMPLE_RATE_HZ, .channels = 1, .format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16};
    uint64_t samples = 0;
    int64_t n = 0;
    int r = 0;
    SNDFILE *file = sf_open_fd(fd, SFM_WRITE, &info, SF_FALSE);

    if (file == NULL)
        return va_fail(error, VA_EIO, "cannot write FLAC: %s", sf_strerror(NULL));
    (void)sf_command(file, SFC_SET_CLIPPING, NULL, SF_TRUE);
    while (r == 0 && (n = read(read_user, pcm, PIECE_SAMPLES)) > 0) {
        errno = 0;
        if (must_stop(stop_user))
            r = va_fail(error, VA_ECANCELLED, "cancelled");
        else if (sf_write_float(file, pcm, n) != n)
            r = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? va_fail(error, VA_ELIMIT, "the disk is full")
                                                                     : va_fail(error, VA_EIO, "cannot write FLAC: %s", sf_strerror(file));
        samples += (uint64_t)n;
    }
    explicit_bzero(pcm, sizeof pcm);
    if (sf_close(file) != 0 && r == 0)
        r = va_fail(error, VA_EIO, "cannot write FLAC");
    if (r == 0 && n < 0)
        r = (int)n;
    if (r == 0)
        *ret_samples = samples;
    return r;
}
