/* probe.c - tries one thing that a confined process must not do, and says whether it was let.
 *
 * Usage: probe VERB [ARGUMENT]. Exit code: 0 when it could, 1 when it was not permitted (EACCES, EPERM), 3 when it failed for another
 * reason, which proves nothing. Linked statically, so that it needs no file but its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int close_if_open(int fd)
{
    return fd < 0 ? -1 : close(fd);
}

static int read_file(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || read(fd, &byte, 1) < 0)
        return -1;
    return close(fd);
}

static int write_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, "1\n", 2) < 0)
        return -1;
    return close(fd);
}

static int list_folder(const char *path)
{
    return close_if_open(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* What the started program returns does not count. */
static int execute(const char *path)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        execl(path, path, "--version", (char *)NULL);
        _exit(errno == EACCES || errno == EPERM ? 101 : 102);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -1;
    errno = WIFEXITED(status) && WEXITSTATUS(status) == 101 ? EACCES : ENOENT;
    return WIFEXITED(status) && (WEXITSTATUS(status) == 101 || WEXITSTATUS(status) == 102) ? -1 : 0;
}

static int run_from_memory_of(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED)
        return -1;
    return close(fd);
}

static int raw_socket(const char *unused)
{
    (void)unused;
    return close_if_open(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
}

static int packet_socket(const char *unused)
{
    (void)unused;
    return close_if_open(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
}

static int stream_socket(const char *unused)
{
    (void)unused;
    return close_if_open(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int mount_folder(const char *path)
{
    return mount("probe", path, "tmpfs", 0, NULL) < 0 ? -1 : umount(path);
}

static int trace(const char *pid)
{
    pid_t process = (pid_t)strtol(pid, NULL, 10);

    if (ptrace(PTRACE_SEIZE, process, NULL, NULL) < 0)
        return -1;
    (void)ptrace(PTRACE_INTERRUPT, process, NULL, NULL);
    (void)waitpid(process, NULL, __WALL);
    return (int)ptrace(PTRACE_DETACH, process, NULL, NULL);
}

static int send_signal(const char *pid)
{
    return kill((pid_t)strtol(pid, NULL, 10), SIGCONT);
}

static int make_device(const char *path)
{
    return mknod(path, S_IFCHR | 0600, 0x0103) < 0 ? -1 : unlink(path);
}

static int set_host_name(const char *unused)
{
    char name[65] = "";

    (void)unused;
    return gethostname(name, sizeof name - 1) < 0 ? -1 : sethostname(name, strlen(name));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *verb;
        int (*act)(const char *argument);
    } verbs[] = {{"read", read_file},
                 {"write", write_file},
                 {"list", list_folder},
                 {"exec", execute},
                 {"map-exec", run_from_memory_of},
                 {"raw", raw_socket},
                 {"packet", packet_socket},
                 {"tcp", stream_socket},
                 {"mount", mount_folder},
                 {"trace", trace},
                 {"signal", send_signal},
                 {"mknod", make_device},
                 {"hostname", set_host_name}};

    for (size_t i = 0; argc >= 2 && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[1], verbs[i].verb) != 0)
            continue;
        int r = verbs[i].act(argc > 2 ? argv[2] : "");
        int number = errno;
        printf("%s %s: %s\n", argv[1], argc > 2 ? argv[2] : "", r == 0 ? "done" : strerror(number));
        return r == 0 ? 0 : number == EACCES || number == EPERM ? 1 : 3;
    }
    fprintf(stderr, "Usage: probe VERB [ARGUMENT]\n");
    return 2;
}
