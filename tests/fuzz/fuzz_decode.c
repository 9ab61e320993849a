#include "fuzz.h"

#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "audio/decode.h"

#define MAX_SECONDS 20

/* libsndfile 1.2.0 forgets about 6 kB when the second or third header of a Vorbis stream is damaged; not ours to free. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:vorbis_info_init\nleak:vorbis_comment_init\nleak:vorbis_synthesis_headerin\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static float pcm[4096];
    static const struct va_decode_options options = {.max_seconds = MAX_SECONDS};
    va_audio_decoder *decoder = NULL;
    va_error error = {.code = 1};
    uint64_t total = 0;
    int64_t n;

    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    int r = va_audio_decoder_open_fd(fd, "f", &options, &decoder, &error);
    if (r < 0) {
        FUZZ_CHECK(decoder == NULL && error.code == r && error.text[0] != '\0');
        return 0;
    }
    while ((n = va_audio_decoder_read(decoder, pcm, 4096)) > 0) {
        FUZZ_CHECK(n <= 4096);
        total += (uint64_t)n;
        FUZZ_CHECK(total <= MAX_SECONDS * VA_SAMPLE_RATE_HZ);
        for (int64_t i = 0; i < n; i++)
            FUZZ_CHECK(isfinite(pcm[i]) && fabsf(pcm[i]) < 4.0f);
    }
    FUZZ_CHECK(n == va_audio_decoder_error(decoder)->code);
    va_audio_decoder_free(decoder);
    return 0;
}
