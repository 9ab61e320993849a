/* encoder.h - log-mel frames to encoder rows, and to the cross-attention's keys and values.
 *
 *     mel [2T, 80] -> conv1, GELU -> [2T, d] -> conv2 stride 2, GELU -> [T, d] + positions -> layers -> norm -> rows [T, d]
 *                  -> per decoder layer: cross K, V [heads][T][64]
 *
 * T is 1500 for a full window. A short clip gives T = its own frames, and silence out of a cache stands for the rest of the window.
 *
 * Work is cut into row blocks (linear layers, with everything between two attentions done while a block is in the cache) and into
 * (head, query block) tasks (attention); blocks do not depend on each other, so the bits do not depend on the threads.
 * One object per context; no allocation after _new. */
#ifndef VA_WHISPER_ENCODER_H
#define VA_WHISPER_ENCODER_H

#include "base/pool.h"
#include "nn/attention.h"
#include "whisper/model.h"

typedef struct va_encoder va_encoder;

VA_MUST_CHECK int va_encoder_new(const va_model *model, va_pool *pool, va_encoder **ret_encoder, va_error *error);
void va_encoder_free(va_encoder *encoder);

/* What stands behind the frames, up to the end of the window of 1500. */
enum va_encoder_tail {
    VA_TAIL_NOTHING, /* what is given is all there is */
    VA_TAIL_SILENCE  /* silence, out of the model's cache (silence.h); the model must have one */
};

/* mel [2 * frames][80], scaled; frames 1 .. 1500. Fills the encoder's rows. cancelled, when not NULL, is asked before each layer: a run of
 * a full window takes seconds on a small machine. VA_ECANCELLED: the rows are worth nothing. */
VA_MUST_CHECK int va_encoder_run(va_encoder *encoder, const float *mel, int frames, enum va_encoder_tail tail, int (*cancelled)(void *user),
                                 void *user);

/* After a run: [frames][d]. Valid until the next run. */
const float *va_encoder_rows(const va_encoder *encoder);
int va_encoder_frames(const va_encoder *encoder);

/* What a decoder layer's head attends to: keys and values of the frames, and of the tail. */
struct va_attention_cache va_encoder_cross(const va_encoder *encoder, int layer, int head);

/* From now on, called after each layer's projections: keys and values [heads][frames][64]. For silence.c. NULL switches it off. */
typedef void (*va_encoder_watch_fn)(void *user, int layer, const float *keys, const float *values);
void va_encoder_watch(va_encoder *encoder, va_encoder_watch_fn watch, void *user);

#endif
