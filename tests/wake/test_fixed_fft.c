#include "wake/fixed_fft.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SAMPLES = VA_FIXED_FFT_SAMPLES, POINTS = VA_FIXED_FFT_POINTS };

struct complex_16 {
    int64_t re, im;
};

/* What is stored has 16 bits. */
static int64_t cut(int64_t x)
{
    return (int16_t)(uint16_t)((uint64_t)x & 0xffff);
}

/* x / 2^15 by division, to the nearest, half up. */
static int64_t rounded(int64_t x)
{
    int64_t sum = x + 16384;
    return cut(sum >= 0 ? sum / 32768 : -((-sum + 32767) / 32768));
}

static struct complex_16 divided(struct complex_16 x, int by)
{
    return (struct complex_16){rounded(x.re * (32767 / by)), rounded(x.im * (32767 / by))};
}

static struct complex_16 turned(struct complex_16 x, double phase)
{
    int64_t re = (int64_t)floor(0.5 + 32767 * cos(phase)), im = (int64_t)floor(0.5 + 32767 * sin(phase));
    return (struct complex_16){rounded(x.re * re - x.im * im), rounded(x.re * im + x.im * re)};
}

static struct complex_16 sum(struct complex_16 a, struct complex_16 b, int sign)
{
    return (struct complex_16){cut(a.re + sign * b.re), cut(a.im + sign * b.im)};
}

/* The transform by its recursive definition, in 64 bits: x [n] with a stride. */
static void slow_transform(const struct complex_16 *x, int stride, int n, struct complex_16 *ret_bins)
{
    if (n == 1) {
        ret_bins[0] = x[0];
        return;
    }
    for (int i = 0; i < 4; i++)
        slow_transform(x + i * stride, 4 * stride, n / 4, ret_bins + i * n / 4);
    for (int k = 0; k < n / 4; k++) {
        struct complex_16 *at = ret_bins + k, in[4];
        for (int i = 0; i < 4; i++)
            in[i] = turned(divided(at[i * n / 4], 4), -2 * M_PI * i * k / n);
        struct complex_16 even = sum(in[0], in[2], 1), odd = sum(in[1], in[3], 1);
        struct complex_16 less = sum(in[0], in[2], -1), odd_less = sum(in[1], in[3], -1);
        struct complex_16 quarter_turn = {odd_less.im, -odd_less.re};
        at[0] = sum(even, odd, 1);
        at[n / 4] = sum(less, quarter_turn, 1);
        at[n / 2] = sum(even, odd, -1);
        at[3 * n / 4] = sum(less, quarter_turn, -1);
    }
}

static int64_t half_down(int64_t x)
{
    return x >= 0 ? x / 2 : -((-x + 1) / 2);
}

static void slow_power(const int16_t *samples, uint32_t *ret_power)
{
    struct complex_16 x[POINTS], bins[POINTS];

    for (int i = 0; i < POINTS; i++)
        x[i] = (struct complex_16){samples[2 * i], samples[2 * i + 1]};
    slow_transform(x, 1, POINTS, bins);
    ret_power[0] = 0;
    for (int k = 1; k < POINTS; k++) {
        int low = k < POINTS / 2 ? k : POINTS - k; /* the middle counts among the upper half */
        struct complex_16 a = divided(bins[low], 2), b = {bins[POINTS - low].re, cut(-bins[POINTS - low].im)};
        b = divided(b, 2);
        struct complex_16 even = sum(a, b, 1), odd = turned(sum(a, b, -1), -M_PI * ((double)low / POINTS + 0.5));
        int sign = k < POINTS / 2 ? 1 : -1;
        int64_t re = half_down(even.re + sign * odd.re), im = half_down(sign * even.im + odd.im);
        ret_power[k] = (uint32_t)(re * re + im * im);
    }
}

static uint32_t random_state = 1;

static int16_t random_sample(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (int16_t)((int32_t)(random_state >> 16) - 32768);
}

static void fill(int kind, int16_t *ret_samples)
{
    for (int i = 0; i < SAMPLES; i++) {
        int16_t x = random_sample();
        int16_t kinds[] = {x,
                           (int16_t)(x > 0 ? 32767 : -32768),
                           (int16_t)(x / 4096),
                           (int16_t)(i == kind * 7 ? -32768 : 0),
                           (int16_t)(i / (1 + kind) % 2 == 0 ? 32767 : -32768),
                           (int16_t)(x / 20000 * 16384),
                           -32768,
                           32767};
        ret_samples[i] = kinds[kind % 8];
    }
}

static void test_against_slow(void **state)
{
    static struct va_fixed_fft fft;
    va_fixed_fft_init(&fft);
    for (int kind = 0; kind < 200; kind++) {
        int16_t samples[SAMPLES];
        uint32_t power[POINTS], expected[POINTS];
        fill(kind, samples);
        va_fixed_fft_power(&fft, samples, power);
        slow_power(samples, expected);
        assert_memory_equal(power, expected, sizeof power);
    }
}

/* Without rounding, of what does not overflow. */
static void test_against_definition(void **state)
{
    static struct va_fixed_fft fft;
    va_fixed_fft_init(&fft);
    for (int kind = 0; kind < 4; kind++) {
        int16_t samples[SAMPLES];
        uint32_t power[POINTS];
        for (int i = 0; i < SAMPLES; i++)
            samples[i] = (int16_t)(kind == 0 ? random_sample() / 2 : 16000 * sin(2 * M_PI * i * (kind == 3 ? 37.4 : 64 * kind) / SAMPLES));
        va_fixed_fft_power(&fft, samples, power);
        assert_int_equal(power[0], 0);
        for (int bin = 1; bin < POINTS; bin++) {
            double re = 0, im = 0;
            for (int i = 0; i < SAMPLES; i++) {
                re += samples[i] * cos(2 * M_PI * bin * i / SAMPLES) / SAMPLES;
                im -= samples[i] * sin(2 * M_PI * bin * i / SAMPLES) / SAMPLES;
            }
            assert_float_equal(sqrt(power[bin]), hypot(re, im), 6);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_slow),
        cmocka_unit_test(test_against_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
