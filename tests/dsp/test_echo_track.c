#include "dsp/echo_track.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/memory.h"

enum { PIECE = 160 };

#define NOW_NS 5000000000u /* when position 1000 was captured */
#define AT(samples) (NOW_NS + (uint64_t)(samples)*VA_ECHO_NS_PER_SAMPLE)

static va_echo_track *new_track(void)
{
    va_echo_track *track = NULL;
    va_error error;
    assert_int_equal(va_echo_track_new(&track, &error), 0);
    return track;
}

/* A piece of samples first, first + 1, ... heard so many samples after now. */
static void play(va_echo_track *track, int16_t first, int64_t after, int64_t late_ns)
{
    int16_t pcm[PIECE];

    for (int i = 0; i < PIECE; i++)
        pcm[i] = (int16_t)(first + i);
    va_echo_track_played(track, pcm, PIECE, (uint64_t)((int64_t)NOW_NS + after * VA_ECHO_NS_PER_SAMPLE + late_ns));
}

static int16_t sample_at(const va_echo_track *track, int64_t position)
{
    int16_t sample;

    va_echo_track_read(track, position, &sample, 1);
    return sample;
}

/* Pieces whose times shake follow each other without holes or overlaps. */
static void test_follows(void **state)
{
    static const int64_t late_ns[] = {0, 2900000, -3000000, 1000000, -100000, 29000000};
    va_echo_track *track = new_track();
    int16_t pcm[6 * PIECE + 2];

    for (int i = 0; i < 6; i++)
        play(track, (int16_t)(1 + i * PIECE), 500 + i * PIECE, late_ns[i]);
    assert_int_equal(va_echo_track_take(track, 1000, NOW_NS), 1);
    assert_int_equal(va_echo_track_begin(track), 1500);
    assert_int_equal(va_echo_track_end(track), 1500 + 6 * PIECE);
    va_echo_track_read(track, 1499, pcm, 6 * PIECE + 2);
    assert_int_equal(pcm[0], 0);
    for (int i = 0; i < 6 * PIECE; i++)
        assert_int_equal(pcm[1 + i], 1 + i);
    assert_int_equal(pcm[6 * PIECE + 1], 0);
    assert_int_equal(va_echo_track_take(track, 1000, NOW_NS), 0);
    assert_int_equal(sample_at(track, -1000000), 0);
    assert_int_equal(sample_at(track, 1000000), 0);
    va_echo_track_free(track);
}

/* A player that was late once and stays so: what comes next is laid where it is heard. */
static void test_stays_late(void **state)
{
    va_echo_track *track = new_track();

    for (int i = 0; i < 60; i++) {
        play(track, 1, i * PIECE, i < 10 ? 0 : 20000000);
        va_echo_track_take(track, 1000, NOW_NS);
    }
    int64_t late = va_echo_track_end(track) - (1000 + 60 * PIECE);
    assert_true(late > 200 && late <= 330);
    va_echo_track_free(track);
}

static void test_another_sound(void **state)
{
    va_echo_track *track = new_track();

    play(track, 100, 0, 0);
    play(track, 500, 2000, 0);
    assert_int_equal(va_echo_track_take(track, 1000, NOW_NS), 1);
    assert_int_equal(va_echo_track_begin(track), 3000);
    assert_int_equal(sample_at(track, 1000), 100);
    assert_int_equal(sample_at(track, 1000 + PIECE), 0);
    assert_int_equal(sample_at(track, 2999), 0);
    assert_int_equal(sample_at(track, 3000), 500);
    /* Long after, the old samples are gone: the track is a ring. */
    for (int i = 1; i <= 20; i++) {
        va_echo_track_take(track, 1000 + i * 16000, AT(i * 16000));
        play(track, 900, i * 16000, 0);
        va_echo_track_take(track, 1000 + i * 16000, AT(i * 16000));
        assert_int_equal(sample_at(track, 1000 + i * 16000), 900);
        assert_int_equal(sample_at(track, 1000 + i * 16000 - 8000), 0);
    }
    assert_int_equal(sample_at(track, 1000), 0);
    va_echo_track_free(track);
}

static void test_cut(void **state)
{
    va_echo_track *track = new_track();

    play(track, 100, 0, 0);
    play(track, 300, PIECE, 0);
    va_echo_track_cut(track, AT(200));
    assert_int_equal(va_echo_track_heard_until_ns(track), AT(200));
    va_echo_track_take(track, 1000, NOW_NS);
    assert_int_equal(va_echo_track_end(track), 1200);
    assert_int_equal(sample_at(track, 1199), 300 + 39);
    assert_int_equal(sample_at(track, 1200), 0);
    va_echo_track_cut(track, AT(5000)); /* behind the end: nothing */
    va_echo_track_take(track, 1000, NOW_NS);
    assert_int_equal(va_echo_track_end(track), 1200);
    va_echo_track_cut(track, AT(-900)); /* before the begin: all of it */
    va_echo_track_take(track, 1000, NOW_NS);
    assert_int_equal(va_echo_track_end(track), va_echo_track_begin(track));
    assert_int_equal(sample_at(track, 1000), 0);
    va_echo_track_free(track);
}

static void test_lost(void **state)
{
    va_echo_track *track = new_track();
    int16_t pcm[PIECE] = {0};

    va_echo_track_played(track, pcm, PIECE, 0);
    assert_int_equal(va_echo_track_lost(track), PIECE);
    assert_true(va_echo_track_heard_until_ns(track) > 0);
    va_echo_track_played(track, pcm, 0, AT(0));
    assert_int_equal(va_echo_track_take(track, 1000, NOW_NS), 0);

    play(track, 1, 5 * VA_ECHO_RATE_HZ, 0);  /* too early */
    play(track, 1, -5 * VA_ECHO_RATE_HZ, 0); /* too late */
    assert_int_equal(va_echo_track_take(track, 100000, NOW_NS), 0);
    assert_int_equal(va_echo_track_lost(track), 3 * PIECE);

    for (int i = 0; i < 500; i++) /* nobody takes them: the ring of samples is full */
        play(track, 1, i, 0);
    uint64_t lost = va_echo_track_lost(track);
    assert_true(lost > 3 * PIECE && lost < 500 * PIECE);
    va_echo_track_take(track, 1000, NOW_NS);
    for (int i = 0; i < 2000; i++) /* and the ring of pieces */
        va_echo_track_played(track, pcm, 1, AT(i));
    assert_true(va_echo_track_lost(track) > lost);
    va_echo_track_cut(track, AT(0));
    va_echo_track_take(track, 1000, NOW_NS);
    assert_int_equal(va_echo_track_take(track, 1000, NOW_NS), 0);
    va_echo_track_free(track);
}

static void test_no_memory(void **state)
{
    va_echo_track *track = NULL;
    va_error error;

    for (size_t n = 1; n <= 4; n++) {
        va_memory_fail_after(n);
        assert_int_equal(va_echo_track_new(&track, &error), VA_ENOMEM);
    }
    va_memory_fail_after(0);
    assert_null(track);
    va_echo_track_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_follows),       cmocka_unit_test(test_stays_late),
                                       cmocka_unit_test(test_another_sound), cmocka_unit_test(test_cut),
                                       cmocka_unit_test(test_lost),          cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
