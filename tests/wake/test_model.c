/* Prepared files whose numbers make no sense, though the container is sound. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "nn/container.h"
#include "synthetic_tflite.h"
#include "temporary.h"
#include "wake/model.h"

#define JSON                                                                                                            \
    "{\"type\": \"micro\", \"wake_word\": \"x\", \"micro\": {\"probability_cutoff\": 0.5, \"sliding_window_size\": 5, " \
    "\"feature_step_size\": 10}}"

static char folder[256], good[320], bad[320];

static int set_up(void **state)
{
    struct synthetic_tflite network;

    if (temporary_make(folder) < 0)
        return -1;
    snprintf(good, sizeof good, "%s/word.vam", folder);
    snprintf(bad, sizeof bad, "%s/bad.vam", folder);
    synthetic_network(&network);
    return synthetic_import(&network, folder, JSON, good);
}

static int tear_down(void **state)
{
    return temporary_remove(folder);
}

/* The good file with 4 bytes of a tensor changed; value NULL: without the tensor, or with one row less when it is the table of layers. */
static void write_spoilt(const char *name, size_t at, const void *value)
{
    static const uint8_t hash[32];
    va_container *container;
    va_container_writer *writer;

    assert_int_equal(va_container_open(good, VA_CONTAINER_WAKE, &container, NULL), 0);
    assert_int_equal(va_container_writer_new(bad, VA_CONTAINER_WAKE, hash, 1, &writer, NULL), 0);
    for (size_t i = 0; i < va_container_count(container); i++) {
        const struct va_tensor *t = va_container_at(container, i);
        char *data = va_alloc(t->bytes, 1);
        uint64_t dims[4] = {t->dim[0], t->dim[1], t->dim[2], t->dim[3]};
        assert_non_null(data);
        memcpy(data, t->data, t->bytes);
        if (strcmp(t->name, name) == 0 && value != NULL) {
            assert_true(at < t->bytes);
            memcpy(data + at, value, t->bytes - at < 4 ? t->bytes - at : 4);
        } else if (strcmp(t->name, name) == 0) {
            dims[0] = strcmp(name, "layers") == 0 ? dims[0] - 1 : 0;
        }
        assert_int_equal(va_container_writer_add(writer, t->name, t->type, t->rank, dims, data, NULL), 0);
        va_free(data);
    }
    assert_int_equal(va_container_writer_finish(writer, NULL), 0);
    va_container_writer_free(writer);
    va_container_free(container);
}

static void assert_refused(const char *name)
{
    va_wake_model *model;
    va_error error;

    if (va_wake_model_open(bad, &model, &error) != VA_EFORMAT)
        fail_msg("%s", name);
}

static void integers(void **state)
{
    enum { FIELD = 4, LAYER = VA_WAKE_FIELDS * FIELD };
    static const struct {
        const char *name;
        size_t at;
        int32_t value;
    } cases[] = {
        {"numbers", FIELD * VA_WAKE_NUMBER_WINDOW, 0},
        {"numbers", FIELD * VA_WAKE_NUMBER_WINDOW, VA_WAKE_MAX_WINDOW + 1},
        {"numbers", FIELD * VA_WAKE_NUMBER_STEP, 0},
        {"numbers", FIELD * VA_WAKE_NUMBER_STEP, VA_WAKE_MAX_STEP + 1},
        {"numbers", FIELD * VA_WAKE_NUMBER_STEP, 2}, /* not the step of the first layer */
        {"layers", FIELD * VA_WAKE_FIELD_KIND, 2},
        {"layers", FIELD * VA_WAKE_FIELD_ROWS, 2}, /* less than are new */
        {"layers", FIELD * VA_WAKE_FIELD_ROWS, VA_WAKE_MAX_ROWS + 1},
        {"layers", FIELD * VA_WAKE_FIELD_ROWS, 6}, /* not the rows of the weights */
        {"layers", FIELD * VA_WAKE_FIELD_IN, 39},
        {"layers", FIELD * VA_WAKE_FIELD_OUT, 0},
        {"layers", FIELD * VA_WAKE_FIELD_OUT, -1},
        {"layers", FIELD * VA_WAKE_FIELD_OUT, VA_WAKE_MAX_WIDTH + 1},
        {"layers", FIELD * VA_WAKE_FIELD_ZERO, 128},
        {"layers", FIELD * VA_WAKE_FIELD_LEAST, -129},
        {"layers", LAYER + FIELD * VA_WAKE_FIELD_STEP, 2},
        {"layers", LAYER + FIELD * VA_WAKE_FIELD_OUT, 9}, /* depthwise: as many as go in */
        {"0.bias", 0, VA_WAKE_MAX_BIAS + 1},
        {"0.bias", 0, INT32_MIN},
        {"0.requant", 0, -1},
        {"0.requant", FIELD * SYNTHETIC_WIDTH_1, 32},
        {"0.requant", FIELD * SYNTHETIC_WIDTH_1, -1},
        {"word", 1, 0x41414141}, /* without an end */
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_spoilt(cases[i].name, cases[i].at, &cases[i].value);
        assert_refused(cases[i].name);
    }
}

static void floats(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        float value;
    } cases[] = {
        {"cutoff", 0, 0.0f}, {"cutoff", 0, 1.0f},    {"cutoff", 0, NAN},    {"input", 0, 0.0f},
        {"input", 0, NAN},   {"input", 0, INFINITY}, {"input", 4, -129.0f}, {"input", 4, NAN},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_spoilt(cases[i].name, cases[i].at, &cases[i].value);
        assert_refused(cases[i].name);
    }
}

static void missing(void **state)
{
    static const char *const names[] = {"word",    "languages", "cutoff",   "numbers", "input",    "layers",
                                        "sigmoid", "0.weight",  "1.weight", "2.bias",  "3.requant"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) { /* without "layers" the last: more than one output */
        write_spoilt(names[i], 0, NULL);
        assert_refused(names[i]);
    }
    assert_int_equal(temporary_write(bad, "junk"), 0);
    assert_refused("junk");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(integers), cmocka_unit_test(floats), cmocka_unit_test(missing)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
