/* Words to files and back; files with wrong values. */
#include "word/acoustic.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "temporary.h"
#include "tiny_model.h"

enum { WIDTH = 64, FRAMES = 30 };

static char folder[256];
static va_model *model;
static va_context *context;
static va_word_model *word; /* from text, with templates */

static int set_up(void **state)
{
    static float rows[3][FRAMES * WIDTH];
    struct va_word_rows views[3];

    assert_int_equal(temporary_make(folder), 0);
    const char *path = temporary_path(folder, "tiny.vam");
    tiny_model_write(path, VA_PRECISION_S8, 51865, NULL);
    assert_int_equal(va_model_open(path, NULL, &model, NULL), 0);
    assert_int_equal(va_context_new(model, 1, &context, NULL), 0);
    assert_int_equal(va_word_from_text(context, "hey Bo", "de", &word, NULL), 0);
    for (int s = 0; s < 3; s++) {
        tiny_model_noise(rows[s], FRAMES * WIDTH);
        rows[s][s] += 1.0f;
        views[s] = (struct va_word_rows){rows[s], FRAMES, 3, 20 + s};
    }
    assert_int_equal(va_word_make_templates(word, views, 3, NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    va_word_free(word);
    va_context_free(context);
    va_model_free(model);
    return temporary_remove(folder);
}

static void assert_same(const va_word_model *a, const va_word_model *b)
{
    assert_int_equal(a->language, b->language);
    assert_string_equal(a->text, b->text);
    assert_int_equal(a->n_writings, b->n_writings);
    for (int i = 0; i < a->n_writings; i++) {
        assert_int_equal(a->writings[i].n, b->writings[i].n);
        assert_memory_equal(a->writings[i].tokens, b->writings[i].tokens, (size_t)a->writings[i].n * sizeof(int32_t));
    }
    assert_true(a->noise_logprob == b->noise_logprob);
    assert_int_equal(a->span_samples, b->span_samples);
    assert_int_equal(a->n_templates, b->n_templates);
    assert_int_equal(a->n_columns, b->n_columns);
    if (a->n_templates == 0)
        return;
    assert_memory_equal(a->frames, b->frames, (size_t)a->n_templates * sizeof a->frames[0]);
    assert_memory_equal(a->mean, b->mean, WIDTH * sizeof(float));
    assert_memory_equal(a->scale, b->scale, WIDTH * sizeof(float));
    assert_memory_equal(a->panels, b->panels, (size_t)a->n_columns * WIDTH * sizeof(float));
}

static void test_there_and_back(void **state)
{
    const char *path = temporary_path(folder, "word");
    va_word_model *read, *text;
    struct stat status;
    mode_t mask = umask(0);

    assert_int_equal(va_word_save(word, path, NULL), 0);
    umask(mask);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(va_word_load(model, path, &read, NULL), 0);
    assert_same(word, read);
    va_word_free(read);
    assert_int_equal(va_word_from_text(context, "Bo", "en", &text, NULL), 0);
    assert_int_equal(va_word_save(text, path, NULL), 0); /* over the old one */
    assert_int_equal(va_word_load(model, path, &read, NULL), 0);
    assert_same(text, read);
    va_word_free(read);
    va_word_free(text);
    assert_int_equal(va_word_save(word, temporary_path(folder, "nowhere/word"), NULL), VA_ENOTFOUND);
}

static void test_of_another_model(void **state)
{
    const char *path = temporary_path(folder, "of_other"), *model_path = temporary_path(folder, "other.vam");
    va_word_model *read = NULL;
    va_model *other;
    va_error error;

    assert_int_equal(va_word_save(word, path, NULL), 0);
    tiny_model_write(model_path, VA_PRECISION_F32, 51865, NULL);
    assert_int_equal(va_model_open(model_path, NULL, &other, NULL), 0);
    assert_int_equal(va_word_load(other, path, &read, &error), VA_EUNSUPPORTED);
    assert_non_null(strstr(error.text, "enrol the word again"));
    assert_int_equal(va_word_load(model, model_path, &read, &error), VA_EFORMAT); /* no word at all */
    assert_int_equal(va_word_load(model, temporary_path(folder, "absent"), &read, &error), VA_ENOTFOUND);
    assert_null(read);
    va_model_free(other);
}

/* Saves a spoilt word and tries to read it. */
static void assert_refused(const va_word_model *spoilt)
{
    const char *path = temporary_path(folder, "spoilt");
    va_word_model *read = NULL;
    va_error error;

    assert_int_equal(va_word_save(spoilt, path, NULL), 0);
    assert_int_equal(va_word_load(model, path, &read, &error), VA_EFORMAT);
    assert_null(read);
}

static void test_wrong_values(void **state)
{
    va_word_model spoilt = *word;

    spoilt.language = -1;
    assert_refused(&spoilt);
    spoilt.language = 99;
    assert_refused(&spoilt);
    spoilt = *word;
    spoilt.span_samples = 1;
    assert_refused(&spoilt);
    spoilt.span_samples = VA_WORD_MAX_SPAN + 1;
    assert_refused(&spoilt);
    spoilt = *word;
    spoilt.noise_logprob = NAN;
    assert_refused(&spoilt);
    spoilt = *word;
    spoilt.writings[1].tokens[0] = model->special->end;
    assert_refused(&spoilt);
    spoilt.writings[1].tokens[0] = -2;
    assert_refused(&spoilt);
    spoilt = *word;
    spoilt.writings[1].n = 0;
    assert_refused(&spoilt);
    spoilt = *word;
    spoilt.frames[1] = 0;
    assert_refused(&spoilt);
    spoilt.frames[1] = VA_WORD_MAX_FRAMES + 1;
    assert_refused(&spoilt);
    spoilt.frames[1] = word->frames[1] + 16; /* not as many columns */
    assert_refused(&spoilt);
    spoilt = *word;
    spoilt.n_templates = 2; /* of three */
    assert_refused(&spoilt);
}

static void test_numbers_that_are_none(void **state)
{
    float *const places[] = {&word->mean[3], &word->scale[0], &word->panels[5]};

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        float good = *places[i];
        *places[i] = INFINITY;
        assert_refused(word);
        *places[i] = good;
    }
}

static void test_damaged_bytes(void **state)
{
    const char *path = temporary_path(folder, "damaged");
    va_word_model *read = NULL;
    char *data;
    size_t size;

    assert_int_equal(va_word_save(word, path, NULL), 0);
    assert_int_equal(va_file_read(path, 1 << 20, &data, &size, NULL), 0);
    for (size_t at = 0; at < size; at += 97) {
        data[at] ^= 0x20;
        assert_int_equal(va_file_write(path, data, size, 0600, NULL), 0);
        assert_true(va_word_load(model, path, &read, NULL) < 0);
        data[at] ^= 0x20;
        at += at > 512 ? 2000 : 0;
    }
    assert_int_equal(va_file_write(path, data, size / 2, 0600, NULL), 0);
    assert_int_equal(va_word_load(model, path, &read, NULL), VA_EFORMAT);
    assert_null(read);
    va_free(data);
}

static void test_out_of_memory(void **state)
{
    const char *path = temporary_path(folder, "memory");
    va_word_model *read = NULL;
    va_error error;
    size_t n;
    int r;

    for (n = 1;; n++) {
        va_memory_fail_after(n);
        r = va_word_save(word, path, &error);
        va_memory_fail_after(0);
        if (r == 0)
            break;
        assert_int_equal(r, VA_ENOMEM);
        assert_false(va_file_exists(path));
    }
    assert_true(n > 3);
    for (n = 1;; n++) {
        va_memory_fail_after(n);
        r = va_word_load(model, path, &read, &error);
        va_memory_fail_after(0);
        if (r == 0)
            break;
        assert_int_equal(r, VA_ENOMEM);
        assert_null(read);
    }
    assert_true(n > 5);
    va_word_free(read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),        cmocka_unit_test(test_of_another_model), cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_numbers_that_are_none), cmocka_unit_test(test_damaged_bytes),    cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
