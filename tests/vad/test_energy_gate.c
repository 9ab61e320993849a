#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "vad/energy_gate.h"

enum { CHUNK = VA_VAD_CHUNK_SAMPLES, START_CHUNKS = 96, HOLD_CHUNKS = 31 };

static uint32_t random_state = 1;

static void fill_noise(float *pcm, float level)
{
    for (int i = 0; i < CHUNK; i++) {
        random_state = random_state * 1664525u + 1013904223u;
        pcm[i] = level * ((float)(random_state >> 8) / 8388608.0f - 1.0f);
    }
}

/* Feeds n chunks of noise of this level and what is added; returns for how many the gate was open. */
static int feed(struct va_energy_gate *gate, int n, float level, float tone, float hz)
{
    float pcm[CHUNK];
    int open = 0;
    for (int i = 0; i < n; i++) {
        fill_noise(pcm, level);
        for (int j = 0; j < CHUNK; j++)
            pcm[j] += tone * sinf((float)(i * CHUNK + j) * hz * 6.2831853f / VA_VAD_RATE_HZ);
        open += va_energy_gate_process(gate, pcm);
    }
    return open;
}

static void test_quiet_room(void **state)
{
    static const float levels[] = {0.0f, 1e-5f, 1e-4f, 1e-3f, 4e-3f};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        struct va_energy_gate gate;
        va_energy_gate_reset(&gate);
        assert_int_equal(feed(&gate, START_CHUNKS, levels[i], 0, 0), START_CHUNKS);
        feed(&gate, HOLD_CHUNKS, levels[i], 0, 0);
        assert_in_range(feed(&gate, 1000, levels[i], 0, 0), 0, 100); /* chance opens it now and then */
    }
}

static void test_opens_and_holds(void **state)
{
    struct va_energy_gate gate;
    va_energy_gate_reset(&gate);
    feed(&gate, 200, 1e-3f, 0, 0);
    assert_int_equal(feed(&gate, 1, 1e-3f, 2e-3f, 500), 1); /* at the first chunk of something 7 dB above the noise */
    assert_int_equal(feed(&gate, 20, 1e-3f, 2e-3f, 500), 20);
    int open = feed(&gate, 200, 1e-3f, 0, 0);
    assert_in_range(open, HOLD_CHUNKS, HOLD_CHUNKS + 4);
    assert_int_equal(feed(&gate, 100, 1e-3f, 0, 0), 0);
}

static void test_louder_room(void **state)
{
    struct va_energy_gate gate;
    va_energy_gate_reset(&gate);
    feed(&gate, 200, 1e-4f, 0, 0);
    assert_int_equal(feed(&gate, START_CHUNKS, 1e-3f, 0, 0), START_CHUNKS); /* a fan goes on */
    feed(&gate, HOLD_CHUNKS + 24, 1e-3f, 0, 0);
    assert_int_equal(feed(&gate, 200, 1e-3f, 0, 0), 0); /* the floor has followed */
    feed(&gate, START_CHUNKS + 24, 1e-2f, 0, 0);
    assert_int_equal(feed(&gate, 500, 1e-2f, 0, 0), 500); /* too loud to tell: -45 dBFS */
}

static void test_hum_does_not_count(void **state)
{
    struct va_energy_gate gate;
    va_energy_gate_reset(&gate);
    feed(&gate, 200, 1e-3f, 0, 0);
    assert_int_equal(feed(&gate, 100, 1e-3f, 1e-3f, 20), 0);
    assert_int_equal(feed(&gate, 1, 1e-3f, 1e-2f, 300), 1);
}

static void test_not_finite(void **state)
{
    static const float bad[] = {NAN, INFINITY, 3e38f};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct va_energy_gate gate;
        float pcm[CHUNK] = {0};
        va_energy_gate_reset(&gate);
        feed(&gate, 300, 1e-3f, 0, 0);
        pcm[100] = bad[i];
        assert_int_equal(va_energy_gate_process(&gate, pcm), 1);
        feed(&gate, START_CHUNKS + HOLD_CHUNKS + 1, 1e-3f, 0, 0);
        assert_in_range(feed(&gate, 1000, 1e-3f, 0, 0), 0, 100); /* it has recovered */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quiet_room),         cmocka_unit_test(test_opens_and_holds), cmocka_unit_test(test_louder_room),
        cmocka_unit_test(test_hum_does_not_count), cmocka_unit_test(test_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
