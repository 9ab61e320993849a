#include "action/support.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "action/launch.h"

/* Runs an executable with arguments and the slot {x}. */
static int run(const char *executable, const char *timeout, const char *const *arguments, size_t n, const char *x,
               struct va_action_result *ret_result, va_error *error)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot slot = {"x", x}, settings[] = {{"executable", executable}, {"timeout", timeout}};
    struct va_action_request request = {.type = "process",
                                        .command = "c",
                                        .settings = settings,
                                        .n_settings = timeout == NULL ? 1 : 2,
                                        .arguments = arguments,
                                        .n_arguments = n,
                                        .slots = &slot,
                                        .n_slots = x != NULL,
                                        .response = "[{output}] {last_line}"};
    int r = va_actions_run(actions, &request, ret_result, error);
    va_actions_free(actions);
    return r;
}

/* The output of a program; it must end well. */
static void check_output(const char *executable, const char *const *arguments, size_t n, const char *x, const char *expected)
{
    struct va_action_result result;
    va_error error;

    if (run(executable, NULL, arguments, n, x, &result, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(result.output, expected);
    va_action_result_clear(&result);
}

static void test_arguments_are_never_split_or_interpreted(void **state)
{
    static const char *const hostile[] = {"; rm -rf /", "$(id)", "`id`", "a b  c", "\"quoted\" 'too'", "| cat", "&& true", "*",
                                          "\\n",        "../..", "%s%n", ">x"};
    const char *const arguments[] = {"%s|", "{x}", "<{x}>", "end"};
    char expected[256];

    for (size_t i = 0; i < COUNT(hostile); i++) {
        snprintf(expected, sizeof expected, "%s|<%s>|end|", hostile[i], hostile[i]);
        check_output("printf", arguments, 4, hostile[i], expected);
    }
    check_output("printf", arguments, 4, "-5.5", "-5.5|<-5.5>|end|");
}

static void test_slots_cannot_become_options(void **state)
{
    const char *const arguments[] = {"{x}"};
    struct va_action_result result;
    va_error error;

    assert_int_equal(run("ls", NULL, arguments, 1, "-la", &result, &error), VA_EINVAL);
    assert_non_null(strstr(error.text, "would become an option"));
    assert_int_equal(run("ls", NULL, arguments, 1, "--help", &result, &error), VA_EINVAL);
    assert_int_equal(run("ls", NULL, arguments, 1, "-", &result, &error), VA_EINVAL);
    assert_int_equal(run("ls", NULL, arguments, 1, "a\nb", &result, &error), VA_EINVAL);
    char large[5000];
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    assert_int_equal(run("echo", NULL, arguments, 1, large, &result, &error), VA_ELIMIT);
}

static void test_output(void **state)
{
    const char *const echo[] = {"-c", "echo out; echo err >&2"}, *const binary[] = {"a\\377\\000b"},
                      *const flood[] = {"-c", "head -c 300000 /dev/zero | tr '\\0' x"};
    struct va_action_result result;
    va_error error;

    assert_int_equal(run("sh", NULL, echo, 2, NULL, &result, &error), 0);
    assert_string_equal(result.output, "out\nerr\n");
    assert_string_equal(result.response, "[out\nerr] err");
    va_action_result_clear(&result);
    check_output("printf", binary, 1, NULL, "a??b");
    check_output("true", NULL, 0, NULL, "");
    assert_int_equal(run("sh", NULL, flood, 2, NULL, &result, &error), 0);
    assert_int_equal(strlen(result.output), VA_LAUNCH_MAX_OUTPUT_BYTES);
    va_action_result_clear(&result);
}

static void test_environment_and_files(void **state)
{
    const char *const files[] = {"/proc/self/fd"}, *const pwd[] = {"-c", "pwd; cat; ps -o pgid= -p $$ >/dev/null 2>&1; echo end"};

    assert_int_equal(setenv("VA_TEST_SECRET", "1", 1), 0);
    check_output("env", NULL, 0, NULL, "PATH=/usr/local/bin:/usr/bin:/bin\nLANG=C.UTF-8\n");
    int extra = dup(1);                                 /* without close-on-exec */
    check_output("ls", files, 1, NULL, "0\n1\n2\n3\n"); /* 3: the folder itself */
    close(extra);
    check_output("sh", pwd, 2, NULL, "/\nend\n");
}

static void test_failures(void **state)
{
    const char *const three[] = {"-c", "echo oh no; exit 3"}, *const killed[] = {"-c", "kill -9 $$"};
    struct va_action_result result;
    va_error error;

    assert_int_equal(run("sh", NULL, three, 2, NULL, &result, &error), VA_EFAILED);
    assert_non_null(strstr(error.text, "ended with status 3: oh no"));
    assert_int_equal(run("sh", NULL, killed, 2, NULL, &result, &error), VA_EFAILED);
    assert_non_null(strstr(error.text, "status 137"));
    assert_int_equal(run("no-such-program", NULL, NULL, 0, NULL, &result, &error), VA_ENOTFOUND);
    assert_int_equal(run("./x", NULL, NULL, 0, NULL, &result, &error), VA_EINVAL);
}

/* Waits until there is no such process: it may take a moment to be reaped by its new parent. */
static int is_gone(pid_t pid)
{
    for (int i = 0; i < 500; i++) {
        if (kill(pid, 0) != 0 && errno == ESRCH)
            return 1;
        char path[64], state = 0;
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        FILE *file = fopen(path, "re");
        if (file == NULL || (fscanf(file, "%*d %*s %c", &state) == 1 && state == 'Z')) {
            if (file != NULL)
                fclose(file);
            return 1;
        }
        fclose(file);
        usleep(10000);
    }
    return 0;
}

static void test_timeout_ends_the_whole_group(void **state)
{
    char path[] = "/tmp/va-process-XXXXXX", script[128];
    int fd = mkstemp(path);
    const char *const arguments[] = {"-c", script};
    struct va_action_result result;
    va_error error;
    int child = 0;

    assert_true(fd >= 0);
    snprintf(script, sizeof script, "trap '' TERM; sleep 600 & echo $! > %s; wait", path);
    assert_int_equal(run("sh", "2", arguments, 2, NULL, &result, &error), VA_ETIMEOUT);
    assert_non_null(strstr(error.text, "did not end within 2 s"));
    FILE *file = fdopen(fd, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &child), 1);
    fclose(file);
    unlink(path);
    assert_true(child > 1);
    assert_true(is_gone(child));
}

/* A process that leaves a child behind with the output open does not hold the action up. */
static void test_left_children_end(void **state)
{
    const char *const arguments[] = {"-c", "sleep 600 & echo $!"};
    struct va_action_result result;
    va_error error;

    if (run("sh", "60", arguments, 2, NULL, &result, &error) < 0)
        fail_msg("%s", error.text);
    pid_t child = (pid_t)strtol(result.output, NULL, 10);
    va_action_result_clear(&result);
    assert_true(child > 1);
    assert_true(is_gone(child));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_are_never_split_or_interpreted),
        cmocka_unit_test(test_slots_cannot_become_options),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_environment_and_files),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_timeout_ends_the_whole_group),
        cmocka_unit_test(test_left_children_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
