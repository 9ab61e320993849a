/* Where log lines go beside their file, and what is known of those that went nowhere. */
#include "base/log_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "temporary.h"

static char folder[256];
static int console_before;

/* stderr goes to a file. */
static int set_up(void **state)
{
    assert_int_equal(temporary_make(folder), 0);
    console_before = dup(STDERR_FILENO);
    assert_non_null(freopen(temporary_path(folder, "console"), "w", stderr));
    return 0;
}

static int tear_down(void **state)
{
    va_log_close();
    dup2(console_before, STDERR_FILENO);
    close(console_before);
    return temporary_remove(folder);
}

static char *read_text(const char *name)
{
    char *text;
    size_t n;

    assert_int_equal(va_file_read(temporary_path(folder, name), 1 << 20, &text, &n, NULL), 0);
    return text;
}

static void open_log(int console)
{
    const struct va_log_options options = {VA_LOG_INFO, console, temporary_path(folder, "app.log"), 0, 0};

    assert_int_equal(va_log_open(&options, NULL), 0);
}

static int n_diverted, divert_result;

static int divert(const struct va_log_record *record)
{
    n_diverted++;
    assert_string_equal(record->event, "wake");
    assert_int_equal(record->level, VA_LOG_WARNING);
    return divert_result;
}

/* What cannot be written elsewhere is on the console, as before. The file has it in any case. */
static void the_console_can_be_elsewhere(void **state)
{
    const struct va_field field = VA_STRING("word", "computer");

    open_log(1);
    va_log_divert(divert);
    divert_result = 0;
    va_log_event(VA_LOG_WARNING, "m", "wake", &field, 1);
    char *console = read_text("console");
    assert_string_equal(console, "");
    va_free(console);
    divert_result = -1;
    va_log_event(VA_LOG_WARNING, "m", "wake", &field, 1);
    console = read_text("console");
    assert_non_null(strstr(console, "WARNING m: wake word=computer"));
    va_free(console);
    assert_int_equal(n_diverted, 2);
    char *text = read_text("app.log");
    assert_non_null(strstr(strchr(text, '\n'), "\"wake\""));
    va_free(text);
    va_log_divert(NULL);
    va_log_event(VA_LOG_WARNING, "m", "sleep", &field, 1);
    assert_int_equal(n_diverted, 2);
}

static void it_says_what_is_lost(void **state)
{
    const struct va_log_options full = {VA_LOG_INFO, 0, "/dev/full", 1000, 1};
    struct va_log_status before, after;

    va_log_get_status(&before);
    assert_int_equal(va_log_open(&full, NULL), 0);
    va_log_get_status(&after);
    assert_false(after.is_failing);
    for (int i = 0; i < 3; i++)
        va_log(VA_LOG_ERROR, "m", "nobody can keep this");
    va_log_get_status(&after);
    assert_true(after.is_failing);
    assert_int_equal(after.lost - before.lost, 3);
    open_log(0);
    va_log_get_status(&after);
    assert_false(after.is_failing);
    assert_int_equal(after.lost - before.lost, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_console_can_be_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_says_what_is_lost, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
