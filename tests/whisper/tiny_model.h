/* tiny_model.h - a prepared Whisper file with random weights and the real shapes' rules: 64 wide, one head, two layers a side.
 *
 * Its text is gibberish, but the same every time: enough to test everything about the engine but its ear. */
#ifndef VA_TESTS_TINY_MODEL_H
#define VA_TESTS_TINY_MODEL_H

#include "whisper/import.h"
#include "whisper/layout.h"

/* hparams: what the file claims, [VA_WHISPER_HPARAMS], or NULL for the truth. vocabulary: 51864 (.en) or 51865. */
void tiny_model_write(const char *path, enum va_precision precision, int vocabulary, const int32_t *hparams);

/* Bursts of noise, the same every time: pcm [n]. */
void tiny_model_noise(float *pcm, size_t n);

#define TINY_MODEL_HPARAMS                                 \
    {                                                      \
        51865, 64, 1, 2, 2, 80, 1500, 448, VA_PRECISION_S8 \
    }

#endif
