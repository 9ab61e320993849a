#include "dsp/log_mel.h"

#include <kiss_fftr.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

#define BINS (VA_MEL_WINDOW_SAMPLES / 2 + 1)
#define HALF_WINDOW (VA_MEL_WINDOW_SAMPLES / 2)
#define FLOOR_POWER 1e-10f
#define FLOOR_LOG (-10.0f)

struct va_log_mel {
    float window[VA_MEL_WINDOW_SAMPLES];
    /* A triangle covers few bins: band b has length[b] weights from bin start[b] on, one band after the other in weights. */
    int start[VA_MEL_BANDS], length[VA_MEL_BANDS];
    float weights[2 * BINS]; /* every bin lies under at most two triangles */
    kiss_fftr_cfg fft;
    float samples[VA_MEL_WINDOW_SAMPLES];
    kiss_fft_cpx spectrum[BINS];
};

/* Slaney's mel scale: linear to 1000 Hz, logarithmic above. */
static double hz_from_mel(double mel)
{
    return mel < 15.0 ? mel * 200.0 / 3.0 : 1000.0 * exp(log(6.4) / 27.0 * (mel - 15.0));
}

/* The table was published in single precision, made from doubles rounded at two places: the triangle, then its product with the
 * norm. Both are kept, so that the bits agree. */
void va_log_mel_filters(float ret_filters[VA_MEL_BANDS * 201])
{
    double edges[VA_MEL_BANDS + 2];
    double top = 15.0 + log(8.0) * 27.0 / log(6.4); /* 8000 Hz */

    for (int i = 0; i <= VA_MEL_BANDS; i++)
        edges[i] = hz_from_mel(i * (top / (VA_MEL_BANDS + 1)));
    edges[VA_MEL_BANDS + 1] = hz_from_mel(top); /* i * (top / 81) would be off by a bit */
    for (int band = 0; band < VA_MEL_BANDS; band++) {
        double norm = 2.0 / (edges[band + 2] - edges[band]);
        for (int bin = 0; bin < BINS; bin++) {
            double hz = bin * 40.0;
            double rise = -(edges[band] - hz) / (edges[band + 1] - edges[band]); /* the published table begins with -0 */
            double fall = (edges[band + 2] - hz) / (edges[band + 2] - edges[band + 1]);
            double least = fmin(rise, fall);
            float triangle = (float)(least >= 0.0 ? least : 0.0);
            ret_filters[band * BINS + bin] = (float)(triangle * norm);
        }
    }
}

static void make_sparse(va_log_mel *mel, const float *filters)
{
    int used = 0;

    for (int band = 0; band < VA_MEL_BANDS; band++) {
        const float *row = filters + band * BINS;
        int first = 0, last = BINS - 1;
        while (first < last && row[first] == 0.0f)
            first++;
        while (last > first && row[last] == 0.0f)
            last--;
        mel->start[band] = first;
        mel->length[band] = last - first + 1;
        memcpy(mel->weights + used, row + first, (size_t)mel->length[band] * sizeof *row);
        used += mel->length[band];
    }
}

int va_log_mel_new(va_log_mel **ret_mel, va_error *error)
{
    size_t fft_bytes = 0;
    va_log_mel *mel = va_calloc(1, sizeof *mel);
    float *filters = va_alloc(VA_MEL_BANDS * BINS, sizeof *filters);

    kiss_fftr_alloc(VA_MEL_WINDOW_SAMPLES, 0, NULL, &fft_bytes);
    void *fft = va_alloc(fft_bytes, 1);
    if (mel == NULL || filters == NULL || fft == NULL) {
        va_free(filters);
        va_free(fft);
        va_free(mel);
        return va_fail_memory(error);
    }
    mel->fft = kiss_fftr_alloc(VA_MEL_WINDOW_SAMPLES, 0, fft, &fft_bytes);
    va_log_mel_filters(filters);
    make_sparse(mel, filters);
    va_free(filters);
    for (int i = 0; i < VA_MEL_WINDOW_SAMPLES; i++)
        mel->window[i] = (float)(0.5 - 0.5 * cos(2.0 * M_PI * i / VA_MEL_WINDOW_SAMPLES));
    *ret_mel = mel;
    return 0;
}

void va_log_mel_free(va_log_mel *mel)
{
    if (mel == NULL)
        return;
    va_free(mel->fft);
    va_free(mel);
}

/* The index that position i stands for when [0, n) is mirrored at both ends without repeating the end samples. */
static size_t mirrored(int64_t i, int64_t n)
{
    if (n == 1)
        return 0;
    int64_t period = 2 * (n - 1);
    i = (i % period + period) % period;
    return (size_t)(i < n ? i : period - i);
}

/* Windows the samples around `centre` into mel->samples. padded: the length with the zeros; n_samples <= padded. */
static void window_frame(va_log_mel *mel, const float *pcm, size_t n_samples, size_t padded, size_t centre)
{
    int64_t first = (int64_t)centre - HALF_WINDOW;

    if (first >= 0 && (size_t)first + VA_MEL_WINDOW_SAMPLES <= n_samples) {
        for (int i = 0; i < VA_MEL_WINDOW_SAMPLES; i++)
            mel->samples[i] = pcm[first + i] * mel->window[i];
        return;
    }
    for (int i = 0; i < VA_MEL_WINDOW_SAMPLES; i++) {
        size_t at = mirrored(first + i, (int64_t)padded);
        mel->samples[i] = at < n_samples ? pcm[at] * mel->window[i] : 0.0f;
    }
}

/* log10 of all bands at once, not below FLOOR_LOG and within 2e-6 of the true value: x = m 2^e with m in sqrt(1/2) .. sqrt(2), and
 * the series of ln m = 2 atanh((m - 1) / (m + 1)). Several times as fast as libm (the compiler makes vectors of it), and the same on
 * every machine. */
static void log10_bands(float bands[VA_MEL_BANDS])
{
    for (int band = 0; band < VA_MEL_BANDS; band++) {
        uint32_t bits;
        float m;
        memcpy(&bits, &bands[band], sizeof bits);
        int32_t e = (int32_t)(bits - 0x3f3504f3u) >> 23; /* the bits of sqrt(1/2) */
        bits -= (uint32_t)e << 23;
        memcpy(&m, &bits, sizeof m);
        float s = (m - 1.0f) / (m + 1.0f), s2 = s * s;
        float series = ((((s2 * (1.0f / 9.0f) + 1.0f / 7.0f) * s2 + 1.0f / 5.0f) * s2 + 1.0f / 3.0f) * s2 + 1.0f) * s;
        float log = (float)e * 0.30103000f + series * 0.86858896f; /* log10(2), 2 log10(e) */
        bands[band] = log > FLOOR_LOG ? log : FLOOR_LOG;           /* 1e-10 itself comes out a bit below */
    }
}

static void frame_to_bands(va_log_mel *mel, float ret_bands[VA_MEL_BANDS])
{
    float power[BINS];
    const float *weight = mel->weights;

    kiss_fftr(mel->fft, mel->samples, mel->spectrum);
    for (int bin = 0; bin < BINS; bin++)
        power[bin] = mel->spectrum[bin].r * mel->spectrum[bin].r + mel->spectrum[bin].i * mel->spectrum[bin].i;
    for (int band = 0; band < VA_MEL_BANDS; band++) {
        float sum = 0.0f;
        for (int i = 0; i < mel->length[band]; i++)
            sum += *weight++ * power[mel->start[band] + i];
        ret_bands[band] = sum > FLOOR_POWER ? sum : FLOOR_POWER;
    }
    log10_bands(ret_bands);
}

void va_log_mel_compute(va_log_mel *mel, const float *pcm, size_t n_samples, size_t n_frames, float *ret_mel, float *ret_max)
{
    size_t padded = n_frames * VA_MEL_HOP_SAMPLES;
    float max = FLOOR_LOG;

    if (n_samples > padded)
        n_samples = padded;
    for (size_t frame = 0; frame < n_frames; frame++) {
        size_t centre = frame * VA_MEL_HOP_SAMPLES;
        float *bands = ret_mel + frame * VA_MEL_BANDS;
        /* Only zeros under the window: the end's mirror image reaches back no further than the window itself does. */
        int silent = centre >= n_samples + HALF_WINDOW && centre >= HALF_WINDOW;
        if (silent) {
            for (int band = 0; band < VA_MEL_BANDS; band++)
                bands[band] = FLOOR_LOG;
            continue;
        }
        window_frame(mel, pcm, n_samples, padded, centre);
        frame_to_bands(mel, bands);
        for (int band = 0; band < VA_MEL_BANDS; band++)
            max = bands[band] > max ? bands[band] : max;
    }
    *ret_max = max;
}

void va_log_mel_scale(float *mel, size_t n_frames, float max, float shift)
{
    float lowest = max - 8.0f;

    for (size_t i = 0; i < n_frames * VA_MEL_BANDS; i++)
        mel[i] = ((mel[i] > lowest ? mel[i] : lowest) + shift + 4.0f) / 4.0f;
}
