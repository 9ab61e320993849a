/* chime.h - short tones, made here: sines with a fade at both ends of each note, so that nothing clicks. Inside src/speech only. */
#ifndef VA_SPEECH_CHIME_H
#define VA_SPEECH_CHIME_H

#include "speech/internal.h"

#define VA_CHIME_PEAK 8231 /* -12 dB of full scale */

/* 16 kHz mono; free with va_sound_free. VA_ENOMEM. */
VA_MUST_CHECK int va_chime_make(enum va_chime chime, struct va_sound *ret_sound);

#endif
