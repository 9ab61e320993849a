/* A loudspeaker that fails below the ALSA API. What it has played is in a file. */
#include "audio/playback.h"

#include <math.h>
#include <pthread.h>

#include "audio/capture.h"
#include "base/clock.h"
#include "base/memory.h"
#include "fault_device.h"

#define N 16000

static struct fault_device device;
static int16_t pcm[N];
static _Atomic int stop;

static int set_up(void **state)
{
    fault_set_up(&device);
    for (int i = 0; i < N; i++)
        pcm[i] = (int16_t)(i + 1);
    atomic_store(&stop, 0);
    return 0;
}

static int tear_down(void **state)
{
    fault_tear_down(&device);
    return 0;
}

static va_playback *open_playback(void)
{
    va_playback *playback = NULL;
    va_error error = {0};

    if (va_playback_open("va_out", &playback, &error) != 0)
        fail_msg("%s", error.text);
    return playback;
}

/* ---- what the echo canceller is told ---- */

struct listener {
    size_t at;         /* samples told so far */
    uint64_t last_ns;  /* when the last block will have been heard */
    uint64_t least_ns; /* how long before it is heard a block was told, at least */
};

static void on_sound(void *user, const int16_t *sound, size_t n, uint64_t heard_ns)
{
    struct listener *listener = user;
    uint64_t ahead_ns = heard_ns - va_clock_ns();

    assert_int_equal(sound[0], pcm[listener->at]);
    listener->least_ns = listener->at == 0 || ahead_ns < listener->least_ns ? ahead_ns : listener->least_ns;
    listener->last_ns = heard_ns + n * 62500u;
    listener->at += n;
}

static void test_all_is_played_and_told(void **state)
{
    va_playback *playback = open_playback();
    struct listener listener = {0};
    size_t n;

    va_playback_on_sound(playback, on_sound, &listener);
    assert_int_equal(va_playback_run(playback, pcm, N, &stop, NULL), 0);
    int16_t *played = fault_played(&device, &n);
    assert_int_equal(n, N);
    assert_memory_equal(played, pcm, sizeof pcm);
    free(played);
    assert_int_equal(listener.at, N);
    assert_in_range(listener.least_ns, 90000000, 1000000000); /* the device is 100 ms away */
    assert_true(listener.last_ns <= va_clock_ns() + 120000000);
    va_playback_on_sound(playback, NULL, NULL);
    assert_int_equal(va_playback_run(playback, pcm, 777, &stop, NULL), 0); /* and again */
    assert_int_equal(va_playback_run(playback, pcm, 0, &stop, NULL), 0);
    played = fault_played(&device, &n);
    assert_int_equal(n, N + 777);
    assert_memory_equal(played + N, pcm, 777 * sizeof *pcm);
    free(played);
    va_playback_free(playback);
}

/* ---- the way through the room ---- */

#define ROOM_SAMPLES (2 * N)

struct room {
    va_capture_reader *reader;
    float heard[ROOM_SAMPLES];       /* [n] */
    uint64_t heard_ns[ROOM_SAMPLES]; /* when each was captured */
    size_t n;
    _Atomic int is_running;
};

static void *hear(void *arg)
{
    struct room *room = arg;
    struct va_capture_stamp stamp;

    while (room->n < ROOM_SAMPLES) {
        int64_t n = va_capture_read(room->reader, room->heard + room->n, ROOM_SAMPLES - room->n, 1000, &stamp);
        for (int64_t i = 0; i < n; i++)
            room->heard_ns[room->n++] = stamp.ns + (uint64_t)i * 62500u;
        atomic_store(&room->is_running, 1);
    }
    return NULL;
}

/* The last block: an underrun on the way does not matter. */
static void remember_last(void *user, const int16_t *sound, size_t n, uint64_t heard_ns)
{
    *(uint64_t *)user = heard_ns;
}

/* What the loudspeaker's side says about when a sound is heard is what the microphone's side says. */
static void test_both_sides_agree_on_the_time(void **state)
{
    static struct room room;
    const struct va_capture_options options = {.source = "va_test", .fail_at_once = 1};
    const size_t last = N / 320 * 320 - 320;
    va_capture *capture = NULL;
    uint64_t predicted_ns = 0;
    pthread_t thread;

    for (int mode = 0; mode < 2; mode++) {
        memset(&room, 0, sizeof room);
        fault_script(&device, mode == 0 ? "silence\necho 1\n" : "silence\necho 1\nrate 48000\nchannels 3\nformat S32_LE\n");
        for (int i = 0; i < N; i++)
            pcm[i] = (int16_t)(i >= (int)last ? lrint(12000.0 * sin(0.1 * (i - (int)last))) : 0);
        va_playback *playback = open_playback();
        va_playback_on_sound(playback, remember_last, &predicted_ns);
        assert_int_equal(va_capture_start(&options, &capture, NULL), 0);
        assert_int_equal(va_capture_reader_new(capture, &room.reader, NULL), 0);
        assert_int_equal(pthread_create(&thread, NULL, hear, &room), 0);
        while (!atomic_load(&room.is_running))
            usleep(1000);
        assert_int_equal(va_playback_run(playback, pcm, N, &stop, NULL), 0);
        pthread_join(thread, NULL);
        size_t first = 0;
        while (first < room.n && fabsf(room.heard[first]) < 0.03f) /* the second sample of the sine */
            first++;
        assert_true(first < room.n);
        double off_ms = ((double)room.heard_ns[first] - (double)predicted_ns) / 1e6;
        if (fabs(off_ms) > 8.0)
            fail_msg("heard %.1f ms later than it was told", off_ms);
        va_playback_free(playback);
        va_capture_reader_free(room.reader);
        va_capture_free(capture);
    }
}

/* Devices that have no 16 kHz mono. */
static void test_other_modes(void **state)
{
    static const struct {
        const char *script;
        unsigned rate_hz;
    } modes[] = {
        {"rate 48000\nchannels 2\nformat S32_LE\n", 48000}, {"rate 44100\nchannels 6\nformat S24_3LE\n", 44100},
        {"rate 8000\nchannels 1\nformat FLOAT_LE\n", 8000}, {"rate 96000\nchannels 2\nformat S24_LE\n", 96000},
        {"rate 22050\nchannels 1\nformat S16_LE\n", 22050},
    };
    size_t n;

    for (int i = 0; i < N; i++)
        pcm[i] = (int16_t)lrint(10000.0 * sin(2.0 * M_PI * 440.0 * i / 16000.0));
    for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++) {
        fault_script(&device, modes[m].script);
        va_playback *playback = open_playback();
        assert_int_equal(va_playback_run(playback, pcm, N, &stop, NULL), 0);
        va_playback_free(playback);
        int16_t *played = fault_played(&device, &n);
        unlink(device.played);
        assert_in_range(n, modes[m].rate_hz - 1, modes[m].rate_hz + 1);
        for (size_t i = 500; i + 500 < n; i++)
            assert_true(fabs(played[i] - 10000.0 * sin(2.0 * M_PI * 440.0 * (double)i / modes[m].rate_hz)) < 100.0);
        free(played);
    }
}

static void test_underruns(void **state)
{
    fault_script(&device, "xrun 4000\n");
    va_playback *playback = open_playback();
    size_t n;

    assert_int_equal(va_playback_run(playback, pcm, N, &stop, NULL), 0);
    int16_t *played = fault_played(&device, &n);
    assert_int_equal(n, N);
    assert_memory_equal(played, pcm, sizeof pcm);
    free(played);
    va_playback_free(playback);
}

static void test_suspend(void **state)
{
    fault_script(&device, "suspend 4000\n");
    va_playback *playback = open_playback();
    size_t n;

    assert_int_equal(va_playback_run(playback, pcm, N, &stop, NULL), 0);
    free(fault_played(&device, &n));
    assert_int_equal(n, N);
    va_playback_free(playback);
}

/* It goes on where it broke off: nothing is left out, and what was in the buffer comes again. */
static void test_vanishing(void **state)
{
    fault_script(&device, "vanish 6000\n");
    va_playback *playback = open_playback();
    size_t n, breaks = 0;

    assert_int_equal(va_playback_run(playback, pcm, N, &stop, NULL), 0);
    int16_t *played = fault_played(&device, &n);
    assert_true(n > N);
    assert_int_equal(played[0], pcm[0]);
    for (size_t i = 1; i < n; i++) {
        assert_true(played[i] <= played[i - 1] + 1);
        breaks += played[i] != played[i - 1] + 1;
    }
    assert_true(breaks >= 1);
    assert_int_equal(played[n - 1], pcm[N - 1]);
    free(played);
    va_playback_free(playback);
}

/* When a quarter of it has been handed over. */
static void *vanish_later(void *arg)
{
    size_t n = 0;

    while (n < 4000) {
        free(fault_played(&device, &n));
        usleep(1000);
    }
    fault_script(&device, "missing\n");
    return NULL;
}

static void test_not_coming_back(void **state)
{
    va_playback *playback = open_playback();
    va_error error;
    pthread_t thread;
    size_t n;

    assert_int_equal(pthread_create(&thread, NULL, vanish_later, NULL), 0);
    assert_int_equal(va_playback_run(playback, pcm, N, &stop, &error), VA_ENOTFOUND);
    pthread_join(thread, NULL);
    assert_int_equal(va_playback_run(playback, pcm, N, &stop, &error), VA_ENOTFOUND);
    fault_script(&device, "");
    unlink(device.played);
    assert_int_equal(va_playback_run(playback, pcm, N, &stop, &error), 0); /* the next one works */
    free(fault_played(&device, &n));
    assert_int_equal(n, N);
    va_playback_free(playback);
}

static void *stop_soon(void *arg)
{
    vanish_later(arg);
    usleep(100000);
    atomic_store(&stop, 1);
    return NULL;
}

static void test_stopping_a_lost_device(void **state)
{
    va_playback *playback = open_playback();
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, stop_soon, NULL), 0);
    assert_int_equal(va_playback_run(playback, pcm, N, &stop, NULL), VA_ECANCELLED);
    pthread_join(thread, NULL);
    va_playback_free(playback);
}

static void test_no_memory(void **state)
{
    va_playback *playback = NULL;
    va_error error;

    for (size_t i = 1; i <= 3; i++) {
        va_memory_fail_after(i);
        assert_int_equal(va_playback_open("va_out", &playback, &error), VA_ENOMEM);
    }
    va_memory_fail_after(0);
    assert_null(playback);
    playback = open_playback();
    va_memory_fail_after(1);
    assert_int_equal(va_playback_run(playback, pcm, N, &stop, &error), VA_ENOMEM);
    va_memory_fail_after(0);
    assert_int_equal(va_playback_run(playback, pcm, 100, &stop, &error), 0);
    va_playback_free(playback);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_all_is_played_and_told),
        TEST(test_both_sides_agree_on_the_time),
        TEST(test_other_modes),
        TEST(test_underruns),
        TEST(test_suspend),
        TEST(test_vanishing),
        TEST(test_not_coming_back),
        TEST(test_stopping_a_lost_device),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
