#include "wake/fixed_fft.h"

#include <math.h>
#include <string.h>

enum { POINTS = VA_FIXED_FFT_POINTS, LANES = VA_FIXED_FFT_LANES, PAIRS = POINTS / 2, ROWS = 4, ONE = 32767 };
enum { QUARTER = ONE / 4 * 2, HALF = ONE / 2 * 2 }; /* of 2^16, as upstream divides: a little less than that */

/* x / 2^15 to the nearest, as 16 bits. */
static inline int16_t round_q15(int32_t x)
{
    return (int16_t)((x + (1 << 14)) >> 15);
}

/* x factor / 2^16 to the nearest, by the two halves of the product: vectors of 16 bits have an instruction for each. */
static inline int16_t scale(int16_t x, int16_t factor)
{
    int16_t high = (int16_t)((x * factor) >> 16);
    uint16_t low = (uint16_t)(x * factor);

    return (int16_t)(high + (low >> 15));
}

static inline uint32_t power(int16_t re, int16_t im)
{
    return (uint32_t)(re * re) + (uint32_t)(im * im);
}

/* No entry lies nearer than 0.007 to where it would round the other way: any libm gives the same table. */
static int16_t q15(double x)
{
    return (int16_t)floor(ONE * x + 0.5);
}

void va_fixed_fft_init(struct va_fixed_fft *fft)
{
    memset(fft, 0, sizeof *fft);
    for (int stage = 0; stage < 4; stage++)
        for (int row = 0; row < ROWS; row++)
            for (int input = 1; input <= 3; input++)
                for (int lane = 0; lane < LANES; lane++) {
                    /* The bin of the shorter transforms that the butterfly joins; one bin turns by so many of 256. */
                    const int bins[4] = {0, row, lane, lane + LANES * row}, steps[4] = {64, 16, 4, 1};
                    double phase = -2.0 * M_PI * (input * bins[stage] * steps[stage]) / POINTS;
                    fft->twiddles[stage][row][input - 1].re[lane] = q15(cos(phase));
                    fft->twiddles[stage][row][input - 1].im[lane] = q15(sin(phase));
                }
    for (int i = 0; i < PAIRS; i++) {
        double phase = -M_PI * ((double)(i + 1) / POINTS + 0.5);
        fft->split_re[i] = q15(cos(phase));
        fft->split_im[i] = q15(sin(phase));
    }
}

/* A row of 16 butterflies of radix 4: inputs `stride` apart, outputs 64 apart. Everything is kept in 16 bits, for the vectors. */
static inline void butterflies(const int16_t *restrict re, const int16_t *restrict im, int stride,
                               const struct va_fixed_row *restrict twiddles, int16_t *restrict ret_re, int16_t *restrict ret_im)
{
    for (int lane = 0; lane < LANES; lane++) {
        int16_t x_re[4], x_im[4];
        x_re[0] = re[lane];
        x_im[0] = im[lane];
        for (int input = 1; input < 4; input++) {
            int16_t from_re = re[input * stride + lane], from_im = im[input * stride + lane];
            int16_t turn_re = twiddles[input - 1].re[lane], turn_im = twiddles[input - 1].im[lane];
            x_re[input] = round_q15(from_re * turn_re - from_im * turn_im);
            x_im[input] = round_q15(from_re * turn_im + from_im * turn_re);
        }
        int16_t even_re = (int16_t)(x_re[0] + x_re[2]), even_im = (int16_t)(x_im[0] + x_im[2]);
        int16_t less_re = (int16_t)(x_re[0] - x_re[2]), less_im = (int16_t)(x_im[0] - x_im[2]);
        int16_t odd_re = (int16_t)(x_re[1] + x_re[3]), odd_im = (int16_t)(x_im[1] + x_im[3]);
        int16_t odd_less_re = (int16_t)(x_re[1] - x_re[3]), odd_less_im = (int16_t)(x_im[1] - x_im[3]);
        ret_re[lane] = (int16_t)(even_re + odd_re);
        ret_im[lane] = (int16_t)(even_im + odd_im);
        ret_re[64 + lane] = (int16_t)(less_re + odd_less_im);
        ret_im[64 + lane] = (int16_t)(less_im - odd_less_re);
        ret_re[128 + lane] = (int16_t)(even_re - odd_re);
        ret_im[128 + lane] = (int16_t)(even_im - odd_im);
        ret_re[192 + lane] = (int16_t)(less_re - odd_less_im);
        ret_im[192 + lane] = (int16_t)(less_im + odd_less_re);
    }
}

/* Row r of butterflies begins at r * row_step in points, which are divided by 4. */
static void stage(struct va_fixed_points *points, int row_step, int stride, const struct va_fixed_row twiddles[ROWS][3],
                  struct va_fixed_points *ret_points)
{
    for (int i = 0; i < POINTS; i++)
        points->re[i] = scale(points->re[i], QUARTER);
    for (int i = 0; i < POINTS; i++)
        points->im[i] = scale(points->im[i], QUARTER);
    for (int row = 0; row < ROWS; row++)
        butterflies(points->re + row * row_step, points->im + row * row_step, stride, twiddles[row], ret_points->re + row * LANES,
                    ret_points->im + row * LANES);
}

/* numbers [16][16] in place. Each loop is a perfect shuffle, which moves the highest bit of every index to its end; four make it. */
static void transpose(int16_t *restrict numbers, int16_t *restrict other)
{
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < PAIRS; i++) {
            other[2 * i] = numbers[i];
            other[2 * i + 1] = numbers[i + PAIRS];
        }
        for (int i = 0; i < PAIRS; i++) {
            numbers[2 * i] = other[i];
            numbers[2 * i + 1] = other[i + PAIRS];
        }
    }
}

/* From the transform of complex points to that of real samples, of which the even ones were the real parts and the odd ones the
 * imaginary. In short loops, for the vectors. The middle bin is the last of low and of high: the latter counts. */
static void split(const struct va_fixed_fft *fft, const struct va_fixed_points *points, uint32_t *ret_power)
{
    int16_t mirror_re[PAIRS], mirror_im[PAIRS], sum_re[PAIRS], sum_im[PAIRS], diff_re[PAIRS], diff_im[PAIRS];
    uint32_t low[PAIRS], high[PAIRS];

    for (int i = 0; i < PAIRS; i++) {
        mirror_re[i] = points->re[POINTS - 1 - i];
        mirror_im[i] = (int16_t)-points->im[POINTS - 1 - i];
    }
    for (int i = 0; i < PAIRS; i++) {
        int16_t a_re = scale(points->re[i + 1], HALF), b_re = scale(mirror_re[i], HALF);
        int16_t a_im = scale(points->im[i + 1], HALF), b_im = scale(mirror_im[i], HALF);
        sum_re[i] = (int16_t)(a_re + b_re);
        sum_im[i] = (int16_t)(a_im + b_im);
        diff_re[i] = (int16_t)(a_re - b_re);
        diff_im[i] = (int16_t)(a_im - b_im);
    }
    for (int i = 0; i < PAIRS; i++) {
        int16_t odd_re = round_q15(diff_re[i] * fft->split_re[i] - diff_im[i] * fft->split_im[i]);
        int16_t odd_im = round_q15(diff_re[i] * fft->split_im[i] + diff_im[i] * fft->split_re[i]);
        low[i] = power((int16_t)((sum_re[i] + odd_re) >> 1), (int16_t)((sum_im[i] + odd_im) >> 1));
        high[i] = power((int16_t)((sum_re[i] - odd_re) >> 1), (int16_t)((odd_im - sum_im[i]) >> 1));
    }
    memcpy(ret_power + 1, low, sizeof low);
    for (int i = 0; i < PAIRS; i++)
        ret_power[POINTS - 1 - i] = high[i];
}

void va_fixed_fft_power(struct va_fixed_fft *fft, const int16_t *samples, uint32_t *ret_power)
{
    struct va_fixed_points *points = &fft->points, *next = &fft->next;

    for (int i = 0; i < POINTS; i++) {
        points->re[i] = samples[2 * i];
        points->im[i] = samples[2 * i + 1];
    }
    /* In base 4, the number of a point has four digits. Each stage turns the highest digit of the sample's number that is left into the
     * next lowest of the bin's. The two digits that two stages leave alone are their lanes: the sample's low ones, then the bin's. */
    stage(points, LANES, 64, fft->twiddles[0], next);
    stage(next, 64, LANES, fft->twiddles[1], points);
    transpose(points->re, next->re);
    transpose(points->im, next->im);
    stage(points, LANES, 64, fft->twiddles[2], next);
    stage(next, 64, LANES, fft->twiddles[3], points);
    ret_power[0] = 0;
    split(fft, points, ret_power);
}
