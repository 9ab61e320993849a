/* Foreign models that are damaged, cut short or made to harm. */
#include "import_fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void bad_tensors(void **state)
{
    const struct synthetic ct2_bad[] = {
        {.vocab = 51864, .type = VA_IMPORT_S8, .without = "decoder/layer_0/ffn/linear_1/bias"},
        {.vocab = 51864, .type = VA_IMPORT_S8, .without = "decoder/layer_0/ffn/linear_1/weight_scale"},
        {.vocab = 51864, .type = VA_IMPORT_S8, .twice = "decoder/layer_norm/beta"},
        {.vocab = 51864, .type = VA_IMPORT_S8, .reshaped = "encoder/layer_0/self_attention/linear_0/weight"},
        {.vocab = 51864, .type = VA_IMPORT_S8, .not_finite = "decoder/layer_norm/gamma"},
        {.vocab = 51864, .type = VA_IMPORT_S8, .not_finite = "decoder/embeddings/weight_scale"},
    };
    const char *const ct2_words[] = {"decoder/layer_0/ffn/linear_1/bias is missing",
                                     "weight_scale is missing",
                                     "decoder/layer_norm/beta is there twice",
                                     "self_attention/linear_0/weight has a wrong type or shape",
                                     "decoder.norm.gamma holds a number that is not finite",
                                     "decoder.embedding.weight holds a number that is not finite"};
    for (size_t i = 0; i < sizeof ct2_bad / sizeof ct2_bad[0]; i++) {
        write_ct2(&ct2_bad[i]);
        assert_refused(ct2, VA_EFORMAT, ct2_words[i]);
    }
    const struct synthetic ggml_bad[] = {
        {.vocab = 51864, .type = VA_IMPORT_Q4_0, .without = "encoder.blocks.0.attn.value.bias"},
        {.vocab = 51864, .type = VA_IMPORT_Q4_0, .twice = "decoder.ln.weight"},
        {.vocab = 51864, .type = VA_IMPORT_Q4_0, .reshaped = "encoder.blocks.0.attn.key.weight"},
        {.vocab = 51864, .type = VA_IMPORT_F16, .not_finite = "decoder.blocks.0.mlp.2.weight"},
    };
    const char *const ggml_words[] = {"encoder.blocks.0.attn.value.bias is missing", "decoder.ln.weight is there twice",
                                      "encoder.blocks.0.attn.key.weight has a wrong type or shape", "decoder.0.mlp2.weight holds a number"};
    for (size_t i = 0; i < sizeof ggml_bad / sizeof ggml_bad[0]; i++) {
        write_ggml(&ggml_bad[i]);
        assert_refused(ggml, VA_EFORMAT, ggml_words[i]);
    }
}

/* Every file that is cut short is refused: at all of the first bytes, and then at odd places. */
static void truncated(void **state)
{
    const struct synthetic s = {.vocab = 51864, .type = VA_IMPORT_S8}, g = {.vocab = 51864, .type = VA_IMPORT_Q4_0};
    struct va_buffer b;
    char model[384];
    va_buffer_init(&b, SYNTHETIC_MAX_BYTES);
    write_ct2(&s);
    snprintf(model, sizeof model, "%s/model.bin", ct2);
    assert_int_equal(synthetic_ct2(&s, &b), 0);
    write_file(model, "", 0);
    assert_refused(ct2, VA_EFORMAT, "empty");
    for (size_t n = 1; n < b.size; n += n < 120 ? 1 : n < b.size - 200 ? b.size / 60 : 3) {
        write_file(model, b.data, n);
        assert_refused(ct2, VA_EFORMAT, "model.bin");
    }
    b.data[b.size] = '\0';
    write_file(model, b.data, b.size + 1);
    assert_refused(ct2, VA_EFORMAT, "bytes after its end");
    va_buffer_clear(&b);
    assert_int_equal(synthetic_ggml(&g, &b), 0);
    for (size_t n = 1; n < b.size; n += n < 80 ? 1 : n < b.size - 200 ? b.size / 60 : 3) {
        write_file(ggml, b.data, n);
        assert_refused(ggml, VA_EFORMAT, "ggml.bin");
    }
    va_buffer_free(&b);
}

static void bad_headers(void **state)
{
    const struct synthetic s = {.vocab = 51864, .type = VA_IMPORT_S8}, g = {.vocab = 51864, .type = VA_IMPORT_Q4_0};
    static const struct {
        size_t at;
        uint32_t value;
        int code;
        const char *words;
    } ct2_bad[] =
        {
            {0, 7, VA_EUNSUPPORTED, "format 7"},
            {0, 3, VA_EUNSUPPORTED, "format 3"},
            {6, 0x6c6c6c6c, VA_EUNSUPPORTED, "not a Whisper"},
            {18, 4, VA_EUNSUPPORTED, "revision 4"},
            {22, UINT32_MAX, VA_EFORMAT, "damaged at variable"},
            {22, 1, VA_EFORMAT, "truncated"},
        },
      ggml_bad[] = {
          {0, 1, VA_EFORMAT, "neither"},
          {4, 51863, VA_EFORMAT, "51863 tokens"},
          {4, UINT32_MAX, VA_EFORMAT, "tokens"},
          {8, 1501, VA_EFORMAT, "1501 audio"},
          {12, 128, VA_EFORMAT, "differ in width"},
          {16, 2, VA_EFORMAT, "differ in width"},
          {20, 33, VA_EFORMAT, "33 and 1 layers"},
          {36, 0, VA_EFORMAT, "1 and 0 layers"},
          {40, 128, VA_EUNSUPPORTED, "128 mel bands"},
          {52, 202, VA_EFORMAT, "mel filters"},
          {56 + 80 * 201 * 4, 50000, VA_EFORMAT, "50000 tokens"},
          {56 + 80 * 201 * 4 + 4, UINT32_MAX, VA_EFORMAT, "vocabulary"},
      };
    struct va_buffer b;
    char model[384];
    uint32_t old;
    va_buffer_init(&b, SYNTHETIC_MAX_BYTES);
    write_ct2(&s);
    snprintf(model, sizeof model, "%s/model.bin", ct2);
    assert_int_equal(synthetic_ct2(&s, &b), 0);
    for (size_t i = 0; i < sizeof ct2_bad / sizeof ct2_bad[0]; i++) {
        memcpy(&old, b.data + ct2_bad[i].at, 4);
        memcpy(b.data + ct2_bad[i].at, &ct2_bad[i].value, 4);
        write_file(model, b.data, b.size);
        assert_refused(ct2, ct2_bad[i].code, ct2_bad[i].words);
        memcpy(b.data + ct2_bad[i].at, &old, 4);
    }
    va_buffer_clear(&b);
    assert_int_equal(synthetic_ggml(&g, &b), 0);
    for (size_t i = 0; i < sizeof ggml_bad / sizeof ggml_bad[0]; i++) {
        memcpy(&old, b.data + ggml_bad[i].at, 4);
        memcpy(b.data + ggml_bad[i].at, &ggml_bad[i].value, 4);
        write_file(ggml, b.data, b.size);
        assert_refused(ggml, ggml_bad[i].code, ggml_bad[i].words);
        memcpy(b.data + ggml_bad[i].at, &old, 4);
    }
    va_buffer_free(&b);
}

static void texts(void **state)
{
    static const struct {
        const char *json;
        int code;
        const char *words;
    } configs[] = {
        {"{", VA_EFORMAT, "config.json:1"},
        {"[]", 0, ""},
        {"{\"suppress_ids\": 5}", VA_EFORMAT, "suppress_ids is not a list"},
        {"{\"suppress_ids\": [1, 51864]}", VA_EFORMAT, "no token"},
        {"{\"suppress_ids_begin\": [-1]}", VA_EFORMAT, "no token"},
        {"{\"suppress_ids\": [1.5]}", VA_EFORMAT, "no token"},
        {"{\"alignment_heads\": [[0, 1]]}", VA_EFORMAT, "no head"},
        {"{\"alignment_heads\": [7]}", VA_EFORMAT, "no head"},
        {"{\"suppress_ids\": [], \"suppress_ids_begin\": null, \"alignment_heads\": [[0, 0]]}", 0, ""},
    };
    const struct synthetic s = {.vocab = 51864, .type = VA_IMPORT_S8};
    struct va_buffer b;
    char text[384], json[384];
    write_ct2(&s);
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        write_file(config, configs[i].json, strlen(configs[i].json));
        if (configs[i].code < 0) {
            assert_refused(ct2, configs[i].code, configs[i].words);
        } else {
            assert_int_equal(import_to_out(ct2, VA_PRECISION_S8, NULL), 0);
            unlink(out);
        }
    }
    va_buffer_init(&b, SYNTHETIC_MAX_BYTES);
    snprintf(text, sizeof text, "%s/vocabulary.txt", ct2);
    snprintf(json, sizeof json, "%s/vocabulary.json", ct2);
    assert_int_equal(synthetic_vocabulary(51864, 0, &b), 0);
    write_file(text, b.data, b.size - 10);
    assert_refused(ct2, VA_EFORMAT, "51863 tokens, but the model has 51864");
    b.data[20] = '\x01';
    write_file(text, b.data, b.size);
    assert_refused(ct2, VA_EFORMAT, "not in the alphabet");
    unlink(text);
    assert_refused(ct2, VA_ENOTFOUND, "neither vocabulary.txt nor vocabulary.json");
    write_file(json, "[\"a\", 1]", 8);
    assert_refused(ct2, VA_EFORMAT, "2 tokens, but");
    va_buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_tensors),
        cmocka_unit_test(truncated),
        cmocka_unit_test(bad_headers),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, import_set_up, import_tear_down);
}
