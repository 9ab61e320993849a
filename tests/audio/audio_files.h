/* audio_files.h - small audio files for the tests, made with libsndfile in memory files. */
#ifndef VA_TESTS_AUDIO_FILES_H
#define VA_TESTS_AUDIO_FILES_H

#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A descriptor at offset 0 that holds these bytes. */
static inline int file_of_bytes(const void *data, size_t n)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    if (write(fd, data, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    return fd;
}

/* pcm [frames][channels] in the given SF_FORMAT. */
static inline int file_of_pcm(const float *pcm, size_t frames, int channels, int rate_hz, int format)
{
    SF_INFO info = {.samplerate = rate_hz, .channels = channels, .format = format};
    int fd = memfd_create("test", MFD_CLOEXEC);
    SNDFILE *file = sf_open_fd(fd, SFM_WRITE, &info, 0);
    if (file == NULL || sf_writef_float(file, pcm, (sf_count_t)frames) != (sf_count_t)frames)
        abort();
    sf_close(file);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static inline void fill_tone(float *pcm, size_t frames, int channels, int rate_hz)
{
    for (size_t i = 0; i < frames; i++) {
        for (int c = 0; c < channels; c++)
            pcm[i * (size_t)channels + (size_t)c] = 0.4f * (float)sin(2.0 * M_PI * 440.0 * (double)i / rate_hz);
    }
}

static inline int file_of_tone(size_t frames, int channels, int rate_hz, int format)
{
    float *pcm = calloc(frames * (size_t)channels + 1, sizeof *pcm);
    fill_tone(pcm, frames, channels, rate_hz);
    int fd = file_of_pcm(pcm, frames, channels, rate_hz, format);
    free(pcm);
    return fd;
}

/* All bytes of fd; free() them. */
static inline uint8_t *bytes_of_file(int fd, size_t *ret_n)
{
    size_t n = (size_t)lseek(fd, 0, SEEK_END);
    uint8_t *data = malloc(n + 1);
    if (pread(fd, data, n, 0) != (ssize_t)n)
        abort();
    lseek(fd, 0, SEEK_SET);
    *ret_n = n;
    return data;
}

#endif
