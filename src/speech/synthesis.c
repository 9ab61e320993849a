/* A synthesiser is one child for one text. The text is a file in memory that is its standard input: nothing has to be fed to it, and it
 * may close that early. What it prints is collected, as the header of a WAV file that is written to a pipe does not tell the length.
 * It is started by base/child.h, the same as the programs of actions, and nothing but descriptors goes in and out: so it can move behind
 * a launcher process together with them. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "speech/internal.h"

/* Five minutes of 48 kHz mono with 16 bits; the decoder holds the limit in seconds. */
#define MAX_WAV_BYTES ((size_t)28 << 20)

/* Moves what is there now into the file. Returns 1 at the end, else 0 or VA_E*. */
static int drain(int from, int to, size_t *size)
{
    char bytes[16384];

    for (int rounds = 0; rounds < 64; rounds++) {
        ssize_t n = read(from, bytes, sizeof bytes);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return 1;
        if (n < 0)
            return 0;
        if (*size + (size_t)n > MAX_WAV_BYTES)
            return VA_ELIMIT;
        if (write(to, bytes, (size_t)n) != n)
            return VA_ENOMEM; /* it is memory */
        *size += (size_t)n;
    }
    return 0;
}

/* Collects output until the child ends. */
static int collect(const struct va_child *child, const struct va_synthesis *synthesis, int to)
{
    double deadline_ms = va_clock_ms() + synthesis->timeout_s * 1000;
    struct pollfd fds[3] = {
        {.fd = child->fd, .events = POLLIN}, {.fd = child->output, .events = POLLIN}, {.fd = synthesis->stop_fd, .events = POLLIN}};
    size_t size = 0;

    for (;;) {
        double left_ms = deadline_ms - va_clock_ms();
        if (left_ms <= 0)
            return VA_ETIMEOUT;
        if (poll(fds, 3, left_ms > 1000 ? 1000 : (int)left_ms + 1) < 0) {
            if (errno != EINTR)
                return VA_EIO;
            continue;
        }
        if (fds[2].revents != 0)
            return VA_ECANCELLED;
        int r = fds[1].revents != 0 ? drain(child->output, to, &size) : 0;
        if (r == 1)
            fds[1].fd = -1; /* it closed its output and may live on */
        if (r >= 0 && fds[0].revents != 0)
            while (fds[1].fd >= 0 && (r = drain(child->output, to, &size)) == 0 && poll(&fds[1], 1, 0) > 0)
                ;
        if (r < 0 || fds[0].revents != 0)
            return r < 0 ? r : 0;
    }
}

/* A file in memory with the text, on one line as some synthesisers speak line by line. */
static int open_text(const char *text)
{
    int fd = memfd_create("speech text", MFD_CLOEXEC);
    size_t n = strlen(text);

    if (fd >= 0 && (write(fd, text, n) != (ssize_t)n || write(fd, "\n", 1) != 1 || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int fail(const struct va_synthesis *synthesis, int r, int status, va_error *error)
{
    const char *name = synthesis->arguments->words[0];

    if (r == VA_ETIMEOUT)
        return va_fail(error, r, "%.150s did not speak within %.10g s and was stopped", name, synthesis->timeout_s);
    if (r == VA_ELIMIT)
        return va_fail(error, r, "%.150s gives more than %zu MB of sound for one text and was stopped", name, MAX_WAV_BYTES >> 20);
    if (r == VA_ECANCELLED)
        return va_fail(error, r, "stopped");
    if (r < 0)
        return va_fail(error, r, "cannot run %.150s: %s", name, va_status_text(r));
    return va_fail(error, VA_EFAILED, "%.150s ended with status %d (is there such a voice?)", name, status);
}

int va_speech_synthesise(const struct va_synthesis *synthesis, struct va_sound *ret_sound, va_error *error)
{
    const struct va_arguments *arguments = synthesis->arguments;
    struct va_child child;
    int text = open_text(synthesis->text), wav = text < 0 ? -1 : memfd_create("speech sound", MFD_CLOEXEC);
    if (wav < 0) {
        if (text >= 0)
            close(text);
        return va_fail_errno(error, "cannot make a file in memory");
    }
    const struct va_child_options options = {.executable = arguments->words[0],
                                             .arguments = (const char *const *)&arguments->words[1],
                                             .n_arguments = arguments->n - 1,
                                             .input = text};
    int r = va_child_start(&options, &child, error);
    close(text);
    if (r < 0) {
        close(wav);
        return r;
    }
    r = collect(&child, synthesis, wav);
    int status = va_child_finish(&child);
    if (r < 0 || status != 0) {
        close(wav);
        return fail(synthesis, r, status, error);
    }
    return va_sound_read(wav, arguments->words[0], ret_sound, error);
}
