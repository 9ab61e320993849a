#include "dsp/resample.h"

#include <speex/speex_resampler.h>
#include <string.h>

#include "base/memory.h"

#define QUALITY 8 /* of 0..10: 160 taps (at equal rates), stop band below -100 dB */
#define MIN_HZ 1000u
#define MAX_HZ 768000u

struct va_resampler {
    SpeexResamplerState *speex; /* NULL when the rates are equal */
    uint64_t from_hz, to_hz;
    uint64_t used, made; /* samples so far */
};

int va_resampler_new(uint32_t from_hz, uint32_t to_hz, va_resampler **ret_resampler, va_error *error)
{
    int status = RESAMPLER_ERR_SUCCESS;

    if (from_hz < MIN_HZ || from_hz > MAX_HZ || to_hz < MIN_HZ || to_hz > MAX_HZ)
        return va_fail(error, VA_EUNSUPPORTED, "a sample rate of %u Hz (%u to %u are handled)",
                       from_hz < MIN_HZ || from_hz > MAX_HZ ? from_hz : to_hz, MIN_HZ, MAX_HZ);
    va_resampler *resampler = va_calloc(1, sizeof *resampler);
    if (resampler == NULL)
        return va_fail_memory(error);
    resampler->from_hz = from_hz;
    resampler->to_hz = to_hz;
    if (from_hz != to_hz) {
        resampler->speex = speex_resampler_init(1, from_hz, to_hz, QUALITY, &status);
        if (resampler->speex == NULL) {
            va_free(resampler);
            return va_fail_memory(error);
        }
        speex_resampler_skip_zeros(resampler->speex);
    }
    *ret_resampler = resampler;
    return VA_OK;
}

void va_resampler_free(va_resampler *resampler)
{
    if (resampler == NULL)
        return;
    if (resampler->speex != NULL)
        speex_resampler_destroy(resampler->speex);
    va_free(resampler);
}

static spx_uint32_t at_most(uint64_t n)
{
    return n < 1u << 20 ? (spx_uint32_t)n : 1u << 20;
}

/* Feeds zeros until the output is as long as the input was, rounded up. */
static size_t drain(va_resampler *resampler, float *out, size_t capacity)
{
    uint64_t due = (resampler->used * resampler->to_hz + resampler->from_hz - 1) / resampler->from_hz;
    size_t made = 0;

    while (made < capacity && resampler->made < due) {
        uint64_t left = due - resampler->made;
        spx_uint32_t in_length = 4096, out_length = at_most(left < capacity - made ? left : capacity - made);
        speex_resampler_process_float(resampler->speex, 0, NULL, &in_length, out + made, &out_length);
        if (in_length == 0 && out_length == 0)
            break;
        made += out_length;
        resampler->made += out_length;
    }
    return made;
}

void va_resampler_run(va_resampler *resampler, const float *in, size_t n_in, float *out, size_t capacity, size_t *ret_used,
                      size_t *ret_made)
{
    size_t used = 0, made = 0;

    if (resampler->speex == NULL) {
        used = made = in == NULL ? 0 : n_in < capacity ? n_in : capacity;
        if (used > 0)
            memcpy(out, in, used * sizeof *out);
    } else if (in == NULL) {
        made = drain(resampler, out, capacity);
    } else {
        while (used < n_in && made < capacity) {
            spx_uint32_t in_length = at_most(n_in - used), out_length = at_most(capacity - made);
            speex_resampler_process_float(resampler->speex, 0, in + used, &in_length, out + made, &out_length);
            if (in_length == 0 && out_length == 0)
                break;
            used += in_length;
            made += out_length;
        }
        resampler->used += used;
        resampler->made += made;
    }
    *ret_used = used;
    *ret_made = made;
}
