#include "dsp/resample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

static va_resampler *new_resampler(uint32_t from_hz, uint32_t to_hz)
{
    va_resampler *resampler = NULL;
    va_error error;
    assert_int_equal(va_resampler_new(from_hz, to_hz, &resampler, &error), 0);
    return resampler;
}

/* Feeds in pieces of `step` samples, takes in pieces of `take`. Returns how many came out. */
static size_t run_all(va_resampler *resampler, const float *in, size_t n_in, size_t step, float *out, size_t capacity, size_t take)
{
    size_t at = 0, total = 0, used, made;

    while (at < n_in) {
        size_t piece = n_in - at < step ? n_in - at : step;
        size_t room = capacity - total < take ? capacity - total : take;
        va_resampler_run(resampler, in + at, piece, out + total, room, &used, &made);
        assert_true(used <= piece && made <= room);
        at += used;
        total += made;
    }
    do {
        size_t room = capacity - total < take ? capacity - total : take;
        va_resampler_run(resampler, NULL, 0, out + total, room, &used, &made);
        total += made;
    } while (made > 0);
    return total;
}

/* A tone keeps its length, its place in time (no delay) and its level. */
static void test_tone(void **state)
{
    static const uint32_t rates[] = {1000, 8000, 11025, 16000, 22050, 32000, 44100, 44101, 48000, 96000, 192000, 767999, 768000};
    static float in[768000 / 4], out[4100];

    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        size_t n = rates[r] / 4;
        for (size_t i = 0; i < n; i++)
            in[i] = 0.5f * (float)sin(2.0 * M_PI * 220.0 * (double)i / rates[r]);
        va_resampler *resampler = new_resampler(rates[r], 16000);
        size_t total = run_all(resampler, in, n, 997, out, 4100, 61);
        assert_int_equal(total, ((uint64_t)n * 16000 + rates[r] - 1) / rates[r]);
        for (size_t i = 1000; i < 3000; i++) /* away from the ends, where the tone begins at once */
            assert_float_equal(out[i], 0.5 * sin(2.0 * M_PI * 220.0 * (double)i / 16000.0), 1e-5);
        va_resampler_free(resampler);
    }
}

/* What 16 kHz cannot hold is taken out, not folded back. */
static void test_no_alias(void **state)
{
    static float in[48000], out[16001];

    for (int i = 0; i < 48000; i++)
        in[i] = (float)sin(2.0 * M_PI * 9500.0 * i / 48000.0);
    va_resampler *resampler = new_resampler(48000, 16000);
    assert_int_equal(run_all(resampler, in, 48000, 4096, out, 16001, 16001), 16000);
    for (int i = 200; i < 15800; i++)
        assert_true(fabsf(out[i]) < 1e-5f);
    va_resampler_free(resampler);
}

static void test_short_inputs(void **state)
{
    static const float in[] = {0.5f, 0.5f, 0.5f};
    float out[64];

    for (size_t n = 0; n <= 3; n++) {
        va_resampler *down = new_resampler(44100, 16000), *up = new_resampler(8000, 16000), *same = new_resampler(16000, 16000);
        assert_int_equal(run_all(down, in, n, 1, out, 64, 64), (n * 16000 + 44099) / 44100);
        assert_int_equal(run_all(up, in, n, 1, out, 64, 1), 2 * n);
        assert_int_equal(run_all(same, in, n, 2, out, 64, 64), n);
        assert_memory_equal(out, in, n * sizeof *in);
        va_resampler_free(down);
        va_resampler_free(up);
        va_resampler_free(same);
    }
}

static void test_errors(void **state)
{
    va_resampler *resampler = NULL;
    va_error error;

    assert_int_equal(va_resampler_new(999, 16000, &resampler, &error), VA_EUNSUPPORTED);
    assert_int_equal(va_resampler_new(768001, 16000, &resampler, &error), VA_EUNSUPPORTED);
    assert_int_equal(va_resampler_new(0, 16000, &resampler, NULL), VA_EUNSUPPORTED);
    assert_int_equal(va_resampler_new(16000, 0, &resampler, &error), VA_EUNSUPPORTED);
    for (size_t n = 1; n <= 3; n++) {
        va_memory_fail_after(n);
        assert_int_equal(va_resampler_new(8000, 16000, &resampler, &error), VA_ENOMEM);
    }
    va_memory_fail_after(0);
    assert_null(resampler);
    va_resampler_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tone), cmocka_unit_test(test_no_alias), cmocka_unit_test(test_short_inputs),
                                       cmocka_unit_test(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
