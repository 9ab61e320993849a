#include "audio/recorder.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "audio_files.h"
#include "base/memory.h"

#define WAV16 (SF_FORMAT_WAV | SF_FORMAT_PCM_16)

struct rig {
    va_buffer_pool *pool;
    va_recorder *recorder;
    int fd;
};

/* Records from fd with a pool of small buffers. */
static void build(struct rig *rig, const char *prefix, int fd, double max_seconds)
{
    char name[64];
    va_error error;

    snprintf(name, sizeof name, "%s/proc/self/fd/%d", prefix, fd);
    rig->fd = fd;
    assert_int_equal(va_buffer_pool_new(1000, 4, &rig->pool, &error), 0);
    assert_int_equal(va_recorder_new(name, rig->pool, max_seconds, &rig->recorder, &error), 0);
}

static void take_down(struct rig *rig)
{
    va_recorder_free(rig->recorder);
    assert_int_equal(va_buffer_pool_available(rig->pool), 4);
    va_buffer_pool_free(rig->pool);
    close(rig->fd);
}

/* Waits until n samples are there. */
static void wait_for(va_recorder *recorder, size_t n)
{
    size_t got = 0;

    while (got < n) {
        float *pcm = NULL;
        assert_int_equal(va_recorder_get_audio(recorder, &pcm, &got, NULL), 0);
        va_free(pcm);
        sched_yield();
    }
}

static void check_tone(const float *pcm, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_float_equal(pcm[i], 0.4 * sin(2.0 * M_PI * 440.0 * (double)i / 16000.0), 1e-4);
}

static void test_start_stop(void **state)
{
    struct rig rig;
    va_error error = {0};
    float *pcm = NULL;
    size_t n = 0;

    build(&rig, "file-fast:", file_of_tone(10500, 1, 16000, WAV16), 60);
    assert_int_equal(va_recorder_sample_rate(rig.recorder), 16000);
    assert_int_equal(va_recorder_is_recording(rig.recorder), 0);
    assert_int_equal(va_recorder_stop(rig.recorder, &pcm, &n, &error), VA_ESTATE);
    assert_int_equal(va_recorder_get_audio(rig.recorder, &pcm, &n, &error), VA_ESTATE);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(va_recorder_start(rig.recorder, &error), 0);
        assert_int_equal(va_recorder_is_recording(rig.recorder), 1);
        assert_int_equal(va_recorder_start(rig.recorder, &error), VA_ESTATE);
        wait_for(rig.recorder, 10500);                               /* more than the pool holds: buffers beyond it are allocated */
        assert_int_equal(va_recorder_is_recording(rig.recorder), 1); /* until it is stopped */
        assert_int_equal(va_recorder_stop(rig.recorder, &pcm, &n, &error), 0);
        assert_int_equal(va_recorder_is_recording(rig.recorder), 0);
        assert_int_equal(n, 10500);
        check_tone(pcm, n);
        va_free(pcm);
        assert_int_equal(va_buffer_pool_available(rig.pool), 4);
        assert_int_equal(va_buffer_pool_fallbacks(rig.pool), 7 * (round + 1));
    }
    take_down(&rig);
}

/* In real time, so that stop comes while the thread reads. */
static void test_stop_midway(void **state)
{
    struct rig rig;
    va_error error = {0};
    float *pcm = NULL;
    size_t n = 0;

    build(&rig, "file:", file_of_tone(160000, 1, 16000, WAV16), 60);
    assert_int_equal(va_recorder_start(rig.recorder, &error), 0);
    wait_for(rig.recorder, 1600);
    assert_int_equal(va_recorder_stop(rig.recorder, &pcm, &n, &error), 0);
    assert_in_range(n, 1600, 159999);
    check_tone(pcm, n);
    va_free(pcm);
    assert_int_equal(va_recorder_start(rig.recorder, &error), 0); /* freeing stops */
    take_down(&rig);
}

static void test_longest(void **state)
{
    static const size_t lengths[] = {1, 999, 1000, 1001, 4000, 8123};
    va_error error = {0};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct rig rig;
        float *pcm = NULL;
        size_t n = 0;
        build(&rig, "file-fast:", file_of_tone(16000, 1, 16000, WAV16), (double)lengths[i] / 16000.0);
        assert_int_equal(va_recorder_start(rig.recorder, &error), 0);
        wait_for(rig.recorder, lengths[i]);
        assert_int_equal(va_recorder_stop(rig.recorder, &pcm, &n, &error), 0);
        assert_int_equal(n, lengths[i]);
        check_tone(pcm, n);
        va_free(pcm);
        take_down(&rig);
    }
}

/* A source that fails: what came before stays; when nothing did, the error is told. */
static void test_lost_source(void **state)
{
    struct rig rig;
    va_error error = {0};
    float *pcm = NULL;
    size_t n = 0, size;
    int fd = file_of_tone(160000, 1, 16000, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
    uint8_t *data = bytes_of_file(fd, &size);

    close(fd);
    memset(data + size / 2, 0, 64);
    build(&rig, "file-fast:", file_of_bytes(data, size), 60);
    assert_int_equal(va_recorder_start(rig.recorder, &error), 0);
    wait_for(rig.recorder, 40000);
    assert_int_equal(va_recorder_stop(rig.recorder, &pcm, &n, &error), 0);
    assert_in_range(n, 40000, 100000);
    va_free(pcm);
    take_down(&rig);

    build(&rig, "file-fast:", file_of_bytes(data, 200), 60);
    assert_int_equal(va_recorder_start(rig.recorder, &error), 0);
    assert_int_equal(va_recorder_stop(rig.recorder, &pcm, &n, &error), VA_EFORMAT);
    assert_int_equal(va_recorder_is_recording(rig.recorder), 0);
    take_down(&rig);
    free(data);
}

static void test_no_source(void **state)
{
    va_buffer_pool *pool = NULL;
    va_recorder *recorder = NULL;
    va_error error;

    assert_int_equal(va_buffer_pool_new(1000, 1, &pool, &error), 0);
    assert_int_equal(va_recorder_new("none", pool, 10, &recorder, &error), 0);
    assert_int_equal(va_recorder_start(recorder, &error), VA_ENOTFOUND);
    assert_int_equal(va_recorder_is_recording(recorder), 0);
    va_recorder_free(recorder);
    recorder = NULL;
    assert_int_equal(va_recorder_new("none", pool, 0, &recorder, &error), VA_EINVAL);
    assert_int_equal(va_recorder_new("none", pool, NAN, &recorder, &error), VA_EINVAL);
    assert_int_equal(va_recorder_new("none", pool, 1e9, &recorder, &error), VA_EINVAL);
    for (size_t i = 1; i <= 3; i++) {
        va_memory_fail_after(i);
        assert_int_equal(va_recorder_new("none", pool, 10, &recorder, &error), VA_ENOMEM);
    }
    va_memory_fail_after(0);
    assert_null(recorder);
    va_recorder_free(NULL);
    va_buffer_pool_free(pool);
}

static void test_no_memory_at_stop(void **state)
{
    struct rig rig;
    va_error error = {0};
    float *pcm = NULL;
    size_t n = 0;

    build(&rig, "file-fast:", file_of_tone(3000, 1, 16000, WAV16), 60);
    assert_int_equal(va_recorder_start(rig.recorder, &error), 0);
    wait_for(rig.recorder, 3000);
    va_memory_fail_after(1);
    assert_int_equal(va_recorder_get_audio(rig.recorder, &pcm, &n, &error), VA_ENOMEM);
    assert_int_equal(va_recorder_stop(rig.recorder, &pcm, &n, &error), VA_ENOMEM);
    va_memory_fail_after(0);
    assert_null(pcm);
    assert_int_equal(va_recorder_stop(rig.recorder, &pcm, &n, &error), 0);
    assert_int_equal(n, 3000);
    va_free(pcm);
    take_down(&rig);
}

static void test_no_memory_at_start(void **state)
{
    struct rig rig;
    va_error error = {0};
    float *pcm = NULL;
    size_t n = 0;
    int r = VA_ENOMEM;

    build(&rig, "file-fast:", file_of_tone(3000, 1, 16000, WAV16), 60);
    for (size_t i = 1; i < 5; i++) {
        va_memory_fail_after(i);
        r = va_recorder_start(rig.recorder, &error);
        va_memory_fail_after(0);
        assert_int_equal(r, VA_ENOMEM);
        assert_int_equal(va_recorder_is_recording(rig.recorder), 0);
    }
    assert_int_equal(va_recorder_start(rig.recorder, &error), 0);
    wait_for(rig.recorder, 3000);
    assert_int_equal(va_recorder_stop(rig.recorder, &pcm, &n, &error), 0);
    va_free(pcm);
    take_down(&rig);
}

/* A recording and another reader have one open source. */
static void test_sharing(void **state)
{
    struct rig rig;
    char name[64];
    va_error error = {0};
    va_capture *capture = NULL, *lost = NULL;
    va_capture_reader *reader = NULL;
    struct va_capture_options options = {.source = name};
    struct va_capture_status status;
    float *pcm = NULL, block[1000];
    size_t n = 0;
    int64_t got = 0;

    build(&rig, "file-fast:", file_of_tone(20000, 1, 16000, WAV16), 60);
    snprintf(name, sizeof name, "file-fast:/proc/self/fd/%d", rig.fd);
    assert_int_equal(va_capture_start(&options, &capture, &error), 0);
    va_recorder_free(rig.recorder);
    assert_int_equal(va_recorder_new("none", rig.pool, 60, &rig.recorder, &error), 0);
    va_recorder_share(rig.recorder, capture);
    assert_int_equal(va_recorder_start(rig.recorder, &error), 0);
    assert_int_equal(va_capture_reader_new(capture, &reader, &error), 0);
    while ((got = va_capture_read(reader, block, 1000, 10000, NULL)) > 0)
        ;
    assert_int_equal(got, 0);
    wait_for(rig.recorder, 20000);
    assert_int_equal(va_recorder_stop(rig.recorder, &pcm, &n, &error), 0);
    assert_int_equal(n, 20000);
    check_tone(pcm, n);
    va_free(pcm);
    va_capture_reader_free(reader);
    do {
        sched_yield();
        va_capture_get_status(capture, &status);
    } while (status.state != VA_CAPTURE_ENDED);
    assert_int_equal(va_recorder_start(rig.recorder, &error), VA_ENOTFOUND); /* that has ended: "none" is opened */

    snprintf(name, sizeof name, "file-fast:/nonexistent");
    assert_int_equal(va_capture_start(&options, &lost, &error), 0);
    do {
        sched_yield();
        va_capture_get_status(lost, &status);
    } while (status.state != VA_CAPTURE_LOST);
    va_recorder_share(rig.recorder, lost);
    assert_int_equal(va_recorder_start(rig.recorder, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "/nonexistent"));
    va_recorder_share(rig.recorder, NULL);
    assert_int_equal(va_recorder_start(rig.recorder, &error), VA_ENOTFOUND);
    va_capture_free(lost);
    va_capture_free(capture);
    take_down(&rig);
}

/* A recording that has reached its longest, and is not stopped, holds up no other reader of a source that waits for all of them. */
static void test_sharing_beyond_the_longest(void **state)
{
    struct rig rig;
    char name[64];
    va_error error = {0};
    va_capture *capture = NULL;
    va_capture_reader *reader = NULL;
    const struct va_capture_options options = {.source = name, .ring_samples = 1600};
    float *pcm = NULL, block[1000];
    size_t n = 0;
    int64_t got;

    build(&rig, "file-fast:", file_of_tone(20000, 1, 16000, WAV16), 0.0625);
    snprintf(name, sizeof name, "file-fast:/proc/self/fd/%d", rig.fd);
    assert_int_equal(va_capture_start(&options, &capture, &error), 0);
    va_recorder_share(rig.recorder, capture);
    assert_int_equal(va_recorder_start(rig.recorder, &error), 0);
    wait_for(rig.recorder, 1000);
    assert_int_equal(va_capture_reader_new(capture, &reader, &error), 0);
    while ((got = va_capture_read(reader, block, 1000, 2000, NULL)) > 0)
        ;
    assert_int_equal(got, 0); /* the end of the file */
    va_capture_reader_free(reader);
    assert_int_equal(va_recorder_stop(rig.recorder, &pcm, &n, &error), 0);
    assert_int_equal(n, 1000);
    check_tone(pcm, n);
    va_free(pcm);
    va_capture_free(capture);
    take_down(&rig);
}

static void *start_and_stop(void *arg)
{
    va_recorder *recorder = arg;

    for (int i = 0; i < 30; i++) {
        float *pcm = NULL;
        size_t n;
        int r = i % 3 == 0   ? va_recorder_start(recorder, NULL)
                : i % 3 == 1 ? va_recorder_get_audio(recorder, &pcm, &n, NULL)
                             : va_recorder_stop(recorder, &pcm, &n, NULL);
        if (r != VA_OK && r != VA_ESTATE)
            return arg; /* the sign of failure */
        va_recorder_is_recording(recorder);
        va_free(pcm);
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct rig rig;
    pthread_t threads[4];
    void *complaint;

    build(&rig, "file-fast:", file_of_tone(20000, 1, 16000, WAV16), 60);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, start_and_stop, rig.recorder), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &complaint), 0);
        assert_null(complaint);
    }
    take_down(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_stop),
        cmocka_unit_test(test_stop_midway),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_lost_source),
        cmocka_unit_test(test_no_source),
        cmocka_unit_test(test_no_memory_at_stop),
        cmocka_unit_test(test_no_memory_at_start),
        cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_sharing_beyond_the_longest),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
