/* Texts and ids from another implementation (the `tokenizers` package, its table completed by the merge of id 256 that it lacks),
 * on the vocabularies of prepared models. Skipped where there are none. */
#include "token/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "nn/container.h"

static const struct real_case {
    const char *text;
    int32_t multilingual[24], english[48]; /* end with -1 */
} real_cases[] = {
    {"turn on the kitchen light", {33886, 322, 264, 6525, 1442, -1}, {15344, 319, 262, 9592, 1657, -1}},
    {" turn on the kitchen light", {1261, 322, 264, 6525, 1442, -1}, {1210, 319, 262, 9592, 1657, -1}},
    {" Set the thermostat to 21.5 degrees, please.",
     {8928, 264, 8810, 39036, 281, 5080, 13, 20, 5310, 11, 1767, 13, -1},
     {5345, 262, 10811, 1712, 265, 284, 2310, 13, 20, 7370, 11, 3387, 13, -1}},
    {" It's 10 o'clock; we've got 3 alarms!",
     {467, 311, 1266, 277, 6, 9023, 26, 321, 600, 658, 805, 45039, 0, -1},
     {632, 338, 838, 267, 6, 15750, 26, 356, 1053, 1392, 513, 36302, 0, -1}},
    {" Guten Morgen, k\xc3\xb6nntest du das Licht anmachen?",
     {42833, 35570, 11, 22541, 377, 1581, 1482, 32917, 364, 43981, 30, -1},
     {402, 7809, 37417, 268, 11, 479, 48863, 429, 395, 7043, 288, 292, 406, 30830, 281, 20285, 831, 30, -1}},
    {" caf\xc3\xa9 na\xc3\xafve \xc5\xbc\xc3\xb3\xc5\x82\xc4\x87",
     {25118, 1667, 15487, 303, 19625, 16181, 2162, -1},
     {40304, 41492, 25370, 120, 10205, 41615, 38325, -1}},
    {" \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
     {220, 27311, 31348, 2972, 22985, 40498, -1},
     {10545, 245, 98, 17312, 105, 45739, 252, 5641, 24336, 43302, -1}},
    {" \xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, \xd0\xbc\xd0\xb8\xd1\x80",
     {38932, 11, 20536, -1},
     {12466, 253, 21169, 18849, 38857, 16843, 20375, 11, 12466, 120, 18849, 21169, -1}},
    {" \xf0\x9f\x99\x82\xf0\x9f\x99\x82", {7385, 247, 224, 4222, 247, 224, -1}, {32485, 8582, 25081, -1}},
    {"   three  spaces\n\nand lines ",
     {220, 220, 1045, 220, 7673, 198, 198, 474, 3876, 220, -1},
     {220, 220, 1115, 220, 9029, 198, 198, 392, 3951, 220, -1}},
    {"antidisestablishmentarianism", {394, 40920, 33542, 1933, 518, 10652, 1434, -1}, {415, 29207, 44390, 3699, 1042, -1}},
    {"HTTP/1.1 200 OK", {39, 51, 16804, 14, 16, 13, 16, 2331, 2264, -1}, {40717, 14, 16, 13, 16, 939, 7477, -1}},
    {"aaaaaaaaaaaaaaaaaaaaaaaa", {16425, 16425, 16425, 16425, 16425, 16425, -1}, {24794, 24794, 24794, 24794, 24794, 24794, -1}},
    {" And so my fellow Americans", {400, 370, 452, 7177, 6280, -1}, {843, 523, 616, 5891, 3399, -1}},
};

static void check_model(const char *name, int n_vocab, int is_english)
{
    const char *folder = getenv("VA_TEST_MODELS");
    const struct va_tensor *bytes, *ends;
    va_container *container = NULL;
    va_tokenizer *tokenizer = NULL;
    va_error error = {0};
    char path[512];

    snprintf(path, sizeof path, "%s/%s.vam", folder != NULL ? folder : "/nonexistent", name);
    if (!va_file_exists(path)) {
        print_message("skipped: no prepared model %s.vam in VA_TEST_MODELS\n", name);
        skip();
    }
    assert_int_equal(va_container_open(path, VA_CONTAINER_WHISPER, &container, &error), 0);
    assert_int_equal(va_container_get(container, "vocab.bytes", VA_TENSOR_U8, 1, (uint64_t[]){0}, &bytes, &error), 0);
    assert_int_equal(va_container_get(container, "vocab.ends", VA_TENSOR_S32, 1, (uint64_t[]){0}, &ends, &error), 0);
    assert_int_equal(va_tokenizer_new(bytes->data, bytes->bytes, ends->data, (int)ends->dim[0], n_vocab, &tokenizer, &error), 0);
    for (size_t i = 0; i < sizeof real_cases / sizeof real_cases[0]; i++) {
        const int32_t *expected = is_english ? real_cases[i].english : real_cases[i].multilingual;
        int32_t ids[64];
        int n = va_tokenizer_encode(tokenizer, real_cases[i].text, ids, 64);
        assert_true(n > 0);
        for (int k = 0; k < n; k++)
            assert_int_equal(ids[k], expected[k]);
        assert_int_equal(expected[n], -1);
        struct va_buffer text;
        va_buffer_init(&text, 10000);
        assert_int_equal(va_tokenizer_decode(tokenizer, ids, (size_t)n, &text), 0);
        assert_string_equal(text.data, real_cases[i].text);
        va_buffer_free(&text);
    }
    va_tokenizer_free(tokenizer);
    va_container_free(container);
}

static void test_multilingual(void **state)
{
    check_model("base", 51865, 0);
}

static void test_english(void **state)
{
    check_model("tiny.en", 51864, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_multilingual), cmocka_unit_test(test_english)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
