#include <math.h>
#include <string.h>
#include <unistd.h>

#include "audio/decode.h"
#include "base/file.h"
#include "base/memory.h"
#include "speech/internal.h"

#define BLOCK_SAMPLES 4096

/* Appends the block; the memory grows by doubling, up to the limit that the decoder holds. */
static int append(struct va_sound *sound, size_t *capacity, const float *block, size_t n)
{
    if (sound->n + n > *capacity) {
        size_t wanted = *capacity == 0 ? 4 * BLOCK_SAMPLES : 2 * *capacity;
        int16_t *pcm = va_realloc(sound->pcm, wanted, sizeof *pcm);
        if (pcm == NULL)
            return VA_ENOMEM;
        sound->pcm = pcm;
        *capacity = wanted;
    }
    for (size_t i = 0; i < n; i++)
        sound->pcm[sound->n++] = (int16_t)lrintf(fminf(fmaxf(block[i] * 32768.0f, -32768.0f), 32767.0f));
    return 0;
}

int va_sound_read(int fd, const char *name, struct va_sound *ret_sound, va_error *error)
{
    const struct va_decode_options options = {.max_seconds = VA_SPEECH_MAX_SECONDS};
    struct va_sound sound = {0};
    size_t capacity = 0;
    int64_t n = 0;
    va_audio_decoder *decoder;
    int r = va_audio_decoder_open_fd(fd, name, &options, &decoder, error);
    if (r < 0)
        return r;
    float *block = va_alloc(BLOCK_SAMPLES, sizeof *block);
    if (block == NULL)
        r = va_fail_memory(error);
    if (r == 0 && strcmp(va_audio_decoder_format(decoder), "wav") != 0)
        r = va_fail(error, VA_EFORMAT, "%s: not a WAV file", name);
    while (r == 0 && (n = va_audio_decoder_read(decoder, block, BLOCK_SAMPLES)) > 0)
        if (append(&sound, &capacity, block, (size_t)n) < 0)
            r = va_fail_memory(error);
    if (r == 0 && n < 0)
        r = va_fail(error, (int)n, "%s", va_audio_decoder_error(decoder)->text);
    if (r == 0 && sound.n == 0)
        r = va_fail(error, VA_EFORMAT, "%s: no sound", name);
    va_free(block);
    va_audio_decoder_free(decoder);
    if (r < 0)
        va_sound_free(&sound);
    else
        *ret_sound = sound;
    return r;
}

static void put(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

void va_speech_wav_header(size_t n_samples, uint8_t ret_header[VA_SPEECH_WAV_HEADER_BYTES])
{
    uint32_t size = (uint32_t)(2 * n_samples);

    memcpy(ret_header, "RIFF....WAVEfmt ....................data....", VA_SPEECH_WAV_HEADER_BYTES);
    put(ret_header + 4, size + VA_SPEECH_WAV_HEADER_BYTES - 8, 4);
    put(ret_header + 16, 16, 4);
    put(ret_header + 20, 1, 2); /* PCM */
    put(ret_header + 22, 1, 2); /* one channel */
    put(ret_header + 24, VA_SAMPLE_RATE_HZ, 4);
    put(ret_header + 28, 2 * VA_SAMPLE_RATE_HZ, 4);
    put(ret_header + 32, 2, 2);  /* bytes of a sample */
    put(ret_header + 34, 16, 2); /* bits */
    put(ret_header + 40, size, 4);
}

int va_sound_write(const struct va_sound *sound, const char *path, va_error *error)
{
    size_t size = 2 * sound->n;
    uint8_t *file = va_alloc(VA_SPEECH_WAV_HEADER_BYTES + size, 1);
    if (file == NULL)
        return va_fail_memory(error);
    va_speech_wav_header(sound->n, file);
    for (size_t i = 0; i < sound->n; i++)
        put(file + VA_SPEECH_WAV_HEADER_BYTES + 2 * i, (uint16_t)sound->pcm[i], 2);
    int r = va_file_write(path, file, VA_SPEECH_WAV_HEADER_BYTES + size, 0600, error);
    va_free(file);
    return r;
}

void va_sound_free(struct va_sound *sound)
{
    va_free(sound->pcm);
    memset(sound, 0, sizeof *sound);
}
