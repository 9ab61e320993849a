#include "audio/meter.h"

#include <math.h>

void va_meter_init(struct va_meter *meter)
{
    atomic_store(&meter->rms_db, VA_METER_FLOOR_DB);
    atomic_store(&meter->peak_db, VA_METER_FLOOR_DB);
    atomic_store(&meter->silent_samples, 0);
    meter->energy = 0.0;
    meter->peak = 0.0f;
    meter->n = 0;
}

static float decibels(double amplitude)
{
    return amplitude > 1e-6 ? fminf((float)(20.0 * log10(amplitude)), 0.0f) : VA_METER_FLOOR_DB;
}

static void finish(struct va_meter *meter)
{
    atomic_store_explicit(&meter->rms_db, decibels(sqrt(meter->energy / VA_METER_SAMPLES)), memory_order_relaxed);
    atomic_store_explicit(&meter->peak_db, decibels(meter->peak), memory_order_relaxed);
    meter->energy = 0.0;
    meter->peak = 0.0f;
    meter->n = 0;
}

void va_meter_add(struct va_meter *meter, const float *pcm, size_t n)
{
    uint64_t silent = atomic_load_explicit(&meter->silent_samples, memory_order_relaxed);

    for (size_t i = 0; i < n; i++) {
        float value = fabsf(pcm[i]);
        silent = value > 0.0f ? 0 : silent + 1;
        meter->energy += (double)value * value;
        meter->peak = fmaxf(meter->peak, value);
        if (++meter->n == VA_METER_SAMPLES)
            finish(meter);
    }
    atomic_store_explicit(&meter->silent_samples, silent, memory_order_relaxed);
}
