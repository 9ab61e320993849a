/* The forms of a transcript that other programs read: subtitles, and OpenAI's JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "assistant/transcript_openai.h"
#include "assistant/transcript_text.h"
#include "base/memory.h"

static const int32_t tokens[] = {50364, 440, 50464};
static const float logprobs[] = {0.0f, -0.25f, -1.5f};
static const va_word words[] = {{0.5, 1.25, 0.75f, " say"}, {1.25, 2, 1.0f, "so"}};
static const va_segment segments[] = {
    {.start_s = 0.5,
     .end_s = 2,
     .text = "a <b> & c --> d",
     .avg_logprob = -0.25f,
     .tokens = tokens,
     .logprobs = logprobs,
     .n_tokens = 3,
     .words = words,
     .n_words = 2},
    {.start_s = 3723.0004, .end_s = 3724.9996, .text = "two\nlines - end-"},
};
static const va_transcript transcript = {.text = "the text", .language = "de", .duration_s = 3724.2, .segments = segments, .n_segments = 2};

static void expect(int (*write)(struct va_buffer *out, const va_transcript *transcript), const char *text)
{
    struct va_buffer out;

    va_buffer_init(&out, 1 << 16);
    assert_int_equal(write(&out, &transcript), 0);
    assert_int_equal(out.size, strlen(text));
    assert_memory_equal(out.data, text, out.size);
    va_buffer_free(&out);
    for (size_t max = 0; max < strlen(text); max++) {
        va_buffer_init(&out, max);
        assert_int_equal(write(&out, &transcript), VA_ELIMIT);
        va_buffer_free(&out);
    }
}

static void texts_and_subtitles(void **state)
{
    expect(va_transcript_text, "the text\n");
    expect(va_transcript_srt, "1\n00:00:00,500 --> 00:00:02,000\na <b> & c -> d\n\n"
                              "2\n01:02:03,000 --> 01:02:05,000\ntwo lines - end-\n\n");
    expect(va_transcript_vtt, "WEBVTT\n\n00:00:00.500 --> 00:00:02.000\na &lt;b> &amp; c -> d\n\n"
                              "01:02:03.000 --> 01:02:05.000\ntwo lines - end-\n\n");
}

/* Of a model whose second token begins a character. */
const char *va_model_token(const va_model *model, int32_t token, size_t *ret_n)
{
    static const char bytes[] = " \xe2\x82\xac";

    assert_ptr_equal(model, tokens);
    *ret_n = token == tokens[1] ? 2 : 0;
    return bytes;
}

static json_t *written(void (*write)(struct va_json *json, const va_transcript *transcript, const struct va_openai_detail *detail),
                       const struct va_openai_detail *detail)
{
    struct va_buffer out;
    struct va_json json = {.out = &out};
    json_error_t error;

    va_buffer_init(&out, 1 << 16);
    va_json_open(&json, NULL, '{');
    write(&json, &transcript, detail);
    va_json_close(&json, '}');
    assert_int_equal(json.error, 0);
    json_t *found = json_loadb(out.data, out.size, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(found);
    va_buffer_free(&out);
    return found;
}

static void openai_verbose(void **state)
{
    const struct va_openai_detail all = {.segments = 1, .words = 1}, none = {.translate = 1};
    json_t *found = written(va_transcript_openai_verbose, &all), *segment = json_array_get(json_object_get(found, "segments"), 0);

    assert_string_equal(json_string_value(json_object_get(found, "language")), "german");
    assert_string_equal(json_string_value(json_object_get(found, "task")), "transcribe");
    assert_int_equal(json_array_size(json_object_get(found, "segments")), 2);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(segment, "tokens"), 1)), 440);
    assert_int_equal(json_integer_value(json_object_get(segment, "seek")), 50);
    json_t *word = json_array_get(json_object_get(found, "words"), 0);
    assert_string_equal(json_string_value(json_object_get(word, "word")), "say");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(found, "usage"), "seconds")), 3725);
    json_decref(found);
    found = written(va_transcript_openai_verbose, &none);
    assert_string_equal(json_string_value(json_object_get(found, "task")), "translate");
    assert_null(json_object_get(found, "segments"));
    assert_null(json_object_get(found, "words"));
    json_decref(found);
}

static void openai_logprobs(void **state)
{
    const struct va_openai_detail asked = {.logprobs = (const va_model *)(const void *)tokens}, none = {.logprobs = NULL};
    json_t *found = written(va_transcript_openai, &asked), *list = json_object_get(found, "logprobs"), *token = json_array_get(list, 1),
           *bytes = json_object_get(token, "bytes");

    assert_string_equal(json_string_value(json_object_get(found, "text")), "the text");
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(json_string_value(json_object_get(token, "token")), " \xef\xbf\xbd");
    assert_true(json_real_value(json_object_get(token, "logprob")) == -0.25);
    assert_int_equal(json_array_size(bytes), 2);
    assert_int_equal(json_integer_value(json_array_get(bytes, 0)), ' ');
    assert_int_equal(json_integer_value(json_array_get(bytes, 1)), 0xe2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 2), "token")), "");
    json_decref(found);
    found = written(va_transcript_openai, &none);
    assert_null(json_object_get(found, "logprobs"));
    json_decref(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_and_subtitles), cmocka_unit_test(openai_verbose),
                                       cmocka_unit_test(openai_logprobs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
