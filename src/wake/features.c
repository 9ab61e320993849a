#include "wake/features.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "wake/fixed_fft.h"

enum {
    FIRST_BIN = 5, /* 156 Hz: the first above 125 Hz */
    END_BIN = 240, /* 7500 Hz: the last edge */
    BINS = END_BIN - FIRST_BIN,
    SLOPES = VA_WAKE_CHANNELS + 1, /* between the peaks of two neighbours, and outside the first and the last */
    WEIGHT_BITS = 12,              /* of the window and of the triangles */
    NOISE_BITS = 10,               /* the estimate's fraction */
    SHARE_BITS = 14,               /* of the three shares below */
    EVEN_SHARE = 409,              /* 0.025: of a new frame in the noise estimate of an even channel */
    ODD_SHARE = 983,               /* 0.06 */
    LEAST_SHARE = 819,             /* 0.05: what is kept of a signal at least */
    GAIN_SEGMENTS = 33,
    LOG_SEGMENT_BITS = 7,
    LOG_SEGMENTS = 1 << LOG_SEGMENT_BITS,
    LN_2 = 45426, /* of 65536 */
};

/* y = level + t (slope + t curve) with t the distance from a power of 2 to the next. */
struct gain_segment {
    int16_t level, slope, curve;
};

struct va_wake_features {
    struct va_fixed_fft fft;
    int16_t window[VA_WAKE_WINDOW_SAMPLES];
    uint16_t weights[BINS];                   /* of a bin in the channel that its slope falls to; the other gets the rest of 4096 */
    uint8_t ends[SLOPES];                     /* bins up to the end of each slope, less FIRST_BIN */
    struct gain_segment gains[GAIN_SEGMENTS]; /* by the length of the noise in bits */
    uint16_t logs[LOG_SEGMENTS + 1];          /* log2(1 + x) - x in 1/65536 */
    int filled;                               /* samples in input */
    int16_t input[VA_WAKE_WINDOW_SAMPLES];
    int16_t windowed[VA_FIXED_FFT_SAMPLES]; /* zeros behind the window */
    uint32_t noise[VA_WAKE_CHANNELS];
};

/* No number of the tables below lies nearer than 0.00005 to where it would round the other way: any libm makes the same tables. */
static int rounded(double x)
{
    return (int)floor(x + 0.5);
}

static void make_window(int16_t *ret_window)
{
    for (int i = 0; i < VA_WAKE_WINDOW_SAMPLES; i++)
        ret_window[i] = (int16_t)rounded((0.5 - 0.5 * cos(2.0 * M_PI * (i + 0.5) / VA_WAKE_WINDOW_SAMPLES)) * (1 << WEIGHT_BITS));
    ret_window[17]++; /* 53.49995: upstream makes its tables in single precision, where it is rounded up */
}

static double mel_from_hz(double hz)
{
    return 1127.0 * log1p(hz / 700.0);
}

static void make_triangles(va_wake_features *features)
{
    double low = mel_from_hz(125.0), step = (mel_from_hz(7500.0) - low) / SLOPES;

    for (int i = 0; i < BINS; i++) {
        double place = (mel_from_hz((FIRST_BIN + i) * 16000.0 / VA_FIXED_FFT_SAMPLES) - low) / step;
        int slope = (int)place;
        features->weights[i] = (uint16_t)rounded((slope + 1 - place) * (1 << WEIGHT_BITS));
        features->ends[slope] = (uint8_t)(i + 1);
    }
    features->weights[149 - FIRST_BIN]++; /* 2470.488 and 1400.489: see make_window */
    features->weights[221 - FIRST_BIN]++;
}

/* By the noise estimate, in 1/128 of the signal. */
static int gain_at(double noise)
{
    return rounded((1 << 21) * pow(noise / 128.0 + 80.0, -0.95));
}

static void make_gains(struct gain_segment *ret_gains)
{
    ret_gains[0] = (struct gain_segment){.level = (int16_t)gain_at(0.0)};
    ret_gains[1] = (struct gain_segment){.level = (int16_t)gain_at(1.0)};
    for (int bits = 2; bits < GAIN_SEGMENTS; bits++) {
        double from = ldexp(1.0, bits - 1), to = bits < 32 ? 2.0 * from : 2.0 * from - 1.0;
        int level = gain_at(from), middle = gain_at(1.5 * from) - level, end = gain_at(to) - level;
        int slope = 4 * middle - end;
        ret_gains[bits] = (struct gain_segment){(int16_t)level, (int16_t)slope, (int16_t)(end - slope)};
    }
}

int va_wake_features_new(va_wake_features **ret_features, va_error *error)
{
    va_wake_features *features = va_calloc(1, sizeof *features);

    if (features == NULL)
        return va_fail_memory(error);
    va_fixed_fft_init(&features->fft);
    make_window(features->window);
    make_triangles(features);
    make_gains(features->gains);
    for (int i = 0; i <= LOG_SEGMENTS; i++)
        features->logs[i] = (uint16_t)rounded(65536.0 * (log2(1.0 + (double)i / LOG_SEGMENTS) - (double)i / LOG_SEGMENTS));
    *ret_features = features;
    return 0;
}

void va_wake_features_free(va_wake_features *features)
{
    va_free(features);
}

void va_wake_features_reset(va_wake_features *features)
{
    features->filled = 0;
    memset(features->noise, 0, sizeof features->noise);
}

static int bit_length(uint32_t x)
{
    return x == 0 ? 0 : 32 - __builtin_clz(x);
}

/* Windows the input, made as loud as 16 bits allow. Returns by how many bits. */
static int apply_window(va_wake_features *features)
{
    int16_t *windowed = features->windowed;
    int16_t max = 0;

    for (int i = 0; i < VA_WAKE_WINDOW_SAMPLES; i++) {
        int16_t value = (int16_t)((features->input[i] * features->window[i]) >> WEIGHT_BITS);
        int16_t magnitude = (int16_t)(value < 0 ? -value : value); /* that of -32768 is negative: it does not count, as upstream */
        windowed[i] = value;
        max = magnitude > max ? magnitude : max;
    }
    int shift = 15 - bit_length((uint32_t)max);
    for (int i = 0; i < VA_WAKE_WINDOW_SAMPLES; i++)
        windowed[i] = (int16_t)((uint16_t)windowed[i] * (1u << shift));
    return shift;
}

/* To the nearest, but not up to 65536 from below 2^32: upstream has 16 bits there. x < 2^47, where the floor of a double's root is exact.
 */
static uint32_t root(uint64_t x)
{
    uint64_t floor_root = (uint64_t)(int64_t)sqrt((double)(int64_t)x);

    return (uint32_t)(floor_root + (x - floor_root * floor_root > floor_root && floor_root != 0xffff));
}

/* power [256] -> ret_signal [40]. */
static void sum_channels(const va_wake_features *features, const uint32_t *power, int shift, uint32_t *ret_signal)
{
    uint64_t risen = 0; /* what the slope before gave to the channel that this one falls to */
    int bin = 0;

    for (int slope = 0; slope < SLOPES; slope++) {
        uint64_t sum = 0, weighted = 0;
        for (; bin < features->ends[slope]; bin++) {
            sum += power[FIRST_BIN + bin];
            weighted += (uint64_t)features->weights[bin] * power[FIRST_BIN + bin];
        }
        if (slope > 0)
            ret_signal[slope - 1] = root(risen + weighted) >> shift;
        risen = (sum << WEIGHT_BITS) - weighted;
    }
}

/* Updates the noise of a channel and takes it off the signal. */
static uint32_t subtract_noise(uint32_t *noise, uint32_t signal, uint32_t share)
{
    uint32_t scaled = signal << NOISE_BITS;

    *noise = (uint32_t)(((uint64_t)scaled * share + (uint64_t)*noise * ((1 << SHARE_BITS) - share)) >> SHARE_BITS);
    uint32_t rest = scaled > *noise ? (scaled - *noise) >> NOISE_BITS : 0;
    uint32_t least = (uint32_t)(((uint64_t)signal * LEAST_SHARE) >> SHARE_BITS);
    return rest > least ? rest : least;
}

/* The signal by its gain, r: r^2 / 4 below 2 and r - 1 above, with 6 bits of fraction. */
static uint32_t apply_gain(const struct gain_segment *gains, uint32_t noise, uint32_t signal)
{
    int bits = bit_length(noise);
    int32_t part = bits == 0 ? 0 : (int32_t)((noise << (32 - bits)) >> 21 & 0x3ff);
    int32_t gain = ((gains[bits].curve * part) >> 5) + gains[bits].slope * 32;
    gain = gains[bits].level + ((gain * part + (1 << 14)) >> 15);
    uint32_t ratio = (uint32_t)(((uint64_t)signal * (uint32_t)gain) >> 6); /* 12 bits of fraction */
    return ratio < (2 << 12) ? (ratio * ratio) >> 20 : (ratio >> 6) - (1 << 6);
}

/* 64 times the natural logarithm of 8 x; 0 where that is below 2. */
static uint16_t scaled_log(const uint16_t *logs, uint32_t x)
{
    uint32_t value = x << 3;

    if (value == 0)
        return 0;
    int leading = __builtin_clz(value);
    int32_t part = (int32_t)((value << leading) >> 15 & 0xffff);
    int32_t from = logs[part >> 9], to = logs[(part >> 9) + 1];
    int32_t log_2 = ((31 - leading) << 16) + part + from + (((to - from) * (part & 0x1ff)) >> 16);
    uint32_t log_e = (uint32_t)(((uint64_t)log_2 * LN_2 + (1 << 15)) >> 16);
    return (uint16_t)(((log_e << 6) + (1 << 15)) >> 16);
}

int va_wake_features_push(va_wake_features *features, const int16_t *pcm, uint16_t *ret_frame)
{
    uint32_t power[VA_FIXED_FFT_POINTS], signal[VA_WAKE_CHANNELS];

    memcpy(features->input + features->filled, pcm, VA_WAKE_STEP_SAMPLES * sizeof *pcm);
    features->filled += VA_WAKE_STEP_SAMPLES;
    if (features->filled < VA_WAKE_WINDOW_SAMPLES)
        return 0;
    int shift = apply_window(features);
    features->filled -= VA_WAKE_STEP_SAMPLES;
    memmove(features->input, features->input + VA_WAKE_STEP_SAMPLES, (size_t)features->filled * sizeof *features->input);

    va_fixed_fft_power(&features->fft, features->windowed, power);
    sum_channels(features, power, shift, signal);
    for (int i = 0; i < VA_WAKE_CHANNELS; i++) {
        uint32_t clear = subtract_noise(&features->noise[i], signal[i], i % 2 == 0 ? EVEN_SHARE : ODD_SHARE);
        ret_frame[i] = scaled_log(features->logs, apply_gain(features->gains, features->noise[i], clear));
    }
    return 1;
}
