/* MP3 (and MPEG layers I and II) through libmpg123 itself: beneath libsndfile it would print to stderr what it thinks of a file,
 * and keep the pictures of its tags in memory. */
#include <mpg123.h>
#include <unistd.h>

#include "audio/pcm_reader.h"
#include "base/memory.h"

#define FLAGS (MPG123_QUIET | MPG123_FORCE_FLOAT | MPG123_MONO_MIX | MPG123_SKIP_ID3V2 | MPG123_GAPLESS)
#define RESYNC_BYTES 1048576 /* how much damage is skipped at once */

struct mpg123_reader {
    va_pcm_reader base;
    mpg123_handle *handle;
    const char *name;
    uint64_t frames_read;
};

static int64_t read_frames(va_pcm_reader *base, float *ret_pcm, size_t frames, va_error *error)
{
    struct mpg123_reader *reader = (struct mpg123_reader *)base;
    size_t bytes = 0;
    int status = mpg123_read(reader->handle, ret_pcm, frames * sizeof *ret_pcm, &bytes);

    reader->frames_read += bytes / sizeof *ret_pcm;
    if (bytes >= sizeof *ret_pcm)
        return (int64_t)(bytes / sizeof *ret_pcm);
    if (status == MPG123_NEW_FORMAT)
        return va_fail(error, VA_EFORMAT, "%s: the sample rate changes on the way", reader->name);
    if (reader->frames_read == 0)
        return va_fail(error, VA_EFORMAT, "%s: damaged: it holds no audio that can be decoded", reader->name);
    if (status != MPG123_DONE && status != MPG123_OK)
        return va_fail(error, VA_EFORMAT, "%s: damaged: %s", reader->name, mpg123_strerror(reader->handle));
    return 0;
}

static void free_reader(va_pcm_reader *base)
{
    struct mpg123_reader *reader = (struct mpg123_reader *)base;

    mpg123_delete(reader->handle);
    va_free(reader);
}

int va_pcm_reader_mpg123(int fd, const char *name, va_pcm_reader **ret_reader, va_error *error)
{
    long rate = 0;
    int channels = 0, encoding = 0, r;

    struct mpg123_reader *reader = va_calloc(1, sizeof *reader);
    if (reader == NULL)
        return va_fail_memory(error);
    reader->base.read = read_frames;
    reader->base.free = free_reader;
    reader->name = name;
    reader->handle = mpg123_new(NULL, NULL);
    if (reader->handle == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    mpg123_param(reader->handle, MPG123_REMOVE_FLAGS, MPG123_AUTO_RESAMPLE, 0);
    mpg123_param(reader->handle, MPG123_ADD_FLAGS, FLAGS, 0);
    mpg123_param(reader->handle, MPG123_RESYNC_LIMIT, RESYNC_BYTES, 0);
    if (lseek(fd, 0, SEEK_SET) < 0) {
        r = va_fail_errno(error, "%s", name);
        goto fail;
    }
    if (mpg123_open_fd(reader->handle, fd) != MPG123_OK || mpg123_getformat(reader->handle, &rate, &channels, &encoding) != MPG123_OK ||
        encoding != MPG123_ENC_FLOAT_32 || rate <= 0) {
        r = va_fail(error, VA_EFORMAT, "%s: not an MP3 file that can be decoded: %s", name, mpg123_strerror(reader->handle));
        goto fail;
    }
    if (mpg123_scan(reader->handle) != MPG123_OK) { /* counts the frames: headers guess, and a limit must not refuse by a guess */
        r = va_fail(error, VA_EFORMAT, "%s: damaged: %s", name, mpg123_strerror(reader->handle));
        goto fail;
    }
    off_t length = mpg123_length(reader->handle);
    reader->base.rate_hz = (uint32_t)rate;
    reader->base.channels = channels;
    reader->base.frames = length > 0 ? (uint64_t)length : 0;
    *ret_reader = &reader->base;
    return 0;

fail:
    free_reader(&reader->base);
    return r;
}
