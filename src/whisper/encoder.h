/* encoder.h - log-mel frames to encoder rows, and to the cross-attention's keys and values.
 *
 *     mel [2T, 80] -> conv1, GELU -> [2T, d] -> conv2 stride 2, GELU -> [T, d] + positions -> layers -> norm -> rows [T, d]
 *                  -> per decoder layer: cross K, V [heads][T][64]
 *
 * Work is cut into row blocks (linear layers, with everything between two attentions done while a block is in the cache) and into
 * (head, query block) tasks (attention); blocks do not depend on each other, so the bits do not depend on the threads.
 * One object per context; no allocation after _new. */
#ifndef VA_WHISPER_ENCODER_H
#define VA_WHISPER_ENCODER_H

#include "base/pool.h"
#include "whisper/model.h"

typedef struct va_encoder va_encoder;

VA_MUST_CHECK int va_encoder_new(const va_model *model, va_pool *pool, va_encoder **ret_encoder, va_error *error);
void va_encoder_free(va_encoder *encoder);

/* mel [2 * frames][80], scaled; frames 1 .. 1500. Fills the encoder's rows. */
void va_encoder_run(va_encoder *encoder, const float *mel, int frames);

/* After a run: [frames][d]. Valid until the next run. */
const float *va_encoder_rows(const va_encoder *encoder);
int va_encoder_frames(const va_encoder *encoder);

/* Cross-attention K and V of one decoder layer and head: rows of 64, float16 or float32 as the model's caches are. */
const void *va_encoder_cross_k(const va_encoder *encoder, int layer, int head);
const void *va_encoder_cross_v(const va_encoder *encoder, int layer, int head);

#endif
