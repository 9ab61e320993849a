/* tempo.h - frames of features at another tempo: as if the same was said faster or slower, in the same voice.
 *
 * Frames are interpolated between neighbours, in integers. One stream; pure but for its state. */
#ifndef VA_WAKE_TEMPO_H
#define VA_WAKE_TEMPO_H

#include "wake/features.h"

enum { VA_WAKE_TEMPO_SAME = 1 << 16, VA_WAKE_TEMPO_MOST = 2 }; /* frames that can come of one */

struct va_wake_tempo {
    uint32_t step; /* frames of the stream to one that comes out, times VA_WAKE_TEMPO_SAME; between 1/2 and 2 of it */
    uint32_t next; /* the next one lies so far behind `last`, times VA_WAKE_TEMPO_SAME; more than 0 */
    uint16_t last[VA_WAKE_CHANNELS];
};

/* VA_WAKE_TEMPO_SAME gives the frames as they are. */
void va_wake_tempo_init(struct va_wake_tempo *tempo, uint32_t step);

/* Takes the next frame; returns how many come of it, 0 .. VA_WAKE_TEMPO_MOST. */
int va_wake_tempo_push(struct va_wake_tempo *tempo, const uint16_t frame[VA_WAKE_CHANNELS],
                       uint16_t ret_frames[VA_WAKE_TEMPO_MOST][VA_WAKE_CHANNELS]);

#endif
