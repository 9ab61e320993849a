/* With the real model (VA_TEST_MODELS) and a recording of pocketsphinx-testdata. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "vad/ear.h"
#include "vad/silero.h"
#include "whisper_fixture.h"

#define RECORDING "/usr/share/pocketsphinx/test/data/goforward.raw"

enum { CHUNK = VA_VAD_CHUNK_SAMPLES, RATE = VA_VAD_RATE_HZ, MAX_EVENTS = 64 };

/* onnxruntime 1.23 on silero_vad_16k_op15.onnx of silero-vad 6.2.3. */
static const float expected[] = {
    0.042505f, 0.016253f, 0.011800f, 0.007730f, 0.008608f, 0.006061f, 0.006215f, 0.020125f, 0.013591f, 0.006227f, 0.004078f,
    0.003613f, 0.002833f, 0.003472f, 0.003097f, 0.021320f, 0.901155f, 0.990695f, 0.995188f, 0.997065f, 0.999579f, 0.999684f,
    0.999727f, 0.999550f, 0.999948f, 0.999948f, 0.999340f, 0.996560f, 0.995074f, 0.999240f, 0.999446f, 0.999449f, 0.999513f,
    0.999227f, 0.999520f, 0.997503f, 0.995011f, 0.969917f, 0.874787f, 0.787247f, 0.615374f, 0.807829f, 0.996332f, 0.999156f,
    0.999648f, 0.999935f, 0.999894f, 0.999865f, 0.999744f, 0.999877f, 0.999934f, 0.999944f, 0.999908f, 0.999951f, 0.999952f,
    0.999707f, 0.999524f, 0.997388f, 0.992621f, 0.997713f, 0.999771f, 0.999897f, 0.999901f, 0.999911f, 0.999939f, 0.999941f,
    0.999741f, 0.991671f, 0.962279f, 0.783663f, 0.400503f, 0.109050f, 0.034059f, 0.014018f, 0.011735f, 0.012680f, 0.012002f,
    0.011435f, 0.010400f, 0.009276f, 0.009030f, 0.008683f, 0.009296f, 0.009286f, 0.034816f, 0.012819f, 0.034596f};

struct fixture {
    va_vad_model *model;
    float *recording; /* [n] */
    size_t n;
};

struct told {
    struct va_speech_event event[MAX_EVENTS];
    uint64_t heard[MAX_EVENTS]; /* samples pushed by then, to the end of the piece */
    int n;
    uint64_t pushed;
};

static struct fixture open_fixture(void)
{
    struct fixture f = {0};
    va_error error;
    size_t size;
    char *bytes, path[FIXTURE_PATH_SIZE];

    fixture_model("vad", "", path);
    if (va_file_read(RECORDING, 1 << 20, &bytes, &size, NULL) < 0) {
        print_message("skipped: no %s\n", RECORDING);
        skip();
    }
    assert_int_equal(va_vad_model_open(path, &f.model, &error), 0);
    f.n = size / 2;
    f.recording = va_alloc(f.n, sizeof *f.recording);
    assert_non_null(f.recording);
    for (size_t i = 0; i < f.n; i++) {
        int16_t sample;
        memcpy(&sample, bytes + 2 * i, sizeof sample);
        f.recording[i] = (float)sample / 32768.0f;
    }
    va_free(bytes);
    return f;
}

static void close_fixture(struct fixture *f)
{
    va_vad_model_free(f->model);
    va_free(f->recording);
}

static void note(void *user, const struct va_speech_event *event)
{
    struct told *told = user;
    assert_true(told->n < MAX_EVENTS);
    told->heard[told->n] = told->pushed;
    told->event[told->n++] = *event;
}

static void listen(va_ear *ear, const float *pcm, size_t n, size_t piece, struct told *told)
{
    memset(told, 0, sizeof *told);
    for (size_t at = 0; at < n; at += piece) {
        size_t part = n - at < piece ? n - at : piece;
        told->pushed = at + part;
        va_ear_push(ear, pcm + at, part, note, told);
    }
    va_ear_finish(ear, note, told);
}

static va_ear *new_ear(const struct fixture *f, int judge_all)
{
    struct va_ear_options options = VA_EAR_DEFAULTS;
    va_ear *ear;
    va_error error;
    options.judge_all = judge_all;
    assert_int_equal(va_ear_new(f->model, va_kernels_select(NULL), &options, &ear, &error), 0);
    return ear;
}

static void assert_same(const struct told *a, const struct told *b)
{
    assert_int_equal(a->n, b->n);
    for (int i = 0; i < a->n; i++) {
        assert_int_equal(a->event[i].kind, b->event[i].kind);
        assert_int_equal(a->event[i].start, b->event[i].start);
        assert_int_equal(a->event[i].end, b->event[i].end);
    }
}

/* n utterances in both, within 250 ms of each other. */
static void assert_utterances(const struct told *a, const struct told *b, int n)
{
    int j = 0, found = 0;
    for (int i = 0; i < a->n; i++) {
        if (a->event[i].kind != VA_SPEECH_END)
            continue;
        while (j < b->n && b->event[j].kind != VA_SPEECH_END)
            j++;
        assert_true(j < b->n);
        assert_in_range(a->event[i].start + RATE - b->event[j].start, RATE - RATE / 4, RATE + RATE / 4);
        assert_in_range(a->event[i].end + RATE - b->event[j].end, RATE - RATE / 4, RATE + RATE / 4);
        found++;
        j++;
    }
    assert_int_equal(found, n);
}

static void test_golden(void **state)
{
    struct fixture f = open_fixture();
    va_error error;
    for (int i = 0; va_kernels_at(i) != NULL; i++) {
        const struct va_kernels *kernels = va_kernels_select(va_kernels_at(i)->name);
        va_silero *silero;
        if (kernels == NULL)
            continue;
        assert_int_equal(va_silero_new(f.model, kernels, &silero, &error), 0);
        for (size_t j = 0; j < sizeof expected / sizeof expected[0]; j++) {
            float p = va_silero_process(silero, f.recording + j * CHUNK);
            if (fabsf(p - expected[j]) > 1e-4f)
                fail_msg("%s, chunk %zu: %g instead of %g", kernels->name, j, (double)p, (double)expected[j]);
        }
        va_silero_free(silero);
    }
    close_fixture(&f);
}

static void test_recording(void **state)
{
    static const size_t pieces[] = {1, 160, 511, 512, 513, 4000, 1 << 20};
    struct fixture f = open_fixture();
    va_ear *ear = new_ear(&f, 0);
    struct told first, told;
    listen(ear, f.recording, f.n, CHUNK, &first);
    assert_int_equal(first.n, 3);
    assert_int_equal(first.event[0].kind, VA_SPEECH_START);
    assert_int_equal(first.event[0].start, 16 * CHUNK - RATE * 3 / 10); /* 16: the first chunk of 0.5 */
    assert_int_equal(first.event[1].kind, VA_SPEECH_POSSIBLE_END);
    assert_int_equal(first.event[2].kind, VA_SPEECH_END);
    assert_int_equal(first.event[2].end, 71 * CHUNK + RATE * 3 / 10); /* 71: the first below 0.35 */
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        listen(ear, f.recording, f.n, pieces[i], &told);
        assert_same(&told, &first);
    }
    /* the stream ends within the padding */
    listen(ear, f.recording, 75 * CHUNK + 100, 1000, &told);
    assert_int_equal(told.event[told.n - 1].kind, VA_SPEECH_END);
    assert_int_equal(told.event[told.n - 1].end, 75 * CHUNK + 100);
    va_ear_free(ear);
    close_fixture(&f);
}

/* A quiet room where somebody speaks now and then. The network's state is another after a gap, so positions may differ a little. */
static void test_gate_hides_nothing(void **state)
{
    struct fixture f = open_fixture();
    enum { TIMES = 6, GAP = 7 * RATE + 123 };
    size_t n = TIMES * (GAP + f.n) + GAP;
    float *pcm = va_calloc(n, sizeof *pcm);
    uint32_t random = 1;
    struct told gated, all;

    assert_non_null(pcm);
    for (int i = 0; i < TIMES; i++)
        for (size_t j = 0; j < f.n; j++)
            pcm[(size_t)i * (GAP + f.n) + GAP + j] = f.recording[j] * powf(0.5f, (float)i); /* the last 30 dB softer */
    for (size_t i = 0; i < n; i++) {
        random = random * 1664525u + 1013904223u;
        pcm[i] += 2e-4f * ((float)(random >> 8) / 8388608.0f - 1.0f);
    }
    va_ear *with_gate = new_ear(&f, 0), *judging_all = new_ear(&f, 1);
    listen(with_gate, pcm, n, 480, &gated);
    listen(judging_all, pcm, n, 480, &all);
    assert_utterances(&gated, &all, TIMES);
    const struct va_ear_options options = VA_EAR_DEFAULTS;
    for (int i = 0; i < gated.n; i++)
        if (gated.event[i].kind == VA_SPEECH_START)
            assert_true(gated.heard[i] - gated.event[i].start <= va_ear_lookback(&options));
    va_ear_free(with_gate);
    va_ear_free(judging_all);
    va_free(pcm);
    close_fixture(&f);
}

/* A minute of deep noise as loud as the speech behind it: the network, left alone with it, would hear pieces only. */
static void test_forgets_noise(void **state)
{
    struct fixture f = open_fixture();
    enum { BEFORE = 60 * RATE, AFTER = 2 * RATE };
    size_t n = BEFORE + f.n + AFTER;
    float *pcm = va_alloc(n, sizeof *pcm), deep = 0.0f;
    double speech = 0.0, noise = 0.0;
    uint32_t random = 1;
    struct told told;

    assert_non_null(pcm);
    for (size_t i = 0; i < n; i++) {
        random = random * 1664525u + 1013904223u;
        deep = 0.95f * deep + (float)(random >> 8) / 8388608.0f - 1.0f;
        pcm[i] = deep;
        noise += (double)deep * (double)deep / (double)n;
    }
    for (size_t i = 0; i < f.n; i++)
        speech += (double)f.recording[i] * (double)f.recording[i] / (double)f.n;
    for (size_t i = 0; i < n; i++)
        pcm[i] *= (float)sqrt(speech / noise);
    for (size_t i = 0; i < f.n; i++)
        pcm[BEFORE + i] += f.recording[i];
    va_ear *ear = new_ear(&f, 0);
    listen(ear, pcm, n, CHUNK, &told);
    assert_int_equal(told.n, 3); /* start, possible end, end */
    assert_in_range(told.event[2].start, BEFORE, BEFORE + RATE / 4);
    assert_in_range(told.event[2].end, BEFORE + 2 * RATE, BEFORE + 3 * RATE);
    va_ear_free(ear);
    va_free(pcm);
    close_fixture(&f);
}

static void test_out_of_memory(void **state)
{
    struct fixture f = open_fixture();
    struct va_ear_options options = VA_EAR_DEFAULTS;
    va_ear *ear;
    va_error error;
    int r = VA_ENOMEM;
    for (size_t n = 1; r != 0; n++) {
        ear = NULL;
        va_memory_fail_after(n);
        r = va_ear_new(f.model, va_kernels_select(NULL), &options, &ear, NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
        va_ear_free(ear);
    }
    options.endpointer.end_ms = 0;
    assert_int_equal(va_ear_new(f.model, va_kernels_select(NULL), &options, &ear, &error), VA_EINVAL);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),        cmocka_unit_test(test_recording),     cmocka_unit_test(test_gate_hides_nothing),
        cmocka_unit_test(test_forgets_noise), cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
