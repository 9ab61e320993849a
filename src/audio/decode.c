#include "audio/decode.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio/pcm_reader.h"
#include "base/memory.h"
#include "dsp/resample.h"

#define MAX_CHANNELS 32
#define BLOCK_FRAMES 1024
#define SPOOL_MAX_BYTES (4ull << 30)

/* No codec packs more 16 kHz samples into a byte (that would be 2 kbit/s), so a header that says so lies. */
#define MAX_SAMPLES_PER_BYTE 64

struct va_decoder {
    int fd;
    char *name;
    enum va_audio_format format;
    va_pcm_reader *reader;
    va_resampler *resampler;
    uint64_t total_samples; /* promised and credible, else 0 */
    uint64_t max_samples;   /* UINT64_MAX: no bound */
    uint64_t made_samples;
    float *frames;            /* [BLOCK_FRAMES][channels] */
    float mono[BLOCK_FRAMES]; /* mixed, waiting for the resampler */
    size_t mono_at, mono_size;
    int input_ended;
    va_error error; /* code 0: none yet */
};

static int check_limits(va_audio_decoder *decoder, double max_seconds, va_error *error)
{
    const va_pcm_reader *reader = decoder->reader;
    struct stat info;

    if (reader->channels < 1 || reader->channels > MAX_CHANNELS)
        return va_fail(error, VA_EUNSUPPORTED, "%s: %d channels (1 to %d are handled)", decoder->name, reader->channels, MAX_CHANNELS);
    if (fstat(decoder->fd, &info) < 0)
        return va_fail_errno(error, "%s", decoder->name);
    double samples = (double)reader->frames * VA_SAMPLE_RATE_HZ / reader->rate_hz;
    if (samples <= (double)info.st_size * MAX_SAMPLES_PER_BYTE)
        decoder->total_samples = (uint64_t)ceil(samples);
    decoder->max_samples = UINT64_MAX;
    if (max_seconds > 0 && max_seconds < 1e12)
        decoder->max_samples = (uint64_t)(max_seconds * VA_SAMPLE_RATE_HZ);
    if (decoder->total_samples > decoder->max_samples)
        return va_fail(error, VA_ELIMIT, "%s: %.0f s of audio; the limit is %.0f s", decoder->name, samples / VA_SAMPLE_RATE_HZ,
                       max_seconds);
    return 0;
}

int va_audio_decoder_open_fd(int fd, const char *name, const struct va_decode_options *options, va_audio_decoder **ret_decoder,
                             va_error *error)
{
    static const struct va_decode_options none = {0};
    uint64_t start = 0;
    int r = VA_ENOMEM;

    if (options == NULL)
        options = &none;
    va_audio_decoder *decoder = va_calloc(1, sizeof *decoder);
    if (decoder == NULL) {
        close(fd);
        return va_fail_memory(error);
    }
    decoder->fd = fd;
    decoder->name = va_strdup(name);
    if (decoder->name == NULL)
        goto no_memory;
    decoder->format = VA_AUDIO_RAW;
    if (!options->raw && (r = va_audio_sniff(fd, decoder->name, &decoder->format, &start, error)) < 0)
        goto fail;
    if (decoder->format == VA_AUDIO_MP3)
        r = va_pcm_reader_mpg123(fd, decoder->name, &decoder->reader, error);
    else
        r = va_pcm_reader_sndfile(fd, start, decoder->name, decoder->format, &decoder->reader, error);
    if (r < 0)
        goto fail;
    r = va_resampler_new(decoder->reader->rate_hz, VA_SAMPLE_RATE_HZ, &decoder->resampler, &decoder->error);
    if (r < 0) {
        va_fail(error, r, "%s: %s", name, decoder->error.text);
        goto fail;
    }
    if ((r = check_limits(decoder, options->max_seconds, error)) < 0)
        goto fail;
    decoder->frames = va_alloc(BLOCK_FRAMES * (size_t)decoder->reader->channels, sizeof *decoder->frames);
    if (decoder->frames == NULL)
        goto no_memory;
    *ret_decoder = decoder;
    return 0;

no_memory:
    r = va_fail_memory(error);
fail:
    va_audio_decoder_free(decoder);
    return r;
}

int va_audio_decoder_open(const char *path, const struct va_decode_options *options, va_audio_decoder **ret_decoder, va_error *error)
{
    int fd;
    int r = va_audio_open_seekable(path, SPOOL_MAX_BYTES, &fd, error);

    if (r < 0)
        return r;
    return va_audio_decoder_open_fd(fd, strcmp(path, "-") == 0 ? "standard input" : path, options, ret_decoder, error);
}

void va_audio_decoder_free(va_audio_decoder *decoder)
{
    if (decoder == NULL)
        return;
    if (decoder->reader != NULL)
        decoder->reader->free(decoder->reader);
    va_resampler_free(decoder->resampler);
    close(decoder->fd);
    va_free(decoder->frames);
    va_free(decoder->name);
    va_free(decoder);
}

static float clean(float sample)
{
    if (!isfinite(sample))
        return 0.0f;
    return sample < -1.0f ? -1.0f : sample > 1.0f ? 1.0f : sample;
}

/* Reads the next block and mixes it down. 0 also when the input has ended. */
static int fill(va_audio_decoder *decoder)
{
    int channels = decoder->reader->channels;
    int64_t n = decoder->reader->read(decoder->reader, decoder->frames, BLOCK_FRAMES, &decoder->error);

    if (n < 0)
        return (int)n;
    for (int64_t i = 0; i < n; i++) {
        float sum = 0.0f;
        for (int c = 0; c < channels; c++)
            sum += clean(decoder->frames[i * channels + c]);
        decoder->mono[i] = sum / (float)channels;
    }
    decoder->mono_at = 0;
    decoder->mono_size = (size_t)n;
    decoder->input_ended = n == 0;
    return 0;
}

int64_t va_audio_decoder_read(void *user, float *pcm, size_t capacity)
{
    va_audio_decoder *decoder = user;
    size_t total = 0;

    if (decoder->error.code != 0)
        return decoder->error.code;
    while (total < capacity) {
        size_t used, made;
        if (decoder->mono_at == decoder->mono_size && !decoder->input_ended && fill(decoder) < 0) {
            if (total > 0) /* first what came before; the error is kept for the next call */
                break;
            return decoder->error.code;
        }
        va_resampler_run(decoder->resampler, decoder->input_ended ? NULL : decoder->mono + decoder->mono_at,
                         decoder->mono_size - decoder->mono_at, pcm + total, capacity - total, &used, &made);
        decoder->mono_at += used;
        total += made;
        if (decoder->input_ended && made == 0)
            break;
    }
    decoder->made_samples += total;
    if (decoder->made_samples > decoder->max_samples)
        return va_fail(&decoder->error, VA_ELIMIT, "%s: longer than the limit of %.0f s", decoder->name,
                       (double)decoder->max_samples / VA_SAMPLE_RATE_HZ);
    return (int64_t)total;
}

const va_error *va_audio_decoder_error(const va_audio_decoder *decoder)
{
    return &decoder->error;
}

uint64_t va_audio_decoder_total(const va_audio_decoder *decoder)
{
    return decoder->total_samples;
}

const char *va_audio_decoder_format(const va_audio_decoder *decoder)
{
    static const char *const names[] = {"wav", "flac", "ogg", "mp3", "raw"};

    return names[decoder->format];
}
