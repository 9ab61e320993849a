/* An ALSA device. 16 kHz mono is asked for first; a device that has no such mode is run as it likes, and converted here. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "audio/alsa.h"
#include "audio/source_kind.h"
#include "base/clock.h"
#include "base/memory.h"
#include "dsp/resample.h"

#define BLOCK_FRAMES 1024
#define BUFFER_US 500000
#define PERIOD_US 20000
#define PAUSE_MS 10

/* A device that gives nothing for so long is lost. The first sound may take its time: a Bluetooth or network microphone, a hub that wakes.
 */
#define FIRST_PATIENCE_MS 5000
#define PATIENCE_MS 1000

struct alsa_source {
    va_audio_source base;
    snd_pcm_t *pcm;
    struct va_alsa_mode mode;
    va_resampler *resampler;
    void *raw; /* [BLOCK_FRAMES][channels] of the mode's format */
    float mono[BLOCK_FRAMES];
    size_t mono_at, mono_size;
    uint64_t frames, made; /* read from the device, given in 16 kHz */
    uint64_t end_ns;       /* when the last frame was captured */
    int waited_ms;         /* since the last frame */
};

static void mix(struct alsa_source *source, size_t frames)
{
    unsigned channels = source->mode.channels;

    for (size_t i = 0; i < frames; i++) {
        float sum = 0.0f;
        for (unsigned c = 0; c < channels; c++) {
            float value = va_alsa_get(source->raw, source->mode.format, i * channels + c);
            source->base.info.clipped += value >= VA_SOURCE_FULL_SCALE || value <= -VA_SOURCE_FULL_SCALE;
            sum += value;
        }
        source->mono[i] = sum / (float)channels;
    }
    source->mono_at = 0;
    source->mono_size = frames;
}

/* The device still holds what has been captured since. */
static void note_time(struct alsa_source *source, size_t frames)
{
    snd_pcm_sframes_t waiting = 0;

    if (snd_pcm_delay(source->pcm, &waiting) < 0 || waiting < 0)
        waiting = 0;
    source->frames += frames;
    source->end_ns = va_clock_ns() - (uint64_t)waiting * 1000000000u / source->mode.rate_hz;
}

static int lose(struct alsa_source *source, const char *why)
{
    source->base.info.why = why;
    return VA_EIO;
}

/* Nothing has come for that long. */
static int wait_more(struct alsa_source *source, int ms)
{
    source->waited_ms += ms;
    return source->waited_ms < (source->frames == 0 ? FIRST_PATIENCE_MS : PATIENCE_MS) ? VA_ETIMEOUT : lose(source, "it gives no sound");
}

static int pause_and_wait_more(struct alsa_source *source)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};

    nanosleep(&pause, NULL);
    return wait_more(source, PAUSE_MS);
}

static int recover(struct alsa_source *source, int code)
{
    int r = va_alsa_recover(source->pcm, code);

    if (r == -EAGAIN)
        return pause_and_wait_more(source);
    if (r == 0 && snd_pcm_state(source->pcm) == SND_PCM_STATE_PREPARED)
        r = snd_pcm_start(source->pcm);
    if (r < 0)
        return lose(source, snd_strerror(r));
    source->base.info.overruns++;
    /* One that overruns again and again without a frame between is lost, in the end. */
    return source->waited_ms > 0 ? pause_and_wait_more(source) : wait_more(source, 1);
}

/* Fills mono. 0, VA_ETIMEOUT or VA_EIO. */
static int capture(struct alsa_source *source)
{
    int ready = va_alsa_wait(source->pcm, VA_SOURCE_WAIT_MS);
    snd_pcm_sframes_t n = ready == 1 ? snd_pcm_readi(source->pcm, source->raw, BLOCK_FRAMES) : ready;

    if (n > 0) {
        source->waited_ms = 0;
        note_time(source, (size_t)n);
        mix(source, (size_t)n);
        return 0;
    }
    if (n == -EPIPE || n == -ESTRPIPE)
        return recover(source, (int)n);
    if (ready == 0)
        return wait_more(source, VA_SOURCE_WAIT_MS);
    if (n == -EAGAIN || n == -EINTR || n == 0) /* it says that it is ready, but is not */
        return pause_and_wait_more(source);
    return lose(source, snd_strerror((int)n));
}

/* Of the next sample to be given: so much later than that was the last frame captured. */
static uint64_t next_sample_ns(const struct alsa_source *source)
{
    double later_s = (double)source->frames / source->mode.rate_hz - (double)source->made / VA_SAMPLE_RATE_HZ;

    return source->end_ns - (uint64_t)(int64_t)(later_s * 1e9);
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
    base->info.first_ns = next_sample_ns(source);
    source->made += made;
    return made > 0 ? (int64_t)made : VA_ETIMEOUT; /* the resampler's first samples come late */
}

static void free_alsa(va_audio_source *base)
{
    struct alsa_source *source = (struct alsa_source *)base;

    if (source->pcm != NULL)
        snd_pcm_close(source->pcm);
    va_resampler_free(source->resampler);
    /* No audio stays behind. */
    if (source->raw != NULL)
        explicit_bzero(source->raw, BLOCK_FRAMES * source->mode.channels * sizeof(int32_t));
    explicit_bzero(source->mono, sizeof source->mono);
    va_free(source->raw);
    va_free(source);
}

int va_source_alsa_open(const char *device, va_audio_source **ret_source, va_error *error)
{
    int r;

    va_alsa_stay_silent();
    struct alsa_source *source = va_calloc(1, sizeof *source);
    if (source == NULL)
        return va_fail_memory(error);
    struct va_audio_source_info *info = &source->base.info;
    source->base.read = read_alsa;
    source->base.free = free_alsa;
    r = snd_pcm_open(&source->pcm, device, SND_PCM_STREAM_CAPTURE, SND_PCM_NONBLOCK);
    if (r < 0) {
        r = va_alsa_open_error(device, r, error);
        goto fail;
    }
    r = va_alsa_configure(source->pcm, BUFFER_US, PERIOD_US, &source->mode);
    if (r < 0 || (r = snd_pcm_prepare(source->pcm)) < 0 || (r = snd_pcm_start(source->pcm)) < 0) {
        r = va_fail(error, VA_EIO, "the sound device '%s' does not record: %s", device, snd_strerror(r));
        goto fail;
    }
    r = va_resampler_new(source->mode.rate_hz, VA_SAMPLE_RATE_HZ, &source->resampler, error);
    if (r < 0)
        goto fail;
    source->raw = va_calloc(BLOCK_FRAMES * source->mode.channels, sizeof(int32_t));
    if (source->raw == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    info->is_device = 1;
    info->rate_hz = source->mode.rate_hz;
    info->channels = source->mode.channels;
    snprintf(info->format, sizeof info->format, "%s", snd_pcm_format_name(source->mode.format));
    *ret_source = &source->base;
    return 0;

fail:
    free_alsa(&source->base);
    return r;
}
