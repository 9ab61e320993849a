/* silero.h - Silero VAD v6: how probable it is that a chunk of 32 ms holds speech.
 *
 * 512 samples of 16 kHz, behind the last 64 of the chunk before -> magnitudes of 4 short spectra [129] -> 4 convolutions -> one LSTM
 * cell [128], whose state goes from chunk to chunk -> probability. Everything is float32; within 1e-4 of the published model.
 * Source of the algorithm: snakers4/silero-vad, whose graph silero_vad_16k_op15.onnx is. */
#ifndef VA_VAD_SILERO_H
#define VA_VAD_SILERO_H

#include "kernels/kernels.h"
#include "base/error.h"

#define VA_VAD_CHUNK_SAMPLES 512
#define VA_VAD_RATE_HZ 16000

/* One stream's state; the model (va_vad_model_open of the public header) must outlive it. One thread at a time; no allocation after _new.
 */
typedef struct va_silero va_silero;
VA_MUST_CHECK int va_silero_new(const va_vad_model *model, const struct va_kernels *kernels, va_silero **ret_silero, va_error *error);
void va_silero_free(va_silero *silero);

/* As new: another stream begins. */
void va_silero_reset(va_silero *silero);

/* Takes the next chunk, pcm [512] in -1..1; returns the probability 0..1. A chunk with values that are not finite, or
 * far beyond that range, resets the state and gives 0. */
float va_silero_process(va_silero *silero, const float *pcm);

/* Takes the next chunk, pcm [512], without judging it: costs nothing, and leaves the LSTM where it was. */
void va_silero_skip(va_silero *silero, const float *pcm);

#endif
