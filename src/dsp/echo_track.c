#include "dsp/echo_track.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

#define RING_SAMPLES ((uint64_t)65536)
#define RING_PIECES ((uint64_t)1024)
#define TRACK_SAMPLES ((int64_t)131072) /* at least AHEAD + BEHIND */
#define FOLLOWS_SAMPLES 480
#define DEVIATION_SAMPLES 96.0
#define DEVIATION_PIECES 16

_Static_assert(TRACK_SAMPLES >= VA_ECHO_AHEAD_SAMPLES + VA_ECHO_BEHIND_SAMPLES, "the track holds what it must");

struct piece {
    uint64_t heard_ns;
    uint64_t n; /* samples; 0: a cut */
};

struct va_echo_track {
    /* Written by the player up to *_written, read by the listener up to *_read. */
    int16_t *ring;        /* [RING_SAMPLES] */
    struct piece *pieces; /* [RING_PIECES] */
    _Atomic uint64_t samples_read, pieces_written, pieces_read, heard_until_ns, lost;
    uint64_t samples_written; /* the player's */

    /* The listener's. */
    int16_t *track; /* [TRACK_SAMPLES], position % TRACK_SAMPLES */
    uint64_t samples_taken;
    int64_t begin, end; /* of the sound that came last */
    int64_t laid;       /* the track is defined up to here */
    double deviation;   /* mean of how late the stamps are against where the pieces were laid, in samples */
};

int va_echo_track_new(va_echo_track **ret_track, va_error *error)
{
    va_echo_track *track = va_calloc(1, sizeof *track);

    if (track == NULL)
        return va_fail_memory(error);
    track->ring = va_alloc(RING_SAMPLES, sizeof *track->ring);
    track->pieces = va_alloc(RING_PIECES, sizeof *track->pieces);
    track->track = va_calloc((size_t)TRACK_SAMPLES, sizeof *track->track);
    if (track->ring == NULL || track->pieces == NULL || track->track == NULL) {
        va_echo_track_free(track);
        return va_fail_memory(error);
    }
    *ret_track = track;
    return 0;
}

void va_echo_track_free(va_echo_track *track)
{
    if (track == NULL)
        return;
    va_free(track->ring);
    va_free(track->pieces);
    va_free(track->track);
    va_free(track);
}

/* ---- the player ---- */

static int hand_over(va_echo_track *track, const struct piece *piece)
{
    uint64_t at = atomic_load_explicit(&track->pieces_written, memory_order_relaxed);

    if (at - atomic_load_explicit(&track->pieces_read, memory_order_acquire) == RING_PIECES)
        return 0;
    track->pieces[at % RING_PIECES] = *piece;
    atomic_store_explicit(&track->pieces_written, at + 1, memory_order_release);
    return 1;
}

void va_echo_track_played(va_echo_track *track, const int16_t *pcm, size_t n, uint64_t heard_ns)
{
    struct piece piece = {heard_ns, n};
    uint64_t from_ns = heard_ns != 0 ? heard_ns : va_clock_ns();
    uint64_t room = RING_SAMPLES - (track->samples_written - atomic_load_explicit(&track->samples_read, memory_order_acquire));
    size_t at = (size_t)(track->samples_written % RING_SAMPLES);
    size_t first = n < RING_SAMPLES - at ? n : (size_t)RING_SAMPLES - at;

    if (n == 0)
        return;
    atomic_store_explicit(&track->heard_until_ns, from_ns + n * VA_ECHO_NS_PER_SAMPLE, memory_order_relaxed);
    if (heard_ns != 0 && n <= room) {
        memcpy(track->ring + at, pcm, first * sizeof *pcm);
        memcpy(track->ring, pcm + first, (n - first) * sizeof *pcm);
        if (hand_over(track, &piece)) {
            track->samples_written += n;
            return;
        }
    }
    atomic_fetch_add_explicit(&track->lost, n, memory_order_relaxed);
}

void va_echo_track_cut(va_echo_track *track, uint64_t from_ns)
{
    const struct piece piece = {from_ns, 0};

    atomic_store_explicit(&track->heard_until_ns, from_ns, memory_order_relaxed);
    (void)hand_over(track, &piece); /* without room for it the samples before it were lost, too */
}

/* ---- the listener ---- */

/* The track at position and behind becomes the ring's next samples, or zeros without a ring. */
static void lay(va_echo_track *track, int64_t position, const int16_t *ring, uint64_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        track->track[(size_t)((position + (int64_t)i) & (TRACK_SAMPLES - 1))] = ring != NULL ? ring[(from + i) % RING_SAMPLES] : 0;
}

/* Makes the track silent from its end to position. */
static void lay_silence(va_echo_track *track, int64_t position)
{
    if (track->laid < position - TRACK_SAMPLES)
        track->laid = position - TRACK_SAMPLES;
    if (track->laid < position)
        lay(track, track->laid, NULL, 0, (size_t)(position - track->laid));
}

/* Lays a piece that is heard at `stamped`. Returns 1 when it does not follow the last. */
static int lay_piece(va_echo_track *track, int64_t stamped, size_t n)
{
    int64_t late = stamped - track->end;
    int follows = track->end != track->begin && late > -FOLLOWS_SAMPLES && late < FOLLOWS_SAMPLES;
    int64_t position = follows ? track->end : stamped;

    if (follows) {
        track->deviation += ((double)late - track->deviation) / DEVIATION_PIECES;
        if (track->deviation > DEVIATION_SAMPLES || track->deviation < -DEVIATION_SAMPLES) {
            position += (int64_t)track->deviation;
            track->deviation = 0.0;
        }
    } else {
        track->begin = stamped;
        track->deviation = 0.0;
    }
    lay_silence(track, position);
    lay(track, position, track->ring, track->samples_taken, n);
    track->end = track->laid = position + (int64_t)n;
    return !follows;
}

static void cut(va_echo_track *track, int64_t position)
{
    if (position >= track->end)
        return;
    if (position < track->begin)
        position = track->begin;
    lay(track, position, NULL, 0, (size_t)(track->end - position));
    track->end = position;
}

int va_echo_track_take(va_echo_track *track, int64_t position, uint64_t now_ns)
{
    uint64_t at = atomic_load_explicit(&track->pieces_read, memory_order_relaxed);
    uint64_t written = atomic_load_explicit(&track->pieces_written, memory_order_acquire);
    int has_begun = 0;

    if (at == written)
        return 0;
    for (; at != written; at++) {
        const struct piece piece = track->pieces[at % RING_PIECES];
        int64_t stamped = position + (int64_t)(piece.heard_ns - now_ns) / VA_ECHO_NS_PER_SAMPLE;
        if (piece.n == 0)
            cut(track, stamped);
        else if (stamped + (int64_t)piece.n > position - VA_ECHO_BEHIND_SAMPLES &&
                 stamped + (int64_t)piece.n < position + VA_ECHO_AHEAD_SAMPLES)
            has_begun |= lay_piece(track, stamped, (size_t)piece.n);
        else
            atomic_fetch_add_explicit(&track->lost, piece.n, memory_order_relaxed);
        track->samples_taken += piece.n;
        atomic_store_explicit(&track->samples_read, track->samples_taken, memory_order_release);
    }
    atomic_store_explicit(&track->pieces_read, at, memory_order_release);
    return has_begun;
}

void va_echo_track_read(const va_echo_track *track, int64_t position, int16_t *pcm, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t at = position + (int64_t)i;
        int is_laid = at < track->laid && at >= track->laid - TRACK_SAMPLES;
        pcm[i] = is_laid ? track->track[(size_t)(at & (TRACK_SAMPLES - 1))] : 0;
    }
}

int64_t va_echo_track_begin(const va_echo_track *track)
{
    return track->begin;
}

int64_t va_echo_track_end(const va_echo_track *track)
{
    return track->end;
}

uint64_t va_echo_track_heard_until_ns(const va_echo_track *track)
{
    return atomic_load_explicit(&track->heard_until_ns, memory_order_relaxed);
}

uint64_t va_echo_track_lost(const va_echo_track *track)
{
    return atomic_load_explicit(&track->lost, memory_order_relaxed);
}
