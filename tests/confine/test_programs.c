/* What programs of commands can still do, and what they cannot. */
#include "confine/support.h"

#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct va_confine_plan plan = {.mode = VA_CONFINE_ON};
static char copy[sizeof folder + 8]; /* of a program, where files may be written */
static pid_t outside;

static int make_plan(void **state)
{
    va_error error;
    char *program;
    size_t n;

    make_folders(state);
    outside = getpid();
    snprintf(copy, sizeof copy, "%s/true", folder);
    assert_int_equal(va_file_read("/bin/true", 1 << 24, &program, &n, &error), 0);
    assert_int_equal(va_file_write(copy, program, n, 0700, &error), 0);
    va_free(program);
    assert_int_equal(va_confine_allow(&plan, folder, VA_CONFINE_READ | VA_CONFINE_WRITE | VA_CONFINE_MAKE, &error), 0);
    assert_int_equal(va_confine_allow_list(&plan, "/usr,/bin , /lib,/lib64", VA_CONFINE_RUN, &error), 0);
    return 0;
}

static int free_plan(void **state)
{
    va_confine_plan_free(&plan);
    return remove_folders(state);
}

static int run(const char *path)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        execl(path, "true", (char *)NULL);
        _exit(errno);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 199;
}

static int run_system(void)
{
    return run("/bin/true");
}
static int run_written(void)
{
    return run(copy);
}
static int read_foreign(void)
{
    return number_of(open(foreign, O_RDONLY | O_CLOEXEC));
}
static int write_foreign(void)
{
    return number_of(open(foreign, O_WRONLY | O_CLOEXEC));
}
static int write_own(void)
{
    return number_of(open(own, O_RDWR | O_TRUNC | O_CLOEXEC));
}
static int remove_foreign(void)
{
    return number_of(unlink(foreign));
}
static int call_ptrace(void)
{
    return number_of(syscall(SYS_ptrace, 16, outside, 0, 0));
}
static int call_unshare(void)
{
    return number_of(unshare(CLONE_NEWUSER));
}
static int call_keyctl(void)
{
    return number_of(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}
static int call_bpf(void)
{
    return number_of(syscall(SYS_bpf, 0, NULL, 0));
}
static int call_mount(void)
{
    return number_of(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL));
}
static int call_clone(void)
{
    return number_of(syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0));
}
static int packet_socket(void)
{
    return number_of(socket(AF_PACKET, SOCK_RAW, 0));
}
static int vsock_socket(void)
{
    return number_of(socket(AF_VSOCK, SOCK_STREAM, 0));
}
static int inet_socket(void)
{
    return number_of(socket(AF_INET, SOCK_STREAM, 0));
}
static int signal_outside(void)
{
    return number_of(kill(outside, 0));
}

static void test_programs(void **state)
{
    static const struct {
        const char *what;
        attempt_fn attempt;
        int expected, landlock;
    } rows[] = {{"run", run_system, 0, 1},
                {"write own", write_own, 0, 1},
                {"read", read_foreign, 0, 1},
                {"run what was written", run_written, EACCES, 1},
                {"write foreign", write_foreign, EACCES, 1},
                {"remove foreign", remove_foreign, EACCES, 1},
                {"ptrace", call_ptrace, EPERM, 0},
                {"unshare", call_unshare, EPERM, 0},
                {"keyctl", call_keyctl, EPERM, 0},
                {"bpf", call_bpf, EPERM, 0},
                {"mount", call_mount, EPERM, 0},
                {"a network of its own", call_clone, EPERM, 0},
                {"AF_PACKET", packet_socket, EAFNOSUPPORT, 0},
                {"AF_VSOCK", vsock_socket, EAFNOSUPPORT, 0},
                {"AF_INET", inet_socket, 0, 0},
                {"signal to the service", signal_outside, EPERM, 6}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        int found = try(va_confine_programs, &plan, rows[i].landlock, rows[i].attempt);
        if (found != rows[i].expected)
            fail_msg("%s: %d, not %d", rows[i].what, found, rows[i].expected);
    }
}

static void test_log(void **state)
{
    plan.mode = VA_CONFINE_LOG;
    assert_int_equal(try(va_confine_programs, &plan, 0, write_foreign), 0);
    assert_int_equal(try(va_confine_programs, &plan, 0, run_written), 0);
    assert_int_not_equal(try(va_confine_programs, &plan, 0, vsock_socket), EAFNOSUPPORT + 1000);
    plan.mode = VA_CONFINE_ON;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_programs), cmocka_unit_test(test_log)};

    return cmocka_run_group_tests(tests, make_plan, free_plan);
}
