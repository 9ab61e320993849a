/* What goes to the history, from where, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "assistant/assistant.h"
#include "config/config.h"
#include "doubles/doubles.h"
#include "intent/commands.h"
#include "temporary.h"

static const char command_text[] = "language: en\n"
                                   "commands:\n"
                                   "  light:\n"
                                   "    sentences: ['turn on the {room} light']\n"
                                   "    response: ok\n"
                                   "    action: {type: say}\n"
                                   "  door:\n"
                                   "    sentences: ['open the door']\n"
                                   "    question: 'Sure?'\n"
                                   "    confirm: true\n"
                                   "    action: {type: say}\n"
                                   "  private:\n"
                                   "    sentences: ['privacy mode on']\n"
                                   "    action: {type: privacy, mode: 'on'}\n"
                                   "lists:\n"
                                   "  room:\n"
                                   "    values: [kitchen, bath]\n";

static char folder[256];
static va_model *model;
static va_assistant *assistant;
static va_history *history;

static int start(void **state)
{
    static const char *const overrides[] = {"model.workers=1", "audio.microphone=none"};
    const struct va_history_options options = {.enabled = 1};
    struct va_assistant_parts parts = {.model_name = "base"};
    va_config *config = NULL;
    va_commands *commands = NULL;
    va_error error;

    doubles_reset();
    if (temporary_make(folder) < 0 || va_config_parse("test", "", 0, overrides, 2, &config, &error) < 0 ||
        va_commands_parse("test", command_text, sizeof command_text - 1, &commands, &error) < 0 ||
        va_model_open("", NULL, &model, &error) < 0 || va_history_open(folder, &options, &history, &error) < 0)
        fail_msg("%s", error.text);
    parts.model = model;
    parts.history = history;
    if (va_assistant_new(&parts, config, commands, &assistant, &error) < 0)
        fail_msg("%s", error.text);
    assert_ptr_equal(va_assistant_history(assistant), history);
    return 0;
}

static int stop(void **state)
{
    va_assistant_free(assistant);
    va_history_close(history);
    va_model_free(model);
    return temporary_remove(folder);
}

static int write_line(void *user, const struct va_history_entry *entry)
{
    char *text = user;

    snprintf(text + strlen(text), 2048 - strlen(text), "%s %s|%s|%s|%s|%s|%d\n", entry->kind, entry->source,
             entry->text != NULL ? entry->text : "-", entry->command != NULL ? entry->command : "-",
             entry->slots_json != NULL ? entry->slots_json : "-", entry->response != NULL ? entry->response : "-", entry->success);
    return 0;
}

static const char *kept(void)
{
    static char text[2048];
    struct va_history_query query = {.limit = 20};

    text[0] = '\0';
    assert_int_equal(va_history_list(history, &query, write_line, text, &query.before_id, NULL), 0);
    return text;
}

static void execute(const char *source, const char *text)
{
    struct va_execution execution;
    va_error error;
    int r = source == NULL ? va_assistant_execute_text(assistant, text, 0, &execution, &error)
                           : va_assistant_execute_text_from(assistant, source, text, 0, &execution, &error);

    if (r < 0)
        fail_msg("%s", error.text);
    va_execution_clear(&execution);
}

static void commands_of_every_side(void **state)
{
    const va_slot slots[] = {{.name = "room", .value = "\"b\""}};
    struct va_execution execution;

    execute(NULL, "turn on the kitchen light");
    execute("wyoming", "open the door");
    assert_int_equal(va_assistant_execute_command(assistant, "light", slots, 1, 0, &execution, NULL), 0);
    va_execution_clear(&execution);
    assert_int_equal(va_assistant_execute_text(assistant, "nothing of the kind", 0, &execution, NULL), VA_ENOTFOUND);
    assert_int_equal(va_assistant_execute_command(assistant, "nothing", NULL, 0, 0, &execution, NULL), VA_ENOTFOUND);
    assert_string_equal(kept(), "command api|-|light|{\"room\":\"\\\"b\\\"\"}|did light 1|1\n"
                                "command wyoming|open the door|door|{}|Sure? 0 |0\n"
                                "command api|turn on the kitchen light|light|{\"room\":\"kitchen\"}|did light 1|1\n");
}

static void nothing_of_privacy_mode(void **state)
{
    struct va_privacy_state privacy;

    execute(NULL, "turn on the bath light");
    execute(NULL, "privacy mode on"); /* it is on when this is done */
    execute(NULL, "turn on the kitchen light");
    assert_string_equal(kept(), "command api|turn on the bath light|light|{\"room\":\"bath\"}|did light 1|1\n");
    assert_int_equal(va_assistant_privacy_set(assistant, 0, VA_PRIVACY_BY_API, &privacy, NULL), 0);
    execute(NULL, "open the door");
    assert_string_equal(kept(), "command api|open the door|door|{}|Sure? 0 |0\n"
                                "command api|turn on the bath light|light|{\"room\":\"bath\"}|did light 1|1\n");
}

/* The folder goes, and comes again: commands are carried out all the time. */
static void a_history_that_fails(void **state)
{
    struct va_history_status status;

    assert_int_equal(va_file_remove_tree(folder, NULL), 0);
    execute(NULL, "open the door");
    execute(NULL, "open the door");
    va_history_get_status(history, &status);
    assert_true(status.failing && status.lost == 2);
    assert_int_equal(va_file_make_folder(folder, 0700, NULL), 0);
    execute(NULL, "open the door");
    va_history_get_status(history, &status);
    assert_true(!status.failing && status.added == 1);
    const struct va_history_options off = {0};
    va_history_configure(history, &off);
    execute(NULL, "open the door");
    assert_string_equal(kept(), "command api|open the door|door|{}|Sure? 0 |0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commands_of_every_side, start, stop),
        cmocka_unit_test_setup_teardown(nothing_of_privacy_mode, start, stop),
        cmocka_unit_test_setup_teardown(a_history_that_fails, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
