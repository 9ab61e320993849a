/* The assistant with stand-ins for engine, microphone and actions; real commands and configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "action/action.h"
#include "assistant/assistant.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "doubles/doubles.h"

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
                                   "lists:\n"
                                   "  room:\n"
                                   "    values: [kitchen, bath]\n";

static const struct va_log_options quiet = {.level = VA_LOG_ERROR};
static char folder[] = "/tmp/va-assistant-XXXXXX";
static char commands_path[64], config_path[64];
static va_model *model;
static va_assistant *assistant;

static va_config *load_config(const char *extra)
{
    const char *overrides[] = {"model.workers=2", "model.queue=3", "audio.microphone=none", extra};
    va_config *config = NULL;
    va_error error;
    if (va_config_load(config_path, overrides, extra != NULL ? 4 : 3, &config, &error) < 0)
        fail_msg("%s", error.text);
    return config;
}

static va_commands *load_commands(void)
{
    va_commands *commands = NULL;
    va_error error;
    if (va_commands_open(commands_path, &commands, &error) < 0)
        fail_msg("%s", error.text);
    return commands;
}

/* Made before each use: the model is opened later. */
#define parts ((struct va_assistant_parts){.model = model, .model_name = "base"})

static int setup_all(void **state)
{
    va_error error;
    assert_non_null(mkdtemp(folder));
    snprintf(commands_path, sizeof commands_path, "%s/commands.yaml", folder);
    snprintf(config_path, sizeof config_path, "%s/config.yaml", folder);
    assert_int_equal(va_file_write(commands_path, command_text, sizeof command_text - 1, 0600, &error), 0);
    assert_int_equal(va_file_write(config_path, "", 0, 0600, &error), 0);
    assert_int_equal(va_model_open("", NULL, &model, &error), 0);
    return 0;
}

static int teardown_all(void **state)
{
    va_model_free(model);
    return va_file_remove_tree(folder, NULL);
}

static int start(void **state)
{
    va_error error;
    doubles_reset();
    if (va_assistant_new(&parts, load_config(NULL), load_commands(), &assistant, &error) < 0)
        fail_msg("%s", error.text);
    return 0;
}

static int stop(void **state)
{
    doubles.gate_closed = 0;
    va_assistant_free(assistant);
    return 0;
}

/* ---- collecting results ---- */

struct outcome {
    _Atomic int calls;
    _Atomic int gone;
    int status;
    int order;
    char text[64], id[VA_ID_SIZE], message[256];
};
static _Atomic int calls_so_far;

static int is_gone(const void *user)
{
    return ((const struct outcome *)user)->gone;
}

static void on_done(void *user, const struct va_job_result *result)
{
    struct outcome *outcome = user;
    outcome->status = result->status;
    outcome->order = ++calls_so_far;
    snprintf(outcome->id, sizeof outcome->id, "%s", result->id);
    snprintf(outcome->text, sizeof outcome->text, "%s", result->status == 0 ? result->transcript->text : "");
    snprintf(outcome->message, sizeof outcome->message, "%s", result->status < 0 ? result->error->text : "");
    outcome->calls++;
}

static void on_latest(void *user, int status, const struct va_latest *latest)
{
    struct outcome *outcome = user;
    outcome->status = status;
    snprintf(outcome->text, sizeof outcome->text, "%s", status == 0 && latest->text != NULL ? latest->text : "");
    snprintf(outcome->id, sizeof outcome->id, "%s", status == 0 ? latest->id : "");
    outcome->calls++;
}

static int file_with(const char *text)
{
    int fd = memfd_create("upload", MFD_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static int submit(const char *text, struct outcome *outcome, va_error *error)
{
    struct va_job job = {.priority = VA_PRIORITY_UPLOAD, .fd = file_with(text), .is_gone = is_gone, .done = on_done, .user = outcome};
    char id[VA_ID_SIZE];
    int r = va_assistant_submit(assistant, &job, id, error);
    if (r < 0)
        close(job.fd);
    return r;
}

static void submit_well(const char *text, struct outcome *outcome)
{
    va_error error;
    if (submit(text, outcome, &error) < 0)
        fail_msg("%s", error.text);
}

static void expect_upload(const char *text, int status, const char *part)
{
    struct outcome outcome = {0};
    submit_well(text, &outcome);
    assert_true(doubles_wait(&outcome.calls, 1));
    assert_int_equal(outcome.status, status);
    assert_non_null(strstr(status == 0 ? outcome.text : outcome.message, part));
}

/* ---- tests ---- */

static void uploads(void **state)
{
    struct va_assistant_status before, status;

    va_assistant_get_status(assistant, &before);
    expect_upload("12345", 0, "heard 5");
    expect_upload("", VA_EFORMAT, "damaged");
    expect_upload("Unknown", VA_EUNSUPPORTED, "not a format");
    expect_upload("Long", VA_ELIMIT, "longer than 14400 s");
    expect_upload("Damaged", VA_EFORMAT, "in the middle");
    va_assistant_get_status(assistant, &status);
    assert_string_equal(status.model, "base");
    assert_string_equal(status.kernels, "double");
    assert_int_equal(status.workers, 2);
    assert_int_equal(status.capacity, 3);
    assert_int_equal(status.transcriptions - before.transcriptions, 1);
    assert_int_equal(status.failures - before.failures, 4);
    assert_int_equal(status.windows - before.windows, 2);
    assert_int_equal(status.retried - before.retried, 1);
    assert_true(va_assistant_retry_after_s(assistant) >= 1);
}

static void the_queue_is_bounded_and_loses_nothing(void **state)
{
    struct outcome outcomes[8] = {0};
    struct va_assistant_status status;
    va_error error;
    int accepted = 0, refused = 0;

    doubles.gate_closed = 1;
    for (int i = 0; i < 2; i++)
        submit_well("x", &outcomes[accepted++]);
    assert_true(doubles_wait(&doubles.running, 2));
    for (int i = 0; i < 6; i++) {
        int r = submit("y", &outcomes[accepted], &error);
        assert_true(r == 0 || r == VA_EBUSY);
        if (r == 0)
            accepted++;
        else
            refused++;
    }
    assert_int_equal(accepted, 5); /* two at work, three waiting */
    assert_int_equal(refused, 3);
    va_assistant_get_status(assistant, &status);
    assert_int_equal(status.queued, 3);
    assert_int_equal(status.running, 2);
    doubles.gate_closed = 0;
    for (int i = 0; i < accepted; i++) {
        assert_true(doubles_wait(&outcomes[i].calls, 1));
        assert_int_equal(outcomes[i].status, 0);
    }
}

static void work_for_nobody_is_given_up(void **state)
{
    struct outcome outcomes[4] = {0};

    doubles.gate_closed = 1;
    for (int i = 0; i < 4; i++)
        submit_well("x", &outcomes[i]);
    assert_true(doubles_wait(&doubles.running, 2));
    for (int i = 0; i < 4; i++)
        outcomes[i].gone = 1;
    for (int i = 0; i < 4; i++) {
        assert_true(doubles_wait(&outcomes[i].calls, 1));
        assert_int_equal(outcomes[i].status, VA_ECANCELLED);
    }
    assert_int_equal(doubles.begun, 2); /* the waiting ones never began */
}

static void the_microphone_comes_before_uploads(void **state)
{
    struct outcome uploads[4] = {0}, live = {0};
    char id[VA_ID_SIZE];
    va_error error;

    doubles.gate_closed = 1;
    for (int i = 0; i < 4; i++)
        submit_well("x", &uploads[i]);
    assert_true(doubles_wait(&doubles.running, 2));
    float *pcm = va_calloc(16000, sizeof *pcm);
    const struct va_job job = {.priority = VA_PRIORITY_LIVE, .fd = -1, .pcm = pcm, .n_samples = 16000, .done = on_done, .user = &live};
    assert_int_equal(va_assistant_submit(assistant, &job, id, &error), 0);
    assert_true(doubles_wait(&doubles.begun, 3)); /* it interrupts an upload; nothing else begins meanwhile */
    assert_int_equal(doubles.last_was_live, 1);
    doubles.gate_closed = 0;
    assert_true(doubles_wait(&live.calls, 1));
    assert_string_equal(live.text, "heard 16000");
    assert_string_equal(live.id, id);
    for (int i = 0; i < 4; i++)
        assert_true(doubles_wait(&uploads[i].calls, 1));
}

static void from_recording_to_latest(void **state)
{
    struct outcome none = {0}, waiting = {0}, late = {0}, after = {0};
    char id[VA_ID_SIZE];
    double duration_s;
    va_error error;

    va_assistant_latest(assistant, 1, on_latest, &none);
    assert_int_equal(none.calls, 1);
    assert_int_equal(none.status, VA_ENOTFOUND);
    assert_int_equal(va_assistant_stop_recording(assistant, id, &duration_s, &error), VA_ESTATE);

    doubles.gate_closed = 1;
    assert_int_equal(va_assistant_start_recording(assistant, &error), 0);
    assert_int_equal(va_assistant_start_recording(assistant, &error), VA_ESTATE);
    assert_int_equal(va_assistant_stop_recording(assistant, id, &duration_s, &error), 0);
    assert_true(duration_s == 3.0);
    va_assistant_latest(assistant, 0.01, on_latest, &late);
    assert_true(doubles_wait(&late.calls, 1));
    assert_int_equal(late.status, VA_ETIMEOUT);
    va_assistant_latest(assistant, 100, on_latest, &waiting);
    assert_int_equal(waiting.calls, 0);
    doubles.gate_closed = 0;
    assert_true(doubles_wait(&waiting.calls, 1));
    assert_int_equal(waiting.status, 0);
    assert_string_equal(waiting.text, "heard 48000");
    assert_string_equal(waiting.id, id);
    assert_non_null(strstr(doubles.last_prompt, "kitchen"));
    assert_string_equal(doubles.last_language, "en");

    expect_upload("Damaged", VA_EFORMAT, "middle"); /* of no interest to others */
    va_assistant_latest(assistant, 1, on_latest, &after);
    assert_string_equal(after.text, "heard 48000");

    doubles.no_device = 1;
    assert_int_equal(va_assistant_start_recording(assistant, &error), VA_ENOTFOUND);
}

static _Atomic int errands_done;

static void errand(void *user)
{
    usleep(1000);
    errands_done++;
}

static void stopping_finishes_what_was_accepted(void **state)
{
    struct outcome outcomes[4] = {0}, waiting = {0}, late = {0};
    char id[VA_ID_SIZE];
    double duration_s;
    va_error error;
    int n = 0;

    doubles.gate_closed = 1;
    errands_done = 0;
    for (int i = 0; i < 4; i++)
        submit_well("x", &outcomes[i]);
    assert_int_equal(va_assistant_start_recording(assistant, &error), 0);
    assert_int_equal(va_assistant_stop_recording(assistant, id, &duration_s, &error), 0);
    va_assistant_latest(assistant, 100, on_latest, &waiting);
    while (n < 1000 && va_assistant_run(assistant, errand, NULL, &error) == 0)
        n++;
    assert_int_equal(error.code, VA_EBUSY);
    doubles.gate_closed = 0;
    va_assistant_stop(assistant);
    for (int i = 0; i < 4; i++)
        assert_string_equal(outcomes[i].text, "heard 1");
    assert_string_equal(waiting.text, "heard 48000");
    assert_int_equal(errands_done, n);
    assert_int_equal(va_assistant_run(assistant, errand, NULL, &error), VA_ESTATE);
    assert_int_equal(submit("x", &late, &error), VA_ESTATE);
    assert_int_equal(late.calls, 0);
}

static void *reload_often(void *arg)
{
    va_error error;
    for (int i = 0; i < 20; i++)
        assert_int_equal(va_assistant_reload(assistant, load_config("model.language=de"), load_commands(), &error), 0);
    return NULL;
}

static void reload_while_working(void **state)
{
    struct outcome outcomes[30] = {0};
    struct va_execution execution;
    pthread_t thread;
    va_error error;
    int accepted = 0;

    assert_int_equal(pthread_create(&thread, NULL, reload_often, NULL), 0);
    for (int i = 0; i < 30; i++) {
        accepted += submit("x", &outcomes[accepted], &error) == 0;
        assert_int_equal(va_assistant_execute_text(assistant, "turn on the bath light", 0, &execution, &error), 0);
        assert_string_equal(execution.slots[0].value, "bath");
        va_execution_clear(&execution);
    }
    pthread_join(thread, NULL);
    for (int i = 0; i < accepted; i++)
        assert_true(doubles_wait(&outcomes[i].calls, 1));
    expect_upload("xy", 0, "heard 2");
    assert_string_equal(doubles.last_language, "de");
}

static void a_timer_that_ends_is_logged(void **state)
{
    struct va_log_options options = {.level = VA_LOG_INFO, .max_bytes = 1 << 20};
    char path[64], *text = NULL;
    size_t size;
    va_error error;

    snprintf(path, sizeof path, "%s/timer.log", folder);
    options.path = path;
    assert_int_equal(va_log_open(&options, &error), 0);
    struct va_timer_event event = {.type = "timer", .name = "tea", .text = "Tea is ready.", .language = "en", .seconds = 300};
    doubles.on_timer(doubles.timer_user, &event);
    assert_int_equal(va_assistant_reload(assistant, load_config("privacy.log_text=true"), load_commands(), &error), 0);
    event.name = "eggs";
    event.seconds = 240;
    doubles.on_timer(doubles.timer_user, &event);
    va_log_close();
    assert_int_equal(va_log_open(&quiet, &error), 0);

    assert_int_equal(va_file_read(path, 1 << 20, &text, &size, &error), 0);
    assert_non_null(strstr(text, "\"event\":\"timer\",\"message\":\"timer\",\"type\":\"timer\",\"seconds\":300"));
    assert_null(strstr(text, "tea"));
    assert_non_null(strstr(text, "\"seconds\":240,\"late\":0,\"change\":\"ended\",\"name\":\"eggs\",\"text\":\"Tea is ready.\""));
    va_free(text);
}

static void out_of_memory(void **state)
{
    va_assistant *other = NULL;
    va_error error;

    for (size_t n = 1; n < 12; n++) {
        va_config *config = load_config(NULL);
        va_commands *commands = load_commands();
        va_memory_fail_after(n);
        int r = va_assistant_new(&parts, config, commands, &other, &error);
        va_memory_fail_after(0);
        if (r == 0) {
            va_assistant_free(other);
            continue;
        }
        assert_int_equal(r, VA_ENOMEM);
        va_config_free(config);
        va_commands_free(commands);
    }
    for (size_t n = 1; n < 8; n++) {
        struct outcome outcome = {0};
        struct va_job job = {
            .priority = VA_PRIORITY_UPLOAD, .fd = file_with("x"), .language = "en", .prompt = "p", .done = on_done, .user = &outcome};
        char id[VA_ID_SIZE];
        va_memory_fail_after(n);
        int r = va_assistant_submit(assistant, &job, id, &error);
        if (r == 0)
            assert_true(doubles_wait(&outcome.calls, 1));
        va_memory_fail_after(0);
        if (r < 0)
            close(job.fd);
    }
    doubles.fail_contexts = 1;
    va_config *config = load_config(NULL);
    va_commands *commands = load_commands();
    assert_int_equal(va_assistant_new(&parts, config, commands, &other, &error), VA_ENOMEM);
    va_config_free(config);
    va_commands_free(commands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(uploads, start, stop),
        cmocka_unit_test_setup_teardown(the_queue_is_bounded_and_loses_nothing, start, stop),
        cmocka_unit_test_setup_teardown(work_for_nobody_is_given_up, start, stop),
        cmocka_unit_test_setup_teardown(the_microphone_comes_before_uploads, start, stop),
        cmocka_unit_test_setup_teardown(from_recording_to_latest, start, stop),
        cmocka_unit_test_setup_teardown(stopping_finishes_what_was_accepted, start, stop),
        cmocka_unit_test_setup_teardown(reload_while_working, start, stop),
        cmocka_unit_test_setup_teardown(a_timer_that_ends_is_logged, start, stop),
        cmocka_unit_test_setup_teardown(out_of_memory, start, stop),
    };
    if (va_log_open(&quiet, NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
