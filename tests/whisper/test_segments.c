#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "whisper/segments.h"

/* The multilingual ids that matter here. */
static const struct va_special_tokens special = {.end = 50257, .first_timestamp = 50364, .last_timestamp = 51864};

#define T(frame) (50364 + (frame))

static int cut(const int32_t *tokens, int n, int frames, struct va_token_span *spans, int *advance)
{
    *advance = -1;
    int n_spans = va_segments_cut(&special, tokens, n, frames, spans, advance);
    assert_in_range(*advance, 1, frames);
    return n_spans;
}

static void assert_span(const struct va_token_span *span, int first, int n, int start, int end)
{
    assert_int_equal(span->first, first);
    assert_int_equal(span->n, n);
    assert_int_equal(span->start_frame, start);
    assert_int_equal(span->end_frame, end);
}

static void test_pairs_cut_and_the_rest_is_heard_again(void **state)
{
    const int32_t tokens[] = {T(0), 1, 2, T(100), T(100), 3, T(250), T(260), 4, 5};
    struct va_token_span spans[VA_SEGMENTS_MAX];
    int advance;
    assert_int_equal(cut(tokens, 10, 1500, spans, &advance), 2);
    assert_span(&spans[0], 0, 4, 0, 100);
    assert_span(&spans[1], 4, 3, 100, 250);
    assert_int_equal(advance, 250);
}

static void test_a_single_timestamp_at_the_end_closes_the_window(void **state)
{
    const int32_t tokens[] = {T(0), 1, T(100), T(120), 2, T(300)};
    struct va_token_span spans[VA_SEGMENTS_MAX];
    int advance;
    assert_int_equal(cut(tokens, 6, 700, spans, &advance), 2);
    assert_span(&spans[0], 0, 3, 0, 100);
    assert_span(&spans[1], 3, 3, 120, 300);
    assert_int_equal(advance, 700);
}

static void test_no_pair_is_one_segment(void **state)
{
    const int32_t with_end[] = {T(10), 1, 2, T(90)}, without[] = {1, 2, 3};
    struct va_token_span spans[VA_SEGMENTS_MAX];
    int advance;
    assert_int_equal(cut(with_end, 4, 500, spans, &advance), 1);
    assert_span(&spans[0], 0, 4, 10, 90);
    assert_int_equal(advance, 500);
    assert_int_equal(cut(without, 3, 500, spans, &advance), 1);
    assert_span(&spans[0], 0, 3, 0, 500);
}

static void test_times_beyond_the_audio_are_clamped(void **state)
{
    const int32_t tokens[] = {T(0), 1, T(1400), T(1400), 2, T(1500)};
    struct va_token_span spans[VA_SEGMENTS_MAX];
    int advance;
    assert_int_equal(cut(tokens, 6, 200, spans, &advance), 2);
    assert_span(&spans[0], 0, 3, 0, 200);
    assert_int_equal(advance, 200);
}

static void test_odd_sequences_always_move_on(void **state)
{
    const int32_t sequences[][6] = {{T(0), T(0), T(0), T(0), T(0), T(0)}, {T(0), 1, T(0), T(0), 2, 3}, {T(5), T(3), T(1), 1, 1, T(0)}};
    struct va_token_span spans[VA_SEGMENTS_MAX];
    int advance;
    assert_int_equal(cut(sequences[0], 0, 100, spans, &advance), 0);
    for (size_t i = 0; i < 3; i++)
        for (int n = 1; n <= 6; n++)
            cut(sequences[i], n, 100, spans, &advance);
    int32_t many[448];
    for (int i = 0; i < 448; i++)
        many[i] = T(i);
    assert_true(cut(many, 448, 1500, spans, &advance) <= VA_SEGMENTS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_cut_and_the_rest_is_heard_again),
        cmocka_unit_test(test_a_single_timestamp_at_the_end_closes_the_window),
        cmocka_unit_test(test_no_pair_is_one_segment),
        cmocka_unit_test(test_times_beyond_the_audio_are_clamped),
        cmocka_unit_test(test_odd_sequences_always_move_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
