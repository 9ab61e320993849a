#include "audio/alsa.h"

#include <errno.h>
#include <math.h>
#include <poll.h>

#include "base/clock.h"

#define MAX_DESCRIPTORS 16

/* In the order of preference. */
static const snd_pcm_format_t formats[] = {SND_PCM_FORMAT_S16, SND_PCM_FORMAT_S32, SND_PCM_FORMAT_S24_LE, SND_PCM_FORMAT_S24_3LE,
                                           SND_PCM_FORMAT_FLOAT};

static void stay_silent(const char *file, int line, const char *function, int code, const char *format, ...)
{
}

void va_alsa_stay_silent(void)
{
    snd_lib_error_set_handler(stay_silent);
}

int va_alsa_open_error(const char *device, int code, va_error *error)
{
    int card = -1;

    if (code == -EBUSY)
        return va_fail(error, VA_EBUSY, "the sound device '%s' is in use by another program", device);
    if (code == -EACCES || code == -EPERM)
        return va_fail(error, VA_EDENIED, "the sound device '%s': not permitted (is the user in the group 'audio'?)", device);
    if (snd_card_next(&card) < 0 || card < 0)
        return va_fail(error, VA_ENOTFOUND, "the sound device '%s': this machine has no sound card", device);
    if (code == -ENOENT || code == -ENODEV || code == -ENXIO || code == -EINVAL)
        return va_fail(error, VA_ENOTFOUND, "no sound device '%s' (see 'voice-assistant devices')", device);
    return va_fail(error, VA_EIO, "the sound device '%s': %s", device, snd_strerror(code));
}

static int choose_format(snd_pcm_t *pcm, snd_pcm_hw_params_t *params, size_t n_formats, snd_pcm_format_t *ret_format)
{
    size_t chosen = 0;

    while (chosen < n_formats && snd_pcm_hw_params_test_format(pcm, params, formats[chosen]) < 0)
        chosen++;
    if (chosen == n_formats)
        return -EINVAL;
    *ret_format = formats[chosen];
    return snd_pcm_hw_params_set_format(pcm, params, formats[chosen]);
}

/* Rate and channels of mode as wanted or, when not exact, near that. */
static int configure(snd_pcm_t *pcm, unsigned buffer_us, unsigned period_us, struct va_alsa_mode *mode, int exact)
{
    snd_pcm_hw_params_t *params;
    size_t n_formats = exact ? 1 : sizeof formats / sizeof formats[0];
    int r;

    snd_pcm_hw_params_alloca(&params);
    r = snd_pcm_hw_params_any(pcm, params);
    if (r < 0 || (r = snd_pcm_hw_params_set_rate_resample(pcm, params, 0)) < 0 ||
        (r = snd_pcm_hw_params_set_access(pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED)) < 0 ||
        (r = choose_format(pcm, params, n_formats, &mode->format)) < 0)
        return r;
    if (exact && ((r = snd_pcm_hw_params_set_channels(pcm, params, mode->channels)) < 0 ||
                  (r = snd_pcm_hw_params_set_rate(pcm, params, mode->rate_hz, 0)) < 0))
        return r;
    if (!exact && ((r = snd_pcm_hw_params_set_channels_near(pcm, params, &mode->channels)) < 0 ||
                   (r = snd_pcm_hw_params_set_rate_near(pcm, params, &mode->rate_hz, NULL)) < 0))
        return r;
    /* Wishes only. */
    snd_pcm_hw_params_set_buffer_time_near(pcm, params, &buffer_us, NULL);
    snd_pcm_hw_params_set_period_time_near(pcm, params, &period_us, NULL);
    if ((r = snd_pcm_hw_params(pcm, params)) < 0)
        return r;
    return mode->channels <= VA_ALSA_MAX_CHANNELS ? 0 : -EINVAL;
}

int va_alsa_configure(snd_pcm_t *pcm, unsigned buffer_us, unsigned period_us, struct va_alsa_mode *ret_mode)
{
    struct va_alsa_mode mode = {.channels = 1, .rate_hz = VA_SAMPLE_RATE_HZ};
    int r = configure(pcm, buffer_us, period_us, &mode, 1);

    if (r < 0) {
        mode = (struct va_alsa_mode){.channels = 1, .rate_hz = 48000};
        r = configure(pcm, buffer_us, period_us, &mode, 0);
    }
    if (r == 0)
        *ret_mode = mode;
    return r;
}

static int error_of_state(snd_pcm_t *pcm)
{
    switch (snd_pcm_state(pcm)) {
    case SND_PCM_STATE_XRUN:
        return -EPIPE;
    case SND_PCM_STATE_SUSPENDED:
        return -ESTRPIPE;
    case SND_PCM_STATE_DISCONNECTED:
        return -ENODEV;
    default:
        return 0;
    }
}

int va_alsa_wait(snd_pcm_t *pcm, int timeout_ms)
{
    struct pollfd descriptors[MAX_DESCRIPTORS];
    int n = snd_pcm_poll_descriptors(pcm, descriptors, MAX_DESCRIPTORS);
    double until_ms = va_clock_ms() + timeout_ms, left_ms = timeout_ms;
    unsigned short events = 0;

    while (n > 0 && left_ms >= 0.0) {
        int r = poll(descriptors, (nfds_t)n, (int)left_ms);
        if (r <= 0)
            return r == 0 || errno == EINTR ? 0 : -errno;
        if ((r = snd_pcm_poll_descriptors_revents(pcm, descriptors, (unsigned)n, &events)) < 0)
            return r;
        if ((r = error_of_state(pcm)) < 0)
            return r;
        if (events & (POLLERR | POLLNVAL))
            return -EIO;
        if (events & (POLLIN | POLLOUT))
            return 1;
        left_ms = until_ms - va_clock_ms();
    }
    return n > 0 ? 0 : n < 0 ? n : -EIO;
}

int va_alsa_recover(snd_pcm_t *pcm, int code)
{
    int r = code == -ESTRPIPE ? snd_pcm_resume(pcm) : -ENOSYS;

    return r == 0 || r == -EAGAIN ? r : snd_pcm_prepare(pcm);
}

/* Three little-endian bytes with a sign. */
static float from_s24(const uint8_t *p)
{
    return (float)((int32_t)((uint32_t)p[0] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 24) >> 8) / 8388608.0f;
}

float va_alsa_get(const void *raw, snd_pcm_format_t format, size_t i)
{
    switch (format) {
    case SND_PCM_FORMAT_S24_LE:
        return from_s24((const uint8_t *)raw + 4 * i);
    case SND_PCM_FORMAT_S24_3LE:
        return from_s24((const uint8_t *)raw + 3 * i);
    case SND_PCM_FORMAT_S16:
        return (float)((const int16_t *)raw)[i] / 32768.0f;
    case SND_PCM_FORMAT_S32:
        return (float)((const int32_t *)raw)[i] / 2147483648.0f;
    default:
        return ((const float *)raw)[i];
    }
}

static int32_t to_integer(double value, double scale)
{
    return (int32_t)lrint(fmin(fmax(value * scale, -scale), scale - 1.0));
}

static void to_s24(uint8_t *p, double value)
{
    uint32_t word = (uint32_t)to_integer(value, 8388608.0);

    p[0] = (uint8_t)word;
    p[1] = (uint8_t)(word >> 8);
    p[2] = (uint8_t)(word >> 16);
}

void va_alsa_put(void *raw, snd_pcm_format_t format, size_t i, float value)
{
    switch (format) {
    case SND_PCM_FORMAT_S24_LE:
        to_s24((uint8_t *)raw + 4 * i, value);
        ((uint8_t *)raw)[4 * i + 3] = value < 0.0f ? 0xff : 0; /* the sign goes on */
        break;
    case SND_PCM_FORMAT_S24_3LE:
        to_s24((uint8_t *)raw + 3 * i, value);
        break;
    case SND_PCM_FORMAT_S16:
        ((int16_t *)raw)[i] = (int16_t)to_integer(value, 32768.0);
        break;
    case SND_PCM_FORMAT_S32:
        ((int32_t *)raw)[i] = to_integer(value, 2147483648.0);
        break;
    default:
        ((float *)raw)[i] = fminf(fmaxf(value, -1.0f), 1.0f);
    }
}
