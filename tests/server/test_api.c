/* The handlers over the real assistant, with stand-ins for engine, microphone and actions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "doubles/doubles.h"
#include "intent/commands.h"
#include "server/api.h"
#include "server/request.h"

static const char command_text[] = "language: en\n"
                                   "commands:\n"
                                   "  light:\n"
                                   "    sentences: ['turn on the {room} light']\n"
                                   "    response: ok\n"
                                   "    action: {type: say}\n"
                                   "  set_temperature:\n"
                                   "    sentences: ['warm it']\n"
                                   "    action: {type: set_temperature}\n"
                                   "  clock:\n"
                                   "    sentences: ['what time is it']\n"
                                   "    action: {type: time}\n"
                                   "  door:\n"
                                   "    sentences: ['open the {room} door']\n"
                                   "    question: 'Sure?'\n"
                                   "    confirm: true\n"
                                   "lists:\n"
                                   "  room:\n"
                                   "    values: [kitchen, bath]\n";

static char folder[] = "/tmp/va-api-XXXXXX";
static struct va_http head = {.query = ""};
static va_model *model;
static va_assistant *assistant;
static va_api *api;

/* ---- one request at a time, or several by hand ---- */

struct answer {
    _Atomic int calls;
    int status, retry_after_s;
    char text[4096];
};

/* In the program the loop's thread runs the routes and frees the requests: never at once. */
static pthread_mutex_t loop = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void deliver(void *user, va_request *request)
{
    struct answer *answer = user;
    pthread_mutex_lock(&loop);
    answer->status = request->status;
    answer->retry_after_s = request->retry_after_s;
    size_t n;
    snprintf(answer->text, sizeof answer->text, "%s", va_request_reply_body(request, &n));
    va_request_release(request);
    pthread_mutex_unlock(&loop);
    answer->calls++;
}

/* body: JSON, or the small fields of a form; upload: the file field, or NULL. Returns the request, for is_gone. */
static va_request *send(const char *method, const char *path, const char *body, size_t n_body, const char *upload, struct answer *answer)
{
    static struct va_reply_sink sinks[64];
    static _Atomic uint64_t total;
    static size_t next_sink;
    size_t n;
    const struct va_route *routes = va_api_routes(&n);
    struct va_reply_sink *sink = &sinks[next_sink++ % 64];

    *sink = (struct va_reply_sink){deliver, answer};
    for (size_t i = 0; i < n; i++) {
        if (strcmp(routes[i].method, method) != 0 || strcmp(routes[i].path, path) != 0)
            continue;
        va_request *request = va_request_new(&routes[i], &head, "", sink);
        assert_non_null(request);
        va_buffer_init(&request->body, 1 << 20);
        assert_int_equal(va_buffer_append(&request->body, body, n_body), 0);
        va_upload_init(&request->upload, &total, 1 << 20);
        if (upload != NULL) {
            assert_int_equal(va_upload_open(&request->upload, folder, NULL), 0);
            assert_int_equal(va_upload_write(&request->upload, upload, strlen(upload), NULL), 0);
        }
        pthread_mutex_lock(&loop);
        routes[i].handle(api, request);
        pthread_mutex_unlock(&loop);
        return request;
    }
    fail_msg("no route %s %s", method, path);
    return NULL;
}

static void expect_with(const char *method, const char *path, const char *body, size_t n_body, const char *upload, int status,
                        const char *part)
{
    static struct answer answer;
    memset(&answer, 0, sizeof answer);
    send(method, path, body, n_body, upload, &answer);
    assert_true(doubles_wait(&answer.calls, 1));
    if (answer.status != status || strstr(answer.text, part) == NULL)
        fail_msg("%s %s %s: %d %s", method, path, body, answer.status, answer.text);
    if (status >= 400 && strcmp(path, "/health") != 0)
        assert_non_null(
            strstr(answer.text, strncmp(path, "/v1/", 4) == 0 ? "{\"error\":{\"code\":\"" : "{\"success\":false,\"error\":{\"code\":\""));
    assert_true((status == 503 && strcmp(path, "/health") != 0) == (answer.retry_after_s > 0));
}

static void expect(const char *method, const char *path, const char *body, int status, const char *part)
{
    expect_with(method, path, body, strlen(body), NULL, status, part);
}

/* ---- fixtures ---- */

static int start(void **state)
{
    static const char *const overrides[] = {"model.workers=1", "model.queue=1", "audio.microphone=none"};
    va_config *config = NULL;
    va_commands *commands = NULL;
    struct va_assistant_parts parts = {.model_name = "base"};
    va_error error;

    doubles_reset();
    if (va_config_parse("test", "", 0, overrides, 3, &config, &error) < 0 ||
        va_commands_parse("test", command_text, sizeof command_text - 1, &commands, &error) < 0 ||
        va_model_open("", NULL, &model, &error) < 0 ||
        (parts.model = model, va_assistant_new(&parts, config, commands, &assistant, &error) < 0) ||
        va_api_new(assistant, folder, &api, &error) < 0)
        fail_msg("%s", error.text);
    return 0;
}

static int stop(void **state)
{
    doubles.gate_closed = 0;
    va_assistant_stop(assistant);
    va_api_free(api);
    va_assistant_free(assistant);
    va_model_free(model);
    return 0;
}

/* ---- tests ---- */

static void privacy(void **state)
{
    expect("GET", "/privacy", "", 200, "{\"success\":true,\"message\":\"Privacy mode is off\",\"privacy_mode\":false,\"cameras\":[]}");
    expect("POST", "/audio/start", "", 200, "\"recording\":true");
    expect("POST", "/privacy/enable", "", 200,
           "{\"success\":true,\"message\":\"Privacy mode enabled\",\"privacy_mode\":true,\"cameras\":[]}");
    expect("GET", "/status", "", 200, "\"state\":\"privacy\",\"recording\":false,\"privacy_mode\":true");
    expect("POST", "/audio/start", "", 403, "\"privacy_mode\"");
    expect("POST", "/audio/stop", "", 409, "\"not_recording\"");
    expect("POST", "/listen/start", "", 403, "\"privacy_mode\"");
    expect("GET", "/privacy", "", 200, "\"message\":\"Privacy mode is on\",\"privacy_mode\":true");
    expect("POST", "/privacy/disable", "", 200, "{\"success\":true,\"message\":\"Privacy mode disabled\",\"privacy_mode\":false");
    expect("POST", "/audio/start", "", 200, "\"recording\":true");
}

static void what_is_going_on(void **state)
{
    expect("GET", "/", "", 200, "\"POST /transcribe\"");
    expect("GET", "/status", "", 200, "\"state\":\"idle\",\"recording\":false,\"privacy_mode\":false,\"data_encrypted\":");
    expect("GET", "/status", "", 200, "\"microphone\":{\"state\":\"closed\"");
    expect("GET", "/metrics", "", 200, "{\"cpu\":{\"percent\":");
    expect("POST", "/listen/start", "", 409, "\"not_listening\"");
    expect("POST", "/listen/stop", "", 409, "\"not_listening\"");
    expect("POST", "/audio/start", "", 200, "\"recording\":true");
    expect("GET", "/status", "", 200, "\"state\":\"recording\"");
}

static void recordings(void **state)
{
    expect("GET", "/transcription/latest", "", 404, "no_transcription");
    expect("POST", "/audio/stop", "", 409, "not_recording");
    expect("POST", "/audio/start", "", 200, "{\"success\":true,\"recording\":true");
    expect("POST", "/audio/start", "", 409, "already_recording");
    expect("POST", "/audio/stop", "", 200, "{\"success\":true,\"recording\":false,\"duration\":3.000,\"transcription_id\":\"");
    expect("GET", "/transcription/latest", "", 200,
           "\"text\":\"heard 48000\",\"confidence\":0.5000,\"language\":\"en\",\"duration\":3.000,\"timestamp\":\"20");
    doubles.no_device = 1;
    expect("POST", "/audio/start", "", 503, "no_device");
}

static void uploads(void **state)
{
    static const char words[] = "timestamps\0word\0prompt\0names\0language\0de", empty[] = "language\0";
    char prompt[5100] = "prompt";

    expect_with("POST", "/transcribe", "", 0, "12345", 200,
                "{\"text\":\"heard "
                "5\",\"confidence\":0.5000,\"language\":\"en\",\"language_probability\":0.0000,\"duration\":0.000,\"retried\":1,"
                "\"segments\":[{\"id\":0");
    expect_with("POST", "/transcribe", words, sizeof words, "12345", 200, "\"language\":\"de\"");
    assert_string_equal(doubles.last_prompt, "names");
    expect_with("POST", "/transcribe", empty, sizeof empty, "12345", 200, "\"language\":\"en\"");
    expect_with("POST", "/transcribe", "", 0, NULL, 400, "no field 'audio'");
    expect_with("POST", "/transcribe", "", 0, "Unknown", 415, "unsupported");
    expect_with("POST", "/transcribe", "", 0, "Broken", 400, "damaged");
    expect_with("POST", "/transcribe", "", 0, "Long", 413, "too_large");
    expect_with("POST", "/transcribe", "timestamps\0all", 15, "x", 400, "none, segment or word");
    expect_with("POST", "/transcribe", "language\0klingonese of old", 27, "x", 400, "language");
    memset(prompt + 7, 'a', 5000);
    expect_with("POST", "/transcribe", prompt, 5008, "x", 400, "prompt");
}

static void a_full_queue_says_when_to_come_back(void **state)
{
    struct answer answers[5] = {0};

    doubles.gate_closed = 1;
    send("POST", "/transcribe", "", 0, "x", &answers[0]);
    assert_true(doubles_wait(&doubles.running, 1));
    send("POST", "/transcribe", "", 0, "x", &answers[1]);
    for (int i = 2; i < 5; i++) {
        send("POST", "/transcribe", "", 0, "x", &answers[i]);
        assert_int_equal(answers[i].status, 503);
        assert_true(answers[i].retry_after_s >= 1);
    }
    expect("GET", "/health", "", 503,
           "\"status\":\"unhealthy\",\"reasons\":[{\"code\":\"queue_full\",\"message\":\"the queue of transcriptions is full\"}]");
    doubles.gate_closed = 0;
    for (int i = 0; i < 2; i++) {
        assert_true(doubles_wait(&answers[i].calls, 1));
        assert_int_equal(answers[i].status, 200);
    }
}

static void an_upload_whose_client_left_is_given_up(void **state)
{
    struct answer answer = {0};

    doubles.gate_closed = 1;
    va_request *request = send("POST", "/transcribe", "", 0, "x", &answer);
    assert_true(doubles_wait(&doubles.running, 1));
    atomic_store(&request->gone, 1);
    assert_true(doubles_wait(&answer.calls, 1));
    assert_int_equal(doubles.cancelled, 1);
}

static void commands(void **state)
{
    expect("POST", "/command/execute", "{\"text\":\"turn on the kitchen light\"}", 200,
           "{\"success\":true,\"intent\":\"light\",\"slots\":{\"room\":\"kitchen\"},\"response\":\"did light 1\"");
    expect("POST", "/command/execute", "{\"text\":\"sing about the sea\"}", 422, "no_match");
    expect("POST", "/command/execute", "{\"text\":\"what time is it\"}", 502, "no clock");
    expect("POST", "/command/execute", "{\"text\":\"what time is it\"}", 502,
           "\"intent\":\"clock\",\"slots\":{},\"response\":\" no clock\"");
    expect("POST", "/command/execute", "{\"text\":\"open the bath door\"}", 200,
           "{\"success\":false,\"intent\":\"door\",\"slots\":{\"room\":\"bath\"},\"response\":\"Sure? 1 "
           "bath\",\"score\":1.0000,\"confirm\":true}");
    expect("POST", "/command/execute", "{\"text\":\"open the bath door\",\"confirmed\":true}", 200, "did door 1");
    expect("POST", "/command/execute", "{\"text\":\"open the bath door\",\"dry_run\":true}", 200, "\"dry_run\":true");
    expect("POST", "/command/execute", "{\"text\":\"open the bath door\",\"confirmed\":1}", 400, "'confirmed' must be true or false");
    expect("POST", "/command", "{\"command\":\"door\",\"confirmed\":false}", 200, "\"confirm\":true");
    expect("POST", "/command", "{\"command\":\"door\",\"confirmed\":true,\"slots\":{\"confirmed\":\"x\"}}", 200, "did door 1");
    expect("POST", "/command/execute", "{\"text\":\"warm it\"}", 422, "invalid_value");
    expect("POST", "/command/execute", "{\"text\":\"\"}", 400, "\"invalid\"");
    expect("POST", "/command/execute", "{\"text\":1}", 400, "\"invalid\"");
    expect("POST", "/command/execute", "{\"text\":\"open the bath door\",\"id\":7,\"confidence\":0.9,\"dry_run\":true}", 200,
           "\"dry_run\":true");

    expect("POST", "/command", "{\"command\":\"set_temperature\",\"value\":22}", 200,
           "\"slots\":{\"value\":\"22\"},\"response\":\"did set_temperature 1\"");
    expect("POST", "/command", "{\"command\":\"set_temperature\",\"slots\":{\"value\":21.5,\"on\":true,\"mode\":\"eco\"}}", 200,
           "\"slots\":{\"value\":\"21.5\",\"on\":\"true\",\"mode\":\"eco\"}");
    expect("POST", "/command", "{\"command\":\"set_temperature\"}", 422, "invalid_value");
    expect("POST", "/command", "{\"command\":\"fly\"}", 404, "unknown_command");
    expect("POST", "/command", "{\"value\":22}", 400, "\"invalid\"");
    expect("POST", "/command", "{\"command\":\"set_temperature\",\"value\":[1]}", 400, "'value' must be");
    expect("POST", "/command", "{\"command\":\"set_temperature\",\"value\":null}", 400, "'value' must be");
    expect("POST", "/command", "{\"command\":\"set_temperature\",\"value\":22,\"slots\":{\"value\":20}}", 400, "'value' is there twice");
    char many[1024] = "{\"command\":\"light\"";
    for (int i = 0; i < 33; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), ",\"a%d\":%d", i, i);
    strncat(many, "}", sizeof many - strlen(many) - 1);
    expect("POST", "/command", many, 400, "more than 32");
}

/* The same fault has the same code wherever there is a JSON body. */
static void one_code_for_each_fault_of_a_body(void **state)
{
    static const struct {
        const char *path, *wrong_type, *missing, *unknown, *code;
    } routes[] = {
        {"/command/execute", "{\"text\":1}", "{\"speak\":true}", NULL, "\"invalid\""},
        {"/command", "{\"command\":1}", "{}", NULL, "\"invalid\""},
        {"/power/mode", "{\"mode\":1}", "{}", "{\"mode\":\"balanced\",\"colour\":1}", "\"invalid\""},
        {"/power/sleep", "{\"seconds\":\"9\"}", "{}", "{\"seconds\":9,\"colour\":1}", "\"invalid\""},
        {"/v1/audio/speech", "{\"model\":1}", "{\"model\":\"tts-1\"}", NULL, "\"invalid_value\""},
    };
    static const char *const no_objects[] = {"", "{", "[]", "null", "1", "{\"text\":\"a\",\"text\":\"b\"}", "{}{}"};

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        for (size_t j = 0; j < sizeof no_objects / sizeof no_objects[0]; j++)
            expect("POST", routes[i].path, no_objects[j], 400, "\"invalid_json\"");
        expect("POST", routes[i].path, routes[i].wrong_type, 400, routes[i].code);
        expect("POST", routes[i].path, routes[i].missing, 400, routes[i].code);
        if (routes[i].unknown != NULL)
            expect("POST", routes[i].path, routes[i].unknown, 400, "no member 'colour'");
    }
}

static void commands_of_one_language(void **state)
{
    expect("GET", "/api/v1/commands", "", 200, "\"name\":\"light\",\"language\":\"en\"");
    head.query = "language=de";
    expect("GET", "/api/v1/commands", "", 200, "\"commands\":[]");
    head.query = "language=aaaaaaaaaaaaaaaaaaaaaaaa";
    expect("GET", "/api/v1/commands", "", 400, "'language' must be");
    static const char *const wrong[] = {"language=",    "language=e",       "language=0.5",
                                        "language=en-", "language=en-US-x", "language=en-Ameri%20"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        head.query = wrong[i];
        expect("GET", "/api/v1/commands", "", 400, "'language' must be");
    }
    head.query = "language=pt-BR";
    expect("GET", "/api/v1/commands", "", 200, "\"commands\":[]");
    head.query = "";
}

static void while_stopping(void **state)
{
    va_assistant_stop(assistant);
    expect("POST", "/command", "{\"command\":\"light\"}", 503, "stopping");
    expect_with("POST", "/transcribe", "", 0, "x", 503, "stopping");
    expect("GET", "/transcription/latest", "", 404, "no_transcription");
}

static void out_of_memory(void **state)
{
    /* Every allocation of a handler fails once; there is always an answer. */
    for (size_t n = 1; n < 12; n++) {
        struct answer answer = {0};
        const char body[] = "{\"text\":\"turn on the bath light\"}";
        static struct va_reply_sink sink;
        size_t n_routes;
        const struct va_route *routes = va_api_routes(&n_routes);

        sink = (struct va_reply_sink){deliver, &answer};
        size_t i = 0;
        while (strcmp(routes[i].path, "/command/execute") != 0)
            assert_true(++i < n_routes);
        va_request *request = va_request_new(&routes[i], &head, "", &sink);
        va_buffer_init(&request->body, 100);
        assert_int_equal(va_buffer_append_string(&request->body, body), 0);
        va_memory_fail_after(n);
        routes[i].handle(api, request);
        int answered = doubles_wait(&answer.calls, 1);
        va_memory_fail_after(0);
        assert_true(answered);
        if (answer.status != 200 && answer.status != 500)
            fail_msg("%d %s", answer.status, answer.text);
    }
}

static void openai_transcriptions(void **state)
{
    static const char path[] = "/v1/audio/transcriptions";
    static const char verbose[] = "response_format\0verbose_json\0timestamp_granularities[]\0word\0timestamp_granularities[]\0segment";
    static const char srt[] = "response_format\0srt\0language\0", vtt[] = "response_format\0vtt", text[] = "response_format\0text";
    static const struct {
        const char *body;
        size_t n;
        int status;
        const char *part;
    } wrong[] = {
#define BODY(text) text, sizeof text
        {BODY("model\0other"), 404, "\"param\":\"model\""},
        {BODY("response_format\0xml"), 400, "\"param\":\"response_format\""},
        {BODY("timestamp_granularities\0word"), 400, "verbose_json"},
        {BODY("response_format\0verbose_json\0timestamp_granularities[]\0letter"), 400, "word or segment"},
        {BODY("stream\0maybe"), 400, "\"param\":\"stream\""},
        {BODY("stream\0true\0response_format\0vtt"), 400, "json or text"},
        {BODY("include[]\0text"), 400, "\"param\":\"include[]\""},
        {BODY("include\0logprobs\0response_format\0verbose_json"), 400, "logprobs need"},
        {BODY("temperature\0hot"), 400, "\"param\":\"temperature\""},
        {BODY("temperature\0nan"), 400, "\"param\":\"temperature\""},
        {BODY("language\0a language of no country"), 400, "\"param\":\"language\""},
#undef BODY
    };

    expect_with("POST", path, "", 0, "12345", 200, "{\"text\":\"heard 5\",\"usage\":{\"type\":\"duration\",\"seconds\":1}}");
    expect_with("POST", path, "include[]\0logprobs", sizeof "include[]\0logprobs", "12345", 200,
                "{\"text\":\"heard 5\",\"logprobs\":[],\"usage\":");
    expect_with("POST", path, verbose, sizeof verbose, "12345", 200, "\"language\":\"english\",");
    expect_with("POST", path, srt, sizeof srt, "12345", 200, "1\n00:00:00,000 --> ");
    expect_with("POST", path, vtt, sizeof vtt, "12345", 200, "WEBVTT\n\n");
    expect_with("POST", path, text, sizeof text, "12345", 200, "heard 5\n");
    expect_with("POST", path, "", 0, NULL, 400, "\"param\":\"file\"");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect_with("POST", path, wrong[i].body, wrong[i].n, "12345", wrong[i].status, wrong[i].part);
}

static void openai_speech(void **state)
{
    static const char path[] = "/v1/audio/speech";

    expect("GET", "/v1/models", "", 200, "{\"id\":\"base\",\"object\":\"model\"");
    expect("GET", "/v1/models/{id}", "", 404, "model_not_found"); /* no name */
    expect("POST", path, "{\"model\":\"tts-1\",\"input\":\"text\",\"response_format\":\"wav\",\"voice\":\"alloy\"}", 200, "4 samples");
    expect("POST", path, "{\"model\":\"tts-1\",\"input\":\"text\",\"voice\":\"anna\",\"speed\":2}", 200, "4 samples");
    expect("POST", path, "[]", 400, "invalid_json");
    expect("POST", path, "{\"input\":\"text\"}", 400, "\"param\":\"model\"");
    expect("POST", path, "{\"model\":\"whisper-1\",\"input\":\"text\"}", 404, "model_not_found");
    expect("POST", path, "{\"model\":\"tts-1\"}", 400, "\"param\":\"input\"");
    expect("POST", path, "{\"model\":\"tts-1\",\"input\":\"text\",\"voice\":1}", 400, "\"param\":\"voice\"");
    expect("POST", path, "{\"model\":\"tts-1\",\"input\":\"text\",\"speed\":5}", 400, "\"param\":\"speed\"");
    expect("POST", path, "{\"model\":\"tts-1\",\"input\":\"text\",\"response_format\":1}", 400, "\"param\":\"response_format\"");
    expect("POST", path, "{\"model\":\"tts-1\",\"input\":\"text\",\"response_format\":\"aac\"}", 400, "there is no format");
}

/* One that waits leaves the queue at once: its place is free. */
static void a_client_that_leaves(void **state)
{
    static struct answer answers[4];
    va_request *waiting;

    memset(answers, 0, sizeof answers);
    doubles.gate_closed = 1;
    send("POST", "/transcribe", "", 0, "12345", &answers[0]);
    assert_true(doubles_wait(&doubles.running, 1));
    waiting = send("POST", "/v1/audio/transcriptions", "", 0, "12345", &answers[1]);
    expect_with("POST", "/transcribe", "", 0, "12345", 503, "busy");
    va_request_hold(waiting);
    va_request_abandon(waiting);
    assert_int_equal(answers[1].calls, 1);
    send("POST", "/transcribe", "", 0, "12345", &answers[2]);
    assert_int_equal(answers[2].calls, 0);
    doubles.gate_closed = 0;
    assert_true(doubles_wait(&answers[0].calls, 1));
    assert_true(doubles_wait(&answers[2].calls, 1));
    assert_int_equal(answers[0].status, 200);
    assert_int_equal(answers[2].status, 200);
    assert_int_equal(doubles.begun, 2);
}

int main(void)
{
    const struct va_log_options quiet = {.level = VA_LOG_ERROR};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_going_on, start, stop),
        cmocka_unit_test_setup_teardown(recordings, start, stop),
        cmocka_unit_test_setup_teardown(privacy, start, stop),
        cmocka_unit_test_setup_teardown(uploads, start, stop),
        cmocka_unit_test_setup_teardown(openai_transcriptions, start, stop),
        cmocka_unit_test_setup_teardown(openai_speech, start, stop),
        cmocka_unit_test_setup_teardown(a_client_that_leaves, start, stop),
        cmocka_unit_test_setup_teardown(a_full_queue_says_when_to_come_back, start, stop),
        cmocka_unit_test_setup_teardown(an_upload_whose_client_left_is_given_up, start, stop),
        cmocka_unit_test_setup_teardown(commands, start, stop),
        cmocka_unit_test_setup_teardown(one_code_for_each_fault_of_a_body, start, stop),
        cmocka_unit_test_setup_teardown(commands_of_one_language, start, stop),
        cmocka_unit_test_setup_teardown(while_stopping, start, stop),
        cmocka_unit_test_setup_teardown(out_of_memory, start, stop),
    };
    if (va_log_open(&quiet, NULL) < 0 || mkdtemp(folder) == NULL)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return va_file_remove_tree(folder, NULL) < 0 ? 1 : failed;
}
