#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "wyoming/audio.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct taken {
    float pcm[32000];
    size_t n;
};

static int take(void *user, const float *pcm, size_t n, va_error *error)
{
    struct taken *taken = user;

    assert_true(taken->n + n <= COUNT(taken->pcm));
    memcpy(taken->pcm + taken->n, pcm, n * sizeof *pcm);
    taken->n += n;
    return 0;
}

/* A second of half the full scale, in every form, in pieces of 100 frames. */
static void test_every_form(void **state)
{
    static const struct va_wyoming_format formats[] = {{16000, 2, 1}, {16000, 1, 1}, {16000, 3, 2}, {16000, 4, 8},
                                                       {48000, 2, 2}, {22050, 2, 1}, {8000, 2, 1},  {192000, 4, 1}};
    static struct taken taken;
    va_error error;

    for (size_t i = 0; i < COUNT(formats); i++) {
        const struct va_wyoming_format *format = &formats[i];
        size_t frame = (size_t)(format->width * format->channels);
        va_wyoming_audio *audio;
        uint8_t bytes[100 * 32];
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = format->width == 1 ? 192 : (k + 1) % (size_t)format->width == 0 ? 0x40 : 0;
        taken.n = 0;
        assert_int_equal(va_wyoming_audio_new(format, &audio, &error), 0);
        assert_true(va_wyoming_audio_is(audio, format));
        for (int64_t k = 0; k < format->rate; k += 100) {
            size_t n = (size_t)(format->rate - k < 100 ? format->rate - k : 100);
            assert_int_equal(va_wyoming_audio_push(audio, bytes, n * frame, take, &taken, &error), 0);
        }
        assert_int_equal(va_wyoming_audio_push(audio, NULL, 0, take, &taken, &error), 0);
        va_wyoming_audio_free(audio);
        assert_in_range(taken.n, 15999, 16001);
        for (size_t k = 1000; k < 15000; k++)
            if (fabsf(taken.pcm[k] - 0.5f) > 0.001f)
                fail_msg("form %zu, sample %zu: %g", i, k, (double)taken.pcm[k]);
    }
}

static void test_what_cannot_be_read(void **state)
{
    static const struct va_wyoming_format formats[] = {{7999, 2, 1},  {192001, 2, 1}, {-1, -1, -1},  {16000, 0, 1},
                                                       {16000, 5, 1}, {16000, 2, 0},  {16000, 2, 9}, {INT64_MAX, 2, 1}};
    const struct va_wyoming_format sound = {16000, 2, 2}, other = {16000, 2, 1};
    va_wyoming_audio *audio = NULL;
    static struct taken taken;
    va_error error;

    for (size_t i = 0; i < COUNT(formats); i++)
        assert_int_equal(va_wyoming_audio_new(&formats[i], &audio, &error), VA_EUNSUPPORTED);
    assert_null(audio);
    assert_int_equal(va_wyoming_audio_new(&sound, &audio, &error), 0);
    assert_false(va_wyoming_audio_is(audio, &other));
    assert_int_equal(va_wyoming_audio_push(audio, (const uint8_t *)"abcdef", 6, take, &taken, &error), VA_EINVAL);
    va_wyoming_audio_free(audio);
}

static void test_out_of_memory(void **state)
{
    const struct va_wyoming_format format = {44100, 2, 1};
    va_wyoming_audio *audio = NULL;
    va_error error;
    int r = VA_ENOMEM;

    for (size_t n = 1; r == VA_ENOMEM && n < 20; n++) {
        va_memory_fail_after(n);
        r = va_wyoming_audio_new(&format, &audio, &error);
        va_memory_fail_after(0);
    }
    assert_int_equal(r, 0);
    va_wyoming_audio_free(audio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form),
        cmocka_unit_test(test_what_cannot_be_read),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
