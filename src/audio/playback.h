/* playback.h - plays sound on an ALSA device. One thread for each. */
#ifndef VA_AUDIO_PLAYBACK_H
#define VA_AUDIO_PLAYBACK_H

#include <stdatomic.h>

#include "base/error.h"

typedef struct va_playback va_playback;

/* For an echo canceller: pcm [n], 16 kHz mono, is about to be handed to the device, and its first sample will be heard at heard_ns
 * (va_clock_ns), as far as the device knows. Called by va_playback_run, in the order of playing. After an underrun or a device that has
 * come back, what follows is later than it seemed; what was handed over and not heard comes again. */
typedef void (*va_playback_sound_fn)(void *user, const int16_t *pcm, size_t n, uint64_t heard_ns);

/* device: "default" or any ALSA device, of any rate, format and number of channels. VA_ENOTFOUND when there is no such device or no sound
 * card, VA_EBUSY, VA_EDENIED, VA_EIO. */
VA_MUST_CHECK int va_playback_open(const char *device, va_playback **ret_playback, va_error *error);
void va_playback_free(va_playback *playback);

void va_playback_on_sound(va_playback *playback, va_playback_sound_fn on_sound, void *user); /* NULL: nobody listens */

/* Plays pcm [n], 16 kHz mono, and returns when it has been heard: 0; or soon after *stop is not 0 any more: VA_ECANCELLED. An underrun is
 * survived; a device that is lost is waited for some seconds, and the sound goes on where it broke off. VA_EIO: it did not come back; the
 * next call tries again. */
VA_MUST_CHECK int va_playback_run(va_playback *playback, const int16_t *pcm, size_t n, const _Atomic int *stop, va_error *error);

#endif
