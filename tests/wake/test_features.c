/* What the frames ought to be was had once from pymicro-features 2.0.2 (a PyPI package, x86-64): the same samples, 160 at a time, into
 * MicroFrontend.process_samples(); each value times 25.6 is the integer. Of many frames the FNV-1a hash is kept. */
#include "wake/features.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sndfile.h>

#include "base/memory.h"
#include "shared_data.h"

enum { STEP = VA_WAKE_STEP_SAMPLES, CHANNELS = VA_WAKE_CHANNELS, STEPS = 1000 };

static va_wake_features *new_features(void)
{
    va_wake_features *features = NULL;
    va_error error;
    assert_int_equal(va_wake_features_new(&features, &error), 0);
    return features;
}

static uint64_t hash_frame(uint64_t hash, const uint16_t *frame)
{
    for (int i = 0; i < CHANNELS; i++)
        for (int shift = 0; shift < 16; shift += 8)
            hash = (hash ^ (frame[i] >> shift & 0xff)) * 1099511628211u;
    return hash;
}

static const uint64_t hash_start = 14695981039346656037u;

/* State of a synthetic signal. */
struct signal {
    uint32_t random, phase, rate;
};

static int32_t random_16(struct signal *signal)
{
    signal->random = signal->random * 1664525u + 1013904223u;
    return (int32_t)(signal->random >> 16) - 32768;
}

static int16_t clipped(int32_t x)
{
    return (int16_t)(x > 32767 ? 32767 : x < -32768 ? -32768 : x);
}

/* A sine but for a few per cent: parabolas. */
static int32_t tone(struct signal *signal, uint32_t rate)
{
    int32_t x = (int32_t)(signal->phase >> 16) - 32768;
    signal->phase += rate;
    return clipped(x * (32768 - (x < 0 ? -x : x)) / 8192);
}

static int16_t silence(struct signal *signal, uint32_t t)
{
    return 0;
}

static int16_t lowest_bits(struct signal *signal, uint32_t t)
{
    return (int16_t)(random_16(signal) >> 14);
}

static int16_t full_noise(struct signal *signal, uint32_t t)
{
    return (int16_t)random_16(signal);
}

static int16_t extremes(struct signal *signal, uint32_t t)
{
    int32_t x = random_16(signal);
    return x > 10000 ? 32767 : x < -10000 ? -32768 : 0;
}

static int16_t square(struct signal *signal, uint32_t t)
{
    return t / 37 % 2 == 0 ? 32767 : -32768;
}

static int16_t fastest_square(struct signal *signal, uint32_t t)
{
    return t % 2 == 0 ? 32767 : -32768;
}

static int16_t lowest_level(struct signal *signal, uint32_t t)
{
    return -32768;
}

/* The lowest number at the middle of a window, where it keeps its size. */
static int16_t clicks(struct signal *signal, uint32_t t)
{
    return t % 800 == 239 ? -32768 : t % 4800 == 4000 ? 32767 : 0;
}

static int16_t sweep(struct signal *signal, uint32_t t)
{
    signal->rate += 13000; /* to 7.75 kHz in 10 s */
    return (int16_t)tone(signal, signal->rate);
}

/* Twice as loud each 0.25 s, and back to silence. */
static int16_t levels(struct signal *signal, uint32_t t)
{
    uint32_t level = t / 4000 % 17;
    return (int16_t)(level == 0 ? 0 : random_16(signal) / (1 << (16 - level)));
}

/* Syllables of a tone and its third in noise. */
static int16_t syllables(struct signal *signal, uint32_t t)
{
    int32_t x = random_16(signal) / 256 + (t / 3000 % 3 == 0 ? tone(signal, 60000000 + t % 3000 * 10000) / 8 : 0);
    return clipped(x + (t / 1500 % 4 == 1 ? tone(signal, 500000000) / 20 : 0));
}

static const struct {
    int16_t (*sample)(struct signal *signal, uint32_t t);
    uint64_t hash; /* of the 998 frames of 1000 steps */
} synthetic[] = {
    {silence, 0x5161cd45f2def0a5}, {lowest_bits, 0x89f2a8e6adb579b9},    {full_noise, 0x3418e4b20722f8fd},   {extremes, 0x3842bac60e9e4622},
    {square, 0x02d346b10c2919c7},  {fastest_square, 0x92ff5efb4a618ce5}, {lowest_level, 0xda7b1d8220fec0ef}, {clicks, 0x1e8a5d2c40832287},
    {sweep, 0x523534fe726f271c},   {levels, 0xd40b73bebede8c33},         {syllables, 0x0aa5311a4f02f5ff},
};
enum { SYNTHETIC = sizeof synthetic / sizeof synthetic[0], SYLLABLES = SYNTHETIC - 1 };

/* A step of signal number i from sample t on. */
static void make_step(size_t i, struct signal *signal, uint32_t t, int16_t *ret_pcm)
{
    for (uint32_t j = 0; j < STEP; j++)
        ret_pcm[j] = synthetic[i].sample(signal, t + j);
}

static void test_synthetic(void **state)
{
    for (size_t i = 0; i < SYNTHETIC; i++) {
        va_wake_features *features = new_features();
        struct signal signal = {.random = 1};
        uint64_t hash = hash_start;
        for (int step = 0; step < STEPS; step++) {
            int16_t pcm[STEP];
            uint16_t frame[CHANNELS];
            make_step(i, &signal, (uint32_t)step * STEP, pcm);
            int has_frame = va_wake_features_push(features, pcm, frame);
            assert_int_equal(has_frame, step >= 2);
            if (has_frame)
                hash = hash_frame(hash, frame);
        }
        if (hash != synthetic[i].hash)
            print_error("signal %zu: 0x%016llx\n", i, (unsigned long long)hash);
        assert_true(hash == synthetic[i].hash);
        va_wake_features_free(features);
    }
}

/* Fills ret_frames with those of the first n_steps of the syllables. */
static void hear_syllables(va_wake_features *features, int n_steps, uint16_t (*ret_frames)[CHANNELS])
{
    struct signal signal = {.random = 1};
    for (int step = 0; step < n_steps; step++) {
        int16_t pcm[STEP];
        make_step(SYLLABLES, &signal, (uint32_t)step * STEP, pcm);
        assert_int_equal(va_wake_features_push(features, pcm, ret_frames[step >= 2 ? step - 2 : 0]), step >= 2);
    }
}

static void test_one_frame(void **state)
{
    static const uint16_t expected[CHANNELS] = {406, 248, 455, 473, 499, 529, 534, 517, 486, 334, 481, 511, 514, 512,
                                                515, 498, 529, 528, 515, 381, 507, 594, 573, 555, 540, 508, 492, 469,
                                                449, 432, 393, 355, 302, 361, 355, 203, 222, 417, 445, 378};
    static uint16_t frames[346][CHANNELS];
    va_wake_features *features = new_features();
    hear_syllables(features, 348, frames);
    for (int i = 0; i < CHANNELS; i++)
        assert_int_equal(frames[345][i], expected[i]);
    va_wake_features_free(features);
}

static void test_reset(void **state)
{
    static uint16_t first[48][CHANNELS], second[48][CHANNELS];
    va_wake_features *features = new_features();
    hear_syllables(features, 50, first);
    va_wake_features_reset(features);
    hear_syllables(features, 50, second);
    assert_memory_equal(first, second, sizeof first);
    va_wake_features_reset(features);
    int16_t pcm[STEP] = {0};
    uint16_t frame[CHANNELS] = {1};
    assert_int_equal(va_wake_features_push(features, pcm, frame), 0);
    va_wake_features_reset(features); /* while the first window fills */
    hear_syllables(features, 50, second);
    assert_memory_equal(first, second, sizeof first);
    va_wake_features_free(features);
}

static void test_two_streams(void **state)
{
    static uint16_t alone[48][CHANNELS];
    va_wake_features *one = new_features(), *other = new_features();
    struct signal syllables = {.random = 1}, noise = {.random = 1};
    hear_syllables(one, 50, alone);
    va_wake_features_reset(one);
    for (int step = 0; step < 50; step++) {
        int16_t pcm[STEP];
        uint16_t frame[CHANNELS];
        make_step(2, &noise, (uint32_t)step * STEP, pcm);
        assert_int_equal(va_wake_features_push(other, pcm, frame), step >= 2);
        make_step(SYLLABLES, &syllables, (uint32_t)step * STEP, pcm);
        assert_int_equal(va_wake_features_push(one, pcm, frame), step >= 2);
        if (step >= 2)
            assert_memory_equal(frame, alone[step - 2], sizeof frame);
    }
    va_wake_features_free(one);
    va_wake_features_free(other);
}

/* 14 minutes; what is left of a step at the end is not heard. */
static const struct {
    const char *name;
    int frames;
    uint64_t hash;
} recordings[] = {
    {"longform/ls_1998-15444_0000-0009.flac", 7246, 0x8b1084d2fe6cd0bc},
    {"longform/ls_2033-164914_0000-0009.flac", 8280, 0x54b9cff349ac65fe},
    {"longform/ls_2609-156975_0000-0009.flac", 8999, 0x10f6b24831f813ba},
    {"longform/ls_3005-163389_0000-0009.flac", 6596, 0xceae2ab902e4e7c1},
    {"longform/sonnet_p001.flac", 5324, 0xd1b2070d76f3cac5},
    {"longform/sonnet_p003.flac", 5163, 0xe305db50a13c64ba},
    {"noise/kitchen.flac", 12283, 0x391d2c3111413e51},
    {"noise/sc_doing_the_dishes.flac", 9516, 0xd08d3fb60fdbf2f0},
    {"noise/sc_exercise_bike.flac", 6123, 0x6471730df3cd3d1e},
    {"noise/babble_4talkers.flac", 5998, 0xeb638cc31382bb5b},
    {"noise/am_hens.flac", 1001, 0x5ba2f12a16d0b4ab},
    {"noise/sc_white_noise.flac", 5998, 0xf4c6c550206a87e0},
    {"misc_read/jfk.flac", 1098, 0x27994cdaad3c8b4b},
    {"wakeword_picovoice/alexa_0.flac", 328, 0xf501da9d90493696},
    {"wakeword_picovoice/alexa_1.flac", 364, 0x67e0d9f981902279},
    {"wakeword_picovoice/alexa_102.flac", 204, 0xb11ae334c29bbea8},
    {"wakeword_picovoice/alexa_110.flac", 320, 0x4447a6524d382114},
};

static void test_recordings(void **state)
{
    int heard = 0;
    va_wake_features *features = new_features();
    for (size_t i = 0; i < sizeof recordings / sizeof recordings[0]; i++) {
        char path[512];
        SF_INFO info = {0};
        if (!find_shared_data(recordings[i].name, path))
            continue;
        SNDFILE *file = sf_open(path, SFM_READ, &info);
        assert_non_null(file);
        assert_int_equal(info.samplerate, 16000);
        assert_int_equal(info.channels, 1);
        int16_t pcm[STEP];
        uint16_t frame[CHANNELS];
        uint64_t hash = hash_start;
        int frames = 0;
        va_wake_features_reset(features);
        while (sf_read_short(file, pcm, STEP) == STEP)
            if (va_wake_features_push(features, pcm, frame)) {
                hash = hash_frame(hash, frame);
                frames++;
            }
        sf_close(file);
        assert_int_equal(frames, recordings[i].frames);
        if (hash != recordings[i].hash)
            print_error("%s: 0x%016llx\n", recordings[i].name, (unsigned long long)hash);
        assert_true(hash == recordings[i].hash);
        heard++;
    }
    va_wake_features_free(features);
    if (heard == 0)
        skip();
}

static void test_no_memory(void **state)
{
    va_wake_features *features = NULL;
    va_error error;
    va_memory_fail_after(1);
    int r = va_wake_features_new(&features, &error);
    va_memory_fail_after(0);
    assert_int_equal(r, VA_ENOMEM);
    assert_null(features);
    va_wake_features_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_synthetic),   cmocka_unit_test(test_one_frame),  cmocka_unit_test(test_reset),
        cmocka_unit_test(test_two_streams), cmocka_unit_test(test_recordings), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
