/* The detector, with a "word" that is any loud noise. */
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
#include "wake/wake.h"

#define JSON                                                                                                                 \
    "{\"type\": \"micro\", \"wake_word\": \"Noise\", \"micro\": {\"probability_cutoff\": 0.97, \"sliding_window_size\": 5, " \
    "\"feature_step_size\": 10}}"

enum { RATE = VA_WAKE_RATE_HZ, SECONDS = 12, MAX_EVENTS = 64 };

static char folder[256];
static va_wake_model *model;
static float stream[SECONDS * RATE];

/* A third of a second of noise. */
static void burst(double from_s)
{
    uint32_t random = 7;

    for (size_t i = (size_t)(from_s * RATE); i < (size_t)((from_s + 0.33) * RATE); i++) {
        random = random * 1664525u + 1013904223u;
        stream[i] = 0.3f * ((float)(random >> 8) / 8388608.0f - 1.0f);
    }
}

static int set_up(void **state)
{
    struct synthetic_tflite network;
    char out[320];

    if (temporary_make(folder) < 0)
        return -1;
    snprintf(out, sizeof out, "%s/word.vam", folder);
    synthetic_loudness(&network);
    int r = synthetic_import(&network, folder, JSON, out) != 0 || va_wake_model_open(out, &model, NULL) < 0;
    burst(2.0);
    burst(5.0);
    burst(5.6); /* too soon to be told */
    burst(9.0);
    return r;
}

static int tear_down(void **state)
{
    va_wake_model_free(model);
    return temporary_remove(folder);
}

struct events {
    int n;
    struct va_wake_event event[MAX_EVENTS];
    uint64_t told_at[MAX_EVENTS];
    uint64_t now; /* samples pushed before */
};

static void on_event(void *user, const struct va_wake_event *event)
{
    struct events *events = user;

    assert_true(events->n < MAX_EVENTS);
    events->event[events->n] = *event;
    events->told_at[events->n++] = events->now;
}

static va_wake *make(float sensitivity)
{
    const struct va_wake_word word = {model, sensitivity};
    va_wake *wake;
    va_error error;

    if (va_wake_new(&word, 1, &wake, &error) < 0)
        fail_msg("%s", error.text);
    return wake;
}

static void push_all(va_wake *wake, size_t piece, struct events *events)
{
    *events = (struct events){0};
    for (size_t i = 0; i < sizeof stream / sizeof stream[0]; i += piece) {
        size_t n = sizeof stream / sizeof stream[0] - i;
        va_wake_push(wake, stream + i, n < piece ? n : piece, on_event, events);
        events->now = i + piece;
    }
}

static void words_are_heard(void **state)
{
    static const double at_s[] = {2.0, 5.0, 9.0};
    struct events events;
    va_wake *wake = make(0.5f);

    push_all(wake, 160, &events);
    assert_int_equal(events.n, 3);
    for (int i = 0; i < 3; i++) {
        double end_s = (double)events.event[i].end / RATE;
        assert_int_equal(events.event[i].word, 0);
        assert_true(events.event[i].score >= va_wake_threshold(model, 0.5f) && events.event[i].score < 1.0f);
        assert_true(events.event[i].start < events.event[i].end);
        assert_true(events.event[i].end <= events.told_at[i]);
        assert_true(end_s > at_s[i] - 0.3 && end_s < at_s[i] + 0.6);
    }
    va_wake_free(wake);
}

static void pieces_do_not_matter(void **state)
{
    static const size_t pieces[] = {1, 7, 159, 161, 1000, 5 * RATE, SECONDS * RATE};
    struct events expected, events;
    va_wake *wake = make(0.5f);

    push_all(wake, 160, &expected);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        va_wake_reset(wake);
        push_all(wake, pieces[i], &events);
        assert_int_equal(events.n, expected.n);
        for (int j = 0; j < events.n; j++) {
            assert_true(events.event[j].score == expected.event[j].score);
            assert_int_equal(events.event[j].start, expected.event[j].start);
            assert_int_equal(events.event[j].end, expected.event[j].end);
        }
    }
    va_wake_push(wake, stream, 0, on_event, &events);
    va_wake_free(wake);
}

static void sensitivities(void **state)
{
    const struct va_wake_word words[] = {{model, 0.0f}, {model, 0.5f}, {model, 1.0f}};
    struct events events;
    va_wake *wake;
    va_error error;
    int n[3] = {0};

    assert_true(va_wake_threshold(model, 0.0f) > va_wake_threshold(model, 0.5f));
    assert_true(va_wake_threshold(model, 0.5f) > va_wake_threshold(model, 1.0f));
    assert_int_equal(va_wake_new(words, 3, &wake, &error), 0);
    push_all(wake, 160, &events);
    for (int i = 0; i < events.n; i++)
        n[events.event[i].word]++;
    assert_int_equal(n[0], 0);
    assert_int_equal(n[1], 3);
    assert_true(n[2] >= 3);
    va_wake_reset(wake);
    assert_int_equal(va_wake_set_sensitivity(wake, 0, 0.5f, &error), 0);
    assert_int_equal(va_wake_set_sensitivity(wake, 1, 0.0f, &error), 0);
    push_all(wake, 160, &events);
    n[0] = n[1] = 0;
    for (int i = 0; i < events.n; i++)
        n[events.event[i].word]++;
    assert_int_equal(n[0], 3);
    assert_int_equal(n[1], 0);
    assert_int_equal(va_wake_set_sensitivity(wake, 3, 0.5f, &error), VA_EINVAL);
    assert_int_equal(va_wake_set_sensitivity(wake, 0, 1.1f, &error), VA_EINVAL);
    assert_int_equal(va_wake_set_sensitivity(wake, 0, NAN, &error), VA_EINVAL);
    va_wake_free(wake);
}

static void skipped_samples_count(void **state)
{
    struct events whole, events = {0};
    va_wake *wake = make(0.5f);

    push_all(wake, 160, &whole);
    va_wake_reset(wake);
    va_wake_skip(wake, RATE);
    va_wake_push(wake, stream + RATE, 3 * RATE, on_event, &events);
    assert_int_equal(events.n, 1);
    uint64_t a = events.event[0].end, b = whole.event[0].end;
    assert_true((a > b ? a - b : b - a) <= 3 * 160); /* the network takes three frames at once, from where it begins */
    va_wake_free(wake);
}

static void samples_of_any_value(void **state)
{
    static const float values[] = {NAN, INFINITY, -INFINITY, 1e30f, -2.0f, 1.0f, -1.0f};
    struct events events = {0};
    va_wake *wake = make(0.5f);

    for (int i = 0; i < 3 * RATE; i++) {
        float x = values[i / 1600 % 7];
        va_wake_push(wake, &x, 1, on_event, &events);
        assert_true(va_wake_score(wake, 0) > 0.0f && va_wake_score(wake, 0) < 1.0f);
    }
    va_wake_reset(wake);
    push_all(wake, 160, &events);
    assert_int_equal(events.n, 3);
    va_wake_free(wake);
}

static void nothing_is_allocated_while_listening(void **state)
{
    struct events events;
    va_wake *wake = make(0.5f);

    va_memory_fail_after(1);
    push_all(wake, 160, &events);
    va_memory_fail_after(0);
    assert_int_equal(events.n, 3);
    va_wake_free(wake);
}

static void errors(void **state)
{
    struct va_wake_word words[VA_WAKE_MAX_WORDS + 1];
    va_wake *wake;
    va_error error;

    for (int i = 0; i <= VA_WAKE_MAX_WORDS; i++)
        words[i] = (struct va_wake_word){model, 0.5f};
    assert_int_equal(va_wake_new(words, 0, &wake, &error), VA_EINVAL);
    assert_int_equal(va_wake_new(words, VA_WAKE_MAX_WORDS + 1, &wake, &error), VA_EINVAL);
    words[1].sensitivity = -0.1f;
    assert_int_equal(va_wake_new(words, 2, &wake, &error), VA_EINVAL);
    words[1].sensitivity = NAN;
    assert_int_equal(va_wake_new(words, 2, &wake, &error), VA_EINVAL);
    assert_non_null(strstr(error.text, "sensitivity"));
    va_wake_free(NULL);
}

static void out_of_memory(void **state)
{
    const struct va_wake_word words[] = {{model, 0.5f}, {model, 0.5f}};
    va_wake *wake;
    int r = VA_ENOMEM;

    for (size_t n = 1; r < 0; n++) {
        va_memory_fail_after(n);
        r = va_wake_new(words, 2, &wake, NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
    }
    va_wake_free(wake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_are_heard),
                                       cmocka_unit_test(pieces_do_not_matter),
                                       cmocka_unit_test(sensitivities),
                                       cmocka_unit_test(skipped_samples_count),
                                       cmocka_unit_test(samples_of_any_value),
                                       cmocka_unit_test(nothing_is_allocated_while_listening),
                                       cmocka_unit_test(errors),
                                       cmocka_unit_test(out_of_memory)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
