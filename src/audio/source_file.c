/* An audio file, or a pipe of raw samples, in the place of a microphone. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audio/decode.h"
#include "audio/source_kind.h"
#include "base/clock.h"
#include "base/memory.h"

#define SAMPLE_NS (1000000000u / VA_SAMPLE_RATE_HZ)
#define LATE_NS 1000000000u
#define STEP_SAMPLES (VA_SAMPLE_RATE_HZ / 1000 * VA_SOURCE_WAIT_MS)
#define PERIOD_SAMPLES (VA_SAMPLE_RATE_HZ / 1000 * 20) /* in real time: as a device's */

struct file_source {
    va_audio_source base;
    va_audio_decoder *decoder;
    int in_real_time;
    uint64_t start_ns; /* when the first sample was spoken; 0 before the first read */
    uint64_t samples;
};

/* Whatever the file holds is converted while it is decoded. */
static void set_mode(va_audio_source *base, const char *format)
{
    base->info.rate_hz = VA_SAMPLE_RATE_HZ;
    base->info.channels = 1;
    snprintf(base->info.format, sizeof base->info.format, "%s", format);
}

static void sleep_until(uint64_t ns)
{
    uint64_t now = va_clock_ns();

    if (ns > now) {
        struct timespec pause = {.tv_sec = (time_t)((ns - now) / 1000000000u), .tv_nsec = (long)((ns - now) % 1000000000u)};
        nanosleep(&pause, NULL);
    }
}

static int64_t read_file(va_audio_source *base, float *pcm, size_t capacity)
{
    struct file_source *source = (struct file_source *)base;

    uint64_t now = va_clock_ns(), due = source->start_ns + source->samples * SAMPLE_NS;
    if (source->start_ns == 0)
        source->start_ns = now;
    else if (source->in_real_time && now > due + LATE_NS)
        source->start_ns += now - due; /* nobody read for a while: the file has waited */
    size_t step = source->in_real_time ? PERIOD_SAMPLES : STEP_SAMPLES;
    int64_t n = va_audio_decoder_read(source->decoder, pcm, capacity < step ? capacity : step);
    if (n > 0) {
        base->info.first_ns = source->start_ns + source->samples * SAMPLE_NS;
        va_source_count_clipped(base, pcm, (size_t)n);
        source->samples += (uint64_t)n;
        if (source->in_real_time)
            sleep_until(source->start_ns + source->samples * SAMPLE_NS);
    }
    return n;
}

static void free_file(va_audio_source *base)
{
    struct file_source *source = (struct file_source *)base;

    va_audio_decoder_free(source->decoder);
    va_free(source);
}

int va_source_file_open(const char *path, int in_real_time, va_audio_source **ret_source, va_error *error)
{
    struct file_source *source = va_calloc(1, sizeof *source);

    if (source == NULL)
        return va_fail_memory(error);
    source->base.read = read_file;
    source->base.free = free_file;
    source->in_real_time = in_real_time;
    int r = va_audio_decoder_open(path, NULL, &source->decoder, error);
    if (r < 0) {
        va_free(source);
        return r;
    }
    set_mode(&source->base, va_audio_decoder_format(source->decoder));
    *ret_source = &source->base;
    return 0;
}

struct pipe_source {
    va_audio_source base;
    int fd, waits;
    size_t n_bytes; /* of a sample whose second byte has not come */
    uint8_t bytes[2 * STEP_SAMPLES];
};

static int64_t read_pipe(va_audio_source *base, float *pcm, size_t capacity)
{
    struct pipe_source *source = (struct pipe_source *)base;
    struct pollfd wait = {.fd = source->fd, .events = POLLIN};
    size_t room = capacity < STEP_SAMPLES ? 2 * capacity : sizeof source->bytes;

    int r = poll(&wait, 1, VA_SOURCE_WAIT_MS);
    if (r == 0 || (r < 0 && errno == EINTR))
        return VA_ETIMEOUT;
    ssize_t n = r < 0 ? -1 : read(source->fd, source->bytes + source->n_bytes, room - source->n_bytes);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? VA_ETIMEOUT : VA_EIO;
    if (n == 0 && source->waits) { /* its writer has gone; another may come */
        source->n_bytes = 0;
        sleep_until(va_clock_ns() + VA_SOURCE_WAIT_MS * 1000000u);
        return VA_ETIMEOUT;
    }
    if (n == 0)
        return 0;
    source->n_bytes += (size_t)n;
    size_t samples = source->n_bytes / 2;
    for (size_t i = 0; i < samples; i++)
        pcm[i] = (float)(int16_t)(source->bytes[2 * i] | source->bytes[2 * i + 1] << 8) / 32768.0f;
    source->bytes[0] = source->bytes[source->n_bytes - 1];
    source->n_bytes %= 2;
    base->info.first_ns = va_clock_ns() - samples * SAMPLE_NS;
    va_source_count_clipped(base, pcm, samples);
    return samples > 0 ? (int64_t)samples : VA_ETIMEOUT;
}

static void free_pipe(va_audio_source *base)
{
    struct pipe_source *source = (struct pipe_source *)base;

    close(source->fd);
    explicit_bzero(source->bytes, sizeof source->bytes);
    va_free(source);
}

int va_source_pipe_open(int fd, int waits, va_audio_source **ret_source, va_error *error)
{
    struct pipe_source *source = va_calloc(1, sizeof *source);

    if (source == NULL) {
        close(fd);
        return va_fail_memory(error);
    }
    source->base.read = read_pipe;
    source->base.free = free_pipe;
    source->fd = fd;
    source->waits = waits;
    set_mode(&source->base, "raw");
    *ret_source = &source->base;
    return 0;
}
