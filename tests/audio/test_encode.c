/* Sounds written to memory and read again by the decoder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/decode.h"
#include "audio/encode.h"
#include "base/memory.h"

#define N 16000

static int16_t tone[N];

static int make_tone(void **state)
{
    for (int i = 0; i < N; i++)
        tone[i] = (int16_t)lrint(8000.0 * sin(2.0 * M_PI * 440.0 * i / VA_SAMPLE_RATE_HZ));
    return 0;
}

static void encode(enum va_audio_encoding encoding, struct va_buffer *out)
{
    va_error error = {0};

    va_buffer_init(out, 1 << 20);
    assert_int_equal(va_buffer_append_string(out, "head"), 0); /* it is appended */
    int r = va_audio_encode(tone, N, encoding, out, &error);
    if (r < 0)
        fail_msg("%s", error.text);
    assert_memory_equal(out->data, "head", 4);
}

static void files_are_read_again(void **state)
{
    static const struct {
        const char *name, *type, *format;
        size_t max_bytes;
    } kinds[] = {{"wav", "audio/wav", "wav", 2 * N + 200},
                 {"flac", "audio/flac", "flac", 2 * N},
                 {"opus", "audio/ogg", "ogg", 2 * N},
                 {"mp3", "audio/mpeg", "mp3", 2 * N}};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        enum va_audio_encoding encoding;
        va_audio_decoder *decoder;
        struct va_buffer out;
        va_error error = {0};
        static float pcm[2 * N];
        double energy = 0;
        size_t n = 0;
        int64_t got;

        assert_int_equal(va_audio_encoding_parse(kinds[i].name, &encoding), 0);
        assert_string_equal(va_audio_encoding_type(encoding), kinds[i].type);
        encode(encoding, &out);
        assert_true(out.size < kinds[i].max_bytes);
        int fd = memfd_create("sound", MFD_CLOEXEC);
        assert_int_equal(write(fd, out.data + 4, out.size - 4), (ssize_t)out.size - 4);
        va_buffer_free(&out);
        if (va_audio_decoder_open_fd(fd, kinds[i].name, NULL, &decoder, &error) < 0)
            fail_msg("%s", error.text);
        assert_string_equal(va_audio_decoder_format(decoder), kinds[i].format);
        while (n < 2 * N && (got = va_audio_decoder_read(decoder, pcm + n, 2 * N - n)) > 0)
            n += (size_t)got;
        va_audio_decoder_free(decoder);
        assert_true(n >= N && n < N + 4000); /* some have frames of their own length */
        for (size_t k = 0; k < n; k++)
            energy += (double)pcm[k] * (double)pcm[k];
        assert_true(fabs(sqrt(2.0 * energy / N) - 8000.0 / 32768.0) < 0.02);
    }
}

static void headerless_samples(void **state)
{
    enum va_audio_encoding encoding;
    struct va_buffer out;
    int16_t loudest = 0;

    assert_int_equal(va_audio_encoding_parse("pcm", &encoding), 0);
    encode(encoding, &out);
    assert_int_equal((out.size - 4) / 2, N / 2 * 3);
    for (size_t i = 1000; i < N; i++) {
        int16_t sample;
        memcpy(&sample, out.data + 4 + 2 * i, sizeof sample);
        loudest = sample > loudest ? sample : loudest;
    }
    assert_true(abs(loudest - 8000) < 200);
    va_buffer_free(&out);
}

static void what_fails(void **state)
{
    enum va_audio_encoding encoding;
    struct va_buffer out;
    va_error error;

    assert_int_equal(va_audio_encoding_parse("aac", &encoding), VA_EINVAL);
    for (int i = VA_ENCODE_WAV; i <= VA_ENCODE_PCM24K; i++) {
        va_buffer_init(&out, 500);
        assert_int_equal(va_audio_encode(tone, N, (enum va_audio_encoding)i, &out, &error), VA_ELIMIT);
        va_buffer_free(&out);
        va_buffer_init(&out, 1 << 20);
        va_memory_fail_after(1);
        assert_int_equal(va_audio_encode(tone, N, (enum va_audio_encoding)i, &out, &error), VA_ENOMEM);
        va_memory_fail_after(0);
        va_buffer_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_again),
        cmocka_unit_test(headerless_samples),
        cmocka_unit_test(what_fails),
    };
    return cmocka_run_group_tests(tests, make_tone, NULL);
}
