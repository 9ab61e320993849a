/* landlock.c - which files and ports are within reach. The system calls are made here, as glibc has none; what the kernel's interface
 * brought after the headers of this build is written down here. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine/internal.h"

#define FS_TRUNCATE (1ULL << 14)  /* version 3 */
#define FS_IOCTL_DEV (1ULL << 15) /* 5 */
#define NET_BIND_TCP (1ULL << 0)  /* 4 */
#define RULE_NET_PORT 2
#define SCOPE_SIGNAL (1ULL << 1) /* 6 */

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE (LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define FS_MAKE                                                                                                                   \
    (LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
     LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SOCK)
#define FS_NEVER (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)
/* What a file can have that is no folder. */
#define FS_OF_FILE (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | FS_WRITE)

struct net_port {
    uint64_t access, port;
};

/* What a kernel of this version can refuse. Devices of which programs know more than we do take their commands; signals stay among them. */
struct va_confine_rules va_confine_rules_of(enum va_confine_kind kind, int version)
{
    struct va_confine_rules all = {.fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_MAKE | FS_NEVER};

    if (kind == VA_CONFINE_SERVICE)
        all.fs |= FS_READ;
    if (version < 2)
        all.fs &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        all.fs |= FS_TRUNCATE;
    if (version >= 4 && kind == VA_CONFINE_SERVICE)
        all.net = NET_BIND_TCP;
    if (version >= 5 && kind == VA_CONFINE_SERVICE)
        all.fs |= FS_IOCTL_DEV;
    if (version >= 6 && kind == VA_CONFINE_PROGRAMS)
        all.scoped = SCOPE_SIGNAL;
    return all;
}

static uint64_t rights(unsigned access)
{
    return ((access & VA_CONFINE_READ) != 0 ? FS_READ | FS_IOCTL_DEV : 0) | ((access & VA_CONFINE_WRITE) != 0 ? FS_WRITE : 0) |
           ((access & VA_CONFINE_MAKE) != 0 ? FS_MAKE : 0) | ((access & VA_CONFINE_RUN) != 0 ? LANDLOCK_ACCESS_FS_EXECUTE : 0);
}

/* 0, or -1 with errno. What is not there, or out of reach already, needs no rule. */
static int add_path(int rules, const char *path, uint64_t access)
{
    struct stat status;
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -1 : 0;
    if (fstat(fd, &status) < 0) { /* so says SELinux */
        close(fd);
        return 0;
    }
    if (!S_ISDIR(status.st_mode))
        access &= FS_OF_FILE;
    const struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    int r = access == 0 ? 0 : (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int number = errno;
    close(fd);
    errno = number;
    return r;
}

static int add_rules(int rules, const struct va_confine_rules *all, const struct va_confine_plan *plan)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < plan->n_paths; i++)
        r = add_path(rules, plan->paths[i].path, rights(plan->paths[i].access) & all->fs);
    for (size_t i = 0; r == 0 && all->net != 0 && i < plan->n_ports; i++) {
        const struct net_port rule = {all->net, plan->ports[i]};
        r = (int)syscall(SYS_landlock_add_rule, rules, RULE_NET_PORT, &rule, 0);
    }
    return r;
}

int va_confine_files(const struct va_confine_plan *plan, enum va_confine_kind kind)
{
    int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 0)
        return -1;
    const struct va_confine_rules all = va_confine_rules_of(kind, version);
    /* A kernel that knows a shorter one takes this as long as the rest is zero. */
    int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (rules < 0)
        return -1;
    int r = add_rules(rules, &all, plan);
    if (r == 0)
        r = (int)syscall(SYS_landlock_restrict_self, rules, 0);
    int number = errno;
    close(rules);
    errno = number;
    return r < 0 ? -1 : version;
}
