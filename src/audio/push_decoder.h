/* push_decoder.h - audio that comes in pieces over a network, as it is spoken, to 16 kHz mono.
 *
 * PCM of 16 bits, or Opus in Ogg (RFC 7845; one or two channels). Pieces of any size: samples, pages and packets may be cut anywhere.
 * Memory is bounded whatever comes. One thread at a time. */
#ifndef VA_AUDIO_PUSH_DECODER_H
#define VA_AUDIO_PUSH_DECODER_H

#include "base/error.h"

typedef struct va_push_decoder va_push_decoder;

enum va_push_format { VA_PUSH_PCM16, /* little-endian */ VA_PUSH_OPUS };

struct va_push_options {
    enum va_push_format format;
    uint32_t rate_hz;  /* of PCM: 8000..48000 */
    unsigned channels; /* of PCM: 1..8, interleaved; they are mixed */
};

/* pcm [n], n at most VA_PUSH_MAX_SAMPLES: 16 kHz mono. 0, or negative: decoding ends with it. */
#define VA_PUSH_MAX_SAMPLES 4096
typedef int (*va_push_fn)(void *user, const float *pcm, size_t n, va_error *error);

/* VA_EUNSUPPORTED: rate or channels. VA_ENOMEM. */
VA_MUST_CHECK int va_push_decoder_new(const struct va_push_options *options, va_push_fn call, void *user, va_push_decoder **ret_decoder,
                                      va_error *error);
void va_push_decoder_free(va_push_decoder *decoder);

/* VA_EFORMAT: damaged, or not Opus in Ogg. VA_EUNSUPPORTED: more channels or streams. VA_ENOMEM, VA_ELIMIT, or what call returned. After a
 * failure only free. */
VA_MUST_CHECK int va_push_decoder_push(va_push_decoder *decoder, const void *data, size_t n, va_error *error);
/* What is still inside. A sample or page that is cut off is nobody's. */
VA_MUST_CHECK int va_push_decoder_finish(va_push_decoder *decoder, va_error *error);

#endif
