#include "wake/tempo.h"

#include <string.h>

void va_wake_tempo_init(struct va_wake_tempo *tempo, uint32_t step)
{
    *tempo = (struct va_wake_tempo){.step = step, .next = VA_WAKE_TEMPO_SAME};
}

int va_wake_tempo_push(struct va_wake_tempo *tempo, const uint16_t frame[VA_WAKE_CHANNELS],
                       uint16_t ret_frames[VA_WAKE_TEMPO_MOST][VA_WAKE_CHANNELS])
{
    int n = 0;

    for (; tempo->next <= VA_WAKE_TEMPO_SAME; tempo->next += tempo->step, n++)
        for (int i = 0; i < VA_WAKE_CHANNELS; i++) {
            uint64_t sum = (uint64_t)tempo->last[i] * (VA_WAKE_TEMPO_SAME - tempo->next) + (uint64_t)frame[i] * tempo->next;
            ret_frames[n][i] = (uint16_t)((sum + VA_WAKE_TEMPO_SAME / 2) / VA_WAKE_TEMPO_SAME);
        }
    tempo->next -= VA_WAKE_TEMPO_SAME;
    memcpy(tempo->last, frame, sizeof tempo->last);
    return n;
}
