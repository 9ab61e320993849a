/* push_state.h - the inside of a push decoder, shared by push_decoder.c (PCM) and push_opus.c. */
#ifndef VA_AUDIO_PUSH_STATE_H
#define VA_AUDIO_PUSH_STATE_H

#include <ogg/ogg.h>
#include <opus/opus.h>

#include "audio/push_decoder.h"
#include "dsp/resample.h"

struct va_push_opus {
    ogg_sync_state sync;
    ogg_stream_state stream;
    int has_stream;
    uint64_t n_packets;
    size_t n_incomplete; /* bytes of pages since a packet has ended */
    OpusDecoder *decoder;
    unsigned channels;
    size_t n_skip; /* samples at the start that are not to be heard */
};

struct va_push_decoder {
    struct va_push_options options;
    va_push_fn call;
    void *user;

    va_resampler *resampler; /* of PCM; NULL at 16 kHz */
    unsigned char frame[16]; /* a cut one, [n_frame] */
    size_t n_frame;

    struct va_push_opus opus;
};

/* push_opus.c */
void va_push_opus_init(struct va_push_opus *opus);
void va_push_opus_clear(struct va_push_opus *opus);
VA_MUST_CHECK int va_push_opus_push(va_push_decoder *decoder, const unsigned char *data, size_t n, va_error *error);

#endif
