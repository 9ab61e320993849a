/* decode.h - audio files to 16 kHz mono float, in pieces, in bounded memory.
 *
 * WAV (RIFF, any rate 1 to 768 kHz, any channel count up to 32, all PCM widths, A-law, mu-law, float), FLAC, Ogg (Vorbis, Opus), MP3,
 * told by their first bytes, never by name; headerless 16-bit 16 kHz when asked for. libsndfile and libmpg123 beneath.
 * Other formats are VA_EUNSUPPORTED with the list of those handled; damage is VA_EFORMAT; non-finite samples become 0.
 * One object per thread. */
#ifndef VA_AUDIO_DECODE_H
#define VA_AUDIO_DECODE_H

#include "base/error.h"

typedef struct va_decoder va_audio_decoder;

struct va_decode_options {
    double max_seconds; /* longer audio is VA_ELIMIT, found from the header where it is true and while reading where it lies; 0: none */
    int raw;            /* 1: headerless signed 16-bit little-endian 16 kHz mono */
};

/* path "-" is standard input (copied to an unlinked temporary file first: the formats need to seek; at most 4 GB). options may be NULL. */
VA_MUST_CHECK int va_audio_decoder_open(const char *path, const struct va_decode_options *options, va_audio_decoder **ret_decoder,
                                        va_error *error);

/* Takes over fd (closes it, on failure too). fd must be seekable. name is for messages. */
VA_MUST_CHECK int va_audio_decoder_open_fd(int fd, const char *name, const struct va_decode_options *options,
                                           va_audio_decoder **ret_decoder, va_error *error);
void va_audio_decoder_free(va_audio_decoder *decoder);

/* pcm [capacity] <- the next samples. Returns how many, 0 at the end, or VA_EFORMAT, VA_ELIMIT (the text is in
 * va_audio_decoder_error). Has the shape of va_read_fn, with the decoder as user. A file whose end is cut off gives what is there. */
VA_MUST_CHECK int64_t va_audio_decoder_read(void *decoder, float *pcm, size_t capacity);
const va_error *va_audio_decoder_error(const va_audio_decoder *decoder);

/* 16 kHz samples the header promises; 0 when not known or not credible. For progress only. */
uint64_t va_audio_decoder_total(const va_audio_decoder *decoder);

/* "wav", "flac", "ogg", "mp3", "raw" */
const char *va_audio_decoder_format(const va_audio_decoder *decoder);

#endif
