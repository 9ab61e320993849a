/* Where log lines go beside their file, and what is known of those that went nowhere. */
#include "base/log_line.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
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

/* stderr becomes a pipe, or a terminal, that nobody reads; returns where it can be read. */
static int hold_console(int is_terminal)
{
    int ends[2];

    if (is_terminal)
        assert_int_equal(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0);
    else
        assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    return ends[0];
}

static size_t read_console(int fd, char *text, size_t capacity)
{
    size_t n = 0;
    ssize_t got;

    while ((got = read(fd, text + n, capacity - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    return n;
}

/* Lines of several sizes, so that the last that fits leaves a little room. */
static void nobody_waits_for_a_reader(void **state)
{
    static char text[1 << 20], long_text[6000];
    const struct va_log_options console = {VA_LOG_INFO, 1, NULL, 0, 0};
    struct va_log_status before, after;

    memset(long_text, 'x', sizeof long_text - 1);
    for (int is_terminal = 0; is_terminal < 2; is_terminal++) {
        int fd = hold_console(is_terminal);
        assert_int_equal(va_log_open(&console, NULL), 0);
        va_log_get_status(&before);
        for (int i = 0; i < 3000; i++)
            va_log(VA_LOG_INFO, "m", "%s", long_text + sizeof long_text - 1 - i % 5999);
        va_log_get_status(&after);
        assert_true(after.lost > before.lost && after.lost - before.lost < 3000);
        assert_false(after.is_failing);
        size_t n = read_console(fd, text, sizeof text);
        assert_true(n > 1000);
        for (int i = 0; i < 1000 && strstr(text, "INFO m: somebody reads again") == NULL; i++) { /* a terminal takes a moment */
            va_log(VA_LOG_INFO, "m", "somebody reads again");
            usleep(1000);
            n += read_console(fd, text + n, sizeof text - n);
        }
        uint64_t told = 0;
        for (const char *at = text; (at = strstr(at, "read this, and ")) != NULL; at++)
            told += strtoull(at + strlen("read this, and "), NULL, 10);
        va_log_get_status(&after);
        assert_true(told >= after.lost - before.lost); /* one that a terminal took a part of is told again */
        assert_non_null(strstr(text, "INFO m: somebody reads again"));
        va_log_close();
        close(fd);
    }
}

/* Lines that are in the file are not lost. */
static void a_console_without_a_reader_and_a_file(void **state)
{
    struct va_log_status before, after;
    int fd = hold_console(0);

    open_log(1);
    va_log_get_status(&before);
    for (int i = 0; i < 3000; i++)
        va_log(VA_LOG_INFO, "m", "a line of the log that is some sixty bytes long, or more: %d", i);
    va_log_get_status(&after);
    assert_int_equal(after.lost, before.lost);
    char *text = read_text("app.log");
    assert_non_null(strstr(text, "or more: 2999\""));
    va_free(text);
    close(fd);
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
        cmocka_unit_test_setup_teardown(nobody_waits_for_a_reader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_console_without_a_reader_and_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_says_what_is_lost, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
