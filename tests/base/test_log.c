#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/log_line.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "temporary.h"

static char folder[256];
static int saved_stderr;

/* stderr goes to a file, so that the console can be read. */
static int set_up(void **state)
{
    if (temporary_make(folder) < 0)
        return -1;
    int fd = open(temporary_path(folder, "console"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    saved_stderr = dup(STDERR_FILENO);
    return fd < 0 || saved_stderr < 0 || dup2(fd, STDERR_FILENO) < 0 || close(fd) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    va_log_close();
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    return temporary_remove(folder);
}

static char *read_text(const char *name)
{
    char *text = NULL;
    size_t size;
    va_error error;
    if (va_file_read(temporary_path(folder, name), 64 << 20, &text, &size, &error) < 0)
        fail_msg("%s", error.text);
    return text;
}

static json_t *parse_line(const char *line, size_t n)
{
    json_error_t error;
    json_t *json = json_loadb(line, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (json == NULL)
        fail_msg("%s in %.*s", error.text, (int)n, line);
    return json;
}

static void open_log(enum va_log_level level, int console, uint64_t max_bytes, int keep)
{
    const struct va_log_options options = {level, console, temporary_path(folder, "log/app.log"), max_bytes, keep};
    va_error error;
    if (va_log_open(&options, &error) < 0)
        fail_msg("%s", error.text);
}

static const char *get(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    assert_non_null(text);
    return text;
}

static void writes_json_lines(void **state)
{
    const struct va_field fields[] = {VA_STRING("text", "turn on"), VA_NUMBER("confidence", 0.93), VA_INTEGER("count", INT64_MIN),
                                      VA_BOOL("done", 1),           VA_NUMBER("bad", NAN),         VA_STRING("none", NULL)};
    struct stat info;

    open_log(VA_LOG_INFO, 0, 0, 0);
    va_log(VA_LOG_WARNING, "server", "port %d", 8000);
    va_log(VA_LOG_DEBUG, "server", "not shown");
    va_log_event(VA_LOG_INFO, "assistant", "transcription", fields, 6);
    va_log_event(VA_LOG_DEBUG, "assistant", "not shown", fields, 6);
    assert_int_equal(stat(temporary_path(folder, "log/app.log"), &info), 0);
    assert_int_equal(info.st_mode & 027, 0); /* others may not read it */

    char *text = read_text("log/app.log"), *second = strchr(text, '\n') + 1;
    json_t *json = parse_line(text, (size_t)(second - text));
    assert_int_equal(strlen(get(json, "timestamp")), strlen("2026-01-31T23:59:59.123Z"));
    assert_string_equal(get(json, "level"), "warning");
    assert_string_equal(get(json, "module"), "server");
    assert_string_equal(get(json, "message"), "port 8000");
    assert_null(json_object_get(json, "event"));
    assert_int_equal(json_object_size(json), 4);
    json_decref(json);

    json = parse_line(second, strlen(second));
    assert_string_equal(get(json, "event"), "transcription");
    assert_string_equal(get(json, "message"), "transcription");
    assert_string_equal(get(json, "text"), "turn on");
    assert_true(fabs(json_real_value(json_object_get(json, "confidence")) - 0.93) < 1e-12);
    assert_true(json_integer_value(json_object_get(json, "count")) == INT64_MIN);
    assert_true(json_is_true(json_object_get(json, "done")));
    assert_true(json_is_null(json_object_get(json, "bad")));
    assert_string_equal(get(json, "none"), "");
    json_decref(json);
    assert_null(strchr(strchr(second, '\n') + 1, '\n')); /* debug was left out */
    va_free(text);
}

static void an_error_event_has_its_own_message(void **state)
{
    const struct va_field fields[] = {VA_STRING("error_type", "EIO"), VA_STRING("message", "disk full"), VA_STRING("traceback", "a\nb"),
                                      VA_STRING("level", "x"),        VA_STRING("event", "y"),           VA_STRING("\"\n", "odd name")};
    open_log(VA_LOG_INFO, 0, 0, 0);
    va_log_event(VA_LOG_ERROR, "store", "error", fields, 6);
    char *text = read_text("log/app.log");
    json_t *json = parse_line(text, strlen(text));
    assert_string_equal(get(json, "event"), "error");
    assert_string_equal(get(json, "message"), "disk full");
    assert_string_equal(get(json, "traceback"), "a\nb");
    assert_string_equal(get(json, "level"), "error");
    assert_string_equal(get(json, "_level"), "x");
    assert_string_equal(get(json, "_event"), "y");
    assert_string_equal(get(json, "\"\n"), "odd name");
    json_decref(json);
    va_free(text);
}

static void check_console(const char *module, const char *message, const struct va_field *fields, size_t n_fields, const char *expected)
{
    char line[VA_LOG_LINE_BYTES + 1];
    const struct va_log_record record = {1769903999.5, VA_LOG_INFO, module, message, NULL, fields, n_fields};
    size_t n = va_log_line_console(&record, line);
    line[n] = '\0';
    assert_string_equal(line, expected);
    n = va_log_line_message(&record, line); /* the same behind date and level */
    line[n] = '\0';
    assert_string_equal(line, strstr(expected, "INFO ") + 5);
}

static void the_console_is_readable(void **state)
{
    const struct va_field fields[] = {VA_STRING("a", "b"),    VA_STRING("text", "turn \"it\" on"), VA_NUMBER("c", 0.5), VA_BOOL("ok", 0),
                                      VA_STRING("empty", ""), VA_NUMBER("inf", -INFINITY),         VA_INTEGER("n", 7)};
    setenv("TZ", "UTC", 1);
    tzset();
    check_console("server", "listening", NULL, 0, "2026-01-31 23:59:59 INFO server: listening\n");
    check_console("x", "y", fields, 7,
                  "2026-01-31 23:59:59 INFO x: y a=b text=\"turn \\\"it\\\" on\" c=0.5 ok=false empty=\"\" inf=-inf n=7\n");
    check_console("x", "a\nb\t\x1b[2J\r\x7f \xc2\x9b \xff\xc3\xa9", NULL, 0,
                  "2026-01-31 23:59:59 INFO x: a\\nb\\t\\u001b[2J\\u000d\\u007f \\u009b \xef\xbf\xbd\xc3\xa9\n");
}

static void hostile_texts_stay_inside_their_line(void **state)
{
    enum { LINES = 400 };
    unsigned seed = 12345;
    open_log(VA_LOG_DEBUG, 1, 0, 0);
    for (int i = 0; i < LINES; i++) {
        char text[700];
        size_t n = (size_t)(i * 7 % 600) + 1;
        for (size_t j = 0; j < n; j++) {
            seed = seed * 1103515245u + 12345u;
            text[j] = (char)(1 + seed / 65536 % 255);
        }
        text[n] = '\0';
        const struct va_field field = VA_STRING("text", text);
        va_log_event(VA_LOG_INFO, "test", text, &field, 1);
    }
    char *file = read_text("log/app.log"), *console = read_text("console");
    int lines = 0;
    for (char *line = file, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++) {
        json_t *json = parse_line(line, (size_t)(end - line));
        assert_string_equal(get(json, "text"), get(json, "message"));
        json_decref(json);
    }
    assert_int_equal(lines, LINES);
    lines = 0;
    assert_true(va_utf8_valid(console, strlen(console)));
    for (size_t i = 0; console[i] != '\0';) {
        uint32_t code = 0;
        i += (size_t)va_utf8_next(console + i, 4, &code);
        lines += code == '\n';
        assert_true(code == '\n' || (code >= 0x20 && (code < 0x7f || code > 0x9f)));
    }
    assert_int_equal(lines, LINES);
    va_free(file);
    va_free(console);
}

static void long_lines_are_cut_and_stay_json(void **state)
{
    static const char *const parts[] = {"x", "\"", "\n", "\xc3\xa9", "\xff", "\xf0\x9f\x98\x80", "\x01"};
    static char text[40000], line[VA_LOG_LINE_BYTES];
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++)
        for (size_t size = 2000; size<20000; size += size> 2600 && size < 16000 ? 1999 : 37) {
            size_t n = 0;
            while (n + 4 < size) {
                memcpy(text + n, parts[p], strlen(parts[p]));
                n += strlen(parts[p]);
            }
            text[n] = '\0';
            struct va_field fields[30];
            for (int i = 0; i < 29; i++)
                fields[i] = VA_STRING("field", "value");
            fields[29] = VA_STRING("message", text);
            const char *names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
            for (int i = 0; i < 29; i++)
                fields[i].name = i < 8 ? names[i] : "z";
            struct va_log_record record = {0, VA_LOG_INFO, "m", text, "e", fields, 8};
            size_t bytes = va_log_line_json(&record, line);
            assert_true(bytes <= sizeof line);
            assert_int_equal(line[bytes - 1], '\n');
            json_t *json = parse_line(line, bytes);
            if (size > VA_LOG_LINE_BYTES)
                assert_true(json_is_true(json_object_get(json, "truncated")));
            json_decref(json);
            record.message = "short";
            record.fields = fields + 29;
            record.n_fields = 1;
            bytes = va_log_line_json(&record, line);
            json_decref(parse_line(line, bytes));
            bytes = va_log_line_console(&record, line);
            assert_true(bytes <= sizeof line);
            assert_int_equal(line[bytes - 1], '\n');
            assert_true(memchr(line, '\n', bytes) == line + bytes - 1);
            assert_true(va_utf8_valid(line, bytes));
        }
}

static uint64_t file_size(const char *name)
{
    struct stat info;
    return stat(temporary_path(folder, name), &info) < 0 ? 0 : (uint64_t)info.st_size;
}

static void rotates(void **state)
{
    open_log(VA_LOG_INFO, 0, 1000, 3);
    for (int i = 0; i < 100; i++)
        va_log(VA_LOG_INFO, "m", "line %d", i);
    static const char *const names[] = {"log/app.log", "log/app.log.1", "log/app.log.2", "log/app.log.3"};
    int expected = 99;
    for (int f = 0; f < 4; f++) {
        assert_in_range(file_size(names[f]), 1, 1000);
        char *text = read_text(names[f]);
        char *end = text + strlen(text);
        while (end > text) { /* from the last line to the first: none is missing */
            char *start = end - 1, message[32];
            while (start > text && start[-1] != '\n')
                start--;
            json_t *json = parse_line(start, (size_t)(end - start));
            snprintf(message, sizeof message, "line %d", expected--);
            assert_string_equal(get(json, "message"), message);
            json_decref(json);
            end = start;
        }
        va_free(text);
    }
    assert_false(va_file_exists(temporary_path(folder, "log/app.log.4")));
}

static void rotates_what_was_there_before(void **state)
{
    assert_int_equal(va_file_make_folder(temporary_path(folder, "log"), 0700, NULL), 0);
    char old[900];
    memset(old, 'o', sizeof old);
    old[sizeof old - 1] = '\0';
    assert_int_equal(temporary_write(temporary_path(folder, "log/app.log"), old), 0);
    open_log(VA_LOG_INFO, 0, 950, 1);
    va_log(VA_LOG_INFO, "m", "new");
    assert_int_equal(file_size("log/app.log.1"), 899);
    va_log_close();
    open_log(VA_LOG_INFO, 0, 20, 0); /* none kept: starts over; a line longer than the limit is still written */
    va_log(VA_LOG_INFO, "m", "newer");
    char *text = read_text("log/app.log");
    json_t *json = parse_line(text, strlen(text));
    assert_string_equal(get(json, "message"), "newer");
    json_decref(json);
    va_free(text);
}

static void the_bound_holds_when_files_cannot_be_renamed(void **state)
{
    assert_int_equal(va_file_make_folder(temporary_path(folder, "log/app.log.1/x"), 0700, NULL), 0);
    open_log(VA_LOG_INFO, 0, 500, 1);
    for (int i = 0; i < 50; i++)
        va_log(VA_LOG_INFO, "m", "line %d", i);
    assert_in_range(file_size("log/app.log"), 1, 500);
}

static void the_file_comes_back(void **state)
{
    open_log(VA_LOG_INFO, 0, 300, 1);
    va_log(VA_LOG_INFO, "m", "one");
    assert_int_equal(va_file_remove_tree(temporary_path(folder, "log"), NULL), 0);
    for (int i = 0; i < 20; i++) /* into the removed file until that is full; then it cannot be opened again */
        va_log(VA_LOG_INFO, "m", "lost");
    char *console = read_text("console");
    assert_non_null(strstr(console, "cannot open log file"));
    va_free(console);
    assert_int_equal(va_file_make_folder(temporary_path(folder, "log"), 0700, NULL), 0);
    va_log(VA_LOG_INFO, "m", "two");
    char *text = read_text("log/app.log");
    assert_non_null(strstr(text, "\"two\""));
    va_free(text);
}

static void failing_writes_do_no_harm(void **state)
{
    const struct va_log_options full = {VA_LOG_INFO, 0, "/dev/full", 1000, 1};
    va_error error;
    assert_int_equal(va_log_open(&full, &error), 0);
    errno = 77;
    for (int i = 0; i < 100; i++)
        va_log(VA_LOG_ERROR, "m", "nobody can keep this");
    assert_int_equal(errno, 77);
    char *console = read_text("console"); /* one notice, not a hundred */
    assert_non_null(strstr(console, "cannot write log file /dev/full"));
    assert_null(strchr(strchr(console, '\n') + 1, '\n'));
    va_free(console);

    int ends[2]; /* a console without a reader must not end the program */
    const struct va_log_options only_console = {VA_LOG_INFO, 1, NULL, 0, 0};
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(va_log_open(&only_console, &error), 0);
    va_log(VA_LOG_ERROR, "m", "nobody hears this");
    sigset_t pending;
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    close(STDERR_FILENO);
    va_log(VA_LOG_ERROR, "m", "no console at all");
}

static void refuses_what_is_no_file(void **state)
{
    const char *pipe_path = temporary_path(folder, "pipe");
    struct va_log_options options = {VA_LOG_INFO, 0, pipe_path, 0, 0};
    va_error error;
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_true(va_log_open(&options, &error) < 0);
    options.path = folder;
    assert_true(va_log_open(&options, &error) < 0);
    options.path = "/proc/no/such";
    assert_true(va_log_open(&options, &error) < 0);
    options.path = NULL;
    options.keep = -1;
    assert_int_equal(va_log_open(&options, &error), VA_EINVAL);
    options.keep = 0;
    options.level = (enum va_log_level)9;
    assert_int_equal(va_log_open(&options, &error), VA_EINVAL);
}

static void a_failed_open_keeps_the_old_log(void **state)
{
    struct va_log_options options = {VA_LOG_INFO, 0, "/proc/no/such", 0, 0};
    open_log(VA_LOG_INFO, 0, 0, 0);
    assert_true(va_log_open(&options, NULL) < 0);
    options.path = temporary_path(folder, "other");
    for (size_t n = 1; n < 3; n++) {
        va_memory_fail_after(n);
        int r = va_log_open(&options, NULL);
        va_memory_fail_after(0);
        assert_int_equal(r, VA_ENOMEM);
    }
    va_log(VA_LOG_INFO, "m", "still here");
    char *text = read_text("log/app.log");
    assert_non_null(strstr(text, "still here"));
    va_free(text);
}

static void logs_without_memory(void **state)
{
    open_log(VA_LOG_INFO, 0, 200, 2);
    va_memory_fail_after(1);
    for (int i = 0; i < 10; i++)
        va_log(VA_LOG_INFO, "m", "%d", i);
    va_memory_fail_after(0);
    char *text = read_text("log/app.log");
    assert_non_null(strstr(text, "\"9\""));
    va_free(text);
}

static void *log_many(void *arg)
{
    for (int i = 0; i < 200; i++)
        va_log(VA_LOG_INFO, "thread", "%d of %d", i, *(int *)arg);
    return NULL;
}

static void any_thread_may_log(void **state)
{
    pthread_t threads[4];
    int ids[4];
    open_log(VA_LOG_INFO, 0, 0, 0);
    for (int i = 0; i < 4; i++) {
        ids[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, &ids[i]), 0);
    }
    for (int i = 0; i < 20; i++)
        open_log(VA_LOG_INFO, 0, 0, 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    char *text = read_text("log/app.log");
    int lines = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++)
        json_decref(parse_line(line, (size_t)(end - line)));
    assert_int_equal(lines, 800);
    va_free(text);
}

static void before_open_the_console_gets_it(void **state)
{
    va_log_close();
    va_log(VA_LOG_INFO, "early", "hello");
    va_log(VA_LOG_DEBUG, "early", "too much");
    char *console = read_text("console");
    assert_non_null(strstr(console, " INFO early: hello\n"));
    assert_null(strstr(console, "too much"));
    va_free(console);
}

static void knows_level_names(void **state)
{
    enum va_log_level level = VA_LOG_ERROR;
    assert_int_equal(va_log_level_parse("debug", &level), 0);
    assert_int_equal(level, VA_LOG_DEBUG);
    assert_int_equal(va_log_level_parse("warning", &level), 0);
    assert_int_equal(level, VA_LOG_WARNING);
    assert_int_equal(va_log_level_parse("loud", &level), VA_EINVAL);
    assert_int_equal(va_log_level_parse("", &level), VA_EINVAL);
    assert_int_equal(level, VA_LOG_WARNING);
}

static void test_fields_by_name(void **state)
{
    const struct va_field fields[] = {VA_STRING("text", "a"), VA_INTEGER("on", 1), VA_BOOL("success", 1), VA_BOOL("failed", 0),
                                      VA_STRING("text", "b")};

    assert_ptr_equal(va_field_find(fields, 5, "on"), &fields[1]);
    assert_null(va_field_find(fields, 1, "on"));
    assert_string_equal(va_field_text(fields, 5, "text"), "a");
    assert_string_equal(va_field_text(fields, 5, "on"), "");
    assert_string_equal(va_field_text(fields, 5, "none"), "");
    assert_true(va_field_is_set(fields, 5, "success"));
    assert_false(va_field_is_set(fields, 5, "failed"));
    assert_false(va_field_is_set(fields, 5, "on"));
    assert_false(va_field_is_set(fields, 5, "none"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(writes_json_lines),
        CASE(an_error_event_has_its_own_message),
        cmocka_unit_test(test_fields_by_name),
        cmocka_unit_test(the_console_is_readable),
        CASE(hostile_texts_stay_inside_their_line),
        cmocka_unit_test(long_lines_are_cut_and_stay_json),
        CASE(rotates),
        CASE(rotates_what_was_there_before),
        CASE(the_bound_holds_when_files_cannot_be_renamed),
        CASE(the_file_comes_back),
        CASE(failing_writes_do_no_harm),
        CASE(refuses_what_is_no_file),
        CASE(a_failed_open_keeps_the_old_log),
        CASE(logs_without_memory),
        CASE(any_thread_may_log),
        CASE(before_open_the_console_gets_it),
        cmocka_unit_test(knows_level_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
