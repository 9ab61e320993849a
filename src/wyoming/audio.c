#include "wyoming/audio.h"

#include "base/memory.h"
#include "dsp/resample.h"

#define BLOCK_SAMPLES 4096

struct va_wyoming_audio {
    struct va_wyoming_format format;
    va_resampler *resampler;
    float in[BLOCK_SAMPLES], out[BLOCK_SAMPLES];
};

int va_wyoming_audio_new(const struct va_wyoming_format *format, va_wyoming_audio **ret_audio, va_error *error)
{
    va_wyoming_audio *audio;
    int r;

    if (format->rate < 8000 || format->rate > 192000 || format->width < 1 || format->width > 4 || format->channels < 1 ||
        format->channels > 8)
        return va_fail(error, VA_EUNSUPPORTED, "audio must have 8000 to 192000 Hz, samples of 1 to 4 bytes and 1 to 8 channels");
    audio = va_calloc(1, sizeof *audio);
    if (audio == NULL)
        return va_fail_memory(error);
    audio->format = *format;
    r = va_resampler_new((uint32_t)format->rate, VA_SAMPLE_RATE_HZ, &audio->resampler, error);
    if (r < 0) {
        va_free(audio);
        return r;
    }
    *ret_audio = audio;
    return 0;
}

void va_wyoming_audio_free(va_wyoming_audio *audio)
{
    if (audio == NULL)
        return;
    va_resampler_free(audio->resampler);
    va_free(audio);
}

int va_wyoming_audio_is(const va_wyoming_audio *audio, const struct va_wyoming_format *format)
{
    return audio->format.rate == format->rate && audio->format.width == format->width && audio->format.channels == format->channels;
}

/* One sample, -1..1. */
static float read_sample(const uint8_t *at, int width)
{
    uint32_t value = 0;

    if (width == 1)
        return (float)((int)at[0] - 128) / 128.0f;
    for (int i = 0; i < width; i++)
        value |= (uint32_t)at[i] << (8 * (4 - width + i));
    return (float)(int32_t)value / 2147483648.0f;
}

static float read_frame(const uint8_t *at, int width, int channels)
{
    float sum = 0;

    for (int i = 0; i < channels; i++)
        sum += read_sample(at + i * width, width);
    return sum / (float)channels;
}

/* in NULL: the end. */
static int resample(va_wyoming_audio *audio, const float *in, size_t n, va_wyoming_audio_fn take, void *user, va_error *error)
{
    size_t used, made;
    int r = 0;

    do {
        va_resampler_run(audio->resampler, in, n, audio->out, BLOCK_SAMPLES, &used, &made);
        if (in != NULL) {
            in += used;
            n -= used;
        }
        if (made > 0)
            r = take(user, audio->out, made, error);
    } while (r == 0 && (n > 0 || made > 0));
    return r;
}

int va_wyoming_audio_push(va_wyoming_audio *audio, const uint8_t *bytes, size_t n, va_wyoming_audio_fn take, void *user, va_error *error)
{
    int width = (int)audio->format.width, channels = (int)audio->format.channels, r = 0;
    size_t frame = (size_t)width * (size_t)channels;

    if (bytes == NULL)
        return resample(audio, NULL, 0, take, user, error);
    if (n % frame != 0)
        return va_fail(error, VA_EINVAL, "a chunk of audio ends within a frame of %zu bytes", frame);
    for (size_t left = n / frame; r == 0 && left > 0;) {
        size_t count = left < BLOCK_SAMPLES ? left : BLOCK_SAMPLES;
        for (size_t i = 0; i < count; i++)
            audio->in[i] = read_frame(bytes + i * frame, width, channels);
        bytes += count * frame;
        left -= count;
        r = resample(audio, audio->in, count, take, user, error);
    }
    return r;
}
