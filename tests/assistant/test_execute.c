/* What comes of a sentence, with a stand-in for the actions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "action/action.h"
#include "assistant/assistant.h"
#include "config/config.h"
#include "doubles/doubles.h"
#include "intent/commands.h"

static const char command_text[] = "language: en\n"
                                   "failure: 'Sorry:'\n"
                                   "question: 'Sure?'\n"
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
                                   "    response: opened\n"
                                   "    confirm: true\n"
                                   "    action: {type: say}\n"
                                   "  yes:\n"
                                   "    sentences: ['yes']\n"
                                   "    action: {type: confirm, none: 'Yes what?'}\n"
                                   "  no:\n"
                                   "    sentences: ['no']\n"
                                   "    action: {type: cancel, none: 'No what?'}\n"
                                   "  stop:\n"
                                   "    sentences: ['stop']\n"
                                   "    action: {type: stop}\n"
                                   "  again:\n"
                                   "    sentences: ['again']\n"
                                   "    action: {type: repeat, none: 'Nothing was said.'}\n"
                                   "  help:\n"
                                   "    sentences: ['help']\n"
                                   "    action: {type: help, count: 2, separator: '; '}\n"
                                   "lists:\n"
                                   "  room:\n"
                                   "    values: [kitchen, bath]\n";

static va_model *model;
static va_assistant *assistant;

static va_config *load_config(const char *extra)
{
    const char *overrides[] = {"model.workers=1", "audio.microphone=none", extra};
    va_config *config = NULL;
    va_error error;
    if (va_config_parse("test", "", 0, overrides, extra != NULL ? 3 : 2, &config, &error) < 0)
        fail_msg("%s", error.text);
    return config;
}

static va_commands *load_commands(void)
{
    va_commands *commands = NULL;
    va_error error;
    if (va_commands_parse("test", command_text, sizeof command_text - 1, &commands, &error) < 0)
        fail_msg("%s", error.text);
    return commands;
}

static int start(void **state)
{
    va_error error;
    doubles_reset();
    assert_int_equal(va_model_open("", NULL, &model, &error), 0);
    const struct va_assistant_parts parts = {.model = model, .model_name = "base"};
    if (va_assistant_new(&parts, load_config(NULL), load_commands(), &assistant, &error) < 0)
        fail_msg("%s", error.text);
    return 0;
}

static int stop(void **state)
{
    va_assistant_free(assistant);
    va_model_free(model);
    return 0;
}

static void commands(void **state)
{
    struct va_execution execution;
    const va_slot slot = {"value", "22"};
    va_error error;

    assert_int_equal(va_assistant_execute_text(assistant, "Turn on the kitchen light.", 0, &execution, &error), 0);
    assert_string_equal(execution.command, "light");
    assert_int_equal(execution.n_slots, 1);
    assert_string_equal(execution.slots[0].name, "room");
    assert_string_equal(execution.slots[0].value, "kitchen");
    assert_string_equal(execution.response, "did light 1");
    assert_true(execution.success && execution.score > 0);
    va_execution_clear(&execution);
    assert_int_equal(va_assistant_execute_text(assistant, "sing me a song about the sea", 0, &execution, &error), VA_ENOTFOUND);
    assert_int_equal(va_assistant_execute_text(assistant, "what time is it", 0, &execution, &error), 0);
    assert_int_equal(execution.status, VA_EFAILED);
    assert_string_equal(execution.error.text, "no clock");
    assert_string_equal(execution.response, "Sorry: no clock");
    assert_true(!execution.success && !execution.confirm);
    va_execution_clear(&execution);

    assert_int_equal(va_assistant_execute_command(assistant, "set_temperature", &slot, 1, 0, &execution, &error), 0);
    assert_string_equal(execution.response, "did set_temperature 1");
    va_execution_clear(&execution);
    assert_int_equal(va_assistant_execute_command(assistant, "set_temperature", NULL, 0, 0, &execution, &error), 0);
    assert_int_equal(execution.status, VA_EINVAL);
    va_execution_clear(&execution);
    assert_int_equal(va_assistant_execute_command(assistant, "fly", NULL, 0, 0, &execution, &error), VA_ENOTFOUND);
}

/* Says a sentence, and asserts what comes of it. */
static void expect_said(const char *text, unsigned flags, const char *command, int success, int confirm, const char *response)
{
    struct va_execution execution;
    va_error error;

    if (va_assistant_execute_text(assistant, text, flags, &execution, &error) < 0)
        fail_msg("%s: %s", text, error.text);
    if (strcmp(execution.command, command) != 0 || execution.success != success || execution.confirm != confirm ||
        strcmp(execution.response, response) != 0)
        fail_msg("%s: %s %d %d \"%s\"", text, execution.command, execution.success, execution.confirm, execution.response);
    va_execution_clear(&execution);
}

static void risky_commands_are_asked_about(void **state)
{
    va_error error;

    expect_said("yes", 0, "yes", 0, 0, "Yes what?");
    expect_said("no", 0, "no", 0, 0, "No what?");
    expect_said("open the kitchen door", 0, "door", 0, 1, "Sure? 1 kitchen");
    expect_said("open the bath door", 0, "door", 0, 1, "Sure? 1 bath");
    expect_said("yes", 0, "door", 1, 0, "did door 1");
    expect_said("yes", 0, "yes", 0, 0, "Yes what?");
    expect_said("open the kitchen door", 0, "door", 0, 1, "Sure? 1 kitchen");
    expect_said("no", 0, "no", 1, 0, "");
    expect_said("yes", 0, "yes", 0, 0, "Yes what?");
    expect_said("open the kitchen door", 0, "door", 0, 1, "Sure? 1 kitchen");
    expect_said("stop", 0, "stop", 1, 0, "");
    expect_said("yes", 0, "yes", 0, 0, "Yes what?");
    expect_said("open the kitchen door", VA_EXECUTE_CONFIRMED, "door", 1, 0, "did door 1");
    expect_said("open the kitchen door", VA_EXECUTE_DRY_RUN, "door", 1, 0, "would do door 1");
    expect_said("yes", 0, "yes", 0, 0, "Yes what?");

    /* Another command in between leaves the question; a reload does, too. */
    expect_said("open the kitchen door", 0, "door", 0, 1, "Sure? 1 kitchen");
    expect_said("turn on the bath light", 0, "light", 1, 0, "did light 1");
    assert_int_equal(va_assistant_reload(assistant, load_config("actions.dry_run=true"), load_commands(), &error), 0);
    expect_said("yes", 0, "door", 1, 0, "would do door 1");
    assert_int_equal(va_assistant_reload(assistant, load_config("actions.confirm_s=1"), load_commands(), &error), 0);
    expect_said("open the kitchen door", 0, "door", 0, 1, "Sure? 1 kitchen");
    usleep(1100000);
    expect_said("yes", 0, "yes", 0, 0, "Yes what?");
}

static void a_dry_run_leaves_the_question_open(void **state)
{
    expect_said("no", VA_EXECUTE_DRY_RUN, "no", 0, 0, "No what?");
    expect_said("open the kitchen door", 0, "door", 0, 1, "Sure? 1 kitchen");
    expect_said("yes", VA_EXECUTE_DRY_RUN, "door", 1, 0, "would do door 1");
    expect_said("no", VA_EXECUTE_DRY_RUN, "no", 1, 0, "would drop the question about 'door'");
    expect_said("stop", VA_EXECUTE_DRY_RUN, "stop", 1, 0, "");
    expect_said("yes", 0, "door", 1, 0, "did door 1");
    expect_said("yes", VA_EXECUTE_DRY_RUN, "yes", 0, 0, "Yes what?");
}

static void what_was_said_is_said_again(void **state)
{
    const struct va_timer_event event = {.type = "timer", .name = "tea", .text = "Tea is ready.", .language = "en"};

    expect_said("again", 0, "again", 0, 0, "Nothing was said.");
    expect_said("turn on the bath light", 0, "light", 1, 0, "did light 1");
    expect_said("again", 0, "again", 1, 0, "reply=did light 1 ");
    expect_said("again", 0, "again", 1, 0, "reply=did light 1 ");
    expect_said("what time is it", 0, "clock", 0, 0, "Sorry: no clock");
    expect_said("again", 0, "again", 1, 0, "reply=Sorry: no clock ");
    doubles.on_timer(doubles.timer_user, &event);
    expect_said("again", 0, "again", 1, 0, "reply=Tea is ready. ");
}

static void help_gives_other_examples_each_time(void **state)
{
    expect_said("help", 0, "help", 1, 0, "examples=turn on the kitchen light; warm it ");
    expect_said("help", 0, "help", 1, 0, "examples=what time is it; open the kitchen door ");
    expect_said("help", 0, "help", 1, 0, "examples=yes; no ");
}

static void help_gives_as_many_as_it_is_told(void **state)
{
    char text[1024];
    int n = snprintf(text, sizeof text, "language: en\ncommands:\n");
    struct va_execution execution;
    va_commands *many = NULL;
    va_error error;

    for (int i = 0; i < 15; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "  c%d: {sentences: ['x %c'], action: {type: say}}\n", i, 'a' + i);
    n += snprintf(text + n, sizeof text - (size_t)n, "  help: {sentences: [help], action: {type: help, count: 12, separator: '+'}}\n");
    assert_int_equal(va_commands_parse("test", text, (size_t)n, &many, &error), 0);
    assert_int_equal(va_assistant_reload(assistant, load_config(NULL), many, &error), 0);
    assert_int_equal(va_assistant_execute_text(assistant, "help", 0, &execution, &error), 0);
    assert_string_equal(execution.response, "examples=x a+x b+x c+x d+x e+x f+x g+x h+x i+x j+x k+x l ");
    va_execution_clear(&execution);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commands, start, stop),
        cmocka_unit_test_setup_teardown(risky_commands_are_asked_about, start, stop),
        cmocka_unit_test_setup_teardown(a_dry_run_leaves_the_question_open, start, stop),
        cmocka_unit_test_setup_teardown(what_was_said_is_said_again, start, stop),
        cmocka_unit_test_setup_teardown(help_gives_other_examples_each_time, start, stop),
        cmocka_unit_test_setup_teardown(help_gives_as_many_as_it_is_told, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
