/* push_decoder.c - life, and PCM. */
#include "audio/push_state.h"

#include <string.h>

#include "base/memory.h"

#define RATE_HZ 16000
#define MAX_CHANNELS 8
#define FRAMES 1024 /* at a time; at 8 kHz they become twice as many */

int va_push_decoder_new(const struct va_push_options *options, va_push_fn call, void *user, va_push_decoder **ret_decoder, va_error *error)
{
    int is_pcm = options->format == VA_PUSH_PCM16;

    if (is_pcm && (options->rate_hz < 8000 || options->rate_hz > 48000))
        return va_fail(error, VA_EUNSUPPORTED, "the rate must be 8000 to 48000 Hz, not %u", options->rate_hz);
    if (is_pcm && (options->channels < 1 || options->channels > MAX_CHANNELS))
        return va_fail(error, VA_EUNSUPPORTED, "there may be 1 to %d channels, not %u", MAX_CHANNELS, options->channels);
    va_push_decoder *decoder = va_calloc(1, sizeof *decoder);
    if (decoder == NULL)
        return va_fail_memory(error);
    decoder->options = *options;
    decoder->call = call;
    decoder->user = user;
    va_push_opus_init(&decoder->opus);
    if (is_pcm && options->rate_hz != RATE_HZ) {
        int r = va_resampler_new(options->rate_hz, RATE_HZ, &decoder->resampler, error);
        if (r < 0) {
            va_push_decoder_free(decoder);
            return r;
        }
    }
    *ret_decoder = decoder;
    return 0;
}

void va_push_decoder_free(va_push_decoder *decoder)
{
    if (decoder == NULL)
        return;
    va_resampler_free(decoder->resampler);
    va_push_opus_clear(&decoder->opus);
    va_free(decoder);
}

/* in NULL: what the resampler still has. */
static int give(va_push_decoder *decoder, const float *in, size_t n, va_error *error)
{
    float out[VA_PUSH_MAX_SAMPLES];
    size_t used = 0, made = 0;
    int r = 0;

    if (decoder->resampler == NULL)
        return n > 0 ? decoder->call(decoder->user, in, n, error) : 0;
    do {
        va_resampler_run(decoder->resampler, in, n, out, VA_PUSH_MAX_SAMPLES, &used, &made);
        if (made > 0)
            r = decoder->call(decoder->user, out, made, error);
        in = in != NULL ? in + used : NULL;
        n -= used;
    } while (r == 0 && (n > 0 || made == VA_PUSH_MAX_SAMPLES || (in == NULL && made > 0)));
    return r;
}

static float mix(const unsigned char *frame, unsigned channels)
{
    int32_t sum = 0;

    for (unsigned i = 0; i < channels; i++)
        sum += (int16_t)(uint16_t)(frame[2 * i] | frame[2 * i + 1] << 8);
    return (float)sum / (32768.0f * (float)channels);
}

static int push_pcm(va_push_decoder *decoder, const unsigned char *data, size_t n, va_error *error)
{
    const size_t frame_bytes = (size_t)2 * decoder->options.channels;
    float pcm[FRAMES];
    size_t n_pcm = 0;
    int r = 0;

    while (decoder->n_frame > 0 && n > 0) {
        decoder->frame[decoder->n_frame++] = *data++;
        n--;
        if (decoder->n_frame == frame_bytes) {
            pcm[n_pcm++] = mix(decoder->frame, decoder->options.channels);
            decoder->n_frame = 0;
        }
    }
    for (; r == 0 && n >= frame_bytes; n -= frame_bytes, data += frame_bytes) {
        pcm[n_pcm++] = mix(data, decoder->options.channels);
        if (n_pcm == FRAMES) {
            r = give(decoder, pcm, n_pcm, error);
            n_pcm = 0;
        }
    }
    if (n > 0 && r == 0) {
        memcpy(decoder->frame, data, n);
        decoder->n_frame = n;
    }
    return r == 0 && n_pcm > 0 ? give(decoder, pcm, n_pcm, error) : r;
}

int va_push_decoder_push(va_push_decoder *decoder, const void *data, size_t n, va_error *error)
{
    return decoder->options.format == VA_PUSH_PCM16 ? push_pcm(decoder, data, n, error) : va_push_opus_push(decoder, data, n, error);
}

int va_push_decoder_finish(va_push_decoder *decoder, va_error *error)
{
    if (decoder->options.format == VA_PUSH_OPUS && decoder->opus.n_packets < 2)
        return va_fail(error, VA_EFORMAT, "the audio ends before its first packet");
    return decoder->resampler != NULL ? give(decoder, NULL, 0, error) : 0;
}
