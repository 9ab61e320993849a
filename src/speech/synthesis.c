/* A synthesiser is one child for one text. The text is a file in memory that is its standard input: nothing has to be fed to it, and it
 * may close that early. What it prints is collected, as the header of a WAV file that is written to a pipe does not tell the length.
 * Nothing but these two files goes in and out: so a launcher process can start it, together with the programs of actions. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/child.h"
#include "speech/internal.h"

/* Five minutes of 48 kHz mono with 16 bits; the decoder holds the limit in seconds. */
#define MAX_WAV_BYTES ((size_t)28 << 20)

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

static int run_here(const struct va_speech_program *program, int *ret_status, va_error *error)
{
    const struct va_child_options options = {
        .executable = program->executable, .arguments = program->arguments, .n_arguments = program->n_arguments, .input = program->input};
    struct va_child child;
    int r = va_child_start(&options, &child, error);

    if (r < 0)
        return r;
    r = va_child_copy(&child, program->output, program->max_bytes, program->timeout_s, program->stop_fd);
    *ret_status = va_child_finish(&child);
    return r < 0 ? va_fail(error, r, "cannot run %.150s: %s", program->executable, va_status_text(r)) : 0;
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
        return r;
    return va_fail(error, VA_EFAILED, "%.150s ended with status %d (is there such a voice?)", name, status);
}

int va_speech_synthesise(const struct va_synthesis *synthesis, struct va_sound *ret_sound, va_error *error)
{
    const struct va_arguments *arguments = synthesis->arguments;
    int status = 0, text = open_text(synthesis->text), wav = text < 0 ? -1 : memfd_create("speech sound", MFD_CLOEXEC);
    if (wav < 0) {
        if (text >= 0)
            close(text);
        return va_fail_errno(error, "cannot make a file in memory");
    }
    const struct va_speech_program program = {.executable = arguments->words[0],
                                              .arguments = (const char *const *)&arguments->words[1],
                                              .n_arguments = arguments->n - 1,
                                              .input = text,
                                              .output = wav,
                                              .max_bytes = MAX_WAV_BYTES,
                                              .timeout_s = synthesis->timeout_s,
                                              .stop_fd = synthesis->stop_fd};
    int r = synthesis->run != NULL ? synthesis->run(synthesis->user, &program, &status, error) : run_here(&program, &status, error);
    close(text);
    if (r < 0 || status != 0) {
        close(wav);
        return fail(synthesis, r, status, error);
    }
    return va_sound_read(wav, arguments->words[0], ret_sound, error);
}
