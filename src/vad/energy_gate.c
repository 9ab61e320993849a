#include "vad/energy_gate.h"

#include <math.h>

enum { BLOCK_CHUNKS = 24, HOLD_CHUNKS = 31 };

static const float HIGH_PASS = 0.94f;    /* its pole: 3 dB down at 150 Hz */
static const float SMOOTHING = 0.5f;     /* share of the new chunk */
static const float OPEN_RATIO = 1.4125f; /* 1.5 dB */
static const float QUIET_POWER = 1e-5f;  /* -50 dBFS */
static const float LEAST_POWER = 1e-9f;  /* -90 dBFS: less is the noise of the number format */
static const float NEGLIGIBLE = 1e-15f;  /* of the filter's tail, before it gets into numbers that processors are slow with */

void va_energy_gate_reset(struct va_energy_gate *gate)
{
    *gate = (struct va_energy_gate){.least_now = INFINITY};
}

/* Mean square of the chunk behind the high-pass. */
static float chunk_power(struct va_energy_gate *gate, const float *pcm)
{
    float input = gate->last_input, output = gate->last_output, sum = 0.0f;

    for (int i = 0; i < VA_VAD_CHUNK_SAMPLES; i++) {
        output = pcm[i] - input + HIGH_PASS * output;
        input = pcm[i];
        sum += output * output;
    }
    gate->last_input = input;
    gate->last_output = fabsf(output) < NEGLIGIBLE ? 0.0f : output;
    return sum / VA_VAD_CHUNK_SAMPLES;
}

/* The smallest of the last blocks and of the one being filled. */
static float track_floor(struct va_energy_gate *gate)
{
    float floor = gate->least_now = fminf(gate->least_now, gate->power);

    for (int i = 0; i < gate->blocks; i++)
        floor = fminf(floor, gate->least[i]);
    if (++gate->chunks == BLOCK_CHUNKS) {
        for (int i = VA_ENERGY_GATE_BLOCKS - 1; i > 0; i--)
            gate->least[i] = gate->least[i - 1];
        gate->least[0] = gate->least_now;
        gate->blocks += gate->blocks < VA_ENERGY_GATE_BLOCKS;
        gate->least_now = INFINITY;
        gate->chunks = 0;
    }
    return fmaxf(floor, LEAST_POWER);
}

int va_energy_gate_process(struct va_energy_gate *gate, const float *pcm)
{
    gate->power += SMOOTHING * (chunk_power(gate, pcm) - gate->power);
    if (!isfinite(gate->power)) {
        va_energy_gate_reset(gate);
        return 1;
    }
    int is_new = gate->blocks < VA_ENERGY_GATE_BLOCKS;
    float floor = track_floor(gate);
    if (is_new || floor > QUIET_POWER || gate->power > OPEN_RATIO * floor)
        gate->hold = HOLD_CHUNKS + 1;
    else if (gate->hold > 0)
        gate->hold--;
    return gate->hold > 0;
}
