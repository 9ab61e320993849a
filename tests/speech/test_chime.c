#include "speech/chime.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "speech/support.h"

/* The part of a tone that is in pcm [n], 1 for a sine of this frequency. */
static double share(const int16_t *pcm, size_t n, double hz)
{
    double re = 0, im = 0, power = 0;

    for (size_t i = 0; i < n; i++) {
        re += pcm[i] * cos(2 * M_PI * hz * (double)i / VA_SAMPLE_RATE_HZ);
        im += pcm[i] * sin(2 * M_PI * hz * (double)i / VA_SAMPLE_RATE_HZ);
        power += (double)pcm[i] * pcm[i];
    }
    return 2 * (re * re + im * im) / ((double)n * power);
}

static void test_tones(void **state)
{
    static const struct {
        enum va_chime chime;
        double first_hz, second_hz;
    } rows[] = {{VA_CHIME_WAKE, 659, 880}, {VA_CHIME_END, 880, 659}, {VA_CHIME_ERROR, 262, 208}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct va_sound sound;
        int peak = 0, step = 0;
        assert_int_equal(va_chime_make(rows[i].chime, &sound), 0);
        assert_in_range(sound.n, VA_SAMPLE_RATE_HZ * 15 / 100, VA_SAMPLE_RATE_HZ * 2 / 5);
        assert_int_equal(sound.pcm[0], 0);
        assert_int_equal(sound.pcm[sound.n - 1], 0);
        for (size_t k = 1; k < sound.n; k++) {
            peak = abs(sound.pcm[k]) > peak ? abs(sound.pcm[k]) : peak;
            step = abs(sound.pcm[k] - sound.pcm[k - 1]) > step ? abs(sound.pcm[k] - sound.pcm[k - 1]) : step;
        }
        assert_in_range(peak, VA_CHIME_PEAK - 200, VA_CHIME_PEAK); /* -12 dB */
        /* No click: no step is larger than the steepest of its higher sine. */
        double steepest = 2 * M_PI * fmax(rows[i].first_hz, rows[i].second_hz) / VA_SAMPLE_RATE_HZ * VA_CHIME_PEAK;
        assert_true(step <= steepest + 2);
        size_t part = VA_SAMPLE_RATE_HZ * 6 / 100;
        assert_true(share(sound.pcm, part, rows[i].first_hz) > 0.9);
        assert_true(share(sound.pcm, part, rows[i].second_hz) < 0.05);
        assert_true(share(sound.pcm + sound.n - part, part, rows[i].second_hz) > 0.9);
        va_sound_free(&sound);
    }
}

/* Holds the speaker while the first text is heard. */
static _Atomic int has_begun, may_go_on;

static void hold(void *user, enum va_speech_event event, const va_error *error)
{
    (void)user;
    (void)error;
    if (event != VA_SPEECH_STARTED)
        return;
    has_begun = 1;
    for (int i = 0; i < 20000 && !may_go_on; i++)
        usleep(1000);
}

static size_t size_of(const char *folder, int number)
{
    char path[300];
    struct stat info;

    snprintf(path, sizeof path, "%s/%06d.wav", folder, number);
    assert_int_equal(stat(path, &info), 0);
    return ((size_t)info.st_size - VA_SPEECH_WAV_HEADER_BYTES) / sizeof(int16_t);
}

static void chime(va_speaker *speaker, enum va_chime kind, int expected)
{
    va_error error;
    assert_int_equal(va_speaker_chime(speaker, kind, &error), expected);
}

static void test_chimes_come_before_texts(void **state)
{
    char folder[256], command[512], output[300];
    struct va_sound low;

    assert_int_equal(temporary_make(folder), 0);
    snprintf(output, sizeof output, "wav:%s", folder);
    struct va_speaker_options options = options_for("wav 16000 1 16 true", command, NULL);
    options.output = output;
    options.chimes = 1;
    options.on_event = hold;
    va_speaker *speaker = new_speaker(&options);
    say(speaker, "123456789", 0);
    for (int i = 0; i < 20000 && !has_begun; i++)
        usleep(1000);
    say(speaker, "1234", 0);
    chime(speaker, VA_CHIME_ERROR, 0);
    chime(speaker, VA_CHIME_WAKE, 0);
    for (int i = 2; i < VA_SPEECH_MAX_CHIMES; i++)
        chime(speaker, VA_CHIME_END, 0);
    chime(speaker, VA_CHIME_END, VA_EBUSY);
    may_go_on = 1;
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    struct va_speaker_status status;
    va_speaker_get_status(speaker, &status);
    assert_int_equal(status.said, 2);
    assert_int_equal(status.chimes, VA_SPEECH_MAX_CHIMES);
    va_speaker_free(speaker);
    assert_int_equal(va_chime_make(VA_CHIME_ERROR, &low), 0);
    assert_int_equal(size_of(folder, 2), low.n);
    va_sound_free(&low);
    assert_int_equal(size_of(folder, 3), VA_SAMPLE_RATE_HZ / 5);
    assert_true(size_of(folder, 2 + VA_SPEECH_MAX_CHIMES) < size_of(folder, 1)); /* the shorter text, last */
    temporary_remove(folder);
}

static void test_chimes_may_be_off(void **state)
{
    char folder[256], command[512], output[300];
    struct told told = {0};
    struct va_speaker_options options = options_for("wav 16000 1 16 true", command, &told);
    struct va_speaker_status status;

    va_speaker *speaker = new_speaker(&options);
    for (int i = 0; i < 2 * VA_SPEECH_MAX_CHIMES; i++)
        chime(speaker, VA_CHIME_WAKE, 0);
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    assert_int_equal(told.started, 0);
    va_speaker_free(speaker);

    /* A file is kept for the reply. */
    assert_int_equal(temporary_make(folder), 0);
    snprintf(output, sizeof output, "wav:%s/reply.wav", folder);
    options.output = output;
    options.chimes = 1;
    speaker = new_speaker(&options);
    chime(speaker, VA_CHIME_WAKE, 0);
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    assert_false(va_file_exists(output + 4));
    assert_int_equal(told.failed + told.started, 0);
    va_speaker_free(speaker);

    /* To a device, with what there is to go wrong. */
    options.output = "";
    speaker = new_speaker(&options);
    chime(speaker, VA_CHIME_WAKE, 0);
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    assert_int_equal(told.started + told.ended, 0); /* it is no speech */
    va_memory_fail_after(1);
    chime(speaker, VA_CHIME_END, 0);
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    va_memory_fail_after(0);
    assert_int_equal(told.failed, 1);
    assert_int_equal(told.error.code, VA_ENOMEM);
    chime(speaker, VA_CHIME_END, 0);
    va_speaker_stop(speaker);
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    va_speaker_get_status(speaker, &status);
    assert_in_range(status.chimes, 1, 2);
    va_speaker_free(speaker);
    temporary_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tones),
        cmocka_unit_test(test_chimes_come_before_texts),
        cmocka_unit_test(test_chimes_may_be_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
