#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "assistant/assistant.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "doubles/doubles.h"
#include "intent/commands.h"
#include "temporary.h"

static const char command_text[] = "language: xx\n"
                                   "commands:\n"
                                   "  fixed:\n"
                                   "    sentences: [one]\n"
                                   "    response: did fixed 0\n"
                                   "    action: {type: say}\n"
                                   "  other:\n"
                                   "    sentences: [two]\n"
                                   "    response: '{name}'\n"
                                   "    action: {type: say}\n";

static char folder[256];
static va_model *model;

static va_assistant *new_assistant(const char *override)
{
    const char *overrides[] = {"audio.microphone=none", "model.language=en", override};
    va_config *config = NULL;
    va_commands *commands = NULL;
    va_assistant *assistant = NULL;
    const struct va_assistant_parts parts = {.model = model, .model_name = "base"};
    va_error error;

    if (va_config_load(temporary_path(folder, "config.yaml"), overrides, 3, &config, &error) < 0 ||
        va_commands_parse("commands", command_text, sizeof command_text - 1, &commands, &error) < 0 ||
        va_assistant_new(&parts, config, commands, &assistant, &error) < 0)
        fail_msg("%s", error.text);
    return assistant;
}

static void execute(va_assistant *assistant, const char *command, enum va_speak speak)
{
    struct va_execution execution;
    va_error error;

    if (va_assistant_execute_command(assistant, command, NULL, 0, 0, &execution, &error) < 0)
        fail_msg("%s", error.text);
    va_assistant_reply(assistant, &execution, speak);
    va_execution_clear(&execution);
}

static void test_replies_are_said(void **state)
{
    va_assistant *assistant = new_assistant("speech.enabled=true");

    execute(assistant, "fixed", VA_SPEAK_ALWAYS);
    assert_int_equal(doubles.said, 1);
    assert_string_equal(doubles.last_said, "did fixed 0");
    assert_string_equal(doubles.last_said_language, "xx");
    assert_int_equal(doubles.last_said_fixed, 1);
    execute(assistant, "other", VA_SPEAK_ALWAYS);
    assert_string_equal(doubles.last_said, "did other 0");
    assert_int_equal(doubles.last_said_fixed, 0);
    execute(assistant, "fixed", VA_SPEAK_NEVER);
    execute(assistant, "fixed", VA_SPEAK_AS_API);
    assert_int_equal(doubles.said, 2);
    va_assistant_say(assistant, "", NULL);
    assert_int_equal(doubles.said, 2);
    va_assistant_silence(assistant);
    assert_int_equal(doubles.silenced, 1);
    va_assistant_free(assistant);
}

static void test_options(void **state)
{
    va_assistant *assistant = new_assistant("speech.api=true");

    execute(assistant, "fixed", VA_SPEAK_AS_API);
    execute(assistant, "fixed", VA_SPEAK_NEVER);
    assert_int_equal(doubles.said, 1);
    va_assistant_free(assistant);

    assistant = new_assistant("speech.enabled=false");
    execute(assistant, "fixed", VA_SPEAK_ALWAYS);
    va_assistant_silence(assistant);
    assert_int_equal(doubles.said, 1);
    va_assistant_free(assistant);

    doubles.no_speaker = 1;
    assistant = new_assistant("speech.enabled=true");
    execute(assistant, "fixed", VA_SPEAK_ALWAYS);
    assert_int_equal(doubles.said, 1);
    va_assistant_free(assistant);
}

/* Where replies are not said, too. */
static void test_sound_for_a_caller(void **state)
{
    static const char *const overrides[] = {"speech.enabled=true", "speech.enabled=false"};
    const struct va_render render = {.text = "hello"};
    va_error error;

    for (size_t i = 0; i < 2; i++) {
        va_assistant *assistant = new_assistant(overrides[i]);
        int16_t *pcm = NULL;
        size_t n = 0;
        assert_int_equal(va_assistant_render(assistant, &render, &pcm, &n, &error), 0);
        assert_int_equal(n, 5);
        va_free(pcm);
        va_assistant_free(assistant);
    }
    doubles.no_speaker = 1;
    va_assistant *assistant = new_assistant(overrides[0]);
    int16_t *pcm = NULL;
    size_t n = 0;
    assert_int_equal(va_assistant_render(assistant, &render, &pcm, &n, &error), VA_ESTATE);
    va_assistant_free(assistant);
    assert_int_equal(doubles.said, 0);
}

static void test_a_failure_is_told_once(void **state)
{
    const char *path = temporary_path(folder, "log");
    const struct va_log_options options = {.level = VA_LOG_INFO, .path = path, .max_bytes = 1 << 20}, quiet = {.level = VA_LOG_ERROR};
    va_assistant *assistant = new_assistant("speech.enabled=true");
    char *text;
    size_t size;

    assert_int_equal(va_log_open(&options, NULL), 0);
    for (int i = 0; i < 3; i++)
        va_assistant_say(assistant, "mute", "xx");
    va_assistant_free(assistant);
    va_log_close();
    assert_int_equal(va_file_read(path, 1 << 20, &text, &size, NULL), 0);
    const char *first = strstr(text, "no sound card");
    assert_non_null(first);
    assert_null(strstr(first + 1, "no sound card"));
    assert_null(strstr(text, "mute"));
    va_free(text);
    assert_int_equal(va_log_open(&quiet, NULL), 0);
}

static int reset(void **state)
{
    doubles_reset();
    return 0;
}

static int setup(void **state)
{
    return temporary_make(folder) < 0 || temporary_write(temporary_path(folder, "config.yaml"), "") < 0 ||
           va_model_open("", NULL, &model, NULL) < 0;
}

static int teardown(void **state)
{
    va_model_free(model);
    return temporary_remove(folder);
}

int main(void)
{
    static const struct va_log_options quiet = {.level = VA_LOG_ERROR};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_replies_are_said, reset),
        cmocka_unit_test_setup(test_options, reset),
        cmocka_unit_test_setup(test_sound_for_a_caller, reset),
        cmocka_unit_test_setup(test_a_failure_is_told_once, reset),
    };
    if (va_log_open(&quiet, NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, setup, teardown);
}
