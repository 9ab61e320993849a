/* echo.h - takes the program's own voice out of what the microphone hears.
 *
 * An adaptive filter learns how the loudspeaker's samples arrive at the microphone, and what it predicts is subtracted; what is left of it
 * is damped where it stands above the rest (both by speexdsp). Which sample played belongs to which one heard is found here: from the times
 * that the player tells, and from the delay on top of them, measured by correlation in each reply. When that moves, the filter learns anew
 * from the last second before it goes on.
 *
 * One player (va_echo_played, va_echo_cut) and one listener (the rest) may be different threads; no locks. No allocation after _new. */
#ifndef VA_DSP_ECHO_H
#define VA_DSP_ECHO_H

#include "base/error.h"

enum { VA_ECHO_FRAME_SAMPLES = 160, VA_ECHO_MOST_DELAY_MS = 400, VA_ECHO_LEAST_TAIL_MS = 50, VA_ECHO_MOST_TAIL_MS = 400 };

struct va_echo_options {
    int cancel;       /* 0: the samples are left alone; the status still says when own sound is heard */
    int tail_ms;      /* how long the room answers, 50 .. 400 */
    int max_delay_ms; /* what the device may add to the times that the player tells, 0 .. 400 */
};

#define VA_ECHO_DEFAULTS \
    {                    \
        1, 256, 250      \
    }

typedef struct va_echo va_echo;

/* VA_EINVAL: an option out of its range. VA_ENOMEM. */
VA_MUST_CHECK int va_echo_new(const struct va_echo_options *options, va_echo **ret_echo, va_error *error);
void va_echo_free(va_echo *echo);

/* ---- the player ---- */

/* pcm [n], 16 kHz, is heard from heard_ns (CLOCK_MONOTONIC) on: called with what is handed to the device, in pieces of at most a second and
 * at most two seconds ahead. With ALSA heard_ns is the time of the hand-over and snd_pcm_delay before it. Errors of some milliseconds do no
 * harm. heard_ns 0: nobody knows; then nothing can be taken out, and the status says so. */
void va_echo_played(va_echo *echo, const int16_t *pcm, size_t n, uint64_t heard_ns);

/* What was told to be heard from from_ns on will not be: the device's buffer was dropped. */
void va_echo_cut(va_echo *echo, uint64_t from_ns);

/* ---- the listener ---- */

/* pcm [n] f32 16 kHz -1..1, the first sample captured at captured_ns (CLOCK_MONOTONIC); n is a multiple of VA_ECHO_FRAME_SAMPLES. In
 * place, the same n. Without own sound near (from the first sample played to max_delay + tail behind the last) the samples are left as
 * they are and it costs nothing; with it they come out a frame late, so that a frame is heard twice at the beginning, and one is left out
 * at the end. A jump of captured_ns by 40 ms or more is a gap in the stream. */
void va_echo_process(va_echo *echo, float *pcm, size_t n, uint64_t captured_ns);

/* What was played, as aligned with the n samples that the last va_echo_process returned: ret_pcm [n], a few milliseconds early, zeros
 * where nothing was. For a second detector that tells what the own voice says (dsp/own_voice.h). n as there. */
void va_echo_reference(const va_echo *echo, int16_t *ret_pcm, size_t n);

struct va_echo_status {
    int is_heard;           /* own sound is in the samples returned last, or may be */
    int is_ready;           /* it is taken out of them: 0 while the first sound is being learned, and where samples or times are missing */
    int delay_ms;           /* of the sound behind its times; -1: not found yet */
    float reduction_db;     /* the echo return loss: how much softer own sound became, others' speech included, over some seconds */
    float reduction_now_db; /* the same over the last half second while own sound is heard: little when somebody speaks (dsp/own_voice.h) */
    uint64_t frames;        /* worked on, since the start */
    uint64_t resets;        /* how often the filter began to learn anew */
    uint64_t lost;          /* samples of the player that came without a time, too early or in a flood */
};
void va_echo_get_status(const va_echo *echo, struct va_echo_status *ret_status);

#endif
