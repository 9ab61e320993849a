/* pcm_reader.h - what decode.c asks of a decoding library. Internal to this folder. */
#ifndef VA_AUDIO_PCM_READER_H
#define VA_AUDIO_PCM_READER_H

#include "base/error.h"

enum va_audio_format { VA_AUDIO_WAV, VA_AUDIO_FLAC, VA_AUDIO_OGG, VA_AUDIO_MP3, VA_AUDIO_RAW };

typedef struct va_pcm_reader va_pcm_reader;
struct va_pcm_reader {
    /* ret_pcm [frames][channels]. Returns how many frames, 0 at the end, or a negative VA_E*. A file that ends too early ends. */
    int64_t (*read)(va_pcm_reader *reader, float *ret_pcm, size_t frames, va_error *error);
    void (*free)(va_pcm_reader *reader);
    uint32_t rate_hz;
    int channels;
    uint64_t frames; /* as the header says; 0 when it says nothing */
};

/* The audio begins at byte `start` of fd, which is regular, stays the caller's and must outlive the reader. name must, too. */
VA_MUST_CHECK int va_pcm_reader_sndfile(int fd, uint64_t start, const char *name, enum va_audio_format format, va_pcm_reader **ret_reader,
                                        va_error *error);
VA_MUST_CHECK int va_pcm_reader_mpg123(int fd, const char *name, va_pcm_reader **ret_reader, va_error *error);

/* A seekable descriptor for path ("-" is standard input); what cannot seek is copied to an unlinked file, at most max_bytes of it. */
VA_MUST_CHECK int va_audio_open_seekable(const char *path, uint64_t max_bytes, int *ret_fd, va_error *error);

/* Tells the format from the first bytes. ret_start: where the format's own bytes begin (behind an ID3 tag). */
VA_MUST_CHECK int va_audio_sniff(int fd, const char *name, enum va_audio_format *ret_format, uint64_t *ret_start, va_error *error);

#endif
