/* The program's voice is played into a synthetic room: a loudspeaker that answers late, a decaying tail, a clock that runs a little faster,
 * times that shake. */
#include "dsp/echo.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

enum {
    RATE = 16000,
    BLOCK = 320,
    REPLY = 3 * RATE, /* of sound */
    PAUSE = RATE,     /* behind it */
    REPLIES = 4,
    TOTAL = RATE + REPLIES * (REPLY + PAUSE) + PAUSE,
    ROOM = 1600, /* samples of the tail */
    NOISE = 1    /* of 32768 */
};

#define START_NS 7000000000u

static float room[ROOM], voice[REPLY + 1], echo_pcm[TOTAL], heard[TOTAL], out[TOTAL];

struct scene {
    int delay_ms;
    double drift;  /* the loudspeaker's clock runs so much faster */
    int jitter_us; /* of the times */
    float gain;    /* of the loudspeaker */
    int clips;     /* the microphone, at a third */
};

static float next_random(uint32_t *seed) /* -1 .. 1 */
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / 8388608.0f - 1.0f;
}

/* Noise with the colour and the syllables of speech. */
static void make_voice(float *pcm, size_t n, uint32_t seed, float level)
{
    float low = 0.0f;

    for (size_t i = 0; i < n; i++) {
        low = 0.7f * low + next_random(&seed);
        float syllable = sinf((float)M_PI * (float)(i % 3500) / 3500.0f);
        pcm[i] = level * low * syllable * (i / 3500 % 5 == 4 ? 0.0f : 1.0f);
    }
}

static int setup(void **state)
{
    uint32_t seed = 3;

    for (int t = 0; t < ROOM; t++)
        room[t] = t == 0 ? 0.5f : 0.08f * next_random(&seed) * expf(-6.0f * (float)t / ROOM);
    make_voice(voice, REPLY, 11, 0.15f);
    return 0;
}

static size_t reply_begin(int reply)
{
    return RATE + (size_t)reply * (REPLY + PAUSE);
}

/* What the microphone hears of the replies: echo_pcm and heard. */
static void play_in_room(const struct scene *scene)
{
    static float speaker[REPLY];
    uint32_t seed = 17;

    for (int i = 0; i < REPLY; i++) {
        double at = i * (1.0 + scene->drift);
        int whole = (int)at;
        float part = (float)(at - whole);
        speaker[i] = whole < REPLY ? scene->gain * ((1.0f - part) * voice[whole] + part * voice[whole + 1]) : 0.0f;
    }
    memset(echo_pcm, 0, sizeof echo_pcm);
    for (int r = 0; r < REPLIES; r++) {
        size_t from = reply_begin(r) + (size_t)scene->delay_ms * RATE / 1000;
        for (int i = 0; i < REPLY; i++) {
            for (int t = 0; t < ROOM && speaker[i] != 0.0f; t += t == 0 ? 40 : 7)
                echo_pcm[from + (size_t)(i + t)] += room[t] * speaker[i];
        }
    }
    for (int i = 0; i < TOTAL; i++) {
        heard[i] = echo_pcm[i] + (float)NOISE / 32768.0f * next_random(&seed);
        if (scene->clips)
            heard[i] = fminf(fmaxf(heard[i], -0.03f), 0.03f);
    }
}

static va_echo *new_echo(int cancel)
{
    struct va_echo_options options = VA_ECHO_DEFAULTS;
    va_echo *echo = NULL;
    va_error error;

    options.cancel = cancel;
    assert_int_equal(va_echo_new(&options, &echo, &error), 0);
    return echo;
}

/* Tells the pieces of the replies that are due: 100 ms ahead of the microphone's position. */
static void tell(va_echo *echo, const struct scene *scene, size_t position, uint32_t *seed)
{
    int16_t pcm[BLOCK];

    for (int r = 0; r < REPLIES; r++) {
        size_t from = reply_begin(r), ahead = position + RATE / 10;
        if (ahead < from || ahead >= from + REPLY)
            continue;
        size_t at = (ahead - from) / BLOCK * BLOCK;
        for (int i = 0; i < BLOCK; i++)
            pcm[i] = (int16_t)lrintf(32768.0f * voice[at + (size_t)i]);
        double late = (double)scene->jitter_us * 1000.0 * (double)next_random(seed);
        va_echo_played(echo, pcm, BLOCK, (uint64_t)(START_NS + (double)(from + at / (1.0 + scene->drift)) * 62500.0 + late));
    }
}

static void run(va_echo *echo, const struct scene *scene)
{
    uint32_t seed = 23;

    memcpy(out, heard, sizeof out);
    for (size_t at = 0; at + BLOCK <= TOTAL; at += BLOCK) {
        tell(echo, scene, at, &seed);
        int64_t late = (int64_t)(1e6f * next_random(&seed));
        va_echo_process(echo, out + at, BLOCK, (uint64_t)((int64_t)START_NS + (int64_t)at * 62500 + late));
    }
}

static float power(const float *pcm, size_t from, size_t to)
{
    float sum = 0.0f;

    for (size_t i = from; i < to; i++)
        sum += pcm[i] * pcm[i];
    return sum;
}

/* How much softer the last two seconds of a reply became, dB. */
static float reduction(const struct scene *scene, int reply)
{
    size_t to = reply_begin(reply) + REPLY + (size_t)scene->delay_ms * 16, from = to - 2 * RATE;

    return 10.0f * log10f(power(heard, from, to) / power(out, from, to));
}

static void test_removes(void **state)
{
    static const struct scene scenes[] = {{0, 0.0, 0, 1.0f, 0},      {0, 0.0, 2000, 1.0f, 0},   {120, 0.0, 2000, 1.0f, 0},
                                          {240, 0.0, 2000, 1.0f, 0}, {60, 1e-4, 2000, 1.0f, 0}, {60, -1e-4, 500, 0.1f, 0}};
    struct va_echo_status status;

    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        va_echo *echo = new_echo(1);
        play_in_room(&scenes[i]);
        run(echo, &scenes[i]);
        va_echo_get_status(echo, &status);
        assert_true(reduction(&scenes[i], 0) > 6.0f);
        for (int r = 1; r < REPLIES; r++)
            assert_true(reduction(&scenes[i], r) > 12.0f);
        assert_true(abs(status.delay_ms - scenes[i].delay_ms) <= 4);
        assert_true(status.is_ready && status.reduction_db > 10.0f);
        assert_true(!status.is_heard && status.reduction_now_db == 0.0f);
        assert_int_equal(status.resets, 1);
        assert_int_equal(status.lost, 0);
        assert_true(status.frames > REPLIES * REPLY / VA_ECHO_FRAME_SAMPLES * 8 / 10);
        va_echo_free(echo);
    }
}

/* Without own sound near, the samples stay what they are, bit by bit. */
static void test_leaves_the_rest_alone(void **state)
{
    static const struct scene scene = {100, 0.0, 1000, 1.0f, 0};
    va_echo *echo = new_echo(1);
    size_t after = 256 * 16 + 250 * 16 + BLOCK;

    play_in_room(&scene);
    for (int i = 0; i < TOTAL; i += 1601)
        heard[i] = i % 2 == 0 ? NAN : 3.0e38f;
    run(echo, &scene);
    assert_memory_equal(out, heard, (RATE - 640) * sizeof *out);
    for (int r = 0; r < REPLIES; r++) {
        size_t from = reply_begin(r) + REPLY + after, to = r + 1 < REPLIES ? reply_begin(r + 1) - 640 : TOTAL;
        assert_memory_equal(out + from, heard + from, (to - from) * sizeof *out);
    }
    for (int i = 0; i < TOTAL; i++)
        assert_true(i % 1601 == 0 || fabsf(out[i]) <= 1.0f);
    va_echo_free(echo);
}

/* Who speaks at the same time, as loud as the reply, is still there. */
static void test_keeps_others(void **state)
{
    static const struct scene scene = {50, 0.0, 1000, 1.0f, 0};
    static float person[RATE];
    struct va_echo_status status;
    va_echo *echo = new_echo(1);
    size_t at = reply_begin(3) + RATE;
    double with = 0.0, of_person = 0.0, of_out = 0.0;

    play_in_room(&scene);
    make_voice(person, RATE, 99, 0.15f);
    float gain = sqrtf(power(heard, at, at + RATE) / power(person, 0, RATE));
    for (size_t i = 0; i < RATE; i++)
        heard[at + i] += gain * person[i];
    run(echo, &scene);
    for (size_t i = 0; i < RATE; i++) {
        double here = (double)gain * person[i], there = out[at + i + VA_ECHO_FRAME_SAMPLES];
        with += here * there;
        of_person += here * here;
        of_out += there * there;
    }
    assert_true(of_out > of_person / 4 && of_out < of_person * 1.5);
    assert_true(with / sqrt(of_person * of_out) > 0.85);
    va_echo_get_status(echo, &status);
    assert_int_equal(status.resets, 1);
    va_echo_free(echo);
}

static void test_clipping(void **state)
{
    static const struct scene scene = {80, 0.0, 1000, 1.0f, 1};
    va_echo *echo = new_echo(1);

    play_in_room(&scene);
    run(echo, &scene);
    for (int r = 0; r < REPLIES; r++)
        assert_true(reduction(&scene, r) > -1.0f);
    va_echo_free(echo);
}

static void test_status_while_heard(void **state)
{
    static const struct scene scene = {30, 0.0, 0, 1.0f, 0};
    struct va_echo_status status;
    va_echo *echo = new_echo(1);
    int16_t reference[BLOCK];
    uint32_t seed = 1;
    float soft = 0.0f;

    play_in_room(&scene);
    for (size_t at = 0; at < reply_begin(1) + 2 * RATE; at += BLOCK) {
        tell(echo, &scene, at, &seed);
        va_echo_process(echo, heard + at, BLOCK, START_NS + at * 62500);
        va_echo_reference(echo, reference, BLOCK);
        va_echo_get_status(echo, &status);
        if (at < RATE - 640 || (at > reply_begin(0) + REPLY + 9000 && at < reply_begin(1) - 640))
            assert_false(status.is_heard);
        else if (at > RATE && at < reply_begin(0) + REPLY)
            assert_true(status.is_heard);
        if (at < RATE)
            assert_int_equal(status.delay_ms, -1);
        soft = status.reduction_now_db > soft ? status.reduction_now_db : soft;
    }
    assert_true(soft > 12.0f);
    int is_silent = 1;
    for (int i = 0; i < BLOCK; i++)
        is_silent &= reference[i] == 0;
    assert_false(is_silent);
    va_echo_free(echo);
}

/* Nothing can be taken out of what came without times, in a flood, or with "cancel" off; but it is known to be heard. */
static void test_without_reference(void **state)
{
    struct va_echo_status status;
    int16_t pcm[RATE];
    float frame[VA_ECHO_FRAME_SAMPLES] = {0.25f}, before[VA_ECHO_FRAME_SAMPLES];

    memset(pcm, 1, sizeof pcm);
    memcpy(before, frame, sizeof before);
    for (int way = 0; way < 3; way++) {
        va_echo *echo = new_echo(way != 2);
        va_echo_process(echo, frame, VA_ECHO_FRAME_SAMPLES, START_NS);
        for (int i = 0; i < 6 && way == 1; i++)
            va_echo_played(echo, pcm, RATE, START_NS + 9000000000u);
        if (way == 0)
            va_echo_played(echo, pcm, RATE, 0); /* from now on, by the real clock */
        if (way == 2)
            va_echo_played(echo, pcm, RATE, START_NS + 10000000);
        va_echo_process(echo, frame, VA_ECHO_FRAME_SAMPLES, way == 0 ? 1 : START_NS + 10000000);
        va_echo_get_status(echo, &status);
        assert_true(status.is_heard);
        assert_false(status.is_ready);
        assert_int_equal(status.lost > 0, way != 2);
        assert_memory_equal(frame, before, sizeof before);
        va_echo_free(echo);
    }
}

/* A microphone that hears nothing of it, with headphones for example: after a while there is nothing to wait for. */
static void test_inaudible(void **state)
{
    static const struct scene scene = {0, 0.0, 0, 0.0f, 0};
    struct va_echo_status status;
    va_echo *echo = new_echo(1);

    play_in_room(&scene);
    run(echo, &scene);
    va_echo_get_status(echo, &status);
    assert_int_equal(status.delay_ms, -1);
    assert_true(status.is_ready);
    va_echo_free(echo);
}

/* The device's buffer is dropped: what is not heard is not subtracted. */
static void test_cut(void **state)
{
    static const struct scene scene = {20, 0.0, 0, 1.0f, 0};
    struct va_echo_status status;
    va_echo *echo = new_echo(1);
    uint32_t seed = 1;
    size_t end = RATE + RATE / 2;

    play_in_room(&scene);
    for (size_t at = 0; at < end + RATE; at += BLOCK) {
        if (at < end)
            tell(echo, &scene, at, &seed);
        else
            memset(heard + at, 0, BLOCK * sizeof *heard);
        if (at == end)
            va_echo_cut(echo, START_NS + at * 62500);
        memcpy(out, heard + at, BLOCK * sizeof *out);
        va_echo_process(echo, out, BLOCK, START_NS + at * 62500);
        va_echo_get_status(echo, &status);
        if (at >= end + 512 * 16)
            assert_false(status.is_heard);
        for (int i = 0; i < BLOCK && at >= end + 512 * 16; i++)
            assert_true(out[i] == 0.0f);
    }
    va_echo_free(echo);
}

/* The microphone loses samples, and the clock jumps back: it goes on. */
static void test_gaps(void **state)
{
    static const struct scene scene = {40, 0.0, 500, 1.0f, 0};
    struct va_echo_status status;
    va_echo *echo = new_echo(1);
    uint32_t seed = 1;

    play_in_room(&scene);
    memcpy(out, heard, sizeof out);
    for (size_t at = 0; at + BLOCK <= TOTAL; at += BLOCK) {
        tell(echo, &scene, at, &seed);
        if (at % RATE < 1600 && at < reply_begin(2)) /* a tenth of each second is lost */
            continue;
        va_echo_process(echo, out + at, BLOCK, START_NS + at * 62500);
    }
    assert_true(reduction(&scene, 3) > 8.0f);
    for (int i = 0; i < 100; i++) {
        int64_t jump = (i % 3 - 1) * (int64_t)3600000000000;
        va_echo_process(echo, out, 2 * BLOCK, (uint64_t)((int64_t)(START_NS + 4000000000000000) + jump));
    }
    va_echo_get_status(echo, &status);
    assert_false(status.is_heard);
    va_echo_free(echo);
}

static void test_errors(void **state)
{
    static const struct va_echo_options wrong[] = {{1, 49, 0}, {1, 401, 0}, {1, 200, -1}, {1, 200, 401}};
    struct va_echo_options options = VA_ECHO_DEFAULTS;
    va_echo *echo = NULL;
    va_error error;
    size_t n = 0;
    int r;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(va_echo_new(&wrong[i], &echo, &error), VA_EINVAL);
    do {
        va_memory_fail_after(++n);
        r = va_echo_new(&options, &echo, &error);
        va_memory_fail_after(0);
        assert_true(r == 0 || (r == VA_ENOMEM && echo == NULL));
    } while (r < 0);
    assert_true(n > 10);
    va_echo_free(echo);
    options.tail_ms = VA_ECHO_MOST_TAIL_MS;
    options.max_delay_ms = VA_ECHO_MOST_DELAY_MS;
    assert_int_equal(va_echo_new(&options, &echo, &error), 0);
    va_echo_free(echo);
    va_echo_free(NULL);
}

struct player {
    va_echo *echo;
    _Atomic uint64_t position; /* of the microphone */
    _Atomic int is_over;
};

static void *play(void *user)
{
    static const struct scene scene = {20, 0.0, 0, 1.0f, 0};
    struct player *player = user;
    uint64_t told = 0;
    uint32_t seed = 1;

    while (!atomic_load(&player->is_over)) {
        for (; told <= atomic_load(&player->position); told += BLOCK)
            tell(player->echo, &scene, (size_t)told, &seed);
        if (told % (40 * BLOCK) == 0)
            va_echo_cut(player->echo, START_NS + (told + RATE) * 62500);
    }
    return NULL;
}

static void test_two_threads(void **state)
{
    static const struct scene scene = {20, 0.0, 0, 1.0f, 0};
    struct player player = {.echo = new_echo(1)};
    struct va_echo_status status;
    pthread_t thread;

    play_in_room(&scene);
    memcpy(out, heard, sizeof out);
    assert_int_equal(pthread_create(&thread, NULL, play, &player), 0);
    for (size_t at = 0; at < reply_begin(1); at += BLOCK) {
        atomic_store(&player.position, at);
        va_echo_process(player.echo, out + at, BLOCK, START_NS + at * 62500);
        va_echo_get_status(player.echo, &status);
    }
    atomic_store(&player.is_over, 1);
    pthread_join(thread, NULL);
    va_echo_free(player.echo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_removes),
        cmocka_unit_test(test_leaves_the_rest_alone),
        cmocka_unit_test(test_keeps_others),
        cmocka_unit_test(test_clipping),
        cmocka_unit_test(test_status_while_heard),
        cmocka_unit_test(test_without_reference),
        cmocka_unit_test(test_inaudible),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_two_threads),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
