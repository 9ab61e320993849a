/* The JSON of a transcript, read back by another reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "assistant/transcript_json.h"
#include "base/memory.h"

static const va_word words[] = {{0.5, 1.25, 0.75f, " say"}, {1.25, 61.0206, 1.0f, " \"\xc3\xa4\"\n"}};
static const va_segment segments[] = {
    {.start_s = 0.5,
     .end_s = 61.0206,
     .text = "say \"\xc3\xa4\"",
     .confidence = 0.5f,
     .avg_logprob = -0.25f,
     .no_speech_prob = 0.125f,
     .compression_ratio = 1.5f,
     .temperature = 0.2f,
     .words = words,
     .n_words = 2},
    {.start_s = 62, .end_s = 63, .text = "damaged \xff"},
};
static const va_transcript transcript = {.text = "say \"\xc3\xa4\" damaged \xff",
                                         .confidence = 0.0f / 0.0f,
                                         .language = "en",
                                         .language_probability = 0.875f,
                                         .duration_s = 63.5,
                                         .segments = segments,
                                         .n_segments = 2,
                                         .n_retried = 1};

static int write_to(struct va_buffer *out)
{
    struct va_json json = {.out = out};
    va_json_open(&json, NULL, '{');
    va_transcript_json(&json, &transcript);
    va_json_close(&json, '}');
    return json.error;
}

static void every_member_is_read_back(void **state)
{
    static const char expected[] =
        "{'text': 'say \\\"\xc3\xa4\\\" damaged \\ufffd', 'confidence': null, 'language': 'en', 'language_probability': 0.875, 'duration': "
        "63.5, 'retried': 1,"
        " 'segments': [{'id': 0, 'start': 0.5, 'end': 61.021, 'text': 'say \\\"\xc3\xa4\\\"', 'confidence': 0.5, 'avg_logprob': -0.25,"
        " 'no_speech_prob': 0.125, 'compression_ratio': 1.5, 'temperature': 0.2, 'words': ["
        "{'word': ' say', 'start': 0.5, 'end': 1.25, 'probability': 0.75},"
        "{'word': ' \\\"\xc3\xa4\\\"\\n', 'start': 1.25, 'end': 61.021, 'probability': 1.0}]},"
        " {'id': 1, 'start': 62.0, 'end': 63.0, 'text': 'damaged \\ufffd', 'confidence': 0.0, 'avg_logprob': 0.0, 'no_speech_prob': 0.0,"
        " 'compression_ratio': 0.0, 'temperature': 0.0}]}";
    char text[sizeof expected];
    struct va_buffer out;
    json_error_t error;

    for (size_t i = 0; i < sizeof expected; i++)
        text[i] = (char)(expected[i] == '\'' ? '"' : expected[i]);
    va_buffer_init(&out, 1 << 16);
    assert_int_equal(write_to(&out), 0);
    json_t *want = json_loads(text, 0, &error), *found = json_loadb(out.data, out.size, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(want);
    if (!json_equal(want, found))
        fail_msg("%.*s", (int)out.size, out.data);
    json_decref(want);
    json_decref(found);
    va_buffer_free(&out);
}

static void failures_stick(void **state)
{
    struct va_buffer out;

    va_buffer_init(&out, 300);
    assert_int_equal(write_to(&out), VA_ELIMIT);
    va_buffer_free(&out);
    va_buffer_init(&out, 1 << 16);
    va_memory_fail_after(1);
    assert_int_equal(write_to(&out), VA_ENOMEM);
    va_memory_fail_after(0);
    va_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_member_is_read_back), cmocka_unit_test(failures_stick)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
