/* Both foreign formats to prepared files: the same weights whatever the way, and no file at all when something is wrong. */
#include "import_fixture.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "nn/container.h"
#include "nn/pack.h"

enum { D = SYNTHETIC_WIDTH };

static const struct va_tensor *get(const va_container *c, const char *name, enum va_tensor_type type, int rank, uint64_t a, uint64_t b)
{
    const uint64_t dims[] = {a, b};
    const struct va_tensor *t = NULL;
    va_error error = {0};
    if (va_container_get(c, name, type, rank, dims, &t, &error) < 0)
        fail_msg("%s", error.text);
    return t;
}

/* Rows row.. of a packed float matrix are the rows 0.. of a foreign tensor. */
static void check_rows(const va_container *c, const char *name, int packed_rows, int k, int first, int rows, const char *ggml_name,
                       enum va_import_type type)
{
    const float *data = get(c, name, VA_TENSOR_F32, 2, (uint64_t)packed_rows, (uint64_t)k)->data;
    float row[4 * D];
    for (int j = 0; j < rows; j++) {
        va_unpack_f32_row(data, k, first + j, row);
        for (int i = 0; i < k; i++) {
            float want = synthetic_rounded(type, synthetic_weight(ggml_name, (uint64_t)j * (uint64_t)k + (uint64_t)i));
            if (row[i] != want)
                fail_msg("%s row %d column %d: %g instead of %g", name, first + j, i, (double)row[i], (double)want);
        }
    }
}

static void check_vector(const va_container *c, const char *name, int size, int first, int n, const char *ggml_name)
{
    const float *data = get(c, name, VA_TENSOR_F32, 1, (uint64_t)size, 0)->data;
    for (int i = 0; i < n; i++)
        assert_float_equal(data[first + i], (ggml_name == NULL ? 0 : synthetic_weight(ggml_name, (uint64_t)i)), 0);
}

static void check_conv(const va_container *c, const char *name, int in, const char *ggml_name)
{
    const float *data = get(c, name, VA_TENSOR_F32, 2, D, (uint64_t)(3 * in))->data;
    float row[3 * 80];
    for (int j = 0; j < D; j++) {
        va_unpack_f32_row(data, 3 * in, j, row);
        for (int i = 0; i < in; i++)
            for (int tap = 0; tap < 3; tap++)
                assert_float_equal(row[tap * in + i], synthetic_weight(ggml_name, (uint64_t)((j * in + i) * 3 + tap)), 0);
    }
}

static void check_tables(const va_container *c, int vocab)
{
    int n_text = vocab >= 51865 ? 50257 : 50256;
    const int32_t *h = get(c, "hparams", VA_TENSOR_S32, 1, VA_WHISPER_HPARAMS, 0)->data;
    const int32_t want[] = {vocab, D, 1, 1, 1, 80, 1500, 448, VA_PRECISION_F32};
    assert_memory_equal(h, want, sizeof want);

    const int32_t *ends = get(c, "vocab.ends", VA_TENSOR_S32, 1, (uint64_t)n_text, 0)->data;
    const char *bytes = get(c, "vocab.bytes", VA_TENSOR_U8, 1, 0, 0)->data;
    int32_t at = 0;
    char token[16];
    for (int i = 0; i < n_text; i++) {
        int n = synthetic_token(i, token);
        assert_int_equal(ends[i] - at, n);
        assert_memory_equal(bytes + at, token, (size_t)n);
        at = ends[i];
    }
    /* the non-speech marks among the bytes, then the tokens of synthetic_token, then the specials */
    static const uint8_t marks[] = "\"#()*+/:;<=>@[\\]^_`{|}~";
    const struct va_tensor *suppress = get(c, "tokens.suppress", VA_TENSOR_S32, 1, 0, 0);
    const int32_t *ids = suppress->data;
    size_t n_marks = sizeof marks - 1;
    assert_int_equal(suppress->dim[0], n_marks + 3 + 6);
    for (size_t i = 0; i < n_marks; i++)
        assert_int_equal(ids[i], marks[i]);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ids[n_marks + i], 300 + i);
    const int32_t specials[] = {50258, 50358, 50359, 50360, 50361, 50362};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(ids[n_marks + 3 + i], specials[i] - (vocab >= 51865 ? 0 : 1));
    const int32_t *begin = get(c, "tokens.suppress_begin", VA_TENSOR_S32, 1, 2, 0)->data;
    assert_int_equal(begin[0], ' ');
    assert_int_equal(begin[1], n_text == 50257 ? 50257 : 50256);
    const int32_t *heads = get(c, "alignment_heads", VA_TENSOR_S32, 2, 1, 2)->data; /* not in the table: the upper half */
    assert_int_equal(heads[0], 0);
    assert_int_equal(heads[1], 0);
}

static void check_floats(int vocab, enum va_import_type type)
{
    va_container *c = NULL;
    va_error error = {0};
    if (va_container_open(out, VA_CONTAINER_WHISPER, &c, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(va_container_verify(c, &error), 0);
    check_tables(c, vocab);
    check_rows(c, "decoder.embedding.weight", 51872, D, 0, vocab, "decoder.token_embedding.weight", type);
    check_rows(c, "encoder.0.qkv.weight", 3 * D, D, 0, D, "encoder.blocks.0.attn.query.weight", type);
    check_rows(c, "encoder.0.qkv.weight", 3 * D, D, D, D, "encoder.blocks.0.attn.key.weight", type);
    check_rows(c, "encoder.0.qkv.weight", 3 * D, D, 2 * D, D, "encoder.blocks.0.attn.value.weight", type);
    check_vector(c, "encoder.0.qkv.bias", 3 * D, 0, D, "encoder.blocks.0.attn.query.bias");
    check_vector(c, "encoder.0.qkv.bias", 3 * D, D, D, NULL);
    check_vector(c, "encoder.0.qkv.bias", 3 * D, 2 * D, D, "encoder.blocks.0.attn.value.bias");
    check_rows(c, "decoder.0.cross_kv.weight", 2 * D, D, D, D, "decoder.blocks.0.cross_attn.value.weight", type);
    check_vector(c, "decoder.0.cross_kv.bias", 2 * D, 0, D, NULL);
    check_rows(c, "decoder.0.cross_out.weight", D, D, 0, D, "decoder.blocks.0.cross_attn.out.weight", type);
    check_rows(c, "decoder.0.mlp2.weight", D, 4 * D, 0, D, "decoder.blocks.0.mlp.2.weight", type);
    check_vector(c, "decoder.0.mlp_norm.gamma", D, 0, D, "decoder.blocks.0.mlp_ln.weight");
    check_vector(c, "encoder.norm.beta", D, 0, D, "encoder.ln_post.bias");
    check_vector(c, "encoder.conv2.bias", D, 0, D, "encoder.conv2.bias");
    check_conv(c, "encoder.conv1.weight", 80, "encoder.conv1.weight");
    check_conv(c, "encoder.conv2.weight", D, "encoder.conv2.weight");
    const float *positions = get(c, "encoder.positions", VA_TENSOR_F32, 2, 1500, D)->data;
    for (uint64_t i = 0; i < 1500 * D; i++)
        assert_float_equal(positions[i], synthetic_weight("encoder.positional_embedding", i), 0);
    va_container_free(c);
    assert_int_equal(unlink(out), 0);
    assert_nothing_left();
}

static void ct2_types(void **state)
{
    static const enum va_import_type types[] = {VA_IMPORT_F32, VA_IMPORT_F16, VA_IMPORT_BF16, VA_IMPORT_S8};
    va_error error = {0};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct synthetic s = {.vocab = i % 2 ? 51865 : 51864, .type = types[i]};
        write_ct2(&s);
        if (import_to_out(ct2, VA_PRECISION_F32, &error) < 0)
            fail_msg("%s", error.text);
        check_floats(s.vocab, types[i]);
    }
}

static void ggml_types(void **state)
{
    static const enum va_import_type types[] = {VA_IMPORT_F32,  VA_IMPORT_F16,  VA_IMPORT_Q8_0, VA_IMPORT_Q5_0,
                                                VA_IMPORT_Q5_1, VA_IMPORT_Q4_0, VA_IMPORT_Q4_1};
    va_error error = {0};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct synthetic s = {.vocab = i % 2 ? 51865 : 51864, .type = types[i], .backwards = i % 3 == 1};
        write_ggml(&s);
        if (import_to_out(ggml, VA_PRECISION_F32, &error) < 0)
            fail_msg("%s", error.text);
        check_floats(s.vocab, types[i]);
    }
}

/* int8 sources keep their numbers; floats come within half a step. */
static void int8(void **state)
{
    const struct synthetic sources[] = {{.vocab = 51864, .type = VA_IMPORT_S8}, {.vocab = 51864, .type = VA_IMPORT_F16}};
    va_error error = {0};
    for (int source = 0; source < 2; source++) {
        va_container *c;
        write_ct2(&sources[source]);
        assert_int_equal(import_to_out(ct2, VA_PRECISION_S8, &error), 0);
        assert_int_equal(va_container_open(out, VA_CONTAINER_WHISPER, &c, &error), 0);
        const int8_t *q = get(c, "decoder.embedding.weight", VA_TENSOR_S8, 2, 51872, D)->data;
        const float *step = get(c, "decoder.embedding.step", VA_TENSOR_F32, 1, 51872, 0)->data;
        const int32_t *sum = get(c, "decoder.embedding.sum", VA_TENSOR_S32, 1, 51872, 0)->data;
        float row[D], total;
        for (int j = 0; j < 51872; j++) {
            va_unpack_s8_row(q, step, D, j, row);
            total = 0;
            for (int i = 0; i < D; i++) {
                float want = j < 51864 ? synthetic_weight("decoder.token_embedding.weight", (uint64_t)(j * D + i)) : 0;
                if (fabsf(row[i] - want) > (source == 0 ? 0 : 0.5001f * step[j]))
                    fail_msg("row %d column %d: %g instead of %g", j, i, (double)row[i], (double)want);
                total += step[j] > 0 ? rintf(row[i] / step[j]) : 0;
            }
            assert_int_equal(sum[j], (int)total);
        }
        get(c, "encoder.conv1.weight", VA_TENSOR_F32, 2, D, 240);
        va_container_free(c);
        assert_int_equal(unlink(out), 0);
    }
}

/* The two formats lead to the same file, up to the hash of the source. */
static void same_file(void **state)
{
    const struct synthetic s = {.vocab = 51865, .type = VA_IMPORT_F16};
    struct va_map a, b;
    char other[384];
    snprintf(other, sizeof other, "%s.ggml", out);
    write_ct2(&s);
    write_ggml(&s);
    assert_int_equal(va_whisper_import(ct2, VA_PRECISION_S8, out, NULL, NULL, NULL), 0);
    assert_int_equal(va_whisper_import(ggml, VA_PRECISION_S8, other, NULL, NULL, NULL), 0);
    assert_int_equal(va_file_map(out, &a, NULL), 0);
    assert_int_equal(va_file_map(other, &b, NULL), 0);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data + 64, b.data + 64, 32); /* the hash of the content */
    assert_memory_equal(a.data + 128, b.data + 128, a.size - 128);
    assert_true(memcmp(a.data + 96, b.data + 96, 32) != 0); /* the hash of the source */
    va_file_unmap(&a);
    va_file_unmap(&b);
    unlink(other);
    unlink(out);
}

static void vocabulary_json(void **state)
{
    const struct synthetic s = {.vocab = 51864, .type = VA_IMPORT_S8};
    struct va_buffer b;
    char path[384];
    write_ct2(&s);
    snprintf(path, sizeof path, "%s/vocabulary.txt", ct2);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/vocabulary.json", ct2);
    va_buffer_init(&b, SYNTHETIC_MAX_BYTES);
    assert_int_equal(synthetic_vocabulary(s.vocab, 1, &b), 0);
    write_file(path, b.data, b.size);
    va_buffer_free(&b);
    assert_int_equal(import_to_out(ct2, VA_PRECISION_F32, NULL), 0);
    check_floats(s.vocab, s.type);
}

static int stop_at(void *user, double fraction)
{
    double *last = user;
    assert_true(fraction >= *last && fraction <= 1.0000001);
    *last = fraction;
    return fraction > 0.2;
}

static int only_watch(void *user, double fraction)
{
    *(double *)user = fraction;
    return 0;
}

static void world(void **state)
{
    const struct synthetic s = {.vocab = 51864, .type = VA_IMPORT_S8};
    const struct rlimit small = {1 << 20, RLIM_INFINITY};
    struct rlimit old;
    double last = 0;
    va_error error;
    write_ct2(&s);
    assert_refused("/nowhere/at/all", VA_ENOTFOUND, "/nowhere/at/all");
    assert_refused("/dev/null", VA_EFORMAT, "/dev/null");
    assert_int_equal(va_whisper_import(ct2, VA_PRECISION_S8, out, stop_at, &last, &error), VA_ECANCELLED);
    assert_true(last > 0.2);
    assert_nothing_left();
    assert_int_equal(va_whisper_import(ct2, VA_PRECISION_S8, "/nowhere/model.vam", NULL, NULL, &error), VA_ENOTFOUND);
    signal(SIGXFSZ, SIG_IGN); /* a full disk, near enough */
    getrlimit(RLIMIT_FSIZE, &old);
    setrlimit(RLIMIT_FSIZE, &small);
    int r = import_to_out(ct2, VA_PRECISION_S8, &error);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(r, VA_ELIMIT);
    assert_nothing_left();
    assert_int_equal(va_whisper_import(ct2, VA_PRECISION_S8, out, only_watch, &last, &error), 0);
    assert_float_equal(last, 1, 1e-9);
    unlink(out);
}

/* Our own allocations: without memory jansson may report a wrong syntax error, which is as good a refusal. */
static void out_of_memory(void **state)
{
    const struct synthetic s = {.vocab = 51864, .type = VA_IMPORT_S8};
    static const char lists[] = "{\"suppress_ids\": [1, 2], \"alignment_heads\": [[0, 0]]}";
    write_ct2(&s);
    write_file(config, lists, sizeof lists - 1);
    size_t n = 1;
    int r = VA_ENOMEM;
    while (r != 0) {
        va_error error = {0};
        va_memory_fail_after(n);
        r = import_to_out(ct2, VA_PRECISION_S8, &error);
        va_memory_fail_after(0);
        if (r != 0 && r != VA_ENOMEM)
            fail_msg("allocation %zu: code %d, \"%s\"", n, r, error.text);
        if (r != 0)
            assert_nothing_left();
        n++;
    }
    assert_true(n > 50);
    unlink(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ct2_types),       cmocka_unit_test(ggml_types), cmocka_unit_test(int8),          cmocka_unit_test(same_file),
        cmocka_unit_test(vocabulary_json), cmocka_unit_test(world),      cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, import_set_up, import_tear_down);
}
