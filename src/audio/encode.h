/* encode.h - 16 kHz mono samples to a file in memory. libsndfile beneath. Any thread. */
#ifndef VA_AUDIO_ENCODE_H
#define VA_AUDIO_ENCODE_H

#include "base/buffer.h"

enum va_audio_encoding {
    VA_ENCODE_WAV,
    VA_ENCODE_FLAC,
    VA_ENCODE_OPUS, /* in Ogg */
    VA_ENCODE_MP3,
    VA_ENCODE_PCM24K /* headerless signed 16-bit little-endian, 24 kHz: what OpenAI's clients play */
};

/* "wav", "flac", "opus", "mp3", "pcm". VA_EINVAL. */
VA_MUST_CHECK int va_audio_encoding_parse(const char *name, enum va_audio_encoding *ret_encoding);
const char *va_audio_encoding_type(enum va_audio_encoding encoding); /* "audio/wav" ... */

/* Appends pcm [n] to out. VA_EUNSUPPORTED: the library here has no such encoder. VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_audio_encode(const int16_t *pcm, size_t n, enum va_audio_encoding encoding, struct va_buffer *out, va_error *error);

#endif
