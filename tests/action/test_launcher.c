/* The launcher as a process of its own, and what programs may try with it. */
#include "action/support.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "action/launch_message.h"
#include "base/file.h"

static va_launcher *launcher;
static char folder[] = "/tmp/va-launcher-XXXXXX";

static int start(void **state)
{
    static const char *const allowed[] = {"/bin/sh", "/usr/bin/env", "/usr/bin/printf"};
    va_error error;

    if (va_launcher_start(allowed, COUNT(allowed), NULL, &launcher, &error) < 0)
        fail_msg("%s", error.text);
    return 0;
}

static int stop(void **state)
{
    va_launcher_free(launcher);
    launcher = NULL;
    return 0;
}

static int run(const char *executable, const char *const *arguments, size_t n, double timeout_s, struct va_launch_result *ret_result,
               va_error *error)
{
    const struct va_launch launch = {executable, arguments, n, timeout_s, NULL};
    return va_launcher_run(launcher, &launch, -1, ret_result, error);
}

/* Runs a script; it must be run to its end. */
static void run_script(const char *script, double timeout_s, struct va_launch_result *ret_result)
{
    const char *const arguments[] = {"-c", script};
    va_error error;

    if (run("/bin/sh", arguments, 2, timeout_s, ret_result, &error) < 0)
        fail_msg("%s: %s", script, error.text);
}

static void check_script(const char *script, int status, const char *output)
{
    struct va_launch_result result;

    run_script(script, 30, &result);
    if (result.status != status || strcmp(result.output, output) != 0)
        fail_msg("%s: %d \"%s\"", script, result.status, result.output);
    va_free(result.output);
}

/* An emulator of one program does not know who adopts the orphans of others. */
static int can_adopt(void)
{
    int value;
    return prctl(PR_GET_CHILD_SUBREAPER, &value) == 0;
}

/* Whether the process ends: it may take a moment to be reaped by its new parent. */
static int is_gone(pid_t pid)
{
    for (int i = 0; i < 1000; i++) {
        if (kill(pid, 0) != 0 && errno == ESRCH)
            return 1;
        usleep(10000);
    }
    return 0;
}

static pid_t read_pid(const char *text)
{
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    assert_true(pid > 1);
    return pid;
}

static void test_output_and_status(void **state)
{
    static const char *const arguments[] = {"%s|", "a b", "$(id)", "", "\xc3\xa4"};
    struct va_launch_result result;
    va_error error;

    check_script("echo out; echo err >&2; exit 3", 3, "out\nerr\n");
    check_script("printf 'a\\377\\000b'", 0, "a??b");
    check_script("kill -SEGV $$", 128 + SIGSEGV, "");
    assert_int_equal(run("/usr/bin/printf", arguments, COUNT(arguments), 5, &result, &error), 0);
    assert_string_equal(result.output, "a b|$(id)||\xc3\xa4|");
    va_free(result.output);
    run_script("head -c 300000 /dev/zero | tr '\\0' x", 30, &result);
    assert_int_equal(strlen(result.output), VA_LAUNCH_MAX_OUTPUT_BYTES);
    va_free(result.output);
}

static void test_surroundings(void **state)
{
    struct va_launch_result result;
    va_error error;

    assert_int_equal(setenv("VA_TEST_SECRET", "1", 1), 0);
    assert_int_equal(run("/usr/bin/env", NULL, 0, 5, &result, &error), 0);
    assert_string_equal(result.output, "PATH=/usr/local/bin:/usr/bin:/bin\nLANG=C.UTF-8\n");
    va_free(result.output);
    check_script("pwd; cat; echo /proc/self/fd/*", 0,
                 "/\n/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n"); /* 3: the folder */
    check_script("grep -E '^(CapEff|CapPrm|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status | tr -d '\\n\\t 0'; echo", 0,
                 "CapPrm:CapEff:CapBnd:CapAmb:NoNewPrivs:1\n");
    check_script("ulimit -c", 0, "0\n");
}

/* A synthesiser's way: a file is its stdin, another takes what it prints. */
static void test_files(void **state)
{
    static const char *const arguments[] = {"-c", "tr a-z A-Z; echo no >&2; exit 4"}, *const flood[] = {"-c", "cat /dev/zero"};
    struct va_launch_files files = {
        .input = memfd_create("in", MFD_CLOEXEC), .output = memfd_create("out", MFD_CLOEXEC), .max_bytes = 10000};
    struct va_launch launch = {"/bin/sh", arguments, 2, 20, &files};
    struct va_launch_result result = {.status = 77};
    char text[32] = "";
    va_error error;

    assert_int_equal(pwrite(files.input, "hello", 5, 0), 5);
    assert_int_equal(va_launcher_run(launcher, &launch, -1, &result, &error), 0);
    assert_int_equal(result.status, 4);
    assert_string_equal(result.output, "");
    va_free(result.output);
    assert_int_equal(pread(files.output, text, sizeof text - 1, 0), 5);
    assert_string_equal(text, "HELLO");

    launch.arguments = flood;
    assert_int_equal(va_launcher_run(launcher, &launch, -1, &result, &error), VA_ELIMIT);
    launch.timeout_s = 0.2;
    launch.arguments = (const char *const[]){"-c", "sleep 60"};
    assert_int_equal(va_launcher_run(launcher, &launch, -1, &result, &error), VA_ETIMEOUT);
    close(files.input);
    close(files.output);
}

static void test_only_what_is_allowed(void **state)
{
    struct va_launch_result result = {.status = 77};
    va_error error;

    assert_true(va_launcher_allows(launcher, "/bin/sh"));
    assert_int_equal(run("/bin/echo", NULL, 0, 5, &result, &error), VA_EDENIED);
    assert_non_null(strstr(error.text, "/bin/echo is not among the executables that were allowed at the start"));
    assert_int_equal(run("/bin/../bin/sh", NULL, 0, 5, &result, &error), VA_EDENIED);
    assert_int_equal(result.status, 77);

    /* The other side checks for itself. */
    char *const none[] = {0};
    va_launcher forged = {.socket = launcher->socket, .process_fd = -1, .allowed = (char **)none, .n_allowed = 0};
    forged.allowed = (char *[]){(char *)"/bin/echo"};
    forged.n_allowed = 1;
    const struct va_launch launch = {"/bin/echo", NULL, 0, 5, NULL};
    assert_int_equal(va_launcher_run(&forged, &launch, -1, &result, &error), VA_EDENIED);
}

static void test_too_much(void **state)
{
    static char large[60000];
    const char *arguments[VA_LAUNCH_MAX_ARGUMENTS + 1];
    struct va_launch_result result;
    va_error error;

    memset(large, 'x', sizeof large - 1);
    for (size_t i = 0; i < COUNT(arguments); i++)
        arguments[i] = large;
    assert_int_equal(run("/bin/sh", arguments, 3, 5, &result, &error), VA_ELIMIT);
    for (size_t i = 0; i < COUNT(arguments); i++)
        arguments[i] = "";
    assert_int_equal(run("/bin/sh", arguments, COUNT(arguments), 5, &result, &error), VA_ELIMIT);
    arguments[0] = "%s";
    arguments[1] = large;
    assert_int_equal(run("/usr/bin/printf", arguments, 2, 5, &result, &error), 0);
    assert_int_equal(strlen(result.output), sizeof large - 1);
    va_free(result.output);
    check_script("echo on", 0, "on\n");
}

/* A process that leaves its group, its session and its parents, as daemons do. */
#define ESCAPE \
    "setsid sh -c 'setsid sh -c \"echo \\$\\$ >%s/pid; exec sleep 600\" >/dev/null 2>&1 &' & while [ ! -s %s/pid ]; do sleep 0.01; done; "

static pid_t escaped(void)
{
    char path[64], *text;
    size_t n;
    va_error error;

    snprintf(path, sizeof path, "%s/pid", folder);
    if (va_file_read(path, 64, &text, &n, &error) < 0)
        fail_msg("%s", error.text);
    pid_t pid = read_pid(text);
    va_free(text);
    unlink(path);
    return pid;
}

static void test_what_escapes_is_ended(void **state)
{
    char script[512];
    struct va_launch_result result;
    va_error error;

    if (!can_adopt())
        skip();
    snprintf(script, sizeof script, ESCAPE "echo done", folder, folder);
    check_script(script, 0, "done\n");
    assert_true(is_gone(escaped()));

    snprintf(script, sizeof script, ESCAPE "trap '' TERM; sleep 600", folder, folder);
    const char *const arguments[] = {"-c", script};
    assert_int_equal(run("/bin/sh", arguments, 2, 2, &result, &error), VA_ETIMEOUT);
    assert_non_null(strstr(error.text, "did not end within 2 s"));
    assert_true(is_gone(escaped()));
}

static void test_cancelled(void **state)
{
    static const char *const arguments[] = {"-c", "sleep 600"};
    const struct va_launch launch = {"/bin/sh", arguments, 2, 300, NULL};
    int fd = eventfd(1, EFD_CLOEXEC);
    struct va_launch_result result;
    va_error error;

    assert_int_equal(va_launcher_run(launcher, &launch, fd, &result, &error), VA_ECANCELLED);
    close(fd);
    check_script("echo on", 0, "on\n");
}

struct sleeper {
    pthread_t thread;
    int r;
    va_error error;
};

static void *sleep_long(void *user)
{
    static const char *const arguments[] = {"-c", "sleep 600"};
    struct sleeper *sleeper = user;
    struct va_launch_result result = {0};

    do
        sleeper->r = run("/bin/sh", arguments, 2, 300, &result, &sleeper->error);
    while (sleeper->r == VA_EBUSY);
    va_free(result.output);
    return NULL;
}

/* The number of a process whose parent is that one, waiting for there to be one. */
static pid_t child_of(pid_t parent)
{
    char path[64], text[64] = "";

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    for (int i = 0; i < 1000 && text[0] == '\0'; i++) {
        FILE *file = fopen(path, "re");
        if (file == NULL)
            return 0;
        if (fgets(text, sizeof text, file) == NULL)
            usleep(10000);
        fclose(file);
    }
    return (pid_t)strtol(text, NULL, 10);
}

/* It dies with a program running: the caller is told, the program ends, and the next one is run. */
static void test_a_dead_launcher_is_started_again(void **state)
{
    struct sleeper sleeper;
    pid_t serving = child_of(launcher->process);

    if (serving == 0 || !can_adopt())
        skip();
    assert_int_equal(pthread_create(&sleeper.thread, NULL, sleep_long, &sleeper), 0);
    pid_t worker = child_of(serving), program = child_of(worker);
    assert_true(program > 1);
    assert_int_equal(kill(serving, SIGKILL), 0);
    pthread_join(sleeper.thread, NULL);
    assert_int_equal(sleeper.r, VA_EFAILED);
    assert_non_null(strstr(sleeper.error.text, "the launcher has ended before the program did"));
    assert_true(is_gone(program));
    check_script("echo on again", 0, "on again\n");
}

static void test_a_lost_launcher_is_reported(void **state)
{
    pid_t serving = child_of(launcher->process);
    struct va_launch_result result;
    va_error error;

    if (serving == 0)
        skip();
    assert_int_equal(kill(launcher->process, SIGKILL), 0);
    assert_true(is_gone(serving));
    assert_int_equal(run("/bin/sh", NULL, 0, 5, &result, &error), VA_EFAILED);
    assert_non_null(strstr(error.text, "the launcher of programs has ended"));
}

/* Kills the launcher until all of them have ended: one may have been refused in favour of a program that was about to end, and have begun
 * after the first time. */
static void end_sleepers(struct sleeper *sleepers, size_t n)
{
    struct timespec soon;

    kill(child_of(launcher->process), SIGKILL);
    for (size_t i = 0; i < n; i++) {
        while (clock_gettime(CLOCK_REALTIME, &soon), soon.tv_sec += 2, pthread_timedjoin_np(sleepers[i].thread, NULL, &soon) != 0)
            kill(child_of(launcher->process), SIGKILL);
        assert_int_equal(sleepers[i].r, VA_EFAILED);
    }
}

/* As many as may run do, one more is refused, and freeing ends them all. */
static void test_number_is_bounded(void **state)
{
    struct sleeper sleepers[VA_LAUNCHER_MAX_RUNNING];
    static const char *const arguments[] = {"-c", "echo on"};
    struct va_launch_result result;
    va_error error;
    int r = 0;

    for (size_t i = 0; i < COUNT(sleepers); i++)
        assert_int_equal(pthread_create(&sleepers[i].thread, NULL, sleep_long, &sleepers[i]), 0);
    for (int i = 0; i < 500 && r == 0; i++) {
        r = run("/bin/sh", arguments, 2, 5, &result, &error);
        if (r == 0)
            va_free(result.output);
    }
    assert_int_equal(r, VA_EBUSY);
    assert_non_null(strstr(error.text, "too many programs are running"));
    end_sleepers(sleepers, COUNT(sleepers));
    check_script("echo on", 0, "on\n");
}

static void test_messages(void **state)
{
    const char *const arguments[] = {"a", ""};
    const struct va_launch launch = {"/bin/x", arguments, 2, 2.5, NULL};
    struct va_launch_request request;
    struct va_launch_answer answer;
    struct va_buffer out;

    va_buffer_init(&out, VA_LAUNCH_MESSAGE_BYTES);
    assert_int_equal(va_launch_write_request(&launch, &out), 0);
    assert_int_equal(va_launch_read_request(out.data, out.size, &request), 0);
    assert_string_equal(request.launch.executable, "/bin/x");
    assert_int_equal(request.launch.n_arguments, 2);
    assert_string_equal(request.launch.arguments[0], "a");
    assert_string_equal(request.launch.arguments[1], "");
    assert_float_equal(request.launch.timeout_s, 2.5, 0);
    for (size_t n = 0; n < out.size; n++)
        assert_int_equal(va_launch_read_request(out.data, n, &request), VA_EFORMAT);
    assert_int_equal(va_launch_read_answer(out.data, out.size, &answer), VA_EFORMAT);
    va_buffer_clear(&out);
    assert_int_equal(va_launch_write_answer(&(struct va_launch_answer){VA_ETIMEOUT, 7, "late"}, &out), 0);
    assert_int_equal(va_launch_read_answer(out.data, out.size, &answer), 0);
    assert_true(answer.code == VA_ETIMEOUT && answer.status == 7 && strcmp(answer.text, "late") == 0);
    for (size_t n = 0; n < out.size; n++)
        assert_int_equal(va_launch_read_answer(out.data, n, &answer), VA_EFORMAT);
    va_buffer_free(&out);
}

static void test_out_of_memory(void **state)
{
    static const char *const allowed[] = {"/bin/sh"}, *const arguments[] = {"-c", "echo on"};
    const struct va_launch launch = {"/bin/sh", arguments, 2, 30, NULL};
    va_launcher *other = NULL;
    struct va_launch_result result;
    int r = VA_ENOMEM;

    for (size_t i = 1; r == VA_ENOMEM && i < 20; i++) {
        va_memory_fail_after(i);
        r = va_launcher_run(launcher, &launch, -1, &result, NULL);
        va_memory_fail_after(0);
    }
    assert_int_equal(r, 0);
    va_free(result.output);
    for (size_t i = 1; i < 4; i++) {
        va_memory_fail_after(i);
        assert_int_equal(va_launcher_start(allowed, 1, NULL, &other, NULL), VA_ENOMEM);
        va_memory_fail_after(0);
    }
    va_launcher_free(NULL);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    return va_file_remove_tree(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test_setup_teardown(test_output_and_status, start, stop),
        cmocka_unit_test_setup_teardown(test_surroundings, start, stop),
        cmocka_unit_test_setup_teardown(test_files, start, stop),
        cmocka_unit_test_setup_teardown(test_only_what_is_allowed, start, stop),
        cmocka_unit_test_setup_teardown(test_too_much, start, stop),
        cmocka_unit_test_setup_teardown(test_what_escapes_is_ended, start, stop),
        cmocka_unit_test_setup_teardown(test_cancelled, start, stop),
        cmocka_unit_test_setup_teardown(test_a_dead_launcher_is_started_again, start, stop),
        cmocka_unit_test_setup_teardown(test_a_lost_launcher_is_reported, start, stop),
        cmocka_unit_test_setup_teardown(test_number_is_bounded, start, stop),
        cmocka_unit_test_setup_teardown(test_out_of_memory, start, stop),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
