#include "audio/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "audio_files.h"
#include "base/clock.h"
#include "base/memory.h"

#define WAV16 (SF_FORMAT_WAV | SF_FORMAT_PCM_16)

static va_audio_source *open_source(const char *name)
{
    va_audio_source *source = NULL;
    va_error error = {0};
    int r = va_audio_source_open(name, &source, &error);
    if (r != 0)
        fail_msg("%s: %s", name, error.text);
    return source;
}

static va_audio_source *open_file(int fd, const char *prefix)
{
    char name[64];
    snprintf(name, sizeof name, "%s/proc/self/fd/%d", prefix, fd);
    va_audio_source *source = open_source(name);
    close(fd);
    return source;
}

static void test_file(void **state)
{
    va_audio_source *source = open_file(file_of_tone(44100, 2, 44100, WAV16), "file-fast:");
    static float pcm[20000];
    size_t total = 0;
    int64_t n;

    while ((n = va_audio_source_read(source, pcm + total, 3000)) > 0) {
        assert_in_range(n, 1, 1600); /* no more than a tenth of a second at once */
        total += (size_t)n;
    }
    assert_int_equal(n, 0);
    assert_int_equal(total, 16000);
    for (size_t i = 500; i < 15500; i++)
        assert_float_equal(pcm[i], 0.4 * sin(2.0 * M_PI * 440.0 * (double)i / 16000.0), 3e-3);
    assert_int_equal(va_audio_source_read(source, pcm, 100), 0);
    assert_int_equal(va_audio_source_info(source)->overruns, 0);
    va_audio_source_free(source);
}

/* In pieces as a device gives them. The clock is looked at from one side only: a slow machine cannot fail this. */
static void test_real_time(void **state)
{
    va_audio_source *source = open_file(file_of_tone(4000, 1, 16000, WAV16), "file:");
    float pcm[1600];
    double start_ms = va_clock_ms();
    int64_t n, total = 0;

    while ((n = va_audio_source_read(source, pcm, 1600)) > 0) {
        assert_true(n <= 320);
        total += n;
    }
    assert_int_equal(total, 4000);
    assert_true(va_clock_ms() - start_ms >= 249.0);
    va_audio_source_free(source);
}

/* Bytes that come in odd pieces, and a writer that pauses. */
static void test_named_pipe(void **state)
{
    static const uint8_t words[] = {0, 0x40, 0, 0xc0, 0xff, 0x7f};
    char folder[] = "/tmp/va-test-XXXXXX", path[64], name[80];
    float pcm[10];

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pipe", folder);
    snprintf(name, sizeof name, "file:%s", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    va_audio_source *source = open_source(name);
    assert_int_equal(va_audio_source_read(source, pcm, 10), VA_ETIMEOUT); /* no writer yet */
    int fd = open(path, O_WRONLY);
    assert_int_equal(write(fd, words, 1), 1);
    assert_int_equal(va_audio_source_read(source, pcm, 10), VA_ETIMEOUT);
    assert_int_equal(write(fd, words + 1, 4), 4);
    assert_int_equal(va_audio_source_read(source, pcm, 10), 2);
    assert_true(pcm[0] == 0.5f && pcm[1] == -0.5f);
    assert_int_equal(write(fd, words + 5, 1), 1);
    assert_int_equal(va_audio_source_read(source, pcm, 10), 1);
    assert_true(pcm[0] == 32767.0f / 32768.0f);
    assert_int_equal(write(fd, words, 6), 6);
    assert_int_equal(va_audio_source_read(source, pcm, 1), 1);
    assert_int_equal(va_audio_source_read(source, pcm, 1), 1);
    assert_int_equal(va_audio_source_read(source, pcm, 1), 1);
    assert_int_equal(write(fd, words, 1), 1); /* half a sample */
    close(fd);
    while (va_audio_source_read(source, pcm, 10) != VA_ETIMEOUT)
        ;
    assert_int_equal(va_audio_source_read(source, pcm, 10), VA_ETIMEOUT);
    fd = open(path, O_WRONLY); /* another writer */
    assert_int_equal(write(fd, words, 4), 4);
    assert_int_equal(va_audio_source_read(source, pcm, 10), 2);
    assert_true(pcm[0] == 0.5f && pcm[1] == -0.5f);
    close(fd);
    va_audio_source_free(source);
    unlink(path);
    rmdir(folder);
}

static void test_stdin(void **state)
{
    static const uint8_t words[] = {0, 0x40, 0, 0xc0};
    int kept = dup(STDIN_FILENO), fd = file_of_bytes(words, sizeof words);
    float pcm[10];

    dup2(fd, STDIN_FILENO);
    close(fd);
    va_audio_source *source = open_source("-");
    dup2(kept, STDIN_FILENO);
    close(kept);
    assert_int_equal(va_audio_source_read(source, pcm, 10), 2);
    assert_int_equal(va_audio_source_read(source, pcm, 10), 0);
    va_audio_source_free(source);
}

static void test_errors(void **state)
{
    va_audio_source *source = NULL;
    va_error error;

    assert_int_equal(va_audio_source_open("none", &source, &error), VA_ENOTFOUND);
    assert_int_equal(va_audio_source_open("file:/nonexistent", &source, &error), VA_ENOTFOUND);
    assert_int_equal(va_audio_source_open("file-fast:/", &source, &error), VA_EUNSUPPORTED);
    assert_int_equal(va_audio_source_open("file:", &source, &error), VA_ENOTFOUND);
    for (size_t n = 1; n <= 2; n++) {
        char name[64];
        int fd = file_of_tone(100, 1, 16000, WAV16);
        snprintf(name, sizeof name, "file:/proc/self/fd/%d", fd);
        va_memory_fail_after(n);
        assert_int_equal(va_audio_source_open(name, &source, &error), VA_ENOMEM);
        va_memory_fail_after(0);
        close(fd);
    }
    va_memory_fail_after(1);
    assert_int_equal(va_audio_source_open("-", &source, &error), VA_ENOMEM);
    va_memory_fail_after(0);
    assert_null(source);
    va_audio_source_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_file), cmocka_unit_test(test_real_time), cmocka_unit_test(test_named_pipe),
                                       cmocka_unit_test(test_stdin), cmocka_unit_test(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
