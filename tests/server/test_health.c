/* Every reason that can be made to happen with stand-ins; tests/e2e/test_health.py has those that need the real program. */
#include "server/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "doubles/doubles.h"
#include "intent/commands.h"
#include "temporary.h"

static char folder[256];
static va_model *model;
static va_assistant *assistant;
static va_health *health;

/* However full the machine of the tests is. */
static const struct va_health_limits no_limits = {1e9, 1e9, 100.0, 0.0};

static int start(void **state)
{
    static const char *const overrides[] = {"model.workers=1", "model.queue=4", "audio.microphone=double"};
    static const char text[] = "language: en\n";
    struct va_assistant_parts parts = {.model_name = "base"};
    va_config *config = NULL;
    va_commands *commands = NULL;
    va_error error;

    doubles_reset();
    if (temporary_make(folder) < 0 || va_config_parse("test", "", 0, overrides, 3, &config, &error) < 0 ||
        va_commands_parse("test", text, sizeof text - 1, &commands, &error) < 0 || va_model_open("", NULL, &model, &error) < 0 ||
        (parts.model = model, va_assistant_new(&parts, config, commands, &assistant, &error) < 0) ||
        va_health_new(assistant, folder, &health, &error) < 0)
        fail_msg("%s", error.text);
    return 0;
}

static int stop(void **state)
{
    doubles.gate_closed = 0;
    va_assistant_stop(assistant);
    va_health_free(health);
    va_assistant_free(assistant);
    va_model_free(model);
    va_log_close();
    return temporary_remove(folder);
}

/* The text of a reason that holds now, or NULL. Setting limits makes it look anew. */
static const char *reason(const struct va_health_limits *limits, const char *code)
{
    static struct va_health_state now;

    va_health_set_limits(health, limits);
    va_health_get(health, &now);
    for (size_t i = 0; i < now.n_reasons; i++)
        if (strcmp(now.reasons[i].code, code) == 0)
            return now.reasons[i].text;
    return NULL;
}

static void a_model_that_goes_or_changes(void **state)
{
    const char *path = temporary_path(folder, "model.vam"), *other = temporary_path(folder, "other.vam");
    va_error error;

    assert_int_equal(va_health_watch_model(health, path, &error), VA_ENOTFOUND);
    assert_int_equal(temporary_write(path, "a model"), 0);
    assert_int_equal(va_health_watch_model(health, path, &error), 0);
    assert_null(reason(&no_limits, "model_missing"));
    assert_null(reason(&no_limits, "model_changed"));
    assert_int_equal(temporary_write(path, "another one"), 0); /* another file takes its place */
    assert_non_null(strstr(reason(&no_limits, "model_changed"), path));
    assert_int_equal(rename(path, other), 0);
    assert_null(reason(&no_limits, "model_changed"));
    assert_non_null(strstr(reason(&no_limits, "model_missing"), path));
}

static void a_model_that_is_cut(void **state)
{
    const char *path = temporary_path(folder, "model.vam");
    va_error error;

    assert_int_equal(temporary_write(path, "a model"), 0);
    assert_int_equal(va_health_watch_model(health, path, &error), 0);
    assert_int_equal(truncate(path, 3), 0);
    assert_non_null(reason(&no_limits, "model_changed"));
}

static void a_microphone_that_is_wanted_and_lost(void **state)
{
    const struct va_health_limits limits = {10.0, 1e9, 100.0, 0.0}, patient = {30.0, 1e9, 100.0, 0.0};
    va_error error;

    doubles.lost = 1; /* nobody wants it */
    assert_null(reason(&limits, "microphone_lost"));
    doubles.lost = 0;
    assert_int_equal(va_assistant_start_recording(assistant, &error), 0);
    assert_null(reason(&limits, "microphone_lost"));
    doubles.lost = 1; /* for 20 s, says the stand-in */
    assert_string_equal(reason(&limits, "microphone_lost"), "the microphone has been lost for 20 seconds: it is unplugged");
    assert_null(reason(&patient, "microphone_lost"));
}

static void a_data_folder_that_goes(void **state)
{
    char away[300];

    assert_null(reason(&no_limits, "data_missing"));
    snprintf(away, sizeof away, "%s.away", folder);
    assert_int_equal(rename(folder, away), 0);
    assert_non_null(strstr(reason(&no_limits, "data_missing"), folder));
    assert_int_equal(rename(away, folder), 0);
    assert_null(reason(&no_limits, "data_missing"));
}

static void a_disk_with_less_than_wanted(void **state)
{
    const struct va_health_limits much = {1e9, 1e9, 100.0, 1e18};

    assert_null(reason(&no_limits, "disk_full"));
    assert_non_null(strstr(reason(&much, "disk_full"), "MB are free"));
}

/* is_gone is what a worker calls as its work goes on: here it does not come back. */
static _Atomic int is_stuck, must_go_on;

static int stick(const void *user)
{
    is_stuck = 1;
    while (!must_go_on)
        usleep(1000);
    return 0;
}

static void work_that_makes_no_progress(void **state)
{
    const struct va_health_limits limits = {1e9, 0.05, 100.0, 0.0};
    struct va_job job = {.priority = VA_PRIORITY_UPLOAD, .fd = -1, .n_samples = 1, .is_gone = stick, .timestamps = VA_TIMESTAMPS_NONE};
    char id[VA_ID_SIZE];
    va_error error;

    is_stuck = must_go_on = 0;
    assert_null(reason(&limits, "work_stalled"));
    assert_non_null(job.pcm = va_alloc(1, sizeof(float)));
    assert_int_equal(va_assistant_submit(assistant, &job, id, &error), 0);
    assert_true(doubles_wait(&is_stuck, 1));
    const char *text = NULL;
    for (double end_ms = va_clock_ms() + 5000; text == NULL && va_clock_ms() < end_ms; usleep(5000))
        text = reason(&limits, "work_stalled");
    assert_non_null(text);
    assert_non_null(strstr(text, "1 run"));
    must_go_on = 1;
    struct va_assistant_status status = {.running = 1};
    for (double end_ms = va_clock_ms() + 5000; status.running > 0 && va_clock_ms() < end_ms; usleep(1000))
        va_assistant_get_status(assistant, &status);
    assert_null(reason(&limits, "work_stalled"));
}

static void a_log_that_cannot_be_written(void **state)
{
    const struct va_log_options options = {VA_LOG_INFO, 0, temporary_path(folder, "log/app.log"), 60, 1};
    const char *log = temporary_path(folder, "log");
    struct va_log_status status;

    assert_int_equal(va_log_open(&options, NULL), 0);
    va_log_get_status(&status);
    uint64_t lost = status.lost;
    assert_null(reason(&no_limits, "log_failing"));
    assert_int_equal(va_file_remove_tree(log, NULL), 0);
    for (int i = 0; i < 3; i++)
        va_log(VA_LOG_INFO, "test", "a line that makes the file rotate, so that it is opened again");
    assert_non_null(reason(&no_limits, "log_failing"));
    va_log_get_status(&status);
    assert_in_range(status.lost - lost, 1, 3);
    assert_true(status.is_failing);
    /* It works again as soon as it can, without waiting for a line. */
    assert_int_equal(va_file_make_folder(log, 0700, NULL), 0);
    assert_null(reason(&no_limits, "log_failing"));
}

/* What has been seen stays for a second: asking often costs little. */
static void it_looks_once_a_second(void **state)
{
    struct va_health_state first, second;

    va_health_get(health, &first);
    assert_int_equal(va_file_remove_tree(folder, NULL), 0);
    va_health_get(health, &second);
    if (second.uptime_s - first.uptime_s < 0.5)
        assert_int_equal(second.n_reasons, first.n_reasons);
    assert_true(second.uptime_s >= first.uptime_s);
}

static void out_of_memory(void **state)
{
    const char *path = temporary_path(folder, "model.vam");
    va_health *none = NULL;
    va_error error;
    int r = VA_ENOMEM;

    for (size_t n = 1; r == VA_ENOMEM; n++) {
        assert_true(n < 20);
        va_memory_fail_after(n);
        r = va_health_new(assistant, folder, &none, &error);
        va_memory_fail_after(0);
    }
    assert_int_equal(r, 0);
    assert_int_equal(temporary_write(path, "a model"), 0);
    va_memory_fail_after(1);
    r = va_health_watch_model(none, path, &error);
    va_memory_fail_after(0);
    assert_int_equal(r, VA_ENOMEM);
    va_health_free(none);
    va_health_free(NULL);
}

int main(void)
{
    const struct va_log_options quiet = {.level = VA_LOG_ERROR};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_model_that_goes_or_changes, start, stop),
        cmocka_unit_test_setup_teardown(a_model_that_is_cut, start, stop),
        cmocka_unit_test_setup_teardown(a_microphone_that_is_wanted_and_lost, start, stop),
        cmocka_unit_test_setup_teardown(a_data_folder_that_goes, start, stop),
        cmocka_unit_test_setup_teardown(a_disk_with_less_than_wanted, start, stop),
        cmocka_unit_test_setup_teardown(work_that_makes_no_progress, start, stop),
        cmocka_unit_test_setup_teardown(a_log_that_cannot_be_written, start, stop),
        cmocka_unit_test_setup_teardown(it_looks_once_a_second, start, stop),
        cmocka_unit_test_setup_teardown(out_of_memory, start, stop),
    };
    return va_log_open(&quiet, NULL) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
