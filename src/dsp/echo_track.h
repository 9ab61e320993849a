/* echo_track.h - what the program plays itself, laid out along the microphone's samples: the reference of the echo canceller.
 *
 * The player says what is heard when; the listener lays it where that falls in its own count of samples. Times shake by milliseconds, so a
 * piece that follows the last within 30 ms of its time is laid right behind it, and only a mean of the deviations that grows beyond 6 ms
 * moves what comes next.
 * One player and one listener may be different threads: between them is a ring without locks. No allocation after _new. */
#ifndef VA_DSP_ECHO_TRACK_H
#define VA_DSP_ECHO_TRACK_H

#include "base/error.h"

enum {
    VA_ECHO_RATE_HZ = 16000,
    VA_ECHO_NS_PER_SAMPLE = 62500,
    VA_ECHO_AHEAD_SAMPLES = 4 * VA_ECHO_RATE_HZ, /* how early a sample may be told */
    VA_ECHO_BEHIND_SAMPLES = 3 * VA_ECHO_RATE_HZ /* how long the track keeps it */
};

typedef struct va_echo_track va_echo_track;

VA_MUST_CHECK int va_echo_track_new(va_echo_track **ret_track, va_error *error);
void va_echo_track_free(va_echo_track *track);

/* ---- the player ---- */

/* pcm [n] is heard from heard_ns on. What finds no room is lost. heard_ns 0: nobody knows when; all of it is lost. */
void va_echo_track_played(va_echo_track *track, const int16_t *pcm, size_t n, uint64_t heard_ns);
/* What was told to be heard from from_ns on will not be. */
void va_echo_track_cut(va_echo_track *track, uint64_t from_ns);

/* ---- the listener ---- */

/* The microphone's sample `position` was captured at now_ns: takes what the player told. Returns 1 when a sound began that does not follow
 * the one before. */
int va_echo_track_take(va_echo_track *track, int64_t position, uint64_t now_ns);

/* The samples laid at position and behind, pcm [n]; zeros where there are none. */
void va_echo_track_read(const va_echo_track *track, int64_t position, int16_t *pcm, size_t n);

/* Where the sound that came last begins and ends, as positions; 0 and 0: there was none. */
int64_t va_echo_track_begin(const va_echo_track *track);
int64_t va_echo_track_end(const va_echo_track *track);

/* Until when the player is heard, lost samples included, and how many were lost. Any thread. */
uint64_t va_echo_track_heard_until_ns(const va_echo_track *track);
uint64_t va_echo_track_lost(const va_echo_track *track);

#endif
