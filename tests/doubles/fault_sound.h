/* fault_sound.h - samples of the devices that fail (fault_pcm.c), and the room that they stand in. */
#ifndef VA_TESTS_FAULT_SOUND_H
#define VA_TESTS_FAULT_SOUND_H

#include <stdint.h>

#include <alsa/asoundlib.h>

double fault_cut(double value); /* to what 16 bits hold */
void fault_put_sample(uint8_t *p, snd_pcm_format_t format, double value);
double fault_get_sample(const uint8_t *p, snd_pcm_format_t format);

/* The room keeps 4 s at 16 kHz, by the monotonic clock in seconds: what the loudspeakers of this process say, and what is heard of it. */
void fault_echo_say(double at_s, double value);
double fault_echo_heard(double at_s);
void fault_echo_cut(double from_s); /* what was to be said from then on is not */

#endif
