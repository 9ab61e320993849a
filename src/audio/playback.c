#include "audio/playback.h"

#include <errno.h>
#include <unistd.h>

#include "audio/alsa.h"
#include "base/clock.h"
#include "base/memory.h"
#include "dsp/resample.h"

#define BLOCK_SAMPLES 320
#define RAW_FRAMES 4096
#define BUFFER_US 200000
#define PERIOD_US 20000
#define WAIT_MS 20
#define MAX_TIMEOUTS 100 /* a device that has taken nothing for so many waits is lost */
#define MAX_DRAINS 250
#define MAX_FRUITLESS 1  /* times that it comes back and takes nothing */
#define RETURN_MS 3000.0 /* so long a lost device is waited for, */
#define RETRY_MS 200     /* and tried so often */

struct va_playback {
    char *device;
    va_playback_sound_fn on_sound; /* or NULL */
    void *user;

    snd_pcm_t *pcm; /* NULL: the device is lost */
    struct va_alsa_mode mode;
    void *raw; /* [RAW_FRAMES][channels] of the mode's format */

    /* One run. */
    va_resampler *resampler;
    float block[BLOCK_SAMPLES];
    float frames[RAW_FRAMES];
    size_t block_at, block_size;
    size_t raw_at, raw_size;  /* frames */
    uint64_t samples, handed; /* since the device was begun with: taken, and frames that the device has got */
    uint64_t heard_ns;        /* when all that was handed over will have been heard */
    int timeouts;             /* waits since it has taken something */
    int has_progress;         /* it has, since it was begun with */
};

static void close_device(va_playback *playback)
{
    if (playback->pcm != NULL)
        snd_pcm_close(playback->pcm);
    va_free(playback->raw);
    playback->pcm = NULL;
    playback->raw = NULL;
}

/* It starts with the first sample, not when the buffer is full. */
static int set_start(snd_pcm_t *pcm)
{
    snd_pcm_sw_params_t *params;
    int r;

    snd_pcm_sw_params_alloca(&params);
    if ((r = snd_pcm_sw_params_current(pcm, params)) < 0 || (r = snd_pcm_sw_params_set_start_threshold(pcm, params, 1)) < 0)
        return r;
    return snd_pcm_sw_params(pcm, params);
}

static int open_device(va_playback *playback, va_error *error)
{
    int r = snd_pcm_open(&playback->pcm, playback->device, SND_PCM_STREAM_PLAYBACK, SND_PCM_NONBLOCK);

    if (r < 0) {
        playback->pcm = NULL;
        return va_alsa_open_error(playback->device, r, error);
    }
    r = va_alsa_configure(playback->pcm, BUFFER_US, PERIOD_US, &playback->mode);
    if (r < 0 || (r = set_start(playback->pcm)) < 0) {
        r = va_fail(error, VA_EIO, "the sound device '%s' does not play: %s", playback->device, snd_strerror(r));
        goto fail;
    }
    playback->raw = va_calloc(RAW_FRAMES * playback->mode.channels, sizeof(int32_t));
    if (playback->raw == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    return 0;

fail:
    close_device(playback);
    return r;
}

int va_playback_open(const char *device, va_playback **ret_playback, va_error *error)
{
    va_alsa_stay_silent();
    va_playback *playback = va_calloc(1, sizeof *playback);
    if (playback == NULL)
        return va_fail_memory(error);
    playback->device = va_strdup(device);
    int r = playback->device == NULL ? va_fail_memory(error) : open_device(playback, error);
    if (r < 0) {
        va_playback_free(playback);
        return r;
    }
    *ret_playback = playback;
    return 0;
}

void va_playback_free(va_playback *playback)
{
    if (playback == NULL)
        return;
    close_device(playback);
    va_resampler_free(playback->resampler);
    va_free(playback->device);
    va_free(playback);
}

void va_playback_on_sound(va_playback *playback, va_playback_sound_fn on_sound, void *user)
{
    playback->on_sound = on_sound;
    playback->user = user;
}

/* ---- one run ---- */

/* With an open device: from here on it plays what comes. */
static int begin(va_playback *playback, va_error *error)
{
    va_resampler *resampler;
    int r = snd_pcm_prepare(playback->pcm);

    if (r < 0)
        return va_fail(error, VA_EIO, "the sound device '%s' does not play: %s", playback->device, snd_strerror(r));
    r = va_resampler_new(VA_SAMPLE_RATE_HZ, playback->mode.rate_hz, &resampler, error);
    if (r < 0)
        return r;
    va_resampler_free(playback->resampler);
    playback->resampler = resampler;
    playback->block_at = playback->block_size = playback->raw_at = playback->raw_size = 0;
    playback->samples = playback->handed = 0;
    playback->heard_ns = 0;
    playback->timeouts = playback->has_progress = 0;
    return 0;
}

/* When the next sample to be taken will be heard: after what waits in the device and in the resampler. */
static uint64_t next_heard_ns(const va_playback *playback)
{
    double rate = playback->mode.rate_hz, waiting = (double)playback->samples * rate / VA_SAMPLE_RATE_HZ - (double)playback->handed;
    snd_pcm_sframes_t delay = 0;

    if (snd_pcm_delay(playback->pcm, &delay) < 0 || delay < 0)
        delay = 0;
    return va_clock_ns() + (uint64_t)(((double)delay + waiting) / rate * 1e9);
}

/* Takes the next of pcm [n]. Returns how many. */
static size_t take_block(va_playback *playback, const int16_t *pcm, size_t n)
{
    uint64_t heard_ns = next_heard_ns(playback);

    n = n < BLOCK_SAMPLES ? n : BLOCK_SAMPLES;
    if (n > 0 && playback->on_sound != NULL)
        playback->on_sound(playback->user, pcm, n, heard_ns);
    for (size_t i = 0; i < n; i++)
        playback->block[i] = (float)pcm[i] / 32768.0f;
    playback->block_at = 0;
    playback->block_size = n;
    playback->samples += n;
    playback->heard_ns = heard_ns + n * (1000000000u / VA_SAMPLE_RATE_HZ);
    return n;
}

/* Fills raw from the block; at the end, from what the resampler still holds. */
static void convert(va_playback *playback, int is_end)
{
    size_t used, made, channels = playback->mode.channels;

    va_resampler_run(playback->resampler, is_end ? NULL : playback->block + playback->block_at, playback->block_size - playback->block_at,
                     playback->frames, RAW_FRAMES, &used, &made);
    playback->block_at += used;
    for (size_t i = 0; i < made * channels; i++)
        va_alsa_put(playback->raw, playback->mode.format, i, playback->frames[i / channels]);
    playback->raw_at = 0;
    playback->raw_size = made;
}

/* Returns 0, also when the device takes none yet, or a negative code of ALSA. */
static int hand_over(va_playback *playback)
{
    size_t frame_bytes = (size_t)snd_pcm_format_physical_width(playback->mode.format) / 8 * playback->mode.channels;
    const uint8_t *from = (const uint8_t *)playback->raw + playback->raw_at * frame_bytes;
    int ready = va_alsa_wait(playback->pcm, WAIT_MS);
    snd_pcm_sframes_t done = ready == 1 ? snd_pcm_writei(playback->pcm, from, playback->raw_size - playback->raw_at) : ready;

    if (done == -EPIPE || done == -ESTRPIPE) { /* an underrun, or the machine has slept */
        int r = va_alsa_recover(playback->pcm, (int)done);
        done = r == -EAGAIN ? 0 : r;
    }
    if (done < 0 && done != -EAGAIN && done != -EINTR)
        return (int)done;
    if (done > 0) {
        playback->raw_at += (size_t)done;
        playback->handed += (uint64_t)done;
        playback->timeouts = 0;
        playback->has_progress = 1;
        return 0;
    }
    if (ready != 0)
        usleep(WAIT_MS * 1000 / 10); /* it says that it is ready, but is not */
    return ++playback->timeouts < MAX_TIMEOUTS ? 0 : -ETIMEDOUT;
}

/* Plays as much of pcm [n] as the device takes before it is lost. 0, or a negative code of ALSA. */
static int feed(va_playback *playback, const int16_t *pcm, size_t n, const _Atomic int *stop, size_t *at)
{
    int is_end = 0, r = 0;

    while (r == 0 && !atomic_load(stop)) {
        if (playback->raw_at < playback->raw_size) {
            r = hand_over(playback);
            continue;
        }
        if (playback->block_at == playback->block_size) {
            size_t taken = take_block(playback, pcm + *at, n - *at);
            *at += taken;
            is_end = taken == 0;
        }
        convert(playback, is_end);
        if (is_end && playback->raw_size == 0)
            break;
    }
    return r;
}

/* Samples that were handed over, but not heard before the device was lost. */
static size_t unheard(const va_playback *playback, size_t taken)
{
    uint64_t now = va_clock_ns();
    uint64_t n = playback->heard_ns > now ? (playback->heard_ns - now) / (1000000000u / VA_SAMPLE_RATE_HZ) : 0;

    return n < taken ? (size_t)n : taken;
}

/* Waits for the device. 0, VA_ECANCELLED, or why it did not come back. */
static int reopen(va_playback *playback, const _Atomic int *stop, va_error *error)
{
    double start_ms = va_clock_ms();
    int r;

    close_device(playback);
    do {
        if (atomic_load(stop))
            return VA_ECANCELLED;
        r = open_device(playback, error);
        if (r == 0 && (r = begin(playback, error)) < 0)
            close_device(playback);
        if (r < 0)
            usleep(RETRY_MS * 1000);
    } while (r < 0 && va_clock_ms() - start_ms < RETURN_MS);
    return r;
}

/* What is in the device's buffer is played to the end; snd_pcm_drain does not block. */
static void drain(va_playback *playback, const _Atomic int *stop)
{
    snd_pcm_drain(playback->pcm);
    for (int i = 0; i < MAX_DRAINS && !atomic_load(stop) && snd_pcm_state(playback->pcm) == SND_PCM_STATE_DRAINING; i++)
        usleep(WAIT_MS * 1000);
}

int va_playback_run(va_playback *playback, const int16_t *pcm, size_t n, const _Atomic int *stop, va_error *error)
{
    size_t at = 0;
    int fruitless = 0, r = playback->pcm != NULL ? 0 : open_device(playback, error);

    if (r == 0)
        r = begin(playback, error);
    while (r == 0 && !atomic_load(stop)) {
        int code = feed(playback, pcm, n, stop, &at);
        if (code == 0)
            break;
        const char *why = code == -ETIMEDOUT ? "it takes no sound" : snd_strerror(code);
        fruitless = playback->has_progress ? 0 : fruitless + 1;
        if (fruitless > MAX_FRUITLESS) {
            close_device(playback);
            return va_fail(error, VA_EIO, "the sound device '%s' stopped playing: %s", playback->device, why);
        }
        at -= unheard(playback, at);
        r = reopen(playback, stop, error);
    }
    if (r < 0)
        return r;
    if (!atomic_load(stop))
        drain(playback, stop);
    snd_pcm_drop(playback->pcm);
    return atomic_load(stop) ? VA_ECANCELLED : 0;
}
