#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "synthetic_tflite.h"
#include "temporary.h"
#include "wake/import.h"
#include "wake/model.h"

#define MICRO "\"micro\": {\"probability_cutoff\": 0.9, \"sliding_window_size\": 5, \"feature_step_size\": 10}"
#define GOOD "{\"type\": \"micro\", \"wake_word\": \"Hey You\", \"trained_languages\": [\"en\", \"nl\"], " MICRO "}"

static char folder[256], source[320], description[320], out[320];

static int set_up(void **state)
{
    if (temporary_make(folder) < 0)
        return -1;
    snprintf(source, sizeof source, "%s/word.tflite", folder);
    snprintf(description, sizeof description, "%s/word.json", folder);
    snprintf(out, sizeof out, "%s/word.vam", folder);
    return 0;
}

static int tear_down(void **state)
{
    return temporary_remove(folder);
}

static void write_files(const struct synthetic_tflite *network, const char *json)
{
    struct va_buffer file;

    va_buffer_init(&file, SYNTHETIC_TFLITE_MAX_BYTES);
    assert_int_equal(synthetic_tflite_write(network, &file), 0);
    assert_int_equal(va_file_write(source, file.data, file.size, 0600, NULL), 0);
    assert_int_equal(temporary_write(description, json), 0);
    va_buffer_free(&file);
}

static int files_in_folder(void)
{
    DIR *list = opendir(folder);
    int n = 0;

    assert_non_null(list);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(list);
    return n;
}

static void good(void **state)
{
    struct synthetic_tflite network;
    va_wake_model *model;
    va_error error;

    synthetic_network(&network);
    write_files(&network, GOOD);
    if (va_wake_import(source, NULL, out, &error) < 0 || va_wake_model_open(out, &model, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(va_wake_model_word(model), "Hey You");
    assert_string_equal(va_wake_model_languages(model), "en,nl");
    assert_true(va_wake_model_cutoff(model) == 0.9f);
    assert_int_equal(va_wake_model_window(model), 5);
    const struct va_wake_network *n = va_wake_model_network(model);
    assert_int_equal(n->n_layers, 4);
    assert_int_equal(n->step, 3);
    assert_int_equal(n->layer[1].field[VA_WAKE_FIELD_KIND], VA_WAKE_DEPTHWISE);
    assert_int_equal(n->layer[1].field[VA_WAKE_FIELD_ROWS], 4);
    assert_int_equal(n->state_bytes, 5 * 40 + 4 * 10 + 10 + 2 * 9);
    for (int i = 0; i < 2; i++) /* the second group sees the last two rows only */
        for (int j = 4; j < 10; j++)
            assert_int_equal(n->layer[1].weight[10 * i + j], 0);
    va_wake_model_free(model);
    assert_int_equal(files_in_folder(), 3);
    assert_int_equal(va_wake_import(source, description, out, &error), 0); /* again, over it */
    assert_int_equal(remove(out), 0);
}

static void descriptions(void **state)
{
    static const struct {
        const char *text;
        int result;
    } bad[] = {
        {"", VA_EFORMAT},
        {"[]", VA_EFORMAT},
        {"{\"type\": \"openWakeWord\"}", VA_EFORMAT},
        {"{\"type\": \"micro\", " MICRO "}", VA_EFORMAT},
        {"{\"type\": \"micro\", \"wake_word\": \"\", " MICRO "}", VA_EFORMAT},
        {"{\"type\": \"micro\", \"wake_word\": \"a\\nb\", " MICRO "}", VA_EFORMAT},
        {"{\"type\": \"micro\", \"wake_word\": \"a\\u009bb\", " MICRO "}", VA_EFORMAT},
        {"{\"type\": \"micro\", \"wake_word\": \"x\"}", VA_EFORMAT},
        {"{\"type\": \"micro\", \"wake_word\": \"x\", \"trained_languages\": \"en\", " MICRO "}", VA_EFORMAT},
        {"{\"type\": \"micro\", \"wake_word\": \"x\", \"trained_languages\": [1], " MICRO "}", VA_EFORMAT},
        {"{\"type\": \"micro\", \"wake_word\": \"x\", \"trained_languages\": [\"e,n\"], " MICRO "}", VA_EFORMAT},
        {"{\"type\": \"micro\", \"wake_word\": \"x\", \"micro\": {\"probability_cutoff\": 1, \"sliding_window_size\": 5}}", VA_EFORMAT},
        {"{\"type\": \"micro\", \"wake_word\": \"x\", \"micro\": {\"probability_cutoff\": 0.5, \"sliding_window_size\": 0}}", VA_EFORMAT},
        {"{\"type\": \"micro\", \"wake_word\": \"x\", \"micro\": {\"probability_cutoff\": 0.5, \"sliding_window_size\": 9, "
         "\"feature_step_size\": 20}}",
         VA_EUNSUPPORTED},
    };
    struct synthetic_tflite network;
    va_error error;

    synthetic_network(&network);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_files(&network, bad[i].text);
        assert_int_equal(va_wake_import(source, NULL, out, &error), bad[i].result);
        assert_non_null(strstr(error.text, "word.json"));
        assert_int_equal(files_in_folder(), 2);
    }
    write_files(&network, "{\"type\": \"micro\", \"wake_word\": \"x\", " MICRO "}"); /* languages are not said */
    assert_int_equal(va_wake_import(source, NULL, out, &error), 0);
    assert_int_equal(remove(out), 0);
    assert_int_equal(remove(description), 0);
    assert_int_equal(va_wake_import(source, NULL, out, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "word.json"));
    assert_int_equal(va_wake_import(temporary_path(folder, "none"), NULL, out, &error), VA_ENOTFOUND);
    assert_int_equal(temporary_write(source, "this is no model of any kind"), 0);
    assert_int_equal(va_wake_import(source, NULL, out, &error), VA_EFORMAT);
}

static void spoil_more(struct synthetic_tflite *m, int what)
{
    struct synthetic_tflite_tensor *t = m->tensor;

    switch (what) {
    case 12: /* sums are made larger */
        t[SYNTHETIC_OUT_1].scale = 1e-6f;
        break;
    case 13: /* a state that does not start at zero */
        m->start[1].zero_point = 0;
        break;
    case 14:
        synthetic_find(m, VA_TFLITE_SPLIT_V)->input[2] = SYNTHETIC_STRIDES;
        break;
    case 15: /* the second group comes first */
        for (int i = 0; i < m->n_operators; i++)
            if (m->operator[i].code == VA_TFLITE_CONCATENATION && m->operator[i].option[0].value == - 1) {
                int32_t first = m->operator[i].input[0];
                m->operator[i].input[0] = m->operator[i].input[1];
                m->operator[i].input[1] = first;
            }
        break;
    case 16: /* two outputs */
        m->output = SYNTHETIC_OUT_1;
        break;
    case 17: /* depth multiplier */
        synthetic_find(m, VA_TFLITE_DEPTHWISE_CONV_2D)->option[1].value = 2;
        break;
    case 18: /* an operand that is left out */
        synthetic_find(m, VA_TFLITE_CONV_2D)->input[1] = -1;
        break;
    case 19: /* read twice */
        m->operator[m->n_operators++] = * synthetic_find(m, VA_TFLITE_READ_VARIABLE);
        break;
    case 20: /* a step that is not one row after the other */
        m->operator[5].input[3] = SYNTHETIC_BEGIN;
        break;
    case 21: /* the output has another scale */
        t[m->output].scale = 0.5f;
        break;
    case 22: /* scales of another dimension */
        t[SYNTHETIC_WEIGHT_1].axis = 3;
        break;
    default: /* no weights */
        t[SYNTHETIC_WEIGHT_1].data = NULL;
    }
}

/* A network that differs in one thing is refused. */
static void spoil(struct synthetic_tflite *m, int what)
{
    struct synthetic_tflite_tensor *t = m->tensor;

    switch (what) {
    case 0: /* another number of channels */
        t[SYNTHETIC_INPUT].dim[2] = 20;
        t[SYNTHETIC_INPUT].dim[1] = 6;
        break;
    case 1:
        t[SYNTHETIC_INPUT].type = 0;
        break;
    case 2: /* an operator that is not known */
        synthetic_find(m, VA_TFLITE_LOGISTIC)->code = 25;
        break;
    case 3: /* the state has another scale than what is joined to it */
        t[SYNTHETIC_STATE_1].scale *= 2;
        break;
    case 4: /* the first row is kept, not the last */
        m->operator[5].input[1] = SYNTHETIC_STRIDES;
        break;
    case 5: /* nothing is kept */
        synthetic_find(m, VA_TFLITE_ASSIGN_VARIABLE)->code = VA_TFLITE_CALL_ONCE;
        break;
    case 6:
        t[SYNTHETIC_WEIGHT_1].dim[1] = 4;
        t[SYNTHETIC_WEIGHT_1].bytes = 10 * 4 * 40;
        break;
    case 7: /* bias of another length */
        t[SYNTHETIC_BIAS_1].dim[0] = 9;
        t[SYNTHETIC_BIAS_1].bytes = 36;
        break;
    case 8:
        t[SYNTHETIC_WEIGHT_1].n_scales = 9;
        break;
    case 9:
        t[SYNTHETIC_WEIGHT_1].zero_point = 1;
        break;
    case 10: /* an activation other than ReLU */
        synthetic_find(m, VA_TFLITE_CONV_2D)->option[2].value = 3;
        break;
    case 11: /* padding by zeros */
        synthetic_find(m, VA_TFLITE_CONV_2D)->option[0].value = 0;
        break;
    default:
        spoil_more(m, what);
    }
}

static void other_networks(void **state)
{
    struct synthetic_tflite network;
    va_error error;

    for (int i = 0; i < 24; i++) {
        synthetic_network(&network);
        spoil(&network, i);
        write_files(&network, GOOD);
        int r = va_wake_import(source, NULL, out, &error);
        if (r != VA_EUNSUPPORTED)
            fail_msg("case %d: %d %s", i, r, r < 0 ? error.text : "");
        assert_non_null(strstr(error.text, "not a streaming microWakeWord network"));
        assert_int_equal(files_in_folder(), 2);
    }
}

static void out_of_memory(void **state)
{
    struct synthetic_tflite network;
    va_wake_model *model;
    int r = VA_ENOMEM;

    synthetic_network(&network);
    write_files(&network, GOOD);
    for (size_t n = 1; r < 0; n++) {
        va_memory_fail_after(n);
        r = va_wake_import(source, NULL, out, NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
        assert_int_equal(files_in_folder(), r < 0 ? 2 : 3);
    }
    r = VA_ENOMEM;
    for (size_t n = 1; r < 0; n++) {
        va_memory_fail_after(n);
        r = va_wake_model_open(out, &model, NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
    }
    va_wake_model_free(model);
    assert_int_equal(remove(out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good), cmocka_unit_test(descriptions), cmocka_unit_test(other_networks),
                                       cmocka_unit_test(out_of_memory)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
