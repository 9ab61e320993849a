#include "action/launch.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/utf8.h"

int va_launch_find(const char *name, char ret_path[VA_LAUNCH_PATH_BYTES], va_error *error)
{
    return va_child_find(name, ret_path, error);
}

/* Reads what is there now. Returns 1 at the end of the output, else 0 or VA_ENOMEM. */
static int drain(int fd, struct va_buffer *output)
{
    char bytes[4096];

    for (int rounds = 0; rounds < 64; rounds++) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return 1;
        if (n < 0)
            return 0;
        size_t room = output->max - output->size;
        int r = va_buffer_append(output, bytes, (size_t)n < room ? (size_t)n : room);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Collects output until the process ends. */
static int watch(int pid_fd, int out, int cancel_fd, double timeout_s, struct va_buffer *output)
{
    double deadline_ms = va_clock_ms() + timeout_s * 1000;
    struct pollfd fds[3] = {{.fd = pid_fd, .events = POLLIN}, {.fd = out, .events = POLLIN}, {.fd = cancel_fd, .events = POLLIN}};

    for (;;) {
        double left_ms = deadline_ms - va_clock_ms();
        if (left_ms <= 0)
            return VA_ETIMEOUT;
        if (poll(fds, 3, left_ms > 1000 ? 1000 : (int)left_ms + 1) < 0 && errno != EINTR)
            return VA_EIO;
        int r = fds[1].revents != 0 ? drain(out, output) : 0;
        if (r < 0)
            return r;
        if (r == 1)
            fds[1].fd = -1; /* it closed its output and may live on */
        if (fds[0].revents != 0) {
            r = fds[1].fd >= 0 ? drain(out, output) : 0;
            return r < 0 ? r : 0;
        }
        if (fds[2].revents != 0)
            return VA_ECANCELLED;
    }
}

int va_launch_run(const struct va_launch *launch, int cancel_fd, struct va_launch_result *ret_result, va_error *error)
{
    const struct va_child_options options = {.executable = launch->executable,
                                             .arguments = launch->arguments,
                                             .n_arguments = launch->n_arguments,
                                             .input = launch->files != NULL ? launch->files->input : -1,
                                             .joins_its_errors = launch->files == NULL};
    struct va_buffer output;
    struct va_child child;

    int r = va_child_start(&options, &child, error);
    if (r < 0)
        return r;
    va_buffer_init(&output, VA_LAUNCH_MAX_OUTPUT_BYTES);
    if (launch->files != NULL)
        r = va_child_copy(&child, launch->files->output, launch->files->max_bytes, launch->timeout_s, cancel_fd);
    else
        r = watch(child.fd, child.output, cancel_fd, launch->timeout_s, &output);
    int status = va_child_finish(&child);
    va_utf8_mend(output.data, output.size);
    char *text = r == 0 ? va_buffer_take(&output) : NULL;
    if (r == 0 && text == NULL)
        r = VA_ENOMEM;
    va_buffer_free(&output);
    if (r == VA_ETIMEOUT)
        return va_fail(error, r, "%.150s did not end within %.10g s and was stopped", launch->executable, launch->timeout_s);
    if (r < 0)
        return va_fail(error, r, "cannot run %.150s: %s", launch->executable, va_status_text(r));
    *ret_result = (struct va_launch_result){.status = status, .output = text};
    return 0;
}
