#include "audio/meter.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_levels(void **state)
{
    static float pcm[3 * VA_METER_SAMPLES];
    struct va_meter meter;

    va_meter_init(&meter);
    assert_true(meter.rms_db == VA_METER_FLOOR_DB && meter.peak_db == VA_METER_FLOOR_DB);
    for (int i = 0; i < 3 * VA_METER_SAMPLES; i++)
        pcm[i] = (float)sin(2.0 * M_PI * 0.05 * i) * (i < VA_METER_SAMPLES ? 1.0f : 0.1f);
    va_meter_add(&meter, pcm, VA_METER_SAMPLES - 1);
    assert_true(meter.rms_db == VA_METER_FLOOR_DB); /* not full yet */
    va_meter_add(&meter, pcm + VA_METER_SAMPLES - 1, 1);
    assert_float_equal(meter.rms_db, -3.01, 0.01);
    assert_float_equal(meter.peak_db, 0.0, 0.01);
    for (int i = VA_METER_SAMPLES; i < 3 * VA_METER_SAMPLES - 7; i += 7)
        va_meter_add(&meter, pcm + i, 7);
    assert_float_equal(meter.rms_db, -23.01, 0.01);
    assert_float_equal(meter.peak_db, -20.0, 0.01);
}

static void test_silence(void **state)
{
    float zeros[VA_METER_SAMPLES] = {0};
    struct va_meter meter;

    va_meter_init(&meter);
    va_meter_add(&meter, zeros, VA_METER_SAMPLES);
    va_meter_add(&meter, zeros, 5);
    assert_int_equal(meter.silent_samples, VA_METER_SAMPLES + 5);
    assert_true(meter.rms_db == VA_METER_FLOOR_DB);
    zeros[2] = -1.0f / 32768.0f;
    va_meter_add(&meter, zeros, 5);
    assert_int_equal(meter.silent_samples, 2);
    va_meter_add(&meter, zeros, 0);
    assert_int_equal(meter.silent_samples, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels), cmocka_unit_test(test_silence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
