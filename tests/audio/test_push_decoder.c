/* Audio that comes in pieces: cut anywhere, of every rate, damaged, and more than one stream. */
#include "audio/push_decoder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio_files.h"
#include "base/memory.h"

#define MAX_SAMPLES 64000
#define FRAMES 24000

struct heard {
    float pcm[MAX_SAMPLES];
    size_t n;
    int fail_at; /* call that fails, from 1; 0: none */
    int calls;
};

static int hear(void *user, const float *pcm, size_t n, va_error *error)
{
    struct heard *heard = user;

    assert_true(n > 0 && n <= VA_PUSH_MAX_SAMPLES && heard->n + n <= MAX_SAMPLES);
    memcpy(heard->pcm + heard->n, pcm, n * sizeof *pcm);
    heard->n += n;
    return ++heard->calls == heard->fail_at ? va_fail(error, VA_ECANCELLED, "enough") : 0;
}

/* Pushes data in pieces of size bytes (0: of sizes at random) into an empty heard. */
static int decode(const struct va_push_options *options, const uint8_t *data, size_t n, size_t size, struct heard *heard, va_error *error)
{
    va_push_decoder *decoder = NULL;
    unsigned seed = 1;

    heard->n = 0;
    heard->calls = 0;
    int r = va_push_decoder_new(options, hear, heard, &decoder, error);
    for (size_t at = 0, part; r == 0 && at < n; at += part) {
        part = size > 0 ? size : (size_t)rand_r(&seed) % 3000;
        part = part < n - at ? part : n - at;
        r = va_push_decoder_push(decoder, data + at, part, error);
    }
    if (r == 0)
        r = va_push_decoder_finish(decoder, error);
    va_push_decoder_free(decoder);
    return r;
}

static void assert_same(const struct heard *a, const struct heard *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++)
        if (fabsf(a->pcm[i] - b->pcm[i]) > 1e-6f)
            fail_msg("sample %zu: %g, not %g", i, (double)b->pcm[i], (double)a->pcm[i]);
}

static double rms(const float *pcm, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)pcm[i] * (double)pcm[i];
    return sqrt(sum / (double)n);
}

/* A tone of 440 Hz in 16 bits. Of several channels only the first sounds. */
static uint8_t *tone(size_t frames, unsigned channels, uint32_t rate_hz)
{
    uint8_t *data = calloc(frames * channels, 2);

    for (size_t i = 0; i < frames; i++) {
        int value = (int)lrint(16000.0 * sin(2.0 * M_PI * 440.0 * (double)i / rate_hz));
        data[2 * i * channels] = (uint8_t)(value & 0xff);
        data[2 * i * channels + 1] = (uint8_t)((unsigned)value >> 8 & 0xff);
    }
    return data;
}

static void pcm_of_every_rate_is_cut_anywhere(void **state)
{
    static const uint32_t rates[] = {8000, 11025, 16000, 22050, 32000, 44100, 48000};
    static const size_t sizes[] = {1, 2, 3, 7, 1001, 0};
    static struct heard whole, cut;

    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        for (unsigned channels = 1; channels <= 8; channels += channels < 3 ? 1 : 5) {
            const struct va_push_options options = {VA_PUSH_PCM16, rates[i], channels};
            size_t n = (size_t)FRAMES * 2 * channels;
            uint8_t *data = tone(FRAMES, channels, rates[i]);
            assert_int_equal(decode(&options, data, n, n, &whole, NULL), 0);
            double wanted = (double)FRAMES * 16000.0 / rates[i];
            if (fabs((double)whole.n - wanted) > 64.0)
                fail_msg("%u Hz: %zu samples, not %g", rates[i], whole.n, wanted);
            double level = rms(whole.pcm + whole.n / 4, whole.n / 2), right = 16000.0 / 32768.0 / sqrt(2.0) / channels;
            if (fabs(level / right - 1.0) > 0.02)
                fail_msg("%u Hz, %u channels: level %g, not %g", rates[i], channels, level, right);
            for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
                assert_int_equal(decode(&options, data, n, sizes[j], &cut, NULL), 0);
                assert_same(&whole, &cut);
            }
            assert_int_equal(decode(&options, data, n - 1, 0, &cut, NULL), 0); /* half a sample at the end */
            assert_true(cut.n <= whole.n && whole.n - cut.n <= 3);
            free(data);
        }
    }
}

static void other_rates_and_channels_are_refused(void **state)
{
    static const struct va_push_options wrong[] = {
        {VA_PUSH_PCM16, 7999, 1}, {VA_PUSH_PCM16, 48001, 1}, {VA_PUSH_PCM16, 0, 1}, {VA_PUSH_PCM16, 16000, 0}, {VA_PUSH_PCM16, 16000, 9}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        va_push_decoder *decoder = NULL;
        va_error error;
        assert_int_equal(va_push_decoder_new(&wrong[i], hear, NULL, &decoder, &error), VA_EUNSUPPORTED);
        assert_null(decoder);
    }
}

static const struct va_push_options opus_options = {.format = VA_PUSH_OPUS};

static uint8_t *encoded(int channels, int rate_hz, int format, size_t *ret_n)
{
    int fd = file_of_tone((size_t)rate_hz, channels, rate_hz, format);
    uint8_t *data = bytes_of_file(fd, ret_n);

    close(fd);
    return data;
}

static uint8_t *opus(int channels, int rate_hz, size_t *ret_n)
{
    return encoded(channels, rate_hz, SF_FORMAT_OGG | SF_FORMAT_OPUS, ret_n);
}

static void opus_is_cut_anywhere(void **state)
{
    static const int rates[] = {8000, 16000, 48000};
    static const size_t sizes[] = {1, 2, 27, 1001, 0};
    static struct heard whole, cut;
    size_t n;

    for (int channels = 1; channels <= 2; channels++) {
        for (size_t i = 0; i < 3; i++) {
            uint8_t *data = opus(channels, rates[i], &n);
            assert_int_equal(decode(&opus_options, data, n, n, &whole, NULL), 0);
            assert_true(whole.n >= 15000 && whole.n <= 18000); /* a second, in whole packets */
            assert_true(rms(whole.pcm + 4000, 8000) > 0.05);
            for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
                assert_int_equal(decode(&opus_options, data, n, sizes[j], &cut, NULL), 0);
                assert_same(&whole, &cut);
            }
            free(data);
        }
    }
}

static void opus_may_end_anywhere(void **state)
{
    static struct heard heard;
    size_t n, before = 0;
    uint8_t *data = opus(1, 16000, &n);
    int r = VA_EFORMAT;

    for (size_t i = 0; i <= n; i += 1 + i / 50) {
        int now = decode(&opus_options, data, i, 777, &heard, NULL);
        assert_true(now == 0 || (now == VA_EFORMAT && r == VA_EFORMAT)); /* before the first packet nothing can be meant */
        assert_true(heard.n >= before);
        before = heard.n;
        r = now;
    }
    assert_int_equal(r, 0);
    assert_int_equal(decode(&opus_options, data, n, 777, &heard, NULL), 0);
    assert_true(heard.n >= before && heard.n > 15000);
    free(data);
}

static void damaged_opus_is_told(void **state)
{
    static struct heard heard;
    size_t n, told = 0, tries = 0;
    uint8_t *data = opus(1, 16000, &n);

    for (size_t i = 0; i < n; i += 13, tries++) {
        data[i] ^= 0x55;
        int r = decode(&opus_options, data, n, 500, &heard, NULL);
        assert_true(r == 0 || r == VA_EFORMAT || r == VA_EUNSUPPORTED || r == VA_ELIMIT);
        told += r < 0;
        data[i] ^= 0x55;
    }
    assert_true(told * 10 >= tries * 9); /* but for a last page that seems longer than it is: nobody waits for the rest */
    memset(data + n / 2, 0, n - n / 2);
    assert_int_equal(decode(&opus_options, data, n, 500, &heard, NULL), VA_EFORMAT);
    free(data);
}

static void what_is_no_opus_is_told(void **state)
{
    static struct heard heard;
    static uint8_t noise[70000];
    va_error error;
    size_t n;
    uint8_t *data = encoded(1, 16000, SF_FORMAT_OGG | SF_FORMAT_VORBIS, &n);

    assert_int_equal(decode(&opus_options, data, n, 500, &heard, &error), VA_EFORMAT);
    assert_string_equal(error.text, "the audio is not Opus");
    free(data);
    data = encoded(1, 16000, SF_FORMAT_WAV | SF_FORMAT_PCM_16, &n);
    assert_int_equal(decode(&opus_options, data, n, 500, &heard, &error), VA_EFORMAT);
    assert_string_equal(error.text, "the audio is not Ogg");
    free(data);
    memset(noise, 0xa5, sizeof noise);
    assert_int_equal(decode(&opus_options, noise, sizeof noise, 1, &heard, &error), VA_EFORMAT);
    assert_int_equal(decode(&opus_options, noise, 0, 1, &heard, &error), VA_EFORMAT);
    assert_string_equal(error.text, "the audio ends before its first packet");
    assert_int_equal(heard.n, 0);
}

/* One stream behind another, as when two files are sent. */
static void a_chain_of_streams_is_refused(void **state)
{
    static struct heard one, both;
    va_error error;
    size_t n, n_other;
    uint8_t *data = opus(1, 16000, &n), *other = opus(1, 48000, &n_other);

    assert_int_equal(decode(&opus_options, data, n, 500, &one, NULL), 0);
    data = realloc(data, n + n_other);
    memcpy(data + n, other, n_other);
    for (size_t size = 1; size < 5000; size = size * 3 + 1) {
        assert_int_equal(decode(&opus_options, data, n + n_other, size, &both, &error), VA_EUNSUPPORTED);
        assert_string_equal(error.text, "there is more than one stream in the audio");
        assert_same(&one, &both); /* the first one was heard */
    }
    free(data);
    free(other);
}

static void who_hears_may_end_it(void **state)
{
    static struct heard heard;
    const struct va_push_options rates[] = {{VA_PUSH_PCM16, 16000, 1}, {VA_PUSH_PCM16, 48000, 1}};
    va_error error;
    size_t n;
    uint8_t *pcm = tone(FRAMES, 1, 16000), *data = opus(1, 16000, &n);

    heard.fail_at = 3;
    for (int i = 0; i < 2; i++)
        assert_int_equal(decode(&rates[i], pcm, (size_t)FRAMES * 2, 4000, &heard, &error), VA_ECANCELLED);
    assert_int_equal(decode(&opus_options, data, n, n, &heard, &error), VA_ECANCELLED);
    assert_string_equal(error.text, "enough");
    assert_int_equal(heard.calls, 3);
    heard.fail_at = 0;
    free(pcm);
    free(data);
}

static void survives_no_memory(void **state)
{
    static struct heard heard;
    const struct va_push_options rates[] = {{VA_PUSH_PCM16, 48000, 2}, opus_options};
    size_t n[2] = {(size_t)FRAMES * 2};
    uint8_t *data[2] = {tone(FRAMES, 1, 48000), opus(1, 16000, &n[1])};

    for (int i = 0; i < 2; i++) {
        int r = VA_ENOMEM;
        for (size_t k = 1; r == VA_ENOMEM; k++) {
            va_memory_fail_after(k);
            r = decode(&rates[i], data[i], n[i], 4000, &heard, NULL);
            va_memory_fail_after(0);
            assert_true(r == VA_ENOMEM || (r == 0 && k > 1));
        }
        free(data[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pcm_of_every_rate_is_cut_anywhere),
        cmocka_unit_test(other_rates_and_channels_are_refused),
        cmocka_unit_test(opus_is_cut_anywhere),
        cmocka_unit_test(opus_may_end_anywhere),
        cmocka_unit_test(damaged_opus_is_told),
        cmocka_unit_test(what_is_no_opus_is_told),
        cmocka_unit_test(a_chain_of_streams_is_refused),
        cmocka_unit_test(who_hears_may_end_it),
        cmocka_unit_test(survives_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
