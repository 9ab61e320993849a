/* audio.h - sound as it comes in Wyoming's chunks, made 16 kHz mono. One stream, one thread. */
#ifndef VA_WYOMING_AUDIO_H
#define VA_WYOMING_AUDIO_H

#include "base/error.h"

typedef struct va_wyoming_audio va_wyoming_audio;

struct va_wyoming_format {
    int64_t rate, width, channels; /* width: bytes of a sample: 1 (unsigned), 2, 3, 4 (signed, little endian) */
};

/* VA_EUNSUPPORTED: not 8000 .. 192000 Hz, 1 .. 4 bytes, 1 .. 8 channels. VA_ENOMEM. */
VA_MUST_CHECK int va_wyoming_audio_new(const struct va_wyoming_format *format, va_wyoming_audio **ret_audio, va_error *error);
void va_wyoming_audio_free(va_wyoming_audio *audio);
int va_wyoming_audio_is(const va_wyoming_audio *audio, const struct va_wyoming_format *format);

/* Takes what is given: pcm [n]. 0 or what it returned. */
typedef int (*va_wyoming_audio_fn)(void *user, const float *pcm, size_t n, va_error *error);

/* bytes [n] of whole frames, or VA_EINVAL; NULL: the end, which gives what the filter holds. */
VA_MUST_CHECK int va_wyoming_audio_push(va_wyoming_audio *audio, const uint8_t *bytes, size_t n, va_wyoming_audio_fn take, void *user,
                                        va_error *error);

#endif
