#include "dsp/echo_delay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dsp/fft.h"

#define BINS (VA_ECHO_DELAY_SPAN / 2 + 1)
#define LEAST_LEVEL 20.0 /* of 32768, root mean square: below that a window says nothing */
#define STANDS_OUT 7.5f  /* times the root mean square of the correlation; the greatest of thousands of random lags has 4 to 6 */
#define EDGE_SAMPLES 256
#define EARLIEST 0.7f        /* of the strongest: reflections may be stronger than the direct sound */
#define STANDS_OUT_NEAR 6.0f /* the same near the lag of the sound before */
#define STANDS_OUT_FAR 18.0f /* ... and elsewhere: devices seldom change */
#define NEAR_SAMPLES 240     /* 15 ms */
#define SAME_SAMPLES 2       /* what does not stand out twice as much must come twice: a sound's begin may match anything */
#define NONE (-1000)
#define EARLIER_SAMPLES 1600    /* so far before the strongest it is looked for */
#define SOFT 0.02f              /* of the mean power of what is played: bins with less count less */
#define KEPT 0.97f              /* of the windows before, with each one */
#define KEPT_WITH_RESPONSE 0.9f /* clocks drift, and a sharp peak soon shows */
#define LOWEST_BIN (150 * VA_ECHO_DELAY_SPAN / 16000)

struct va_echo_delay {
    int most, path;
    int has_response, last_best;
    va_fft *fft;
    float *samples;  /* [SPAN] */
    float *heard;    /* [BINS][2] */
    float *played;   /* [BINS][2] */
    float *cross;    /* [BINS][2]: sum over windows */
    float *response; /* [BINS][2] */
};

int va_echo_delay_new(int most, int path, va_echo_delay **ret_delay, va_error *error)
{
    int r = 0;

    if (most < 0 || path < 0 || most + path > VA_ECHO_DELAY_MAX)
        return va_fail(error, VA_EINVAL, "a delay of up to %d samples and a path of %d", most, path);
    va_echo_delay *delay = va_calloc(1, sizeof *delay);
    if (delay == NULL)
        return va_fail_memory(error);
    delay->most = most;
    delay->path = path;
    delay->samples = va_alloc(VA_ECHO_DELAY_SPAN, sizeof *delay->samples);
    delay->heard = va_alloc(2 * BINS, sizeof *delay->heard);
    delay->played = va_alloc(2 * BINS, sizeof *delay->played);
    delay->cross = va_calloc(2 * BINS, sizeof *delay->cross);
    delay->response = va_alloc(2 * BINS, sizeof *delay->response);
    if (delay->samples == NULL || delay->heard == NULL || delay->played == NULL || delay->cross == NULL || delay->response == NULL)
        r = va_fail_memory(error);
    if (r == 0)
        r = va_fft_new(VA_ECHO_DELAY_SPAN, &delay->fft, error);
    if (r < 0) {
        va_echo_delay_free(delay);
        return r;
    }
    *ret_delay = delay;
    return 0;
}

void va_echo_delay_free(va_echo_delay *delay)
{
    if (delay == NULL)
        return;
    va_fft_free(delay->fft);
    va_free(delay->samples);
    va_free(delay->heard);
    va_free(delay->played);
    va_free(delay->cross);
    va_free(delay->response);
    va_free(delay);
}

void va_echo_delay_reset(va_echo_delay *delay, const float *response)
{
    memset(delay->cross, 0, 2 * BINS * sizeof *delay->cross);
    delay->has_response = response != NULL;
    delay->last_best = NONE;
    if (response == NULL)
        return;
    memset(delay->samples, 0, VA_ECHO_DELAY_SPAN * sizeof *delay->samples);
    memcpy(delay->samples, response, (size_t)delay->path * sizeof *response);
    va_fft_real(delay->fft, delay->samples, delay->response);
}

/* The spectrum of pcm [n] between soft edges, zeros behind it. Returns 0 when that is as good as silent. Hard edges would match each other
 * where the two pieces begin or end together. */
static int transform(va_echo_delay *delay, const int16_t *pcm, size_t n, size_t edge, float *ret_bins)
{
    double power = 0.0;

    for (size_t i = 0; i < n; i++) {
        delay->samples[i] = (float)pcm[i];
        power += (double)pcm[i] * pcm[i];
    }
    if (power < LEAST_LEVEL * LEAST_LEVEL * VA_ECHO_DELAY_WINDOW)
        return 0;
    for (size_t i = 0; i < edge; i++) {
        float gain = 0.5f - 0.5f * cosf((float)M_PI * ((float)i + 0.5f) / (float)edge);
        delay->samples[i] *= gain;
        delay->samples[n - 1 - i] *= gain;
    }
    memset(delay->samples + n, 0, (VA_ECHO_DELAY_SPAN - n) * sizeof *delay->samples);
    va_fft_real(delay->fft, delay->samples, ret_bins);
    return 1;
}

/* played becomes what the response makes of it. */
static void respond(va_echo_delay *delay)
{
    for (size_t f = 0; f < BINS; f++) {
        const float *h = delay->response + 2 * f;
        float *b = delay->played + 2 * f, re = b[0] * h[0] - b[1] * h[1];
        b[1] = b[0] * h[1] + b[1] * h[0];
        b[0] = re;
    }
}

/* cross += conj(heard) * played, each of its bins of magnitude 1, less where hardly anything is played. */
static void add_phases(va_echo_delay *delay)
{
    float kept = delay->has_response ? KEPT_WITH_RESPONSE : KEPT, soft = 0.0f;

    for (size_t f = LOWEST_BIN; f < BINS; f++)
        soft += delay->played[2 * f] * delay->played[2 * f] + delay->played[2 * f + 1] * delay->played[2 * f + 1];
    soft *= SOFT / BINS;
    for (size_t f = LOWEST_BIN; f < BINS; f++) {
        const float *a = delay->heard + 2 * f, *b = delay->played + 2 * f;
        float re = a[0] * b[0] + a[1] * b[1], im = a[0] * b[1] - a[1] * b[0], power = b[0] * b[0] + b[1] * b[1];
        float scale = power / (power + soft) / (sqrtf(re * re + im * im) + 1e-9f);
        delay->cross[2 * f] = kept * delay->cross[2 * f] + re * scale;
        delay->cross[2 * f + 1] = kept * delay->cross[2 * f + 1] + im * scale;
    }
}

/* The inverse transform of cross into samples [SPAN], by a forward one of real part less imaginary part (the Hartley transform, which is
 * its own inverse). */
static void correlate(va_echo_delay *delay)
{
    float *samples = delay->samples;

    for (size_t f = 0; f < BINS; f++) {
        float re = delay->cross[2 * f], im = delay->cross[2 * f + 1];
        samples[f] = re - im;
        if (f > 0 && f < BINS - 1)
            samples[VA_ECHO_DELAY_SPAN - f] = re + im;
    }
    va_fft_real(delay->fft, samples, delay->heard);
    for (size_t t = 0; t < BINS; t++) {
        float re = delay->heard[2 * t], im = delay->heard[2 * t + 1];
        samples[t] = re - im;
        if (t > 0 && t < BINS - 1)
            samples[VA_ECHO_DELAY_SPAN - t] = re + im;
    }
}

/* The strongest of samples [first .. last]. */
static int strongest(const float *samples, int first, int last)
{
    int best = first;

    for (int shift = first + 1; shift <= last; shift++)
        if (samples[shift] > samples[best])
            best = shift;
    return best;
}

int va_echo_delay_push(va_echo_delay *delay, const int16_t *heard, const int16_t *played, const int *before, int *ret_lag)
{
    int zero = delay->path + delay->most; /* samples[shift] belongs to lag zero - shift */
    int last = zero + VA_ECHO_DELAY_EARLY, first = delay->path > VA_ECHO_DELAY_EARLY ? delay->path - VA_ECHO_DELAY_EARLY : 0;
    double power = 0.0;

    if (!transform(delay, heard, VA_ECHO_DELAY_WINDOW, VA_ECHO_DELAY_WINDOW / 2, delay->heard) ||
        !transform(delay, played, (size_t)last + 1 + VA_ECHO_DELAY_WINDOW, EDGE_SAMPLES, delay->played))
        return 0;
    if (delay->has_response)
        respond(delay);
    add_phases(delay);
    correlate(delay);
    for (int shift = first; shift <= last; shift++) {
        delay->samples[shift] = fabsf(delay->samples[shift]); /* the loudspeaker's poles may be either way */
        power += (double)delay->samples[shift] * delay->samples[shift];
    }
    float mean = (float)sqrt(power / (last - first + 1)) + 1e-20f;
    int best = strongest(delay->samples, first, last);
    float needed = STANDS_OUT;
    if (before != NULL) {
        int from = zero - *before - NEAR_SAMPLES, to = zero - *before + NEAR_SAMPLES;
        needed = STANDS_OUT_FAR;
        if (delay->samples[best] < needed * mean || (best >= from && best <= to)) {
            best = strongest(delay->samples, from > first ? from : first, to < last ? to : last);
            needed = delay->has_response ? STANDS_OUT : STANDS_OUT_NEAR;
        }
    }
    int stands_out = delay->samples[best] >= needed * mean, is_again = stands_out && abs(best - delay->last_best) <= SAME_SAMPLES;
    delay->last_best = stands_out ? best : NONE;
    if (!stands_out || (!is_again && delay->samples[best] < 2 * needed * mean))
        return 0;
    if (!delay->has_response) {
        float least = EARLIEST * delay->samples[best];
        int earliest = best + EARLIER_SAMPLES < last ? best + EARLIER_SAMPLES : last;
        while (delay->samples[earliest] < least)
            earliest--;
        best = earliest;
    }
    *ret_lag = zero - best;
    return 1;
}
