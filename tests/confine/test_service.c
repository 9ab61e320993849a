/* What the process that reads from the network can still do, and what it cannot: each attempt in a process of its own. */
#include "confine/service.h"

#include <linux/netlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/resource.h>

/* ---- processes and memory ---- */

static void *nothing(void *arg)
{
    return arg;
}

static int make_thread(void)
{
    pthread_t thread;
    int r = pthread_create(&thread, NULL, nothing, NULL);
    return r != 0 ? r : pthread_join(thread, NULL);
}

static int make_process(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return number_of(pid);
}

static int execute(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return errno;
}

static int map_as(int protection)
{
    return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static int map_data(void)
{
    return map_as(PROT_READ | PROT_WRITE);
}
static int map_both(void)
{
    return map_as(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int make_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? 1 : number_of(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int signal_known(void)
{
    return number_of(kill(plan.signalled, 0));
}
static int signal_init(void)
{
    return number_of(kill(1, 0));
}
static int signal_all(void)
{
    return number_of(kill(-1, SIGTERM));
}
static int signal_thread(void)
{
    return number_of(syscall(SYS_tgkill, 1, 1, 0));
}
static int call_clone3(void)
{
    return number_of(syscall(SYS_clone3, NULL, 0));
}
static int call_setuid(void)
{
    return number_of(setuid(getuid()));
}
static int call_ring(void)
{
    return number_of(syscall(SYS_io_uring_setup, 1, NULL));
}
static int call_keyctl(void)
{
    return number_of(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}
static int call_add_key(void)
{
    return number_of(syscall(SYS_add_key, "user", "a", "b", 1, -2));
}
static int call_limit(void)
{
    return number_of(prlimit(1, RLIMIT_CORE, NULL, NULL));
}
static int call_dumpable(void)
{
    return number_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}
static int call_name(void)
{
    return number_of(prctl(PR_SET_NAME, "va-test", 0, 0, 0));
}
static int call_unknown(void)
{
    return number_of(syscall(4000));
}
static int type_in(void)
{
    return number_of(ioctl(0, TIOCSTI, "x"));
}

static int count_waiting(void)
{
    int fds[2], n;
    return pipe2(fds, O_CLOEXEC) != 0 ? errno : number_of(ioctl(fds[0], FIONREAD, &n));
}

static void test_processes(void **state)
{
    static const struct row rows[] = {{"thread", make_thread, 0},
                                      {"memory", map_data, 0},
                                      {"name", call_name, 0},
                                      {"FIONREAD", count_waiting, 0},
                                      {"signal to the launcher", signal_known, 0},
                                      {"signal to init", signal_init, ENOSYS},
                                      {"signal to all", signal_all, ENOSYS},
                                      {"signal to a thread", signal_thread, ENOSYS},
                                      {"memory written and run", map_both, ENOSYS},
                                      {"memory run later", make_executable, ENOSYS},
                                      {"setuid", call_setuid, ENOSYS},
                                      {"io_uring", call_ring, ENOSYS},
                                      {"keyctl", call_keyctl, ENOSYS},
                                      {"add_key", call_add_key, ENOSYS},
                                      {"limits of others", call_limit, ENOSYS},
                                      {"TIOCSTI", type_in, ENOSYS},
                                      {"clone3", call_clone3, ENOSYS},
                                      {"unknown", call_unknown, ENOSYS}};

    check(rows, COUNT(rows), 0);
}

static int call_ptrace(void)
{
    return number_of(syscall(SYS_ptrace, 0, 0, 0, 0));
}
static int call_peek(void)
{
    return number_of(syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0));
}
static int call_mount(void)
{
    return number_of(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL));
}
static int call_bpf(void)
{
    return number_of(syscall(SYS_bpf, 0, NULL, 0));
}
static int call_fault(void)
{
    return number_of(syscall(SYS_userfaultfd, 0));
}
static int call_perf(void)
{
    return number_of(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
}
static int call_unshare(void)
{
    return number_of(unshare(CLONE_NEWUSER));
}
static int call_setns(void)
{
    return number_of(setns(-1, 0));
}
static int call_module(void)
{
    return number_of(syscall(SYS_init_module, NULL, 0, ""));
}
static int call_kexec(void)
{
    return number_of(syscall(SYS_kexec_load, 0, 0, NULL, 0));
}
static int call_chroot(void)
{
    return number_of(chroot("/tmp"));
}

/* Not where a sanitizer's leak checker must trace. */
static void test_deadly(void **state)
{
#ifdef VA_CONFINE_SANITIZED
    skip();
#else
    static const struct row rows[] = {{"execve", execute, KILLED},
                                      {"ptrace", call_ptrace, KILLED},
                                      {"process_vm_readv", call_peek, KILLED},
                                      {"mount", call_mount, KILLED},
                                      {"bpf", call_bpf, KILLED},
                                      {"userfaultfd", call_fault, KILLED},
                                      {"perf_event_open", call_perf, KILLED},
                                      {"unshare", call_unshare, KILLED},
                                      {"setns", call_setns, KILLED},
                                      {"init_module", call_module, KILLED},
                                      {"kexec_load", call_kexec, KILLED},
                                      {"chroot", call_chroot, KILLED}};
    static const struct row refused[] = {{"process", make_process, ENOSYS}, {"dumpable", call_dumpable, ENOSYS}};

    check(rows, COUNT(rows), 0);
    check(refused, COUNT(refused), 0);
#endif
}

/* ---- sockets ---- */

static int socket_of(int family, int type, int protocol)
{
    return number_of(socket(family, type | SOCK_CLOEXEC, protocol));
}

static int unix_socket(void)
{
    return socket_of(AF_UNIX, SOCK_DGRAM, 0);
}
static int inet_socket(void)
{
    return socket_of(AF_INET, SOCK_STREAM, 0);
}
static int inet6_or_none(void)
{
    int r = socket_of(AF_INET6, SOCK_STREAM, 0);
    return r == EAFNOSUPPORT ? 0 : r;
}
static int route_socket(void)
{
    return socket_of(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}
static int audit_socket(void)
{
    return socket_of(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
}
static int packet_socket(void)
{
    return socket_of(AF_PACKET, SOCK_RAW, 0);
}
static int vsock_socket(void)
{
    return socket_of(AF_VSOCK, SOCK_STREAM, 0);
}
static int bluetooth_socket(void)
{
    return socket_of(AF_BLUETOOTH, SOCK_RAW, 0);
}
static int crypto_socket(void)
{
    return socket_of(AF_ALG, SOCK_SEQPACKET, 0);
}

static int bind_to(uint16_t port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return number_of(bind(fd, (const struct sockaddr *)&address, sizeof address));
}

static int any_port(void)
{
    return bind_to(0);
}
static int other_port(void)
{
    return bind_to(47113);
}

static void test_sockets(void **state)
{
    static const struct row rows[] = {
        {"AF_UNIX", unix_socket, 0},        {"AF_INET", inet_socket, 0},       {"AF_INET6", inet6_or_none, 0},
        {"route", route_socket, 0},         {"audit", audit_socket, ENOSYS},   {"AF_PACKET", packet_socket, ENOSYS},
        {"AF_VSOCK", vsock_socket, ENOSYS}, {"AF_ALG", crypto_socket, ENOSYS}, {"AF_BLUETOOTH", bluetooth_socket, ENOSYS}};
    static const struct row ports[] = {{"a port of the plan", any_port, 0}, {"another port", other_port, EACCES}};

    check(rows, COUNT(rows), 0);
    check(ports, COUNT(ports), 4);
}

static int foreign_read(void)
{
    return number_of(open(foreign, O_RDONLY | O_CLOEXEC));
}

/* ---- what can be seen from outside, and the other modes ---- */

static int has_line(const char *line)
{
    char *text;
    size_t n;
    va_error error;

    if (va_file_read("/proc/self/status", 65536, &text, &n, &error) < 0)
        return 0;
    int found = strstr(text, line) != NULL;
    va_free(text);
    return found;
}

static int shows_it(void)
{
    return !(has_line("\nNoNewPrivs:\t1\n") && has_line("\nSeccomp:\t2\n") && has_line("\nCapEff:\t0000000000000000\n") &&
             has_line("\nCapPrm:\t0000000000000000\n") && has_line("\nCapBnd:\t0000000000000000\n"));
}

static int shows_nothing(void)
{
    return !has_line("\nSeccomp:\t0\n");
}

static int real_time(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_RTPRIO, &limit) != 0 || limit.rlim_cur < 10;
}

static int raise_limit(void)
{
    return number_of(setrlimit(RLIMIT_RTPRIO, &(struct rlimit){10, 10}));
}

static void test_modes(void **state)
{
    enum va_confine_mode mode = plan.mode;

    assert_int_equal(try(va_confine_service, &plan, 0, shows_it), 0);
    plan.mode = VA_CONFINE_OFF;
    int may_hurry = try(va_confine_service, &plan, 0, raise_limit) == 0;
    plan.mode = VA_CONFINE_ON;
    if (may_hurry)
        assert_int_equal(try(va_confine_service, &plan, 0, real_time), 0);
    plan.mode = VA_CONFINE_LOG;
    assert_int_equal(try(va_confine_service, &plan, 0, shows_it), 0);
    assert_int_equal(try(va_confine_service, &plan, 0, foreign_read), 0);
    assert_int_equal(try(va_confine_service, &plan, 0, make_process), 0);
    assert_int_equal(try(va_confine_service, &plan, 0, map_both), 0);
    plan.mode = VA_CONFINE_OFF;
    assert_int_equal(try(va_confine_service, &plan, 0, foreign_read), 0);
    if (!has_line("\nSeccomp:\t2\n"))
        assert_int_equal(try(va_confine_service, &plan, 0, shows_nothing), 0);
    plan.mode = mode;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_processes), cmocka_unit_test(test_deadly), cmocka_unit_test(test_sockets),
                                       cmocka_unit_test(test_modes)};

    return cmocka_run_group_tests(tests, make_plan, free_plan);
}
