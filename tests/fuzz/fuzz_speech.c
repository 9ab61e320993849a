/* What a synthesiser printed, and behind the first 0xff a speech command. */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "speech/internal.h"

static void read_command(const uint8_t *data, size_t size)
{
    const struct va_voice voice = {.language = "xx", .voice = "{rate}", .rate = 99};
    struct va_arguments arguments, filled;
    char *line = va_strndup((const char *)data, size);

    FUZZ_CHECK(line != NULL);
    int r = va_arguments_split(line, &arguments, NULL);
    FUZZ_CHECK(r == 0 || r == VA_EINVAL);
    if (r == 0) {
        FUZZ_CHECK(arguments.n > 0 && arguments.n <= VA_SPEECH_MAX_ARGUMENTS);
        if (va_arguments_fill(&arguments, &voice, &filled) == 0) {
            FUZZ_CHECK(filled.n == arguments.n);
            va_arguments_free(&filled);
        }
        va_arguments_free(&arguments);
    }
    va_free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct va_sound sound = {0};
    const uint8_t *end = size == 0 ? NULL : memchr(data, 0xff, size);

    if (end != NULL)
        read_command(end + 1, size - (size_t)(end + 1 - data));
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    if (va_sound_read(fd, "f", &sound, NULL) < 0) {
        FUZZ_CHECK(sound.pcm == NULL);
        return 0;
    }
    FUZZ_CHECK(sound.n > 0 && sound.n <= VA_SPEECH_MAX_SAMPLES);
    va_sound_free(&sound);
    return 0;
}
