/* A windowed-sinc filter in polyphase form. The filter is sampled at the positions between two input samples where outputs fall:
 * at all of them where they are few (44100 -> 16000 has 160), else at enough of them to interpolate linearly between.
 * Several times faster than speexdsp for 44100 Hz, whose filter it interpolates for each tap. */
#include "dsp/resample.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

#define MIN_HZ 1000u
#define MAX_HZ 768000u

#define HALF_ZEROS 57       /* zero crossings of the sinc on each side */
#define PASS_BAND 0.955     /* cut-off, of half the lower rate: the stop band begins where that ends */
#define EXACT_PHASES 640    /* up to here every position has its own row */
#define PHASES_PER_ZERO 256 /* else: the error of interpolation is below -90 dB */
#define BLOCK_SAMPLES 2048
#define LANES 8

struct va_resampler {
    uint32_t from_hz, to_hz;
    size_t taps;     /* a multiple of LANES */
    uint32_t phases; /* rows: phases + 1 */
    int is_exact;
    float *rows;    /* [phases + 1][taps] */
    float *history; /* [taps + BLOCK_SAMPLES] */
    size_t filled;
    size_t at;           /* in history: the first sample under the filter */
    uint32_t between;    /* where the next output falls after its input sample, in 1/to_hz */
    uint64_t used, made; /* samples so far */
};

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Nuttall's four-term window, -1 < x < 1: side lobes of -93 dB. */
static double window(double x)
{
    double c = cos(M_PI * x); /* cos 2a = 2 c^2 - 1, cos 3a = 4 c^3 - 3 c */

    return fabs(x) >= 1.0 ? 0.0 : 0.211536 + c * (0.449584 + c * (0.288464 + c * 0.050416));
}

static void make_row(const va_resampler *resampler, double between, double cutoff, float *ret_row)
{
    double half = (double)(resampler->taps / 2), sum = 0.0;

    for (size_t k = 0; k < resampler->taps; k++) {
        double distance = (double)k - half + 1.0 - between;
        double angle = M_PI * cutoff * distance;
        double value = (fabs(angle) < 1e-9 ? 1.0 : sin(angle) / angle) * window(distance / half);
        ret_row[k] = (float)value;
        sum += value;
    }
    for (size_t k = 0; k < resampler->taps; k++)
        ret_row[k] = (float)(ret_row[k] / sum);
}

static int make_filter(va_resampler *resampler)
{
    uint32_t from = resampler->from_hz, to = resampler->to_hz;
    double shrink = from > to ? (double)to / from : 1.0;
    uint32_t positions = to / common_divisor(from, to);

    resampler->taps = ((size_t)ceil(2 * HALF_ZEROS / shrink) + LANES - 1) / LANES * LANES;
    resampler->is_exact = positions <= EXACT_PHASES;
    resampler->phases = resampler->is_exact ? positions : (uint32_t)ceil(PHASES_PER_ZERO * shrink);
    resampler->rows = va_alloc((resampler->phases + 1) * resampler->taps, sizeof *resampler->rows);
    resampler->history = va_calloc(resampler->taps + BLOCK_SAMPLES, sizeof *resampler->history);
    if (resampler->rows == NULL || resampler->history == NULL)
        return VA_ENOMEM;
    for (uint32_t i = 0; i <= resampler->phases; i++) {
        float *row = resampler->rows + i * resampler->taps;
        const float *mirror = resampler->rows + (resampler->phases - i) * resampler->taps;
        if (i <= resampler->phases / 2)
            make_row(resampler, (double)i / resampler->phases, PASS_BAND * shrink, row);
        for (size_t k = 0; i > resampler->phases / 2 && k < resampler->taps; k++)
            row[k] = mirror[resampler->taps - 1 - k];
    }
    resampler->filled = resampler->taps / 2 - 1; /* zeros, so that the first output falls on the first input */
    return 0;
}

int va_resampler_new(uint32_t from_hz, uint32_t to_hz, va_resampler **ret_resampler, va_error *error)
{
    if (from_hz < MIN_HZ || from_hz > MAX_HZ || to_hz < MIN_HZ || to_hz > MAX_HZ)
        return va_fail(error, VA_EUNSUPPORTED, "a sample rate of %u Hz (%u to %u are handled)",
                       from_hz < MIN_HZ || from_hz > MAX_HZ ? from_hz : to_hz, MIN_HZ, MAX_HZ);
    va_resampler *resampler = va_calloc(1, sizeof *resampler);
    if (resampler == NULL)
        return va_fail_memory(error);
    resampler->from_hz = from_hz;
    resampler->to_hz = to_hz;
    if (from_hz != to_hz && make_filter(resampler) < 0) {
        va_resampler_free(resampler);
        return va_fail_memory(error);
    }
    *ret_resampler = resampler;
    return 0;
}

void va_resampler_free(va_resampler *resampler)
{
    if (resampler == NULL)
        return;
    if (resampler->history != NULL) /* no audio stays behind */
        explicit_bzero(resampler->history, (resampler->taps + BLOCK_SAMPLES) * sizeof *resampler->history);
    va_free(resampler->rows);
    va_free(resampler->history);
    va_free(resampler);
}

/* In lanes, so that the compiler may make vectors of it without changing the order of the sums. */
static float dot(const float *a, const float *b, size_t n)
{
    float lanes[LANES] = {0}, sum = 0.0f;

    for (size_t i = 0; i < n; i += LANES) {
        for (int k = 0; k < LANES; k++)
            lanes[k] += a[i + k] * b[i + k];
    }
    for (int k = 0; k < LANES; k++)
        sum += lanes[k];
    return sum;
}

static float one_output(const va_resampler *resampler)
{
    const float *samples = resampler->history + resampler->at;
    double position = (double)resampler->between / resampler->to_hz * resampler->phases;
    uint32_t row = resampler->is_exact ? (uint32_t)lrint(position) : (uint32_t)position;
    const float *filter = resampler->rows + row * resampler->taps;
    float value = dot(samples, filter, resampler->taps);

    if (!resampler->is_exact)
        value += (float)(position - row) * (dot(samples, filter + resampler->taps, resampler->taps) - value);
    return value;
}

/* Makes what the history allows, at most n. Returns how many. */
static size_t make(va_resampler *resampler, float *out, size_t n)
{
    size_t made = 0;

    for (; made < n && resampler->at + resampler->taps <= resampler->filled; made++) {
        out[made] = one_output(resampler);
        uint64_t next = (uint64_t)resampler->between + resampler->from_hz;
        resampler->at += (size_t)(next / resampler->to_hz);
        resampler->between = (uint32_t)(next % resampler->to_hz);
    }
    resampler->made += made;
    return made;
}

/* Adds samples (zeros for NULL) behind the history, what is no longer needed making room. Returns how many. */
static size_t feed(va_resampler *resampler, const float *in, size_t n)
{
    size_t drop = resampler->at < resampler->filled ? resampler->at : resampler->filled;
    float *history = resampler->history;

    memmove(history, history + drop, (resampler->filled - drop) * sizeof *history);
    resampler->filled -= drop;
    resampler->at -= drop;
    size_t room = resampler->taps + BLOCK_SAMPLES - resampler->filled;
    n = n < room ? n : room;
    if (in != NULL)
        memcpy(history + resampler->filled, in, n * sizeof *history);
    else
        memset(history + resampler->filled, 0, n * sizeof *history);
    resampler->filled += n;
    return n;
}

void va_resampler_run(va_resampler *resampler, const float *in, size_t n_in, float *out, size_t capacity, size_t *ret_used,
                      size_t *ret_made)
{
    size_t used = 0, made = 0;

    if (resampler->rows == NULL) {
        used = made = in == NULL ? 0 : n_in < capacity ? n_in : capacity;
        if (used > 0)
            memcpy(out, in, used * sizeof *out);
    } else if (in == NULL) {
        /* Until the output is as long as the input was, rounded up. */
        uint64_t due = (resampler->used * resampler->to_hz + resampler->from_hz - 1) / resampler->from_hz - resampler->made;
        size_t n = due < capacity ? (size_t)due : capacity;
        while ((made += make(resampler, out + made, n - made)) < n)
            feed(resampler, NULL, BLOCK_SAMPLES);
    } else {
        made = make(resampler, out, capacity);
        while (used < n_in && made < capacity) {
            used += feed(resampler, in + used, n_in - used);
            made += make(resampler, out + made, capacity - made);
        }
        resampler->used += used;
    }
    *ret_used = used;
    *ret_made = made;
}
