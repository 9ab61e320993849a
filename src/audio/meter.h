/* meter.h - how loud it is. One thread adds samples, any may read the figures. Nothing here allocates, locks or waits. */
#ifndef VA_AUDIO_METER_H
#define VA_AUDIO_METER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define VA_METER_SAMPLES 1600 /* a level is that of 100 ms */
#define VA_METER_FLOOR_DB -120.0f

struct va_meter {
    _Atomic float rms_db, peak_db;   /* of the last full 100 ms, VA_METER_FLOOR_DB .. 0 */
    _Atomic uint64_t silent_samples; /* zeros since the last sample that was none */
    /* Of the writer, for the 100 ms that are not full yet. */
    double energy;
    float peak;
    size_t n;
};

void va_meter_init(struct va_meter *meter);
void va_meter_add(struct va_meter *meter, const float *pcm, size_t n);

#endif
