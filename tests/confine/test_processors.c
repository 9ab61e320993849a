/* The filters as the kernels of both processors would run them, by an interpreter of the few instructions that they are made of. */
#include "confine/support.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

static struct sock_filter program[4096]; /* [n_program] */
static size_t n_program;

static void load(enum va_confine_kind kind, unsigned processor)
{
    const struct va_confine_plan plan = {.mode = VA_CONFINE_ON, .signalled = 77};
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_int_equal(va_confine_calls_write(&plan, kind, processor, fileno(file)), 0);
    rewind(file);
    n_program = fread(program, sizeof program[0], COUNT(program), file);
    assert_true(n_program > 10 && n_program < COUNT(program));
    fclose(file);
}

static int jumps(const struct sock_filter *code, uint32_t a)
{
    switch (BPF_OP(code->code)) {
    case BPF_JEQ:
        return a == code->k;
    case BPF_JGT:
        return a > code->k;
    case BPF_JGE:
        return a >= code->k;
    default:
        fail_msg("an unknown jump: %x", code->code);
        return 0;
    }
}

static uint32_t decide(const struct seccomp_data *data)
{
    uint32_t a = 0;

    for (size_t at = 0; at < n_program; at++) {
        const struct sock_filter *code = &program[at];
        if (code->code == (BPF_LD | BPF_W | BPF_ABS)) {
            assert_true(code->k + sizeof a <= sizeof *data);
            memcpy(&a, (const char *)data + code->k, sizeof a);
        } else if (code->code == (BPF_ALU | BPF_AND | BPF_K)) {
            a &= code->k;
        } else if (code->code == (BPF_JMP | BPF_JA)) {
            at += code->k;
        } else if (BPF_CLASS(code->code) == BPF_JMP) {
            at += jumps(code, a) ? code->jt : code->jf;
        } else if (code->code == (BPF_RET | BPF_K)) {
            return code->k;
        } else {
            fail_msg("an unknown instruction: %x", code->code);
        }
    }
    fail_msg("the filter has no end");
    return 0;
}

static const struct {
    unsigned seccomp, audit;
} processors[] = {{SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64}, {SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64}};

static size_t processor;

static uint32_t ask(const char *name, uint64_t a, uint64_t b, uint64_t c)
{
    const struct seccomp_data data = {.nr = seccomp_syscall_resolve_name_arch(processors[processor].seccomp, name),
                                      .arch = processors[processor].audit,
                                      .args = {a, b, c}};

    assert_true(data.nr >= 0);
    return decide(&data);
}

#define REFUSED(number) (SECCOMP_RET_ERRNO | (number))

static void test_service(void **state)
{
    static const char *const allowed[] = {
        "openat",     "read",      "write",      "futex",        "epoll_pwait",     "accept4",   "sendmsg",
        "newfstatat", "renameat2", "exit_group", "rt_sigreturn", "clock_nanosleep", "getrandom", "sched_setscheduler"};
    static const char *const deadly[] = {"execve", "execveat", "ptrace", "mount", "bpf", "unshare", "perf_event_open", "init_module"};
    static const char *const refused[] = {"io_uring_setup", "keyctl", "clone3", "setuid", "capset", "seccomp", "pidfd_send_signal"};

    for (processor = 0; processor < COUNT(processors); processor++) {
        load(VA_CONFINE_SERVICE, processors[processor].seccomp);
        for (size_t i = 0; i < COUNT(allowed); i++)
            assert_int_equal(ask(allowed[i], 0, 0, 0), SECCOMP_RET_ALLOW);
#ifndef VA_CONFINE_SANITIZED
        for (size_t i = 0; i < COUNT(deadly); i++)
            assert_int_equal(ask(deadly[i], 0, 0, 0), SECCOMP_RET_KILL_PROCESS);
        assert_int_equal(ask("clone", CLONE_VM | CLONE_VFORK, 0, 0), REFUSED(ENOSYS));
        assert_int_equal(ask("clone", CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWUSER, 0, 0), REFUSED(ENOSYS));
#endif
        for (size_t i = 0; i < COUNT(refused); i++)
            assert_int_equal(ask(refused[i], 0, 0, 0), REFUSED(ENOSYS));
        assert_int_equal(ask("clone", CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS, 0, 0), SECCOMP_RET_ALLOW);
        assert_int_equal(ask("socket", AF_INET6, SOCK_STREAM, 0), SECCOMP_RET_ALLOW);
        assert_int_equal(ask("socket", AF_PACKET, SOCK_RAW, 0), REFUSED(ENOSYS));
        assert_int_equal(ask("socket", (1ull << 32) | AF_PACKET, SOCK_RAW, 0), REFUSED(ENOSYS));
        assert_int_equal(ask("mmap", 0, 4096, PROT_READ | PROT_WRITE), SECCOMP_RET_ALLOW);
        assert_int_equal(ask("mmap", 0, 4096, PROT_READ | PROT_EXEC), SECCOMP_RET_ALLOW);
        assert_int_equal(ask("mmap", 0, 4096, PROT_WRITE | PROT_EXEC), REFUSED(ENOSYS));
        assert_int_equal(ask("kill", 77, SIGKILL, 0), SECCOMP_RET_ALLOW);
        assert_int_equal(ask("kill", 1, SIGKILL, 0), REFUSED(ENOSYS));
        assert_int_equal(ask("ioctl", 0, 0xC2604110 /* SNDRV_PCM_IOCTL_HW_REFINE */, 0), SECCOMP_RET_ALLOW);
        assert_int_equal(ask("ioctl", 0, 0x5412 /* TIOCSTI */, 0), REFUSED(ENOSYS));
        assert_int_equal(ask("ioctl", 0, (1ull << 32) | 0x5412, 0), REFUSED(ENOSYS));
    }
}

static void test_programs(void **state)
{
    static const char *const allowed[] = {"execve", "clone", "openat", "setuid", "wait4", "kill"};
    static const char *const refused[] = {"ptrace", "mount", "bpf", "unshare", "keyctl", "io_uring_setup", "open_by_handle_at"};

    for (processor = 0; processor < COUNT(processors); processor++) {
        load(VA_CONFINE_PROGRAMS, processors[processor].seccomp);
        for (size_t i = 0; i < COUNT(allowed); i++)
            assert_int_equal(ask(allowed[i], 0, 0, 0), SECCOMP_RET_ALLOW);
        for (size_t i = 0; i < COUNT(refused); i++)
            assert_int_equal(ask(refused[i], 0, 0, 0), REFUSED(EPERM));
        assert_int_equal(ask("clone3", 0, 0, 0), REFUSED(ENOSYS));
        assert_int_equal(ask("clone", CLONE_NEWUSER, 0, 0), REFUSED(EPERM));
        assert_int_equal(ask("socket", AF_INET, SOCK_STREAM, 0), SECCOMP_RET_ALLOW);
        assert_int_equal(ask("socket", AF_PACKET, SOCK_RAW, 0), REFUSED(EAFNOSUPPORT));
        assert_int_equal(ask("socket", (1ull << 32) | AF_PACKET, SOCK_RAW, 0), REFUSED(EAFNOSUPPORT));
        assert_int_equal(ask("ioctl", 0, 0x5412, 0), REFUSED(EPERM));
    }
}

/* The other processor's numbers, and those of 32 bits, are none. */
static void test_other_numbering(void **state)
{
    const struct seccomp_data data = {.nr = 1, .arch = AUDIT_ARCH_I386};

    load(VA_CONFINE_SERVICE, SCMP_ARCH_X86_64);
    assert_int_equal(decide(&data), SECCOMP_RET_KILL_PROCESS);
    load(VA_CONFINE_PROGRAMS, SCMP_ARCH_AARCH64);
    assert_int_equal(decide(&data), SECCOMP_RET_KILL_PROCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_service), cmocka_unit_test(test_programs),
                                       cmocka_unit_test(test_other_numbering)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
