#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "vad/endpointer.h"
#include "vad/silero.h"

enum { CHUNK = VA_VAD_CHUNK_SAMPLES, MS = VA_VAD_RATE_HZ / 1000 };

static const char letters[] = {
    [VA_SPEECH_START] = 'S', [VA_SPEECH_POSSIBLE_END] = 'P', [VA_SPEECH_RESUMED] = 'R', [VA_SPEECH_END] = 'E', [VA_SPEECH_TOO_LONG] = 'L'};

struct told {
    char kinds[64];
    struct va_speech_event event[64];
    int chunk[64]; /* after how many chunks */
    int n;
};

/* Most scripts are written for these. */
static const struct va_endpointer_options usual = {0.5f, 0.35f, 250, 200, 600, 200, 300, 12000, 0.0f};

static struct va_endpointer new_endpointer(const struct va_endpointer_options *options)
{
    struct va_endpointer e;
    va_error error;
    assert_int_equal(va_endpointer_init(&e, options != NULL ? options : &usual, &error), 0);
    return e;
}

static void note(struct told *told, struct va_speech_event event, int chunk)
{
    if (event.kind == VA_SPEECH_NONE)
        return;
    assert_true(told->n < 63);
    assert_true(event.start < event.end);
    told->kinds[told->n] = letters[event.kind];
    told->event[told->n] = event;
    told->chunk[told->n++] = chunk;
}

/* A script of chunks: "12# 5. 3~" is 12 of speech, 5 of silence, 3 in between. */
static void play(struct va_endpointer *e, const char *script, int finish, struct told *told)
{
    int n, used, chunk = 0;
    char kind;
    memset(told, 0, sizeof *told);
    while (sscanf(script, "%d%c%n", &n, &kind, &used) == 2) {
        script += used;
        for (int i = 0; i < n; i++)
            note(told, va_endpointer_push(e, kind == '#' ? 0.9f : kind == '~' ? 0.4f : 0.1f), ++chunk);
    }
    for (struct va_speech_event event; finish && (event = va_endpointer_finish(e)).kind != VA_SPEECH_NONE;)
        note(told, event, chunk);
}

static void test_sequences(void **state)
{
    static const struct {
        const char *script, *kinds;
    } cases[] = {
        {"100.", ""},
        {"100~", ""},
        {"20. 7# 30.", ""},                /* 224 ms: too short */
        {"20. 8# 30.", "SPE"},             /* 256 ms */
        {"20. 4# 4~ 30.", "SPE"},          /* what lies between goes on */
        {"20. 4# 3. 4# 30.", "SPE"},       /* a gap too short to end it */
        {"20. 4# 7. 4# 30.", ""},          /* two noises */
        {"20. 30# 6. 30# 30.", "SPE"},     /* 192 ms of pause: nothing */
        {"20. 30# 7. 30# 30.", "SPRPE"},   /* 224 ms */
        {"20. 30# 18. 30# 30.", "SPRPE"},  /* 576 ms */
        {"20. 30# 19. 30# 30.", "SPESPE"}, /* 608 ms */
        {"20. 30# 100~ 30.", "SPE"},
        {"20. 30# 1. 17~", "SP"}, /* a pause goes on in between */
        {"20. 30# 1. 18~", "SPE"},
        {"376#", "SL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct va_endpointer e = new_endpointer(NULL);
        struct told told;
        play(&e, cases[i].script, 0, &told);
        if (strcmp(told.kinds, cases[i].kinds) != 0)
            fail_msg("%s: %s instead of %s", cases[i].script, told.kinds, cases[i].kinds);
    }
}

static void test_positions(void **state)
{
    struct va_endpointer e = new_endpointer(NULL);
    struct told told;
    play(&e, "20. 30# 7. 30# 30.", 0, &told);
    assert_string_equal(told.kinds, "SPRPE");
    uint64_t start = 20 * CHUNK - 200 * MS, end = 87 * CHUNK;
    for (int i = 0; i < 5; i++)
        assert_int_equal(told.event[i].start, start);
    assert_int_equal(told.chunk[0], 28);
    assert_int_equal(told.event[0].end, 28 * CHUNK);
    assert_int_equal(told.chunk[1], 57);
    assert_int_equal(told.event[1].end, 57 * CHUNK); /* the padding of 300 ms has not all been heard */
    assert_int_equal(told.chunk[2], 58);
    assert_int_equal(told.event[2].end, 58 * CHUNK);
    assert_int_equal(told.event[3].end, 94 * CHUNK);
    assert_int_equal(told.chunk[4], 87 + 19);
    assert_int_equal(told.event[4].end, end + 300 * MS);
}

static void test_padding_does_not_overlap(void **state)
{
    struct va_endpointer e = new_endpointer(NULL);
    struct told told;
    play(&e, "3# 1. 20# 20. 20# 30.", 0, &told); /* at the beginning of the stream, and right after another */
    assert_string_equal(told.kinds, "SPESPE");
    assert_int_equal(told.event[0].start, 0);
    assert_int_equal(told.event[2].end, 24 * CHUNK + 300 * MS);
    assert_int_equal(told.event[3].start, 44 * CHUNK - 200 * MS);
    const struct va_endpointer_options wide = {0.5f, 0.35f, 250, 200, 600, 500, 600, 12000, 0.0f};
    e = new_endpointer(&wide);
    play(&e, "24# 20. 20# 30.", 0, &told);
    assert_int_equal(told.event[2].end, 24 * CHUNK + 600 * MS);
    assert_int_equal(told.event[3].start, told.event[2].end);
}

static void test_too_long(void **state)
{
    struct va_endpointer e = new_endpointer(NULL);
    struct told told;
    play(&e, "10. 800# 30.", 0, &told);
    assert_string_equal(told.kinds, "SLSLSPE");
    assert_true(told.event[1].end - told.event[1].start >= 12000 * MS);
    assert_true(told.event[1].end - told.event[1].start < 12000 * MS + CHUNK);
    for (int i = 1; i < 5; i += 2) /* nothing is lost between them */
        assert_int_equal(told.event[i + 1].start, told.event[i].end);
}

/* At its maximum an utterance is cut in the last pause of its second half, and what was said since begins the next one. */
static void test_too_long_with_a_pause(void **state)
{
    static const struct {
        const char *script, *kinds;
        uint64_t speech_end, cut, next; /* of the first utterance; where the second starts */
    } cases[] = {
        {"250# 4. 200# 30.", "SLSPE", 250 * CHUNK, 252 * CHUNK, 252 * CHUNK},                           /* they share the pause */
        {"190# 5. 55# 4. 200# 30.", "SLSPE", 250 * CHUNK, 252 * CHUNK, 252 * CHUNK},                    /* the last one counts */
        {"250# 3. 200# 30.", "SLSPE", 250 * CHUNK, 251 * CHUNK + CHUNK / 2, 251 * CHUNK + CHUNK / 2},   /* 96 ms */
        {"250# 2. 200# 30.", "SLSPE", 375 * CHUNK, 375 * CHUNK, 375 * CHUNK},                           /* too short */
        {"180# 4. 270# 30.", "SLSPE", 375 * CHUNK, 375 * CHUNK, 375 * CHUNK},                           /* in the first half */
        {"250# 7. 200# 30.", "SPRLSPE", 250 * CHUNK, 253 * CHUNK + CHUNK / 2, 253 * CHUNK + CHUNK / 2}, /* was a possible end */
        {"250# 17. 200# 30.", "SPRLSPE", 250 * CHUNK, 258 * CHUNK + CHUNK / 2, 267 * CHUNK - 200 * MS}, /* the usual padding */
        {"371# 4. 30#", "SLSE", 371 * CHUNK, 375 * CHUNK, 375 * CHUNK},                                 /* it pauses there */
        {"250# 4. 121#", "SLSE", 250 * CHUNK, 252 * CHUNK, 252 * CHUNK},                                /* the stream ends there */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct va_endpointer e = new_endpointer(NULL);
        struct told told;
        play(&e, cases[i].script, 1, &told);
        assert_string_equal(told.kinds, cases[i].kinds);
        size_t cut = (size_t)(strchr(told.kinds, 'L') - told.kinds);
        assert_int_equal(told.event[cut].speech_end, cases[i].speech_end);
        assert_int_equal(told.event[cut].end, cases[i].cut);
        assert_int_equal(told.event[cut + 1].start, cases[i].next);
    }
}

/* What was said decides how long a pause ends it. */
static void test_end_after(void **state)
{
    struct va_endpointer e = new_endpointer(NULL);
    struct told told;

    play(&e, "20. 30# 8.", 0, &told);
    assert_string_equal(told.kinds, "SP");
    va_endpointer_end_after(&e, 300);
    play(&e, "2.", 0, &told);
    assert_string_equal(told.kinds, "E");
    assert_int_equal(told.chunk[0], 2);
    assert_int_equal(told.event[0].speech_end, 50 * CHUNK);
    assert_int_equal(told.event[0].end, 50 * CHUNK + 300 * MS);
    play(&e, "20. 30# 18.", 0, &told); /* the next pause is as any */
    assert_string_equal(told.kinds, "SP");
    va_endpointer_end_after(&e, 1000);
    play(&e, "12. 1#", 0, &told);
    assert_string_equal(told.kinds, "R"); /* and so it is after a longer one */
    play(&e, "30.", 0, &told);
    assert_string_equal(told.kinds, "PE");
    assert_int_equal(told.chunk[1], 19);
    va_endpointer_end_after(&e, 1); /* there is no pause */
    play(&e, "30# 18.", 0, &told);
    assert_string_equal(told.kinds, "SP");
}

/* Others go on talking. */
static void test_end_at(void **state)
{
    struct va_endpointer e = new_endpointer(NULL);
    struct told told;

    play(&e, "20. 60#", 0, &told);
    const struct va_speech_event none = va_endpointer_end_at(&e, 81 * CHUNK);
    assert_int_equal(none.kind, VA_SPEECH_NONE);
    assert_int_equal(va_endpointer_end_at(&e, told.event[0].start).kind, VA_SPEECH_NONE);
    const struct va_speech_event event = va_endpointer_end_at(&e, 50 * CHUNK);
    assert_int_equal(event.kind, VA_SPEECH_END);
    assert_int_equal(event.start, told.event[0].start);
    assert_int_equal(event.end, 50 * CHUNK);
    assert_int_equal(event.speech_end, 50 * CHUNK);
    assert_int_equal(va_endpointer_end_at(&e, 60 * CHUNK).kind, VA_SPEECH_NONE); /* once */
    play(&e, "1# 30.", 0, &told);
    assert_string_equal(told.kinds, "SPE"); /* what was said since */
    assert_int_equal(told.event[0].start, 50 * CHUNK);
    assert_int_equal(told.event[2].speech_end, 81 * CHUNK);
    play(&e, "30# 8.", 0, &told);
    assert_string_equal(told.kinds, "SP");
    assert_int_equal(va_endpointer_end_at(&e, told.event[1].speech_end + CHUNK).kind, VA_SPEECH_END); /* in a pause nothing is left */
    play(&e, "30.", 1, &told);
    assert_string_equal(told.kinds, "");
}

static void test_finish(void **state)
{
    static const struct {
        const char *script, *kinds;
        uint64_t end;
    } cases[] = {
        {"10. 20#", "SE", 30 * CHUNK},
        {"10. 20# 5.", "SE", 35 * CHUNK},
        {"10. 20# 12.", "SPE", 30 * CHUNK + 300 * MS},
        {"10. 5#", "", 0},
        {"10.", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct va_endpointer e = new_endpointer(NULL);
        struct told told;
        play(&e, cases[i].script, 1, &told);
        assert_string_equal(told.kinds, cases[i].kinds);
        if (told.n > 0)
            assert_int_equal(told.event[told.n - 1].end, cases[i].end);
        assert_true(va_endpointer_is_quiet(&e));
        va_endpointer_reset(&e);
        play(&e, "20# 30.", 0, &told);
        assert_string_equal(told.kinds, "SPE");
        assert_int_equal(told.event[0].start, 0);
    }
}

/* Whatever the probabilities: events come in an order that makes sense and utterances do not overlap. */
static void test_any_sequence(void **state)
{
    uint32_t random = 7;
    for (int round = 0; round < 200; round++) {
        struct va_endpointer e = new_endpointer(NULL);
        uint64_t last_end = 0;
        int chunk = 0, run = 0;
        char before = 'E';
        float p = 0;
        for (; chunk < 3000; chunk++) {
            random = random * 1664525u + 1013904223u;
            if (run-- <= 0) {
                run = (int)(random >> 8) % (1 + round);
                p = (float)(random >> 20) / 4096.0f;
            }
            struct va_speech_event event = va_endpointer_push(&e, p);
            char kind = letters[event.kind];
            if (event.kind == VA_SPEECH_NONE)
                continue;
            assert_non_null(strstr("SP SE SL PR PE PL RP RE RL ES LS", (char[]){before, kind, 0}));
            if (kind == 'S')
                assert_true(event.start >= last_end);
            if (kind == 'E' || kind == 'L')
                last_end = event.end;
            assert_true(event.end <= (uint64_t)(chunk + 1) * CHUNK && event.start < event.end);
            before = kind;
        }
    }
}

static void test_defaults(void **state)
{
    static const struct va_endpointer_options defaults = VA_ENDPOINTER_DEFAULTS;
    struct va_endpointer e = new_endpointer(&defaults);
    struct told told;
    play(&e, "19. 2# 2~ 30.", 0, &told); /* a short word */
    assert_string_equal(told.kinds, "SPE");
    assert_int_equal(told.chunk[0], 23);
    play(&e, "19. 3# 30.", 0, &told); /* a click */
    assert_string_equal(told.kinds, "");
    play(&e, "19. 2~ 1# 1~ 30.", 0, &told); /* a soft one, which is hardly ever sure */
    assert_string_equal(told.kinds, "SPE");
    assert_int_equal(told.event[2].speech_end, told.event[0].start + 300 * MS + 4 * CHUNK);
    play(&e, "19. 5# 5. 5~ 30.", 0, &told); /* but no pause ends so */
    assert_string_equal(told.kinds, "SPE");
}

static void test_options(void **state)
{
    static const struct va_endpointer_options bad[] = {
        {0.0f, 0.0f, 250, 200, 600, 200, 300, 12000, 0.0f},   {0.5f, 0.6f, 250, 200, 600, 200, 300, 12000, 0.0f},
        {1.1f, 0.35f, 250, 200, 600, 200, 300, 12000, 0.0f},  {0.5f, 0.35f, -1, 200, 600, 200, 300, 12000, 0.0f},
        {0.5f, 0.35f, 2001, 200, 600, 200, 300, 12000, 0.0f}, {0.5f, 0.35f, 250, 0, 600, 200, 300, 12000, 0.0f},
        {0.5f, 0.35f, 250, 700, 600, 200, 300, 12000, 0.0f},  {0.5f, 0.35f, 250, 200, 10001, 200, 300, 12000, 0.0f},
        {0.5f, 0.35f, 250, 200, 600, -1, 300, 12000, 0.0f},   {0.5f, 0.35f, 250, 200, 600, 2001, 300, 12000, 0.0f},
        {0.5f, 0.35f, 250, 200, 600, 200, 601, 12000, 0.0f},  {0.5f, 0.35f, 250, 200, 600, 200, -1, 12000, 0.0f},
        {0.5f, 0.35f, 250, 200, 600, 200, 300, 450, 0.0f},    {0.5f, 0.35f, 250, 200, 600, 200, 300, 600001, 0.0f},
        {0.5f, 0.35f, 250, 200, 600, 200, 300, 12000, 0.6f},  {0.5f, 0.35f, 250, 200, 600, 200, 300, 12000, -0.1f},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct va_endpointer e;
        va_error error;
        assert_int_equal(va_endpointer_init(&e, &bad[i], &error), VA_EINVAL);
    }
    const struct va_endpointer_options quick = {0.5f, 0.5f, 0, 200, 200, 0, 0, 1, 0.0f};
    struct va_endpointer e = new_endpointer(&quick);
    struct told told;
    play(&e, "3. 1# 10. 1# 1# 1. 10.", 0, &told);
    assert_string_equal(told.kinds, "SLSL");
    assert_int_equal(told.event[0].start, 3 * CHUNK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_padding_does_not_overlap),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_too_long_with_a_pause),
        cmocka_unit_test(test_end_after),
        cmocka_unit_test(test_end_at),
        cmocka_unit_test(test_finish),
        cmocka_unit_test(test_any_sequence),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
