#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "whisper/words.h"

#define FIRST 256 /* the test's own tokens come after the 256 bytes; the rest of the vocabulary is filler */

/* Tokens FIRST .. with the texts that a test names. */
static va_tokenizer *tokenizer_of(const char *const *texts, int n, uint8_t **ret_bytes, uint32_t **ret_ends)
{
    uint8_t *bytes = va_calloc(50257, 8);
    uint32_t *ends = va_calloc(50257, sizeof *ends), size = 0;
    va_tokenizer *tokenizer;
    for (int i = 0; i < 50257; i++) {
        if (i < FIRST) {
            bytes[size++] = (uint8_t)i;
        } else if (i < FIRST + n) {
            memcpy(bytes + size, texts[i - FIRST], strlen(texts[i - FIRST]));
            size += (uint32_t)strlen(texts[i - FIRST]);
        } else {
            bytes[size++] = 0xff;
            memcpy(bytes + size, &i, 3);
            size += 3;
        }
        ends[i] = size;
    }
    assert_int_equal(va_tokenizer_new(bytes, size, ends, 50257, 51865, &tokenizer, NULL), 0);
    *ret_bytes = bytes;
    *ret_ends = ends;
    return tokenizer;
}

/* Joins tokens 0 .. n-1, each `length` frames long, and compares the words. */
static void expect_words(const char *language, const char *const *texts, int n, const char *const *words, size_t n_words)
{
    uint8_t *bytes;
    uint32_t *ends;
    va_tokenizer *tokenizer = tokenizer_of(texts, n, &bytes, &ends);
    int32_t tokens[32];
    float logprobs[32];
    int frames[33];
    struct va_word_list got;
    for (int i = 0; i <= n; i++)
        frames[i] = 10 * i;
    for (int i = 0; i < n; i++) {
        tokens[i] = FIRST + i;
        logprobs[i] = logf(0.5f);
    }
    va_words_join(tokenizer, language, tokens, logprobs, n, frames, 100.0, &got);
    assert_int_equal(got.n, n_words);
    double last = 100.0;
    for (size_t i = 0; i < got.n; i++) {
        const struct va_word *word = &got.words[i];
        assert_string_equal(word->text, words[i]);
        assert_float_equal(word->probability, 0.5f, 1e-5f);
        assert_true(word->start_s >= last - 1e-9 && word->end_s >= word->start_s);
        last = word->start_s;
    }
    va_tokenizer_free(tokenizer);
    va_free(bytes);
    va_free(ends);
}

static void test_pieces_make_words_and_punctuation_belongs_to_them(void **state)
{
    static const char *const texts[] = {" Turn", " on", " the", " kit", "chen", " light", ",", " please", "."};
    static const char *const words[] = {" Turn", " on", " the", " kitchen", " light,", " please."};
    expect_words("en", texts, 9, words, 6);
}

static void test_opening_marks_belong_to_the_next_word(void **state)
{
    static const char *const texts[] = {" She", " said", " \"", "yes", "\"", " (", "twice", ")", "."};
    static const char *const words[] = {" She", " said", " \"yes\"", " (twice)."};
    expect_words("en", texts, 9, words, 4);
}

static void test_a_character_split_over_tokens(void **state)
{
    static const char *const texts[] = {" caf", "\xc3", "\xa9", " noir"};
    static const char *const words[] = {" caf\xc3\xa9", " noir"};
    expect_words("fr", texts, 4, words, 2);
}

static void test_languages_without_spaces(void **state)
{
    static const char *const texts[] = {"\xe7\x81\xaf", "\xe3\x82\x92", "\xe3\x81", "\xa4", "\xe3\x80\x82"};
    static const char *const words[] = {"\xe7\x81\xaf", "\xe3\x82\x92", "\xe3\x81\xa4\xe3\x80\x82"};
    expect_words("ja", texts, 5, words, 3);
}

static void test_broken_bytes_do_no_harm(void **state)
{
    static const char *const texts[] = {" a", "\xff\xfe", "\xe3", "b"};
    uint8_t *bytes;
    uint32_t *ends;
    va_tokenizer *tokenizer = tokenizer_of(texts, 4, &bytes, &ends);
    const int32_t tokens[] = {FIRST, FIRST + 1, FIRST + 2, FIRST + 3, 50257, 51000};
    const float logprobs[6] = {0};
    const int frames[7] = {0};
    struct va_word_list list;
    va_words_join(tokenizer, "en", tokens, logprobs, 6, frames, 0.0, &list);
    assert_true(list.n >= 1);
    va_words_join(tokenizer, "en", tokens + 4, logprobs, 2, frames, 0.0, &list); /* tokens without bytes */
    assert_int_equal(list.n, 1);
    assert_string_equal(list.words[0].text, "");
    va_tokenizer_free(tokenizer);
    va_free(bytes);
    va_free(ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_make_words_and_punctuation_belongs_to_them),
        cmocka_unit_test(test_opening_marks_belong_to_the_next_word),
        cmocka_unit_test(test_a_character_split_over_tokens),
        cmocka_unit_test(test_languages_without_spaces),
        cmocka_unit_test(test_broken_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
