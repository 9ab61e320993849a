/* What a stream tells and when it decodes, over stand-ins for the engine and the ear. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "doubles/doubles.h"
#include "ear_double.h"

enum { MS = VA_SAMPLE_RATE_HZ / 1000, PAD = 450 * MS, MAX_TOLD = 512 };

static va_model *model;
static va_stream *stream;

static struct {
    _Atomic int n;
    char kinds[MAX_TOLD + 1];
    va_stream_event event[MAX_TOLD];
    char text[MAX_TOLD][32];
    int end_after_ms; /* what the receiver asks for at READY; 0: nothing */
    size_t end_at;    /* at PARTIAL, a sample */
} told;

static void note(void *user, const va_stream_event *event)
{
    int i = told.n;
    assert_ptr_equal(user, &told);
    assert_true(i < MAX_TOLD);
    told.kinds[i] = " SPRUF"[event->kind];
    told.event[i] = *event;
    snprintf(told.text[i], sizeof told.text[i], "%s", event->text);
    int has_text = event->kind != VA_STREAM_START && event->kind != VA_STREAM_RESUMED;
    assert_true((event->transcript != NULL) == has_text && event->n_stable <= strlen(event->text));
    assert_true(event->start_s <= event->end_s && event->end_s <= event->heard_s && event->speech_end_s <= event->end_s);
    assert_true(event->wait_ms >= 0.0);
    if (event->kind == VA_STREAM_READY && told.end_after_ms > 0)
        va_stream_end_after(stream, told.end_after_ms);
    if (event->kind == VA_STREAM_PARTIAL && told.end_at > 0)
        va_stream_end_at(stream, (double)told.end_at / VA_SAMPLE_RATE_HZ);
    told.n = i + 1;
}

static void begin_with(const va_stream_options *options)
{
    doubles_reset();
    memset(&told, 0, sizeof told);
    assert_int_equal(va_stream_new(model, NULL, options, note, &told, &stream, NULL), 0);
    assert_int_equal(doubles.begun, 1); /* of nothing, to check the options */
}

static void begin(int step_ms)
{
    va_stream_options options;
    va_stream_options_init(&options);
    options.step_ms = step_ms;
    begin_with(&options);
}

static void push(const char *script)
{
    size_t n;
    float *pcm = play_script(script, &n);
    assert_int_equal(va_stream_push(stream, pcm, n, NULL), 0);
    va_free(pcm);
}

static void finish(const char *kinds)
{
    doubles.gate_closed = 0;
    assert_int_equal(va_stream_finish(stream, NULL), 0);
    assert_string_equal(told.kinds, kinds);
    va_stream_free(stream);
    assert_int_equal(doubles.contexts, 0);
}

static void expect(int i, uint64_t utterance, size_t start, size_t end, size_t speech_end)
{
    assert_int_equal(told.event[i].utterance, utterance);
    assert_int_equal((size_t)lround(told.event[i].start_s * VA_SAMPLE_RATE_HZ), start);
    assert_int_equal((size_t)lround(told.event[i].end_s * VA_SAMPLE_RATE_HZ), end);
    assert_int_equal((size_t)lround(told.event[i].speech_end_s * VA_SAMPLE_RATE_HZ), speech_end);
}

static void expect_text(int i, size_t samples)
{
    char text[32];
    snprintf(text, sizeof text, "heard %zu", samples);
    assert_string_equal(told.text[i], text);
}

static void the_text_is_ready_before_the_end(void **state)
{
    size_t start = 20 * CHUNK - PAD, end = 55 * CHUNK;
    begin(0);
    push("20. 30# 5.");
    assert_true(doubles_wait(&told.n, 2));
    push("14.");
    assert_true(doubles_wait(&told.n, 3));
    finish("SRF");
    expect(0, 1, start, 24 * CHUNK, 24 * CHUNK);
    expect(1, 1, start, end, 50 * CHUNK);
    expect(2, 1, start, end, 50 * CHUNK); /* what the text covers */
    expect_text(1, end - start);
    expect_text(2, end - start);
    assert_int_equal(told.event[2].n_stable, strlen(told.text[2]));
    assert_int_equal(doubles.begun, 2); /* decoded once */
}

static void speech_goes_on_after_ready(void **state)
{
    begin(0);
    push("20. 30# 5.");
    assert_true(doubles_wait(&told.n, 2));
    push("1#");
    assert_true(doubles_wait(&told.n, 3));
    push("29# 30. 10# 30.");
    finish("SRURFSRF");
    expect_text(1, 35 * CHUNK + PAD);
    expect_text(3, 70 * CHUNK + PAD);
    expect_text(4, 70 * CHUNK + PAD);
    assert_int_equal(told.event[4].utterance, 1);
    assert_int_equal(told.event[7].utterance, 2);
}

static void what_was_said_decides_about_the_end(void **state)
{
    begin(0);
    told.end_after_ms = 300;
    push("20. 30# 6.");
    assert_true(doubles_wait(&told.n, 2));
    push("4.");
    assert_true(doubles_wait(&told.n, 3));
    assert_string_equal(told.kinds, "SRF");
    told.end_after_ms = 1000;
    push("10. 30# 6.");
    assert_true(doubles_wait(&told.n, 5));
    push("20. 30#"); /* longer than any pause in a sentence */
    told.end_after_ms = 0;
    assert_true(doubles_wait(&told.n, 6));
    push("19.");
    finish("SRFSRURF");
}

static void others_go_on(void **state)
{
    begin(300);
    told.end_at = 24 * CHUNK;
    push("20. 25#");
    assert_true(doubles_wait(&told.n, 2));
    push("30#");
    assert_true(doubles_wait(&told.n, 4));
    assert_memory_equal(told.kinds, "SPFS", 4);
    expect(2, 1, 20 * CHUNK - PAD, 24 * CHUNK, 24 * CHUNK);
    assert_int_equal((size_t)lround(told.event[3].start_s * VA_SAMPLE_RATE_HZ), 24 * CHUNK);
    va_stream_free(stream);
}

static void an_interruption_ends_the_utterance(void **state)
{
    begin(0);
    push("20. 30#");
    assert_int_equal(va_stream_break(stream, NULL), 0);
    assert_true(doubles_wait(&told.n, 2));
    expect(1, 1, 20 * CHUNK - PAD, 50 * CHUNK, 50 * CHUNK);
    assert_int_equal(va_stream_break(stream, NULL), 0); /* nothing more */
    push("20. 30# 19.");
    finish("SFSRF");
    expect(2, 2, 70 * CHUNK - PAD, 74 * CHUNK, 74 * CHUNK); /* positions go on */
}

static void speech_goes_on_before_ready(void **state)
{
    begin(0);
    doubles.gate_closed = 1;
    push("20. 30# 5.");
    assert_true(doubles_wait(&doubles.running, 1));
    push("1#");
    assert_true(doubles_wait(&doubles.cancelled, 1)); /* at once */
    push("29# 30.");
    assert_true(doubles_wait(&doubles.running, 1));
    finish("SRF");
    expect_text(2, 70 * CHUNK + PAD);
}

static void partial_texts(void **state)
{
    begin(300);
    push("20. 4#");
    assert_true(doubles_wait(&told.n, 2));
    expect(1, 1, 20 * CHUNK - PAD, 24 * CHUNK, 24 * CHUNK);
    assert_int_equal(told.event[1].n_stable, 0);
    push("9#"); /* 288 ms: too little that is new */
    assert_int_equal(doubles.begun, 2);
    push("1#");
    assert_true(doubles_wait(&told.n, 3));
    expect(2, 1, 20 * CHUNK - PAD, 34 * CHUNK, 34 * CHUNK);
    expect_text(2, 14 * CHUNK + PAD);
    assert_int_equal(told.event[2].n_stable, strlen("heard"));
    doubles.gate_closed = 1;
    push("10#");
    assert_true(doubles_wait(&doubles.running, 1));
    push("4.");
    assert_int_equal(doubles.cancelled, 0);
    push("1.");
    assert_true(doubles_wait(&doubles.cancelled, 1)); /* for the text that counts */
    assert_true(doubles_wait(&doubles.running, 1));
    finish("SPPRF");
}

static void no_partial_text_of_a_pause(void **state)
{
    begin(300);
    push("20. 4#");
    assert_true(doubles_wait(&told.n, 2));
    push("7# 4."); /* 352 ms that are new, but the last 128 are silent */
    assert_int_equal(doubles.begun, 2);
    push("1#");
    assert_true(doubles_wait(&told.n, 3));
    expect(2, 1, 20 * CHUNK - PAD, 36 * CHUNK, 36 * CHUNK);
    finish("SPPF");
}

static void the_stream_ends_while_somebody_speaks(void **state)
{
    begin(0);
    push("20. 30#");
    finish("SF");
    expect_text(1, 30 * CHUNK + PAD);
    begin(0);
    push("20. 30# 7."); /* the same text as without the end */
    finish("SRF");
    expect_text(2, 35 * CHUNK + PAD);
    begin(0);
    push("20. 2#");
    finish("");
    begin(0);
    finish("");
}

static void the_stream_is_freed_while_it_decodes(void **state)
{
    begin(0);
    doubles.gate_closed = 1;
    push("20. 30# 30. 30# 30. 30#");
    assert_true(doubles_wait(&doubles.running, 1));
    va_stream_free(stream);
    assert_string_equal(told.kinds, "S");
    assert_int_equal(doubles.cancelled, 1);
    assert_int_equal(doubles.contexts, 0);
    va_stream_free(NULL);
}

static void after_the_end(void **state)
{
    float pcm[1] = {0};
    va_error error;
    begin(0);
    assert_int_equal(va_stream_finish(stream, &error), 0);
    assert_int_equal(va_stream_push(stream, pcm, 1, &error), VA_ESTATE);
    assert_int_equal(va_stream_finish(stream, &error), 0);
    va_stream_free(stream);
}

/* Of speech without end all is in one text or another. */
static void too_long(void **state)
{
    va_stream_options options;
    va_stream_options_init(&options);
    options.step_ms = 0;
    options.max_ms = 2000;
    begin_with(&options);
    push("20. 40# 4. 300# 30.");
    doubles.gate_closed = 0;
    assert_int_equal(va_stream_finish(stream, NULL), 0);
    va_stream_free(stream);
    double end_s = 0.0;
    for (int i = 0, finals = 0; i < told.n; i++) {
        if (told.kinds[i] != 'F')
            continue;
        if (finals++ > 0)
            assert_true(told.event[i].start_s == end_s);
        else
            assert_true(told.event[i].end_s == 62.0 * CHUNK / VA_SAMPLE_RATE_HZ); /* in the pause */
        end_s = told.event[i].end_s;
        expect_text(i, (size_t)lround((end_s - told.event[i].start_s) * VA_SAMPLE_RATE_HZ));
    }
    assert_true(end_s > 364.0 * CHUNK / VA_SAMPLE_RATE_HZ);
}

static void pieces_of_any_size(void **state)
{
    static const size_t sizes[] = {1, 7, CHUNK, 1000, 60 * VA_SAMPLE_RATE_HZ};
    size_t n;
    float *pcm = play_script("20. 30# 7. 30# 30. 40# 30. 900# 30. 40#", &n);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        static const size_t expected[] = {72 * CHUNK + PAD, 45 * CHUNK + PAD, 0, 0, 40 * CHUNK + PAD};
        int finals = 0;
        begin(0);
        for (size_t at = 0; at < n; at += sizes[s])
            assert_int_equal(va_stream_push(stream, pcm + at, n - at < sizes[s] ? n - at : sizes[s], NULL), 0);
        assert_int_equal(va_stream_push(stream, NULL, 0, NULL), 0);
        assert_int_equal(va_stream_finish(stream, NULL), 0);
        va_stream_free(stream);
        for (int i = 0; i < told.n; i++)
            if (told.kinds[i] == 'F' && expected[finals++] > 0)
                expect_text(i, expected[finals - 1]);
        assert_int_equal(finals, 5);
    }
    va_free(pcm);
}

static void samples_that_are_no_numbers(void **state)
{
    size_t n;
    float *pcm = play_script("20. 30# 30.", &n);
    for (size_t i = 1; i < n; i += 2)
        pcm[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
    begin(0);
    assert_int_equal(va_stream_push(stream, pcm, n, NULL), 0);
    finish("SRF");
    va_free(pcm);
}

/* Whatever is heard: each utterance begins and ends, what was ready is either final or void, and no two overlap. */
static void any_audio(void **state)
{
    uint32_t random = 3;
    for (int round = 0; round < 40; round++) {
        char script[400] = "";
        for (size_t length = 0; length < sizeof script - 10;) {
            random = random * 1664525u + 1013904223u;
            length +=
                (size_t)sprintf(script + length, "%d%c ", 1 + (int)(random >> 8) % (2 << (random >> 16) % 6), ".#~"[(random >> 20) % 3]);
        }
        begin(round % 2 == 0 ? 0 : 100);
        push(script);
        assert_int_equal(va_stream_finish(stream, NULL), 0);
        va_stream_free(stream);
        double end_s = 0.0;
        char before = 'F';
        for (int i = 0; i < told.n; i++) {
            if (strstr("SP SR SF PP PR PF RU RF UP UR UF FS", (char[]){before, told.kinds[i], 0}) == NULL)
                fail_msg("%s: %s", script, told.kinds);
            before = told.kinds[i];
            assert_true(before != 'S' || told.event[i].start_s >= end_s);
            end_s = before == 'F' ? told.event[i].end_s : end_s;
            if (before == 'F' && told.kinds[i - 1] == 'R')
                assert_string_equal(told.text[i], told.text[i - 1]);
        }
        assert_int_equal(before, 'F');
    }
}

/* ---- the pusher waits ---- */

static _Atomic int pushed_chunks;

static void *push_minutes(void *arg)
{
    size_t n;
    float *pcm = play_script("30# 20.", &n);
    for (int i = 0; i < 150; i++)
        for (size_t at = 0; at < n; at += CHUNK) {
            assert_int_equal(va_stream_push(stream, pcm + at, CHUNK, NULL), 0);
            pushed_chunks++;
        }
    va_free(pcm);
    return NULL;
}

static void nothing_is_lost_when_decoding_is_slow(void **state)
{
    pthread_t pusher;
    begin(0);
    pushed_chunks = 0;
    doubles.gate_closed = 1;
    assert_int_equal(pthread_create(&pusher, NULL, push_minutes, NULL), 0);
    assert_true(doubles_wait(&doubles.running, 1));
    for (int i = 0; i < 50; i++, usleep(1000))
        assert_true(pushed_chunks < 60 * VA_SAMPLE_RATE_HZ / CHUNK);
    doubles.gate_closed = 0;
    pthread_join(pusher, NULL);
    assert_int_equal(va_stream_finish(stream, NULL), 0);
    va_stream_free(stream);
    uint64_t finals = 0;
    for (int i = 0; i < told.n; i++)
        if (told.kinds[i] == 'F') {
            size_t end = (size_t)finals * 50 * CHUNK + 35 * CHUNK;
            size_t start = finals == 0 ? 0 : (size_t)finals * 50 * CHUNK - 20 * CHUNK + 300 * MS; /* the rest is the one before's */
            expect(i, ++finals, start, end, end - 5 * CHUNK);
            expect_text(i, end - start);
        }
    assert_int_equal(finals, 150);
}

/* ---- failures ---- */

static void decoding_fails(void **state)
{
    va_error error = {0};
    size_t n;
    float *pcm = play_script("20. 30# 30.", &n);
    int r = 0;
    begin(0);
    va_memory_fail_after(1);
    for (int i = 0; i < 1000 && r == 0; i++)
        r = va_stream_push(stream, pcm, n, &error);
    assert_int_equal(r, VA_ENOMEM);
    assert_int_equal(error.code, VA_ENOMEM);
    assert_int_equal(va_stream_push(stream, pcm, n, NULL), VA_ENOMEM);
    assert_int_equal(va_stream_finish(stream, &error), VA_ENOMEM);
    va_memory_fail_after(0);
    va_stream_free(stream);
    assert_string_equal(told.kinds, "S");
    va_free(pcm);
}

static void out_of_memory_at_the_start(void **state)
{
    va_transcribe_options transcribe;
    va_stream_options options;
    int r = VA_ENOMEM;
    va_transcribe_options_init(&transcribe);
    va_stream_options_init(&options);
    transcribe.language = "en";
    transcribe.prompt = "words";
    options.transcribe = &transcribe;
    doubles_reset();
    for (size_t n = 1; r == VA_ENOMEM; n++) {
        va_memory_fail_after(n);
        r = va_stream_new(model, NULL, &options, note, &told, &stream, NULL);
        va_memory_fail_after(0);
        assert_true(n < 100);
    }
    assert_int_equal(r, 0);
    va_stream_free(stream);
    assert_int_equal(doubles.contexts, 0);
}

static void options_out_of_range(void **state)
{
    static const va_stream_options bad[] = {
        {NULL, -1, 300, 160, 600, 28000},  {NULL, 65, 300, 160, 600, 28000}, {NULL, 0, 99, 160, 600, 28000},
        {NULL, 0, 10001, 160, 600, 28000}, {NULL, 0, -1, 160, 600, 28000},   {NULL, 0, 300, 63, 600, 28000},
        {NULL, 0, 300, 2001, 2001, 28000}, {NULL, 0, 300, 160, 159, 28000},  {NULL, 0, 300, 160, 10001, 28000},
        {NULL, 0, 300, 160, 600, 1999},    {NULL, 0, 300, 160, 600, 29001}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        va_error error = {0};
        stream = NULL;
        assert_int_equal(va_stream_new(model, NULL, &bad[i], note, NULL, &stream, &error), VA_EINVAL);
        assert_true(stream == NULL && error.text[0] != '\0');
    }
}

static int setup_all(void **state)
{
    return va_model_open("", NULL, &model, NULL);
}

static int teardown_all(void **state)
{
    va_model_free(model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_ready_before_the_end),
        cmocka_unit_test(speech_goes_on_after_ready),
        cmocka_unit_test(what_was_said_decides_about_the_end),
        cmocka_unit_test(others_go_on),
        cmocka_unit_test(an_interruption_ends_the_utterance),
        cmocka_unit_test(speech_goes_on_before_ready),
        cmocka_unit_test(partial_texts),
        cmocka_unit_test(no_partial_text_of_a_pause),
        cmocka_unit_test(the_stream_ends_while_somebody_speaks),
        cmocka_unit_test(the_stream_is_freed_while_it_decodes),
        cmocka_unit_test(after_the_end),
        cmocka_unit_test(too_long),
        cmocka_unit_test(pieces_of_any_size),
        cmocka_unit_test(samples_that_are_no_numbers),
        cmocka_unit_test(any_audio),
        cmocka_unit_test(nothing_is_lost_when_decoding_is_slow),
        cmocka_unit_test(decoding_fails),
        cmocka_unit_test(out_of_memory_at_the_start),
        cmocka_unit_test(options_out_of_range),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
