/* Privacy mode of the assistant, with stand-ins for engine, microphone and actions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "assistant/state.h"
#include "base/log.h"
#include "base/memory.h"
#include "doubles/doubles.h"
#include "temporary.h"

static const char command_text[] = "language: en\n"
                                   "commands:\n"
                                   "  hide:\n"
                                   "    sentences: ['hide']\n"
                                   "    action: {type: privacy, mode: 'on'}\n"
                                   "  show:\n"
                                   "    sentences: ['show']\n"
                                   "    action: {type: privacy, mode: 'off'}\n"
                                   "  odd:\n"
                                   "    sentences: ['odd']\n"
                                   "    action: {type: privacy, mode: maybe}\n"
                                   "  again:\n"
                                   "    sentences: ['again']\n"
                                   "    action: {type: repeat, none: nothing}\n"
                                   "  door:\n"
                                   "    sentences: ['open']\n"
                                   "    confirm: true\n"
                                   "    question: 'Sure?'\n"
                                   "    action: {type: say}\n"
                                   "  sure:\n"
                                   "    sentences: ['sure']\n"
                                   "    action: {type: confirm, none: nothing}\n";

static char folder[256];
static va_model *model;
static va_assistant *assistant;

static int make(const char *cameras, va_error *error)
{
    const struct va_assistant_parts parts = {.model = model, .model_name = "base", .folder = folder};
    char option[128];
    const char *const overrides[] = {"model.workers=1", "audio.microphone=none", "system.root=/nonexistent", option};
    va_config *config = NULL;
    va_commands *commands = NULL;

    snprintf(option, sizeof option, "privacy.cameras=%s", cameras);
    int r = va_config_parse("test", "", 0, overrides, 4, &config, error);
    if (r == 0)
        r = va_commands_parse("test", command_text, sizeof command_text - 1, &commands, error);
    if (r == 0)
        r = va_assistant_new(&parts, config, commands, &assistant, error);
    if (r < 0) {
        va_config_free(config);
        va_commands_free(commands);
        assistant = NULL;
    }
    return r;
}

static void make_well(const char *cameras)
{
    va_error error;

    if (make(cameras, &error) < 0)
        fail_msg("%s", error.text);
}

static int start(void **state)
{
    doubles_reset();
    assert_int_equal(va_model_open("", NULL, &model, NULL), 0);
    assert_int_equal(temporary_make(folder), 0);
    make_well("");
    return 0;
}

static int stop(void **state)
{
    doubles.gate_closed = 0;
    va_assistant_free(assistant);
    va_model_free(model);
    chmod(folder, 0700);
    return temporary_remove(folder);
}

static int set(int on)
{
    struct va_privacy_state privacy = {.on = -1};
    va_error error;
    int r = va_assistant_privacy_set(assistant, on, VA_PRIVACY_BY_BUTTON, &privacy, &error);

    assert_int_equal(r, error.code * (r < 0));
    assert_int_equal(privacy.on, va_assistant_is_private(assistant));
    return r;
}

static const char *say(const char *text)
{
    static char response[256];
    struct va_execution execution;
    va_error error;

    if (va_assistant_execute_text(assistant, text, 0, &execution, &error) < 0)
        fail_msg("%s", error.text);
    snprintf(response, sizeof response, "%s", execution.response);
    va_execution_clear(&execution);
    return response;
}

struct outcome {
    _Atomic int calls;
    int status;
};

static void on_done(void *user, const struct va_job_result *result)
{
    struct outcome *outcome = user;
    assert_true((result->status == 0) == (result->transcript != NULL));
    outcome->status = result->status;
    outcome->calls++;
}

static void on_latest(void *user, int status, const struct va_latest *latest)
{
    struct outcome *outcome = user;
    outcome->status = status;
    outcome->calls++;
}

static int latest(void)
{
    struct outcome outcome = {0};
    va_assistant_latest(assistant, 20, on_latest, &outcome);
    assert_true(doubles_wait(&outcome.calls, 1));
    return outcome.status;
}

static int submit(enum va_priority priority, struct outcome *outcome)
{
    struct va_job job = {.priority = priority, .fd = -1, .done = on_done, .user = outcome, .n_samples = 100};
    char id[VA_ID_SIZE];
    va_error error;

    assert_non_null(job.pcm = va_calloc(100, sizeof *job.pcm));
    int r = va_assistant_submit(assistant, &job, id, &error);
    if (r < 0)
        va_free(job.pcm);
    return r;
}

/* ---- tests ---- */

static void recording_is_refused(void **state)
{
    struct va_assistant_status status;
    char id[VA_ID_SIZE];
    double duration_s;
    va_error error;

    assert_int_equal(va_assistant_start_recording(assistant, &error), 0);
    assert_int_equal(set(1), 0);
    va_assistant_get_status(assistant, &status);
    assert_true(status.privacy && !status.recording);
    assert_int_equal(va_assistant_stop_recording(assistant, id, &duration_s, &error), VA_ESTATE);
    assert_int_equal(va_assistant_start_recording(assistant, &error), VA_EDENIED);
    assert_non_null(strstr(error.text, "privacy mode is on"));
    assert_int_equal(submit(VA_PRIORITY_LIVE, NULL), VA_EDENIED);
    assert_int_equal(set(1), 0);
    assert_int_equal(set(0), 0);
    va_assistant_get_status(assistant, &status);
    assert_false(status.privacy);
    assert_int_equal(va_assistant_start_recording(assistant, &error), 0);
    assert_int_equal(va_assistant_stop_recording(assistant, id, &duration_s, &error), 0);
    assert_int_equal(latest(), 0);
}

static void what_is_in_flight_is_cancelled(void **state)
{
    struct outcome live[3] = {0}, upload = {0}, waiter = {0};

    doubles.gate_closed = 1;
    for (int i = 0; i < 3; i++)
        assert_int_equal(submit(VA_PRIORITY_LIVE, &live[i]), 0);
    assert_true(doubles_wait(&doubles.running, 1));
    assert_int_equal(submit(VA_PRIORITY_UPLOAD, &upload), 0);
    va_assistant_latest(assistant, 20, on_latest, &waiter);
    assert_int_equal(set(1), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(live[i].calls, 1);
        assert_int_equal(live[i].status, VA_ECANCELLED);
    }
    assert_true(doubles_wait(&waiter.calls, 1));
    assert_int_equal(waiter.status, VA_ENOTFOUND);
    assert_int_equal(upload.calls, 0);
    doubles.gate_closed = 0;
    assert_true(doubles_wait(&upload.calls, 1));
    assert_int_equal(upload.status, 0);
    assert_int_equal(latest(), VA_ENOTFOUND);
}

static void what_was_said_before_is_not_kept_after(void **state)
{
    struct outcome before = {0}, within = {0}, after = {0};

    doubles.gate_closed = 1;
    assert_int_equal(submit(VA_PRIORITY_UPLOAD, &before), 0);
    assert_true(doubles_wait(&doubles.running, 1));
    assert_int_equal(set(1), 0);
    assert_int_equal(submit(VA_PRIORITY_UPLOAD, &within), 0);
    assert_int_equal(set(0), 0);
    doubles.gate_closed = 0;
    assert_true(doubles_wait(&before.calls, 1) && doubles_wait(&within.calls, 1));
    assert_int_equal(before.status, 0);
    assert_int_equal(within.status, 0);
    assert_int_equal(latest(), VA_ENOTFOUND);
    assert_int_equal(submit(VA_PRIORITY_UPLOAD, &after), 0);
    assert_true(doubles_wait(&after.calls, 1));
    assert_int_equal(latest(), 0);
    assert_int_equal(set(1), 0);
    assert_int_equal(latest(), VA_ENOTFOUND);
}

static void questions_and_replies_are_forgotten(void **state)
{
    assert_string_equal(say("open"), "Sure? 0 ");
    assert_string_equal(say("again"), "reply=Sure? 0  ");
    assert_int_equal(set(1), 0);
    assert_int_equal(doubles.silenced, 1);
    assert_string_equal(say("again"), "nothing");
    assert_string_equal(say("sure"), "nothing");
    assert_int_equal(set(0), 0);
    assert_string_equal(say("sure"), "nothing");
}

static void of_what_it_overtakes_nothing_is_left(void **state)
{
    uint64_t heard = atomic_load(&assistant->privacy_changes);
    struct va_execution execution;

    assert_int_equal(set(1), 0);
    assert_int_equal(set(0), 0);
    assert_int_equal(va_execute_said(assistant, "microphone", heard, "open", 0, &execution, NULL), 0);
    va_assistant_reply(assistant, &execution, VA_SPEAK_ALWAYS);
    va_execution_clear(&execution);
    assert_int_equal(doubles.said, 0);
    assert_string_equal(say("again"), "nothing");
    assert_string_equal(say("sure"), "nothing");
    heard = atomic_load(&assistant->privacy_changes);
    assert_int_equal(va_execute_said(assistant, "microphone", heard, "hide", 0, &execution, NULL), 0);
    execution.response = "it is on";
    va_assistant_reply(assistant, &execution, VA_SPEAK_ALWAYS); /* but that it is on is said */
    va_execution_clear(&execution);
    assert_int_equal(doubles.said, 1);
}

static void a_command_does_it(void **state)
{
    struct va_execution execution;
    va_error error;

    assert_int_equal(va_assistant_execute_text(assistant, "hide", VA_EXECUTE_DRY_RUN, &execution, &error), 0);
    assert_string_equal(execution.response, "would switch privacy mode on");
    va_execution_clear(&execution);
    assert_false(va_assistant_is_private(assistant));
    (void)say("hide");
    assert_true(va_assistant_is_private(assistant));
    (void)say("show");
    assert_false(va_assistant_is_private(assistant));
    assert_non_null(strstr(say("odd"), "must be on or off"));
    assert_int_equal(rmdir(folder), -1); /* the switch is in it */
    assert_int_equal(temporary_remove(folder), 0);
    assert_non_null(strstr(say("hide"), "would not outlive a restart"));
    assert_int_equal(mkdir(folder, 0700), 0);
}

static char told[256];

static void on_event(void *user, const char *name, const struct va_field *fields, size_t n)
{
    size_t at = strlen(told);

    if (strcmp(name, "state") == 0)
        snprintf(told + at, sizeof told - at, "%s>%s ", fields[0].value.string, fields[1].value.string);
    else if (strcmp(name, "privacy") == 0)
        snprintf(told + at, sizeof told - at, "%s=%d by %s ", name, (int)fields[0].value.integer, fields[1].value.string);
}

static void it_is_told(void **state)
{
    told[0] = '\0';
    assert_int_equal(va_assistant_subscribe(assistant, on_event, NULL, NULL), 0);
    assert_int_equal(set(1), 0);
    assert_int_equal(set(0), 0);
    va_assistant_unsubscribe(assistant, on_event, NULL);
    assert_int_equal(set(1), 0);
    assert_string_equal(told, "off>privacy privacy=1 by button privacy>off privacy=0 by button ");
}

static void restart(const char *cameras)
{
    va_assistant_free(assistant);
    make_well(cameras);
}

static void it_outlives_a_restart(void **state)
{
    va_error error;

    assert_int_equal(set(1), 0);
    restart("");
    assert_true(va_assistant_is_private(assistant));
    assert_int_equal(va_assistant_start_recording(assistant, &error), VA_EDENIED);
    assert_int_equal(set(0), 0);
    restart("");
    assert_false(va_assistant_is_private(assistant));
    assert_int_equal(temporary_write(temporary_path(folder, VA_PRIVACY_FILE), "?"), 0);
    restart("");
    assert_true(va_assistant_is_private(assistant));
}

static void the_file_is_followed(void **state)
{
    for (int on = 1; on >= 0; on--) {
        assert_int_equal(va_privacy_write(folder, on, NULL), 0);
        for (int wait = 0; wait < 5000 && va_assistant_is_private(assistant) != on; wait++)
            usleep(1000);
        assert_int_equal(va_assistant_is_private(assistant), on);
    }
}

static void what_cannot_be_stored_is_said(void **state)
{
    assert_int_equal(mkdir(temporary_path(folder, VA_PRIVACY_FILE), 0700), 0);
    assert_int_equal(set(0), VA_EIO);
    assert_false(va_assistant_is_private(assistant));
    assert_int_equal(set(1), VA_EIO);
    assert_true(va_assistant_is_private(assistant));
    assert_int_equal(set(0), VA_EIO);
    assert_true(va_assistant_is_private(assistant));
    assert_int_equal(rmdir(temporary_path(folder, VA_PRIVACY_FILE)), 0);
    assert_int_equal(set(0), 0);
    assert_false(va_assistant_is_private(assistant));
}

static void a_camera_that_is_wrong_is_said(void **state)
{
    struct va_privacy_state privacy;
    va_error error;

    restart("/dev/video0,/etc/passwd");
    va_assistant_privacy_get(assistant, &privacy);
    assert_int_equal(privacy.on, 0);
    assert_int_equal(privacy.cameras.n, 2);
    assert_int_equal(va_assistant_privacy_set(assistant, 1, VA_PRIVACY_BY_API, &privacy, &error), VA_EFAILED);
    assert_non_null(strstr(error.text, "privacy mode is on, but the camera /etc/passwd is unknown"));
    assert_int_equal(privacy.on, 1);
    assert_int_equal(privacy.cameras.camera[0].state, VA_CAMERA_NOT_PRESENT);
    assert_int_equal(va_assistant_start_recording(assistant, &error), VA_EDENIED);
}

static void out_of_memory(void **state)
{
    va_error error;
    int r = VA_ENOMEM;

    /* A switch that cannot be read for lack of memory is on. */
    va_assistant_free(assistant);
    for (size_t n = 1; r == VA_ENOMEM && n < 100000; n++) {
        va_memory_fail_after(n);
        r = make("", &error);
        va_memory_fail_after(0);
    }
    assert_int_equal(r, 0);
    if (va_assistant_is_private(assistant))
        restart("");
    for (size_t n = 1; n < 6; n++) {
        va_memory_fail_after(n);
        r = set(1);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
        assert_true(va_assistant_is_private(assistant));
        va_memory_fail_after(n);
        r = set(0);
        va_memory_fail_after(0);
        assert_int_equal(va_assistant_is_private(assistant), r != 0);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct va_log_options quiet = {.level = VA_LOG_ERROR};
    const struct CMUnitTest tests[] = {
        TEST(recording_is_refused),
        TEST(what_is_in_flight_is_cancelled),
        TEST(what_was_said_before_is_not_kept_after),
        TEST(questions_and_replies_are_forgotten),
        TEST(of_what_it_overtakes_nothing_is_left),
        TEST(a_command_does_it),
        TEST(it_is_told),
        TEST(it_outlives_a_restart),
        TEST(the_file_is_followed),
        TEST(what_cannot_be_stored_is_said),
        TEST(a_camera_that_is_wrong_is_said),
        TEST(out_of_memory),
    };

    if (va_log_open(&quiet, NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
