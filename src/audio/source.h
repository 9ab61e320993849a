/* source.h - where live audio comes from: an ALSA device, a file or pipe as microphone, or nothing.
 *
 * A source is opened by name and read from one thread. Reading blocks for at most about 100 ms. It is lost for good when its device is;
 * capture.h opens it again. */
#ifndef VA_AUDIO_SOURCE_H
#define VA_AUDIO_SOURCE_H

#include "base/error.h"

typedef struct va_audio_source va_audio_source;

/* For the thread that reads. */
struct va_audio_source_info {
    int is_device;    /* samples come whether they are read or not, and when it is lost it may come back */
    uint32_t rate_hz; /* as the source gives them: */
    uint32_t channels;
    char format[16];
    uint64_t overruns; /* so far; samples are missing after one */
    uint64_t clipped;  /* samples at full scale so far, of any channel */
    uint64_t first_ns; /* when the first sample of the last read was captured (va_clock_ns); of a file, if it were played in real time */
    const char *why;   /* what has gone wrong, after VA_EIO, where it is known; or NULL */
};

/* name: "default" or any ALSA device; "file:PATH" (in real time; "file-fast:PATH" as fast as it is read); "-" raw signed 16-bit
 * 16 kHz mono on standard input, which a PATH that is a named pipe carries too: one writer after another, without an end.
 * VA_ENOTFOUND when there is no such device or no sound card; "none" is VA_ENOTFOUND too. */
VA_MUST_CHECK int va_audio_source_open(const char *name, va_audio_source **ret_source, va_error *error);
void va_audio_source_free(va_audio_source *source);

/* 16 kHz mono. Returns samples read, 0 at the end of a file, VA_ETIMEOUT when none have come within about 100 ms (call again),
 * VA_EIO when the device is lost, VA_EFORMAT when a file is damaged. Overruns are survived and counted. Does not allocate. */
VA_MUST_CHECK int64_t va_audio_source_read(va_audio_source *source, float *pcm, size_t capacity);
const struct va_audio_source_info *va_audio_source_info(const va_audio_source *source);

#endif
