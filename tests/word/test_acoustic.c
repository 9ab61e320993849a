/* Where samples' rows fit best in other rows. */
#include "word/acoustic.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tiny_model.h"

enum { WIDTH = 64, FRAMES = 60, WORD_FIRST = 12, WORD_END = 32 };

static va_model *model;

static int set_up(void **state)
{
    char path[64];

    snprintf(path, sizeof path, "/tmp/va-acoustic-%d.vam", (int)getpid());
    tiny_model_write(path, VA_PRECISION_S8, 51865, NULL);
    assert_int_equal(va_model_open(path, NULL, &model, NULL), 0);
    return unlink(path);
}

static int tear_down(void **state)
{
    va_model_free(model);
    return 0;
}

/* rows [n][WIDTH]: what one seed always gives; the dimensions are of very different size, as an encoder's are. */
static void fill(float *rows, int n, uint32_t seed)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < WIDTH; k++) {
            seed = seed * 1664525u + 1013904223u;
            rows[i * WIDTH + k] = ((float)(seed >> 8) * 0x1p-23f - 1.0f) * (k % 8 == 0 ? 100.0f : 1.0f) + (float)k;
        }
}

/* Three samples: the same word among different rows, each a little different. */
struct samples {
    float rows[3][FRAMES * WIDTH];
    struct va_word_rows views[3];
};

static void make_samples(struct samples *samples)
{
    static float word[(WORD_END - WORD_FIRST) * WIDTH], other[FRAMES * WIDTH];

    fill(word, WORD_END - WORD_FIRST, 1);
    for (int s = 0; s < 3; s++) {
        fill(samples->rows[s], FRAMES, 100 + (uint32_t)s);
        fill(other, FRAMES, 200 + (uint32_t)s);
        for (int i = 0; i < (WORD_END - WORD_FIRST) * WIDTH; i++)
            samples->rows[s][WORD_FIRST * WIDTH + i] = word[i] + 0.2f * (other[i] - (float)(i % WIDTH));
        samples->views[s] = (struct va_word_rows){samples->rows[s], FRAMES, WORD_FIRST, WORD_END};
    }
}

static void clear(va_word_model *word)
{
    va_free(word->mean);
    va_free(word->scale);
    va_free(word->panels);
}

static void test_finds_the_place(void **state)
{
    static struct samples samples;
    static float rows[2 * FRAMES * WIDTH];
    struct va_word_place places[VA_WORD_MAX_SAMPLES];
    va_word_model word = {.model = model};

    make_samples(&samples);
    assert_int_equal(va_word_make_templates(&word, samples.views, 3, NULL), 0);
    assert_int_equal(word.n_templates, 3);
    assert_int_equal(word.n_columns, 64);
    /* Alone, each template is where it was taken from. */
    for (int s = 0; s < 3; s++) {
        assert_int_equal(va_word_find(&word, samples.rows[s], FRAMES, places, NULL), 0);
        assert_true(places[s].distance < 1e-4f);
        assert_int_equal(places[s].start, WORD_FIRST);
        assert_int_equal(places[s].end, WORD_END);
        for (int t = 0; t < 3; t++)
            assert_true(places[t].distance < 0.3f);
    }
    /* Elsewhere, and slower in one half: every second row twice. */
    fill(rows, 2 * FRAMES, 7);
    int n = 40;
    for (int i = WORD_FIRST; i < WORD_END; i++)
        for (int twice = 0; twice < 1 + (i % 2 == 0 && i >= (WORD_FIRST + WORD_END) / 2); twice++)
            memcpy(rows + WIDTH * n++, samples.rows[0] + WIDTH * i, WIDTH * sizeof(float));
    assert_int_equal(va_word_find(&word, rows, 2 * FRAMES, places, NULL), 0);
    struct va_word_place place = va_word_agree(places, 3);
    assert_in_range(place.start, 40, 41);
    assert_in_range(place.end, n - 1, n);
    assert_true(place.distance < 0.35f);
    /* Nowhere. */
    fill(rows, 2 * FRAMES, 8);
    assert_int_equal(va_word_find(&word, rows, 2 * FRAMES, places, NULL), 0);
    assert_true(va_word_agree(places, 3).distance > 0.6f);
    clear(&word);
}

static void test_shorter_than_a_template(void **state)
{
    static struct samples samples;
    struct va_word_place places[VA_WORD_MAX_SAMPLES];
    va_word_model word = {.model = model};

    make_samples(&samples);
    assert_int_equal(va_word_make_templates(&word, samples.views, 3, NULL), 0);
    for (int frames = 1; frames < 12; frames++) {
        assert_int_equal(va_word_find(&word, samples.rows[0], frames, places, NULL), 0);
        assert_true(places[0].distance >= 0.5f && places[0].distance <= 2.0f);
    }
    clear(&word);
}

static void test_rows_without_spread(void **state)
{
    static float rows[FRAMES * WIDTH];
    struct va_word_rows views[3] = {{rows, FRAMES, 0, 10}, {rows, FRAMES, 0, 10}, {rows, FRAMES, 0, 10}};
    struct va_word_place places[VA_WORD_MAX_SAMPLES];
    va_word_model word = {.model = model};

    assert_int_equal(va_word_make_templates(&word, views, 3, NULL), 0);
    assert_int_equal(va_word_find(&word, rows, FRAMES, places, NULL), 0);
    assert_true(isfinite(places[0].distance));
    clear(&word);
}

static void test_long_speech_is_cut(void **state)
{
    static float rows[(VA_WORD_MAX_FRAMES + 20) * WIDTH];
    struct va_word_rows views[3];
    va_word_model word = {.model = model};

    fill(rows, VA_WORD_MAX_FRAMES + 20, 3);
    for (int s = 0; s < 3; s++)
        views[s] = (struct va_word_rows){rows, VA_WORD_MAX_FRAMES + 20, 0, VA_WORD_MAX_FRAMES + 20};
    assert_int_equal(va_word_make_templates(&word, views, 3, NULL), 0);
    assert_int_equal(word.frames[0], VA_WORD_MAX_FRAMES);
    clear(&word);
}

static void test_agreement(void **state)
{
    const struct va_word_place places[] = {{0.5f, 1, 2}, {0.2f, 3, 9}, {0.9f, 5, 6}, {0.4f, 7, 8}};
    struct va_word_place place = va_word_agree(places, 4);

    assert_true(fabsf(place.distance - 0.3f) < 1e-6f);
    assert_int_equal(place.start, 3);
    assert_int_equal(place.end, 9);
    assert_true(va_word_agree(places, 1).distance > 1.0f);
}

static void test_out_of_memory(void **state)
{
    static struct samples samples;
    struct va_word_place places[VA_WORD_MAX_SAMPLES];
    va_word_model word = {.model = model};
    va_error error;

    make_samples(&samples);
    for (size_t n = 1; n <= 3; n++) {
        va_memory_fail_after(n);
        assert_int_equal(va_word_make_templates(&word, samples.views, 3, &error), VA_ENOMEM);
        va_memory_fail_after(0);
    }
    assert_int_equal(va_word_make_templates(&word, samples.views, 3, &error), 0);
    for (size_t n = 1; n <= 2; n++) {
        va_memory_fail_after(n);
        assert_int_equal(va_word_find(&word, samples.rows[0], FRAMES, places, &error), VA_ENOMEM);
        va_memory_fail_after(0);
    }
    clear(&word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_the_place),     cmocka_unit_test(test_shorter_than_a_template),
        cmocka_unit_test(test_rows_without_spread), cmocka_unit_test(test_long_speech_is_cut),
        cmocka_unit_test(test_agreement),           cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
