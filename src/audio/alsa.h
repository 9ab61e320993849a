/* alsa.h - what recording from and playing on ALSA devices have in common. Internal to this folder. */
#ifndef VA_AUDIO_ALSA_H
#define VA_AUDIO_ALSA_H

#include <alsa/asoundlib.h>

#include "base/error.h"

#define VA_ALSA_MAX_CHANNELS 32

/* How a device is run. */
struct va_alsa_mode {
    snd_pcm_format_t format; /* one that va_alsa_get and va_alsa_put know */
    unsigned channels, rate_hz;
};

/* libasound prints what goes wrong to stderr; its return codes tell it too. */
void va_alsa_stay_silent(void);

/* Why a device cannot be opened: VA_EBUSY, VA_EDENIED, VA_ENOTFOUND or VA_EIO. */
int va_alsa_open_error(const char *device, int code, va_error *error);

/* 16 kHz, mono, 16 bits where the device has that, else what it likes best near 48 kHz: only rates of the hardware itself, as ALSA's own
 * rate conversion is a linear one. 0 or a negative code of ALSA. */
VA_MUST_CHECK int va_alsa_configure(snd_pcm_t *pcm, unsigned buffer_us, unsigned period_us, struct va_alsa_mode *ret_mode);

/* Waits until samples can be read or written: 1, 0 after timeout_ms, or a negative code of ALSA. snd_pcm_wait has no end where a plugin
 * wakes it again and again for nothing. */
int va_alsa_wait(snd_pcm_t *pcm, int timeout_ms);

/* After -EPIPE (an xrun) or -ESTRPIPE (the machine has slept) the device is prepared or runs; -EAGAIN: it still sleeps. Does not wait. */
int va_alsa_recover(snd_pcm_t *pcm, int code);

/* The i-th sample of raw, channels counted. */
float va_alsa_get(const void *raw, snd_pcm_format_t format, size_t i);
void va_alsa_put(void *raw, snd_pcm_format_t format, size_t i, float value); /* cut to -1 .. 1 */

#endif
