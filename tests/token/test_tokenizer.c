#include "token/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

/* A small vocabulary: the 256 bytes, then joins in the order of their ids. */
static const char *const joins[] = {" t", "he",  "in",    "re",   "on",       " the", "er", "aa",
                                    "lo", "hel", "hello", "aaaa", "\xc3\xa9", "th",   "the"};
#define N_TEXT (256 + (int)(sizeof joins / sizeof joins[0]) + 1)

struct vocabulary {
    uint8_t bytes[512];
    uint32_t ends[N_TEXT];
};

static void make_vocabulary(struct vocabulary *v)
{
    uint32_t used = 0;
    int id = 0;

    for (; id < 256; id++) {
        v->bytes[used++] = (uint8_t)id;
        v->ends[id] = used;
    }
    for (; id < N_TEXT - 1; id++) {
        size_t length = strlen(joins[id - 256]);
        memcpy(v->bytes + used, joins[id - 256], length);
        used += (uint32_t)length;
        v->ends[id] = used;
    }
    v->ends[id] = used; /* an empty token, as multilingual models have one */
}

static va_tokenizer *new_small(struct vocabulary *v, int n_vocab)
{
    va_tokenizer *tokenizer = NULL;
    va_error error;

    make_vocabulary(v);
    assert_int_equal(va_tokenizer_new(v->bytes, v->ends[N_TEXT - 1], v->ends, N_TEXT, n_vocab, &tokenizer, &error), 0);
    return tokenizer;
}

static void check_ids(const va_tokenizer *tokenizer, const char *text, const int32_t *expected, int n)
{
    int32_t ids[64];

    assert_int_equal(va_tokenizer_encode(tokenizer, text, ids, 64), n);
    for (int i = 0; i < n; i++)
        assert_int_equal(ids[i], expected[i]);
}

static void test_joins(void **state)
{
    struct vocabulary v;
    va_tokenizer *t = new_small(&v, 51865);

    check_ids(t, "", NULL, 0);
    check_ids(t, "hello", (int32_t[]){266}, 1);
    check_ids(t, " the", (int32_t[]){261}, 1);
    check_ids(t, "the", (int32_t[]){270}, 1);
    check_ids(t, "them", (int32_t[]){270, 'm'}, 2);
    check_ids(t, "helo", (int32_t[]){257, 264}, 2); /* "lo" comes before "hel" */
    check_ids(t, "thr", (int32_t[]){269, 'r'}, 2);
    check_ids(t, "ther", (int32_t[]){270, 'r'}, 2); /* "he" is joined first, so "er" never is */
    check_ids(t, "he the", (int32_t[]){257, 261}, 2);
    va_tokenizer_free(t);
}

static void test_long_pieces(void **state)
{
    struct vocabulary v;
    va_tokenizer *t = new_small(&v, 51865);
    enum { LENGTH = 40001 };
    char *text = va_alloc(LENGTH + 1, 1);
    int32_t *ids = va_alloc(LENGTH, sizeof *ids);

    memset(text, 'a', LENGTH);
    text[LENGTH] = '\0';
    assert_int_equal(va_tokenizer_encode(t, text, ids, LENGTH), LENGTH / 4 + 1);
    assert_int_equal(ids[0], 267);
    assert_int_equal(ids[LENGTH / 4 - 1], 267);
    assert_int_equal(ids[LENGTH / 4], 'a');
    assert_int_equal(va_tokenizer_encode(t, text, ids, LENGTH / 4), VA_ELIMIT);
    assert_int_equal(va_tokenizer_encode(t, text, ids, 10), VA_ELIMIT);
    assert_int_equal(va_tokenizer_encode(t, text, ids, 0), VA_ELIMIT);
    va_free(text);
    va_free(ids);
    va_tokenizer_free(t);
}

static void test_bytes(void **state)
{
    struct vocabulary v;
    va_tokenizer *t = new_small(&v, 51865);
    size_t length;

    assert_memory_equal(va_tokenizer_bytes(t, 266, &length), "hello", 5);
    assert_int_equal(length, 5);
    assert_int_equal(*va_tokenizer_bytes(t, 0, &length), 0);
    assert_int_equal(length, 1);
    static const int32_t without[] = {N_TEXT - 1, N_TEXT, 50257, 50363, 60000, -1, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
        assert_non_null(va_tokenizer_bytes(t, without[i], &length));
        assert_int_equal(length, 0);
    }
    va_tokenizer_free(t);
}

static void check_text(const va_tokenizer *t, const int32_t *ids, size_t n, const char *expected)
{
    struct va_buffer text;

    va_buffer_init(&text, 1000);
    assert_int_equal(va_buffer_append_string(&text, "before "), 0);
    assert_int_equal(va_tokenizer_decode(t, ids, n, &text), 0);
    assert_memory_equal(text.data, "before ", 7);
    assert_string_equal(text.data + 7, expected);
    assert_int_equal(text.size, 7 + strlen(expected));
    va_buffer_free(&text);
}

static void test_decode(void **state)
{
    struct vocabulary v;
    va_tokenizer *t = new_small(&v, 51865);

    check_text(t, NULL, 0, "");
    check_text(t, (int32_t[]){50258, 50259, 266, 261, 50364, N_TEXT - 1, 268, 50257}, 8, "hello the\xc3\xa9");
    check_text(t, (int32_t[]){0xc3, 0xa9}, 2, "\xc3\xa9"); /* a character in two tokens */
    check_text(t, (int32_t[]){'a', 0xe2, 0x82}, 3, "a\xef\xbf\xbd");
    check_text(t, (int32_t[]){0xe2, 0x82, 'b'}, 3,
               "\xef\xbf\xbd"
               "b");
    check_text(t, (int32_t[]){0x80, 0x81}, 2, "\xef\xbf\xbd\xef\xbf\xbd");
    check_text(t, (int32_t[]){0xff, 0xff, 0xff}, 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    check_text(t, (int32_t[]){'a', 0, 'b'}, 3,
               "a\xef\xbf\xbd"
               "b");
    va_tokenizer_free(t);
}

static void test_specials(void **state)
{
    struct vocabulary v;
    va_tokenizer *t = new_small(&v, 51864);
    const struct va_special_tokens *s = va_tokenizer_special(t);

    assert_int_equal(s->multilingual, 0);
    assert_int_equal(s->end, 50256);
    assert_int_equal(s->start, 50257);
    assert_int_equal(s->no_speech, 50361);
    assert_int_equal(s->no_timestamps, 50362);
    assert_int_equal(s->last_timestamp, 51863);
    va_tokenizer_free(t);

    t = new_small(&v, 51865);
    s = va_tokenizer_special(t);
    assert_int_equal(s->multilingual, 1);
    assert_int_equal(s->end, 50257);
    assert_int_equal(s->first_language, 50259);
    assert_int_equal(s->n_languages, 99);
    assert_int_equal(s->translate, 50358);
    assert_int_equal(s->transcribe, 50359);
    assert_int_equal(s->start_of_lm, 50360);
    assert_int_equal(s->start_of_prev, 50361);
    assert_int_equal(s->no_speech, 50362);
    assert_int_equal(s->no_timestamps, 50363);
    assert_int_equal(s->first_timestamp, 50364);
    assert_int_equal(s->last_timestamp, 51864);
    va_tokenizer_free(t);

    t = new_small(&v, 51866);
    s = va_tokenizer_special(t);
    assert_int_equal(s->n_languages, 100);
    assert_int_equal(s->translate, 50359);
    assert_int_equal(s->last_timestamp, 51865);
    va_tokenizer_free(t);
}

static void test_damaged(void **state)
{
    struct vocabulary v;
    va_tokenizer *t = NULL;
    va_error error;

    make_vocabulary(&v);
    uint32_t size = v.ends[N_TEXT - 1];
    assert_int_equal(va_tokenizer_new(v.bytes, size, v.ends, N_TEXT, 51863, &t, &error), VA_EFORMAT);
    assert_int_equal(va_tokenizer_new(v.bytes, size, v.ends, N_TEXT, 51867, &t, &error), VA_EFORMAT);
    assert_int_equal(va_tokenizer_new(v.bytes, size, v.ends, N_TEXT, -1, &t, &error), VA_EFORMAT);
    assert_int_equal(va_tokenizer_new(v.bytes, size, v.ends, 0, 51865, &t, &error), VA_EFORMAT);
    assert_int_equal(va_tokenizer_new(v.bytes, size, v.ends, 50258, 51865, &t, &error), VA_EFORMAT);
    assert_int_equal(va_tokenizer_new(v.bytes, size - 1, v.ends, N_TEXT, 51865, &t, &error), VA_EFORMAT);
    v.ends[100]++;
    v.ends[99] += 2;
    assert_int_equal(va_tokenizer_new(v.bytes, size, v.ends, N_TEXT, 51865, &t, &error), VA_EFORMAT);
    make_vocabulary(&v);
    v.bytes['x'] = 'y';
    assert_int_equal(va_tokenizer_new(v.bytes, size, v.ends, N_TEXT, 51865, &t, &error), VA_EFORMAT);
    assert_null(t);
    va_tokenizer_free(NULL);
}

static void test_no_memory(void **state)
{
    struct vocabulary v;
    va_tokenizer *t = NULL;
    va_error error;
    char long_word[1001];
    int32_t ids[sizeof long_word];
    struct va_buffer text;

    make_vocabulary(&v);
    for (size_t n = 1; n <= 2; n++) {
        va_memory_fail_after(n);
        assert_int_equal(va_tokenizer_new(v.bytes, sizeof v.bytes, v.ends, N_TEXT, 51865, &t, &error), VA_ENOMEM);
    }
    va_memory_fail_after(0);
    assert_null(t);
    t = new_small(&v, 51865);
    memset(long_word, 'h', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    for (size_t n = 1; n <= 2; n++) {
        va_memory_fail_after(n);
        assert_int_equal(va_tokenizer_encode(t, long_word, ids, sizeof ids / sizeof ids[0]), VA_ENOMEM);
    }
    va_memory_fail_after(1);
    assert_int_equal(va_tokenizer_encode(t, "hello you", ids, 8), 5); /* words of a usual length need no memory */
    va_buffer_init(&text, 100);
    assert_int_equal(va_tokenizer_decode(t, (int32_t[]){266}, 1, &text), VA_ENOMEM);
    va_memory_fail_after(0);
    va_buffer_init(&text, 3);
    assert_int_equal(va_tokenizer_decode(t, (int32_t[]){'a', 'b'}, 2, &text), VA_ELIMIT);
    assert_int_equal(text.size, 0);
    va_tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joins),     cmocka_unit_test(test_long_pieces), cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_decode),    cmocka_unit_test(test_specials),    cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
