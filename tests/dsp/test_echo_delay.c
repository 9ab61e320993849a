#include "dsp/echo_delay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

enum { MOST = 4000, PATH = 2000, PCM = 60000, WINDOWS = 12 };

static int16_t played[PCM], heard[PCM], window[VA_ECHO_DELAY_SPAN];

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static void make_noise(int16_t *pcm, uint32_t seed, int level)
{
    for (int i = 0; i < PCM; i++)
        pcm[i] = (int16_t)((int)(next_random(&seed) % (uint32_t)(2 * level + 1)) - level);
}

static va_echo_delay *new_delay(const float *response)
{
    va_echo_delay *delay = NULL;
    va_error error;

    assert_int_equal(va_echo_delay_new(MOST, PATH, &delay, &error), 0);
    va_echo_delay_reset(delay, response);
    return delay;
}

/* Pushes windows until the delay is found. Returns whether it was. */
static int look(va_echo_delay *delay, const int *before, int *ret_lag)
{
    for (int w = 0; w < WINDOWS; w++) {
        int at = MOST + PATH + w * VA_ECHO_DELAY_WINDOW;
        memcpy(window, played + at - MOST - PATH, sizeof window);
        if (va_echo_delay_push(delay, heard + at, window, before, ret_lag))
            return 1;
    }
    return 0;
}

static void test_lags(void **state)
{
    static const int lags[] = {-VA_ECHO_DELAY_EARLY, -7, 0, 1, 1234, MOST};

    make_noise(played, 1, 3000);
    for (size_t k = 0; k < sizeof lags / sizeof lags[0]; k++) {
        va_echo_delay *delay = new_delay(NULL);
        int lag = 0;
        make_noise(heard, 2, 1000);
        for (int i = 4000; i < PCM - 200; i++) /* with the poles the other way */
            heard[i] = (int16_t)(heard[i] - played[i - lags[k]] / 3);
        assert_int_equal(look(delay, NULL, &lag), 1);
        assert_int_equal(lag, lags[k]);
        va_echo_delay_free(delay);
    }
}

/* The same through a room of which no reflection stands out: known, its begin is found. */
static void test_response(void **state)
{
    static float response[PATH];
    uint32_t seed = 5;
    int lag = 0;

    make_noise(played, 1, 1500);
    make_noise(heard, 2, 300);
    for (int t = 0; t < PATH; t++)
        response[t] = ((float)(next_random(&seed) % 2001) / 1000.0f - 1.0f) * (1.0f - (float)t / PATH) / 10.0f;
    for (int i = MOST; i < PCM; i++) {
        float sum = 0.0f;
        for (int t = 0; t < PATH; t++)
            sum += response[t] * (float)played[i - 777 - t];
        heard[i] = (int16_t)((float)heard[i] + sum);
    }
    va_echo_delay *delay = new_delay(response);
    assert_int_equal(look(delay, NULL, &lag), 1);
    assert_int_equal(lag, 777);
    va_echo_delay_free(delay);
}

/* What would not stand out among all lags does near one that was found before. */
static void test_near(void **state)
{
    static const int near = 1210, far = 3000;
    int lag = 0, found_near = 0, found_far = 0;

    make_noise(played, 1, 3000);
    for (uint32_t seed = 2; seed < 8; seed++) {
        make_noise(heard, seed, 3000);
        for (int i = 4000; i < PCM; i++)
            heard[i] = (int16_t)(heard[i] + played[i - 1200] / 12);
        va_echo_delay *delay = new_delay(NULL);
        found_far += look(delay, &far, &lag);
        va_echo_delay_reset(delay, NULL);
        if (look(delay, &near, &lag)) {
            found_near++;
            assert_int_equal(lag, 1200);
        }
        va_echo_delay_free(delay);
    }
    assert_true(found_near >= found_far && found_near > 0);
}

static void test_nothing_to_find(void **state)
{
    int lag = -12345;
    va_echo_delay *delay = new_delay(NULL);

    make_noise(played, 1, 3000);
    make_noise(heard, 2, 3000);
    assert_int_equal(look(delay, NULL, &lag), 0);
    memset(heard, 0, sizeof heard);
    assert_int_equal(look(delay, NULL, &lag), 0);
    memcpy(heard, played, sizeof heard);
    memset(played, 0, sizeof played);
    assert_int_equal(look(delay, NULL, &lag), 0);
    assert_int_equal(lag, -12345);
    va_echo_delay_free(delay);
}

static void test_errors(void **state)
{
    va_echo_delay *delay = NULL;
    va_error error;

    assert_int_equal(va_echo_delay_new(-1, 100, &delay, &error), VA_EINVAL);
    assert_int_equal(va_echo_delay_new(100, -1, &delay, &error), VA_EINVAL);
    assert_int_equal(va_echo_delay_new(VA_ECHO_DELAY_MAX - 9, 10, &delay, &error), VA_EINVAL);
    for (size_t n = 1; n <= 8; n++) {
        va_memory_fail_after(n);
        assert_int_equal(va_echo_delay_new(100, 100, &delay, &error), VA_ENOMEM);
    }
    va_memory_fail_after(0);
    assert_null(delay);
    va_echo_delay_free(NULL);
    assert_int_equal(va_echo_delay_new(VA_ECHO_DELAY_MAX - 10, 10, &delay, &error), 0);
    va_echo_delay_free(delay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lags), cmocka_unit_test(test_response), cmocka_unit_test(test_near),
                                       cmocka_unit_test(test_nothing_to_find), cmocka_unit_test(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
