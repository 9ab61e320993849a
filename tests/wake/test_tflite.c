#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "synthetic_tflite.h"

static void write_network(struct synthetic_tflite *network, struct va_buffer *file)
{
    synthetic_network(network);
    va_buffer_init(file, SYNTHETIC_TFLITE_MAX_BYTES);
    assert_int_equal(synthetic_tflite_write(network, file), 0);
}

static void everything_is_read(void **state)
{
    struct synthetic_tflite network;
    struct va_buffer file;
    struct va_tflite model;
    va_error error;
    int32_t value;

    write_network(&network, &file);
    if (va_tflite_read((const uint8_t *)file.data, file.size, &model, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(model.n_graphs, 2);
    const struct va_tflite_graph *graph = &model.graph[0];
    assert_int_equal(graph->n_tensors, network.n_tensors);
    assert_int_equal(graph->n_operators, network.n_operators);
    assert_int_equal(graph->input, network.input);
    assert_int_equal(graph->output, network.output);
    for (int i = 0; i < network.n_tensors; i++) {
        const struct synthetic_tflite_tensor *wanted = &network.tensor[i];
        const struct va_tflite_tensor *t = &graph->tensors[i];
        assert_int_equal(t->type, wanted->type);
        assert_int_equal(t->rank, wanted->rank);
        for (int j = 0; j < wanted->rank; j++)
            assert_int_equal(t->dim[j], wanted->dim[j]);
        assert_int_equal(t->scales.n, wanted->n_scales);
        for (int j = 0; j < wanted->n_scales; j++)
            assert_true(va_tflite_scale(t, (size_t)j) == wanted->scale);
        assert_int_equal(t->zero_point, wanted->n_scales > 0 ? wanted->zero_point : 0);
        assert_int_equal(t->data != NULL, wanted->data != NULL);
        if (t->data != NULL)
            assert_memory_equal(t->data, wanted->data, wanted->bytes);
    }
    for (int i = 0; i < network.n_operators; i++) {
        const struct synthetic_tflite_operator *wanted = &network.operator[i];
        const struct va_tflite_operator *op = &graph->operators[i];
        assert_int_equal(op->code, wanted->code);
        assert_int_equal(op->n_inputs, wanted->n_inputs);
        assert_int_equal(op->n_outputs, wanted->n_outputs);
        assert_memory_equal(op->input, wanted->input, (size_t)wanted->n_inputs * 4);
        assert_memory_equal(op->output, wanted->output, (size_t)wanted->n_outputs * 4);
        for (int j = 0; j < wanted->n_options; j++) {
            assert_int_equal(va_tflite_option(&model, op, wanted->option[j].field, wanted->option[j].bytes, 77, &value, &error), 0);
            assert_int_equal(value, wanted->option[j].value);
        }
        assert_int_equal(va_tflite_option(&model, op, 7, 4, 77, &value, &error), 0);
        assert_int_equal(value, 77); /* not there */
    }
    assert_int_equal(va_tflite_int32(&graph->tensors[SYNTHETIC_BEGIN], 1), -2);
    va_tflite_free(&model);
    va_buffer_free(&file);
}

/* Cut anywhere, and with any byte changed: an error or a reading that stays inside. The copies are as long as they say, for the
 * sanitizers. */
static void damaged(void **state)
{
    struct synthetic_tflite network;
    struct va_buffer file;
    struct va_tflite model;

    write_network(&network, &file);
    for (size_t n = 0; n < file.size; n += n < 2000 ? 1 : 37) {
        uint8_t *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, file.data, n);
        uint8_t *end = realloc(copy, n > 0 ? n : 1);
        assert_non_null(end);
        assert_int_equal(va_tflite_read(end, n, &model, NULL), VA_EFORMAT);
        free(end);
    }
    for (size_t i = 0; i < file.size; i += i < 4000 ? 1 : 53) {
        static const uint8_t values[] = {0x00, 0x7f, 0x80, 0xff};
        for (size_t j = 0; j < sizeof values; j++) {
            char old = file.data[i];
            file.data[i] = (char)values[j];
            if (va_tflite_read((const uint8_t *)file.data, file.size, &model, NULL) == 0)
                va_tflite_free(&model);
            file.data[i] = old;
        }
    }
    va_buffer_free(&file);
}

static void refused(void **state)
{
    static const int32_t four[4] = {1, 2, 3, 4};
    struct synthetic_tflite network;
    struct va_buffer file;
    struct va_tflite model;
    const struct {
        int what;
        int result;
    } cases[] = {{0, VA_EFORMAT}, {1, VA_EFORMAT}, {2, VA_EFORMAT}, {3, VA_EFORMAT}, {4, VA_EFORMAT}};

    assert_int_equal(va_tflite_read((const uint8_t *)"\4\0\0\0TFL2....", 12, &model, NULL), VA_EFORMAT);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        synthetic_network(&network);
        struct synthetic_tflite_tensor *t = &network.tensor[SYNTHETIC_BIAS_1];
        switch (cases[i].what) {
        case 0: /* data of another length than the shape */
            t->data = four;
            t->bytes = sizeof four;
            break;
        case 1:
            t->dim[0] = -1;
            break;
        case 2: /* too large */
            t->rank = 2;
            t->dim[0] = t->dim[1] = 1 << 20;
            break;
        case 3: /* an operand that does not exist */
            network.operator[3].input[0] = network.n_tensors;
            break;
        default:
            network.operator[3].output[0] = - 2;
        }
        va_buffer_init(&file, SYNTHETIC_TFLITE_MAX_BYTES);
        assert_int_equal(synthetic_tflite_write(&network, &file), 0);
        assert_int_equal(va_tflite_read((const uint8_t *)file.data, file.size, &model, NULL), cases[i].result);
        va_buffer_free(&file);
    }
}

static void out_of_memory(void **state)
{
    struct synthetic_tflite network;
    struct va_buffer file;
    struct va_tflite model;
    int r = VA_ENOMEM;

    write_network(&network, &file);
    for (size_t n = 1; r < 0; n++) {
        va_memory_fail_after(n);
        r = va_tflite_read((const uint8_t *)file.data, file.size, &model, NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
    }
    va_tflite_free(&model);
    va_buffer_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_is_read), cmocka_unit_test(damaged), cmocka_unit_test(refused),
                                       cmocka_unit_test(out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
