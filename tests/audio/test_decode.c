#include "audio/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "audio_files.h"
#include "base/memory.h"

#define WAV16 (SF_FORMAT_WAV | SF_FORMAT_PCM_16)
#define FLAC16 (SF_FORMAT_FLAC | SF_FORMAT_PCM_16)

static float pcm[400000];

static va_audio_decoder *open_fd(int fd, const struct va_decode_options *options)
{
    va_audio_decoder *decoder = NULL;
    va_error error = {0};
    int r = va_audio_decoder_open_fd(fd, "test", options, &decoder, &error);
    if (r != 0)
        fail_msg("%s", error.text);
    return decoder;
}

static int open_error(int fd, const struct va_decode_options *options, va_error *error)
{
    va_audio_decoder *decoder = NULL;
    int r = va_audio_decoder_open_fd(fd, "test", options, &decoder, error);
    assert_true(r < 0);
    assert_null(decoder);
    assert_int_equal(error->code, r);
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* closed */
    return r;
}

/* Reads all in pieces; returns the count, or the error that came after ret_before samples. */
static int64_t read_all(va_audio_decoder *decoder, size_t piece, size_t *ret_before)
{
    size_t total = 0;
    int64_t n;

    do {
        size_t room = sizeof pcm / sizeof pcm[0] - total;
        n = va_audio_decoder_read(decoder, pcm + total, piece < room ? piece : room);
        total += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    if (ret_before != NULL)
        *ret_before = total;
    return n < 0 ? n : (int64_t)total;
}

static void check_tone(size_t n, size_t margin, double tolerance)
{
    for (size_t i = margin; i + margin < n; i++)
        assert_float_equal(pcm[i], 0.4 * sin(2.0 * M_PI * 440.0 * (double)i / 16000.0), tolerance);
}

static void check_format(int format, int channels, int rate_hz, const char *name, double tolerance)
{
    size_t frames = (size_t)rate_hz / 2;
    va_audio_decoder *decoder = open_fd(file_of_tone(frames, channels, rate_hz, format), NULL);

    assert_string_equal(va_audio_decoder_format(decoder), name);
    assert_in_range(va_audio_decoder_total(decoder), 8000, 8001);
    assert_in_range(read_all(decoder, 777, NULL), 8000, 8001);
    check_tone(8000, 800, tolerance);
    assert_int_equal(va_audio_decoder_read(decoder, pcm, 10), 0);
    assert_int_equal(va_audio_decoder_error(decoder)->code, 0);
    va_audio_decoder_free(decoder);
}

static void test_wav_encodings(void **state)
{
    static const struct {
        int subtype;
        double tolerance;
    } encodings[] = {{SF_FORMAT_PCM_U8, 0.01}, {SF_FORMAT_PCM_16, 1e-4}, {SF_FORMAT_PCM_24, 1e-4}, {SF_FORMAT_PCM_32, 1e-4},
                     {SF_FORMAT_FLOAT, 1e-4},  {SF_FORMAT_DOUBLE, 1e-4}, {SF_FORMAT_ULAW, 0.02},   {SF_FORMAT_ALAW, 0.02}};

    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++) {
        check_format(SF_FORMAT_WAV | encodings[i].subtype, 1, 16000, "wav", encodings[i].tolerance);
        check_format(SF_FORMAT_WAVEX | encodings[i].subtype, 2, 16000, "wav", encodings[i].tolerance);
        check_format(SF_FORMAT_RF64 | encodings[i].subtype, 1, 16000, "wav", encodings[i].tolerance);
    }
    check_format(SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG, 1, 16000, "wav", 1e-4);
}

static void test_wav_rates(void **state)
{
    static const int rates[] = {1000, 8000, 11025, 22050, 44100, 48000, 96000, 384000, 768000};

    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        check_format(WAV16, i % 2 == 0 ? 1 : 2, rates[i], "wav", 3e-3);
    check_format(WAV16, 32, 48000, "wav", 3e-3);
}

static void test_other_formats(void **state)
{
    check_format(FLAC16, 1, 16000, "flac", 1e-4);
    check_format(FLAC16, 2, 44100, "flac", 3e-3);
    check_format(SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 8, 96000, "flac", 3e-3);
    check_format(SF_FORMAT_OGG | SF_FORMAT_VORBIS, 1, 16000, "ogg", 0.05);
    check_format(SF_FORMAT_OGG | SF_FORMAT_VORBIS, 2, 44100, "ogg", 0.05);
    check_format(SF_FORMAT_OGG | SF_FORMAT_OPUS, 1, 48000, "ogg", 0.05);
    check_format(SF_FORMAT_OGG | SF_FORMAT_OPUS, 2, 16000, "ogg", 0.05);
    check_format(SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 1, 16000, "mp3", 0.05);
    check_format(SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 2, 44100, "mp3", 0.05);
}

/* One behind the other, as a radio's recording has them. */
static int chain_of(int first, int second)
{
    size_t n, more;
    uint8_t *data = bytes_of_file(first, &n), *rest = bytes_of_file(second, &more);
    int fd = file_of_bytes(data, n);

    assert_int_equal(pwrite(fd, rest, more, (off_t)n), more);
    free(data);
    free(rest);
    close(first);
    close(second);
    return fd;
}

static void test_chained_ogg(void **state)
{
    static const int formats[] = {SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_OGG | SF_FORMAT_OPUS};
    size_t before = 0;

    for (size_t i = 0; i < 2; i++) {
        int two = chain_of(file_of_tone(8000, 1, 16000, formats[i]), file_of_tone(16000, 1, 16000, formats[i]));
        va_audio_decoder *decoder = open_fd(chain_of(two, file_of_tone(8000, 1, 16000, formats[1 - i])), NULL);
        assert_int_equal(va_audio_decoder_total(decoder), 0);
        assert_in_range(read_all(decoder, 777, NULL), 32000, 32003);
        check_tone(8000, 800, 0.05);
        va_audio_decoder_free(decoder);

        decoder = open_fd(chain_of(file_of_tone(8000, 1, 16000, formats[i]), file_of_tone(8000, 2, 16000, formats[i])), NULL);
        assert_int_equal(read_all(decoder, 777, &before), VA_EUNSUPPORTED);
        assert_in_range(before, 7900, 8001);
        assert_non_null(strstr(va_audio_decoder_error(decoder)->text, "number of channels"));
        va_audio_decoder_free(decoder);

        int rest = file_of_bytes("OggS, and then something else altogether", 40);
        decoder = open_fd(chain_of(file_of_tone(8000, 1, 16000, formats[i]), rest), NULL);
        assert_in_range(read_all(decoder, 777, NULL), 7800, 8001);
        va_audio_decoder_free(decoder);
    }
}

static void test_a_long_chain_ends(void **state)
{
    size_t n;
    int one = file_of_tone(10, 1, 16000, SF_FORMAT_OGG | SF_FORMAT_OPUS), fd = memfd_create("chain", MFD_CLOEXEC);
    uint8_t *data = bytes_of_file(one, &n);

    for (int i = 0; i < 1002; i++)
        assert_int_equal(write(fd, data, n), n);
    va_audio_decoder *decoder = open_fd(fd, NULL);
    assert_int_equal(read_all(decoder, 777, NULL), VA_ELIMIT);
    assert_non_null(strstr(va_audio_decoder_error(decoder)->text, "more than 1000 streams"));
    va_audio_decoder_free(decoder);
    free(data);
    close(one);
}

static void test_pieces_agree(void **state)
{
    static float first[8000];
    static const size_t pieces[] = {400000, 1, 3, 1024, 4097};

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        va_audio_decoder *decoder = open_fd(file_of_tone(22050, 2, 44100, FLAC16), NULL);
        assert_int_equal(read_all(decoder, pieces[i], NULL), 8000);
        if (i == 0)
            memcpy(first, pcm, sizeof first);
        assert_memory_equal(pcm, first, sizeof first);
        va_audio_decoder_free(decoder);
    }
}

static void test_mixing(void **state)
{
    static const float stereo[] = {0.5f, -0.5f, 1.0f, 0.5f, -0.25f, 0.0f};
    va_audio_decoder *decoder = open_fd(file_of_pcm(stereo, 3, 2, 16000, SF_FORMAT_WAV | SF_FORMAT_FLOAT), NULL);

    assert_int_equal(read_all(decoder, 10, NULL), 3);
    assert_true(pcm[0] == 0.0f && pcm[1] == 0.75f && pcm[2] == -0.125f);
    va_audio_decoder_free(decoder);
}

static void test_wild_floats(void **state)
{
    static const float wild[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1.5f, 0.25f};
    va_audio_decoder *decoder = open_fd(file_of_pcm(wild, 7, 1, 16000, SF_FORMAT_WAV | SF_FORMAT_FLOAT), NULL);

    assert_int_equal(read_all(decoder, 10, NULL), 7);
    assert_true(pcm[0] == 0.0f && pcm[1] == 0.0f && pcm[2] == 0.0f);
    assert_true(pcm[3] == 1.0f && pcm[4] == -1.0f && pcm[5] == 1.0f && pcm[6] == 0.25f);
    va_audio_decoder_free(decoder);
}

static int64_t read_bytes(const uint8_t *data, size_t n, size_t *ret_before)
{
    va_audio_decoder *decoder = open_fd(file_of_bytes(data, n), NULL);
    int64_t r = read_all(decoder, 1000, ret_before);
    if (r < 0) {
        assert_int_equal(va_audio_decoder_error(decoder)->code, r);
        assert_int_equal(va_audio_decoder_read(decoder, pcm, 10), r); /* and so it stays */
    }
    va_audio_decoder_free(decoder);
    return r;
}

static void test_truncated(void **state)
{
    static const int formats[] = {WAV16, FLAC16, SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_OGG | SF_FORMAT_OPUS,
                                  SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};
    size_t n;

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        int fd = file_of_tone(160000, 1, 16000, formats[i]);
        uint8_t *data = bytes_of_file(fd, &n);
        assert_in_range(read_bytes(data, n * 3 / 4, NULL), 40000, 130000);
        free(data);
        close(fd);
    }
}

static void test_lying_headers(void **state)
{
    size_t n;
    int fd = file_of_tone(16000, 1, 16000, WAV16);
    uint8_t *data = bytes_of_file(fd, &n);

    memset(data + 40, 0xff, 4); /* data size of 4 GB: as programs write that stream */
    memset(data + 4, 0xff, 4);
    assert_int_equal(read_bytes(data, n, NULL), 16000);
    memset(data + 40, 0, 4); /* and as those leave it that were killed */
    memset(data + 4, 0, 4);
    assert_int_equal(read_bytes(data, n, NULL), 16000);
    free(data);
    close(fd);

    fd = file_of_tone(16000, 1, 16000, FLAC16);
    data = bytes_of_file(fd, &n);
    memset(data + 22, 0, 4);
    data[25] = 100; /* 100 samples, it says */
    assert_int_equal(read_bytes(data, n, NULL), 16000);
    memset(data + 22, 0xff, 4); /* three days */
    assert_int_equal(read_bytes(data, n, NULL), 16000);
    va_audio_decoder *decoder = open_fd(file_of_bytes(data, n), &(struct va_decode_options){.max_seconds = 2});
    assert_int_equal(va_audio_decoder_total(decoder), 0);
    assert_int_equal(read_all(decoder, 1000, NULL), 16000);
    va_audio_decoder_free(decoder);
    free(data);
    close(fd);
}

static void test_damage(void **state)
{
    size_t n, before;
    int fd = file_of_tone(160000, 1, 16000, FLAC16);
    uint8_t *data = bytes_of_file(fd, &n);

    memset(data + n / 2, 0, 64);
    assert_int_equal(read_bytes(data, n, &before), VA_EFORMAT);
    assert_in_range(before, 40000, 100000);
    assert_int_equal(read_bytes(data, 100, NULL), VA_EFORMAT); /* nothing of the audio is left */
    free(data);
    close(fd);
}

static void test_limits(void **state)
{
    struct va_decode_options options = {.max_seconds = 1.0};
    va_error error;
    size_t n, before;

    assert_int_equal(open_error(file_of_tone(16001, 1, 16000, WAV16), &options, &error), VA_ELIMIT);
    assert_int_equal(open_error(file_of_tone(44200, 2, 44100, FLAC16), &options, &error), VA_ELIMIT);
    va_audio_decoder *decoder = open_fd(file_of_tone(16000, 1, 16000, WAV16), &options);
    assert_int_equal(read_all(decoder, 999, NULL), 16000);
    va_audio_decoder_free(decoder);

    int fd = file_of_tone(32000, 1, 16000, FLAC16);
    uint8_t *data = bytes_of_file(fd, &n);
    memset(data + 22, 0, 4); /* length not told */
    decoder = open_fd(file_of_bytes(data, n), &options);
    assert_int_equal(va_audio_decoder_total(decoder), 0);
    assert_int_equal(read_all(decoder, 1000, &before), VA_ELIMIT);
    assert_int_equal(before, 16000);
    assert_non_null(strstr(va_audio_decoder_error(decoder)->text, "limit"));
    va_audio_decoder_free(decoder);
    free(data);
    close(fd);
}

static void test_raw(void **state)
{
    static const uint8_t words[] = {0, 0x40, 0, 0xc0, 0xff, 0x7f, 0x12};
    struct va_decode_options options = {.raw = 1};
    va_audio_decoder *decoder = open_fd(file_of_bytes(words, sizeof words), &options);

    assert_string_equal(va_audio_decoder_format(decoder), "raw");
    assert_int_equal(read_all(decoder, 10, NULL), 3);
    assert_true(pcm[0] == 0.5f && pcm[1] == -0.5f && pcm[2] == 32767.0f / 32768.0f);
    va_audio_decoder_free(decoder);
    decoder = open_fd(file_of_bytes("", 0), &options);
    assert_int_equal(read_all(decoder, 10, NULL), 0);
    va_audio_decoder_free(decoder);
}

static void test_empty_wav(void **state)
{
    va_audio_decoder *decoder = open_fd(file_of_tone(0, 1, 16000, WAV16), NULL);

    assert_int_equal(read_all(decoder, 10, NULL), 0);
    assert_int_equal(va_audio_decoder_total(decoder), 0);
    va_audio_decoder_free(decoder);
}

static void test_refused(void **state)
{
    va_error error;

    assert_int_equal(open_error(file_of_bytes("", 0), NULL, &error), VA_EFORMAT);
    assert_non_null(strstr(error.text, "empty"));
    assert_int_equal(open_error(file_of_bytes("a", 1), NULL, &error), VA_EUNSUPPORTED);
    assert_int_equal(open_error(file_of_bytes("just a text\n", 12), NULL, &error), VA_EUNSUPPORTED);
    assert_non_null(strstr(error.text, "WAV, FLAC, Ogg Vorbis, Ogg Opus, MP3"));
    assert_int_equal(open_error(file_of_bytes("RIFF\4\0\0\0AVI LIST", 16), NULL, &error), VA_EUNSUPPORTED);
    assert_int_equal(open_error(file_of_bytes("RIFF\4\0\0\0WAVE", 12), NULL, &error), VA_EFORMAT);
    assert_int_equal(open_error(file_of_bytes("fLaC", 4), NULL, &error), VA_EFORMAT);
    assert_int_equal(open_error(file_of_bytes("OggS", 4), NULL, &error), VA_EFORMAT);
    assert_int_equal(open_error(file_of_bytes("ID3\4\0\0\0\0\0\0", 10), NULL, &error), VA_EFORMAT);
    assert_int_equal(open_error(file_of_bytes("\xff\xfb\x90\0", 4), NULL, &error), VA_EFORMAT);
    assert_int_equal(open_error(file_of_bytes("\xff\xfeH\0e\0l\0l\0o\0", 12), NULL, &error), VA_EFORMAT);

    assert_int_equal(open_error(file_of_tone(100, 33, 16000, WAV16), NULL, &error), VA_EUNSUPPORTED);
    assert_int_equal(open_error(file_of_tone(100, 1, 999, WAV16), NULL, &error), VA_EUNSUPPORTED);
    assert_int_equal(open_error(file_of_tone(100, 1, 768001, WAV16), NULL, &error), VA_EUNSUPPORTED);
    assert_int_equal(open_error(file_of_tone(2000, 1, 16000, SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM), NULL, &error), VA_EUNSUPPORTED);
    assert_int_equal(open_error(file_of_tone(2000, 1, 16000, SF_FORMAT_AIFF | SF_FORMAT_PCM_16), NULL, &error), VA_EUNSUPPORTED);
    assert_int_equal(open_error(file_of_tone(2000, 1, 16000, SF_FORMAT_AU | SF_FORMAT_PCM_16), NULL, &error), VA_EUNSUPPORTED);
}

/* ID3 tags before FLAC and MP3; a large one is stepped over. */
static void test_id3(void **state)
{
    static const int formats[] = {FLAC16, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};
    enum { TAG_BYTES = 10 + 300000 };

    for (size_t i = 0; i < 2; i++) {
        size_t n;
        int fd = file_of_tone(8000, 1, 16000, formats[i]);
        uint8_t *data = bytes_of_file(fd, &n), *tagged = calloc(1, TAG_BYTES + n);
        memcpy(tagged, "ID3\4\0\0", 6);
        tagged[7] = 300000 >> 14;
        tagged[8] = 300000 >> 7 & 0x7f;
        tagged[9] = 300000 & 0x7f;
        memcpy(tagged + TAG_BYTES, data, n);
        assert_in_range(read_bytes(tagged, TAG_BYTES + n, NULL), 8000, 8001);
        check_tone(8000, 800, 0.05);
        free(tagged);
        free(data);
        close(fd);
    }
}

static void test_paths(void **state)
{
    va_audio_decoder *decoder = NULL;
    va_error error;

    assert_int_equal(va_audio_decoder_open("/nonexistent/a.wav", NULL, &decoder, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "/nonexistent/a.wav"));
    assert_int_equal(va_audio_decoder_open("/", NULL, &decoder, &error), VA_EUNSUPPORTED);
    assert_int_equal(va_audio_decoder_open("/dev/zero", NULL, &decoder, &error), VA_EUNSUPPORTED);
    assert_null(decoder);
}

/* Replaces standard input, opens "-", and puts it back. */
static int open_stdin(int from, va_audio_decoder **ret_decoder, va_error *error)
{
    int kept = dup(STDIN_FILENO);
    dup2(from, STDIN_FILENO);
    close(from);
    int r = va_audio_decoder_open("-", NULL, ret_decoder, error);
    dup2(kept, STDIN_FILENO);
    close(kept);
    return r;
}

static void test_stdin(void **state)
{
    va_audio_decoder *decoder = NULL;
    va_error error = {0};
    int ends[2];
    size_t n;
    int fd = file_of_tone(16000, 1, 16000, WAV16);
    uint8_t *data = bytes_of_file(fd, &n);

    assert_int_equal(open_stdin(fd, &decoder, &error), 0); /* a file: read in place */
    assert_int_equal(read_all(decoder, 1000, NULL), 16000);
    va_audio_decoder_free(decoder);

    assert_int_equal(pipe(ends), 0); /* 32 kB fit into a pipe */
    assert_int_equal(write(ends[1], data, n), n);
    close(ends[1]);
    assert_int_equal(open_stdin(ends[0], &decoder, &error), 0);
    assert_int_equal(read_all(decoder, 1000, NULL), 16000);
    va_audio_decoder_free(decoder);

    assert_int_equal(pipe(ends), 0);
    close(ends[1]);
    assert_int_equal(open_stdin(ends[0], &decoder, &error), VA_EFORMAT);
    setenv("TMPDIR", "/nonexistent", 1);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(open_stdin(ends[0], &decoder, &error), VA_ENOTFOUND);
    close(ends[1]);
    unsetenv("TMPDIR");
    free(data);
}

static void test_no_memory(void **state)
{
    static const int formats[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};
    va_audio_decoder *decoder = NULL;
    va_error error;

    for (size_t i = 0; i < 2; i++) {
        size_t n = 0;
        int r;
        do {
            int fd = file_of_tone(1000, 1, 8000, formats[i]);
            va_memory_fail_after(++n);
            r = va_audio_decoder_open_fd(fd, "test", NULL, &decoder, &error);
            va_memory_fail_after(0);
            assert_true(r == 0 || r == VA_ENOMEM);
        } while (r < 0);
        assert_int_equal(n, 8); /* seven allocations */
        va_audio_decoder_free(decoder);
    }
    va_audio_decoder_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wav_encodings),
        cmocka_unit_test(test_wav_rates),
        cmocka_unit_test(test_other_formats),
        cmocka_unit_test(test_chained_ogg),
        cmocka_unit_test(test_a_long_chain_ends),
        cmocka_unit_test(test_pieces_agree),
        cmocka_unit_test(test_mixing),
        cmocka_unit_test(test_wild_floats),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_lying_headers),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_empty_wav),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_id3),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_stdin),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
