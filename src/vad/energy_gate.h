/* energy_gate.h - is there anything to hear? The cheap stage before the speech detector: in a quiet room it stays closed.
 *
 * The power of a chunk above about 150 Hz (hum and rumble do not count), smoothed, is compared with the noise floor: its minimum over
 * the last 2.3 to 3 s. The gate opens at 1.5 dB above the floor, and closes after 1 s below. It stays open for the first 3 s, and in a
 * room louder than -50 dBFS, where speech may hide in the noise: there it spares nothing. Chosen on recordings so that it hides no
 * chunk of speech (bench/vad.py). Source of the idea: minimum statistics (Martin, 2001), without its bias correction.
 * One thread at a time; no allocation. */
#ifndef VA_VAD_ENERGY_GATE_H
#define VA_VAD_ENERGY_GATE_H

#include "vad/silero.h"

enum { VA_ENERGY_GATE_BLOCKS = 4 };

struct va_energy_gate {
    float last_input, last_output;      /* of the high-pass filter */
    float power;                        /* smoothed; full scale is 1 */
    float least[VA_ENERGY_GATE_BLOCKS]; /* the minimum of each of the last blocks */
    float least_now;                    /* of the block that is being filled */
    int blocks, chunks;                 /* filled blocks so far (all of them at most), chunks of the next */
    int hold;                           /* chunks that it will stay open */
};

void va_energy_gate_reset(struct va_energy_gate *gate);

/* Takes the next chunk, pcm [VA_VAD_CHUNK_SAMPLES]; returns 1 when open. What is not finite opens it, as at the start of a stream. */
int va_energy_gate_process(struct va_energy_gate *gate, const float *pcm);

#endif
