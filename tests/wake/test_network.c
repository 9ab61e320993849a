/* The network against a plain reading of the same layers, and other tempos. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "synthetic_tflite.h"
#include "temporary.h"
#include "wake/import_graph.h"
#include "wake/model.h"
#include "wake/tempo.h"

#define JSON                                                                                                            \
    "{\"type\": \"micro\", \"wake_word\": \"x\", \"micro\": {\"probability_cutoff\": 0.5, \"sliding_window_size\": 5, " \
    "\"feature_step_size\": 10}}"

enum { INFERENCES = 200 };

static char folder[256];
static struct synthetic_tflite network;
static va_wake_model *model;

static int set_up(void **state)
{
    char out[320];

    if (temporary_make(folder) < 0)
        return -1;
    snprintf(out, sizeof out, "%s/word.vam", folder);
    synthetic_network(&network);
    return synthetic_import(&network, folder, JSON, out) != 0 || va_wake_model_open(out, &model, NULL) < 0;
}

static int tear_down(void **state)
{
    va_wake_model_free(model);
    return temporary_remove(folder);
}

static uint32_t next_random(uint32_t *state)
{
    return *state = *state * 1664525u + 1013904223u;
}

/* The sum of an output, scaled: to the nearest in 31 bits, then to the nearest; halves go up, or away from zero. */
static int requantize(int64_t sum, double scale, int away)
{
    int exponent;
    int64_t multiplier = llround(frexp(scale, &exponent) * 2147483648.0);
    double high = floor((double)sum * (double)multiplier / 2147483648.0 + 0.5), value = ldexp(high, exponent);
    return (int)(away && value < 0 ? ceil(value - 0.5) : floor(value + 0.5));
}

static int clamp(int value, int least)
{
    return value > 127 ? 127 : value < least ? least : value;
}

/* Rows kept of every step of the network, oldest first; as the graph of synthetic_network.c says. */
struct plain {
    int input[5][40], rows1[4][10], rows3[2][9];
};

static const int8_t *weights(int rank, int32_t dim0, int32_t dim1, int32_t last)
{
    for (int i = 0; i < network.n_tensors; i++) {
        const struct synthetic_tflite_tensor *t = &network.tensor[i];
        if (t->type == VA_TFLITE_INT8 && t->data != NULL && t->rank == rank && t->dim[0] == dim0 && t->dim[1] == dim1 &&
            t->dim[rank - 1] == last)
            return t->data;
    }
    return NULL;
}

/* Of a bias the tests know the rule. */
static int bias(int i, int n, int step)
{
    return (i - n / 2) * step;
}

static void plain_reset(struct plain *p)
{
    for (size_t i = 0; i < sizeof *p / sizeof(int); i++)
        ((int *)p)[i] = -128;
}

static int plain_run(struct plain *p, const int8_t *frames)
{
    const int8_t *w1 = weights(4, 10, 5, 40), *w2 = weights(4, 1, 4, 4), *w3 = weights(4, 1, 2, 6), *w4 = weights(4, 9, 1, 10);
    const int8_t *w5 = weights(2, 1, 18, 18);
    const double weight_scale = 0.003f;
    int middle[10];

    memmove(p->input, p->input + 3, 2 * sizeof p->input[0]);
    for (int i = 0; i < 120; i++)
        p->input[2 + i / 40][i % 40] = frames[i];
    memmove(p->rows1, p->rows1 + 1, 3 * sizeof p->rows1[0]);
    for (int j = 0; j < 10; j++) {
        int64_t sum = bias(j, 10, 1000);
        for (int i = 0; i < 200; i++)
            sum += (p->input[i / 40][i % 40] + 128) * w1[200 * j + i];
        p->rows1[3][j] = clamp(requantize(sum, (double)0.10196079f * weight_scale / 0.3f, 0) - 128, -128);
    }
    for (int j = 0; j < 10; j++) { /* both groups are shorter than a block of 8: rounded away from zero */
        int64_t sum = j < 4 ? bias(j, 4, 300) : bias(j - 4, 6, -300);
        for (int i = 0; i < 4; i++)
            sum += j < 4 ? (p->rows1[i][j] + 128) * w2[4 * i + j] : i >= 2 ? (p->rows1[i][j] + 128) * w3[6 * (i - 2) + j - 4] : 0;
        middle[j] = clamp(requantize(sum, (double)0.3f * weight_scale / 0.05f, 1) + 7, -128);
    }
    memcpy(p->rows3[0], p->rows3[1], sizeof p->rows3[0]);
    for (int j = 0; j < 9; j++) {
        int64_t sum = bias(j, 9, 500);
        for (int i = 0; i < 10; i++)
            sum += (middle[i] - 7) * w4[10 * j + i];
        p->rows3[1][j] = clamp(requantize(sum, (double)0.05f * weight_scale / 0.02f, 0) - 128, -128);
    }
    int64_t sum = bias(0, 1, 0);
    for (int i = 0; i < 18; i++)
        sum += (p->rows3[i / 9][i % 9] + 128) * w5[i];
    int logit = clamp(requantize(sum, (double)0.02f * weight_scale / 0.05f, 0) + 10, -128);
    long output = lround(256.0 / (1.0 + exp(-(logit - 10) * (double)0.05f)));
    return (int)(output > 255 ? 255 : output);
}

static void equals_the_plain_network(void **state)
{
    const struct va_wake_network *n = va_wake_model_network(model);
    struct plain plain;
    uint32_t random = 1;
    int least = 255, most = 0;
    int8_t *memory = va_alloc(n->state_bytes, 1);

    assert_non_null(memory);
    for (int round = 0; round < 2; round++) {
        va_wake_network_reset(n, memory);
        plain_reset(&plain);
        for (int i = 0; i < INFERENCES; i++) {
            int8_t frames[120];
            for (int j = 0; j < 120; j++) /* quiet, loud and all values */
                frames[j] = (int8_t)(i % 3 == 0 ? next_random(&random) >> 24 : (next_random(&random) >> 26) - (i % 3 == 1 ? 128 : 0));
            int expected = plain_run(&plain, frames);
            assert_int_equal(va_wake_network_run(n, memory, frames), expected);
            least = expected < least ? expected : least;
            most = expected > most ? expected : most;
        }
    }
    assert_true(most - least > 50); /* the network does something */
    va_free(memory);
}

static void quantize(void **state)
{
    static const uint16_t features[] = {0, 1, 3, 100, 333, 664, 668, 65535};
    static const int8_t expected[] = {-128, -128, -127, -90, 0, 126, 127, 127};
    uint16_t frame[VA_WAKE_CHANNELS] = {0};
    int8_t out[VA_WAKE_CHANNELS];

    memcpy(frame, features, sizeof features);
    va_wake_network_quantize(va_wake_model_network(model), frame, out);
    assert_memory_equal(out, expected, sizeof expected);
    assert_int_equal(out[VA_WAKE_CHANNELS - 1], -128);
}

/* A ramp stays a ramp at another tempo. */
static void tempo(void **state)
{
    static const uint32_t steps[] = {VA_WAKE_TEMPO_SAME, VA_WAKE_TEMPO_SAME * 5 / 4, VA_WAKE_TEMPO_SAME / 2, 2 * VA_WAKE_TEMPO_SAME,
                                     VA_WAKE_TEMPO_SAME * 9 / 10};
    uint16_t frame[VA_WAKE_CHANNELS], out[VA_WAKE_TEMPO_MOST][VA_WAKE_CHANNELS];

    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        struct va_wake_tempo t;
        int total = 0;
        va_wake_tempo_init(&t, steps[s]);
        for (int i = 0; i < 200; i++) {
            for (int j = 0; j < VA_WAKE_CHANNELS; j++)
                frame[j] = (uint16_t)(300 * i + j);
            int n = va_wake_tempo_push(&t, frame, out);
            assert_in_range(n, 0, VA_WAKE_TEMPO_MOST);
            for (int k = 0; k < n; k++, total++)
                for (int j = 0; j < VA_WAKE_CHANNELS; j += 39)
                    assert_int_equal(out[k][j], lround(300.0 * total * steps[s] / VA_WAKE_TEMPO_SAME) + j);
        }
        assert_int_equal(total, 199ull * VA_WAKE_TEMPO_SAME / steps[s] + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equals_the_plain_network), cmocka_unit_test(quantize), cmocka_unit_test(tempo)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
