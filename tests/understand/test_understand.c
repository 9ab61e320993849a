/* What transcripts mean to commands, and recognition led to them. */
#include "../intent/support.h"

#include <unistd.h>

#include "tiny_model.h"
#include "understand/outlook.h"
#include "whisper_fixture.h"

static const char lamp[] = "language: en\ncommands:\n"
                           "  lamp: {sentences: ['turn (on|off) the {thing}'], response: 'The {thing} it is.'}\n"
                           "  play: {sentences: ['play {anything}']}\n"
                           "lists: {thing: {values: [lamp, fan]}, anything: {wildcard: true}}\n";

struct fixture {
    va_commands *commands;
    va_model *model;
    va_steering *steering;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    char path[64];

    snprintf(path, sizeof path, "/tmp/va-understand-%d.vam", (int)getpid());
    tiny_model_write(path, VA_PRECISION_S8, 51865, NULL);
    fixture.commands = parse(lamp);
    assert_int_equal(va_model_open(path, NULL, &fixture.model, NULL), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(va_steering_new(fixture.model, fixture.commands, "en", &fixture.steering, NULL), 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    va_steering_free(fixture->steering);
    va_model_free(fixture->model);
    va_commands_free(fixture->commands);
    return 0;
}

/* The confidence in what is understood; ret_intent [64]: its name, "-" for none. */
static float understand(const struct fixture *fixture, const va_transcript *transcript, char ret_intent[64])
{
    va_understanding *understanding = NULL;

    assert_int_equal(va_understand(fixture->steering, transcript, &understanding, NULL), 0);
    snprintf(ret_intent, 64, "%s", understanding->intent == NULL ? "-" : understanding->intent->name);
    float confidence = understanding->confidence;
    assert_true(confidence >= 0.0f && confidence <= 1.0f);
    assert_true((understanding->intent == NULL) == (confidence == 0.0f));
    va_understanding_free(understanding);
    return confidence;
}

static va_transcript clear_text(const char *text, va_segment *segment)
{
    *segment = (va_segment){.text = text, .n_tokens = 6};
    return (va_transcript){.text = text, .text_logprob = -0.2f, .segments = segment, .n_segments = 1};
}

static void test_the_text_is_a_command(void **state)
{
    char intent[64];
    va_segment segment;
    va_transcript transcript = clear_text("Turn on the lamp.", &segment);

    float sure = understand(*state, &transcript, intent);
    assert_string_equal(intent, "lamp");
    assert_true(sure > 0.9f);
    transcript.text_logprob = -1.5f;
    assert_true(understand(*state, &transcript, intent) < 0.5f);
    transcript = clear_text("Turn on the radio.", &segment);
    assert_true(understand(*state, &transcript, intent) == 0.0f);
    assert_string_equal(intent, "-");
}

static void test_another_sentence_is_the_command(void **state)
{
    char intent[64];
    va_segment segment;
    va_transcript transcript = clear_text("Turn on the clamp.", &segment);

    transcript.command_text = "Turn on the lamp.";
    transcript.command_logprob = -0.5f;
    transcript.command_n_tokens = 5;
    transcript.command_loss = 1.5f;
    float sure = understand(*state, &transcript, intent);
    assert_string_equal(intent, "lamp");
    assert_true(sure > 0.8f);
    transcript.command_loss = 4.0f;
    float less = understand(*state, &transcript, intent);
    assert_true(less < sure);
    transcript.command_logprob = -1.3f;
    float least = understand(*state, &transcript, intent);
    assert_true(least < less && least < 0.5f);
    transcript.command_logprob = -0.5f;
    segment.n_tokens = 40; /* a long text, and a short command in its place */
    assert_true(understand(*state, &transcript, intent) < less);
    transcript.command_text = "Turn on the clamp."; /* which the commands refuse */
    assert_true(understand(*state, &transcript, intent) == 0.0f);
}

/* Of two commands, the text stands unless the other one is likelier. */
static void test_two_commands(void **state)
{
    char intent[64];
    va_segment segment;
    va_transcript transcript = clear_text("Play lamp.", &segment);

    transcript.command_text = "Turn on the lamp.";
    transcript.command_logprob = -0.2f;
    transcript.command_n_tokens = 5;
    transcript.command_loss = 2.0f;
    understand(*state, &transcript, intent);
    assert_string_equal(intent, "play");
    transcript.command_loss = -2.0f;
    understand(*state, &transcript, intent);
    assert_string_equal(intent, "lamp");
}

/* One short word and any others say little. */
static void test_wildcards(void **state)
{
    char intent[64];
    va_segment segment;
    va_transcript transcript = clear_text("Play something by somebody.", &segment);

    assert_true(understand(*state, &transcript, intent) < 0.5f);
    assert_string_equal(intent, "play");
}

static void test_memory(void **state)
{
    const struct fixture *fixture = *state;
    va_segment segment;
    va_transcript transcript = clear_text("Play lamp.", &segment);
    int r = VA_ENOMEM;

    /* Both are commands, and the second one is likelier. */
    transcript.command_text = "Turn on the lamp.";
    transcript.command_n_tokens = 5;
    transcript.command_loss = -1.0f;

    for (size_t n = 1; r != 0 && n < 1000; n++) {
        va_understanding *understanding = NULL;
        va_memory_fail_after(n);
        r = va_understand(fixture->steering, &transcript, &understanding, NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || (r == VA_ENOMEM && understanding == NULL));
        va_understanding_free(understanding);
    }
    assert_int_equal(r, 0);
    r = VA_ENOMEM;
    for (size_t n = 1; r != 0 && n < 20000; n++) {
        va_steering *steering = NULL;
        va_memory_fail_after(n);
        r = va_steering_new(fixture->model, fixture->commands, "en", &steering, NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || (r == VA_ENOMEM && steering == NULL));
        va_steering_free(steering);
    }
    assert_int_equal(r, 0);
    /* Words that could not be found are looked for again. */
    int failures = 0;
    for (const char *prompt = ""; *prompt == '\0' && failures < 20000; failures++) {
        va_memory_fail_after((size_t)failures + 1);
        prompt = va_steering_prompt(fixture->steering);
        va_memory_fail_after(0);
    }
    assert_true(failures > 1 && failures < 20000);
}

/* What the recording says, to commands in which it stands almost; -1 where nothing is understood. */
static float hear(const va_model *model, const char *sentence, char ret_text[256])
{
    size_t n;
    float *pcm = fixture_recording(&n);
    char *list = va_asprintf("'%s'", sentence);
    va_commands *commands = parse_sentences(list, "");
    va_steering *steering = NULL;
    va_context *context = NULL;
    va_transcript *transcript = NULL;
    va_understanding *understanding = NULL;
    va_transcribe_options options;

    va_transcribe_options_init(&options);
    assert_int_equal(va_steering_new(model, commands, NULL, &steering, NULL), 0);
    assert_int_equal(va_context_new(model, 2, &context, NULL), 0);
    options.language = "en";
    options.steering = steering;
    assert_int_equal(va_transcribe(context, pcm, n, &options, &transcript, NULL), 0);
    assert_int_equal(va_understand(steering, transcript, &understanding, NULL), 0);
    assert_true(transcript->text_logprob < 0.0f);
    snprintf(ret_text, 256, "%s", understanding->intent == NULL ? "" : understanding->text);
    float confidence = understanding->intent == NULL ? -1.0f : understanding->confidence;
    va_understanding_free(understanding);
    va_transcript_free(transcript);
    va_context_free(context);
    va_steering_free(steering);
    va_commands_free(commands);
    va_free(list);
    va_free(pcm);
    return confidence;
}

static void test_a_recording(void **state)
{
    char text[256], path[FIXTURE_PATH_SIZE];
    va_model *model = NULL;

    fixture_need_recording();
    fixture_model("base", "", path);
    assert_int_equal(va_model_open(path, NULL, &model, NULL), 0);
    /* Its words are "... americans, ask not what your country can do for you, ask what you can do for your country." */
    assert_true(hear(model,
                     "and so my fellow (americans|martians) ask not what your country can do for you ask what you can do for your "
                     "(country|county)",
                     text) > 0.9f);
    assert_non_null(strstr(text, "mericans"));
    assert_true(hear(model,
                     "and so my fellow (american|martian) ask not what your country can do for you ask what you can do for your country",
                     text) > 0.5f);
    assert_non_null(strstr(text, "merican"));
    assert_true(hear(model, "turn (on|off) the (lamp|fan|radio) in the (kitchen|hall)", text) < 0.5f);
    va_model_free(model);
}

static void test_what_may_follow(void **state)
{
    static const struct {
        const char *text;
        enum va_outlook expected;
    } texts[] = {
        {"turn on the lamp", VA_OUTLOOK_CLOSED},
        {"Turn on the lamp.", VA_OUTLOOK_CLOSED},
        {"Turn on the lamp...", VA_OUTLOOK_CLOSED},
        {"Turn on the lamp\xe2\x80\xa6 ", VA_OUTLOOK_CLOSED},
        {"turn on the", VA_OUTLOOK_OPEN},
        {"Turn.", VA_OUTLOOK_OPEN},
        {"turn on the radio", VA_OUTLOOK_CLOSED},
        {"dim the lamp", VA_OUTLOOK_OPEN},
        {"Dim the lamp to 20", VA_OUTLOOK_OPEN},
        {"Dim the lamp, please.", VA_OUTLOOK_CLOSED},
        {"dim the lamp to 20 percent", VA_OUTLOOK_UNLIKELY},
        {"dim the lamp to 20 percent slowly", VA_OUTLOOK_CLOSED},
        {"play", VA_OUTLOOK_OPEN},
        {"play that song", VA_OUTLOOK_OPEN},
        {"", VA_OUTLOOK_OPEN},
        {"\xff", VA_OUTLOOK_CLOSED},
    };
    static const char text[] = "language: en\nskip_words: [please]\ncommands:\n"
                               "  lamp: {sentences: ['turn (on|off) the {thing}', 'dim the {thing} [to {n} percent [slowly]]']}\n"
                               "  play: {sentences: ['play {anything}']}\n"
                               "lists: {thing: {values: [lamp, fan]}, anything: {wildcard: true}, n: {range: {from: 0, to: 100}}}\n";
    const struct fixture *fixture = *state;
    va_commands *commands = parse(text);
    va_steering *steering = NULL;

    assert_int_equal(va_steering_new(fixture->model, commands, "en", &steering, NULL), 0);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (va_steering_outlook(steering, texts[i].text) != texts[i].expected)
            fail_msg("\"%s\"", texts[i].text);
    va_steering_free(steering);
    va_commands_free(commands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_text_is_a_command), cmocka_unit_test(test_another_sentence_is_the_command),
        cmocka_unit_test(test_two_commands),          cmocka_unit_test(test_wildcards),
        cmocka_unit_test(test_what_may_follow),       cmocka_unit_test(test_memory),
        cmocka_unit_test(test_a_recording),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
