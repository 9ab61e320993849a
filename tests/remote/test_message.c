/* What is written is read as the same, and nothing else is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/memory.h"
#include "remote/bus.h"
#include "remote/message.h"
#include "remote/peers.h"

static struct va_buffer out;

static int begin(void **state)
{
    va_buffer_init(&out, VA_REMOTE_MAX_RESULT);
    return 0;
}

static int end(void **state)
{
    va_buffer_free(&out);
    return 0;
}

static void an_offer_goes_and_comes(void **state)
{
    struct va_remote_offer offer = {.job = "abc-1", .front = "abc", .bytes = UINT64_C(5000000000)}, got;

    va_transcribe_options_init(&offer.options);
    offer.options.language = "de";
    offer.options.prompt = "Über \"Käse\"\n";
    offer.options.beam_size = 5;
    offer.options.timestamps = VA_TIMESTAMPS_WORD;
    offer.options.seed = 77;
    assert_int_equal(va_remote_write_offer(&offer, &out), 0);
    assert_int_equal(va_remote_read_offer(out.data, out.size, &got), 0);
    assert_string_equal(got.job, "abc-1");
    assert_string_equal(got.front, "abc");
    assert_true(got.bytes == offer.bytes);
    assert_string_equal(got.options.language, "de");
    assert_string_equal(got.options.prompt, offer.options.prompt);
    assert_int_equal(got.options.beam_size, 5);
    assert_int_equal(got.options.timestamps, VA_TIMESTAMPS_WORD);
    assert_true(got.options.seed == 77);
    assert_true(got.options.no_speech_threshold == offer.options.no_speech_threshold);
    assert_null(got.options.progress);
    assert_null(got.options.steering);
    for (size_t n = 0; n < out.size; n++) { /* cut anywhere */
        struct va_remote_offer cut;
        assert_int_equal(va_remote_read_offer(out.data, n, &cut), VA_EFORMAT);
    }
    va_remote_offer_clear(&got);
}

static void wrong_messages_are_refused(void **state)
{
    static const char *const pieces[] = {
        "",
        "[]",
        "{\"v\":2,\"job\":\"a\",\"offset\":0}",
        "{\"v\":1,\"job\":\"\",\"offset\":0}",
        "{\"v\":1,\"job\":\"a.b\",\"offset\":0}",
        "{\"v\":1,\"job\":\"a*\",\"offset\":0}",
        "{\"v\":1,\"job\":\"0123456789012345678901234567890123456789\",\"offset\":0}",
        "{\"v\":1,\"job\":\"a\",\"offset\":-1}",
        "{\"v\":1,\"job\":\"a\",\"offset\":1.5}",
        "{\"v\":1,\"job\":\"a\"}",
        "{\"v\":1,\"job\":\"a\",\"job\":\"b\",\"offset\":0}",
    };
    struct va_remote_piece piece = {.offset = 99};
    struct va_remote_pulse pulse;

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        assert_int_equal(va_remote_read_piece(pieces[i], strlen(pieces[i]), &piece), VA_EFORMAT);
    assert_int_equal(piece.offset, 99);
    const char *many = "{\"v\":1,\"worker\":\"w\",\"places\":65,\"jobs\":[]}";
    assert_int_equal(va_remote_read_pulse(many, strlen(many), &pulse), VA_EFORMAT);
    const char *odd = "{\"v\":1,\"worker\":\"w\",\"places\":1,\"jobs\":[1]}";
    assert_int_equal(va_remote_read_pulse(odd, strlen(odd), &pulse), VA_EFORMAT);
}

static void pulses_and_answers(void **state)
{
    struct va_remote_pulse pulse = {.worker = "w-1", .places = 3, .n_jobs = 2, .jobs = {"a", "b-9"}}, got;
    char worker[VA_REMOTE_NAME_BYTES] = "before";

    assert_int_equal(va_remote_write_pulse(&pulse, &out), 0);
    assert_int_equal(va_remote_read_pulse(out.data, out.size, &got), 0);
    assert_int_equal(got.places, 3);
    assert_int_equal(got.n_jobs, 2);
    assert_string_equal(got.jobs[1], "b-9");
    va_buffer_clear(&out);
    assert_int_equal(va_remote_write_answer(NULL, &out), 0);
    assert_int_equal(va_remote_read_answer(out.data, out.size, worker), 0);
    assert_string_equal(worker, "");
    va_buffer_clear(&out);
    assert_int_equal(va_remote_write_answer("w-1", &out), 0);
    assert_int_equal(va_remote_read_answer(out.data, out.size, worker), 0);
    assert_string_equal(worker, "w-1");
}

static const int32_t tokens[] = {1, 2, 50256, 7};
static const float logprobs[] = {-0.125f, -0.25f, 0.0f, -3.5f};
static const va_word words[] = {{0.0, 0.5, 0.75f, " turn"}, {0.5, 0.9, 1.0f, " löng"}};
static const va_segment segments[] = {
    {.start_s = 0,
     .end_s = 1.5,
     .text = "turn löng",
     .confidence = 0.9f,
     .avg_logprob = -0.105f,
     .no_speech_prob = 0.01f,
     .compression_ratio = 1.25f,
     .temperature = 0.2f,
     .tokens = tokens,
     .logprobs = logprobs,
     .n_tokens = 3,
     .words = words,
     .n_words = 2},
    {.start_s = 1.5, .end_s = 2, .text = "on.", .tokens = tokens + 3, .logprobs = logprobs + 3, .n_tokens = 1},
};

static struct va_remote_result some_result(void)
{
    static const va_transcript transcript = {.text = "turn löng on.",
                                             .confidence = 0.8f,
                                             .language = "en",
                                             .duration_s = 2.25,
                                             .segments = segments,
                                             .n_segments = 2,
                                             .n_windows = 1,
                                             .timing = {.total_ms = 12.5}};
    return (struct va_remote_result){.job = "j", .run_ms = 100, .transcript = (va_transcript *)&transcript};
}

static void a_result_goes_and_comes(void **state)
{
    struct va_remote_result result = some_result(), got;

    assert_int_equal(va_remote_write_result(&result, &out), 0);
    assert_int_equal(va_remote_read_result(out.data, out.size, &got), 0);
    const va_transcript *transcript = got.transcript;
    assert_string_equal(transcript->text, "turn löng on.");
    assert_string_equal(transcript->language, "en");
    assert_true(transcript->confidence == 0.8f && transcript->duration_s == 2.25 && transcript->timing.total_ms == 12.5);
    assert_int_equal(transcript->n_segments, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(transcript->segments[i].text, segments[i].text);
        assert_true(transcript->segments[i].avg_logprob == segments[i].avg_logprob);
        assert_int_equal(transcript->segments[i].n_tokens, segments[i].n_tokens);
        assert_memory_equal(transcript->segments[i].tokens, segments[i].tokens, segments[i].n_tokens * sizeof *tokens);
        for (size_t t = 0; t < segments[i].n_tokens; t++)
            assert_true(transcript->segments[i].logprobs[t] == segments[i].logprobs[t]);
        assert_int_equal(transcript->segments[i].n_words, segments[i].n_words);
    }
    assert_null(transcript->segments[1].words);
    assert_string_equal(transcript->segments[0].words[1].text, " löng");
    assert_true(transcript->segments[0].words[0].probability == 0.75f);
    va_transcript_free(got.transcript);
    for (size_t n = 0; n < out.size; n++)
        assert_true(va_remote_read_result(out.data, n, &got) < 0);
}

static void a_failure_goes_and_comes(void **state)
{
    struct va_remote_result result = {.job = "j"}, got;

    result.status = va_fail(&result.error, VA_EFORMAT, "the audio is damaged");
    assert_int_equal(va_remote_write_result(&result, &out), 0);
    assert_int_equal(va_remote_read_result(out.data, out.size, &got), 0);
    assert_int_equal(got.status, VA_EFORMAT);
    assert_string_equal(got.error.text, "the audio is damaged");
    assert_null(got.transcript);
}

/* Every allocation may fail, and nothing is left of what was begun. */
static void out_of_memory(void **state)
{
    struct va_remote_result result = some_result(), got;
    int r = VA_ENOMEM;

    for (size_t i = 1; r == VA_ENOMEM; i++) {
        va_buffer_free(&out);
        va_memory_fail_after(i);
        r = va_remote_write_result(&result, &out);
        if (r == 0)
            r = va_remote_read_result(out.data, out.size, &got);
        va_memory_fail_after(0);
    }
    assert_int_equal(r, 0);
    va_transcript_free(got.transcript);
}

static void workers_are_seen_and_forgotten(void **state)
{
    static struct va_remote_peers peers;
    struct va_remote_pulse pulse = {.worker = "w", .places = 3};
    unsigned n;

    assert_int_equal(va_remote_peers_places(&peers, 1000, &n), 0);
    va_remote_peers_note(&peers, &pulse, 1000);
    va_remote_peers_note(&peers, &pulse, 2000);
    assert_int_equal(va_remote_peers_places(&peers, 4000, &n), 3);
    assert_int_equal(n, 1);
    for (int i = 0; i < 2 * VA_REMOTE_MAX_PEERS; i++) {
        pulse.worker[0] = (char)('a' + i % 26);
        pulse.worker[1] = (char)('a' + i / 26);
        pulse.places = 1;
        va_remote_peers_note(&peers, &pulse, 3000 + i);
    }
    assert_int_equal(va_remote_peers_places(&peers, 4000, &n), VA_REMOTE_MAX_PEERS);
    assert_int_equal(va_remote_peers_places(&peers, 9000, &n), 0);
    assert_int_equal(n, 0);
}

static void addresses(void **state)
{
    static const struct {
        const char *url, *token_file;
    } wrong[] = {{"localhost:4222", ""},
                 {"http://localhost:4222", ""},
                 {"nats://", ""},
                 {"nats://example.org:4222", "x"},
                 {"tls://example.org:4222", ""},
                 {"nats://me:pw@localhost:4222", ""},
                 {"nats://127.evil.example:4222", "x"}};
    va_bus *bus = NULL;
    va_error error;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct va_bus_options options = {wrong[i].url, wrong[i].token_file, ""};
        assert_int_equal(va_bus_connect(&options, &bus, &error), VA_EINVAL);
    }
    const struct va_bus_options missing = {"nats://localhost:1", "/nonexistent/token", ""};
    assert_int_equal(va_bus_connect(&missing, &bus, &error), VA_ENOTFOUND);
    assert_null(bus);
}

static void subjects(void **state)
{
    char subject[VA_BUS_SUBJECT_BYTES];

    va_bus_model_subject("jobs", "/a b/tiny.en.vam", subject);
    assert_string_equal(subject, "va.jobs.tiny_en");
    va_bus_model_subject("jobs", "base", subject);
    assert_string_equal(subject, "va.jobs.base");
    va_bus_subject("x", "a*b>c d", subject);
    assert_string_equal(subject, "va.x.a_b_c_d");
}

/* A few packed bytes that would take gigabytes. */
static void a_result_has_not_too_many_values(void **state)
{
    static const char head[] = "{\"v\":2,\"job\":\"front-1\",\"status\":-9,\"error\":\"no\",\"run_ms\":1,\"more\":[";
    struct va_remote_result result;
    struct va_buffer plain;
    char packed[8192];

    for (size_t n = 1000; n <= VA_REMOTE_MAX_VALUES; n += VA_REMOTE_MAX_VALUES - 1000) {
        uLongf size = sizeof packed;
        va_buffer_init(&plain, VA_REMOTE_MAX_RESULT);
        assert_int_equal(va_buffer_append(&plain, head, sizeof head - 1), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(va_buffer_append(&plain, i > 0 ? ",0" : "0", i > 0 ? 2 : 1), 0);
        assert_int_equal(va_buffer_append(&plain, "]}", 2), 0);
        assert_int_equal(compress((Bytef *)packed, &size, (const Bytef *)plain.data, (uLong)plain.size), Z_OK);
        assert_int_equal(va_remote_read_result(packed, size, &result), n == 1000 ? 0 : VA_EFORMAT);
        va_buffer_free(&plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_offer_goes_and_comes, begin, end),
        cmocka_unit_test(wrong_messages_are_refused),
        cmocka_unit_test_setup_teardown(pulses_and_answers, begin, end),
        cmocka_unit_test_setup_teardown(a_result_goes_and_comes, begin, end),
        cmocka_unit_test_setup_teardown(a_failure_goes_and_comes, begin, end),
        cmocka_unit_test_setup_teardown(out_of_memory, begin, end),
        cmocka_unit_test(a_result_has_not_too_many_values),
        cmocka_unit_test(addresses),
        cmocka_unit_test(workers_are_seen_and_forgotten),
        cmocka_unit_test(subjects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
