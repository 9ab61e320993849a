#include "daemon/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void our_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

int va_signals_open(int *ret_fd, va_error *error)
{
    sigset_t set;

    our_signals(&set);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return va_fail_errno(error, "cannot block signals");
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return va_fail_errno(error, "cannot watch signals");
    *ret_fd = fd;
    return 0;
}

enum va_signal va_signals_wait(int fd, int wake_fd, int timeout_ms)
{
    struct pollfd watch[2] = {{.fd = fd, .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};
    struct signalfd_siginfo info;

    if (poll(watch, 2, timeout_ms) <= 0)
        return VA_SIGNAL_NONE;
    if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
        return watch[1].revents != 0 ? VA_SIGNAL_WAKE : VA_SIGNAL_NONE;
    return info.ssi_signo == SIGHUP ? VA_SIGNAL_RELOAD : VA_SIGNAL_STOP;
}

void va_signals_close(int fd)
{
    sigset_t set;

    our_signals(&set);
    sigdelset(&set, SIGHUP);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    close(fd);
}
