/* devices.h - which microphones and loudspeakers there are, by the names that can be configured. Any thread. */
#ifndef VA_AUDIO_DEVICES_H
#define VA_AUDIO_DEVICES_H

#include "base/error.h"

#define VA_DEVICES_MAX 128 /* more are not listed */

enum va_device_kind { VA_DEVICE_MICROPHONE, VA_DEVICE_LOUDSPEAKER };

struct va_device {
    char *name;        /* for audio.microphone or speech.device */
    char *description; /* for a person; one line */
    int is_hardware;   /* of a sound card, without anything between: nobody else can use it meanwhile */
    int status;        /* 0: it can be opened; VA_EBUSY, VA_EDENIED, VA_EIO */
};

/* The devices of ALSA's configuration that can be opened ("default", PipeWire, PulseAudio, those of the user), then the sound cards. Each
 * is opened and closed, so that what does not exist is not listed. The list [n] is the caller's. VA_ENOMEM. */
VA_MUST_CHECK int va_devices_list(enum va_device_kind kind, struct va_device **ret_devices, size_t *ret_n, va_error *error);
void va_devices_free(struct va_device *devices, size_t n);

#endif
