/* ALSA without hardware: its own null plugin is the device, and what hardware decides (the modes it has, the samples it gives,
 * the calls it fails) is stood in for by wrapping libasound's functions. */
#include "audio/source.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include <alsa/asoundlib.h>

#include "audio_files.h"
#include "base/memory.h"

/* What the next calls return instead of the library; an empty list passes on. */
static int fake_reads[8], n_fake_reads;
static int fake_waits[64], n_fake_waits;
static int fake_prepare = 1, fake_resume = 1; /* 1: pass on */
static int fake_open = 1;

/* The one mode of the device; rate 0: it takes any, and gives what the plugin gives. */
static struct {
    unsigned rate_hz, channels;
    snd_pcm_format_t format;
    size_t at; /* frames given so far */
} hardware;

#define WRAP(type, name, ...)        \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

WRAP(snd_pcm_sframes_t, snd_pcm_readi, snd_pcm_t *pcm, void *buffer, snd_pcm_uframes_t size);
WRAP(int, va_alsa_wait, snd_pcm_t *pcm, int timeout);
WRAP(int, snd_pcm_prepare, snd_pcm_t *pcm);
WRAP(int, snd_pcm_resume, snd_pcm_t *pcm);
WRAP(int, snd_pcm_start, snd_pcm_t *pcm);
WRAP(int, snd_pcm_open, snd_pcm_t **pcm, const char *name, snd_pcm_stream_t stream, int mode);
WRAP(int, snd_pcm_hw_params_test_format, snd_pcm_t *pcm, snd_pcm_hw_params_t *params, snd_pcm_format_t format);
WRAP(int, snd_pcm_hw_params_set_channels, snd_pcm_t *pcm, snd_pcm_hw_params_t *params, unsigned channels);
WRAP(int, snd_pcm_hw_params_set_channels_near, snd_pcm_t *pcm, snd_pcm_hw_params_t *params, unsigned *channels);
WRAP(int, snd_pcm_hw_params_set_rate, snd_pcm_t *pcm, snd_pcm_hw_params_t *params, unsigned rate_hz, int direction);
WRAP(int, snd_pcm_hw_params_set_rate_near, snd_pcm_t *pcm, snd_pcm_hw_params_t *params, unsigned *rate_hz, int *direction);

static void put_sample(uint8_t *p, double value)
{
    int32_t word = (int32_t)(value * 2147483647.0);
    float real = (float)value;

    switch (hardware.format) {
    case SND_PCM_FORMAT_S16:
        memcpy(p, (uint8_t *)&word + 2, 2);
        break;
    case SND_PCM_FORMAT_S32:
        memcpy(p, &word, 4);
        break;
    case SND_PCM_FORMAT_S24_LE:
        memcpy(p, (uint8_t *)&word + 1, 3);
        p[3] = 0x5a; /* the fourth byte means nothing */
        break;
    case SND_PCM_FORMAT_S24_3LE:
        memcpy(p, (uint8_t *)&word + 1, 3);
        break;
    default:
        memcpy(p, &real, 4);
    }
}

/* A tone; the first channel is louder and the second softer, so that only their mean is right. */
static void play(uint8_t *buffer, size_t frames)
{
    size_t bytes = (size_t)snd_pcm_format_physical_width(hardware.format) / 8;

    for (size_t i = 0; i < frames; i++, hardware.at++) {
        double value = 0.4 * sin(2.0 * M_PI * 440.0 * (double)hardware.at / hardware.rate_hz);
        for (unsigned c = 0; c < hardware.channels; c++)
            put_sample(buffer + (i * hardware.channels + c) * bytes, hardware.channels == 1 ? value : c == 0 ? 1.5 * value : 0.5 * value);
    }
}

snd_pcm_sframes_t __wrap_snd_pcm_readi(snd_pcm_t *pcm, void *buffer, snd_pcm_uframes_t size)
{
    if (n_fake_reads > 0)
        return fake_reads[--n_fake_reads];
    if (hardware.rate_hz == 0)
        return __real_snd_pcm_readi(pcm, buffer, size);
    size_t frames = size < 441 ? size : 441;
    play(buffer, frames);
    return (snd_pcm_sframes_t)frames;
}

int __wrap_va_alsa_wait(snd_pcm_t *pcm, int timeout)
{
    return n_fake_waits > 0 ? fake_waits[--n_fake_waits] : __real_va_alsa_wait(pcm, timeout);
}

int __wrap_snd_pcm_prepare(snd_pcm_t *pcm)
{
    return fake_prepare != 1 ? fake_prepare : __real_snd_pcm_prepare(pcm);
}

int __wrap_snd_pcm_resume(snd_pcm_t *pcm)
{
    return fake_resume != 1 ? fake_resume : __real_snd_pcm_resume(pcm);
}

int __wrap_snd_pcm_start(snd_pcm_t *pcm)
{
    int r = __real_snd_pcm_start(pcm);
    return r == -EBADFD ? 0 : r; /* after a feigned overrun the device is running already */
}

int __wrap_snd_pcm_open(snd_pcm_t **pcm, const char *name, snd_pcm_stream_t stream, int mode)
{
    return fake_open != 1 ? fake_open : __real_snd_pcm_open(pcm, name, stream, mode);
}

int __wrap_snd_pcm_hw_params_test_format(snd_pcm_t *pcm, snd_pcm_hw_params_t *params, snd_pcm_format_t format)
{
    return hardware.rate_hz == 0 || format == hardware.format ? 0 : -EINVAL;
}

int __wrap_snd_pcm_hw_params_set_channels(snd_pcm_t *pcm, snd_pcm_hw_params_t *params, unsigned channels)
{
    return hardware.rate_hz == 0 || channels == hardware.channels ? __real_snd_pcm_hw_params_set_channels(pcm, params, channels) : -EINVAL;
}

int __wrap_snd_pcm_hw_params_set_channels_near(snd_pcm_t *pcm, snd_pcm_hw_params_t *params, unsigned *channels)
{
    *channels = hardware.channels;
    return __real_snd_pcm_hw_params_set_channels(pcm, params, hardware.channels);
}

int __wrap_snd_pcm_hw_params_set_rate(snd_pcm_t *pcm, snd_pcm_hw_params_t *params, unsigned rate_hz, int direction)
{
    return hardware.rate_hz == 0 || rate_hz == hardware.rate_hz ? __real_snd_pcm_hw_params_set_rate(pcm, params, rate_hz, direction)
                                                                : -EINVAL;
}

int __wrap_snd_pcm_hw_params_set_rate_near(snd_pcm_t *pcm, snd_pcm_hw_params_t *params, unsigned *rate_hz, int *direction)
{
    *rate_hz = hardware.rate_hz;
    return __real_snd_pcm_hw_params_set_rate(pcm, params, hardware.rate_hz, 0);
}

static int set_up(void **state)
{
    static const char text[] = "pcm.silent { type null }\n";
    static char config[64];

    /* The descriptor stays open until the process ends: the path names it. */
    snprintf(config, sizeof config, "/proc/self/fd/%d", file_of_bytes(text, strlen(text)));
    return setenv("ALSA_CONFIG_PATH", config, 1);
}

static int tear_down(void **state)
{
    return snd_config_update_free_global();
}

static va_audio_source *open_source(const char *name)
{
    va_audio_source *source = NULL;
    va_error error = {0};
    int r = va_audio_source_open(name, &source, &error);
    if (r != 0)
        fail_msg("%s: %s", name, error.text);
    return source;
}

static void check_mode(unsigned rate_hz, unsigned channels, snd_pcm_format_t format, double tolerance)
{
    static float pcm[8000];
    size_t total = 0;

    hardware.rate_hz = rate_hz;
    hardware.channels = channels;
    hardware.format = format;
    hardware.at = 0;
    va_audio_source *source = open_source("silent");
    while (total < 8000) {
        int64_t n = va_audio_source_read(source, pcm + total, 8000 - total);
        assert_true(n > 0 || n == VA_ETIMEOUT);
        total += n > 0 ? (size_t)n : 0;
    }
    for (size_t i = 500; i < 8000; i++)
        assert_float_equal(pcm[i], 0.4 * sin(2.0 * M_PI * 440.0 * (double)i / 16000.0), tolerance);
    assert_int_equal(va_audio_source_info(source)->overruns, 0);
    va_audio_source_free(source);
    hardware.rate_hz = 0;
}

static void test_modes(void **state)
{
    check_mode(16000, 1, SND_PCM_FORMAT_S16, 1e-4);
    check_mode(16000, 2, SND_PCM_FORMAT_S16, 1e-4);
    check_mode(16000, 1, SND_PCM_FORMAT_S32, 1e-4);
    check_mode(44100, 1, SND_PCM_FORMAT_S16, 3e-3);
    check_mode(48000, 2, SND_PCM_FORMAT_S32, 3e-3);
    check_mode(48000, 2, SND_PCM_FORMAT_S24_LE, 3e-3);
    check_mode(96000, 2, SND_PCM_FORMAT_S24_3LE, 3e-3);
    check_mode(8000, 2, SND_PCM_FORMAT_FLOAT, 3e-3);
}

static void test_unusable_modes(void **state)
{
    va_audio_source *source = NULL;
    va_error error;

    hardware.rate_hz = 48000;
    hardware.channels = 2;
    hardware.format = SND_PCM_FORMAT_MU_LAW;
    assert_int_equal(va_audio_source_open("silent", &source, &error), VA_EIO);
    hardware.format = SND_PCM_FORMAT_S16;
    hardware.channels = 64;
    assert_int_equal(va_audio_source_open("silent", &source, &error), VA_EIO);
    assert_null(source);
    hardware.rate_hz = 0;
}

static void test_overruns(void **state)
{
    va_audio_source *source = open_source("silent");
    float pcm[100];

    n_fake_reads = 2;
    fake_reads[0] = -ESTRPIPE;
    fake_reads[1] = -EPIPE;
    assert_int_equal(va_audio_source_read(source, pcm, 100), VA_ETIMEOUT);
    assert_int_equal(va_audio_source_read(source, pcm, 100), VA_ETIMEOUT);
    assert_int_equal(va_audio_source_info(source)->overruns, 2);
    assert_int_equal(va_audio_source_read(source, pcm, 100), 100);
    for (int i = 0; i < 9; i++) /* what is left of the block */
        assert_int_equal(va_audio_source_read(source, pcm, 100), 100);
    assert_int_equal(va_audio_source_read(source, pcm, 100), 24);
    n_fake_reads = 4;
    fake_reads[0] = fake_reads[1] = fake_reads[2] = fake_reads[3] = -ESTRPIPE;
    fake_resume = -EAGAIN; /* it still sleeps */
    assert_int_equal(va_audio_source_read(source, pcm, 100), VA_ETIMEOUT);
    assert_int_equal(va_audio_source_read(source, pcm, 100), VA_ETIMEOUT);
    assert_int_equal(va_audio_source_info(source)->overruns, 2);
    fake_resume = 0;
    assert_int_equal(va_audio_source_read(source, pcm, 100), VA_ETIMEOUT);
    assert_int_equal(va_audio_source_info(source)->overruns, 3);
    fake_prepare = -ENODEV;
    fake_resume = -ENOSYS;
    assert_int_equal(va_audio_source_read(source, pcm, 100), VA_EIO);
    assert_non_null(va_audio_source_info(source)->why);
    fake_prepare = fake_resume = 1;
    va_audio_source_free(source);
}

/* One that overruns for ever. */
static void test_no_end_of_overruns(void **state)
{
    va_audio_source *source = open_source("silent");
    float pcm[100];
    int64_t n;

    for (int i = 0; i < 11; i++)
        assert_in_range(va_audio_source_read(source, pcm, 100), 1, 100);
    do {
        n_fake_reads = 1;
        fake_reads[0] = -EPIPE;
    } while ((n = va_audio_source_read(source, pcm, 100)) == VA_ETIMEOUT);
    assert_int_equal(n, VA_EIO);
    va_audio_source_free(source);
}

static void test_lost(void **state)
{
    va_audio_source *source = open_source("silent");
    float pcm[100];

    n_fake_reads = 1;
    fake_reads[0] = -ENODEV;
    assert_int_equal(va_audio_source_read(source, pcm, 100), VA_EIO);
    n_fake_waits = 1;
    fake_waits[0] = -ENODEV;
    assert_int_equal(va_audio_source_read(source, pcm, 100), VA_EIO);
    n_fake_waits = 50; /* zeros: nothing comes, from the start */
    memset(fake_waits, 0, sizeof fake_waits);
    for (int i = 0; i < 49; i++)
        assert_int_equal(va_audio_source_read(source, pcm, 100), VA_ETIMEOUT);
    assert_int_equal(va_audio_source_read(source, pcm, 100), VA_EIO);
    assert_string_equal(va_audio_source_info(source)->why, "it gives no sound");
    assert_int_equal(n_fake_waits, 0);
    for (int i = 0; i < 11; i++)
        assert_in_range(va_audio_source_read(source, pcm, 100), 1, 100);
    n_fake_waits = 10; /* later there is less patience */
    for (int i = 0; i < 9; i++)
        assert_int_equal(va_audio_source_read(source, pcm, 100), VA_ETIMEOUT);
    assert_int_equal(va_audio_source_read(source, pcm, 100), VA_EIO);
    for (int i = 0; i < 3; i++) { /* it says that there is something, but gives nothing */
        n_fake_reads = 1;
        fake_reads[0] = i == 0 ? -EAGAIN : i == 1 ? -EINTR : 0;
        assert_int_equal(va_audio_source_read(source, pcm, 100), VA_EIO); /* its patience is at an end already */
    }
    va_audio_source_free(source);
}

static void test_open_errors(void **state)
{
    static const struct {
        int code, expected;
    } cases[] = {{-EBUSY, VA_EBUSY}, {-EACCES, VA_EDENIED}, {-ENODEV, VA_ENOTFOUND}};
    va_audio_source *source = NULL;
    va_error error;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake_open = cases[i].code;
        assert_int_equal(va_audio_source_open("silent", &source, &error), cases[i].expected);
        assert_non_null(strstr(error.text, "'silent'"));
    }
    fake_open = 1;
    assert_int_equal(va_audio_source_open("no-such-device", &source, &error), VA_ENOTFOUND);
    for (size_t n = 1; n <= 3; n++) {
        va_memory_fail_after(n);
        assert_int_equal(va_audio_source_open("silent", &source, &error), VA_ENOMEM);
    }
    va_memory_fail_after(0);
    assert_null(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_modes),    cmocka_unit_test(test_unusable_modes),
                                       cmocka_unit_test(test_overruns), cmocka_unit_test(test_no_end_of_overruns),
                                       cmocka_unit_test(test_lost),     cmocka_unit_test(test_open_errors)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
