/* source_kind.h - what the kinds of live sources share. Internal to this folder. */
#ifndef VA_AUDIO_SOURCE_KIND_H
#define VA_AUDIO_SOURCE_KIND_H

#include "audio/source.h"

#define VA_SOURCE_WAIT_MS 100

struct va_audio_source {
    int64_t (*read)(va_audio_source *source, float *pcm, size_t capacity);
    void (*free)(va_audio_source *source);
    uint64_t overruns;
};

VA_MUST_CHECK int va_source_alsa_open(const char *device, va_audio_source **ret_source, va_error *error);
VA_MUST_CHECK int va_source_file_open(const char *path, int in_real_time, va_audio_source **ret_source, va_error *error);
/* Raw signed 16-bit little-endian 16 kHz mono. Takes over fd. */
VA_MUST_CHECK int va_source_pipe_open(int fd, va_audio_source **ret_source, va_error *error);

#endif
