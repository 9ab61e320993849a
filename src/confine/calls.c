/* calls.c - which system calls go through. The names are of x86-64 and arm64 both; what a processor does not have is left out there. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confine/internal.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#define ACTIONS_LEVEL 3 /* libseccomp's: kernels that know the actions used here */
#define OF_A_THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)

/* ---- the service: what may be called ----
 *
 * By the program, its libraries, and ALSA's plug-ins for sound servers, which lock memory and wait for timers of their own. */

static const char *const service_calls[] = {
    /* files */
    "access", "chmod", "close", "close_range", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchmod",
    "fchmodat", "fchown", "fcntl", "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate", "getcwd", "getdents64", "lseek", "lstat",
    "mkdir", "mkdirat", "newfstatat", "open", "openat", "pread64", "pwrite64", "read", "readlink", "readlinkat", "readv", "rename",
    "renameat", "renameat2", "rmdir", "stat", "statfs", "statx", "umask", "unlink", "unlinkat", "utimensat", "write", "writev",
    /* files without a name, and news of files */
    "eventfd2", "inotify_add_watch", "inotify_init1", "inotify_rm_watch", "memfd_create", "pipe", "pipe2", "signalfd4", "timerfd_create",
    "timerfd_gettime", "timerfd_settime",
    /* memory */
    "brk", "madvise", "mlock", "mlock2", "mremap", "munlock", "munmap",
    /* threads, and the end */
    "exit", "exit_group", "futex", "getcpu", "getpriority", "gettid", "rseq", "sched_get_priority_max", "sched_get_priority_min",
    "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_setscheduler", "sched_yield", "set_robust_list", "set_tid_address",
    "setpriority",
    /* signals, and the launcher's end */
    "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack", "wait4",
    "waitid",
    /* who and where we are */
    "arch_prctl", "getegid", "geteuid", "getgid", "getpid", "getppid", "getresgid", "getresuid", "getrlimit", "getrusage", "getuid",
    "setrlimit", "sysinfo", "uname",
    /* time and chance */
    "clock_getres", "clock_gettime", "clock_nanosleep", "getrandom", "gettimeofday", "nanosleep", "time",
    /* waiting */
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "poll", "ppoll", "pselect6", "select",
    /* the network */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom", "recvmsg", "sendmmsg",
    "sendmsg", "sendto", "setsockopt", "shutdown", "socketpair",
    /* ALSA shares a device among programs by these */
    "semctl", "semget", "semop", "semtimedop", "shmctl", "shmdt", "shmget"};

/* Nothing here has a use for these, and no library tries them: who calls them is not this program any more. */
static const char *const deadly_calls[] = {"bpf",
                                           "chroot",
                                           "delete_module",
                                           "execve",
                                           "execveat",
                                           "finit_module",
                                           "fsconfig",
                                           "fsmount",
                                           "fsopen",
                                           "fspick",
                                           "init_module",
                                           "ioperm",
                                           "iopl",
                                           "kexec_file_load",
                                           "kexec_load",
                                           "mount",
                                           "mount_setattr",
                                           "move_mount",
                                           "open_by_handle_at",
                                           "open_tree",
                                           "perf_event_open",
                                           "pidfd_getfd",
                                           "pivot_root",
                                           "process_madvise",
                                           "process_vm_readv",
                                           "process_vm_writev",
                                           "ptrace",
                                           "reboot",
                                           "request_key",
                                           "setns",
                                           "swapoff",
                                           "swapon",
                                           "umount2",
                                           "unshare",
                                           "userfaultfd"};

/* ---- programs: what may not be called ---- */

/* Beside the deadly ones, but for those that start a program. */
static const char *const refused_calls[] = {
    "acct",           "add_key",     "adjtimex",      "clock_adjtime",  "clock_settime", "io_uring_enter", "io_uring_register",
    "io_uring_setup", "kcmp",        "keyctl",        "lookup_dcookie", "mknod",         "mknodat",        "name_to_handle_at",
    "quotactl",       "quotactl_fd", "setdomainname", "sethostname",    "settimeofday",  "syslog",         "vhangup"};

#ifdef VA_CONFINE_SANITIZED
static const char *const sanitizer_calls[] = {"clone", "getdents",         "mincore", "personality",
                                              "prctl", "process_vm_readv", "ptrace",  "tkill"};
#endif

/* Beside netlink, which gives the list of interfaces. */
static const int families[] = {AF_UNIX, AF_INET, AF_INET6};

/* ---- making filters ---- */

struct filter {
    scmp_filter_ctx context;
    unsigned n;
    int r; /* the first error */
};

static void add(struct filter *filter, uint32_t action, const char *name, unsigned n, const struct scmp_arg_cmp *arguments)
{
    int number = seccomp_syscall_resolve_name(name);

    if (filter->r < 0 || number == __NR_SCMP_ERROR)
        return; /* a library from before this call refuses it by its default, as far as there is one */
    int r = seccomp_rule_add_array(filter->context, action, number, n, arguments);
    if (r == 0)
        filter->n++;
    else if (r != -EDOM && r != -EACCES) /* not on this processor; the same as the default */
        filter->r = r;
}

static void add_all(struct filter *filter, uint32_t action, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(filter, action, names[i], 0, NULL);
}

#define ADD_ALL(filter, action, names) add_all(filter, action, names, sizeof(names) / sizeof((names)[0]))

/* When (argument & mask) == value. */
static void add_masked(struct filter *filter, uint32_t action, const char *name, unsigned argument, uint64_t mask, uint64_t value)
{
    add(filter, action, name, 1, &SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, value));
}

static void add_equal(struct filter *filter, uint32_t action, const char *name, unsigned argument, uint64_t value)
{
    add(filter, action, name, 1, &SCMP_CMP64(argument, SCMP_CMP_EQ, value, 0));
}

/* Memory is never both written and run, nor made to run later: code comes from files that are mapped so. */
static void add_memory(struct filter *filter)
{
    add_masked(filter, SCMP_ACT_ALLOW, "mmap", 2, PROT_WRITE | PROT_EXEC, 0);
    add_masked(filter, SCMP_ACT_ALLOW, "mmap", 2, PROT_WRITE | PROT_EXEC, PROT_WRITE);
    add_masked(filter, SCMP_ACT_ALLOW, "mmap", 2, PROT_WRITE | PROT_EXEC, PROT_EXEC);
    add_masked(filter, SCMP_ACT_ALLOW, "mprotect", 2, PROT_EXEC, 0);
    add_masked(filter, SCMP_ACT_ALLOW, "shmat", 2, SHM_EXEC, 0);
}

/* Sound, controls, buttons, lines, buses, interfaces: by the letter of their commands. Of the terminal only what asks, and its mode: what
 * is typed into it (TIOCSTI) would be done by its shell. */
static void add_device_commands(struct filter *filter)
{
    static const unsigned char types[] = {'A', 'H', 'U', 'E', 0xB4, 0x07, 0x89};
    static const uint32_t single[] = {TCGETS,
                                      TCSETS,
                                      TCSETSW,
                                      TCSETSF,
                                      TIOCGWINSZ,
                                      TIOCGPGRP,
                                      FIONREAD,
                                      FIONBIO,
                                      FIOCLEX,
                                      FIONCLEX,
                                      0x54A0 /* ALSA's timer: start, stop, go on, pause */,
                                      0x54A1,
                                      0x54A2,
                                      0x54A3};

    for (size_t i = 0; i < sizeof types; i++)
        add_masked(filter, SCMP_ACT_ALLOW, "ioctl", 1, 0xFF00, (uint64_t)types[i] << 8);
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        add_masked(filter, SCMP_ACT_ALLOW, "ioctl", 1, UINT32_MAX, single[i]);
    /* The rest of that timer's carries data, as no older command of the terminal's does. */
    add_masked(filter, SCMP_ACT_ALLOW, "ioctl", 1, IOC_IN | 0xFF00, IOC_IN | ('T' << 8));
    add_masked(filter, SCMP_ACT_ALLOW, "ioctl", 1, IOC_OUT | 0xFF00, IOC_OUT | ('T' << 8));
}

static void add_service(struct filter *filter, const struct va_confine_plan *plan)
{
    ADD_ALL(filter, SCMP_ACT_ALLOW, service_calls);
    add_memory(filter);
    /* Threads, no processes. The flags of clone3 lie in memory, where a filter cannot look: without it glibc takes clone. */
    add_masked(filter, SCMP_ACT_ALLOW, "clone", 0, OF_A_THREAD | CLONE_NEWUSER, OF_A_THREAD);
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        add_equal(filter, SCMP_ACT_ALLOW, "socket", 0, (uint64_t)families[i]);
    add(filter, SCMP_ACT_ALLOW, "socket", 2,
        (const struct scmp_arg_cmp[]){SCMP_CMP64(0, SCMP_CMP_EQ, AF_NETLINK, 0), SCMP_CMP64(2, SCMP_CMP_EQ, 0, 0)});
    add_masked(filter, SCMP_ACT_ALLOW, "prctl", 0, UINT32_MAX, PR_SET_NAME);
    add_masked(filter, SCMP_ACT_ALLOW, "prctl", 0, UINT32_MAX, PR_GET_NAME);
    add_masked(filter, SCMP_ACT_ALLOW, "prctl", 0, UINT32_MAX, PR_SET_VMA);
    add_equal(filter, SCMP_ACT_ALLOW, "prlimit64", 0, 0);
    add_equal(filter, SCMP_ACT_ALLOW, "tgkill", 0, (uint64_t)getpid());
    if (plan->signalled > 0)
        add_equal(filter, SCMP_ACT_ALLOW, "kill", 0, (uint64_t)plan->signalled);
    add_device_commands(filter);
#ifdef VA_CONFINE_SANITIZED
    ADD_ALL(filter, SCMP_ACT_ALLOW, sanitizer_calls);
#else
    ADD_ALL(filter, plan->mode == VA_CONFINE_LOG ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS, deadly_calls);
#endif
}

/* What a filter does with a call that is refused. */
static uint32_t refusal(const struct va_confine_plan *plan, int number)
{
    return plan->mode == VA_CONFINE_LOG ? SCMP_ACT_LOG : SCMP_ACT_ERRNO((uint32_t)number);
}

static void add_programs(struct filter *filter, const struct va_confine_plan *plan)
{
    static const int spaces[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                 CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET, 0x80 /* CLONE_NEWTIME */};
    const uint32_t refuse = refusal(plan, EPERM), no_family = refusal(plan, EAFNOSUPPORT);

    for (size_t i = 0; i < sizeof deadly_calls / sizeof deadly_calls[0]; i++)
        if (strncmp(deadly_calls[i], "execve", 6) != 0)
            add(filter, refuse, deadly_calls[i], 0, NULL);
    ADD_ALL(filter, refuse, refused_calls);
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
        add_masked(filter, refuse, "clone", 0, (uint64_t)spaces[i], (uint64_t)spaces[i]);
    add(filter, refusal(plan, ENOSYS), "clone3", 0, NULL); /* see above */
    for (uint64_t family = AF_INET + 1; family < AF_NETLINK; family++)
        if (family != AF_INET6)
            add_masked(filter, no_family, "socket", 0, UINT32_MAX, family);
    add(filter, no_family, "socket", 1, &SCMP_CMP64(0, SCMP_CMP_GT, AF_NETLINK, 0));
    add_masked(filter, refuse, "ioctl", 1, UINT32_MAX, TIOCSTI);
    add_masked(filter, refuse, "ioctl", 1, UINT32_MAX, TIOCLINUX);
}

/* ---- the whole ---- */

/* What is not named at all gets the answer of a kernel that does not have it: a library then takes an older way. */
static uint32_t otherwise(const struct va_confine_plan *plan, enum va_confine_kind kind)
{
    return kind == VA_CONFINE_PROGRAMS ? SCMP_ACT_ALLOW : refusal(plan, ENOSYS);
}

static int make(const struct va_confine_plan *plan, enum va_confine_kind kind, struct filter *filter, unsigned processor)
{
    *filter = (struct filter){.context = seccomp_init(otherwise(plan, kind))};
    if (filter->context == NULL)
        return -ENOMEM;
    if (processor != seccomp_arch_native() && ((filter->r = seccomp_arch_add(filter->context, processor)) < 0 ||
                                               (filter->r = seccomp_arch_remove(filter->context, SCMP_ARCH_NATIVE)) < 0))
        return filter->r;
    /* Calls of another processor's numbering have no use. Speculation needs no brake where no foreign code runs. */
    (void)seccomp_attr_set(filter->context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    (void)seccomp_attr_set(filter->context, SCMP_FLTATR_CTL_SSB, 1);
    (void)seccomp_attr_set(filter->context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (kind == VA_CONFINE_SERVICE)
        add_service(filter, plan);
    else
        add_programs(filter, plan);
    return filter->r;
}

int va_confine_calls(const struct va_confine_plan *plan, enum va_confine_kind kind)
{
    struct filter filter;
    int r = make(plan, kind, &filter, seccomp_arch_native());

    if (r == 0)
        r = seccomp_load(filter.context);
    seccomp_release(filter.context);
    errno = -r;
    return r < 0 ? -1 : (int)filter.n;
}

int va_confine_calls_write(const struct va_confine_plan *plan, enum va_confine_kind kind, unsigned processor, int fd)
{
    struct filter filter;

    /* Whatever runs this, it is not the kernel that the filter is for. */
    (void)seccomp_api_set(ACTIONS_LEVEL);
    int r = make(plan, kind, &filter, processor);
    if (r == 0)
        r = seccomp_export_bpf(filter.context, fd);
    seccomp_release(filter.context);
    return r;
}
