/* Nothing that is said is taken or kept while the disk of the data folder is plain and the option wants it encrypted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "assistant/assistant.h"
#include "assistant/live.h"
#include "base/memory.h"
#include "config/config.h"
#include "doubles/doubles.h"
#include "intent/commands.h"
#include "temporary.h"

static const char command_text[] = "language: en\n"
                                   "commands:\n"
                                   "  door:\n"
                                   "    sentences: ['open the door']\n"
                                   "    response: ok\n"
                                   "    action: {type: say}\n";

static char folder[256];
static va_model *model;
static va_assistant *assistant;
static va_history *history;

/* The disk, as the kernel tells it, below the folder; uuid NULL: nothing is known. Returns whether the folder is on a disk. */
static int set_disk(const char *uuid)
{
    struct stat info;
    char path[128];

    assert_int_equal(stat(folder, &info), 0);
    if (major(info.st_dev) == 0)
        return 0;
    snprintf(path, sizeof path, "root/sys/dev/block/%u:%u/dm", major(info.st_dev), minor(info.st_dev));
    assert_int_equal(va_file_make_folder(temporary_path(folder, path), 0755, NULL), 0);
    snprintf(path, sizeof path, "root/sys/dev/block/%u:%u/dm/uuid", major(info.st_dev), minor(info.st_dev));
    assert_int_equal(temporary_write(temporary_path(folder, path), uuid), 0);
    return 1;
}

static int start_with(const char *option)
{
    char root[320];
    const char *overrides[] = {"model.workers=1", "audio.microphone=double", "history.enabled=true", root, option};
    const struct va_history_options options = {.enabled = 1};
    struct va_assistant_parts parts = {.model_name = "base", .folder = folder};
    va_config *config = NULL;
    va_commands *commands = NULL;
    va_error error;

    doubles_reset();
    if (temporary_make(folder) < 0)
        return -1;
    snprintf(root, sizeof root, "system.root=%s/root", folder);
    if (va_config_parse("test", "", 0, overrides, 5, &config, &error) < 0 ||
        va_commands_parse("test", command_text, sizeof command_text - 1, &commands, &error) < 0 ||
        va_model_open("", NULL, &model, &error) < 0 || va_history_open(folder, &options, &history, &error) < 0)
        fail_msg("%s", error.text);
    parts.model = model;
    parts.history = history;
    if (va_assistant_new(&parts, config, commands, &assistant, &error) < 0)
        fail_msg("%s", error.text);
    return 0;
}

static int start(void **state)
{
    return start_with("privacy.require_encryption=true");
}

static int start_without(void **state)
{
    return start_with("privacy.require_encryption=false");
}

static int stop(void **state)
{
    va_assistant_free(assistant);
    va_history_close(history);
    va_model_free(model);
    return temporary_remove(folder);
}

/* How many entries the history has once this command was carried out. */
static uint64_t execute(void)
{
    struct va_execution execution;
    struct va_history_status status;

    assert_int_equal(va_assistant_execute_text(assistant, "open the door", 0, &execution, NULL), 0);
    assert_true(execution.success);
    va_execution_clear(&execution);
    va_history_get_status(history, &status);
    return status.added;
}

static int record(va_error *error)
{
    char id[VA_ID_SIZE];
    double duration_s;
    int r = va_assistant_start_recording(assistant, error);

    return r < 0 ? r : va_assistant_stop_recording(assistant, id, &duration_s, error);
}

static int submit(va_error *error)
{
    const struct va_job job = {.fd = -1, .pcm = va_calloc(100, sizeof(float)), .n_samples = 100};
    char id[VA_ID_SIZE];
    int r = va_assistant_submit(assistant, &job, id, error);

    if (r < 0)
        va_free(job.pcm);
    return r;
}

static void a_plain_disk(void **state)
{
    const struct va_live_options live_options = {.language = "en"};
    const struct va_live_events events = {0};
    va_live *live;
    va_error error;

    if (!set_disk("LVM-1\n"))
        skip();
    assert_int_equal(va_assistant_check_storage(assistant, &error), VA_EDENIED);
    assert_non_null(strstr(error.text, "privacy.require_encryption"));
    assert_false(va_assistant_is_storage_encrypted(assistant));
    assert_int_equal(record(&error), VA_EDENIED);
    assert_int_equal(doubles.captures, 0);
    assert_int_equal(submit(&error), VA_EDENIED);
    assert_int_not_equal(va_live_open(assistant, &live_options, &events, NULL, &live, &error), 0);
    assert_int_equal(execute(), 0);

    /* The volume has come, and goes again. */
    set_disk("CRYPT-LUKS2-1-voice-assistant-data\n");
    assert_int_equal(va_assistant_check_storage(assistant, &error), 0);
    assert_true(va_assistant_is_storage_encrypted(assistant));
    assert_int_equal(record(&error), 0);
    assert_int_equal(submit(&error), 0);
    uint64_t n = execute();
    assert_true(n > 0);
    assert_int_equal(va_assistant_start_recording(assistant, &error), 0);
    set_disk("LVM-1\n");
    char id[VA_ID_SIZE];
    double duration_s;
    assert_int_equal(va_assistant_stop_recording(assistant, id, &duration_s, &error), VA_EDENIED);
    assert_int_equal(doubles.captures, 0);
}

static void without_the_option(void **state)
{
    va_error error;

    if (!set_disk("LVM-1\n"))
        skip();
    assert_int_equal(va_assistant_check_storage(assistant, &error), 0);
    assert_false(va_assistant_is_storage_encrypted(assistant));
    assert_int_equal(record(&error), 0);
    assert_int_equal(submit(&error), 0);
    assert_true(execute() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_plain_disk, start, stop),
        cmocka_unit_test_setup_teardown(without_the_option, start_without, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
