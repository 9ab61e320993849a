/* An ALSA device. 16 kHz mono is asked for first; a device that has no such mode is run as it likes, and converted here (ALSA's
 * own rate conversion is a linear one). */
#include <alsa/asoundlib.h>
#include <string.h>

#include "audio/source_kind.h"
#include "base/memory.h"
#include "dsp/resample.h"

#define BLOCK_FRAMES 1024
#define MAX_CHANNELS 32
#define BUFFER_US 500000
#define PERIOD_US 20000
#define MAX_TIMEOUTS 50 /* a device that has given nothing for so many waits is lost */

struct alsa_source {
    va_audio_source base;
    snd_pcm_t *pcm;
    snd_pcm_format_t format;
    unsigned channels, rate_hz;
    va_resampler *resampler;
    void *raw; /* [BLOCK_FRAMES][channels] of format */
    float mono[BLOCK_FRAMES];
    size_t mono_at, mono_size;
    int timeouts;
};

/* In the order of preference. */
static const snd_pcm_format_t formats[] = {SND_PCM_FORMAT_S16, SND_PCM_FORMAT_S32, SND_PCM_FORMAT_S24_LE, SND_PCM_FORMAT_S24_3LE,
                                           SND_PCM_FORMAT_FLOAT};

/* libasound prints what goes wrong to stderr; its return codes tell it too. */
static void stay_silent(const char *file, int line, const char *function, int code, const char *format, ...)
{
}

static int open_error(const char *device, int code, va_error *error)
{
    int card = -1;

    if (code == -EBUSY)
        return va_fail(error, VA_EBUSY, "the sound device '%s' is in use by another program", device);
    if (code == -EACCES || code == -EPERM)
        return va_fail(error, VA_EDENIED, "the sound device '%s': not permitted (is the user in the group 'audio'?)", device);
    if (snd_card_next(&card) < 0 || card < 0)
        return va_fail(error, VA_ENOTFOUND, "the sound device '%s': this machine has no sound card", device);
    if (code == -ENOENT || code == -ENODEV || code == -ENXIO || code == -EINVAL)
        return va_fail(error, VA_ENOTFOUND, "no sound device '%s' (see arecord -L)", device);
    return va_fail(error, VA_EIO, "the sound device '%s': %s", device, snd_strerror(code));
}

/* Rate and channels as wanted or, when not exact, near that. */
static int configure(struct alsa_source *source, snd_pcm_hw_params_t *params, unsigned rate_hz, int exact)
{
    unsigned channels = 1, buffer_us = BUFFER_US, period_us = PERIOD_US;
    size_t chosen = 0;
    int r = snd_pcm_hw_params_any(source->pcm, params);

    /* Only rates of the hardware itself. */
    if (r < 0 || (r = snd_pcm_hw_params_set_rate_resample(source->pcm, params, 0)) < 0 ||
        (r = snd_pcm_hw_params_set_access(source->pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED)) < 0)
        return r;
    size_t n_formats = exact ? 1 : sizeof formats / sizeof formats[0];
    while (chosen < n_formats && snd_pcm_hw_params_test_format(source->pcm, params, formats[chosen]) < 0)
        chosen++;
    if (chosen == n_formats)
        return -EINVAL;
    if ((r = snd_pcm_hw_params_set_format(source->pcm, params, formats[chosen])) < 0)
        return r;
    if (exact && ((r = snd_pcm_hw_params_set_channels(source->pcm, params, channels)) < 0 ||
                  (r = snd_pcm_hw_params_set_rate(source->pcm, params, rate_hz, 0)) < 0))
        return r;
    if (!exact && ((r = snd_pcm_hw_params_set_channels_near(source->pcm, params, &channels)) < 0 ||
                   (r = snd_pcm_hw_params_set_rate_near(source->pcm, params, &rate_hz, NULL)) < 0))
        return r;
    /* Wishes only. */
    snd_pcm_hw_params_set_buffer_time_near(source->pcm, params, &buffer_us, NULL);
    snd_pcm_hw_params_set_period_time_near(source->pcm, params, &period_us, NULL);
    if ((r = snd_pcm_hw_params(source->pcm, params)) < 0)
        return r;
    source->format = formats[chosen];
    source->channels = channels;
    source->rate_hz = rate_hz;
    return channels <= MAX_CHANNELS ? 0 : -EINVAL;
}

/* Three little-endian bytes with a sign. */
static float from_s24(const uint8_t *p)
{
    return (float)((int32_t)((uint32_t)p[0] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 24) >> 8) / 8388608.0f;
}

static float one_sample(const struct alsa_source *source, size_t i)
{
    switch (source->format) {
    case SND_PCM_FORMAT_S24_LE:
        return from_s24((const uint8_t *)source->raw + 4 * i);
    case SND_PCM_FORMAT_S24_3LE:
        return from_s24((const uint8_t *)source->raw + 3 * i);
    case SND_PCM_FORMAT_S16:
        return (float)((const int16_t *)source->raw)[i] / 32768.0f;
    case SND_PCM_FORMAT_S32:
        return (float)((const int32_t *)source->raw)[i] / 2147483648.0f;
    default:
        return ((const float *)source->raw)[i];
    }
}

static void mix(struct alsa_source *source, size_t frames)
{
    for (size_t i = 0; i < frames; i++) {
        float sum = 0.0f;
        for (unsigned c = 0; c < source->channels; c++)
            sum += one_sample(source, i * source->channels + c);
        source->mono[i] = sum / (float)source->channels;
    }
    source->mono_at = 0;
    source->mono_size = frames;
}

/* Fills mono. 0, VA_ETIMEOUT or VA_EIO. */
static int capture(struct alsa_source *source)
{
    int r = snd_pcm_wait(source->pcm, VA_SOURCE_WAIT_MS);
    snd_pcm_sframes_t n = r == 1 ? snd_pcm_readi(source->pcm, source->raw, BLOCK_FRAMES) : r == 0 ? -EAGAIN : r;

    if (n > 0) {
        source->timeouts = 0;
        mix(source, (size_t)n);
        return VA_OK;
    }
    if (n == -EPIPE || n == -ESTRPIPE) { /* an overrun, or the machine has slept */
        source->base.overruns++;
        if (snd_pcm_recover(source->pcm, (int)n, 1) < 0 || snd_pcm_start(source->pcm) < 0)
            return VA_EIO;
        return VA_ETIMEOUT;
    }
    if ((n == -EAGAIN || n == -EINTR || n == 0) && ++source->timeouts < MAX_TIMEOUTS)
        return VA_ETIMEOUT;
    return VA_EIO;
}

static int64_t read_alsa(va_audio_source *base, float *pcm, size_t capacity)
{
    struct alsa_source *source = (struct alsa_source *)base;
    size_t used, made;

    if (source->mono_at == source->mono_size) {
        int r = capture(source);
        if (r < 0)
            return r;
    }
    va_resampler_run(source->resampler, source->mono + source->mono_at, source->mono_size - source->mono_at, pcm, capacity, &used, &made);
    source->mono_at += used;
    return made > 0 ? (int64_t)made : VA_ETIMEOUT; /* the resampler's first samples come late */
}

static void free_alsa(va_audio_source *base)
{
    struct alsa_source *source = (struct alsa_source *)base;

    if (source->pcm != NULL)
        snd_pcm_close(source->pcm);
    va_resampler_free(source->resampler);
    va_free(source->raw);
    va_free(source);
}

int va_source_alsa_open(const char *device, va_audio_source **ret_source, va_error *error)
{
    snd_pcm_hw_params_t *params;
    int r;

    snd_lib_error_set_handler(stay_silent);
    struct alsa_source *source = va_calloc(1, sizeof *source);
    if (source == NULL)
        return va_fail_memory(error);
    source->base.read = read_alsa;
    source->base.free = free_alsa;
    r = snd_pcm_open(&source->pcm, device, SND_PCM_STREAM_CAPTURE, SND_PCM_NONBLOCK);
    if (r < 0) {
        r = open_error(device, r, error);
        goto fail;
    }
    snd_pcm_hw_params_alloca(&params);
    r = configure(source, params, VA_SAMPLE_RATE_HZ, 1);
    if (r < 0)
        r = configure(source, params, 48000, 0);
    if (r < 0 || (r = snd_pcm_prepare(source->pcm)) < 0 || (r = snd_pcm_start(source->pcm)) < 0) {
        r = va_fail(error, VA_EIO, "the sound device '%s' does not record: %s", device, snd_strerror(r));
        goto fail;
    }
    r = va_resampler_new(source->rate_hz, VA_SAMPLE_RATE_HZ, &source->resampler, error);
    if (r < 0)
        goto fail;
    source->raw = va_calloc(BLOCK_FRAMES * source->channels, sizeof(int32_t));
    if (source->raw == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    *ret_source = &source->base;
    return VA_OK;

fail:
    free_alsa(&source->base);
    return r;
}
