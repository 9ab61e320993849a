#include "audio/encode.h"

#include <endian.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "dsp/resample.h"

#define PCM_HZ 24000
#define BLOCK 1024

static const struct {
    const char *name, *type;
    int format; /* of libsndfile */
} encodings[] = {
    [VA_ENCODE_WAV] = {"wav", "audio/wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},
    [VA_ENCODE_FLAC] = {"flac", "audio/flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
    [VA_ENCODE_OPUS] = {"opus", "audio/ogg", SF_FORMAT_OGG | SF_FORMAT_OPUS},
    [VA_ENCODE_MP3] = {"mp3", "audio/mpeg", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III},
    [VA_ENCODE_PCM24K] = {"pcm", "audio/pcm", 0},
};

int va_audio_encoding_parse(const char *name, enum va_audio_encoding *ret_encoding)
{
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++)
        if (strcmp(name, encodings[i].name) == 0) {
            *ret_encoding = (enum va_audio_encoding)i;
            return 0;
        }
    return VA_EINVAL;
}

const char *va_audio_encoding_type(enum va_audio_encoding encoding)
{
    return encodings[encoding].type;
}

/* ---- a file in memory, for libsndfile ---- */

struct file {
    struct va_buffer *out;
    size_t start, at; /* at: from start on */
    int status;
};

static sf_count_t io_length(void *user)
{
    const struct file *file = user;
    return (sf_count_t)(file->out->size - file->start);
}

static sf_count_t io_tell(void *user)
{
    return (sf_count_t)((struct file *)user)->at;
}

static sf_count_t io_seek(sf_count_t offset, int whence, void *user)
{
    struct file *file = user;
    sf_count_t to = offset + (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? io_tell(user) : io_length(user));

    if (to < 0 || to > io_length(user))
        return -1;
    file->at = (size_t)to;
    return to;
}

static sf_count_t io_read(void *data, sf_count_t count, void *user)
{
    struct file *file = user;
    size_t left = (size_t)io_length(user) - file->at, n = (size_t)count < left ? (size_t)count : left;

    memcpy(data, file->out->data + file->start + file->at, n);
    file->at += n;
    return (sf_count_t)n;
}

static sf_count_t io_write(const void *data, sf_count_t count, void *user)
{
    struct file *file = user;
    size_t over = (size_t)io_length(user) - file->at, n = (size_t)count < over ? (size_t)count : over;

    if (n > 0)
        memcpy(file->out->data + file->start + file->at, data, n);
    if (n < (size_t)count)
        file->status = va_buffer_append(file->out, (const char *)data + n, (size_t)count - n);
    if (file->status < 0)
        return 0;
    file->at += (size_t)count;
    return count;
}

static int encode_file(const int16_t *pcm, size_t n, int format, struct va_buffer *out, va_error *error)
{
    SF_VIRTUAL_IO io = {io_length, io_seek, io_read, io_write, io_tell};
    SF_INFO info = {.samplerate = VA_SAMPLE_RATE_HZ, .channels = 1, .format = format};
    struct file file = {.out = out, .start = out->size};
    SNDFILE *sound = sf_open_virtual(&io, SFM_WRITE, &info, &file);

    if (sound == NULL)
        return va_fail(error, file.status < 0 ? file.status : VA_EUNSUPPORTED, "cannot encode: %s", sf_strerror(NULL));
    sf_count_t written = sf_write_short(sound, pcm, (sf_count_t)n);
    int closed = sf_close(sound);
    if (file.status < 0)
        return va_fail(error, file.status, "cannot encode: %s", va_status_text(file.status));
    return written == (sf_count_t)n && closed == 0 ? 0 : va_fail(error, VA_EFAILED, "cannot encode the sound");
}

/* ---- headerless ---- */

static int append_samples(const float *samples, size_t n, struct va_buffer *out)
{
    uint16_t bytes[BLOCK];

    for (size_t i = 0; i < n; i++) {
        float sample = samples[i] > 1.0f ? 1.0f : samples[i] < -1.0f ? -1.0f : samples[i];
        bytes[i] = htole16((uint16_t)(int16_t)lrintf(sample * 32767.0f));
    }
    return va_buffer_append(out, bytes, n * sizeof bytes[0]);
}

static int encode_pcm(const int16_t *pcm, size_t n, struct va_buffer *out, va_error *error)
{
    float in[BLOCK], made[BLOCK];
    va_resampler *resampler;
    size_t at = 0, n_in = 0, n_made;
    int r = va_resampler_new(VA_SAMPLE_RATE_HZ, PCM_HZ, &resampler, error);

    if (r < 0)
        return r;
    do {
        size_t used = 0;
        for (n_in = 0; n_in < BLOCK && at + n_in < n; n_in++)
            in[n_in] = (float)pcm[at + n_in] / 32768.0f;
        va_resampler_run(resampler, n_in > 0 ? in : NULL, n_in, made, BLOCK, &used, &n_made);
        at += used;
        r = append_samples(made, n_made, out);
    } while (r == 0 && (n_in > 0 || n_made > 0));
    va_resampler_free(resampler);
    return r < 0 ? va_fail(error, r, "cannot encode: %s", va_status_text(r)) : 0;
}

int va_audio_encode(const int16_t *pcm, size_t n, enum va_audio_encoding encoding, struct va_buffer *out, va_error *error)
{
    if (encoding == VA_ENCODE_PCM24K)
        return encode_pcm(pcm, n, out, error);
    return encode_file(pcm, n, encodings[encoding].format, out, error);
}
