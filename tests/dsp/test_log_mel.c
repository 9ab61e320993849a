#include "dsp/log_mel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "shared_data.h"

#define HOP VA_MEL_HOP_SAMPLES
#define BANDS VA_MEL_BANDS
#define BINS 201

static va_log_mel *new_mel(void)
{
    va_log_mel *mel = NULL;
    va_error error;
    assert_int_equal(va_log_mel_new(&mel, &error), 0);
    return mel;
}

/* The definition in double, without a fast transform: what one frame ought to be. */
static void slow_frame(const float *pcm, size_t n, size_t n_frames, size_t frame, double ret_bands[BANDS])
{
    static float filters[BANDS * BINS];
    double x[400], power[BINS];
    long length = (long)(n_frames * HOP);

    va_log_mel_filters(filters);
    for (int i = 0; i < 400; i++) {
        long at = (long)(frame * HOP) + i - 200;
        while (at < 0 || at >= length)
            at = at < 0 ? -at : 2 * (length - 1) - at;
        x[i] = (size_t)at < n ? pcm[at] * (0.5 - 0.5 * cos(2 * M_PI * i / 400)) : 0.0;
    }
    for (int bin = 0; bin < BINS; bin++) {
        double re = 0, im = 0;
        for (int i = 0; i < 400; i++) {
            re += x[i] * cos(2 * M_PI * bin * i / 400);
            im += x[i] * sin(2 * M_PI * bin * i / 400);
        }
        power[bin] = re * re + im * im;
    }
    for (int band = 0; band < BANDS; band++) {
        double sum = 0;
        for (int bin = 0; bin < BINS; bin++)
            sum += filters[band * BINS + bin] * power[bin];
        ret_bands[band] = log10(fmax(sum, 1e-10));
    }
}

static void test_filters_hash(void **state)
{
    static float filters[BANDS * BINS];
    const unsigned char *bytes = (const unsigned char *)filters;
    uint64_t hash = 14695981039346656037u;

    va_log_mel_filters(filters);
    for (size_t i = 0; i < sizeof filters; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    assert_true(hash == 0x173a8442ad000426u); /* FNV-1a of the published table */
}

static void test_golden(void **state)
{
    static int16_t words[176000];
    static float pcm[176000], out[3000 * BANDS];
    static const float expected[] = {0.145013f, 0.239048f, 0.406208f, 0.532280f};
    char path[512];
    float max, low = 9, high = -9;
    double sum = 0;

    if (!find_shared_data("misc_read/jfk.wav", path))
        skip();
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 78, SEEK_SET), 0); /* a LIST chunk stands before the data */
    assert_int_equal(fread(words, 2, 176000, file), 176000);
    fclose(file);
    for (int i = 0; i < 176000; i++)
        pcm[i] = (float)words[i] / 32768.0f;

    va_log_mel *mel = new_mel();
    va_log_mel_compute(mel, pcm, 176000, 3000, out, &max);
    va_log_mel_scale(out, 3000, max, 0.0f);
    for (int i = 0; i < 3000 * BANDS; i++) {
        sum += out[i];
        low = fminf(low, out[i]);
        high = fmaxf(high, out[i]);
    }
    assert_float_equal(high, 1.461258, 1e-5);
    assert_float_equal(low, -0.538742, 1e-5);
    assert_float_equal(sum, -70806.96, 0.5);
    for (int i = 0; i < 4; i++)
        assert_float_equal(out[(100 + i) * BANDS + 40], expected[i], 1e-4);
    va_log_mel_free(mel);
}

/* Lengths around the window, the hop and the mirrored ends, and more samples than the frames can hold. */
static void test_against_definition(void **state)
{
    static const struct {
        size_t n_samples, n_frames;
    } cases[] = {{0, 1}, {1, 1}, {160, 1}, {160, 2}, {199, 3}, {200, 3}, {400, 3}, {401, 4}, {1000, 7}, {1120, 7}, {1300, 7}, {639, 40}};
    static float pcm[1300], out[40 * BANDS];
    va_log_mel *mel = new_mel();
    uint32_t seed = 1;

    for (size_t i = 0; i < 1300; i++) {
        seed = seed * 1664525u + 1013904223u;
        pcm[i] = (float)(int32_t)seed / 2147483648.0f * 0.5f;
    }
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        float max, seen = -10.0f;
        va_log_mel_compute(mel, pcm, cases[c].n_samples, cases[c].n_frames, out, &max);
        for (size_t frame = 0; frame < cases[c].n_frames; frame++) {
            double bands[BANDS];
            slow_frame(pcm, cases[c].n_samples, cases[c].n_frames, frame, bands);
            for (int band = 0; band < BANDS; band++) {
                assert_float_equal(out[frame * BANDS + band], bands[band], 1e-4);
                seen = fmaxf(seen, out[frame * BANDS + band]);
            }
        }
        assert_true(max == seen);
    }
    va_log_mel_free(mel);
}

static void test_silence_and_none(void **state)
{
    static float zeros[1600], out[10 * BANDS];
    va_log_mel *mel = new_mel();
    float max = 1.0f;

    va_log_mel_compute(mel, zeros, 1600, 10, out, &max);
    assert_true(max == -10.0f);
    va_log_mel_scale(out, 10, max, 0.0f);
    for (int i = 0; i < 10 * BANDS; i++)
        assert_true(out[i] == -1.5f);
    va_log_mel_compute(mel, NULL, 0, 0, out, &max);
    assert_true(max == -10.0f);
    va_log_mel_free(mel);
}

static void test_scale(void **state)
{
    float values[BANDS] = {2.0f, -6.0f, -6.5f, -10.0f, 0.0f};

    va_log_mel_scale(values, 1, 2.0f, 0.0f);
    assert_true(values[0] == 1.5f);
    assert_true(values[1] == -0.5f);
    assert_true(values[2] == -0.5f);
    assert_true(values[3] == -0.5f);
    assert_true(values[4] == 1.0f);
}

static void test_no_memory(void **state)
{
    for (size_t n = 1; n <= 3; n++) {
        va_log_mel *mel = NULL;
        va_error error;
        va_memory_fail_after(n);
        int r = va_log_mel_new(&mel, &error);
        va_memory_fail_after(0);
        assert_int_equal(r, VA_ENOMEM);
        assert_null(mel);
    }
    va_log_mel_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters_hash),     cmocka_unit_test(test_golden), cmocka_unit_test(test_against_definition),
        cmocka_unit_test(test_silence_and_none), cmocka_unit_test(test_scale),  cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
