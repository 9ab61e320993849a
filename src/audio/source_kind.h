/* source_kind.h - what the kinds of live sources share. Internal to this folder. */
#ifndef VA_AUDIO_SOURCE_KIND_H
#define VA_AUDIO_SOURCE_KIND_H

#include "audio/source.h"

#define VA_SOURCE_WAIT_MS 100
#define VA_SOURCE_FULL_SCALE (32767.0f / 32768.0f) /* the most that 16 bits hold */

struct va_audio_source {
    int64_t (*read)(va_audio_source *source, float *pcm, size_t capacity);
    void (*free)(va_audio_source *source);
    struct va_audio_source_info info;
};

VA_MUST_CHECK int va_source_alsa_open(const char *device, va_audio_source **ret_source, va_error *error);
VA_MUST_CHECK int va_source_file_open(const char *path, int in_real_time, va_audio_source **ret_source, va_error *error);
/* Raw signed 16-bit little-endian 16 kHz mono. Takes over fd. waits: the end of a writer is not that of the source. */
VA_MUST_CHECK int va_source_pipe_open(int fd, int waits, va_audio_source **ret_source, va_error *error);
void va_source_count_clipped(va_audio_source *source, const float *pcm, size_t n);

#endif
